"""Pooling: windows that keep the channels, and global pooling to one value per channel."""

from __future__ import annotations

from math import prod
from typing import Any, ClassVar, Self, cast

from archspec.formula import Formula, along, axes, formula, over, sized
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
    per_axis,
    register,
    spatial_rank,
)
from archspec.padding import Pad, Sides, onnx_pads, pad_amounts, padded, settle_pad, symmetric, torch_pad
from archspec.saved import Kept, Saved


class Pooling(Op):
    """A window over each channel: `stride` is the kernel unless given, `ceil` counts a last window that is not full."""

    kernel: Sizes = (2,)
    stride: Sizes = ()  # (): as the kernel
    pad: Pad = 0
    ceil: bool = False
    positional = ("kernel", "stride")

    def settle(self, *xs: Shape) -> Self:
        rank = spatial_rank(self, xs[0])
        kernel = per_axis(self.kernel, rank, "kernel")
        stride = per_axis(self.stride or kernel, rank, "stride")
        spread = per_axis(self.spread, rank, "dilation")
        pad = settle_pad(self.pad, kernel, stride, spread, xs[0][1:])
        for k, d, side in zip(kernel, spread, pad, strict=True):
            if max(side) > d * (k - 1):
                raise RuleError(
                    f"pad {max(side)} is as large as the kernel's reach: a window would see nothing else",
                    "pad",
                    "use a smaller pad, or PAD before the pool",
                    "A204",
                )
        return self.model_copy(update={"kernel": kernel, "stride": stride, "pad": pad} | self.spread_over(spread))

    @property
    def spread(self) -> tuple[int, ...]:
        """The dilation."""
        return (1,)

    def spread_over(self, dilation: Shape) -> dict[str, Shape]:
        """The field that holds the dilation, where there is one."""
        return {}

    @property
    def sides(self) -> Sides:
        """The settled padding."""
        return cast(Sides, self.pad)

    def windows(self, *xs: Shape) -> tuple[Window, ...]:
        spread = per_axis(self.spread, len(self.kernel), "dilation")
        return tuple(
            Window(k, s, p, d, ceil=self.ceil)
            for k, s, p, d in zip(self.kernel, self.stride, self.sides, spread, strict=True)
        )

    def cost(self, y: Shape, *xs: Shape) -> Cost:
        return Cost(0, prod(y) * prod(self.kernel))  # one operation per tap

    def formulas(self, y: Shape, *xs: Shape) -> tuple[Formula, ...]:
        count, values = sized(y)
        return (formula("other", f"{count}*{over('k', len(self.kernel))}", values | along("k", self.kernel)),)

    def exact_sides(self, x: Shape) -> Sides:
        """The padding with which rounding down gives the same windows as `ceil`, (begin, end) per axis: backends
        disagree about the last window of `ceil`, none about a padding in numbers."""
        if not self.ceil:
            return self.sides
        windows = self.windows(x)
        ends = [(w.size(n) - 1) * w.stride + w.reach - n - w.pad[0] for w, n in zip(windows, x[1:], strict=True)]
        return tuple((begin, max(0, end)) for (begin, _), end in zip(self.sides, ends, strict=True))

    def torch_window(self) -> dict[str, Any]:
        """torch.nn's kernel and stride; its stride defaults to the kernel as ours does."""
        kwargs: dict[str, Any] = {"kernel_size": brief(self.kernel)}
        return kwargs | ({} if self.stride == self.kernel else {"stride": brief(self.stride)})

    def torch_takes_pad(self) -> bool:
        """Whether torch.nn can pad so: alike on both sides and at most half the kernel."""
        return symmetric(self.sides) and all(2 * p[0] <= k for p, k in zip(self.sides, self.kernel, strict=True))

    def torch_padding(self) -> dict[str, Any]:
        kwargs: dict[str, Any] = {}
        if any(map(any, self.sides)):
            kwargs["padding"] = brief(tuple(begin for begin, _ in self.sides))
        return kwargs | ({"ceil_mode": True} if self.ceil else {})


