"""Signs that the language does not have: look-alikes, other languages' operators, comments, quotes."""

from __future__ import annotations

import re
import unicodedata

from archspec.mistakes.words import Fault, Rule
from archspec.source import Diagnostic, Fix, Span

# Full-width forms, hard blanks, and raised and lowered digits need no entry: Unicode knows what they stand for.
_MEANT = {
    "->": "→⟶⇒⟹➔➜➝➞➡↦▶►",
    "-": "−–—‐‑‒",
    "x": "×✕✖⨯",
    "*": "∗⋅·•",
    "/": "÷∕⁄",
    "<=": "≤",
    ">=": "≥",
    "!=": "≠",
    "...": "…",
    " ": "\u1680\f\v",
    "": "\ufeff\u200b\u200c\u200d\u2060",
    "[": "【",
    "]": "】",
    "|": "∣",
    ",": "、",
}
_CYRILLIC = zip("АВЕЅІЈКМНОРСТУХаеіјорсухѕ", "ABESIJKMHOPCTYXaeijopcyxs", strict=True)
_GREEK = zip("ΑΒΕΖΗΙΚΜΝΟΡΤΥΧο", "ABEZHIKMNOPTYXo", strict=True)
LOOKALIKES = {sign: meant for meant, signs in _MEANT.items() for sign in signs} | dict(_CYRILLIC) | dict(_GREEK)
_CURLY, _SINGLE = "“”„«»", "'`‘’‚‹›"
_QUOTED = re.compile(rf"[{_CURLY}{_SINGLE}][^\n#]*[{_CURLY}{_SINGLE}\"]")
NO_STEP = "⊕⊙⊗←…"  # signs of papers that rules for flows know
_NAMES = "names are spelt with the letters a to z, digits and _"
FOREIGN = {
    "&&": ("and", "write 'and'"),
    "&": ("and", "write 'and'"),
    "||": ("or", "write 'or'"),
    "!": ("not ", "write 'not'"),
    "**": ("^", "write '^' for powers"),
    "===": ("==", "write '=='"),
    "<>": ("!=", "write '!='"),
}


def plain(sign: str) -> str | None:
    """What a character stands for that only looks like one of the language; None for any other."""
    if sign in LOOKALIKES:
        return LOOKALIKES[sign]
    text = unicodedata.normalize("NFKC", sign)
    if sign.isascii() or not text.isascii() or len(text) != 1:
        return None
    return f"^{text}" if unicodedata.decomposition(sign).startswith("<super>") else text


def lookalike(f: Fault) -> Diagnostic | None:
    """A character that only looks like one of the language: an arrow out of a word processor, a hard blank."""
    text, end = f.source.text, f.position + 1
    sign = text[f.position : end]
    meant = plain(sign)
    if meant is None or meant == "..." and not (f.after_value or "ELLIPSIS" in f.accepts):
        return None
    if sign.isalnum():
        return _in_a_word(f, sign, meant)
    around = text[f.position - 1 : f.position] + text[end : end + 1]
    help, sure = "", True
    if meant == "-" and text[end : end + 1] == ">":  # a dash and '>' is an arrow that was corrected
        meant, end = "->", end + 1
    elif meant == "-" and f.after_step and around.isspace():
        meant, sure = "->", False
    elif meant == "x" and not around.isdigit():
        meant, sure = "*" if f.after_step else "x", f.after_step
        help = "" if f.after_step else "write x in a size, 3x3, and '*' in a product"
    elif meant == "..." and f.after_value:
        meant = ".."
    span = Span(f.source, f.position, end)
    fix = Fix(span, meant) if sure else None
    return f.error("A002", _unlike(text[f.position : end], meant), span=span, help=help or _wanted(meant), fix=fix)


def _unlike(found: str, meant: str) -> str:
    sign = found[0]
    shown = f"'{found}'" if sign.isprintable() and not sign.isspace() else f"U+{ord(sign):04X}"
    name = unicodedata.name(sign, "an invisible character").lower()
    return f"{shown} ({name}) is not the sign '{meant}'" if meant.strip() else f"a hidden character {shown} ({name})"


def _wanted(meant: str) -> str:
    return f"write '{meant}'" if meant.strip() else "write a plain space" if meant else "delete it"


def _in_a_word(f: Fault, sign: str, meant: str) -> Diagnostic | None:
    """A letter of another alphabet, a raised or lowered digit: the word is spelt anew as a whole."""
    word = next(m for m in re.finditer(r"\w+", f.source.text) if m.end() > f.position)
    spelt = "".join(c if c.isascii() else plain(c) or c for c in word.group())
    spelt = re.sub(r"(?<=\^)([0-9])\^([0-9])", r"\1\2", spelt)
    span = Span(f.source, word.start(), word.end())
    fix = Fix(span, spelt) if spelt.isascii() else None
    return f.error("A002", _unlike(sign, meant), span=span, help=f"write {spelt}" if fix else _NAMES, fix=fix)


