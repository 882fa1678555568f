"""Locally connected layers: the window of a convolution, every position with filters of its own."""

from __future__ import annotations

from math import prod
from typing import Any, Literal, Self, cast

from archspec.formula import Formula, along, contraction, over, sized
from archspec.op import (
    Cost,
    Init,
    Onnx,
    Op,
    Positive,
    Shape,
    Sizes,
    Style,
    Torch,
    Weight,
    Window,
    constant,
    contraction_weights,
    per_axis,
    register,
    spatial_rank,
)
from archspec.padding import Pad, Sides, pad_amounts, settle_pad, torch_pad
from archspec.saved import Kept, Saved


def source(rank: int) -> str:
    """The module's text for one, two or three spatial axes."""
    out, taps = "xyz"[:rank], "ijk"[:rank]
    return f'''class LocallyConnected{rank}d(nn.Module):
    """A convolution whose filters are not shared: each output position has its own."""

    def __init__(
        self, in_channels: int, out_channels: int, kernel_size, stride, size, bias=None
    ) -> None:
        super().__init__()
        self.kernel_size, self.stride = kernel_size, stride
        self.weight = nn.Parameter(torch.empty(out_channels, in_channels, *kernel_size, *size))
        self.bias = None if bias is None else nn.Parameter(torch.zeros(bias))
        bound = (self.weight[0].numel() / torch.Size(size).numel()) ** -0.5
        nn.init.uniform_(self.weight, -bound, bound)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        for axis, (k, s) in enumerate(zip(self.kernel_size, self.stride), start=2):
            x = x.unfold(axis, k, s)
        y = torch.einsum("nc{out}{taps},oc{taps}{out}->no{out}", x, self.weight)
        return y if self.bias is None else y + self.bias
'''


@register("LOCAL")
class LocallyConnected(Op):
    """Locally connected layer, a convolution without shared weights: filters and `bias=unit` belong to one output
    position each; `bias=map` shares the biases of a map, `bias=off` leaves them out."""

    channels: Positive
    kernel: Sizes = (3,)
    stride: Sizes = (1,)
    pad: Pad = "same"
    bias: Literal["unit", "map"] | bool = "unit"
    positional = ("channels", "kernel", "stride")
    act = True
    style = Style("#cfe2f3", "local {kernel}, {channels}")

    def settle(self, *xs: Shape) -> Self:
        rank = spatial_rank(self, xs[0])
        kernel, stride = per_axis(self.kernel, rank, "kernel"), per_axis(self.stride, rank, "stride")
        pad = settle_pad(self.pad, kernel, stride, (1,) * rank, xs[0][1:])
        bias = "unit" if self.bias is True else self.bias
        return self.model_copy(update={"kernel": kernel, "stride": stride, "pad": pad, "bias": bias})

    @property
    def sides(self) -> Sides:
        """The settled padding."""
        return cast(Sides, self.pad)

    def windows(self, *xs: Shape) -> tuple[Window, ...]:
        return tuple(map(Window, self.kernel, self.stride, self.sides))

    def out_channels(self, *xs: Shape) -> int:
        return self.channels

    def bias_shape(self, y: Shape) -> Shape | None:
        return {"unit": y, "map": (self.channels, *(1,) * len(y[1:]))}.get(str(self.bias))

    def weights(self, *xs: Shape) -> tuple[Weight, ...]:
        y = self.infer(*xs)
        shape = (self.channels, xs[0][0], *self.kernel, *y[1:])
        weights = contraction_weights(shape, xs[0][0] * prod(self.kernel), 0)
        bias = self.bias_shape(y)
        return weights if bias is None else (*weights, Weight("bias", bias, Init("constant", 0.0)))

    def cost(self, y: Shape, *xs: Shape) -> Cost:
        return Cost(prod(y) * xs[0][0] * prod(self.kernel), prod(y) * (self.bias is not False))

    def formulas(self, y: Shape, *xs: Shape) -> tuple[Formula, ...]:
        taps, (count, values) = over("k", len(self.kernel)), sized(y)
        values |= {"c_in": xs[0][0], **along("k", self.kernel)}
        bias = {"unit": f" + {count}", "map": " + c_out"}.get(str(self.bias), "")
        return contraction(f"{count}*c_in*{taps}{bias}", f"{count}*c_in*{taps}", values, count * bool(bias))

    def saved(self, y: Shape, *xs: Shape) -> Saved:
        windows = Kept("windows", (xs[0][0] * prod(self.kernel), *y[1:]))
        return Saved(made=(windows,), order="attention")

    def torch(self, *xs: Shape) -> Torch:
        y, rank = self.infer(*xs), len(xs[0]) - 1
        padded = f"F.pad({{0}}, {torch_pad(self.sides)})" if any(map(any, self.sides)) else "{0}"
        kwargs: dict[str, Any] = {"kernel_size": self.kernel, "stride": self.stride, "size": y[1:]}
        bias = self.bias_shape(y)
        kwargs |= {} if bias is None else {"bias": bias}
        name = f"LocallyConnected{rank}d"
        return Torch(name, (xs[0][0], self.channels), kwargs, f"{{m}}({padded})", source(rank))

    def onnx(self, *xs: Shape) -> tuple[Onnx, ...]:
        x, y = xs[0], self.infer(*xs)
        size = tuple(n + sum(side) for n, side in zip(x[1:], self.sides, strict=True))
        nodes = (
            pad_amounts(self.sides),
            Onnx("Pad", ("0", "pads"), {"mode": "constant"}, ("padded",)),
            constant("positions", 0, x[0], -1),
            Onnx("Reshape", ("padded", "positions"), {}, ("flat",)),
            constant("taps", *taps(size, self.kernel, self.stride, y[1:])),
            constant("table", prod(self.kernel), prod(y[1:])),
            Onnx("Reshape", ("taps", "table"), {}, ("index",)),
            Onnx("Gather", ("flat", "index"), {"axis": 2}, ("windows",)),
            constant("filters", self.channels, x[0], prod(self.kernel), -1),
            Onnx("Reshape", ("weight", "filters"), {}, ("kernels",)),
            Onnx("Einsum", ("windows", "kernels"), {"equation": "nckl,ockl->nol"}, ("sums",)),
            constant("shape", 0, *y),
            Onnx("Reshape", ("sums", "shape"), {}, ("product" if self.bias else "y",)),
        )
        return (*nodes, Onnx("Add", ("product", "bias"))) if self.bias else nodes


def taps(size: Shape, kernel: Shape, stride: Shape, out: Shape) -> list[int]:
    """Where each tap of each output position lies in the flattened map: taps first, then positions."""
    axes = list(zip(size, kernel, stride, out, strict=True))

    def place(tap: int, position: int) -> int:
        flat, step = 0, 1
        for n, k, s, m in reversed(axes):
            flat += (position % m * s + tap % k) * step
            tap, position, step = tap // k, position // m, step * n
        return flat

    return [place(tap, position) for tap in range(prod(kernel)) for position in range(prod(out))]
