"""Slips in arguments and values: sizes, numbers, commas, comparisons, conditionals and loop headers."""

from __future__ import annotations

import re

from archspec.mistakes.keywords import FORMS
from archspec.mistakes.words import Fault, Rule, found
from archspec.source import Diagnostic, Fix, Span

_SYMBOLIC = re.compile(r"[0-9A-Za-z]+(x([0-9]+|[A-Za-z]\w*))+\Z")
_BINARY = ("+", "-", "*", "/", "//", "%", "^", "..", "==", "!=", "<", "<=", ">", ">=", "and", "or", "not", "then")


def symbolic_size(f: Fault) -> Diagnostic | None:
    """`3xHxW`: sizes with x between are numbers."""
    word = f.word
    if word.kind != "number" or f.position == word.start or not re.match(r"[0-9]+x[0-9x]*[A-Za-z]", word.text):
        return None
    parts = re.split(r"x", word.text)
    if not all(re.fullmatch(r"[0-9]+|[A-Za-z]\w*", part) for part in parts):
        return None
    names = [part for part in parts if not part.isdigit()]
    written = f"({', '.join(parts)})"
    span = Span(f.source, f.position, word.end)
    bound = ", ".join(f"-D {name}=..." for name in dict.fromkeys(names))
    return f.error(
        "A015",
        "symbolic sizes are written as a tuple",
        span=span,
        caption=f"found '{span.text}'",
        help=f"write {written}, and bind the names: {bound}",
        fix=Fix(f.span(word), written),
        expected=True,
    )


def spaced_size(f: Fault) -> Diagnostic | None:
    """`3 x 3`, `3 x3`, `3x 3`."""
    i = f.at
    start = i - 1 if f.word.kind == "name" and re.match(r"x[0-9x]*\Z", f.word.text) else i
    if f.words[start].kind != "number":
        return None
    joined, last, line = "", f.words[start], f.words[start:]
    for word in line:
        fits = word.kind in ("number", "name") and re.fullmatch(r"[0-9x]+", word.text)
        if not fits or not (joined == "" or "x" in (joined[-1], word.text[0])):
            break
        joined, last = joined + word.text, word
    if last is f.words[start] or not re.fullmatch(r"[0-9]+(x[0-9]+)+", joined):
        return None
    span = f.span(f.words[start], last)
    return f.error("A034", "a size is written without spaces", span=span, help=f"write {joined}", fix=Fix(span, joined))


def number(f: Fault) -> Diagnostic | None:
    """`2x`, `10k`, `3n`, `.5`, `5.`."""
    word = f.word
    if word.text == "." and f.ahead().kind == "number" and f.ahead().start == word.end and f.wants_value:
        span = f.span(word, f.ahead())
        return f.error(
            "A051",
            "a number begins with a digit",
            span=span,
            help=f"write 0{span.text}",
            fix=Fix(span, f"0{span.text}"),
        )
    if word.text == "." and f.back().kind == "number" and f.after_value:
        span = f.span(f.back(), word)
        return f.error(
            "A051", "a number does not end in '.'", span=span, help=f"write {f.back().text}.0 or {f.back().text}"
        )
    if word.kind != "number" or f.position == word.start:
        return None
    span = f.span(word)
    digits, rest = f.source.text[word.start : f.position], f.source.text[f.position : word.end]
    if re.fullmatch(r"[0-9]+(x[0-9]+)*x", word.text):
        help = f"write {digits}x{digits} or {digits}" if "x" not in digits else f"write {digits}"
        return f.error("A035", "a size is missing behind the x", span=span, help=help)
    if re.fullmatch(r"0[xX][0-9A-Fa-f]+|0[bo][0-9]+|[0-9]+[eE]", word.text):
        help = "numbers look like 64, 0.5, 1e-5, 5M"
        return f.error("A051", f"{word.text} is no number", span=span, help=help)
    scale = {"k": "K", "m": "M", "g": "G", "t": "T", "b": "G", "B": "G"}.get(rest)
    if scale:
        return f.error(
            "A051",
            f"{word.text} is no number",
            span=span,
            help=f"write {digits}{scale}",
            fix=Fix(span, f"{digits}{scale}"),
        )
    if rest[0].isalpha() and rest.isidentifier():
        help = f"write {digits}*{rest}" if f.after_value else f"write *({digits}*{rest})"
        help = help if f.after_value or f.back().text == "*" else "a name begins with a letter"
        return f.error("A051", f"{word.text} is neither a number nor a name", span=span, help=help)
    help = "numbers look like 64, 0.5, 1e-5, 5M; sizes like 3x3"
    return f.error("A051", f"{word.text} is no number", span=span, help=help)


