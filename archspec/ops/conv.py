"""Convolutions: ordinary, depthwise, separable and transposed, over one, two or three spatial axes."""

from __future__ import annotations

from math import gcd, prod
from typing import Annotated, Any, Self, cast

from pydantic import BeforeValidator

from archspec.op import (
    Cost,
    Natural,
    Onnx,
    Op,
    Positive,
    RuleError,
    Shape,
    Sizes,
    Style,
    Torch,
    Weight,
    Window,
    brief,
    contraction_weights,
    per_axis,
    register,
    spatial_rank,
)
from archspec.padding import Pad, Sides, onnx_pads, settle_pad, symmetric, torch_pad

Offsets = Annotated[tuple[Natural, ...], BeforeValidator(lambda v: (v,) if type(v) is int else v)]


def divide(entering: int, leaving: int, groups: int) -> None:
    """Refuses groups that do not divide both the channels that enter and those that leave."""
    for what, n in (("input", entering), ("output", leaving)):
        if n % groups:
            message = f"{n} {what} channels do not divide into {groups} groups"
            help = f"write a number that divides {entering} and {leaving}: groups={gcd(entering, leaving)}"
            raise RuleError(message, "groups", help, "A206")


class Convolving(Op):
    """What every convolution shares: per-axis kernel, stride, padding, dilation."""

    kernel: Sizes = (3,)
    stride: Sizes = (1,)
    pad: Pad = "same"
    dilation: Sizes = (1,)
    bias: bool = True
    bias_init: float | None = None  # what the bias starts from; None leaves it to the framework

    def settle(self, *xs: Shape) -> Self:
        rank = spatial_rank(self, xs[0])
        if self.bias_init is not None and not self.bias:
            raise RuleError("bias_init needs a bias", "bias_init", "drop bias=off, or bias_init", "A204")
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
        return contraction_weights(shape, per_group * prod(self.kernel), self.filters(x) * self.bias, self.bias_init)

    def cost(self, y: Shape, *xs: Shape) -> Cost:
        return Cost(prod(y) * (xs[0][0] // self.split(xs[0])) * prod(self.kernel), prod(y) * self.bias)

    def torch(self, *xs: Shape) -> Torch:
        x, rank = xs[0], len(xs[0]) - 1
        kwargs: dict[str, Any] = {"kernel_size": brief(self.kernel)}
        call = "{m}({0})"
        if not symmetric(self.sides):  # torch.nn pads both sides alike
            call = f"{{m}}(F.pad({{0}}, {torch_pad(self.sides)}))"
        elif any(map(any, self.sides)):
            kwargs["padding"] = brief(tuple(begin for begin, _ in self.sides))
        spread = {"stride": self.stride, "dilation": self.dilation, "groups": (self.split(x),)}
        kwargs |= {name: brief(value) for name, value in spread.items() if set(value) != {1}}
        kwargs |= {} if self.bias else {"bias": False}
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
        divide(xs[0][0], self.channels, self.groups)
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
        depthwise = self.model_dump(exclude={"channels", "bias_init"}, exclude_unset=True)
        return DepthwiseConv(**depthwise), Conv(
            channels=self.channels, kernel=(1,), bias=self.bias, bias_init=self.bias_init
        )


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
        if not symmetric(settled.sides):
            raise RuleError(
                "UPCONV pads both sides alike", "pad", "write one number per axis and CROP the result", "A204"
            )
        divide(xs[0][0], self.channels, self.groups)
        out_pad = per_axis(self.out_pad, rank, "out_pad")
        if any(o >= s for o, s in zip(out_pad, settled.stride, strict=True)):
            raise RuleError(
                "out_pad must be smaller than the stride", "out_pad", "write out_pad=1 for stride 2", "A204"
            )
        return settled.model_copy(update={"out_pad": out_pad})

    def windows(self, *xs: Shape) -> tuple[Window, ...]:
        # As a convolution of the input stretched by the stride: pad k_eff-1-p, plus out_pad at the end.
        axes = zip(self.kernel, self.stride, self.sides, self.dilation, self.out_pad, strict=True)
        return tuple(Window(k, 1, (d * (k - 1) - p[0], d * (k - 1) - p[1] + out), d, s) for k, s, p, d, out in axes)

    def out_channels(self, *xs: Shape) -> int:
        return self.channels

    def weights(self, *xs: Shape) -> tuple[Weight, ...]:
        c = xs[0][0]
        shape = (c, self.channels // self.groups, *self.kernel)
        fan_in = max(1, c // self.groups * prod(self.kernel) // prod(self.stride))
        return contraction_weights(shape, fan_in, self.channels * self.bias, self.bias_init)

    def cost(self, y: Shape, *xs: Shape) -> Cost:
        taps = prod(self.kernel) * self.channels // self.groups
        return Cost(prod(xs[0]) * taps, prod(y) * self.bias)

    def torch(self, *xs: Shape) -> Torch:
        kwargs: dict[str, Any] = {"kernel_size": brief(self.kernel), "stride": brief(self.stride)}
        pad = tuple(begin for begin, _ in self.sides)
        kwargs |= {
            name: brief(value) for name, value in (("padding", pad), ("output_padding", self.out_pad)) if any(value)
        }
        spread = {"dilation": self.dilation, "groups": (self.groups,)}
        kwargs |= {name: brief(value) for name, value in spread.items() if set(value) != {1}}
        kwargs |= {} if self.bias else {"bias": False}
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
