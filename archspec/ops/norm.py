"""Normalisations.

Work per value: batch normalisation is one scale and one shift, 2; a normalisation that takes its statistics from the
input subtracts, squares, sums twice and divides, 5, and its affine part makes it 7.
"""

from __future__ import annotations

from math import prod
from typing import Annotated, Any, ClassVar, Literal, Self

from pydantic import Field

from archspec.op import (
    Cost,
    Init,
    Onnx,
    Op,
    Positive,
    RuleError,
    Shape,
    Style,
    Torch,
    Weight,
    constant,
    register,
    spatial_rank,
)

Epsilon = Annotated[float, Field(gt=0)]
_FILL = "#ead1dc"


def ones(name: str, count: int, value: float = 1.0) -> Onnx:
    """A temporary of `count` equal numbers, for an operator of ONNX that insists on a scale or a shift."""
    return Onnx("Constant", (), {"value_floats": [value] * count}, (name,))


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


_NO_GAMMA = '''class {name}(nn.BatchNorm{rank}d):
    """Batch normalisation without a scale."""

    def __init__(self, num_features: int, **kwargs) -> None:
        super().__init__(num_features, **kwargs)
        self.weight = None
'''


@register("BN")
class BatchNorm(Op):
    """Batch normalisation with the running statistics of training; scale `gamma` and shift `beta` per channel.
    `momentum` is PyTorch's, the weight of the newest batch."""

    eps: Epsilon = 1e-5
    momentum: Annotated[float, Field(ge=0, le=1)] = 0.1
    gamma: bool = True
    beta: bool = True
    style = Style(_FILL, "BN")

    def settle(self, *xs: Shape) -> Self:
        if self.gamma and not self.beta:
            raise RuleError("BN with a gamma has a beta", "beta", "write gamma=off too, or leave beta", "A204")
        if len(xs[0]) > 1:
            spatial_rank(self, xs[0])
        return self

    def weights(self, *xs: Shape) -> tuple[Weight, ...]:
        c = (xs[0][0],)
        scale, shift = affine_weights(c)
        learned = (scale,) * self.gamma + (shift,) * self.beta
        mean = Weight("running_mean", c, Init("constant", 0.0), trainable=False)
        return (*learned, mean, Weight("running_var", c, Init("constant", 1.0), trainable=False))

    def cost(self, y: Shape, *xs: Shape) -> Cost:
        return Cost(0, 2 * prod(y))

    def torch(self, *xs: Shape) -> Torch:
        rank = max(1, len(xs[0]) - 1)
        kwargs: dict[str, Any] = {} if self.eps == 1e-5 else {"eps": self.eps}
        kwargs |= {} if self.momentum == 0.1 else {"momentum": self.momentum}
        if self.beta and not self.gamma:
            name = f"BatchNormNoGamma{rank}d"
            return Torch(name, (xs[0][0],), kwargs, source=_NO_GAMMA.format(name=name, rank=rank))
        kwargs |= {} if self.beta else {"affine": False}
        return Torch(f"BatchNorm{rank}d", (xs[0][0],), kwargs)

    def onnx(self, *xs: Shape) -> tuple[Onnx, ...]:
        c = xs[0][0]
        given: tuple[Onnx, ...] = () if self.gamma else (ones("weight_1", c),)
        given += () if self.beta else (ones("bias_0", c, 0.0),)
        names = ("weight" if self.gamma else "weight_1", "bias" if self.beta else "bias_0")
        attrs = {"epsilon": self.eps}
        return (*given, Onnx("BatchNormalization", ("0", *names, "running_mean", "running_var"), attrs))


