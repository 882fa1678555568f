"""Learned and constant scaling of channels."""

from __future__ import annotations

from math import prod
from typing import Any, Self

from archspec.op import Cost, Init, Onnx, Op, RuleError, Shape, Style, Torch, Weight, constant, register
from archspec.saved import Saved

_FILL = "#ead1dc"


def affine_weights(shape: Shape) -> tuple[Weight, ...]:
    """A scale that starts at 1 and a shift that starts at 0."""
    return Weight("weight", shape, Init("constant", 1.0)), Weight("bias", shape, Init("constant", 0.0))


def affine_onnx(source: str, c: int, rank: int) -> tuple[Onnx, ...]:
    """`source` times the weight plus the bias, one of each per channel."""
    return (
        constant("per_channel", c, *(1,) * rank),
        Onnx("Reshape", ("weight", "per_channel"), {}, ("scale",)),
        Onnx("Reshape", ("bias", "per_channel"), {}, ("shift",)),
        Onnx("Mul", (source, "scale"), {}, ("scaled",)),
        Onnx("Add", ("scaled", "shift")),
    )


_SCALE = '''class Scale(nn.Module):
    """A learned factor, and with `bias` a learned shift, per channel."""

    def __init__(self, channels: int, value: float = 1.0, bias: bool = False) -> None:
        super().__init__()
        self.weight = nn.Parameter(torch.full((channels,), value))
        self.bias = nn.Parameter(torch.zeros(channels)) if bias else None

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        shape = (-1,) + (1,) * (x.dim() - 2)
        x = x * self.weight.view(shape)
        return x if self.bias is None else x + self.bias.view(shape)
'''


@register("SCALE")
class Scale(Op):
    """Multiplication by a constant (`SCALE(0.17)`, the residual scaling of Inception-ResNet) or, with `learned`, by a
    factor per channel that starts there; `bias` adds a learned shift."""

    value: float = 1.0
    learned: bool = False
    bias: bool = False
    positional = ("value",)
    style = Style(_FILL, "scale {value}")
    inplace = True

    def settle(self, *xs: Shape) -> Self:
        if self.bias and not self.learned:
            raise RuleError("SCALE by a constant has no bias", "bias", "write learned=on as well", "A204")
        return self

    def weights(self, *xs: Shape) -> tuple[Weight, ...]:
        init = Init("constant", self.value)
        scale = Weight("weight", (xs[0][0],), init)
        return ((scale,) + (Weight("bias", (xs[0][0],), Init("constant", 0.0)),) * self.bias) if self.learned else ()

    def cost(self, y: Shape, *xs: Shape) -> Cost:
        return Cost(0, (1 + self.bias) * prod(y))

    def saved(self, y: Shape, *xs: Shape) -> Saved:
        return Saved((0,) * self.learned, order="input")

    def torch(self, *xs: Shape) -> Torch:
        if not self.learned:
            return Torch(call=f"{{0}} * {self.value!r}")
        kwargs: dict[str, Any] = {} if self.value == 1 else {"value": self.value}
        return Torch("Scale", (xs[0][0],), kwargs | ({"bias": True} if self.bias else {}), source=_SCALE)

    def onnx(self, *xs: Shape) -> tuple[Onnx, ...]:
        if not self.learned:
            return Onnx("Constant", (), {"value_float": self.value}, ("factor",)), Onnx("Mul", ("0", "factor"))
        c, rank = xs[0][0], len(xs[0]) - 1
        if self.bias:
            return affine_onnx("0", c, rank)
        return (
            constant("per_channel", c, *(1,) * rank),
            Onnx("Reshape", ("weight", "per_channel"), {}, ("scale",)),
            Onnx("Mul", ("0", "scale")),
        )


@register("LAYERSCALE")
class LayerScale(Op):
    """A learned factor per channel that starts near zero, before a residual sum (Touvron et al. 2021); it is SCALE."""

    value: float = 1e-6
    positional = ("value",)
    style = Style(_FILL, "layer scale")

    def parts(self, *xs: Shape) -> tuple[Op, ...]:
        return (Scale(value=self.value, learned=True),)
