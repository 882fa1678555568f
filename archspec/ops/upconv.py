"""Transposed convolution, over one, two or three spatial axes."""

from __future__ import annotations

from math import prod
from typing import Annotated, Any, Self

from pydantic import BeforeValidator

from archspec.formula import Formula, along, axes, contraction, formula, over, sized
from archspec.op import (
    Cost,
    Natural,
    Onnx,
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
from archspec.ops.conv import Convolving, divide
from archspec.padding import Pad, onnx_pads, symmetric
from archspec.saved import Saved

Offsets = Annotated[tuple[Natural, ...], BeforeValidator(lambda v: (v,) if type(v) is int else v)]


@register("UPCONV")
class TransposedConv(Convolving):
    """Transposed convolution (fractionally strided): every input position paints a kernel onto the output."""

    channels: Positive
    bias: bool = True
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

    def formulas(self, y: Shape, *xs: Shape) -> tuple[Formula, ...]:
        rank, (count, values) = len(self.kernel), sized(y)
        entering, sizes = sized(xs[0], "in")
        values |= sizes | {"g": self.groups} | along("k", self.kernel)
        painted = zip(xs[0][1:], self.kernel, self.stride, self.sides, self.dilation, self.out_pad, strict=True)
        shape = (
            formula(
                "shape",
                "(n - 1)*s - 2*pad + d*(k - 1) + out_pad + 1",
                dict(n=n, s=s, pad=p[0], d=d, k=k, out_pad=o),
                axis,
            )
            for axis, (n, k, s, p, d, o) in zip(axes(rank), painted, strict=True)
        )
        taps = f"(c_out/g)*{over('k', rank)}"
        params = f"c_in*{taps}" + " + c_out" * self.bias
        return *shape, *contraction(params, f"{entering}*{taps}", values, count * self.bias)

    def saved(self, y: Shape, *xs: Shape) -> Saved:
        return Saved((0,), order="image")

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
