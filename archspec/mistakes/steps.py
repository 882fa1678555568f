"""Slips in steps: shorthand, arguments without parentheses, lines of papers' tables, brackets, branches."""

from __future__ import annotations

import re

from archspec.mistakes.brackets import closes
from archspec.mistakes.words import Fault, Rule, Word
from archspec.source import Diagnostic, Fix, Span

_SHORTHAND = re.compile(r"[A-Za-z]+([0-9]+(x[0-9]*)?)?\Z")
_WHOLE_SHORTHAND = re.compile(r"[A-Za-z]+([0-9]+(x[0-9]+)?)?(-[0-9]+(/[0-9]+)?|/[0-9]+)\Z")


def spaced_shorthand(f: Fault) -> Diagnostic | None:
    """`conv3 - 64`: the shorthand is one word."""
    if not f.after_step or f.back(2).text == "*":
        return None
    first = f.back() if f.back().kind == "name" else f.back(3)
    if not _SHORTHAND.match(first.text) or not (f.word.text in ("-", "/") or f.word.kind == "number"):
        return None
    last = first
    for word in f.words[f.words.index(first) + 1 :]:
        if word.text == ",":
            return None
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


def named_shorthand(f: Fault) -> Diagnostic | None:
    """`conv3-w`, `FC-N`: a name in place of a number."""
    glued = f.back().end == f.word.start and f.word.end == f.ahead().start
    if not f.after_step or f.word.text != "-" or not glued or f.back().kind != "name" or f.ahead().kind != "name":
        return None
    layer, width = f.back(), f.ahead()
    match = re.fullmatch(r"([A-Za-z]+)([0-9]+(?:x[0-9]+)?)", layer.text)
    span = f.span(layer, width)
    if match is None:
        help = f"write {layer.text}({width.text}); or {layer.text} -> {width.text}, if these are two steps"
        return f.error("A033", "shorthand holds numbers alone", span=span, help=help)
    kernel = match[2] if "x" in match[2] else f"{match[2]}x{match[2]}"
    written = f"{_capitals(match[1])}({width.text}, {kernel})"
    fix = Fix(span, written) if f.is_known(width.text) else None
    return f.error("A033", "shorthand holds numbers alone", span=span, help=f"write {written}", fix=fix)


def _capitals(layer: str) -> str:
    return layer.upper() if layer.islower() else layer


def row(text: str) -> str:
    """The layer that a line of a paper's table means, `3x3 conv, 64, /2` or `64@3x3`; empty where it means none."""
    size = re.search(r"[0-9]+(x[0-9]+)+|(?<=[A-Za-z])[0-9]+", text)
    stride = re.search(r"(?:/|\bs|\bstride\s*=?)\s*([0-9]+)", text)
    rest = text
    for part in (size, stride):
        rest = rest.replace(part[0], " ", 1) if part else rest
    numbers, names = re.findall(r"[0-9]+", rest), re.findall(r"[A-Za-z]{2,}", rest)
    if len(numbers) > 1 or not (names or (size and numbers)) or not re.fullmatch(r"[\w\s,/@=-]+", text):
        return ""
    kernel = [size[0] if "x" in size[0] else f"{size[0]}x{size[0]}"] if size else []
    arguments = [*numbers, *kernel, *([f"stride={stride[1]}"] if stride else [])]
    return f"{_capitals(''.join(names)) or 'CONV'}({', '.join(arguments)})"


def table_row(f: Fault) -> Diagnostic | None:
    """`3x3 conv, 64`, `[3x3, 64]*2`, `64@3x3`, `conv3x3, 64`."""
    values = _to_arrow(f)
    text = f.text(f.word, values[-1]).removesuffix("]")
    if f.after_step and f.word.text == "," and f.ahead().kind == "number" and f.back().kind in ("name", "number"):
        text = f.step(-1) + text
    elif not f.wants_step or f.word.kind != "number":
        return None
    if not row(text):
        return None
    return f.error("A038", "a layer's arguments stand in parentheses", help=f"write {row(text)}", expected=True)


