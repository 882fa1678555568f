"""Normalisations.

Work per value: batch normalisation is one scale and one shift, 2; a normalisation that takes its statistics from the
input subtracts, squares, sums twice and divides, 5, and its affine part makes it 7.
"""

from __future__ import annotations

from math import prod
from typing import Annotated, Any, Literal, Self

from pydantic import Field

from archspec.formula import Formula, work
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
from archspec.ops.scale import affine_onnx, affine_weights
from archspec.saved import Kept, Saved

Epsilon = Annotated[float, Field(gt=0)]
_FILL = "#ead1dc"


def ones(name: str, count: int, value: float = 1.0) -> Onnx:
    """A temporary of `count` equal numbers, for an operator of ONNX that insists on a scale or a shift."""
    return Onnx("Constant", (), {"value_floats": [value] * count}, (name,))


def statistics(shape: Shape, batched: bool = True) -> tuple[Kept, ...]:
    """The means and the inverse deviations, which stay float32 whatever the activations are."""
    return tuple(Kept(name, shape, "float32", batched) for name in ("means", "inverse deviations"))


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
    inplace = True

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

    def formulas(self, y: Shape, *xs: Shape) -> tuple[Formula, ...]:
        return work(2, y)

    def saved(self, y: Shape, *xs: Shape) -> Saved:
        return Saved((0,), made=statistics(xs[0][:1], batched=False), order="image")

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

    def formulas(self, y: Shape, *xs: Shape) -> tuple[Formula, ...]:
        return work(7 if self.affine else 5, y)

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

    def saved(self, y: Shape, *xs: Shape) -> Saved:
        if len(self.normalized(y)) == len(y):
            return Saved((0,), made=statistics((1,)))
        return Saved((0,), made=statistics(y[1:]), order="last")

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

    def saved(self, y: Shape, *xs: Shape) -> Saved:
        scales = (Kept("scales", y[:1], "float32"),) * self.affine  # of every example
        return Saved((0,), made=(*statistics(y[:1]), *scales), read="first")

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
        if (
            prod(xs[0]) == self.groups
        ):  # PyTorch refuses it for a single example, and nothing of the input would be left
            raise RuleError(
                "GN needs more than one value per group", "groups", "fewer groups, or none of it here", "A320"
            )
        return self

    def saved(self, y: Shape, *xs: Shape) -> Saved:
        return Saved((0,), made=statistics((self.groups,)), read="image", order="image")

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


@register("RMSNORM", "RMS")
class RMSNorm(Op):
    """Division by the root mean square over each position's channels, times a learned scale (Zhang, Sennrich 2019)."""

    eps: Epsilon = 1e-6
    style = Style(_FILL, "RMS norm")

    def weights(self, *xs: Shape) -> tuple[Weight, ...]:
        return affine_weights(xs[0][:1])[:1]

    def cost(self, y: Shape, *xs: Shape) -> Cost:
        return Cost(0, 4 * prod(y))  # a square, a sum, a division, a scale

    def saved(self, y: Shape, *xs: Shape) -> Saved:
        made = Kept("inverse lengths", y[1:], always=False), Kept("normalised input", y)
        return Saved((0,), to="own", made=made, order="last" if len(y) > 1 else "first")

    def torch(self, *xs: Shape) -> Torch:
        call = "{m}({0}.movedim(1, -1)).movedim(-1, 1)" if len(xs[0]) > 1 else "{m}({0})"
        return Torch("RMSNorm", (xs[0][0],), {"eps": self.eps}, call)

    def onnx(self, *xs: Shape) -> tuple[Onnx, ...]:
        return (
            Onnx("Mul", ("0", "0"), {}, ("squares",)),
            constant("channels", 1),
            Onnx("ReduceMean", ("squares", "channels"), {"keepdims": 1}, ("power",)),
            Onnx("Constant", (), {"value_float": self.eps}, ("eps",)),
            Onnx("Add", ("power", "eps"), {}, ("safe",)),
            Onnx("Sqrt", ("safe",), {}, ("length",)),
            Onnx("Div", ("0", "length"), {}, ("normal",)),
            constant("per_channel", xs[0][0], *(1,) * (len(xs[0]) - 1)),
            Onnx("Reshape", ("weight", "per_channel"), {}, ("scale",)),
            Onnx("Mul", ("normal", "scale")),
        )
