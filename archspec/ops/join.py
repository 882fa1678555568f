"""Joins: several streams become one."""

from __future__ import annotations

from math import prod
from typing import ClassVar

from archspec.formula import Formula, formula, sized, work
from archspec.op import Cost, Init, Onnx, Op, RuleError, Shape, Style, Torch, Weight, by, constant, register
from archspec.saved import Kept, Saved


class Join(Op):
    """A join of two or more streams."""

    arity: ClassVar[tuple[int, int | None]] = (2, None)
    style = Style("#fff2cc", "{name}")

    def refuse(self, xs: tuple[Shape, ...], what: str, help: str = "") -> RuleError:
        """The error for streams that do not go together; it prints each different shape once."""
        shapes = " and ".join(by(x) for x in dict.fromkeys(xs))
        return RuleError(f"{self.name} needs {what}: {shapes}", help=help, code="A307")


def numbered(xs: tuple[Shape, ...]) -> tuple[str, ...]:
    """The ONNX names of the inputs."""
    return tuple(str(i) for i in range(len(xs)))


class Elementwise(Join):
    """A join of streams of one shape, `work` operations per value and further stream."""

    work: ClassVar[int] = 1
    inplace: ClassVar[bool] = True

    def infer(self, *xs: Shape) -> Shape:
        if any(x != xs[0] for x in xs):
            raise self.refuse(xs, "equal shapes", remedy(xs))
        return xs[0]

    def cost(self, y: Shape, *xs: Shape) -> Cost:
        return Cost(0, self.work * (len(xs) - 1) * prod(y))

    def formulas(self, y: Shape, *xs: Shape) -> tuple[Formula, ...]:
        count, values = sized(y)
        joined = f"{self.work}*" * (self.work > 1) + f"(streams - 1)*{count}"
        return (formula("other", joined, values | {"streams": len(xs)}),)

    def saved(self, y: Shape, *xs: Shape) -> Saved:
        return Saved(order="input")  # a sum needs nothing


def remedy(xs: tuple[Shape, ...]) -> str:
    """What brings streams to one shape."""
    if len({len(x) for x in xs}) > 1:
        return "GAP -> FLATTEN makes a vector of a map"
    if len(xs[0]) == 1:
        return f"an FC gives a vector another width: FC({xs[0][0]})"
    ways = ["a 1x1 CONV changes the channels"] if any(x[0] != xs[0][0] for x in xs) else []
    ways += ["a stride or UPSAMPLE changes the size"] if any(x[1:] != xs[0][1:] for x in xs) else []
    return ", ".join(ways)


def spreads(xs: tuple[Shape, ...]) -> Shape | None:
    """The shape of streams spread over each other, if they can be: a vector (C,) stands for Cx1x1, and an axis of 1 for
    any size."""
    rank = max(map(len, xs))
    filled = [x + (1,) * (rank - 1) if len(x) == 1 else x for x in xs]
    shape = tuple(map(max, *filled)) if all(len(x) == rank for x in filled) else ()
    fits = shape and all(n in (1, m) for x in filled for n, m in zip(x, shape, strict=True))
    return shape if fits else None


def broadcast(join: Join, xs: tuple[Shape, ...]) -> Shape:
    """The shape of streams spread over each other.  Raises RuleError."""
    shape = spreads(xs)
    if shape is None:
        raise join.refuse(xs, "equal shapes, a vector of the channels, or a map of one channel", remedy(xs))
    return shape


def _broadcast_shape(y: Shape) -> Formula:
    return Formula("shape", "the streams spread over each other", "", y)


def spread_torch(xs: tuple[Shape, ...], y: Shape) -> list[str]:
    """The inputs as PyTorch broadcasts them: vectors get axes of 1."""
    new = ", None" * (len(y) - 1)
    return [f"{{{i}}}[:, :{new}]" if len(x) < len(y) else f"{{{i}}}" for i, x in enumerate(xs)]


