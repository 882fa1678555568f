"""Where data enters a network."""

from __future__ import annotations

from typing import Literal

from archspec.op import Cost, Op, Shape, Style, register

Dtype = Literal["float32", "float16", "bfloat16", "int64", "int32", "int8", "bool"]


@register("INPUT")
class Input(Op):
    """An input of the network: one example's shape, without the batch."""

    shape: tuple[int, ...]
    dtype: Dtype = "float32"
    symbols: tuple[str, ...] = ()  # per axis, the name of a size that stays symbolic ("" where it is a number)
    positional = ("shape",)
    arity = (0, 0)
    view = True
    style = Style("#ffffff", "{name}")

    def infer(self, *xs: Shape) -> Shape:
        return self.shape

    def cost(self, y: Shape, *xs: Shape) -> Cost:
        return Cost()
