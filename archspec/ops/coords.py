"""Coordinate channels."""

from __future__ import annotations

from archspec.formula import Formula, formula
from archspec.op import Cost, Onnx, Op, Shape, Style, Torch, constant, register, spatial_rank
from archspec.saved import Saved

_SOURCE = '''class Coordinates(nn.Module):
    """Appends the position per spatial axis, from -1 to 1, and the distance from the centre."""

    def __init__(self, r: bool = False) -> None:
        super().__init__()
        self.r = r

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        axes = [torch.linspace(-1, 1, n, dtype=x.dtype, device=x.device) for n in x.shape[2:]]
        grid = torch.stack(torch.meshgrid(*axes, indexing="ij"))
        if self.r:
            grid = torch.cat([grid, grid.norm(dim=0, keepdim=True)])
        return torch.cat([x, grid.expand(x.shape[0], *grid.shape)], dim=1)
'''


@register("COORDS")
class Coordinates(Op):
    """Appends one channel per spatial axis with the position in it from -1 to 1, and with `r` one more with the
    distance from the centre (Liu et al. 2018: CoordConv is COORDS -> CONV)."""

    r: bool = False
    style = Style("#f3f3f3", "coordinates")

    def infer(self, *xs: Shape) -> Shape:
        return (xs[0][0] + spatial_rank(self, xs[0]) + self.r, *xs[0][1:])

    def formulas(self, y: Shape, *xs: Shape) -> tuple[Formula, ...]:
        return (formula("shape", "c_in + axes" + " + 1" * self.r, {"c_in": xs[0][0], "axes": len(xs[0]) - 1}, "c"),)

    def cost(self, y: Shape, *xs: Shape) -> Cost:
        return Cost()  # the channels are constants

    def saved(self, y: Shape, *xs: Shape) -> Saved:
        return Saved()

    def torch(self, *xs: Shape) -> Torch:
        return Torch("Coordinates", (), {"r": True} if self.r else {}, source=_SOURCE)

    def onnx(self, *xs: Shape) -> tuple[Onnx, ...]:
        rank = len(xs[0]) - 1
        nodes = [  # the shape of one channel, with the batch
            *(constant(name, value) for name, value in (("from", 0), ("to", 1), ("channels", 1))),
            Onnx("Slice", ("0", "from", "to", "channels"), {}, ("channel",)),
            Onnx("Shape", ("channel",), {}, ("size",)),
        ]
        names = [f"along_{axis}" for axis in range(rank)]
        for axis, (name, n) in enumerate(zip(names, xs[0][1:], strict=True)):
            places = [2 * i / (n - 1) - 1 if n > 1 else -1.0 for i in range(n)]
            nodes += [
                Onnx("Constant", (), {"value_floats": places}, (f"places_{axis}",)),
                constant(f"column_{axis}", 1, 1, *(n if i == axis else 1 for i in range(rank))),
                Onnx("Reshape", (f"places_{axis}", f"column_{axis}"), {}, (f"axis_{axis}",)),
                Onnx("Expand", (f"axis_{axis}", "size"), {}, (name,)),
            ]
        if self.r:
            nodes += [Onnx("Mul", (name, name), {}, (f"{name}_squared",)) for name in names]
            nodes += [Onnx("Sum", tuple(f"{name}_squared" for name in names), {}, ("squared",))]
            nodes += [Onnx("Sqrt", ("squared",), {}, ("distance",))]
            names.append("distance")
        return (*nodes, Onnx("Concat", ("0", *names), {"axis": 1}))