def spread_onnx(xs: tuple[Shape, ...], y: Shape) -> tuple[tuple[Onnx, ...], tuple[str, ...]]:
    """The same for ONNX: the nodes that add the axes, and the names to compute with."""
    short = [i for i, x in enumerate(xs) if len(x) < len(y)]
    nodes = [Onnx("Unsqueeze", (str(i), "axes"), {}, (f"spread_{i}",)) for i in short]
    if nodes:
        nodes.insert(0, constant("axes", *range(2, len(y) + 1)))
    return tuple(nodes), tuple(f"spread_{i}" if i in short else str(i) for i in range(len(xs)))


@register("add")
class Add(Elementwise):
    """Elementwise sum of streams of one shape; `broadcast` lets a vector or a one-channel map be spread."""

    broadcast: bool = False
    style = Style("#fff2cc", "+")

    def infer(self, *xs: Shape) -> Shape:
        if self.broadcast:
            return broadcast(self, xs)
        if any(x != xs[0] for x in xs) and spreads(xs):
            raise self.refuse(xs, "equal shapes", "add(broadcast=on)[...] spreads the smaller one")
        return super().infer(*xs)

    def formulas(self, y: Shape, *xs: Shape) -> tuple[Formula, ...]:
        return *((_broadcast_shape(y),) * self.broadcast), *super().formulas(y, *xs)

    def torch(self, *xs: Shape) -> Torch:
        return Torch(call=" + ".join(spread_torch(xs, self.infer(*xs))))

    def onnx(self, *xs: Shape) -> tuple[Onnx, ...]:
        nodes, names = spread_onnx(xs, self.infer(*xs))
        return (*nodes, Onnx("Sum", names))


@register("mul")
class Mul(Elementwise):
    """Elementwise product; a vector per channel (C or Cx1x1) or a one-channel map (1xHxW) is spread over the others."""

    style = Style("#fff2cc", "×")

    def infer(self, *xs: Shape) -> Shape:
        return broadcast(self, xs)

    def formulas(self, y: Shape, *xs: Shape) -> tuple[Formula, ...]:
        return _broadcast_shape(y), *super().formulas(y, *xs)

    def saved(self, y: Shape, *xs: Shape) -> Saved:
        products = (Kept("product", broadcast(self, xs[:i])) for i in range(2, len(xs)))
        return Saved(tuple(range(len(xs))), made=tuple(products), to="others", order="input")

    def torch(self, *xs: Shape) -> Torch:
        return Torch(call=" * ".join(spread_torch(xs, self.infer(*xs))))

    def onnx(self, *xs: Shape) -> tuple[Onnx, ...]:
        nodes, (first, *rest) = spread_onnx(xs, self.infer(*xs))
        chain = list(nodes)
        for i, name in enumerate(rest, 1):
            out = "y" if i == len(rest) else f"product_{i}"
            chain.append(Onnx("Mul", (first, name), {}, (out,)))
            first = out
        return tuple(chain)


@register("sub")
class Sub(Elementwise):
    """The first stream less the second."""

    arity = (2, 2)
    style = Style("#fff2cc", "−")

    def torch(self, *xs: Shape) -> Torch:
        return Torch(call="{0} - {1}")

    def onnx(self, *xs: Shape) -> tuple[Onnx, ...]:
        return (Onnx("Sub", ("0", "1")),)


@register("absdiff")
class AbsDiff(Elementwise):
    """The absolute difference of two streams."""

    arity = (2, 2)
    work = 2
    style = Style("#fff2cc", "|a − b|")

    def saved(self, y: Shape, *xs: Shape) -> Saved:
        return Saved(made=(Kept("difference", y),), order="input")

    def torch(self, *xs: Shape) -> Torch:
        return Torch(call="({0} - {1}).abs()")

    def onnx(self, *xs: Shape) -> tuple[Onnx, ...]:
        return Onnx("Sub", ("0", "1"), {}, ("difference",)), Onnx("Abs", ("difference",))


@register("max")
class Max(Elementwise):
    """Elementwise maximum."""

    def saved(self, y: Shape, *xs: Shape) -> Saved:
        if len(xs) == 2:
            return Saved((0, 1), order="input")
        return Saved(output=True, made=(Kept("stack", (len(xs), *y)),))

    def torch(self, *xs: Shape) -> Torch:
        return Torch(call="torch.maximum({0}, {1})" if len(xs) == 2 else "torch.stack([{all}]).amax(0)")

    def onnx(self, *xs: Shape) -> tuple[Onnx, ...]:
        return (Onnx("Max", numbered(xs)),)


