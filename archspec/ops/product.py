"""Joins that contract: inner and matrix products of two streams."""

from __future__ import annotations

from math import prod

from archspec.formula import Formula, formula, sized
from archspec.op import Cost, Onnx, Shape, Torch, constant, register
from archspec.ops.join import Elementwise, Join
from archspec.saved import Saved


@register("dot")
class Dot(Elementwise):
    """The inner product of two streams over the channels: one number, or one per position."""

    arity = (2, 2)
    inplace = False

    def infer(self, *xs: Shape) -> Shape:
        return (1, *super().infer(*xs)[1:])

    def cost(self, y: Shape, *xs: Shape) -> Cost:
        return Cost(prod(xs[0]))

    def formulas(self, y: Shape, *xs: Shape) -> tuple[Formula, ...]:
        count, values = sized(xs[0], "in")
        return formula("MACs", count, values), formula("shape", "1", {}, "c")

    def saved(self, y: Shape, *xs: Shape) -> Saved:
        return Saved((0, 1), to="others")

    def torch(self, *xs: Shape) -> Torch:
        return Torch(call="({0} * {1}).sum(1, keepdim=True)")

    def onnx(self, *xs: Shape) -> tuple[Onnx, ...]:
        return (
            constant("channels", 1),
            Onnx("Mul", ("0", "1"), {}, ("products",)),
            Onnx("ReduceSum", ("products", "channels"), {"keepdims": 1}),
        )


@register("matmul")
class MatMul(Join):
    """The matrix product of two streams over their last two axes: n x k times k x m."""

    arity = (2, 2)
    rearranges = True

    @property
    def whole(self) -> bool:
        return True

    def infer(self, *xs: Shape) -> Shape:
        a, b = xs
        if len(a) < 2 or len(a) != len(b) or a[:-2] != b[:-2] or a[-1] != b[-2]:
            help = "dot multiplies vectors" if min(map(len, xs)) < 2 else "PERMUTE(1, 0) transposes a matrix"
            raise self.refuse(xs, "matrices n x k and k x m", help)
        return (*a[:-1], b[-1])

    def cost(self, y: Shape, *xs: Shape) -> Cost:
        return Cost(prod(y) * xs[0][-1])

    def formulas(self, y: Shape, *xs: Shape) -> tuple[Formula, ...]:
        count, values = sized(y)
        shape = Formula("shape", "the rows of the first, the columns of the second", "", y)
        return shape, formula("MACs", f"{count}*inner", values | {"inner": xs[0][-1]})

    def saved(self, y: Shape, *xs: Shape) -> Saved:
        return Saved((0, 1), to="others", read="matrices")

    def torch(self, *xs: Shape) -> Torch:
        return Torch(call="{0} @ {1}")

    def onnx(self, *xs: Shape) -> tuple[Onnx, ...]:
        return (Onnx("MatMul", ("0", "1")),)
