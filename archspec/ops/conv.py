"""Convolutions, ordinary and depthwise, over one, two or three spatial axes."""

from __future__ import annotations

from math import gcd, prod
from typing import Any, Literal, Self, cast

from archspec.formula import Formula, along, contraction, formula, over, sized
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
    Weight,
    Window,
    brief,
    constant,
    contraction_weights,
    per_axis,
    register,
    spatial_rank,
)
from archspec.padding import Pad, Sides, onnx_pads, pad_amounts, padded, settle_pad, symmetric, torch_pad
from archspec.saved import Kept, Saved


def divide(entering: int, leaving: int, groups: int) -> None:
    """Refuses groups that do not divide both the channels that enter and those that leave."""
    for what, n in (("input", entering), ("output", leaving)):
        if n % groups:
            message = f"{n} {what} channels do not divide into {groups} groups"
            help = f"write a number that divides {entering} and {leaving}: groups={gcd(entering, leaving)}"
            raise RuleError(message, "groups", help, "A206")


class Convolving(Op):
    """What every convolution shares: per-axis kernel, stride, padding, dilation."""

    kernel: Sizes = (3,)
    stride: Sizes = (1,)
    pad: Pad = "same"
    dilation: Sizes = (1,)
    bias: bool | Literal["unit"] = True  # the cards other than CONV narrow it
    bias_init: float | None = None  # what the bias starts from; None leaves it to the framework

    def settle(self, *xs: Shape) -> Self:
        rank = spatial_rank(self, xs[0])
        if self.bias_init is not None and not self.bias:
            raise RuleError("bias_init needs a bias", "bias_init", "drop bias=off, or bias_init", "A204")
        kernel, stride, dilation = (
            per_axis(getattr(self, name), rank, name) for name in ("kernel", "stride", "dilation")
        )
        pad = settle_pad(self.pad, kernel, stride, dilation, xs[0][1:])
        return self.model_copy(update={"kernel": kernel, "stride": stride, "dilation": dilation, "pad": pad})

    @property
    def sides(self) -> Sides:
        """The settled padding."""
        return cast(Sides, self.pad)

    def windows(self, *xs: Shape) -> tuple[Window, ...]:
        return tuple(map(Window, self.kernel, self.stride, self.sides, self.dilation))


