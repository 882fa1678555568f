"""Slips in flows: arrows, branches, shorthand, arguments without parentheses."""

from __future__ import annotations

import re

from archspec.mistakes.words import STATEMENTS, Fault, Rule, Word, found
from archspec.source import Diagnostic, Fix, Span

ARROWS = ("=>", "-->", "==>", "~>", ">>", ">", "|>", "=", "+", "-", "--", ".", ":", "*=", "+=", "/", "&", "<-")
_SHORTHAND = re.compile(r"[A-Za-z]+([0-9]+(x[0-9]*)?)?\Z")
_WHOLE_SHORTHAND = re.compile(r"[A-Za-z]+([0-9]+(x[0-9]+)?)?(-[0-9]+(/[0-9]+)?|/[0-9]+)\Z")
_WHOLE_SHORTHAND_AT = re.compile(r"[A-Za-z]+([0-9]+(x[0-9]+)?)?(-[0-9]+(/[0-9]+)?|/[0-9]+)(?![A-Za-z0-9_])")


def spaced_shorthand(f: Fault) -> Diagnostic | None:
    """`conv3 - 64`: the shorthand is one word."""
    if not f.after_step or f.back(2).text == "*":
        return None
    first = f.back() if f.back().kind == "name" else f.back(3)
    if not _SHORTHAND.match(first.text) or not (f.word.text in ("-", "/") or f.word.kind == "number"):
        return None
    last = first
    for word in f.words[f.words.index(first) + 1 :]:
        if word.kind != "number" and word.text not in ("-", "/"):
            break
        last = word
    span = f.span(first, last)
    joined = re.sub(r"\s", "", span.text)
    if _WHOLE_SHORTHAND.match(joined) and joined != span.text:
        fix = Fix(span, joined)
        return f.error("A033", "shorthand is written without spaces", span=span, help=f"write {joined}", fix=fix)
    if last.kind == "number" and f.word.text in ("-", "/"):
        help = "shorthand looks like conv3-64, conv7-64/2, FC-4096, maxpool3/2; or write CONV(64, 3x3)"
        return f.error("A033", f"{span.text} is no shorthand", span=span, help=help)
    return None


def bare_arguments(f: Fault) -> Diagnostic | None:
    """`CONV 64`, `CONV 3x3, 64`, `CONV{64}`, `CONV<64>`, `CONV[64]`."""
    values = (w for w in _to_arrow(f) if w.text not in ("{", "}", "<", ">", "[", "]", "="))
    written = "".join(f"{w.text} " if w.text == "," else w.text for w in values).strip()
    if f.after_step and f.back().kind == "name" and (f.word.kind in ("number", "text") or f.word.text in ("{", "<")):
        if f.word.text == "{" and not written:
            return None
        layer, start = f.back(), f.word
    elif (
        f.wants_step and f.inside("[") and f.back().text == "[" and f.word.kind == "number" and f.back(2).kind == "name"
    ):
        layer, start = f.back(2), f.back()
    else:
        return None
    span = f.span(start, _to_arrow(f)[-1])
    form = f"{layer.text}({written})"
    return f.error(
        "A038",
        "a layer's arguments stand in parentheses",
        help=f"write {form}",
        fix=Fix(Span(f.source, layer.end, span.end), f"({written})"),
        expected=True,
    )


def _to_arrow(f: Fault) -> list[Word]:
    """The words from here to the next arrow, branch or end of the line."""
    out: list[Word] = []
    for word in f.rest():
        if out and (word.kind == "arrow" or word.text in ("|", "*", "?", "as", "=>", ";")):
            break
        out.append(word)
        if word.text in ("}", ">", "]"):
            break
    return out or [f.word]


def round_group(f: Fault) -> Diagnostic | None:
    """`(CONV -> RELU)*3`, `{CONV -> RELU}*3`."""
    if not f.wants_step or f.word.text not in ("(", "{"):
        return None
    return f.error(
        "A039",
        "steps are grouped with [ ]",
        help="write [CONV(64) -> RELU]*3; ( ) holds arguments and { } a body",
        expected=True,
    )


