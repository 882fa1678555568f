"""Activations: elementwise, so shape and receptive field pass through."""

from __future__ import annotations

from math import prod
from typing import ClassVar

from archspec.op import Cost, Onnx, Op, Shape, Style, Torch, register


class Elementwise(Op):
    """An activation computed value by value.  `work` is its published cost in operations per value."""

    work: ClassVar[int]
    style = Style("#f4cccc", "{name}")

    def cost(self, y: Shape, *xs: Shape) -> Cost:
        return Cost(0, self.work * prod(y))


@register("RELU")
class ReLU(Elementwise):
    """max(x, 0)."""

    work = 1

    def torch(self, *xs: Shape) -> Torch:
        return Torch("ReLU")

    def onnx(self, *xs: Shape) -> tuple[Onnx, ...]:
        return (Onnx("Relu"),)
