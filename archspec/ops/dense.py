"""Fully connected layers."""

from __future__ import annotations

from math import prod
from typing import Self

from archspec.formula import Formula, contraction, sized
from archspec.op import (
    Cost,
    Onnx,
    Op,
    Positive,
    RuleError,
    Shape,
    Style,
    Torch,
    Weight,
    constant,
    contraction_weights,
    register,
)
from archspec.saved import Saved


class Dense(Op):
    """A matrix of `width` rows over the input's features."""

    width: Positive
    bias: bool = True
    bias_init: float | None = None  # what the bias starts from; None leaves it to the framework
    positional = ("width",)
    act = True
    style = Style("#fce5cd", "{name} {width}")

    def settle(self, *xs: Shape) -> Self:
        if self.bias_init is not None and not self.bias:
            raise RuleError("bias_init needs a bias", "bias_init", "drop bias=off, or bias_init", "A204")
        return self

    def features(self, x: Shape) -> int:
        """How many values one output sums."""
        raise TypeError(f"{type(self).__name__} states no features")

    def weights(self, *xs: Shape) -> tuple[Weight, ...]:
        n = self.features(xs[0])
        return contraction_weights((self.width, n), n, self.width * self.bias, self.bias_init)

    def cost(self, y: Shape, *xs: Shape) -> Cost:
        return Cost(prod(y) * self.features(xs[0]), prod(y) * self.bias)

    def formulas(self, y: Shape, *xs: Shape) -> tuple[Formula, ...]:
        count, values = sized(y)
        entering, sizes = sized(xs[0], "in")
        features = entering if len(y) == 1 else "c_in"
        params = f"c_out*{'(' + features + ')' if '*' in features else features}" + " + c_out" * self.bias
        return (
            Formula("shape", "c_out", str(self.width), self.width, "c"),
            *contraction(params, f"{count}*{features}", values | sizes, count * self.bias),
        )

    def torch(self, *xs: Shape) -> Torch:
        return Torch("Linear", (self.features(xs[0]), self.width), {} if self.bias else {"bias": False})

    @property
    def operands(self) -> tuple[str, ...]:
        """The ONNX names of the weights."""
        return ("weight", "bias") if self.bias else ("weight",)


@register("FC")
class FullyConnected(Dense):
    """Fully connected layer: every output reads every value of the input, which is flattened first."""

    @property
    def whole(self) -> bool:
        return True

    def infer(self, *xs: Shape) -> Shape:
        return (self.width,)

    def features(self, x: Shape) -> int:
        return prod(x)

    def saved(self, y: Shape, *xs: Shape) -> Saved:
        return Saved((0,), read="flat")

    def torch(self, *xs: Shape) -> Torch:
        layer = super().torch(*xs)
        return layer if len(xs[0]) == 1 else layer._replace(call="{m}({0}.flatten(1))")

    def onnx(self, *xs: Shape) -> tuple[Onnx, ...]:
        if len(xs[0]) == 1:
            return (Onnx("Gemm", ("0", *self.operands), {"transB": 1}),)
        return (
            Onnx("Flatten", ("0",), {"axis": 1}, ("flat",)),
            Onnx("Gemm", ("flat", *self.operands), {"transB": 1}),
        )


@register("LINEAR")
class Linear(Dense):
    """Linear layer on the channel axis, the same at every position of a map; on a vector what FC is."""

    def infer(self, *xs: Shape) -> Shape:
        return (self.width, *xs[0][1:])

    def features(self, x: Shape) -> int:
        return x[0]

    def saved(self, y: Shape, *xs: Shape) -> Saved:
        return Saved((0,), read="last", order="last") if len(y) > 1 else Saved((0,))

    def torch(self, *xs: Shape) -> Torch:
        layer = super().torch(*xs)
        return layer if len(xs[0]) == 1 else layer._replace(call="{m}({0}.movedim(1, -1)).movedim(-1, 1)")

    def onnx(self, *xs: Shape) -> tuple[Onnx, ...]:
        rank = len(xs[0]) - 1
        if not rank:
            return (Onnx("Gemm", ("0", *self.operands), {"transB": 1}),)
        # A 1x1 convolution needs no transpositions; its kernel is the matrix with axes of 1 added.
        return (
            constant("shape", self.width, xs[0][0], *(1,) * rank),
            Onnx("Reshape", ("weight", "shape"), {}, ("kernel",)),
            Onnx("Conv", ("0", "kernel", *self.operands[1:]), {"kernel_shape": (1,) * rank}),
        )