def text(f: Fault) -> Diagnostic | None:
    """`"why`, `"a\\b"`, `-> "RELU"`."""
    if f.word.kind != "text" or f.position != f.word.start:
        return None
    if len(f.word.text) == 1 or not f.word.text.endswith('"'):
        curly = f.word.text[-1] in _CURLY
        fix = Fix(Span(f.source, f.word.end - 1, f.word.end), '"') if curly else None
        help = "close it with '\"' on the same line"
        return f.error("A003", "a text is never closed", caption="opened here", help=help, fix=fix)
    if "\\" in f.word.text:
        return f.error("A004", "a text has no backslashes", caption="", help="leave them out; in paths write /")
    return _quoted_step(f, f.span(f.word), f.word.text[1:-1])


def _quoted_step(f: Fault, span: Span, inner: str) -> Diagnostic | None:
    if "LET" in f.accepts:
        return f.error("A006", "a comment begins with '#'", span=span, help=f"write # {inner}".rstrip())
    if not f.wants_step or not inner:
        return None
    return f.error("A005", "a step stands without quotes", span=span, help=f"write {inner}", fix=Fix(span, inner))


def quotes(f: Fault) -> Diagnostic | None:
    """A text in single quotes, or in a word processor's."""
    sign = f.source.text[f.position : f.position + 1]
    if not sign or sign not in _CURLY + _SINGLE:
        return None
    code, message = "A005", "a text stands in double quotes"
    if sign in _CURLY:
        code, message = "A002", _unlike(sign, '"')
    match = _QUOTED.match(f.source.text, f.position)
    if match is None:
        span = Span(f.source, f.position, f.position + 1)
        return f.error(code, message, span=span, help='write "..."')
    span, inner = Span(f.source, *match.span()), match.group().strip(f'{_CURLY}{_SINGLE}"')
    fix = None if '"' in inner else Fix(span, f'"{inner}"')
    return _quoted_step(f, span, inner) or f.error(code, message, span=span, help=f'write "{inner}"', fix=fix)


def comment(f: Fault) -> Diagnostic | None:
    """`// so`, `/* so */`, or `-- so` where no value can be divided."""
    if f.word.text not in ("//", "/*", "--", "%") or f.after_value or f.wants_value:
        return None
    whole = f.text(f.word, f.rest()[-1])
    help = f"write # {whole[len(f.word.text) :].removesuffix('*/').strip()}".rstrip()
    sure = f.word.text != "/*" if f.starts_line else f.word.text == "//" and f.ahead().kind != "number"
    help += "" if sure or f.word.text == "/*" else "; two steps are joined with '->'"
    span = f.span(f.word)
    return f.error("A006", "a comment begins with '#'", span=span, help=help, fix=Fix(span, "#") if sure else None)


def semicolon(f: Fault) -> Diagnostic | None:
    if f.word.text != ";":
        return None
    last = f.words[f.at + 1].kind in ("line", "end")
    if f.after_step and f.inside("["):
        help = "write '|' between branches, '->' between steps"
        return f.error("A007", "';' separates nothing", caption="", help=help)
    if f.inside("(") or f.inside("["):
        fix = Fix(f.span(f.word), ",")
        return f.error("A007", "';' separates nothing", caption="", help="write ',' between values", fix=fix)
    help = "leave it out" if last else "begin a new line instead"
    return f.error(
        "A007",
        "';' ends nothing: a statement ends with its line",
        caption="",
        help=help,
        fix=Fix(f.span(f.word), "") if last else None,
    )


def foreign(f: Fault) -> Diagnostic | None:
    """An operator of another language, in a value."""
    if f.word.text not in FOREIGN or not (f.after_value or f.wants_value) or f.wants_step:
        return None
    meant, help = FOREIGN[f.word.text]
    span = f.span(f.word)
    return f.error("A008", f"'{f.word.text}' is another language's sign", span=span, help=help, fix=Fix(span, meant))


def unknown(f: Fault) -> Diagnostic | None:
    sign = f.source.text[f.position : f.position + 1]
    if f.word.kind != "sign" or len(f.word.text) > 1 or sign in "()[]{}|,:=+-*/%^<>.@?!&;" or sign in NO_STEP:
        return None
    shown = f"'{sign}'" if sign.isprintable() else f"U+{ord(sign):04X}"
    help = "leave it out"
    if sign == "\r":
        help = "lines end in a line feed, or a carriage return and a line feed"
    elif sign.isalpha():
        help = _NAMES
    elif sign not in "$\\" and (f.after_value or f.wants_value):
        help = "values are computed with + - * / // % ^, compared with == != < <= > >=, joined with and, or, not"
    span = Span(f.source, f.position, f.position + 1)
    return f.error("A001", f"{shown} is no sign of the language", span=span, help=help)


TABLE: tuple[Rule, ...] = (lookalike, text, quotes, comment, semicolon, foreign, unknown)
