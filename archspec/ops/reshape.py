"""Operators that pass values on and compute nothing: flattening, slicing, cropping, padding."""

from __future__ import annotations

from math import prod
from typing import Annotated, Literal, Self, cast

from pydantic import BeforeValidator

from archspec.formula import Formula, formula, sized
from archspec.op import (
    Cost,
    Natural,
    Onnx,
    Op,
    Positive,
    RuleError,
    Shape,
    Sizes,
    Style,
    Torch,
    Window,
    by,
    constant,
    per_axis,
    register,
    spatial_rank,
)
from archspec.padding import Sides, pad_amounts, torch_pad
from archspec.saved import Saved, seen

_FILL = "#f3f3f3"
# Cells per axis: 1 on both sides, or (begin, end); one entry is spread over the axes.
Edges = Annotated[
    tuple[Natural | tuple[Natural, Natural], ...], BeforeValidator(lambda v: (v,) if type(v) is int else v)
]


class Moving(Op):
    """An operator without arithmetic."""

    style = Style(_FILL, "{name}")

    def cost(self, y: Shape, *xs: Shape) -> Cost:
        return Cost()


@register("ID")
class Identity(Moving):
    """The input itself."""

    view = True

    def saved(self, y: Shape, *xs: Shape) -> Saved:
        return seen(y)

    def torch(self, *xs: Shape) -> Torch:
        return Torch(call="{0}")

    def onnx(self, *xs: Shape) -> tuple[Onnx, ...]:
        return (Onnx("Identity"),)


@register("FLATTEN")
class Flatten(Moving):
    """A map as one vector, channel by channel."""

    view = True

    def infer(self, *xs: Shape) -> Shape:
        return (prod(xs[0]),)

    def saved(self, y: Shape, *xs: Shape) -> Saved:
        return Saved(reshape=True)

    def formulas(self, y: Shape, *xs: Shape) -> tuple[Formula, ...]:
        return (formula("shape", *sized(xs[0], "in")),)

    def torch(self, *xs: Shape) -> Torch:
        return Torch(call="{0}.flatten(1)")

    def onnx(self, *xs: Shape) -> tuple[Onnx, ...]:
        return (Onnx("Flatten", ("0",), {"axis": 1}),)


@register("SLICE")
class Slice(Moving):
    """The channels `begin` to `end`, the last not included."""

    begin: Natural
    end: Positive
    positional = ("begin", "end")
    style = Style(_FILL, "channels {begin}:{end}")

    def infer(self, *xs: Shape) -> Shape:
        if not self.begin < self.end <= xs[0][0]:
            raise RuleError(
                f"no channels {self.begin} to {self.end} in {by(xs[0])}",
                "end" if self.begin < self.end else "begin",
                f"channels count from 0, the end is not included: at most SLICE(0, {xs[0][0]})",
                "A204",
            )
        return (self.end - self.begin, *xs[0][1:])

    def formulas(self, y: Shape, *xs: Shape) -> tuple[Formula, ...]:
        return (formula("shape", "end - begin", {"end": self.end, "begin": self.begin}, "c"),)

    def saved(self, y: Shape, *xs: Shape) -> Saved:
        return seen(y)

    def torch(self, *xs: Shape) -> Torch:
        return Torch(call=f"{{0}}[:, {self.begin}:{self.end}]")

    def onnx(self, *xs: Shape) -> tuple[Onnx, ...]:
        given = constant("from", self.begin), constant("to", self.end), constant("axes", 1)
        return (*given, Onnx("Slice", ("0", "from", "to", "axes")))


class Edging(Moving):
    """A map with cells added or taken at its edges."""

    sides: Edges = (1,)
    positional = ("sides",)
    variadic = True

    def settle(self, *xs: Shape) -> Self:
        rank = spatial_rank(self, xs[0])
        sides = self.sides * rank if len(self.sides) == 1 else self.sides
        if rank == 1 and len(sides) == 2 and all(isinstance(side, int) for side in sides):
            sides = (cast(tuple[int, int], sides),)  # on one axis two numbers can only be its sides
        if len(sides) != rank:
            raise RuleError(
                f"{self.name} has {len(sides)} pairs, the input has {rank} spatial axes",
                "sides",
                f"write one (begin, end) per axis: {self.name}{('((1, 0), (0, 0))', '((1, 0))')[rank == 1]}",
                "A205",
            )
        return self.model_copy(update={"sides": tuple((s, s) if isinstance(s, int) else s for s in sides)})

    @property
    def pairs(self) -> Sides:
        """The settled sides."""
        return cast(Sides, self.sides)


