"""Resizing of maps without weights."""

from __future__ import annotations

import struct
from math import gcd, prod
from typing import Any, Literal, Self

from archspec.formula import Formula, axes, formula, work
from archspec.op import (
    Cost,
    Onnx,
    Op,
    RuleError,
    Shape,
    Sizes,
    Style,
    Torch,
    Window,
    brief,
    by,
    constant,
    per_axis,
    register,
    spatial_rank,
)
from archspec.saved import Saved

_TORCH_LINEAR = {1: "linear", 2: "bilinear", 3: "trilinear"}


@register("UPSAMPLE")
class Upsample(Op):
    """Enlarges a map `factor` times, or to `size`, or to the size of the map `like`, by the nearest value or by
    (bi)linear interpolation between pixel centres (PyTorch's align_corners=False)."""

    factor: Sizes = ()
    mode: Literal["nearest", "bilinear"] = "nearest"
    size: Sizes = ()
    like: Shape = ()  # the shape of another map
    positional = ("factor",)
    style = Style("#d9d2e9", "upsample to {size}")

    def settle(self, *xs: Shape) -> Self:
        rank = spatial_rank(self, xs[0])
        given = [name for name in ("factor", "size", "like") if getattr(self, name)]
        if len(given) > 1:
            raise RuleError(f"UPSAMPLE takes one of {' and '.join(given)}", given[1], f"drop {given[1]}", "A204")
        if self.like:
            size = per_axis(self.like[1:], rank, "like") if len(self.like) == rank + 1 else ()
            if not size:
                raise RuleError(
                    f"like= needs a map of {rank} spatial axes, and gets {by(self.like)}",
                    "like",
                    "give a map of the same rank",
                    "A305",
                )
            return self.model_copy(update={"size": size, "like": ()})
        if self.size:
            return self.model_copy(update={"size": per_axis(self.size, rank, "size")})
        factor = per_axis(self.factor or (2,), rank, "factor")
        size = tuple(n * f for n, f in zip(xs[0][1:], factor, strict=True))
        return self.model_copy(update={"factor": factor, "size": size})

    def windows(self, *xs: Shape) -> tuple[Window, ...]:
        return tuple(self.window(n, m) for n, m in zip(xs[0][1:], self.size, strict=True))

    def window(self, n: int, m: int) -> Window:
        """What an output position reads when n positions become m = n*u/s: on the input stretched by u (twice that for
        the interpolation, whose centres lie between), output o stands at o*s."""
        u, s = m // gcd(n, m), n // gcd(n, m)
        if self.mode == "nearest" or n == m:
            return Window(u, s, (u - 1, u - s), up=u)
        return Window(4 * u - 1, 2 * s, (3 * u - s - 1,) * 2, up=2 * u)

    def cost(self, y: Shape, *xs: Shape) -> Cost:
        taps = 0 if self.mode == "nearest" else 2 ** len(self.size)
        return Cost(0, 2 * taps * prod(y))  # a product and a sum per value interpolated between

    def formulas(self, y: Shape, *xs: Shape) -> tuple[Formula, ...]:
        letters = axes(len(self.size))
        if self.factor:
            told = zip(letters, xs[0][1:], self.factor, strict=True)
            shape = tuple(formula("shape", "n*factor", {"n": n, "factor": f}, axis) for axis, n, f in told)
        else:
            shape = tuple(Formula("shape", "size", str(m), m, axis) for axis, m in zip(letters, self.size, strict=True))
        return shape if self.mode == "nearest" else (*shape, *work(2 * 2 ** len(self.size), y))

    def saved(self, y: Shape, *xs: Shape) -> Saved:
        return Saved(order="image")

    def torch(self, *xs: Shape) -> Torch:
        kwargs: dict[str, Any] = {"scale_factor": brief(self.factor)} if self.factor else {"size": self.size}
        mode = "nearest" if self.mode == "nearest" else _TORCH_LINEAR[len(self.size)]
        return Torch("Upsample", (), kwargs if mode == "nearest" else kwargs | {"mode": mode})

    def onnx(self, *xs: Shape) -> tuple[Onnx, ...]:
        rank = len(self.size)
        attrs: dict[str, Any] = {
            "mode": "nearest",
            "coordinate_transformation_mode": "asymmetric",
            "nearest_mode": "floor",
        }
        if self.mode != "nearest":
            attrs = {"mode": "linear", "coordinate_transformation_mode": "half_pixel"}
        if self.factor:
            scales = Onnx("Constant", (), {"value_floats": [1.0, 1.0, *map(float, self.factor)]}, ("scales",))
            return scales, Onnx("Resize", ("0", "", "scales"), attrs)
        if self.mode == "nearest" and any(m % n for n, m in zip(xs[0][1:], self.size, strict=True)):
            return self.gathered(xs[0])
        attrs["axes"] = tuple(range(2, rank + 2))
        return constant("sizes", *self.size), Onnx("Resize", ("0", "", "", "sizes"), attrs)

    def gathered(self, x: Shape) -> tuple[Onnx, ...]:
        """The nearest values by their positions: from 14 to 4, onnxruntime's Resize reads 6 where PyTorch reads 7."""
        nodes: list[Onnx] = []
        for axis, (n, m) in enumerate(zip(x[1:], self.size, strict=True), 1):
            source, result = nodes[-1].outputs[0] if nodes else "0", "y" if axis == len(self.size) else f"axis{axis}"
            scale = _single(n / m)
            nodes.append(constant(f"at{axis}", *(min(int(_single(o * scale)), n - 1) for o in range(m))))
            nodes.append(Onnx("Gather", (source, f"at{axis}"), {"axis": axis + 1}, (result,)))
        return tuple(nodes)


def _single(value: float) -> float:
    """The float32 next to a number: PyTorch multiplies positions in it."""
    (rounded,) = struct.unpack("f", struct.pack("f", value))
    return float(rounded)