class SampleNorm(Op):
    """A normalisation by the statistics of the example itself."""

    eps: Epsilon = 1e-5
    affine: bool = True
    style = Style(_FILL, "{name}")

    @property
    def whole(self) -> bool:
        return True

    def cost(self, y: Shape, *xs: Shape) -> Cost:
        return Cost(0, (7 if self.affine else 5) * prod(y))

    def weights(self, *xs: Shape) -> tuple[Weight, ...]:
        return affine_weights((xs[0][0],)) if self.affine else ()

    def options(self, default: bool, flag: str = "affine") -> dict[str, Any]:
        """torch.nn's keyword arguments that differ from its defaults."""
        kwargs: dict[str, Any] = {} if self.eps == 1e-5 else {"eps": self.eps}
        return kwargs | ({} if self.affine == default else {flag: self.affine})


@register("LN")
class LayerNorm(SampleNorm):
    """Layer normalisation (Ba et al. 2016): over all of channels x positions, with a scale and shift for each value, as
    PyTorch's LayerNorm([C, H, W]); `axis=channel` at every position over its channels, as ConvNeXt and transformers.
    Unless given, axis is `channel` for 1-D input, whose positions are tokens, and `all` otherwise."""

    axis: Literal["all", "channel"] | None = None

    @property
    def whole(self) -> bool:
        return self.axis != "channel"

    def settle(self, *xs: Shape) -> Self:
        return self.model_copy(update={"axis": self.axis or ("channel" if len(xs[0]) == 2 else "all")})

    def normalized(self, x: Shape) -> Shape:
        """The shape that one pair of statistics covers."""
        return x[:1] if self.axis == "channel" else x

    def weights(self, *xs: Shape) -> tuple[Weight, ...]:
        return affine_weights(self.normalized(xs[0])) if self.affine else ()

    def torch(self, *xs: Shape) -> Torch:
        shape = self.normalized(xs[0])
        call = "{m}({0}.movedim(1, -1)).movedim(-1, 1)" if len(shape) < len(xs[0]) else "{m}({0})"
        return Torch(
            "LayerNorm", (shape[0] if len(shape) == 1 else shape,), self.options(True, "elementwise_affine"), call
        )

    def onnx(self, *xs: Shape) -> tuple[Onnx, ...]:
        shape, rank = self.normalized(xs[0]), len(xs[0])
        given: tuple[Onnx, ...] = () if self.affine else (constant("shape", *shape), ones("flat", prod(shape)))
        given += () if self.affine else (Onnx("Reshape", ("flat", "shape"), {}, ("unit",)),)
        weights = ("weight", "bias") if self.affine else ("unit",)
        if len(shape) == rank:
            return (*given, Onnx("LayerNormalization", ("0", *weights), {"axis": 1, "epsilon": self.eps}))
        return (
            *given,
            Onnx("Transpose", ("0",), {"perm": (0, *range(2, rank + 1), 1)}, ("last",)),
            Onnx("LayerNormalization", ("last", *weights), {"axis": -1, "epsilon": self.eps}, ("normal",)),
            Onnx("Transpose", ("normal",), {"perm": (0, rank, *range(1, rank))}),
        )


@register("IN")
class InstanceNorm(SampleNorm):
    """Instance normalisation: each channel of each example by its own mean and variance (Ulyanov et al. 2016)."""

    affine: bool = False

    def settle(self, *xs: Shape) -> Self:
        spatial_rank(self, xs[0])
        if prod(xs[0][1:]) == 1:
            raise RuleError("IN needs more than one position per channel", help="leave it out here", code="A320")
        return self

    def torch(self, *xs: Shape) -> Torch:
        return Torch(f"InstanceNorm{len(xs[0]) - 1}d", (xs[0][0],), self.options(False))

    def onnx(self, *xs: Shape) -> tuple[Onnx, ...]:
        attrs = {"epsilon": self.eps}
        if self.affine:
            return (Onnx("InstanceNormalization", ("0", "weight", "bias"), attrs),)
        c = xs[0][0]
        given = ones("unit", c), ones("zero", c, 0.0)
        return (*given, Onnx("InstanceNormalization", ("0", "unit", "zero"), attrs))


