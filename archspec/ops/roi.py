"""Pooling over a region of interest: an example is one box and the map it lies on."""

from __future__ import annotations

from math import prod
from typing import Any, Self

from archspec.formula import Formula, formula
from archspec.op import (
    Cost,
    Onnx,
    Op,
    Positive,
    RuleError,
    Shape,
    Sizes,
    Style,
    Torch,
    by,
    constant,
    per_axis,
    register,
)
from archspec.saved import Kept, Saved


class RegionPool(Op):
    """Pools the part of a map that a box covers to `size`.  The first stream is the box, x1 y1 x2 y2 in the pixels of
    the image; `scale` takes them to the map (1/16 behind a stride of 16)."""

    size: Sizes = (7,)
    scale: float = 1.0
    positional = ("size",)
    arity = (2, 2)
    style = Style("#d9ead3", "{name} {size}")

    @property
    def whole(self) -> bool:
        return True

    def settle(self, *xs: Shape) -> Self:
        if xs[0] != (4,) or len(xs[1]) != 3:
            shapes = " and ".join(map(by, xs))
            raise RuleError(
                f"{self.name} needs a box and an image's map: {shapes}",
                help="declare the box so: input box: 4",
                code="A307",
            )
        return self.model_copy(update={"size": per_axis(self.size, 2, "size")})

    def infer(self, *xs: Shape) -> Shape:
        return (xs[1][0], *self.size)

    def formulas(self, y: Shape, *xs: Shape) -> tuple[Formula, ...]:
        sides = (Formula("shape", "size", str(n), n, axis) for axis, n in zip("hw", self.size, strict=True))
        return formula("shape", "c_in", {"c_in": xs[1][0]}, "c"), *sides

    def batch(self) -> tuple[Onnx, ...]:
        """ONNX nodes that count the examples in "which": box i lies on map i."""
        return (
            Onnx("Shape", ("0",), {"start": 0, "end": 1}, ("count",)),
            Onnx("Squeeze", ("count",), {}, ("examples",)),
            *(Onnx("Constant", (), {"value_int": value}, (name,)) for name, value in (("first", 0), ("step", 1))),
            Onnx("Range", ("first", "examples", "step"), {}, ("which",)),
        )


_ALIGN = '''class RoIAlign(nn.Module):
    """Averages `samples` x `samples` interpolated values in each of the bins that divide a box."""

    def __init__(self, size: tuple[int, int], scale: float = 1.0, samples: int = 2) -> None:
        super().__init__()
        self.size, self.scale, self.samples = size, scale, samples

    def places(self, start: torch.Tensor, end: torch.Tensor, bins: int) -> torch.Tensor:
        n = bins * self.samples
        at = (torch.arange(n, dtype=start.dtype, device=start.device) + 0.5) / n
        return start[:, None] + (end - start)[:, None] * at

    def forward(self, box: torch.Tensor, x: torch.Tensor) -> torch.Tensor:
        h, w = x.shape[2:]
        x1, y1, x2, y2 = (box * self.scale - 0.5).unbind(1)
        row = self.places(y1, y2, self.size[0])[:, :, None]
        column = self.places(x1, x2, self.size[1])[:, None]
        inside = (row >= -1) & (row <= h) & (column >= -1) & (column <= w)
        grid = [2 * column / max(w - 1, 1) - 1, 2 * row / max(h - 1, 1) - 1]
        grid = torch.stack(torch.broadcast_tensors(*grid), dim=-1)
        values = F.grid_sample(x, grid, padding_mode="border", align_corners=True)
        return F.avg_pool2d(values * inside[:, None], self.samples)
'''


@register("roialign")
class RoIAlign(RegionPool):
    """RoIAlign (He et al. 2017): every bin is the mean of `samples` x `samples` values interpolated inside it."""

    samples: Positive = 2

    def cost(self, y: Shape, *xs: Shape) -> Cost:
        return Cost(0, prod(y) * self.samples**2 * 9)  # four products and sums, and the mean's sum

    def saved(self, y: Shape, *xs: Shape) -> Saved:
        places = tuple(n * self.samples for n in self.size)
        made = Kept("inside", places, "bool"), Kept("grid", (*places, 2)), Kept("values", (y[0], *places))
        return Saved((1,), made=made)

    def torch(self, *xs: Shape) -> Torch:
        kwargs: dict[str, Any] = {"scale": self.scale} if self.scale != 1 else {}
        kwargs |= {"samples": self.samples} if self.samples != 2 else {}
        return Torch("RoIAlign", (self.size,), kwargs, "{m}({0}, {1})", _ALIGN)

    def onnx(self, *xs: Shape) -> tuple[Onnx, ...]:
        attrs = {
            "output_height": self.size[0],
            "output_width": self.size[1],
            "sampling_ratio": self.samples,
            "spatial_scale": self.scale,
            "coordinate_transformation_mode": "half_pixel",
            "mode": "avg",
        }
        return (*self.batch(), Onnx("RoiAlign", ("1", "0", "which"), attrs))


_POOL = '''class RoIPool(nn.Module):
    """The largest value in each of the bins that divide a box rounded to whole positions."""

    def __init__(self, size: tuple[int, int], scale: float = 1.0) -> None:
        super().__init__()
        self.size, self.scale = size, scale

    def bins(self, first: int, last: int, count: int, most: int) -> list[slice]:
        n = max(last - first + 1, 1)
        edges = [(first + i * n // count, first - (-(i + 1) * n // count)) for i in range(count)]
        return [slice(min(max(a, 0), most), min(max(b, 0), most)) for a, b in edges]

    def forward(self, box: torch.Tensor, x: torch.Tensor) -> torch.Tensor:
        pooled = x.new_zeros(x.shape[0], x.shape[1], *self.size)
        corners = (box * self.scale + 0.5).floor().int().tolist()
        for n, (x1, y1, x2, y2) in enumerate(corners):
            for i, rows in enumerate(self.bins(y1, y2, self.size[0], x.shape[2])):
                for j, columns in enumerate(self.bins(x1, x2, self.size[1], x.shape[3])):
                    part = x[n, :, rows, columns]
                    if part.numel():
                        pooled[n, :, i, j] = part.amax((1, 2))
        return pooled
'''


@register("roipool")
class RoIPool(RegionPool):
    """RoI max pooling (Girshick 2015): the box is rounded to whole positions and divided into bins; a bin's value is
    its largest, 0 where it is empty."""

    def cost(self, y: Shape, *xs: Shape) -> Cost:
        return Cost(0, prod(xs[1]))  # a box can cover the whole map

    def saved(self, y: Shape, *xs: Shape) -> Saved:
        return Saved((1,), made=(Kept("maxima", y),))  # of every bin, were none empty

    def torch(self, *xs: Shape) -> Torch:
        kwargs = {"scale": self.scale} if self.scale != 1 else {}
        return Torch("RoIPool", (self.size,), kwargs, "{m}({0}, {1})", _POOL)

    def onnx(self, *xs: Shape) -> tuple[Onnx, ...]:
        return (
            *self.batch(),
            Onnx("Cast", ("which",), {"to": 1}, ("number",)),  # 1 is ONNX's float32
            constant("column", -1, 1),
            Onnx("Reshape", ("number", "column"), {}, ("numbers",)),
            Onnx("Concat", ("numbers", "0"), {"axis": 1}, ("boxes",)),
            Onnx("MaxRoiPool", ("1", "boxes"), {"pooled_shape": self.size, "spatial_scale": self.scale}),
        )