@register("CROP")
class Crop(Edging):
    """Takes cells off the edges of a map, (begin, end) per axis."""

    style = Style(_FILL, "crop {sides}")

    def windows(self, *xs: Shape) -> tuple[Window, ...]:
        for n, (begin, end) in zip(xs[0][1:], self.pairs, strict=True):
            if begin + end >= n:
                raise RuleError(
                    f"CROP takes {begin} + {end} cells of {n}", "sides", "leave at least one cell per axis", "A310"
                )
        return tuple(Window(pad=(-begin, -end)) for begin, end in self.pairs)

    def saved(self, y: Shape, *xs: Shape) -> Saved:
        return seen(y)

    def torch(self, *xs: Shape) -> Torch:
        cuts = [f"{begin or ''}:{-end or ''}" for begin, end in self.pairs]
        return Torch(call=f"{{0}}[:, :, {', '.join(cuts)}]")

    def onnx(self, *xs: Shape) -> tuple[Onnx, ...]:
        y, axes = self.infer(*xs), range(2, len(xs[0]) + 1)
        begins = tuple(begin for begin, _ in self.pairs)
        ends = tuple(b + n for b, n in zip(begins, y[1:], strict=True))
        given = constant("from", *begins), constant("to", *ends), constant("axes", *axes)
        return (*given, Onnx("Slice", ("0", "from", "to", "axes")))


@register("PAD")
class PadEdges(Edging):
    """Adds cells at the edges of a map, (begin, end) per axis: of `value`, or mirrored (reflect), or copies of the edge
    (replicate)."""

    mode: Literal["constant", "reflect", "replicate"] = "constant"
    value: float = 0.0
    style = Style(_FILL, "pad {sides}")

    @property
    def loose(self) -> bool:
        return self.mode != "constant"

    def settle(self, *xs: Shape) -> Self:
        settled = super().settle(*xs)
        if self.value and self.mode != "constant":
            raise RuleError(f"PAD(mode={self.mode}) takes no value", "value", "drop value, or mode", "A204")
        if self.mode == "reflect" and any(max(p) >= n for p, n in zip(settled.pairs, xs[0][1:], strict=True)):
            raise RuleError(
                f"reflect can add at most n - 1 cells to an axis of n, the input is {by(xs[0])}",
                "sides",
                "pad less, or write mode=replicate",
                "A310",
            )
        return settled

    def windows(self, *xs: Shape) -> tuple[Window, ...]:
        return tuple(Window(pad=side) for side in self.pairs)

    def saved(self, y: Shape, *xs: Shape) -> Saved:
        return Saved((0,) * (self.mode != "constant"), order="image")

    def torch(self, *xs: Shape) -> Torch:
        extra = f', mode="{self.mode}"' if self.mode != "constant" else f", value={self.value!r}" * bool(self.value)
        return Torch(call=f"F.pad({{0}}, {torch_pad(self.pairs)}{extra})")

    def onnx(self, *xs: Shape) -> tuple[Onnx, ...]:
        pads = pad_amounts(self.pairs)
        if self.mode != "constant":
            return pads, Onnx("Pad", ("0", "pads"), {"mode": {"reflect": "reflect", "replicate": "edge"}[self.mode]})
        value = Onnx("Constant", (), {"value_float": self.value}, ("value",))
        # onnxruntime fuses a Pad of zeros into a MaxPool behind it, whose padding never wins, unless axes are named.
        axes = constant("axes", *range(2 + len(self.pairs)))
        return pads, value, axes, Onnx("Pad", ("0", "pads", "value", "axes"), {"mode": "constant"})


@register("ZEROPAD")
class ZeroPad(Moving):
    """The parameter-free shortcut of ResNet (option A): every `stride`-th position, and zero channels appended up to
    `channels`."""

    channels: Positive
    stride: Sizes = (1,)
    positional = ("channels", "stride")
    style = Style(_FILL, "zero-pad to {channels}")

    def settle(self, *xs: Shape) -> Self:
        rank = spatial_rank(self, xs[0])
        if self.channels < xs[0][0]:
            raise RuleError(
                f"ZEROPAD cannot make {self.channels} channels of {xs[0][0]}",
                "channels",
                "write shortcut=proj: a projection can have fewer channels",
                "A204",
            )
        return self.model_copy(update={"stride": per_axis(self.stride, rank, "stride")})

    def windows(self, *xs: Shape) -> tuple[Window, ...]:
        return tuple(Window(stride=s) for s in self.stride)

    def out_channels(self, *xs: Shape) -> int:
        return self.channels

    def saved(self, y: Shape, *xs: Shape) -> Saved:
        if self.channels == xs[0][0]:
            return seen(y)._replace(steps=(1, *self.stride))
        return Saved(order="image" if set(self.stride) == {1} else "first")

    def torch(self, *xs: Shape) -> Torch:
        more = self.channels - xs[0][0]
        strided = "{0}" if set(self.stride) == {1} else f"{{0}}[:, :, {', '.join(f'::{s}' for s in self.stride)}]"
        return Torch(call=f"F.pad({strided}, {(0, 0) * len(self.stride) + (0, more)})" if more else strided)

    def onnx(self, *xs: Shape) -> tuple[Onnx, ...]:
        rank, more = len(self.stride), self.channels - xs[0][0]
        return (
            constant("from", *(0,) * rank),
            constant("to", *xs[0][1:]),
            constant("axes", *range(2, rank + 2)),
            constant("steps", *self.stride),
            Onnx("Slice", ("0", "from", "to", "axes", "steps"), {}, ("strided",)),
            constant("pads", *(0,) * (rank + 2), 0, more, *(0,) * rank),
            Onnx("Pad", ("strided", "pads"), {"mode": "constant"}),
        )
