"""Slips behind a step: the count of a repeat, `?`, `as`, and taps."""

from __future__ import annotations

import re

from archspec.mistakes.words import Fault, Rule, Word
from archspec.source import Diagnostic, Fix

_TIMES = ("x", "X", "×", "times")
_GLUED = re.compile(r"[xX]([0-9]+)\Z")


def _count_end(f: Fault) -> Word:
    """The last word of a count that goes on here: up to an arrow, a bracket's end, `as` or the line's end."""
    last, depth = f.word, 0
    for word in f.rest():
        depth += (word.text in ("(", "[")) - (word.text in (")", "]"))
        if word.kind == "arrow" or word.text in ("as", "?", "|", "}") or depth < 0:
            break
        last = word
    return last


def computed_count(f: Fault) -> Diagnostic | None:
    """`]*n-1`: the count ends at n."""
    if not f.after_step or f.back(2).text != "*" or f.back().kind not in ("name", "number"):
        return None
    if f.word.text == "in" and f.back().kind == "name":
        span = f.span(f.back(), _count_end(f))
        help = f"write *({span.text})"
        return f.error("A048", "a loop header stands in parentheses", help=help, fix=Fix(span, f"({span.text})"))
    step = f.ahead().text in ("@", "[") or f.ahead().text[:1].isupper()  # a sum of branches, that is
    if f.word.text not in ("+", "-", "/", "//", "%", "^", "(", ".") or step:
        return None
    span = f.span(f.back(), _count_end(f))
    return f.error(
        "A014",
        "a computed repeat count needs parentheses",
        help=f"write *({span.text})",
        fix=Fix(span, f"({span.text})"),
        expected=True,
    )


def count_missing(f: Fault) -> Diagnostic | None:
    """`*` with no count behind it, or with one that is none."""
    if f.word.text == "**" and "INT" in f.accepts and "FLOAT" not in f.accepts:
        return f.error("A023", "this repeat has two '*'", help="write *3", expected=True)
    if f.back().text != "*" or f.after_value or "INT" not in f.accepts or "FLOAT" in f.accepts:
        return None
    star = f.span(f.back())
    if f.word.text == "[":
        form = "write *(w in [64, 128]), or *2 for twice the same"
        return f.error("A048", "a list is read by a name in a loop header", help=form)
    if f.word.kind == "number" or f.word.text == "-":
        help = "write a whole number from 0, a name, or a computed count in parentheses: *(n-1)"
        return f.error("A023", "a repeat count is a whole number", help=help, expected=True)
    if f.word.text == "*":
        return f.error("A023", "this repeat has two '*'", help="write *3", expected=True)
    return f.error("A023", "this '*' has no count", span=star, help="write *3, *N or *(n-1)", expected=True)


def count_first(f: Fault) -> Diagnostic | None:
    """`3*[ ... ]`, `2x[ ... ]`, `*3[ ... ]`."""
    if not f.wants_step:
        return None
    start = f.word
    count = re.match(r"([0-9]+)(x?)\Z", start.text)
    if count and (count[2] or f.ahead().text in ("*", "[", *_TIMES)):
        number = count[1]
    elif start.text == "*" and f.ahead().kind in ("number", "name"):
        number = f.ahead().text
    else:
        return None
    message = "a repeat count stands behind what it repeats"
    step = re.sub(r"^(x|X|\*|×|times)\s*", "", f.step(1)) if count else ""
    return f.error("A024", message, caption="", help=f"write {step or '[ ... ]'}*{number}", expected=True)


def count_behind(f: Fault) -> Diagnostic | None:
    """`[ ... ]x3`, `[ ... ] x 3`, `[ ... ]3`."""
    if not f.after_step:
        return None
    if f.word.text == "(" and _GLUED.match(f.ahead().text):
        message = "a repeat is written with '*'"
        return f.error("A024", message, help=f"write *{f.ahead().text[1:]}", expected=True)
    match = _GLUED.match(f.word.text)
    counts = ("number", "name") if f.back().text in (")", "]") else ("number",)
    last = f.word
    if match:
        count = match[1]
    elif f.word.text in (*_TIMES, "^") and f.ahead().kind in counts:
        last, count = f.ahead(), f.ahead().text
    elif f.word.kind == "number" and f.back().text == "]":
        count = f.word.text
    else:
        return None
    fix = None if f.word.text == "^" else Fix(f.span(f.word, last), f"*{count}")
    return f.error("A024", "a repeat is written with '*'", help=f"write *{count}", fix=fix, expected=True)


def condition(f: Fault) -> Diagnostic | None:
    """`BN?last`, `BN?not first`, `BN?=on`: a switch's condition without its parentheses."""
    if f.back().text != "?" or not f.after_step:
        return None
    begins = f.word.text in ("first", "last", "not", "on", "off", "=", ":")
    if not begins and not (f.word.start == f.back().end and f.word.text.islower()):
        return None
    words = f.rest()
    end = next(
        (i for i, w in enumerate(words) if w.kind == "arrow" or w.text in ("as", "|", "]", "}", "*")), len(words)
    )
    given = [w for w in words[: end or 1] if w.text not in ("=", ":")]
    if not given:
        return None
    text, span = f.text(given[0], given[-1]), f.span(f.word, given[-1])
    step = f.step(-1).removesuffix("?")
    message, help = "a switch's condition stands in parentheses", f"write {step}?({text})"
    return f.error("A058", message, span=span, help=help, fix=Fix(span, f"({text})"))


def option_first(f: Fault) -> Diagnostic | None:
    if f.word.text not in ("?", "*") or not (f.wants_step or f.after_step):
        return None
    if f.word.text == "*":
        help = "the order is STEP*3? as NAME"
        return f.error("A058", "'*' comes before '?' and 'as'", help=help, expected=True) if f.after_step else None
    if f.wants_step:
        return f.error("A058", "'?' stands behind the step that it makes optional", help="write POOL?", expected=True)
    return f.error(
        "A058", "'?' comes once, after the repeats and before 'as'", help="write [ ... ]*3? as x", expected=True
    )


def nameless(f: Fault) -> Diagnostic | None:
    """`as` and `@` without a name, and `as` with no step before it."""
    if f.back().text == "as" and "NAME" in f.accepts and f.word.kind != "name":
        help = "write the name of the place: CONV(64) as e"
        span = f.span(f.back()) if f.ends_line or f.word.kind == "arrow" else None
        return f.error("A025", "'as' gives a step a name, and none is here", span=span, help=help)
    if f.word.text == "(" and f.back(2).text == "@" and f.after_step:
        return f.error("A063", "a tap's index stands in [ ]", help=f"write @{f.back().text}[0]", expected=True)
    if f.back().text == "@" and f.word.kind != "name":
        span = f.span(f.back())
        return f.error(
            "A047", "'@' reads a labelled place, and no name is here", span=span, help="write @e, or @e[0] in a repeat"
        )
    if f.word.text == "as" and f.after_step:
        return f.error("A025", "a step has one name", help="leave one `as` out, or name another step", expected=True)
    if f.word.text == "as" and f.wants_step:
        return f.error("A025", "'as' names the step before it, and there is none", help="write CONV(64) as e")
    return None


TABLE: tuple[Rule, ...] = (computed_count, count_missing, count_first, count_behind, condition, option_first, nameless)
