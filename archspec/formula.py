"""Formulas as a textbook prints them: symbols, the same with numbers in their place, and what it comes to.

A formula is arithmetic over names: + - * /, floor, ceil and min.  What it comes to is computed from the symbols,
exactly, so that a card cannot print a formula and another number.
"""

from __future__ import annotations

import ast
from collections.abc import Mapping, Sequence
from math import ceil, floor
from typing import TYPE_CHECKING, Any, Literal, NamedTuple

if TYPE_CHECKING:
    from fractions import Fraction

Shape = tuple[int, ...]
Quantity = Literal["shape", "params", "MACs", "other", "FLOPs", "RF", "jump", "start", "bytes"]
_AXES = ("", "l", "hw", "thw")  # by the number of spatial axes
_SIGNS: dict[type[ast.operator], str] = {ast.Add: " + ", ast.Sub: " - ", ast.Mult: "*", ast.Div: "/"}
_TEX_SIGNS = {" + ": " + ", " - ": " - ", "*": r" \cdot "}


class Formula(NamedTuple):
    """One quantity of a layer.  `part` is the axis (c, h, w) or "".

    `symbols` is arithmetic or, where no formula is stated, a phrase; `substituted` is arithmetic over numbers alone, ""
    beside a phrase.
    """

    quantity: Quantity
    symbols: str
    substituted: str
    result: int | Shape | None
    part: str = ""
    name: str = ""  # what the result is called where the quantity does not say it: j_out


def formula(quantity: Quantity, symbols: str, values: Mapping[str, int], part: str = "", name: str = "") -> Formula:
    """The formula with its numbers.  Raises ValueError where it does not come to a whole number."""
    filled = _Filled(values).visit(_parsed(symbols))
    return Formula(quantity, symbols, _text(_folded(filled)), _whole(filled, symbols), part, name)


def contraction(params: str, macs: str, values: Mapping[str, int], other: str = "") -> tuple[Formula, ...]:
    """The formulas of a layer that multiplies and sums; `other` are its operations beside MACs."""
    stated: list[tuple[Quantity, str]] = [("params", params), ("MACs", macs), ("other", other or "0")]
    return tuple(formula(quantity, symbols, values) for quantity, symbols in stated)


def axes(rank: int) -> str:
    """One letter per spatial axis: hw on a map; later letters where a tensor has more than three."""
    return _AXES[rank] if rank < len(_AXES) else "abcdefgh"[:rank]


def over(name: str, rank: int) -> str:
    """The product over the spatial axes: k_h*k_w."""
    return "*".join(_on(name, axis) for axis in axes(rank)) or "1"


def along(name: str, sizes: Sequence[int]) -> dict[str, int]:
    """The values of the symbols that `over` names."""
    return {_on(name, axis): size for axis, size in zip(axes(len(sizes)), sizes, strict=True)}


def _on(name: str, axis: str) -> str:
    head, _, tail = name.partition("_")  # k becomes k_h; n_out the output's height, h_out
    return f"{axis}_{tail}" if head == "n" and tail else f"{name}_{axis}"


def sized(shape: Sequence[int], side: str = "out") -> tuple[str, dict[str, int]]:
    """How many values a shape has, c_out*h_out*w_out, and the values of those symbols."""
    channels = f"c_{side}"
    rank = len(shape) - 1
    return "*".join([channels, *([over(f"n_{side}", rank)] if rank else [])]), {
        channels: shape[0],
        **along(f"n_{side}", shape[1:]),
    }


def work(per_value: int, shape: Sequence[int]) -> tuple[Formula, ...]:
    """The operations of a layer that takes `per_value` of them for each value of the output."""
    count, values = sized(shape)
    return (formula("other", count if per_value == 1 else f"{per_value}*{count}", values),)


def evaluate(text: str) -> int:
    """What arithmetic over numbers comes to.  Raises ValueError where that is no whole number."""
    return _whole(_parsed(text), text)


def tex(text: str) -> str:
    """Arithmetic, or a phrase, for LaTeX's math mode."""
    try:
        return _tex(_parsed(text))
    except (SyntaxError, ValueError):
        return rf"\text{{{escaped(text)}}}"


def escaped(text: str) -> str:
    """Words for LaTeX's text mode."""
    marks = {"\\": r"\textbackslash{}"} | {mark: "\\" + mark for mark in "&%$#_{}"}
    return "".join(marks.get(char, char) for char in text)


def _parsed(text: str) -> ast.expr:
    return ast.parse(text, mode="eval").body


def _whole(tree: ast.expr, text: str) -> int:
    value = _value(tree)
    if value.denominator != 1:
        raise ValueError(f"{text} comes to {value}")
    return int(value)