def arguments_behind(f: Fault) -> Diagnostic | None:
    """`concat[a | b](axis=1)`."""
    if not f.after_step or f.word.text != "(" or f.back().text not in ("]", ")"):
        return None
    name, depth = f.back(), 0
    for word in reversed(f.words[: f.at]):
        if depth == 0 and word is not f.back():
            name = word
            break
        depth += (word.text in ("]", ")")) - (word.text in ("[", "("))
    given = f.text(f.word, _to_close(f))
    help = f"write {name.text}{given}[...]" if f.back().text == "]" else "write one pair of parentheses: CONV(64, 3x3)"
    return f.error("A064", "arguments stand right behind the name, once", help=help, expected=True)


def _to_close(f: Fault) -> Word:
    """The ')' of the '(' at fault, or the last word of its line."""
    depth = 0
    for word in f.rest():
        depth += (word.text == "(") - (word.text == ")")
        if not depth:
            return word
    return f.rest()[-1]


def wrong_bar(f: Fault) -> Diagnostic | None:
    """`|` between steps that no join holds, or in ( )."""
    if f.word.text not in ("|", "||") or f.inside("["):
        return None
    if f.inside("("):
        name = f.before_bracket().text
        return f.error("A020", "branches stand in [ ]", help=f"write {name}[a | b]", expected=True)
    return f.error(
        "A020", "'|' stands between the branches of a join", help="write add[a | b] or concat[a | b]", expected=True
    )


def empty_branch(f: Fault) -> Diagnostic | None:
    if f.word.text not in ("|", "]", "||") or not f.inside("["):
        return None
    if f.word.text == "||" or (f.wants_step and f.back().text in ("[", "|")):
        if f.back().text == "[" and f.word.text == "]":
            form = f"{f.before_bracket().text}[CONV(64)]" if f.before_bracket().kind == "name" else "[CONV(64) -> RELU]"
            return f.error("A021", "there is nothing between these brackets", help=f"write {form}", expected=True)
        at = f.word.start + (f.word.text == "||")
        fix = Fix(Span(f.source, at, at), "ID " if f.back().text != "[" or f.word.text == "||" else "ID ")
        return f.error(
            "A021", "a branch is empty", help="write ID for a branch that changes nothing", fix=fix, expected=True
        )
    return None


def step_missing(f: Fault) -> Diagnostic | None:
    """Nothing behind an arrow, or behind the '=' of a flow."""
    keyword = f.back()
    sign = f.back(2).text
    if keyword.text in STATEMENTS and sign in ("->", "=") and f.words[f.words.index(keyword) - 1].kind == "line":
        what = "step" if sign == "->" else "flow"
        caption, help = f"then comes the {keyword.text} statement", f"write the {what} behind it"
        message = f"a {what} is missing after this '{sign}'"
        return f.error("A022", message, span=f.span(f.back(2)), caption=caption, help=help)
    if f.wants_step and f.back().text == "=" and (f.ends_line or f.word.text in STATEMENTS or f.word.text == "}"):
        help = "write the flow behind it: CONV(64) -> RELU"
        return f.error("A022", "a flow is missing after this '='", span=f.span(f.back()), caption="", help=help)
    if not f.wants_step or f.back().kind != "arrow":
        return None
    arrow = f.span(f.back())
    if f.word.kind == "arrow":
        span = f.span(f.back(), f.word)
        return f.error(
            "A022", "two arrows with nothing between them", span=span, help="leave one out", fix=Fix(f.span(f.word), "")
        )
    if f.word.kind == "end" or f.word.text in ("]", "|", "}", ")") or (f.word.text in STATEMENTS and f.starts_line):
        where = found(f.word)
        return f.error(
            "A022",
            "a step is missing after this '->'",
            span=arrow,
            caption=f"then comes {where}",
            help="write the step, or leave the '->' out",
        )
    return None


