"""The language's functions, and what each wants."""

from __future__ import annotations

import math
from collections.abc import Callable

from archspec import syntax
from archspec.expand.values import Callee, Value, fail, show, whole


def _div(x: float, m: float) -> float:
    """The multiple of m nearest to x, never below m nor a tenth below x (MobileNet's rounding of channels)."""
    y = max(m, math.floor((x + m / 2) / m) * m)
    return y + m if y < 0.9 * x else y


def _cumsum(values: list[Value]) -> list[Value]:
    total: Value = 0
    out = []
    for v in values:
        total += v
        out.append(total)
    return out


def _zip(*lists: list[Value]) -> list[Value]:
    if len({len(x) for x in lists}) > 1:
        raise ValueError(f"zip needs lists of one length, these have {' and '.join(str(len(x)) for x in lists)}")
    return [list(row) for row in zip(*lists, strict=True)]


def _extreme(choose: Callable[..., Value]) -> Callable[..., Value]:
    return lambda *xs: choose(xs[0] if len(xs) == 1 and isinstance(xs[0], list) else xs)


FUNCTIONS: dict[str, Callable[..., Value]] = {
    "round": lambda x: round(x),  # half to even
    "ceil": math.ceil,
    "floor": math.floor,
    "abs": abs,
    "min": _extreme(min),
    "max": _extreme(max),
    "len": len,
    "sum": lambda xs: sum(xs),
    "log": lambda x: math.log(x),
    "log2": math.log2,
    "sqrt": math.sqrt,
    "div": _div,
    "div8": lambda x: _div(x, 8),
    "rev": lambda xs: list(reversed(xs)),
    "zip": _zip,
    "cumsum": _cumsum,
}

_USES = {
    "min": "numbers, or one list of them: min(a, b)",
    "max": "numbers, or one list of them: max(a, b)",
    "len": "one list",
    "sum": "one list of numbers",
    "log": "one number above 0",
    "log2": "one number above 0",
    "sqrt": "one number from 0",
    "div": "a number and what divides the result: div(x, 8)",
    "rev": "one list",
    "zip": "lists of one length: zip(a, b)",
    "cumsum": "one list of numbers",
}


def apply(e: syntax.Call, args: list[Value]) -> Value:
    """A function's value.  Raises SpecError where it has none."""
    try:
        if not any(isinstance(arg, Callee) for arg in args):
            return whole(FUNCTIONS[e.name](*args))
        reason = ""
    except (TypeError, ValueError, OverflowError, ZeroDivisionError) as why:
        reason = str(why) if str(why).startswith(f"{e.name} needs") else ""
    given = ", ".join(map(show, args))
    help = reason or f"{e.name} takes {_USES.get(e.name, 'one number')}"
    return fail("A203", f"{e.name}({given}) has no value", e.span, help=help)