def _value(tree: ast.expr) -> Fraction:
    from fractions import Fraction  # needed when something is explained, not when cards are loaded

    match tree:
        case ast.Constant(value=int(number)):
            return Fraction(number)
        case ast.UnaryOp(op=ast.USub(), operand=inner):
            return -_value(inner)
        case ast.BinOp(left=left, op=sign, right=right):
            return _applied(_SIGNS.get(type(sign), ""), _value(left), _value(right))
        case ast.Call(func=ast.Name(id=name), args=arguments):
            values = [_value(argument) for argument in arguments]
            return Fraction({"floor": floor, "ceil": ceil}[name](values[0])) if name != "min" else min(values)
    raise ValueError(f"{ast.unparse(tree)} is no arithmetic over numbers")


def _applied(sign: str, a: Fraction, b: Fraction) -> Fraction:
    match sign.strip():
        case "+":
            return a + b
        case "-":
            return a - b
        case "*":
            return a * b
        case "/":
            return a / b
    raise ValueError("a formula has + - * /")


class _Filled(ast.NodeTransformer):
    """Numbers in the place of names."""

    def __init__(self, values: Mapping[str, int]) -> None:
        self.values = values

    def visit_Call(self, node: ast.Call) -> ast.Call:
        return ast.Call(node.func, [self.visit(argument) for argument in node.args], [])

    def visit_Name(self, node: ast.Name) -> ast.Constant:
        return ast.Constant(self.values[node.id])


def _folded(tree: ast.expr) -> ast.expr:
    """What stands in parentheses after a sign is one number, as people substitute: c_out*(c_in/g) becomes 64*3."""
    match tree:
        case ast.BinOp(left=left, op=sign, right=right):
            if _grouped(sign, right) and (value := _value(right)).denominator == 1:
                right = ast.Constant(int(value))
            return ast.BinOp(_folded(left), sign, _folded(right))
        case ast.Call(func=function, args=arguments):
            return ast.Call(function, [_folded(argument) for argument in arguments], [])
    return tree


def _grouped(sign: ast.operator, right: ast.expr) -> bool:
    """Whether the right side of a sign stands in parentheses."""
    if not isinstance(right, ast.BinOp):
        return False
    low = (ast.Add, ast.Sub)
    return isinstance(sign, ast.Sub | ast.Mult | ast.Div) and (not isinstance(sign, low) or isinstance(right.op, low))


def _text(tree: ast.expr) -> str:
    match tree:
        case ast.BinOp(left=left, op=sign, right=right):
            return _sided(left, sign, _text) + _SIGNS[type(sign)] + _closed(right, sign, _text)
        case ast.Call(func=ast.Name(id=name), args=arguments):
            return f"{name}({', '.join(map(_text, arguments))})"
        case ast.Constant(value=int(number)) if number < 0:
            return f"({number})"
    return ast.unparse(tree)


def _sided(left: ast.expr, sign: ast.operator, told: Any) -> str:
    """The left side of a sign; a sum that is multiplied stands in parentheses."""
    weak = isinstance(left, ast.BinOp) and isinstance(left.op, ast.Add | ast.Sub)
    return f"({told(left)})" if weak and isinstance(sign, ast.Mult | ast.Div) else str(told(left))


def _closed(right: ast.expr, sign: ast.operator, told: Any) -> str:
    return f"({told(right)})" if _grouped(sign, right) else str(told(right))


def _tex(tree: ast.expr) -> str:
    match tree:
        case ast.BinOp(left=left, op=ast.Div(), right=right):
            return rf"\frac{{{_tex(left)}}}{{{_tex(right)}}}"
        case ast.BinOp(left=left, op=sign, right=ast.BinOp(op=ast.Div()) as right) if isinstance(sign, ast.Mult):
            return _sided(left, sign, _tex) + r" \cdot " + _tex(right)
        case ast.BinOp(left=left, op=sign, right=right) if type(sign) in _SIGNS:
            return _sided(left, sign, _tex) + _TEX_SIGNS[_SIGNS[type(sign)]] + _closed(right, sign, _tex)
        case ast.Call(func=ast.Name(id=("floor" | "ceil") as name), args=[inner]):
            return rf"\left\l{name} {_tex(inner)} \right\r{name}"
        case ast.Call(func=ast.Name(id="min"), args=arguments):
            return rf"\min({', '.join(map(_tex, arguments))})"
        case ast.Name() | ast.Attribute():
            return _tex_name(ast.unparse(tree))
        case ast.Constant(value=int(number)):
            return str(number) if number >= 0 else f"({number})"
        case ast.UnaryOp(op=ast.USub(), operand=ast.Constant(value=int(number))):
            return f"(-{number})"
    raise ValueError(ast.unparse(tree))


def _tex_name(name: str) -> str:
    head, _, tail = name.partition("_")
    if tail.isalnum():
        symbol = head if len(head) == 1 else rf"\mathrm{{{head}}}"
        return f"{symbol}_{tail}" if len(tail) == 1 else rf"{symbol}_{{\mathrm{{{tail}}}}}"
    return name if len(name) == 1 else rf"\mathrm{{{escaped(name)}}}"
