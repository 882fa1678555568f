"""Lines of at most 100 columns, broken where ruff and black break them, so that emitted code needs no formatter."""

from __future__ import annotations

import ast
import re

WIDTH = 100


def statement(text: str, indent: int) -> list[str]:
    """A statement `target = value`, `return value` or `value`, over as many lines as it needs."""
    pad = " " * indent
    if indent + len(text) <= WIDTH:
        return [pad + text]
    node = ast.parse(text if not text.startswith("return ") else f"_ = {text[7:]}").body[0]
    assert isinstance(node, ast.Assign | ast.Expr)
    start = node.value.col_offset
    if text.startswith("return "):
        value, head = text[7:], "return "
    else:
        value, head = text[start:], text[:start]
    return _value(value, ast.parse(value, mode="eval").body, indent, head, "", statement=True)


def signature(name: str, arguments: list[str], result: str, indent: int) -> list[str]:
    """A function's first line, or one line per argument."""
    pad = " " * indent
    flat = f"{pad}def {name}({', '.join(arguments)}) -> {result}:"
    if len(flat) <= WIDTH:
        return [flat]
    inner = ", ".join(arguments)
    if indent + 4 + len(inner) <= WIDTH:
        return [f"{pad}def {name}(", f"{pad}    {inner}", f"{pad}) -> {result}:"]
    return [f"{pad}def {name}(", *(f"{pad}    {argument}," for argument in arguments), f"{pad}) -> {result}:"]


def slices(text: str) -> str:
    """The same expression with spaces around the colon of a slice whose ends are more than numbers."""

    def spaced(part: str) -> str:
        begin, colon, end = part.partition(":")
        if not colon or ":" in end or "self." not in part:
            return part
        return f"{begin} :".lstrip() + (f" {end}" if end else "")

    return re.sub(r"\[([^\[\]]*)\]", lambda found: f"[{', '.join(map(spaced, found[1].split(', ')))}]", text)


def _value(text: str, node: ast.expr, indent: int, head: str, tail: str, statement: bool = False) -> list[str]:
    """An expression after `head` and before `tail`, on one line if it fits and opened up if not."""
    pad = " " * indent

    def cut(part: ast.expr) -> str:
        return text[part.col_offset : part.end_col_offset]

    flat = f"{pad}{head}{cut(node)}{tail}"
    if len(flat) <= WIDTH:
        return [flat]
    match node:
        case ast.Call():
            parts: list[tuple[str, ast.expr]] = [_starred(part) for part in node.args]
            parts += [(f"{word.arg}=", word.value) for word in node.keywords]
            alone = len(node.args) == 1 and not node.keywords
            return _opened(text, parts, indent, f"{head}{cut(node.func)}(", f"){tail}", comma=not alone)
        case ast.List():
            return _opened(text, [_starred(part) for part in node.elts], indent, f"{head}[", f"]{tail}")
        case ast.Tuple():
            return _opened(text, [_starred(part) for part in node.elts], indent, f"{head}(", f"){tail}")
        case ast.Dict():
            pairs = [(f"{cut(k)}: ", v) for k, v in zip(node.keys, node.values, strict=True) if k is not None]
            return _opened(text, pairs, indent, f"{head}{{", f"}}{tail}")
        case ast.ListComp():
            loop = node.generators[0]
            inner = _value(text, node.elt, indent + 4, "", "")
            loop_text = f"{pad}    for {cut(loop.target)} in {cut(loop.iter)}"
            return [f"{pad}{head}[", *inner, loop_text, f"{pad}]{tail}"]
        case ast.Attribute() | ast.Subscript() if isinstance(node.value, ast.Call | ast.Attribute | ast.Subscript):
            return _value(text, node.value, indent, head, text[node.value.end_col_offset : node.end_col_offset] + tail)
        case ast.BinOp():
            return _operands(text, node, indent, head, tail, statement)
        case _:
            return [flat]


def _calls(part: ast.expr) -> bool:
    return any(isinstance(inner, ast.Call) for inner in ast.walk(part))


def _starred(part: ast.expr) -> tuple[str, ast.expr]:
    return ("*", part.value) if isinstance(part, ast.Starred) else ("", part)


def _opened(
    text: str, parts: list[tuple[str, ast.expr]], indent: int, head: str, tail: str, comma: bool = True
) -> list[str]:
    """Brackets around plain arguments on a line of their own, or around one part per line; the comma after the last one
    keeps formatters from closing them."""
    pad = " " * indent
    flat = ", ".join(before + text[part.col_offset : part.end_col_offset] for before, part in parts)
    if not parts:
        return [f"{pad}{head}{tail}"]
    if indent + 4 + len(flat) <= WIDTH and not any(_calls(part) for _, part in parts):
        return [f"{pad}{head}", f"{pad}    {flat}", f"{pad}{tail}"]
    lines = [f"{pad}{head}"]
    for before, part in parts:
        lines += _value(text, part, indent + 4, before, "," if comma else "")
    return [*lines, f"{pad}{tail}"]


def _operands(text: str, node: ast.BinOp, indent: int, head: str, tail: str, statement: bool) -> list[str]:
    """A sum or product with one operand per line, the operator in front; (a + b) / 2 opens its parentheses."""
    operands: list[tuple[str, ast.expr]] = []
    left: ast.expr = node
    while isinstance(left, ast.BinOp) and type(left.op) is type(node.op) and not _wrapped(text, left, node):
        sign = {ast.Add: "+ ", ast.Mult: "* ", ast.Sub: "- "}.get(type(left.op), "/ ")
        operands.append((sign, left.right))
        left = left.left
    pad = " " * indent
    if isinstance(left, ast.BinOp) and _wrapped(text, left, node):
        end = text[left.end_col_offset : node.end_col_offset]
        flat = f"{pad}    {text[left.col_offset : left.end_col_offset]}"
        inner = [flat] if len(flat) <= WIDTH else _operands(text, left, indent + 4, "", "", False)
        return [f"{pad}{head}(", *inner, f"{pad}{end}{tail}"]
    operands.append(("", left))
    if statement and len(operands) == 2 and isinstance(node.right, ast.Call):
        # A statement of one operator whose last call can be opened needs no parentheses around it all.
        before = f"{head}{text[node.col_offset : node.right.col_offset]}"
        if indent + len(before) + len(ast.unparse(node.right.func)) < WIDTH:
            return _value(text, node.right, indent, before, tail)
    inside = statement or bool(head)
    lines = [f"{pad}{head}("] if inside else []
    for sign, part in reversed(operands):
        if _wrapped(text, part, node):
            lines.append(f"{pad}{'    ' * inside}{sign}({text[part.col_offset : part.end_col_offset]})")
        else:
            lines += _value(text, part, indent + 4 * inside, sign, "")
    if inside:
        return [*lines, f"{pad}){tail}"]
    lines[-1] += tail
    return lines


def _wrapped(text: str, part: ast.expr, whole: ast.expr) -> bool:
    """Whether an operand stands in parentheses, which syntax trees leave out."""
    before = part.col_offset - 1
    return isinstance(part, ast.BinOp) and before >= whole.col_offset and text[before] == "("
