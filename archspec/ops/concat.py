"""The join that stacks channels."""

from __future__ import annotations

from typing import Literal

from archspec.formula import Formula, axes, formula
from archspec.op import Cost, Onnx, Shape, Torch, Window, constant, register
from archspec.ops.join import Join
from archspec.saved import Saved


@register("concat")
class Concat(Join):
    """The streams' channels one after the other; `crop=center` cuts larger maps to the smallest, the odd cell at the
    end."""

    crop: Literal["none", "center"] = "none"

    def infer(self, *xs: Shape) -> Shape:
        if len({len(x) for x in xs}) > 1:
            raise self.refuse(xs, "streams of one rank", "FLATTEN makes a vector of a map")
        smallest = tuple(map(min, *(x[1:] for x in xs)))
        if self.crop == "none" and any(x[1:] != smallest for x in xs):
            raise self.refuse(xs, "maps of one size", "concat(crop=center) cuts them to the smallest")
        return (sum(x[0] for x in xs), *smallest)

    def cost(self, y: Shape, *xs: Shape) -> Cost:
        return Cost()

    def formulas(self, y: Shape, *xs: Shape) -> tuple[Formula, ...]:
        values = {f"c_{number}": x[0] for number, x in enumerate(xs, 1)}
        channels = formula("shape", " + ".join(values), values, "c")
        told = zip(axes(len(y) - 1), zip(*(x[1:] for x in xs), strict=True), strict=True)
        sizes = ((axis, {f"n_{number}": n for number, n in enumerate(each, 1)}) for axis, each in told)
        return channels, *(formula("shape", f"min({', '.join(each)})", each, axis) for axis, each in sizes)

    def cuts(self, x: Shape, y: Shape) -> tuple[tuple[int, int], ...]:
        """First and last position (not included) that stay of each spatial axis."""
        begins = [(n - m) // 2 for n, m in zip(x[1:], y[1:], strict=True)]
        return tuple((begin, begin + m) for begin, m in zip(begins, y[1:], strict=True))

    def reads(self, number: int, *xs: Shape) -> tuple[Window, ...] | None:
        x, y = xs[number], self.infer(*xs)
        if x[1:] == y[1:]:
            return None
        return tuple(Window(pad=(-begin, end - n)) for (begin, end), n in zip(self.cuts(x, y), x[1:], strict=True))

    def saved(self, y: Shape, *xs: Shape) -> Saved:
        return Saved(order="image" if all(x[1:] == y[1:] for x in xs) else "first")

    def torch(self, *xs: Shape) -> Torch:
        y, parts = self.infer(*xs), []
        for i, x in enumerate(xs):
            cut = ", ".join(f"{begin}:{end}" for begin, end in self.cuts(x, y))
            parts.append(f"{{{i}}}" if x[1:] == y[1:] else f"{{{i}}}[:, :, {cut}]")
        return Torch(call=f"torch.cat([{', '.join(parts)}], dim=1)")

    def onnx(self, *xs: Shape) -> tuple[Onnx, ...]:
        y, nodes, names = self.infer(*xs), [], []
        for i, x in enumerate(xs):
            if x[1:] == y[1:]:
                names.append(str(i))
                continue
            begins, ends = zip(*self.cuts(x, y), strict=True)
            given = ("from", begins), ("to", ends), ("axes", range(2, len(x) + 1))
            nodes += [constant(f"{name}_{i}", *values) for name, values in given]
            nodes.append(Onnx("Slice", (str(i), f"from_{i}", f"to_{i}", f"axes_{i}"), {}, (f"cut_{i}",)))
            names.append(f"cut_{i}")
        return (*nodes, Onnx("Concat", tuple(names), {"axis": 1}))
