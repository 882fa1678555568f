"""Convolutions: ordinary, depthwise, separable and transposed, over one, two or three spatial axes."""

from __future__ import annotations

from math import prod, sqrt
from typing import Annotated, Any, Literal, Self, cast

from pydantic import BeforeValidator

from archspec.op import (
    Cost,
    Init,
    Natural,
    Onnx,
    Op,
    Positive,
    RuleError,
    Shape,
    Sides,
    Sizes,
    Style,
    Torch,
    Weight,
    Window,
    per_axis,
    register,
    spatial_rank,
)

Padding = Literal["same", "valid", "same_upper", "same_lower", "causal"]
Offsets = Annotated[tuple[Natural, ...], BeforeValidator(lambda v: (v,) if type(v) is int else v)]
Pad = Padding | Natural | tuple[Natural | tuple[Natural, Natural], ...]


def settle_pad(pad: Pad, kernel: Shape, stride: Shape, dilation: Shape, spatial: Shape) -> Sides:
    """Padding per axis as (begin, end).

    `same` gives ceil(in/stride): (k_eff-1)/2 on both sides when the effective kernel is odd, as papers and torchvision
    do; an even one gets the odd cell at the end.  `same_upper`/`same_lower` are TensorFlow's and ONNX's, whose total
    depends on the input size.  `causal` pads only before.
    """
    reach = [d * (k - 1) + 1 for k, d in zip(kernel, dilation, strict=True)]
    if pad == "valid":
        return ((0, 0),) * len(kernel)
    if pad == "same":
        return tuple(((r - 1) // 2, r // 2) for r in reach)
    if pad == "causal":
        return tuple((r - 1, 0) for r in reach)
    if pad in ("same_upper", "same_lower"):
        totals = [max(0, (-(-n // s) - 1) * s + r - n) for n, s, r in zip(spatial, stride, reach, strict=True)]
        small, large = [t // 2 for t in totals], [t - t // 2 for t in totals]
        return tuple(zip(*((small, large) if pad == "same_upper" else (large, small)), strict=True))
    if isinstance(pad, int):
        return ((pad, pad),) * len(kernel)
    if len(pad) != len(kernel):
        raise RuleError(
            f"pad has {len(pad)} entries, the input has {len(kernel)} spatial axes",
            "pad",
            "write one number, one per axis, or (begin, end) per axis: ((1, 0), (0, 0))",
            "A205",
        )
    return tuple((p, p) if isinstance(p, int) else p for p in pad)


def symmetric(pad: Sides) -> bool:
    return all(begin == end for begin, end in pad)


def torch_pad(pad: Sides) -> tuple[int, ...]:
    """F.pad's order: the last axis first, begin before end."""
    return tuple(n for side in reversed(pad) for n in side)


def onnx_pads(pad: Sides) -> list[int]:
    """ONNX's order: every begin, then every end."""
    return [begin for begin, _ in pad] + [end for _, end in pad]


def contraction_weights(shape: Shape, fan_in: int, bias: int) -> tuple[Weight, ...]:
    """Weight and bias of a layer that multiplies and sums `fan_in` values.  Drawn with He's bound sqrt(6/fan_in), which
    keeps the signal's size through ReLU layers (He et al. 2015), so that a comparison after 100 layers still sees it."""
    weights = [Weight("weight", shape, Init("uniform", sqrt(6 / fan_in)))]
    if bias:
        weights.append(Weight("bias", (bias,), Init("uniform", 1 / sqrt(fan_in))))
    return tuple(weights)


class Convolving(Op):
    """What every convolution shares: per-axis kernel, stride, padding, dilation."""

    kernel: Sizes = (3,)
    stride: Sizes = (1,)
    pad: Pad = "same"
    dilation: Sizes = (1,)
    bias: bool = True

    def settle(self, *xs: Shape) -> Self:
        rank = spatial_rank(self, xs[0])
        kernel, stride, dilation = (
            per_axis(getattr(self, name), rank, name) for name in ("kernel", "stride", "dilation")
        )
        pad = settle_pad(self.pad, kernel, stride, dilation, xs[0][1:])
        return self.model_copy(update={"kernel": kernel, "stride": stride, "dilation": dilation, "pad": pad})

    @property
    def sides(self) -> Sides:
        """The settled padding."""
        return cast(Sides, self.pad)

    def windows(self, *xs: Shape) -> tuple[Window, ...]:
        return tuple(map(Window, self.kernel, self.stride, self.sides, self.dilation))


class GroupedConvolution(Convolving):
    """The rules of a convolution of `width` filters in `split` groups; CONV and DWCONV say what the two are."""

    act = True

    def filters(self, x: Shape) -> int:
        raise TypeError(f"{type(self).__name__} states no number of filters")

    def split(self, x: Shape) -> int:
        raise TypeError(f"{type(self).__name__} states no number of groups")

    def out_channels(self, *xs: Shape) -> int:
        return self.filters(xs[0])

    def weights(self, *xs: Shape) -> tuple[Weight, ...]:
        x, per_group = xs[0], xs[0][0] // self.split(xs[0])
        shape = (self.filters(x), per_group, *self.kernel)
        return contraction_weights(shape, per_group * prod(self.kernel), self.filters(x) * self.bias)

    def cost(self, y: Shape, *xs: Shape) -> Cost:
        return Cost(prod(y) * (xs[0][0] // self.split(xs[0])) * prod(self.kernel), prod(y) * self.bias)

    def torch(self, *xs: Shape) -> Torch:
        x, rank = xs[0], len(xs[0]) - 1
        kwargs: dict[str, Any] = {"kernel_size": self.kernel, "stride": self.stride}
        call = "{m}({0})"
        if symmetric(self.sides):
            kwargs["padding"] = tuple(begin for begin, _ in self.sides)
        else:  # torch.nn pads both sides alike
            call = f"{{m}}(F.pad({{0}}, {torch_pad(self.sides)}))"
        kwargs |= {"dilation": self.dilation, "groups": self.split(x), "bias": self.bias}
        return Torch(f"Conv{rank}d", (x[0], self.filters(x)), kwargs, call)

    def onnx(self, *xs: Shape) -> tuple[Onnx, ...]:
        attrs = {
            "kernel_shape": self.kernel,
            "strides": self.stride,
            "pads": onnx_pads(self.sides),
            "dilations": self.dilation,
            "group": self.split(xs[0]),
        }
        return (Onnx("Conv", ("0", "weight", "bias") if self.bias else ("0", "weight"), attrs),)


@register("CONV")
class Conv(GroupedConvolution):
    """Convolution: `channels` filters over all input channels (or those of their group)."""

    channels: Positive
    groups: Positive = 1
    positional = ("channels", "kernel", "stride")
    style = Style("#cfe2f3", "conv {kernel}, {channels}")

    def settle(self, *xs: Shape) -> Self:
        settled = super().settle(*xs)
        for what, n in (("input", xs[0][0]), ("output", self.channels)):
            if n % self.groups:
                raise RuleError(
                    f"{n} {what} channels do not divide into {self.groups} groups", "groups", code="A206"
                )
        return settled

    def filters(self, x: Shape) -> int:
        return self.channels

    def split(self, x: Shape) -> int:
        return self.groups


@register("DWCONV")
class DepthwiseConv(GroupedConvolution):
    """Depthwise convolution: each channel has its own filters, `multiplier` of them."""

    multiplier: Positive = 1
    positional = ("kernel", "stride")
    style = Style("#d0e0e3", "dwconv {kernel}")

    def filters(self, x: Shape) -> int:
        return x[0] * self.multiplier

    def split(self, x: Shape) -> int:
        return x[0]


@register("SEPCONV")
class SeparableConv(Convolving):
    """Depthwise separable convolution: a depthwise one with the kernel and stride, then a 1x1 one to `channels`."""

    channels: Positive
    multiplier: Positive = 1
    positional = ("channels", "kernel", "stride")
    act = True

    def parts(self, *xs: Shape) -> tuple[Op, ...]:
        depthwise = self.model_dump(exclude={"channels"}, exclude_unset=True)
        return DepthwiseConv(**depthwise), Conv(channels=self.channels, kernel=1, bias=self.bias)


@register("UPCONV")
class TransposedConv(Convolving):
    """Transposed convolution (fractionally strided): every input position paints a kernel onto the output."""

    channels: Positive
    kernel: Sizes = (2,)
    stride: Sizes = ()  # (): as the kernel
    pad: Pad = 0
    out_pad: Offsets = (0,)
    groups: Positive = 1
    positional = ("channels", "kernel", "stride")
    act = True
    style = Style("#d9d2e9", "upconv {kernel}, {channels}")

    def settle(self, *xs: Shape) -> Self:
        rank = spatial_rank(self, xs[0])
        given = self if self.stride else self.model_copy(update={"stride": self.kernel})
        if isinstance(self.pad, str) and self.pad != "valid":
            raise RuleError(f"UPCONV takes no pad={self.pad}", "pad", "write the numbers: pad=1, out_pad=1", "A204")
        settled = super(TransposedConv, given).settle(*xs)
        for what, n in (("input", xs[0][0]), ("output", self.channels)):
            if n % self.groups:
                raise RuleError(f"{n} {what} channels do not divide into {self.groups} groups", "groups", code="A206")
        return settled.model_copy(update={"out_pad": per_axis(self.out_pad, rank, "out_pad")})

    def windows(self, *xs: Shape) -> tuple[Window, ...]:
        # As a convolution of the input stretched by the stride: pad k_eff-1-p, plus out_pad at the end.
        axes = zip(self.kernel, self.stride, self.sides, self.dilation, self.out_pad, strict=True)
        return tuple(
            Window(k, 1, (d * (k - 1) - p[0], d * (k - 1) - p[1] + out), d, s) for k, s, p, d, out in axes
        )

    def out_channels(self, *xs: Shape) -> int:
        return self.channels

    def weights(self, *xs: Shape) -> tuple[Weight, ...]:
        c = xs[0][0]
        shape = (c, self.channels // self.groups, *self.kernel)
        fan_in = max(1, c // self.groups * prod(self.kernel) // prod(self.stride))
        return contraction_weights(shape, fan_in, self.channels * self.bias)

    def cost(self, y: Shape, *xs: Shape) -> Cost:
        taps = prod(self.kernel) * self.channels // self.groups
        return Cost(prod(xs[0]) * taps, prod(y) * self.bias)

    def torch(self, *xs: Shape) -> Torch:
        if not symmetric(self.sides):
            raise RuleError("UPCONV pads both sides alike in PyTorch", "pad", "crop the result: -> CROP(...)", "A204")
        kwargs = {
            "kernel_size": self.kernel,
            "stride": self.stride,
            "padding": tuple(begin for begin, _ in self.sides),
            "output_padding": self.out_pad,
            "dilation": self.dilation,
            "groups": self.groups,
            "bias": self.bias,
        }
        return Torch(f"ConvTranspose{len(xs[0]) - 1}d", (xs[0][0], self.channels), kwargs)

    def onnx(self, *xs: Shape) -> tuple[Onnx, ...]:
        attrs = {
            "kernel_shape": self.kernel,
            "strides": self.stride,
            "pads": onnx_pads(self.sides),
            "output_padding": self.out_pad,
            "dilations": self.dilation,
            "group": self.groups,
        }
        return (Onnx("ConvTranspose", ("0", "weight", "bias") if self.bias else ("0", "weight"), attrs),)
