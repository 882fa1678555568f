"""Brackets that are never closed, never opened, or closed by another kind."""

from __future__ import annotations

from archspec.mistakes.words import CLOSER, STATEMENTS, Fault, Rule, Word, found
from archspec.source import Diagnostic, Fix, Label


def closes(f: Fault, opener: int) -> int | None:
    """The index of the word that closes a bracket, or None where the statement ends before it."""
    depth: list[str] = []
    for i in range(opener, len(f.words)):
        word = f.words[i]
        if word.kind == "sign" and word.text in CLOSER:
            depth.append(CLOSER[word.text])
        elif word.kind == "sign" and word.text in CLOSER.values():
            if word.text != depth[-1]:
                return None
            depth.pop()
            if not depth:
                return i
        elif word.kind == "line" and i + 1 < len(f.words) and f.words[i + 1].text in STATEMENTS and "}" not in depth:
            return None
    return None


def never_opened(f: Fault) -> Diagnostic | None:
    if f.word.text not in CLOSER.values() or f.word.kind != "sign" or f.inside("(") or f.inside("["):
        return None
    if f.word.text == "}" and f.opener is not None:
        return None
    opening = next(o for o, c in CLOSER.items() if c == f.word.text)
    return f.error(
        "A018",
        f"this '{f.word.text}' closes nothing",
        caption=f"there is no '{opening}' before it",
        help=f"leave it out, or write the '{opening}'",
    )


def mismatched(f: Fault) -> Diagnostic | None:
    """`[CONV(64))]`, `[CONV(64)) -> RELU`, `[CONV(64] -> RELU`: one too many, of another kind, or before one that is
    missing, as the brackets that are closed behind it tell."""
    if f.word.text not in (")", "]") or f.word.kind != "sign" or not (f.inside("(") or f.inside("[")):
        return None
    assert f.opener is not None
    right, behind = CLOSER[f.opener.text], _closed_behind(f)
    wanted = [CLOSER[f.words[i].text] for i in reversed(f.openers) if f.words[i].text != "{"]
    if f.word.text == right or (f.back().text in ("->", "|") and behind != wanted):
        return None
    if f.word.text in wanted and behind not in (wanted, wanted[1:]):
        sure = not f.wants_value and [f.word.text, *behind] == wanted[1:]
        return _unclosed(f, f.opener, Fix(f.gap(), right) if sure else None, f" before {found(f.word)}")
    meant = "" if behind == wanted else right
    fix = None if f.wants_value else Fix(f.span(f.word), meant)
    return f.error(
        "A018",
        f"a '{f.opener.text}' is closed by '{f.word.text}'",
        labels=(Label(f.span(f.opener), "opened here"),),
        help=f"write '{meant}'" if meant else "leave it out",
        fix=fix,
    )


def _closed_behind(f: Fault) -> list[str]:
    """The ends of brackets behind this word that were opened before it, up to the end of the statement."""
    out, depth = [], 0
    for i in range(f.at + 1, len(f.words) - 1):
        word = f.words[i]
        depth += word.text in CLOSER
        if word.text in CLOSER.values():
            out += [word.text] * (not depth)
            depth = max(0, depth - 1)
        if out[-1:] == ["}"] or (word.kind == "line" and f.words[i + 1].text in STATEMENTS):
            break
    return [closer for closer in out if closer != "}"]


def _unclosed(f: Fault, opener: Word, fix: Fix | None = None, before: str = "") -> Diagnostic:
    closer = CLOSER[opener.text]
    help = f"close the '{opener.text}' of {f.span(opener).place} with '{closer}'{before}"
    if f.word.kind == "end":
        return f.error("A012", "a bracket is never closed", span=f.span(opener), caption="opened here", help=help)
    label = Label(f.span(opener), "opened here, still open")
    here = f.span(f.word)
    return f.error(
        "A012",
        "a bracket is never closed",
        span=here,
        caption=f"found {found(f.word)}",
        labels=(label,),
        help=help,
        fix=fix,
        expected=True,
    )


def body_never_closed(f: Fault) -> Diagnostic | None:
    """`{` open at the end of the file; the next definition at the margin shows where its '}' is missing."""
    if f.word.kind != "end" or not f.inside("{"):
        return None
    assert f.opener is not None
    for i in range(f.openers[-1], len(f.words) - 1):
        word, following = f.words[i], f.words[i + 1]
        at_margin = word.kind == "line" and following.start == word.end
        if at_margin and following.text in ("net", "block", "import", "from", "default"):
            label = Label(f.span(following), "is a '}' missing above this line?")
            return f.error(
                "A012",
                "a '{' is never closed",
                span=f.span(f.opener),
                caption="opened here",
                labels=(label,),
                help="write '}' on a line of its own",
            )
    help = "write '}' on a line of its own at the end"
    return f.error("A012", "a '{' is never closed", span=f.span(f.opener), caption="opened here", help=help)


def never_closed(f: Fault) -> Diagnostic | None:
    """The end of the file, an outer bracket's end, or a new statement, inside ( ) or [ ]."""
    opener = f.opener
    if opener is None or opener.text == "{" or f.back().text in ("->", "|"):
        return None
    statement = f.starts_line and f.word.text in STATEMENTS and f.words[f.at + 1].text not in (")", "]", ",", "=")
    new_line = f.starts_line and closes(f, f.openers[-1]) is None and not f.wants_value
    if f.word.kind == "end" or statement or new_line:
        return _unclosed(f, opener)
    if f.word.text == "}":
        return _unclosed(f, opener, before=" before '}'")
    return None


def arrow_in_arguments(f: Fault) -> Diagnostic | None:
    """`CONV(64 -> RELU`, `@e[0 -> RELU`: the arrow shows where the bracket should have ended."""
    opener = f.opener
    if opener is None or opener.text == "{":
        return None
    header = f.word.text == "{" and f.keyword in ("net", "block") and f.openers[-1] > f.first and not f.wants_value
    if header:
        return _unclosed(f, opener, Fix(f.gap(), CLOSER[opener.text]), " before '{'")
    if f.word.kind != "arrow" or not f.after_value or "VBAR" in f.accepts:
        return None
    if f.inside("(") and f.back().kind == "name" and f.ahead().kind == "number":
        help = f"write {f.back().text}={f.ahead().text}"
        return f.error("A036", "an argument is given with '='", help=help, fix=Fix(f.span(f.word), "="))
    close, name = closes(f, f.openers[-1]), f.before_bracket().text
    if close is not None:
        flow = f.text(f.words[f.openers[-1] + 1], f.words[close - 1])
        branches = f"; or write {name}[{flow}]" if name.islower() and f.inside("(") else ""
        return f.error(
            "A052",
            "a flow is no value",
            help=f"name it, block NAME = ..., and hand over the name{branches}",
            labels=(Label(f.span(opener), "inside these arguments"),),
        )
    return _unclosed(f, opener, Fix(f.gap(), CLOSER[opener.text]), " before '->'")


TABLE: tuple[Rule, ...] = (body_never_closed, never_opened, mismatched, never_closed, arrow_in_arguments)