@register("GN")
class GroupNorm(SampleNorm):
    """Group normalisation: `groups` groups of channels, each by its own mean and variance (Wu and He 2018)."""

    groups: Positive = 32
    positional = ("groups",)
    style = Style(_FILL, "GN {groups}")

    def settle(self, *xs: Shape) -> Self:
        if xs[0][0] % self.groups:
            raise RuleError(
                f"{xs[0][0]} channels do not divide into {self.groups} groups",
                "groups",
                "write a number that divides the channels: GN(groups)",
                "A206",
            )
        return self

    def torch(self, *xs: Shape) -> Torch:
        return Torch("GroupNorm", (self.groups, xs[0][0]), self.options(True))

    def onnx(self, *xs: Shape) -> tuple[Onnx, ...]:
        # GroupNormalization means two different things in opsets 18 and 21, so the groups are made instances.
        x, rank, end = xs[0], len(xs[0]) - 1, "normal" if self.affine else "y"
        core = (
            constant("grouped", 0, self.groups, -1),
            constant("shape", 0, *x),
            ones("unit", self.groups),
            ones("zero", self.groups, 0.0),
            Onnx("Reshape", ("0", "grouped"), {}, ("groups",)),
            Onnx("InstanceNormalization", ("groups", "unit", "zero"), {"epsilon": self.eps}, ("even",)),
            Onnx("Reshape", ("even", "shape"), {}, (end,)),
        )
        return (*core, *affine_onnx("normal", x[0], rank)) if self.affine else core


@register("LRN")
class LocalResponseNorm(Op):
    """Local response normalisation across `n` neighbouring channels, as its paper writes it (Krizhevsky et al. 2012):
    x / (k + alpha * sum of squares)^beta, alpha not divided by n (PyTorch, Caffe and ONNX divide and get alpha*n)."""

    n: Positive = 5
    alpha: float = 1e-4
    beta: float = 0.75
    k: float = 2.0
    positional = ("n",)
    style = Style(_FILL, "LRN")

    def settle(self, *xs: Shape) -> Self:
        spatial_rank(self, xs[0])
        if self.n % 2 == 0:
            raise RuleError(f"n={self.n} has no middle channel", "n", "write an odd number: LRN(n=5)", "A204")
        return self

    def cost(self, y: Shape, *xs: Shape) -> Cost:
        return Cost(0, (self.n + 4) * prod(y))  # a square, n-1 sums, alpha, k, a power, a division

    def torch(self, *xs: Shape) -> Torch:
        kwargs = {"size": self.n, "alpha": self.alpha * self.n, "beta": self.beta, "k": self.k}
        return Torch("LocalResponseNorm", (), kwargs)

    def onnx(self, *xs: Shape) -> tuple[Onnx, ...]:
        attrs = {"size": self.n, "alpha": self.alpha * self.n, "beta": self.beta, "bias": self.k}
        if len(xs[0]) == 3:
            return (Onnx("LRN", ("0",), attrs),)
        return (  # onnxruntime knows LRN on images alone; the channels see nothing of where a position lies
            constant("image", 0, xs[0][0], -1, 1),
            constant("shape", 0, *xs[0]),
            Onnx("Reshape", ("0", "image"), {}, ("flat",)),
            Onnx("LRN", ("flat",), attrs, ("normal",)),
            Onnx("Reshape", ("normal", "shape")),
        )


@register("L2NORM")
class L2Norm(Op):
    """Every position's channels divided by their Euclidean length (ParseNet, SSD; a learned scale is SCALE's)."""

    work: ClassVar[int] = 3  # a square, a sum, a division
    style = Style(_FILL, "L2 norm")

    def cost(self, y: Shape, *xs: Shape) -> Cost:
        return Cost(0, self.work * prod(y))

    def torch(self, *xs: Shape) -> Torch:
        return Torch(call="F.normalize({0}, dim=1)")

    def onnx(self, *xs: Shape) -> tuple[Onnx, ...]:
        return (Onnx("LpNormalization", ("0",), {"axis": 1, "p": 2}),)


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