@register("mean")
class Mean(Elementwise):
    """Elementwise mean."""

    def cost(self, y: Shape, *xs: Shape) -> Cost:
        return Cost(0, len(xs) * prod(y))

    def formulas(self, y: Shape, *xs: Shape) -> tuple[Formula, ...]:
        count, values = sized(y)
        return (formula("other", f"streams*{count}", values | {"streams": len(xs)}),)

    def torch(self, *xs: Shape) -> Torch:
        return Torch(call=f"({' + '.join(f'{{{i}}}' for i in range(len(xs)))}) / {len(xs)}")

    def onnx(self, *xs: Shape) -> tuple[Onnx, ...]:
        return (Onnx("Mean", numbered(xs)),)


@register("highway")
class Highway(Elementwise):
    """F*sigmoid(G) + x*(1 - sigmoid(G)) of the three streams F, G, x (Srivastava et al. 2015).  `gate_bias` is
    what the bias of G's last layer starts from."""

    gate_bias: float | None = None
    arity = (3, 3)

    def cost(self, y: Shape, *xs: Shape) -> Cost:
        return Cost(0, 7 * prod(y))  # a sigmoid, and x + g*(F - x)

    def formulas(self, y: Shape, *xs: Shape) -> tuple[Formula, ...]:
        return work(7, y)

    def saved(self, y: Shape, *xs: Shape) -> Saved:
        return Saved((0, 2), made=(Kept("gate", y),), order="input")

    def torch(self, *xs: Shape) -> Torch:
        return Torch(call="torch.lerp({2}, {0}, torch.sigmoid({1}))")

    def onnx(self, *xs: Shape) -> tuple[Onnx, ...]:
        return (
            Onnx("Sigmoid", ("1",), {}, ("gate",)),
            Onnx("Sub", ("0", "2"), {}, ("change",)),
            Onnx("Mul", ("gate", "change"), {}, ("gated",)),
            Onnx("Add", ("2", "gated")),
        )


_WEIGHTED_SUM = '''class WeightedSum(nn.Module):
    """The sum of the inputs, each times the sigmoid of a learned number."""

    def __init__(self, inputs: int) -> None:
        super().__init__()
        self.weight = nn.Parameter(torch.zeros(inputs))

    def forward(self, *xs: torch.Tensor) -> torch.Tensor:
        return sum(w * x for w, x in zip(torch.sigmoid(self.weight), xs))
'''


@register("wsum")
class WeightedSum(Elementwise):
    """The sum of sigmoid(w) * x over the streams, w learned, one per stream (Xie et al. 2019)."""

    def weights(self, *xs: Shape) -> tuple[Weight, ...]:
        return (Weight("weight", (len(xs),), Init("constant", 0.0)),)

    def cost(self, y: Shape, *xs: Shape) -> Cost:
        return Cost(0, (2 * len(xs) - 1) * prod(y) + 4 * len(xs))

    def formulas(self, y: Shape, *xs: Shape) -> tuple[Formula, ...]:
        count, values = sized(y)
        return (formula("other", f"(2*streams - 1)*{count} + 4*streams", values | {"streams": len(xs)}),)

    def saved(self, y: Shape, *xs: Shape) -> Saved:
        gates = Kept("gates", (len(xs),), batched=False)
        return Saved(tuple(range(len(xs))), made=(gates,), order="input")

    def torch(self, *xs: Shape) -> Torch:
        return Torch("WeightedSum", (len(xs),), call="{m}({all})", source=_WEIGHTED_SUM)

    def onnx(self, *xs: Shape) -> tuple[Onnx, ...]:
        names = numbered(xs)
        return (
            Onnx("Sigmoid", ("weight",), {}, ("gates",)),
            Onnx("Split", ("gates",), {"axis": 0, "num_outputs": len(xs)}, tuple(f"gate_{i}" for i in names)),
            *(Onnx("Mul", (i, f"gate_{i}"), {}, (f"gated_{i}",)) for i in names),
            Onnx("Sum", tuple(f"gated_{i}" for i in names)),
        )
