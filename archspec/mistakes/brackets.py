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
    if f.word.text not in CLOSER.values() or f.word.kind != "sign":
        return None
    wanted = [CLOSER[f.words[i].text] for i in f.openers]
    if f.word.text in wanted:
        return None
    closer = f.word.text
    opening = next(o for o, c in CLOSER.items() if c == closer)
    if f.opener is None or f.opener.text == "{":
        return f.error(
            "A018",
            f"this '{closer}' closes nothing",
            caption=f"there is no '{opening}' before it",
            help=f"leave it out, or write the '{opening}'",
        )
    right = CLOSER[f.opener.text]
    surplus = f.ahead().text == right
    return f.error(
        "A018",
        f"a '{f.opener.text}' is closed by '{closer}'",
        labels=(Label(f.span(f.opener), "opened here"),),
        help="leave it out" if surplus else f"write '{right}'",
        fix=Fix(f.span(f.word), "" if surplus else right),
    )


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
    outer = f.word.kind == "sign" and f.word.text in CLOSER.values()
    statement = f.starts_line and f.word.text in STATEMENTS and f.words[f.at + 1].text not in (")", "]", ",", "=")
    new_line = f.starts_line and closes(f, f.openers[-1]) is None and not f.wants_value
    if f.word.kind == "end" or statement or new_line:
        return _unclosed(f, opener)
    if outer and f.word.text != CLOSER[opener.text]:
        sure = not f.wants_value and f.word.text != "}"
        return _unclosed(f, opener, Fix(f.gap(), CLOSER[opener.text]) if sure else None, f" before {found(f.word)}")
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


TABLE: tuple[Rule, ...] = (body_never_closed, never_opened, never_closed, arrow_in_arguments)