def value_missing(f: Fault) -> Diagnostic | None:
    """Nothing behind `name=`, a comma or an operator."""
    if not f.wants_value:
        return None
    closed = f.word.text in (",", ")", "]", "}", "|") or f.ends_line or f.word.kind == "arrow"
    before = f.back()
    if before.text == "=" and f.word.text in ("=", "=="):
        again = Fix(f.span(f.word), "")
        return f.error("A053", "two '=' with nothing between them", help="leave one out", fix=again, expected=True)
    if before.text == "=" and closed:
        name = f.back(2).text
        if f.inside("("):
            help = f"write {name}=VALUE, or leave it out"
            return f.error("A013", "an argument has no value", help=help, expected=True)
        return f.error(
            "A013", f"this {f.keyword} has no value", help=f"write: {f.keyword} {name} = VALUE", expected=True
        )
    if before.text in ("(", "[", ",") and f.word.text == ",":
        fix = Fix(f.span(f.word), "") if before.text == "," else None
        return f.error(
            "A053",
            "a value is missing before this ','",
            help="leave the ',' out, or write the value",
            fix=fix,
            expected=True,
        )
    if before.text in _BINARY and (closed or f.word.text in _BINARY or f.word.text == "="):
        message = f"a value is missing behind '{before.text}'"
        help = (
            "write one sign: " + " or ".join(dict.fromkeys((before.text, f.word.text)))
            if f.word.text in _BINARY
            else ""
        )
        return f.error("A053", message, help=help, expected=True)
    if f.word.text in ("+", ".."):
        help = "leave the '+' out" if f.word.text == "+" else "write both ends: 0..3"
        return f.error("A053", f"a value is missing before '{f.word.text}'", help=help, expected=True)
    if closed or f.word.text == "{" and before.text == "in":
        help = f"write: {FORMS[f.keyword]}" if f.keyword in FORMS and not f.inside("[") and not f.inside("(") else ""
        return f.error("A053", "a value is missing here", help=help, expected=True)
    if f.word.text == "{":
        return f.error("A062", "a list stands in [ ]", help="write [1, 2, 3]", expected=True)
    return None


def comparison(f: Fault) -> Diagnostic | None:
    """`=` for `==`, and `a < b < c`."""
    if f.word.text == "=" and "CMP" in f.accepts:
        return f.error("A027", "a comparison is written with two '='", help="write '=='", fix=Fix(f.span(f.word), "=="))
    if f.word.text in ("<", "<=", ">", ">=", "==", "!=") and "AND" in f.accepts:
        middle = f.back().text
        help = f"connect two comparisons with `and`: a < {middle} and {middle} {f.word.text} b"
        return f.error("A032", "comparisons are not chained", help=help)
    if f.word.text in ("!", "=>", "=<") and "CMP" in f.accepts:
        right = {"=>": ">=", "=<": "<=", "!": "!="}[f.word.text]
        return f.error(
            "A027", f"'{f.word.text}' compares nothing", help=f"write '{right}'", fix=Fix(f.span(f.word), right)
        )
    return None