@register("MAXPOOL", "POOL")
class MaxPool(Pooling):
    """The largest value of each window; padding never wins."""

    dilation: Sizes = (1,)
    style = Style("#d9ead3", "max pool {kernel}")

    @property
    def spread(self) -> tuple[int, ...]:
        return self.dilation

    def spread_over(self, dilation: Shape) -> dict[str, Shape]:
        return {"dilation": dilation}

    def saved(self, y: Shape, *xs: Shape) -> Saved:
        kept = Kept("indices", y, "int64")
        if self.torch_takes_pad():
            return Saved((0,), made=(kept,), order="map")
        return Saved(made=(kept, Kept("padded input", padded(xs[0], self.exact_sides(xs[0])))), order="map")

    def torch(self, *xs: Shape) -> Torch:
        kwargs, call = self.torch_window(), "{m}({0})"
        if self.torch_takes_pad():
            kwargs |= self.torch_padding()
        else:
            call = f'{{m}}(F.pad({{0}}, {torch_pad(self.exact_sides(xs[0]))}, value=float("-inf")))'
        if set(self.dilation) != {1}:
            kwargs["dilation"] = brief(self.dilation)
        return Torch(f"MaxPool{len(xs[0]) - 1}d", (), kwargs, call)

    def onnx(self, *xs: Shape) -> tuple[Onnx, ...]:
        sides = self.exact_sides(xs[0])
        attrs = {"kernel_shape": self.kernel, "strides": self.stride, "dilations": self.dilation}
        if all(max(side) < k for side, k in zip(sides, self.kernel, strict=True)):
            return (Onnx("MaxPool", ("0",), attrs | {"pads": onnx_pads(sides)}),)
        # More padding than onnxruntime takes: as much as a dilated kernel can ask for.
        return (
            pad_amounts(sides),
            Onnx("Constant", (), {"value_float": float("-inf")}, ("least",)),
            Onnx("Pad", ("0", "pads", "least"), {"mode": "constant"}, ("padded",)),
            Onnx("MaxPool", ("padded",), attrs),
        )


def averaged(y: Shape, inputs: tuple[int, ...], *made: Kept) -> Saved:
    """What an average pool keeps; PyTorch's leaves volumes channels first."""
    return Saved(inputs, made=made, order="map" if len(y) < 4 else "first")


