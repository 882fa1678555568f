"""Adaptive pools: the output's size is given, the windows follow from the input's."""

from __future__ import annotations

from math import gcd, prod
from typing import ClassVar, Self

from archspec.formula import Formula, axes
from archspec.op import (
    Cost,
    Onnx,
    Op,
    Shape,
    Sizes,
    Style,
    Torch,
    Window,
    brief,
    constant,
    per_axis,
    register,
    spatial_rank,
)
from archspec.saved import Kept, Saved


def bounds(n: int, m: int) -> list[tuple[int, int]]:
    """First and last position (not included) of each of m windows that cover n positions."""
    return [(o * n // m, -(-(o + 1) * n // m)) for o in range(m)]


class AdaptivePool(Op):
    """A pool to `size` outputs per axis: output o of m covers n positions from floor(o*n/m) to ceil((o+1)*n/m)."""

    size: Sizes
    positional = ("size",)
    style = Style("#d9ead3", "{name} to {size}")
    torch_name: ClassVar[str]
    onnx_name: ClassVar[str]

    def settle(self, *xs: Shape) -> Self:
        return self.model_copy(update={"size": per_axis(self.size, spatial_rank(self, xs[0]), "size")})

    def windows(self, *xs: Shape) -> tuple[Window, ...]:
        # Stretched by u where n/m = s/u, output o starts at o*s and covers what lies from o*s - (u-1) to o*s + s - 1.
        ratios = [(n // gcd(n, m), m // gcd(n, m)) for n, m in zip(xs[0][1:], self.size, strict=True)]
        return tuple(Window(s + u - 1, s, (u - 1, u - 1), up=u) for s, u in ratios)

    def taps(self, x: Shape) -> int:
        """Values that all windows of one channel read."""
        axes = [sum(end - begin for begin, end in bounds(n, m)) for n, m in zip(x[1:], self.size, strict=True)]
        return prod(axes)

    def cost(self, y: Shape, *xs: Shape) -> Cost:
        return Cost(0, y[0] * self.taps(xs[0]))

    def formulas(self, y: Shape, *xs: Shape) -> tuple[Formula, ...]:
        letters = zip(axes(len(self.size)), self.size, strict=True)
        return tuple(Formula("shape", "size", str(m), m, axis) for axis, m in letters)

    def torch(self, *xs: Shape) -> Torch:
        return Torch(f"{self.torch_name}{len(self.size)}d", (brief(self.size),))

    def onnx(self, *xs: Shape) -> tuple[Onnx, ...]:
        sizes = tuple(zip(xs[0][1:], self.size, strict=True))
        if all(n % m == 0 for n, m in sizes):
            kernel = tuple(n // m for n, m in sizes)
            return (Onnx(self.onnx_name, ("0",), {"kernel_shape": kernel, "strides": kernel}),)
        # Windows of unequal size: axis by axis, the positions of every window are gathered and reduced.
        nodes: list[Onnx] = []
        at = "0"
        for axis, (n, m) in enumerate(sizes, 2):
            end = "y" if axis == len(sizes) + 1 else f"reduced_{axis}"
            nodes += self.reduce_axis(axis, n, m, len(sizes) + 1 - axis, at, end)
            at = end
        return tuple(nodes)

    def reduce_axis(self, axis: int, n: int, m: int, behind: int, source: str, target: str) -> list[Onnx]:
        """ONNX nodes that pool one axis, `behind` axes before the last, from `source` to `target`."""
        windows = bounds(n, m)
        widest = max(end - begin for begin, end in windows)
        # A shorter window repeats its last position; `share` weighs what it reads.
        index = [min(begin + i, end - 1) for begin, end in windows for i in range(widest)]
        share = [(begin + i < end) / (end - begin) for begin, end in windows for i in range(widest)]
        return [
            constant(f"flat_{axis}", *index),
            constant(f"table_{axis}", m, widest),
            Onnx("Reshape", (f"flat_{axis}", f"table_{axis}"), {}, (f"index_{axis}",)),
            Onnx("Gather", (source, f"index_{axis}"), {"axis": axis}, (f"windows_{axis}",)),
            constant(f"within_{axis}", axis + 1),
            *self.reduction(axis, share, (m, widest, *(1,) * behind), target),
        ]

    def reduction(self, axis: int, share: list[float], shape: Shape, target: str) -> list[Onnx]:
        """ONNX nodes from the gathered windows to `target`."""
        raise TypeError(f"{type(self).__name__} states no reduction")


@register("AMAXPOOL")
class AdaptiveMaxPool(AdaptivePool):
    """Adaptive max pooling to a given size, as PyTorch's AdaptiveMaxPool."""

    torch_name, onnx_name = "AdaptiveMaxPool", "MaxPool"

    def reduction(self, axis: int, share: list[float], shape: Shape, target: str) -> list[Onnx]:
        return [Onnx("ReduceMax", (f"windows_{axis}", f"within_{axis}"), {"keepdims": 0}, (target,))]

    def saved(self, y: Shape, *xs: Shape) -> Saved:
        return Saved((0,), made=(Kept("indices", y, "int64"),), order="map" if len(y) < 4 else "first")


@register("AAVGPOOL")
class AdaptiveAveragePool(AdaptivePool):
    """Adaptive average pooling to a given size, as PyTorch's AdaptiveAvgPool."""

    torch_name, onnx_name = "AdaptiveAvgPool", "AveragePool"

    def reduction(self, axis: int, share: list[float], shape: Shape, target: str) -> list[Onnx]:
        return [
            Onnx("Constant", (), {"value_floats": share}, (f"weights_{axis}",)),
            constant(f"spread_{axis}", *shape),
            Onnx("Reshape", (f"weights_{axis}", f"spread_{axis}"), {}, (f"shares_{axis}",)),
            Onnx("Mul", (f"windows_{axis}", f"shares_{axis}"), {}, (f"weighed_{axis}",)),
            Onnx("ReduceSum", (f"weighed_{axis}", f"within_{axis}"), {"keepdims": 0}, (target,)),
        ]

    def saved(self, y: Shape, *xs: Shape) -> Saved:
        # PyTorch computes a pool to one value as a mean, which needs nothing but the size.
        return Saved((0,) * (set(self.size) != {1}), order="map" if prod(y[1:]) > 1 and len(y) < 4 else "first")
