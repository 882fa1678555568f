"""Joins: several streams become one."""

from __future__ import annotations

from math import prod

from archspec.op import Cost, Onnx, Op, RuleError, Shape, Style, Torch, by, register


class Join(Op):
    """A join of two or more streams."""

    arity = (2, None)
    style = Style("#fff2cc", "{name}")


@register("add")
class Add(Join):
    """Elementwise sum of streams of one shape."""

    def infer(self, *xs: Shape) -> Shape:
        if any(x != xs[0] for x in xs):
            shapes = " and ".join(by(x) for x in dict.fromkeys(xs))
            raise RuleError(f"{self.name} needs equal shapes: {shapes}", code="A307")
        return xs[0]

    def cost(self, y: Shape, *xs: Shape) -> Cost:
        return Cost(0, (len(xs) - 1) * prod(y))

    def torch(self, *xs: Shape) -> Torch:
        return Torch(call=" + ".join(f"{{{i}}}" for i in range(len(xs))))

    def onnx(self, *xs: Shape) -> tuple[Onnx, ...]:
        return (Onnx("Sum", tuple(str(i) for i in range(len(xs)))),)
