"""Pools that add up their window: sums, Euclidean lengths, and the trainable subsampling of LeNet-5."""

from __future__ import annotations

from math import prod

from archspec.formula import Formula, along, formula, over, sized
from archspec.op import Cost, Init, Onnx, Shape, Style, Torch, Weight, constant, register
from archspec.ops.pool import Pooling, averaged
from archspec.padding import onnx_pads, padded, torch_pad
from archspec.saved import Kept, Saved


class SummingPool(Pooling):
    """A pool whose windows are sums: padding adds zeros, so `ceil` is a padding in numbers everywhere."""

    style = Style("#d9ead3", "{name} {kernel}")

    def torch_input(self, x: Shape) -> str:
        """The input as a PyTorch expression, with its zeros."""
        sides = self.exact_sides(x)
        return f"F.pad({{0}}, {torch_pad(sides)})" if any(map(any, sides)) else "{0}"

    def kept(self, y: Shape, x: Shape, *made: Kept) -> Saved:
        """What the pool keeps: its input, or the padded copy of it, and what else is `made`."""
        sides = self.exact_sides(x)
        if not any(map(any, sides)):
            return averaged(y, (0,), *made)
        return averaged(y, (), Kept("padded input", padded(x, sides), always=False), *made)

    def summing(self, x: Shape) -> tuple[Onnx, ...]:
        """ONNX nodes that leave the sum of each window in "sum"; ONNX has the mean only."""
        attrs = {"kernel_shape": self.kernel, "strides": self.stride, "pads": onnx_pads(self.exact_sides(x))}
        return (
            Onnx("AveragePool", ("0",), attrs | {"count_include_pad": 1}, ("mean",)),
            Onnx("Constant", (), {"value_float": float(prod(self.kernel))}, ("taps",)),
            Onnx("Mul", ("mean", "taps"), {}, ("sum",)),
        )


@register("SUMPOOL")
class SumPool(SummingPool):
    """The sum of each window."""

    def saved(self, y: Shape, *xs: Shape) -> Saved:
        return self.kept(y, xs[0])

    def torch(self, *xs: Shape) -> Torch:
        call = f"{{m}}({self.torch_input(xs[0])}) * {prod(self.kernel)}"
        return Torch(f"AvgPool{len(xs[0]) - 1}d", (), self.torch_window(), call)

    def onnx(self, *xs: Shape) -> tuple[Onnx, ...]:
        *nodes, last = self.summing(xs[0])
        return (*nodes, last._replace(outputs=("y",)))


@register("L2POOL")
class L2Pool(SummingPool):
    """The square root of the sum of squares of each window."""

    def cost(self, y: Shape, *xs: Shape) -> Cost:
        return Cost(0, prod(y) * (2 * prod(self.kernel) + 1))  # a square and a sum per tap, a root

    def formulas(self, y: Shape, *xs: Shape) -> tuple[Formula, ...]:
        count, values = sized(y)
        taps = over("k", len(self.kernel))
        return (formula("other", f"{count}*(2*{taps} + 1)", values | along("k", self.kernel)),)

    def saved(self, y: Shape, *xs: Shape) -> Saved:
        squares = Kept("squares", padded(xs[0], self.exact_sides(xs[0])))
        means = (Kept(name, y) for name in ("means", "signs", "positive means", "sums"))
        return self.kept(y, xs[0], squares, *means)

    def torch(self, *xs: Shape) -> Torch:
        kwargs = self.torch_window()
        return Torch(f"LPPool{len(xs[0]) - 1}d", (2,), kwargs, f"{{m}}({self.torch_input(xs[0])})")

    def onnx(self, *xs: Shape) -> tuple[Onnx, ...]:
        attrs = {"kernel_shape": self.kernel, "strides": self.stride, "pads": onnx_pads(self.exact_sides(xs[0]))}
        return (Onnx("LpPool", ("0",), attrs | {"p": 2}),)


_SUBSAMPLE = '''class Subsample{rank}d(nn.Module):
    """The sum of each window times a coefficient, plus a bias, per map (LeCun et al. 1998)."""

    def __init__(self, channels: int, taps: int, **window) -> None:
        super().__init__()
        self.pool, self.taps = nn.AvgPool{rank}d(**window), taps
        self.weight = nn.Parameter(torch.full((channels,), 1 / taps))
        self.bias = nn.Parameter(torch.zeros(channels))

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        shape = (-1,) + (1,) * {rank}
        return self.pool(x) * self.taps * self.weight.view(shape) + self.bias.view(shape)
'''


@register("SUBSAMPLE")
class Subsample(SummingPool):
    """The trainable subsampling of LeNet-5: the sum of each window times a coefficient, plus a bias, one of each per
    map (LeCun et al. 1998); its sigmoid or TANH is a step of its own."""

    def weights(self, *xs: Shape) -> tuple[Weight, ...]:
        c = (xs[0][0],)
        return Weight("weight", c, Init("constant", 1 / prod(self.kernel))), Weight("bias", c, Init("constant", 0.0))

    def cost(self, y: Shape, *xs: Shape) -> Cost:
        return Cost(0, prod(y) * (prod(self.kernel) + 2))

    def formulas(self, y: Shape, *xs: Shape) -> tuple[Formula, ...]:
        count, values = sized(y)
        taps = over("k", len(self.kernel))
        return (
            formula("params", "c_out + c_out", values),
            formula("other", f"{count}*({taps} + 2)", values | along("k", self.kernel)),
        )

    def connections(self, y: Shape, *xs: Shape) -> int:
        return prod(y) * (prod(self.kernel) + 1)

    def saved(self, y: Shape, *xs: Shape) -> Saved:
        return self.kept(y, xs[0], Kept("sums", y))._replace(to="own")

    def torch(self, *xs: Shape) -> Torch:
        rank = len(xs[0]) - 1
        arguments = (xs[0][0], prod(self.kernel))
        call, source = f"{{m}}({self.torch_input(xs[0])})", _SUBSAMPLE.format(rank=rank)
        return Torch(f"Subsample{rank}d", arguments, self.torch_window(), call, source)

    def onnx(self, *xs: Shape) -> tuple[Onnx, ...]:
        return (
            *self.summing(xs[0]),
            constant("per_map", xs[0][0], *(1,) * (len(xs[0]) - 1)),
            Onnx("Reshape", ("weight", "per_map"), {}, ("coefficient",)),
            Onnx("Reshape", ("bias", "per_map"), {}, ("shift",)),
            Onnx("Mul", ("sum", "coefficient"), {}, ("scaled",)),
            Onnx("Add", ("scaled", "shift")),
        )