def leading_arrow(f: Fault) -> Diagnostic | None:
    """An arrow with no step before it."""
    if f.word.kind != "arrow" or f.after_step:
        return None
    if f.wants_step or "LET" in f.accepts:
        if f.back().kind == "end" or f.back().text in ("{", "="):
            return f.error("A022", "there is no step before this '->'", help="begin the flow with INPUT: INPUT -> ...")
        help = "a branch begins with a step: leave the '->' out"
        return f.error("A022", "there is no step before this '->'", help=help, fix=Fix(f.span(f.word), ""))
    if f.starts_line and not f.openers[-1:] > (f.first,):
        last = f.back()
        return f.error(
            "A057",
            f"this '->' would go on with the {f.keyword} statement above",
            caption="",
            help="begin the flow with INPUT, an input's name or a tap: INPUT -> ...",
            labels=(),
            span=f.span(f.word) if last else None,
        )
    return None


def comma_for_arrow(f: Fault) -> Diagnostic | None:
    if not f.after_step or f.word.text != ",":
        return None
    if f.inside("[") and f.before_bracket().kind == "name":
        form, message = " |", "the branches of a join are separated by '|'"
    else:
        form, message = " ->", "steps are joined with '->'"
    return f.error("A019", message, help=f"write '{form.strip()}'", fix=Fix(f.span(f.word), form), expected=True)


def other_arrow(f: Fault) -> Diagnostic | None:
    """Another sign where '->' is wanted, or '->' spelt otherwise."""
    if not f.after_step or f.word.text not in ARROWS:
        return None
    span = f.span(f.word)
    if f.word.text == "-" and f.ahead().text == ">":
        span = f.span(f.word, f.ahead())
    alike = f.word.text in ("=>", "-->", "==>", "~>", ">>", ">", "|>") or span.text != f.word.text
    branches = "" if alike and f.word.text != "=>" else "; to sum two branches write add[a | b]"
    nothing = f.ahead().kind in ("line", "end")
    return f.error(
        "A016",
        "steps are joined with '->'",
        span=span,
        caption=f"found '{span.text}'",
        help=f"write '->'{branches}",
        fix=None if nothing else Fix(span, "->"),
        expected=True,
    )


def no_arrow(f: Fault) -> Diagnostic | None:
    """Two steps side by side."""
    if not f.after_step or f.starts_line and not f.openers:
        return None
    if f.word.kind != "name" and f.word.text not in ("@", "["):
        return None
    if f.word.text in ("if", "for") and not f.inside("["):
        help = "switch a step with STEP?(condition); a branch of a join may end in `if` or `for`"
        return f.error("A050", f"`{f.word.text}` belongs to a branch of a join", help=help, expected=True)
    here = Span(f.source, f.word.start, f.word.start)
    short = _WHOLE_SHORTHAND_AT.match(f.source.text, f.word.start)
    span = Span(f.source, f.word.start, short.end()) if short else f.span(f.word)
    join = f.inside("[") and f.before_bracket().kind == "name"
    help = "put '->' between them" + (", or '|' if they are two branches" if join else "")
    if f.word.text == "@":
        help = f"a tap begins a flow; to merge it in write concat[ID | @{f.ahead().text}]"
        return f.error("A011", "two steps with nothing between them", help=help, expected=True)
    message, caption = "two steps with nothing between them", f"found '{span.text}'"
    return f.error("A011", message, span=span, caption=caption, help=help, fix=Fix(here, "-> "), expected=True)


TABLE: tuple[Rule, ...] = (
    spaced_shorthand,
    bare_arguments,
    round_group,
    arguments_behind,
    wrong_bar,
    empty_branch,
    step_missing,
    leading_arrow,
    comma_for_arrow,
    other_arrow,
    no_arrow,
)