@register("AVGPOOL")
class AveragePool(Pooling):
    """The mean of each window; `count_pad` counts the padding's zeros in it (never what `ceil` reaches beyond them)."""

    count_pad: bool = True
    style = Style("#d9ead3", "avg pool {kernel}")

    def torch_refuses(self, x: Shape) -> bool:
        """Whether torch.nn has no windows for a map: AvgPool3d wants one as large as the kernel, whatever it pads."""
        return len(x) == 4 and any(n < k for n, k in zip(x[1:], self.kernel, strict=True))

    def torch_pads(self, x: Shape) -> bool:
        """Whether torch.nn pads by itself."""
        return self.torch_takes_pad() and not self.torch_refuses(x)

    def torch_counts(self, x: Shape) -> bool:
        """Whether torch.nn divides as asked: by all zeros of a padding that is there in earnest, by none of `ceil`."""
        return self.count_pad and not self.torch_refuses(padded(x, self.counted_sides(x)))

    def counted_sides(self, x: Shape) -> Sides:
        """The padding whose zeros count: no more of it than the windows reach."""
        sides = zip(self.sides, self.exact_sides(x), strict=True)
        return tuple((begin, min(end, exact)) for (begin, end), (_, exact) in sides)

    def saved(self, y: Shape, *xs: Shape) -> Saved:
        if self.torch_pads(xs[0]):
            return averaged(y, (0,))
        if self.torch_counts(xs[0]):
            return averaged(y, (), Kept("padded input", padded(xs[0], self.counted_sides(xs[0]))))
        return averaged(y, (), Kept("padded input", padded(xs[0], self.exact_sides(xs[0]))), Kept("shares", y))

    def torch(self, *xs: Shape) -> Torch:
        module, kwargs = f"AvgPool{len(xs[0]) - 1}d", self.torch_window()
        if self.torch_pads(xs[0]):
            kwargs |= self.torch_padding()
            if not self.count_pad and any(map(any, self.sides)):
                kwargs["count_include_pad"] = False
            return Torch(module, (), kwargs)
        counted, exact = self.counted_sides(xs[0]), self.exact_sides(xs[0])
        if self.torch_counts(xs[0]):
            kwargs |= {"ceil_mode": True} if self.ceil else {}
            return Torch(module, (), kwargs, f"{{m}}(F.pad({{0}}, {torch_pad(counted)}))")
        ones, sides = "torch.ones_like({0})", exact
        if self.count_pad and any(map(any, counted)):
            ones = f"F.pad({ones}, {torch_pad(counted)}, value=1)"
            sides = tuple((b - c, e - d) for (b, e), (c, d) in zip(exact, counted, strict=True))
        # The mean over what counts: the share of the other zeros in a window is divided out.
        shares = f"{{m}}(F.pad({ones}, {torch_pad(sides)}))"
        return Torch(module, (), kwargs, f"{{m}}(F.pad({{0}}, {torch_pad(exact)})) / {shares}")

    def onnx(self, *xs: Shape) -> tuple[Onnx, ...]:
        given, exact = self.sides, self.exact_sides(xs[0])
        attrs = {"kernel_shape": self.kernel, "strides": self.stride, "pads": onnx_pads(exact)}
        padded = any(map(any, given))
        if not (self.count_pad and padded):
            return (Onnx("AveragePool", ("0",), attrs | {"count_include_pad": 0}),)
        if exact == given:
            return (Onnx("AveragePool", ("0",), attrs | {"count_include_pad": 1}),)
        # Zeros of the padding count, the cells beyond them do not: so the former have to be there in earnest.
        beyond = tuple((0, max(0, e[1] - g[1])) for e, g in zip(exact, given, strict=True))
        return (
            pad_amounts(given),
            Onnx("Pad", ("0", "pads"), {"mode": "constant"}, ("padded",)),
            Onnx("AveragePool", ("padded",), attrs | {"pads": onnx_pads(beyond), "count_include_pad": 0}),
        )


class GlobalPooling(Op):
    """One value per channel, whatever the size of the map: C x 1 x 1."""

    style = Style("#d9ead3", "{name}")
    torch_name: ClassVar[str]
    onnx_name: ClassVar[str]

    @property
    def whole(self) -> bool:
        return True

    def infer(self, *xs: Shape) -> Shape:
        return (xs[0][0], *(1,) * spatial_rank(self, xs[0]))

    def cost(self, y: Shape, *xs: Shape) -> Cost:
        return Cost(0, prod(xs[0]))  # one operation per tap

    def formulas(self, y: Shape, *xs: Shape) -> tuple[Formula, ...]:
        ones = (formula("shape", "1", {}, axis) for axis in axes(len(y) - 1))
        return formula("shape", "c_in", {"c_in": y[0]}, "c"), *ones, formula("other", *sized(xs[0], "in"))

    def torch(self, *xs: Shape) -> Torch:
        return Torch(f"{self.torch_name}{len(xs[0]) - 1}d", (1,))

    def onnx(self, *xs: Shape) -> tuple[Onnx, ...]:
        return (Onnx(self.onnx_name),)


@register("GAP")
class GlobalAveragePool(GlobalPooling):
    """Global average pooling: the mean of each channel (Lin et al. 2014)."""

    torch_name, onnx_name = "AdaptiveAvgPool", "GlobalAveragePool"

    def saved(self, y: Shape, *xs: Shape) -> Saved:
        return Saved()  # a mean needs nothing but the size


@register("GMP")
class GlobalMaxPool(GlobalPooling):
    """Global max pooling: the largest value of each channel."""

    torch_name, onnx_name = "AdaptiveMaxPool", "GlobalMaxPool"

    def saved(self, y: Shape, *xs: Shape) -> Saved:
        return Saved((0,), made=(Kept("indices", y, "int64"),))
