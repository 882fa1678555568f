"""Signs that the language does not have: look-alikes, other languages' operators, comments, quotes."""

from __future__ import annotations

import unicodedata

from archspec.mistakes.words import Fault, Rule
from archspec.source import Diagnostic, Fix, Span

_MEANT = {
    "->": "→⟶⇒⟹➔➜➝➞➡↦▶►",
    "-": "−–—‐‑‒－",
    "x": "×✕✖⨯",
    "*": "∗⋅·•＊",
    '"': "“”„«»＂",
    "<=": "≤",
    ">=": "≥",
    "!=": "≠",
    "...": "…",
    " ": "\u00a0\u1680\u2000\u2001\u2002\u2003\u2004\u2005\u2006\u2007\u2008\u2009\u200a\u202f\u205f\u3000\f\v",
    "": "\ufeff\u200b\u200c\u200d\u2060",
    "(": "（",
    ")": "）",
    "[": "［【",
    "]": "］】",
    "{": "｛",
    "}": "｝",
    "|": "｜∣",
    ",": "，、",
    ":": "：",
    "=": "＝",
    "+": "＋",
    "?": "？",
    "@": "＠",
    "#": "＃",
    "^": "＾",
    "%": "％",
}
LOOKALIKES = {sign: meant for meant, signs in _MEANT.items() for sign in signs}
FOREIGN = {
    "&&": ("and", "write 'and'"),
    "&": ("and", "write 'and'"),
    "||": ("or", "write 'or'"),
    "!": ("not ", "write 'not'"),
    "**": ("^", "write '^' for powers"),
    "===": ("==", "write '=='"),
    "<>": ("!=", "write '!='"),
}


def lookalike(f: Fault) -> Diagnostic | None:
    """A character that only looks like one of the language: an arrow out of a word processor, a hard blank."""
    text = f.source.text
    sign = text[f.position : f.position + 1]
    if sign not in LOOKALIKES or not sign:
        return None
    meant, end = LOOKALIKES[sign], f.position + 1
    if meant == "-" and text[end : end + 1] == ">":  # a dash and '>' is an arrow that was corrected
        meant, end = "->", end + 1
    span = Span(f.source, f.position, end)
    shown = f"'{text[f.position : end]}'" if sign.isprintable() and not sign.isspace() else f"U+{ord(sign):04X}"
    name = unicodedata.name(sign, "an invisible character").lower()
    help = f"write '{meant}'" if meant.strip() else "write a plain space" if meant else "delete it"
    message = f"{shown} ({name}) is not the sign '{meant}'" if meant.strip() else f"a hidden character {shown} ({name})"
    return f.error("A002", message, span=span, help=help, fix=Fix(span, meant))


def unfinished_text(f: Fault) -> Diagnostic | None:
    if f.word.kind != "text" or f.position != f.word.start:
        return None
    if len(f.word.text) == 1 or not f.word.text.endswith('"'):
        return f.error(
            "A003", "a text is never closed", caption="opened here", help="close it with '\"' on the same line"
        )
    if "\\" in f.word.text:
        return f.error("A004", "a text has no backslashes", caption="", help="leave them out; in paths write /")
    return None


def single_quotes(f: Fault) -> Diagnostic | None:
    text = f.source.text
    if text[f.position : f.position + 1] not in ("'", "`", "‘", "’"):
        return None
    line_end = text.find("\n", f.position)
    line = text[f.position : line_end if line_end >= 0 else len(text)]
    close = max(line.find(mark, 1) for mark in "'`’")
    if close > 0:
        span, inner = Span(f.source, f.position, f.position + close + 1), line[1:close]
        return f.error(
            "A005", "a text stands in double quotes", span=span, help=f'write "{inner}"', fix=Fix(span, f'"{inner}"')
        )
    span = Span(f.source, f.position, f.position + 1)
    return f.error("A005", "a text stands in double quotes", span=span, help='write "..."')


def comment(f: Fault) -> Diagnostic | None:
    """`// so`, `/* so */` or `-- so` where no value can be divided."""
    if f.word.text not in ("//", "/*", "--", "%") or f.after_value or f.wants_value:
        return None
    if f.word.text == "--" and f.ahead().text == ">":
        return None
    span, rest = f.span(f.word), f.rest()
    fix = Fix(span, "#") if f.word.text != "/*" else None
    whole = f.text(f.word, rest[-1])
    help = f"write # {whole[len(f.word.text) :].removesuffix('*/').strip()}".rstrip()
    return f.error("A006", "a comment begins with '#'", span=span, help=help, fix=fix)


def semicolon(f: Fault) -> Diagnostic | None:
    if f.word.text != ";":
        return None
    last = f.words[f.at + 1].kind in ("line", "end")
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
    if f.word.kind != "sign" or sign in "()[]{}|,:=+-*/%^<>.@?!&;":
        return None
    shown = f"'{sign}'" if sign.isprintable() else f"U+{ord(sign):04X}"
    help = "names are spelt with the letters a to z, digits and _" if sign.isalpha() else "leave it out"
    help = "lines end in a line feed, or a carriage return and a line feed" if sign == "\r" else help
    span = Span(f.source, f.position, f.position + 1)
    return f.error("A001", f"{shown} is no sign of the language", span=span, help=help)


TABLE: tuple[Rule, ...] = (lookalike, unfinished_text, single_quotes, comment, semicolon, foreign, unknown)
