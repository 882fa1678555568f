"""Reductions along an axis: over channels or positions, and the maximum over linear pieces."""

from __future__ import annotations

from math import prod
from typing import Literal, Self

from archspec.formula import Formula, axes, formula, sized
from archspec.op import Cost, Onnx, Op, Positive, RuleError, Shape, Style, Torch, constant, register, spatial_rank
from archspec.saved import Saved

_FILL = "#d9ead3"


@register("REDUCE")
class Reduce(Op):
    """The mean, maximum or sum over the channels at every position (1 x H x W), or over all positions of every channel
    (C x 1 x 1)."""

    how: Literal["mean", "max", "sum"]
    axis: Literal["channel", "spatial"]
    positional = ("how", "axis")
    style = Style(_FILL, "{how} over {axis}")

    @property
    def whole(self) -> bool:
        return self.axis == "spatial"

    def infer(self, *xs: Shape) -> Shape:
        if self.axis == "channel":
            return (1, *xs[0][1:])
        return (xs[0][0], *(1,) * spatial_rank(self, xs[0]))

    def cost(self, y: Shape, *xs: Shape) -> Cost:
        return Cost(0, prod(xs[0]))

    def formulas(self, y: Shape, *xs: Shape) -> tuple[Formula, ...]:
        gone = "c" if self.axis == "channel" else axes(len(y) - 1)
        ones = (formula("shape", "1", {}, letter) for letter in gone)
        return *ones, formula("other", *sized(xs[0], "in"))

    def axes(self, x: Shape) -> tuple[int, ...]:
        """The axes that go, the batch being 0."""
        return (1,) if self.axis == "channel" else tuple(range(2, len(x) + 1))

    def saved(self, y: Shape, *xs: Shape) -> Saved:
        return Saved((0,), output=True) if self.how == "max" else Saved()

    def torch(self, *xs: Shape) -> Torch:
        axes = self.axes(xs[0])
        how = {"mean": "mean", "max": "amax", "sum": "sum"}[self.how]
        return Torch(call=f"{{0}}.{how}({axes[0] if len(axes) == 1 else axes}, keepdim=True)")

    def onnx(self, *xs: Shape) -> tuple[Onnx, ...]:
        kind = {"mean": "ReduceMean", "max": "ReduceMax", "sum": "ReduceSum"}[self.how]
        return constant("axes", *self.axes(xs[0])), Onnx(kind, ("0", "axes"), {"keepdims": 1})


@register("MAXOUT")
class Maxout(Op):
    """The largest of every `pieces` neighbouring channels, which leaves channels/pieces (Goodfellow et al. 2013)."""

    pieces: Positive = 2
    positional = ("pieces",)
    style = Style("#f4cccc", "maxout {pieces}")

    def settle(self, *xs: Shape) -> Self:
        if xs[0][0] % self.pieces:
            raise RuleError(
                f"{xs[0][0]} channels do not divide into pieces of {self.pieces}",
                "pieces",
                f"give the layer before it a multiple of {self.pieces} channels",
                "A206",
            )
        return self

    def infer(self, *xs: Shape) -> Shape:
        return (xs[0][0] // self.pieces, *xs[0][1:])

    def formulas(self, y: Shape, *xs: Shape) -> tuple[Formula, ...]:
        return (formula("shape", "c_in/pieces", {"c_in": xs[0][0], "pieces": self.pieces}, "c"),)

    def cost(self, y: Shape, *xs: Shape) -> Cost:
        return Cost(0, prod(xs[0]))

    def saved(self, y: Shape, *xs: Shape) -> Saved:
        return Saved((0,), output=True)

    def torch(self, *xs: Shape) -> Torch:
        return Torch(call=f"{{0}}.unflatten(1, (-1, {self.pieces})).amax(2)")

    def onnx(self, *xs: Shape) -> tuple[Onnx, ...]:
        y = self.infer(*xs)
        return (
            constant("split", 0, y[0], self.pieces, *y[1:]),
            constant("axes", 2),
            Onnx("Reshape", ("0", "split"), {}, ("pieces",)),
            Onnx("ReduceMax", ("pieces", "axes"), {"keepdims": 0}),
        )
