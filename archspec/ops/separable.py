"""Separable convolutions: chains of smaller ones, over space and channels or axis by axis."""

from __future__ import annotations

from typing import Any

from archspec.op import Op, Positive, Shape, register
from archspec.ops.conv import Conv, Convolving, DepthwiseConv


@register("SEPCONV")
class SeparableConv(Convolving):
    """Depthwise separable convolution: a depthwise one with the kernel and stride, then a 1x1 one to `channels`."""

    channels: Positive
    multiplier: Positive = 1
    bias: bool = True
    positional = ("channels", "kernel", "stride")
    act = True

    def parts(self, *xs: Shape) -> tuple[Op, ...]:
        depthwise = self.model_dump(exclude={"channels", "bias_init"}, exclude_unset=True)
        return DepthwiseConv(**depthwise), Conv(
            channels=self.channels, kernel=(1,), bias=self.bias, bias_init=self.bias_init
        )


@register("SSEPCONV")
class SpatiallySeparableConv(Convolving):
    """Spatially separable convolution: one convolution per axis, each with the kernel and stride of its axis, all to
    `channels` (a 3x3 is a 3x1, then a 1x3)."""

    channels: Positive
    bias: bool = True
    positional = ("channels", "kernel", "stride")
    act = True

    def parts(self, *xs: Shape) -> tuple[Op, ...]:
        settled = self.settle(*xs)
        rank = len(settled.kernel)

        def alone(axis: int, sizes: tuple[Any, ...], rest: Any) -> tuple[Any, ...]:
            """The sizes of one axis, and `rest` on the others."""
            return tuple(size if i == axis else rest for i, size in enumerate(sizes))

        return tuple(
            Conv(
                channels=self.channels,
                kernel=alone(axis, settled.kernel, 1),
                stride=alone(axis, settled.stride, 1),
                dilation=alone(axis, settled.dilation, 1),
                pad=alone(axis, settled.sides, (0, 0)),
                bias=self.bias,
                bias_init=self.bias_init,
            )
            for axis in range(rank)
        )
