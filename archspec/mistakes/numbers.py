"""Slips in numbers and sizes: names and blanks in sizes, units, points, per cent."""

from __future__ import annotations

import re

from archspec.mistakes.words import Fault, Rule
from archspec.source import Diagnostic, Fix, Span

_NUMBER = re.compile(r"([0-9]+(?:x[0-9]+)+|[0-9][0-9_]*(?:\.[0-9]+)?)([A-Za-z]\w*)")
_SCALES = {"k": "K", "m": "M", "g": "G", "t": "T", "b": "G", "B": "G"}
_BYTES = re.compile(r"([KMGT]i?)?[bB]")


def symbolic_size(f: Fault) -> Diagnostic | None:
    """`3xHxW`, `3 x H x W`, `k x k`: sizes with x between are numbers."""
    word, last = f.word, f.word
    if word.kind == "number" and f.position > word.start and re.match(r"[0-9]+x[0-9x]*[A-Za-z]", word.text):
        parts = word.text.split("x")
    elif word.text in ("x", "X") and f.back().kind in ("name", "number") and not f.after_step:
        word, parts = f.back(), [f.back().text]
        for cross, size in zip(f.rest()[::2], f.rest()[1::2], strict=False):
            if cross.text not in ("x", "X") or size.kind not in ("name", "number"):
                break
            parts, last = [*parts, size.text], size
    else:
        return None
    names = [part for part in dict.fromkeys(parts) if not part.isdigit()]
    if len(parts) < 2 or not names or not all(re.fullmatch(r"[0-9]+|[A-Za-z]\w*", part) for part in parts):
        return None
    span, written = f.span(word, last), f"({', '.join(parts)})"
    help = f"write {written}, and bind the names: " + ", ".join(f"-D {name}=..." for name in names)
    if f.keyword != "input" and last is not word:  # k x k could be a product
        help = f"write {written}, or {'*'.join(parts)} for a product"
        return f.error("A015", "sizes with names are a tuple", span=span, help=help)
    caption = f"found '{span.text}'"
    fix = Fix(span, written)
    message = "symbolic sizes are written as a tuple"
    return f.error("A015", message, span=span, caption=caption, help=help, fix=fix, expected=True)


def spaced_size(f: Fault) -> Diagnostic | None:
    """`3 x 3`, `3 x3`, `3x 3`."""
    i = f.at
    start = i - 1 if f.word.kind == "name" and re.match(r"x[0-9x]*\Z", f.word.text) else i
    if f.words[start].kind != "number" or f.after_step:
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


def point(f: Fault) -> Diagnostic | None:
    """`.5`, `5.`, `50%`."""
    word = f.word
    if word.text == "." and f.ahead().kind == "number" and f.ahead().start == word.end and f.wants_value:
        span = f.span(word, f.ahead())
        fix = Fix(span, f"0{span.text}")
        return f.error("A051", "a number begins with a digit", span=span, help=f"write {fix.text}", fix=fix)
    if word.text == "." and f.back().kind == "number" and f.after_value:
        span, number = f.span(f.back(), word), f.back().text
        return f.error("A051", "a number does not end in '.'", span=span, help=f"write {number}.0 or {number}")
    percent = re.fullmatch(r"[0-9]+(\.[0-9]+)?\s*%", f.text(f.back(2), f.back()))
    if f.wants_value and percent and (f.ends_line or word.text in ",)]"):
        span = f.span(f.back(2), f.back())
        fix = Fix(span, f"{float(f.back(2).text) / 100:g}")
        return f.error("A051", "'%' is the remainder of a division", span=span, help=f"write {fix.text}", fix=fix)
    return None


def number(f: Fault) -> Diagnostic | None:
    """`3X3`, `2x`, `10k`, `3n`, `5MB`, `1 M`, `dropout-0.5`."""
    word, span = f.word, f.span(f.word)
    if word.kind == "name" and f.after_value and f.back().kind == "number" and _is_unit(word.text):
        span = f.span(f.back(), word)
        return _with_letters(f, span, f.back().text, word.text)
    if word.kind != "number" or f.position == word.start:
        return None
    if re.fullmatch(r"[0-9]+([xX][0-9]+)+", word.text):
        fix = Fix(span, word.text.lower())
        return f.error("A034", "a size is written with a small x", span=span, help=f"write {fix.text}", fix=fix)
    if re.fullmatch(r"[0-9]+([xX][0-9]+)*[xX]", word.text):
        digits = word.text[:-1]
        help = f"write {digits}x{digits} or {digits}" if digits.isdigit() else f"write {digits.lower()}"
        return f.error("A035", "a size is missing behind the x", span=span, help=help)
    if "." in word.text and f.after_step and f.back().text == "-":
        layer, of = f.back(2).text, f.span(f.back(2), word)
        help = f"write {layer}({word.text})"
        return f.error("A033", "shorthand holds whole numbers", span=of, help=help, fix=Fix(of, help[6:]))
    match = _NUMBER.fullmatch(word.text)
    named = match is not None and (match[2].isalpha() or f.is_known(match[2]))
    if match is None or not named or re.fullmatch(r"0[xXbo].*|[0-9]+[eE]", word.text):
        help = "numbers look like 64, 0.5, 1e-5, 5M; sizes like 3x3"
        return f.error("A051", f"{word.text} is no number", span=span, help=help)
    return _with_letters(f, span, match[1], match[2])


def _is_unit(letters: str) -> bool:
    return letters in _SCALES.values() or _BYTES.fullmatch(letters) is not None


def _with_letters(f: Fault, span: Span, digits: str, letters: str) -> Diagnostic:
    """A number with a name, a scale or a unit behind it."""
    text = f"{digits}{letters}"
    product = f"{digits}*{letters}" if f.after_value else f"({digits}*{letters})"
    neither = f"{text} is neither a number nor a name"
    if not f.after_value and f.back().text != "*":
        return f.error("A051", neither, span=span, help="a name begins with a letter")
    if f.is_known(letters):
        return f.error("A051", neither, span=span, help=f"write {product}", fix=Fix(span, product))
    in_bytes = any("bytes" in w.text for w in f.statement())
    unit = _BYTES.fullmatch(letters.upper() if len(letters) < 3 else letters)
    size, digits = "x" in digits, digits.replace("_", "")
    if letters in _SCALES and not size and not (in_bytes and unit):
        fix = Fix(span, f"{digits}{_SCALES[letters]}")
        return f.error("A051", f"{text} is no number", span=span, help=f"write {fix.text}", fix=fix)
    if letters in _SCALES.values() and not size:
        fix = Fix(span, f"{digits}{letters}")
        return f.error("A051", "a number is one word", span=span, help=f"write {fix.text}", fix=fix)
    if unit and not size:
        scaled = f"{digits}{unit[1] or ''}"
        help = f"write {scaled}" + ("" if in_bytes else f"; bytes are weight_bytes < {scaled}")
        edit = Fix(span, scaled) if in_bytes else None
        return f.error("A051", "numbers have no units", span=span, help=help, fix=edit)
    help = f"write {digits}, without a unit" + ("" if size else f"; or {product}, where {letters} is a name")
    return f.error("A051", neither, span=span, help=help)


TABLE: tuple[Rule, ...] = (spaced_size, symbolic_size, point, number)
