"""Operators that put values in another order: shuffles, reshapes, exchanges of space and depth."""

from __future__ import annotations

from math import prod
from typing import Annotated, Self

from pydantic import BeforeValidator

from archspec.formula import Formula, axes, formula
from archspec.op import Onnx, Positive, RuleError, Shape, Style, Torch, Window, by, constant, register, spatial_rank
from archspec.ops.reshape import Moving
from archspec.saved import Saved

Numbers = Annotated[tuple[int, ...], BeforeValidator(lambda v: (v,) if type(v) is int else v)]
_FILL = "#f3f3f3"


@register("SHUFFLE")
class ChannelShuffle(Moving):
    """Interleaves the channels of `groups` groups (Zhang et al. 2018)."""

    groups: Positive
    positional = ("groups",)
    style = Style(_FILL, "shuffle {groups}")

    def infer(self, *xs: Shape) -> Shape:
        if xs[0][0] % self.groups:
            raise RuleError(
                f"{xs[0][0]} channels do not divide into {self.groups} groups",
                "groups",
                "write a number that divides the channels",
                "A206",
            )
        return xs[0]

    def saved(self, y: Shape, *xs: Shape) -> Saved:
        return Saved()

    def torch(self, *xs: Shape) -> Torch:
        return Torch(call=f"{{0}}.unflatten(1, ({self.groups}, -1)).transpose(1, 2).flatten(1, 2)")

    def onnx(self, *xs: Shape) -> tuple[Onnx, ...]:
        x, n = xs[0], len(xs[0])
        return (
            constant("split", 0, self.groups, x[0] // self.groups, *x[1:]),
            constant("shape", 0, *x),
            Onnx("Reshape", ("0", "split"), {}, ("groups",)),
            Onnx("Transpose", ("groups",), {"perm": (0, 2, 1, *range(3, n + 2))}, ("swapped",)),
            Onnx("Reshape", ("swapped", "shape")),
        )


@register("RESHAPE")
class Reshape(Moving):
    """The values in their order under another shape, without the batch; one size may be -1."""

    shape: Numbers
    positional = ("shape",)
    variadic = True
    view = True
    style = Style(_FILL, "reshape to {shape}")

    def settle(self, *xs: Shape) -> Self:
        total, known = prod(xs[0]), prod(n for n in self.shape if n != -1)
        if not self.shape or any(n < 1 and n != -1 for n in self.shape) or self.shape.count(-1) > 1:
            raise RuleError(
                "a shape has sizes above 0, and at most one -1",
                "shape",
                "write RESHAPE(64x7x7) or RESHAPE(64, -1)",
                "A204",
            )
        shape = tuple(total // known if n == -1 else n for n in self.shape)
        if prod(shape) != total:
            raise RuleError(
                f"{by(xs[0])} has {total} values, {by(shape)} has {prod(shape)}",
                "shape",
                "keep the product of the sizes, or write -1 for one of them",
                "A320",
            )
        return self.model_copy(update={"shape": shape})

    def infer(self, *xs: Shape) -> Shape:
        return self.shape

    def formulas(self, y: Shape, *xs: Shape) -> tuple[Formula, ...]:
        return (Formula("shape", "as written", "", y),)

    def saved(self, y: Shape, *xs: Shape) -> Saved:
        return Saved(reshape=True)

    def torch(self, *xs: Shape) -> Torch:
        return Torch(call=f"{{0}}.reshape(-1, {', '.join(map(str, self.shape))})")

    def onnx(self, *xs: Shape) -> tuple[Onnx, ...]:
        return constant("shape", -1, *self.shape), Onnx("Reshape", ("0", "shape"))


@register("PERMUTE")
class Permute(Moving):
    """The axes in another order; axis 0 is the channels (the batch is not counted)."""

    order: Numbers
    positional = ("order",)
    variadic = True
    rearranges = True
    style = Style(_FILL, "permute {order}")

    def infer(self, *xs: Shape) -> Shape:
        if sorted(self.order) != list(range(len(xs[0]))):
            raise RuleError(
                f"order must name each of the {len(xs[0])} axes of {by(xs[0])} once",
                "order",
                f"count from 0: PERMUTE({', '.join(map(str, reversed(range(len(xs[0])))))}) reverses them",
                "A204",
            )
        return tuple(xs[0][axis] for axis in self.order)

    def formulas(self, y: Shape, *xs: Shape) -> tuple[Formula, ...]:
        return (Formula("shape", f"axes {', '.join(map(str, self.order))} of the input", "", y),)

    def saved(self, y: Shape, *xs: Shape) -> Saved:
        return Saved(view=self.order)

    def torch(self, *xs: Shape) -> Torch:
        return Torch(call=f"{{0}}.permute(0, {', '.join(str(axis + 1) for axis in self.order)})")

    def onnx(self, *xs: Shape) -> tuple[Onnx, ...]:
        return (Onnx("Transpose", ("0",), {"perm": (0, *(axis + 1 for axis in self.order))}),)


class SpaceDepth(Moving):
    """An exchange of space and depth on an image, in squares of `factor` x `factor` pixels."""

    factor: Positive = 2
    positional = ("factor",)

    def check(self, x: Shape, divisible: tuple[int, ...], square: int) -> None:
        """Refuses what is no image, and sizes that `square` does not divide."""
        if spatial_rank(self, x) != 2:
            raise RuleError(f"{self.name} works on images, and gets {by(x)}", help="RESHAPE and PERMUTE", code="A305")
        if any(n % square for n in divisible):
            raise RuleError(
                f"{self.name} needs sizes that {square} divides, and gets {by(x)}",
                "factor",
                "pad the map, or choose another factor",
                "A206",
            )

    def saved(self, y: Shape, *xs: Shape) -> Saved:
        return Saved(order="image")


@register("REORG", "PIXELUNSHUFFLE")
class SpaceToDepth(SpaceDepth):
    """Space to depth: each square becomes factor^2 channels, a channel's pixels row by row after each other (PyTorch's
    PixelUnshuffle, the passthrough of YOLO v2)."""

    style = Style(_FILL, "space to depth {factor}")

    def infer(self, *xs: Shape) -> Shape:
        self.check(xs[0], xs[0][1:], self.factor)
        c, h, w = xs[0]
        return c * self.factor**2, h // self.factor, w // self.factor

    def windows(self, *xs: Shape) -> tuple[Window, ...]:
        return (Window(self.factor, self.factor),) * 2

    def formulas(self, y: Shape, *xs: Shape) -> tuple[Formula, ...]:
        return (formula("shape", "c_in*f*f", {"c_in": xs[0][0], "f": self.factor}, "c"),)

    def torch(self, *xs: Shape) -> Torch:
        return Torch("PixelUnshuffle", (self.factor,))

    def onnx(self, *xs: Shape) -> tuple[Onnx, ...]:
        # ONNX's SpaceToDepth puts the pixels first and the channels after them.
        (c, h, w), r = xs[0], self.factor
        return (
            constant("squares", 0, c, h // r, r, w // r, r),
            constant("shape", 0, c * r * r, h // r, w // r),
            Onnx("Reshape", ("0", "squares"), {}, ("cut",)),
            Onnx("Transpose", ("cut",), {"perm": (0, 1, 3, 5, 2, 4)}, ("moved",)),
            Onnx("Reshape", ("moved", "shape")),
        )


@register("PIXELSHUFFLE")
class PixelShuffle(SpaceDepth):
    """Depth to space: factor^2 channels become the pixels of one square (Shi et al. 2016)."""

    style = Style(_FILL, "pixel shuffle {factor}")

    def infer(self, *xs: Shape) -> Shape:
        self.check(xs[0], xs[0][:1], self.factor**2)
        c, h, w = xs[0]
        return c // self.factor**2, h * self.factor, w * self.factor

    def windows(self, *xs: Shape) -> tuple[Window, ...]:
        r = self.factor
        return (Window(r, 1, (r - 1, r - 1), up=r),) * 2

    def formulas(self, y: Shape, *xs: Shape) -> tuple[Formula, ...]:
        wide = (formula("shape", "n*f", {"n": n, "f": self.factor}, a) for n, a in zip(xs[0][1:], axes(2), strict=True))
        return formula("shape", "c_in/(f*f)", {"c_in": xs[0][0], "f": self.factor}, "c"), *wide

    def torch(self, *xs: Shape) -> Torch:
        return Torch("PixelShuffle", (self.factor,))

    def onnx(self, *xs: Shape) -> tuple[Onnx, ...]:
        return (Onnx("DepthToSpace", ("0",), {"blocksize": self.factor, "mode": "CRD"}),)