def bare_arguments(f: Fault) -> Diagnostic | None:
    """`CONV 64`, `CONV 3x3, 64`, `CONV{64}`, `CONV<64>`, `CONV[64]`."""
    values = [w for w in _to_arrow(f) if w.text not in ("{", "}", "<", ">", "[", "]")]
    lost = (i for i, w in enumerate(values) if i and w.text[0].isupper() and values[i - 1].text not in (",", "="))
    values = values[: next(lost, len(values))]  # CONV 64 RELU: a step behind a lost arrow
    if f.after_step and f.back().kind == "name" and (f.word.kind in ("number", "text") or f.word.text in ("{", "<")):
        layer = f.back()
    elif f.wants_step and f.word.kind == "number" and f.back().text == "[" and f.back(2).kind == "name":
        layer = f.back(2)
    else:
        return None
    if not values:
        return None
    last = _to_arrow(f)[-1] if _to_arrow(f)[-1].text in ("}", ">", "]") else values[-1]
    span = Span(f.source, layer.end, last.end)
    written = _listed(values)
    if f.word.text in ("{", "<") and not written:
        close = closes(f, f.at) if f.word.text == "{" else None
        inner = f.text(f.ahead(), f.words[close - 1]) if close else "..."
        return f.error("A039", "branches stand in [ ]", help=f"write {layer.text}[{inner}]")
    form = f"{layer.text}({written})" if written else row(layer.text + " " + f.text(values[0], values[-1]))
    return f.error(
        "A038",
        "a layer's arguments stand in parentheses",
        help=f"write {form or f'{layer.text}(...)'}",
        fix=Fix(span, f"({written})") if written else None,
        expected=True,
    )


def _listed(values: list[Word]) -> str:
    """Arguments with commas between them; empty where there is more than values and names."""
    out = ""
    for before, word in zip([None, *values], values, strict=False):
        if word.kind not in ("name", "number", "text") and word.text not in (",", "="):
            return ""
        sides = before is not None and before.text not in (",", "=") and word.text not in (",", "=")
        named = before is not None and before.kind == "name" and word.kind == "number"
        out += ("=" if named else ", ") * sides + (", " if word.text == "," else word.text)
    return out


def options_behind(f: Fault) -> Diagnostic | None:
    """`CONV(64, 7x7), stride 2`, `CONV(64) stride=2`, `CONV(64)/2`."""
    if not f.after_step or f.back().text != ")":
        return None
    skip = f.word.text == ","
    name, sign, value = (f.ahead(i) if i else f.word for i in range(skip, skip + 3))
    if f.word.text in ("/", "@") and f.ahead().kind == "number":
        given = f"{'stride=' * (f.word.text == '/')}{f.ahead().text}"
    elif name.kind == "name" and name.text.islower() and (sign.text == "=" or sign.kind == "number"):
        given = f"{name.text}={(value if sign.text == '=' else sign).text}"
    else:
        return None
    help = f"write {f.step(-1)[:-1]}, {given})".replace("(, ", "(")
    return f.error("A064", "arguments stand in the parentheses behind the name", help=help, expected=True)


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
    if f.word.text == "||" and f.position > f.word.start:
        fix = Fix(f.span(f.word), "|")
        return f.error("A021", "branches are separated by one bar", help="write '|'", fix=fix, expected=True)
    if f.wants_step and f.back().text in ("[", "|"):
        if f.back().text == "[" and f.word.text == "]":
            form = f"{f.before_bracket().text}[CONV(64)]" if f.before_bracket().kind == "name" else "[CONV(64) -> RELU]"
            return f.error("A021", "there is nothing between these brackets", help=f"write {form}", expected=True)
        help = "write ID for a branch that changes nothing, or leave the '|' out"
        return f.error("A021", "a branch is empty", help=help, expected=True)
    return None


TABLE: tuple[Rule, ...] = (
    spaced_shorthand,
    named_shorthand,
    bare_arguments,
    table_row,
    options_behind,
    round_group,
    arguments_behind,
    wrong_bar,
    empty_branch,
)