class GroupedConvolution(Convolving):
    """The rules of a convolution of `width` filters in `split` groups; CONV and DWCONV say what the two are."""

    pad_value: float = 0.0  # what the padding holds
    act = True

    def filters(self, x: Shape) -> int:
        raise TypeError(f"{type(self).__name__} states no number of filters")

    def split(self, x: Shape) -> int:
        raise TypeError(f"{type(self).__name__} states no number of groups")

    def out_channels(self, *xs: Shape) -> int:
        return self.filters(xs[0])

    def weights(self, *xs: Shape) -> tuple[Weight, ...]:
        x, per_group = xs[0], xs[0][0] // self.split(xs[0])
        shape = (self.filters(x), per_group, *self.kernel)
        return contraction_weights(
            shape, per_group * prod(self.kernel), self.filters(x) * bool(self.bias), self.bias_init
        )

    def cost(self, y: Shape, *xs: Shape) -> Cost:
        return Cost(prod(y) * (xs[0][0] // self.split(xs[0])) * prod(self.kernel), prod(y) * bool(self.bias))

    def formulas(self, y: Shape, *xs: Shape) -> tuple[Formula, ...]:
        taps, (count, values) = over("k", len(self.kernel)), sized(y)
        values |= {"c_in": xs[0][0], "g": self.split(xs[0]), **along("k", self.kernel)}
        params = f"c_out*(c_in/g)*{taps}" + " + c_out" * bool(self.bias)
        return contraction(params, f"{count}*(c_in/g)*{taps}", values, count * bool(self.bias))

    def saved(self, y: Shape, *xs: Shape) -> Saved:
        if self.torch_padding()[1] == "{0}":
            return Saved((0,), order="image")
        return Saved(made=(Kept("padded input", padded(xs[0], self.sides)),), order="image")

    def torch(self, *xs: Shape) -> Torch:
        x, rank = xs[0], len(xs[0]) - 1
        padding, source = self.torch_padding()
        kwargs = {"kernel_size": brief(self.kernel)} | padding
        spread = {"stride": self.stride, "dilation": self.dilation, "groups": (self.split(x),)}
        kwargs |= {name: brief(value) for name, value in spread.items() if set(value) != {1}}
        kwargs |= {} if self.bias else {"bias": False}
        return Torch(f"Conv{rank}d", (x[0], self.filters(x)), kwargs, f"{{m}}({source})")

    def torch_padding(self) -> tuple[dict[str, Any], str]:
        """The padding as torch.nn's argument, or in the expression that is convolved: torch.nn pads both sides alike,
        with zeros."""
        if not any(map(any, self.sides)):
            return {}, "{0}"
        if symmetric(self.sides) and not self.pad_value:
            return {"padding": brief(tuple(begin for begin, _ in self.sides))}, "{0}"
        value = f", value={self.pad_value!r}" if self.pad_value else ""
        return {}, f"F.pad({{0}}, {torch_pad(self.sides)}{value})"

    def onnx(self, *xs: Shape) -> tuple[Onnx, ...]:
        return self.onnx_conv(xs[0], ("weight", "bias") if self.bias else ("weight",))

    def onnx_conv(self, x: Shape, weights: tuple[str, ...], target: str = "y") -> tuple[Onnx, ...]:
        """The convolution of the input by the named kernel and bias."""
        attrs: dict[str, Any] = {
            "kernel_shape": self.kernel,
            "strides": self.stride,
            "pads": onnx_pads(self.sides),
            "dilations": self.dilation,
            "group": self.split(x),
        }
        if not self.pad_value:
            return (Onnx("Conv", ("0", *weights), attrs, (target,)),)
        return (
            pad_amounts(self.sides),
            Onnx("Constant", (), {"value_float": self.pad_value}, ("edge",)),
            Onnx("Pad", ("0", "pads", "edge"), {"mode": "constant"}, ("padded",)),
            Onnx("Conv", ("padded", *weights), attrs | {"pads": [0] * len(attrs["pads"])}, (target,)),
        )


_UNIT_BIAS = '''class UnitBiasConv{rank}d(nn.Conv{rank}d):
    """A convolution with a bias for every output unit."""

    def __init__(self, *args, units: tuple[int, ...], **kwargs) -> None:
        super().__init__(*args, bias=False, **kwargs)
        self.bias = nn.Parameter(torch.zeros(units))

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return self._conv_forward(x, self.weight, None) + self.bias
'''

_TABLE = '''class TableConv{rank}d(nn.Module):
    """A convolution with a connection table: output map i reads the input maps table[i] alone."""

    def __init__(
        self, in_channels: int, table, kernel_size: tuple[int, ...], bias: bool = True, **options
    ) -> None:
        super().__init__()
        self.shape, self.options = (len(table), in_channels, *kernel_size), options
        links = torch.tensor([(o, i) for o, maps in enumerate(table) for i in maps])
        self.register_buffer("links", links.T, persistent=False)
        self.weight = nn.Parameter(torch.empty(len(links), *kernel_size))
        self.bias = nn.Parameter(torch.zeros(len(table))) if bias else None
        bound = (self.weight.numel() / len(table)) ** -0.5
        nn.init.uniform_(self.weight, -bound, bound)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        kernel = x.new_zeros(self.shape).index_put(tuple(self.links), self.weight)
        return F.conv{rank}d(x, kernel, self.bias, **self.options)
'''


@register("CONV")
class Conv(GroupedConvolution):
    """Convolution: `channels` filters over all input channels (or those of their group).

    `bias=unit` gives every output unit its own bias.  `table` is a connection table as LeNet-5's: for each output map
    the input maps it reads, counted from 0; there is one kernel per connection, and no weight where there is none.
    """

    channels: Positive
    groups: Positive = 1
    bias: bool | Literal["unit"] = True
    table: tuple[tuple[Natural, ...], ...] = ()
    positional = ("channels", "kernel", "stride")
    style = Style("#cfe2f3", "conv {kernel}, {channels}")

    def settle(self, *xs: Shape) -> Self:
        settled = super().settle(*xs)
        divide(xs[0][0], self.channels, self.groups)
        if self.table:
            self.check_table(xs[0][0])
        return settled

    def check_table(self, entering: int) -> None:
        """Refuses a table that is not one row of different input maps per output map."""
        message = ""
        if len(self.table) != self.channels:
            message = f"table has {len(self.table)} rows for {self.channels} output maps"
        for row, maps in enumerate(self.table):
            if not maps or len(set(maps)) < len(maps):
                message = message or f"row {row} of table names {'no input map' if not maps else 'an input map twice'}"
            elif max(maps) >= entering:
                message = message or f"row {row} of table names map {max(maps)} of {entering}, counted from 0"
        if message:
            help = "write one list per output map of the input maps it reads: table=((0, 1), (1, 2))"
            raise RuleError(message, "table", help, "A204")
        if self.groups > 1 or self.bias == "unit":
            other = "groups" if self.groups > 1 else "bias"
            raise RuleError(f"table and {other} do not go together", other, f"drop {other}, or table", "A204")

    def filters(self, x: Shape) -> int:
        return self.channels

    def split(self, x: Shape) -> int:
        return self.groups

    def weights(self, *xs: Shape) -> tuple[Weight, ...]:
        if self.table:
            links, taps = sum(map(len, self.table)), prod(self.kernel)
            fan_in = max(1, links * taps // self.channels)
            return contraction_weights((links, *self.kernel), fan_in, self.channels * bool(self.bias), self.bias_init)
        if self.bias != "unit":
            return super().weights(*xs)
        kernel, bias = super().weights(*xs)
        return kernel, bias._replace(shape=self.infer(*xs))

    def cost(self, y: Shape, *xs: Shape) -> Cost:
        if self.table:
            return Cost(sum(map(len, self.table)) * prod(self.kernel) * prod(y[1:]), prod(y) * bool(self.bias))
        return super().cost(y, *xs)

    def formulas(self, y: Shape, *xs: Shape) -> tuple[Formula, ...]:
        taps, (count, values) = over("k", len(self.kernel)), sized(y)
        values |= {"links": sum(map(len, self.table)), "c_in": xs[0][0], "g": self.groups, **along("k", self.kernel)}
        if self.table:
            places = count.removeprefix("c_out*")
            params = f"links*{taps}" + " + c_out" * bool(self.bias)
            return contraction(params, f"links*{taps}*{places}", values, count * bool(self.bias))
        if self.bias == "unit":
            return formula("params", f"c_out*(c_in/g)*{taps} + {count}", values), *super().formulas(y, *xs)[1:]
        return super().formulas(y, *xs)

    def saved(self, y: Shape, *xs: Shape) -> Saved:
        kept = super().saved(y, *xs)
        if not self.table:
            return kept
        kernel = Kept("kernel", (self.channels, xs[0][0], *self.kernel), batched=False)
        return kept._replace(made=(*kept.made, kernel))

    def torch(self, *xs: Shape) -> Torch:
        layer, rank = super().torch(*xs), len(xs[0]) - 1
        if self.bias == "unit":
            kwargs = layer.kwargs | {"units": self.infer(*xs)}
            return layer._replace(module=f"UnitBiasConv{rank}d", kwargs=kwargs, source=_UNIT_BIAS.format(rank=rank))
        if self.table:
            kwargs, args = layer.kwargs | {"kernel_size": self.kernel}, (xs[0][0], self.table)
            return Torch(f"TableConv{rank}d", args, kwargs, layer.call, _TABLE.format(rank=rank))
        return layer

    def onnx(self, *xs: Shape) -> tuple[Onnx, ...]:
        if self.bias == "unit":
            return (*self.onnx_conv(xs[0], ("weight",), "sums"), Onnx("Add", ("sums", "bias")))
        if not self.table:
            return super().onnx(*xs)
        links = [(o, i) for o, maps in enumerate(self.table) for i in maps]
        return (
            constant("shape", self.channels, xs[0][0], *self.kernel),
            Onnx("ConstantOfShape", ("shape",), {}, ("unconnected",)),
            constant("flat", *(n for link in links for n in link)),
            constant("pairs", len(links), 2),
            Onnx("Reshape", ("flat", "pairs"), {}, ("links",)),
            Onnx("ScatterND", ("unconnected", "links", "weight"), {}, ("kernel",)),
            *self.onnx_conv(xs[0], ("kernel", "bias") if self.bias else ("kernel",)),
        )


@register("DWCONV")
class DepthwiseConv(GroupedConvolution):
    """Depthwise convolution: each channel has its own filters, `multiplier` of them."""

    multiplier: Positive = 1
    bias: bool = True
    positional = ("kernel", "stride")
    style = Style("#d0e0e3", "dwconv {kernel}")

    def filters(self, x: Shape) -> int:
        return x[0] * self.multiplier

    def split(self, x: Shape) -> int:
        return x[0]

    def formulas(self, y: Shape, *xs: Shape) -> tuple[Formula, ...]:
        channels = formula("shape", "c_in*m", {"c_in": xs[0][0], "m": self.multiplier}, "c")
        return channels, *super().formulas(y, *xs)