def conditional(f: Fault) -> Diagnostic | None:
    """`a if c` without else, `c ? a : b`, `a then b then c`, `if c then a else b`."""
    if "ELSE" in f.accepts and f.word.text != "else":
        return f.error("A030", "this `if` has no `else`", help="a value is chosen with: a if c else b", expected=True)
    if f.word.text == "?" and f.after_value:
        return f.error("A030", "a value is chosen with if and else", help="write a if c else b")
    if f.back().text == "if" and f.back(2).text in ("(", "[", ",", "=") and f.word.kind in ("name", "number"):
        return f.error(
            "A030", "the condition stands between the two values", span=f.span(f.back()), help="write a if c else b"
        )
    if f.word.text == "if" and f.wants_value:
        return f.error("A030", "the condition stands between the two values", help="write a if c else b")
    if f.word.text == "then" and "THEN" not in f.accepts:
        help = "write (a then b) then c, or choose with if: a if i == 0 else b"
        return f.error("A031", "then is not chained: x then y is x in the first iteration, y in the others", help=help)
    if f.word.text == "else" and f.after_value:
        return f.error("A030", "this `else` has no `if`", help="a value is chosen with: a if c else b", expected=True)
    return None


def colon(f: Fault) -> Diagnostic | None:
    """`CONV(kernel: 3x3)`, `w[1:3]`."""
    if f.word.text == "..." and f.after_value:
        return f.error("A049", "a range is written with '..'", help="write 1..3", fix=Fix(f.span(f.word), ".."))
    if f.word.text != ":":
        return None
    if f.inside("["):
        return f.error(
            "A049",
            "a range is written with '..'",
            help="write 0..2, both ends included; rev(xs) turns a list round",
            fix=Fix(f.span(f.word), ".."),
        )
    if f.inside("(") and f.back().kind == "name" and f.after_value:
        name = f.back().text
        return f.error(
            "A036",
            "an argument is given with '='",
            help=f"write {name}={f.ahead().text}",
            fix=Fix(Span(f.source, f.back().end, f.ahead().start), "="),
            expected=True,
        )
    return None


def comma_missing(f: Fault) -> Diagnostic | None:
    """Two values side by side."""
    if not f.after_value and not ("COMMA" in f.accepts and f.openers):
        return None
    starts = f.word.kind in ("name", "number", "text") or f.word.text in ("(", "[", "@")
    if not starts or "COMMA" not in f.accepts or f.position != f.word.start or f.after_step:
        return None
    if f.back().kind == "name" and f.back().text.islower() and f.inside("(") and f.word.kind == "number":
        fix = Fix(f.gap(), "=")
        help = f"write {f.back().text}={f.word.text}, or ',' between two values"
        return f.error("A040", f"a '=' is missing behind {f.back().text}", help=help, fix=fix, expected=True)
    help = (
        'write assert ..., "why"' if f.keyword == "assert" and f.word.kind == "text" else "write ',' between two values"
    )
    return f.error("A040", f"a ',' is missing before {found(f.word)}", help=help, fix=Fix(f.gap(), ","), expected=True)


def words_side_by_side(f: Fault) -> Diagnostic | None:
    """A value that has ended, and more text on its line."""
    if not f.after_value or f.openers or f.word.kind in ("line", "end") or f.starts_line:
        return None
    if f.word.kind == "arrow" and f.keyword == "let":
        name = f.words[f.first + 1].text
        return f.error("A052", "a flow is no value", help=f"write block {name} = ...", expected=True)
    message = f"this {f.keyword} ends before {found(f.word)}"
    return f.error(
        "A059",
        message,
        help="put an operator between two values, a list in [ ]: [a, b], or begin a new line",
        expected=True,
    )


TABLE: tuple[Rule, ...] = (
    symbolic_size,
    spaced_size,
    number,
    value_missing,
    comparison,
    conditional,
    colon,
    comma_missing,
    words_side_by_side,
)
