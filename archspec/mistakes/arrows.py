"""Slips between the steps of a flow: arrows lost, doubled or spelt otherwise, and other signs in their place."""

from __future__ import annotations

import re

from archspec.mistakes.steps import row
from archspec.mistakes.words import STATEMENTS, Fault, Rule, found
from archspec.source import Diagnostic, Fix, Span

_ALIKE = re.compile(r"[-=~|>]*>\Z")
_SIGNS = "+ - = . : / & && <- <-> += -= := ++ ^ < ⊕ ⊙ ⊗ ←".split()
_SHORTHAND_AT = re.compile(r"[A-Za-z]+([0-9]+(x[0-9]+)?)?(-[0-9]+(/[0-9]+)?|/[0-9]+)(?![A-Za-z0-9_])")


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
    if f.wants_step and f.word.text in ("...", "…"):
        return f.error("A022", "no step is left out", help="write every step, or repeat them: [ ... ]*3", expected=True)
    if not f.wants_step or f.back().kind != "arrow":
        return None
    arrow = f.span(f.back())
    if f.word.kind == "arrow" or _ALIKE.match(f.word.text):
        span, twice = f.span(f.back(), f.word), f.starts_line or f.back().end == f.word.start
        help = "leave one out" if twice else "leave one out, or write the step between them"
        fix = Fix(f.span(f.word), "") if twice else None
        return f.error("A022", "two arrows with nothing between them", span=span, help=help, fix=fix)
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
        fix = Fix(f.span(f.word), "") if f.before_bracket().kind == "name" else None
        help = "a branch begins with a step: leave the '->' out"
        return f.error("A022", "there is no step before this '->'", help=help, fix=fix)
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
    if f.back(2).text == "as":
        return f.error("A025", "a step has one name", help="leave the ',' and what follows out, or write '->'")
    if f.inside("[") and f.before_bracket().kind == "name":
        fix = Fix(f.span(f.word), " |")
        return f.error("A019", "the branches of a join are separated by '|'", help="write '|'", fix=fix, expected=True)
    branches = "; or add[a | b] for two branches" if f.inside("[") else ""
    edit = Fix(f.span(f.word), " ->") if f.ahead().kind == "name" and not branches else None
    return f.error("A019", "steps are joined with '->'", help=f"write '->'{branches}", fix=edit, expected=True)


def other_arrow(f: Fault) -> Diagnostic | None:
    """`=>`, `-->`, `>`, `- >`."""
    last = f.ahead() if f.word.text == "-" and f.ahead().text == ">" else f.word
    begins_line = f.starts_line and "LET" in f.accepts and f.back().kind != "end"
    if not (f.after_step or begins_line) or not _ALIKE.match(last.text) or last.kind == "arrow":
        return None
    span = f.span(f.word, last)
    fix = None if f.words[f.at + 1].kind in ("line", "end") else Fix(span, "->")
    caption = f"found '{span.text}'"
    message = "steps are joined with '->'"
    return f.error("A016", message, span=span, caption=caption, help="write '->'", fix=fix, expected=True)


def other_sign(f: Fault) -> Diagnostic | None:
    """`CONV(8) + ID`, `low = CONV(8)`, `FC(10) <- CONV(8)`: what is meant has a form of its own."""
    if not f.after_step or f.word.text not in _SIGNS:
        return None
    before, behind = f.step(-1), f.step(1) or "..."
    joins = {"+": "add", "+=": "add", "++": "add", "⊕": "add", "⊙": "mul", "⊗": "mul"}
    if f.word.text in joins:
        help = f"write {joins[f.word.text]}[{before} | {behind}], or '->' for one after the other"
    elif f.word.text in ("=", ":", ":=") and before.isidentifier():
        help = f"write {behind} as {before}"
        if f.ahead().kind == "number":
            text = re.split(r"->|[|\]]", f.line(f.at + 1))[0]
            help = f"write {f'{row(text)} as {before}' if row(text) else row(f'{before} {text}')}"
    elif f.word.text in ("<-", "←"):
        help = f"an arrow points where the data goes: write {behind} -> {before}"
    elif f.inside("[") and f.before_bracket().kind == "name":
        help = "write '|' between branches, '->' between steps"
    else:
        help = "write '->'" + "; or sub[a | b] for a difference" * (f.word.text == "-")
    return f.error("A016", "steps are joined with '->'", help=help, expected=True)


def no_arrow(f: Fault) -> Diagnostic | None:
    """Two steps side by side."""
    if not f.after_step or f.starts_line and not f.openers:
        return None
    if f.word.kind != "name" and f.word.text not in ("@", "["):
        return None
    if f.word.text in ("if", "for") and not f.inside("["):
        help = "a branch of a join may end in `if` or `for`; switch a step with STEP?(condition)"
        if f.word.text == "for":
            help = f"repeat a step with {f.step(-1)}*({f.line(f.at + 1)})"
        return f.error("A050", f"`{f.word.text}` belongs to a branch of a join", help=help, expected=True)
    if f.word.text == "@":
        help = f"a tap begins a flow; to merge it in write concat[ID | @{f.ahead().text}]"
        return f.error("A011", "two steps with nothing between them", help=help, expected=True)
    short = _SHORTHAND_AT.match(f.source.text, f.word.start)
    span = Span(f.source, f.word.start, short.end()) if short else f.span(f.word)
    fix: Fix | None = Fix(Span(f.source, f.word.start, f.word.start), "-> ")
    help = "put '->' between them"
    if f.inside("[") and f.before_bracket().kind == "name":
        fix, help = None, help + ", or '|' if they are two branches"
    elif f.back().text == f.word.text:
        fix, help = None, help + ", or leave one out"
    elif f.back().text.islower() and f.word.text.islower() and not short:
        fix, help = None, help + "; `archspec ops` lists the layers"
    message, caption = "two steps with nothing between them", f"found '{span.text}'"
    return f.error("A011", message, span=span, caption=caption, help=help, fix=fix, expected=True)


TABLE: tuple[Rule, ...] = (step_missing, leading_arrow, comma_for_arrow, other_arrow, other_sign, no_arrow)
