"""Deformable convolution."""

from __future__ import annotations

from math import prod
from typing import Any, Self

from archspec.formula import Formula, contraction, sized
from archspec.op import (
    Cost,
    Init,
    Onnx,
    Positive,
    RuleError,
    Shape,
    Style,
    Torch,
    Weight,
    by,
    constant,
    contraction_weights,
    register,
)
from archspec.ops.conv import Convolving
from archspec.padding import onnx_pads, symmetric
from archspec.saved import Kept, Saved

_SOURCE = '''class DeformConv2d(nn.Module):
    """A convolution whose taps move by learned offsets, and may weigh by a learned mask."""

    def __init__(
        self,
        in_channels,
        out_channels,
        kernel_size,
        stride,
        padding,
        dilation,
        modulated=False,
        bias=True,
    ):
        super().__init__()
        self.stride, self.padding, self.dilation = stride, padding, dilation
        self.taps = [(i, j) for i in range(kernel_size[0]) for j in range(kernel_size[1])]
        moves = len(self.taps) * (3 if modulated else 2)
        self.offset = nn.Conv2d(in_channels, moves, kernel_size, stride, padding, dilation)
        nn.init.zeros_(self.offset.weight)
        nn.init.zeros_(self.offset.bias)
        self.weight = nn.Parameter(torch.empty(out_channels, in_channels, *kernel_size))
        nn.init.kaiming_uniform_(self.weight)
        self.bias = nn.Parameter(torch.zeros(out_channels)) if bias else None

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        h, w = x.shape[2:]
        moves = self.offset(x)
        offset, mask = moves[:, : 2 * len(self.taps)], moves[:, 2 * len(self.taps) :].sigmoid()
        rows, columns = (
            torch.arange(n, dtype=x.dtype, device=x.device) * s - p
            for n, s, p in zip(moves.shape[2:], self.stride, self.padding)
        )
        seen = []
        for tap, (i, j) in enumerate(self.taps):
            row = rows[:, None] + i * self.dilation[0] + offset[:, 2 * tap]
            column = columns + j * self.dilation[1] + offset[:, 2 * tap + 1]
            grid = torch.stack([(2 * column + 1) / w - 1, (2 * row + 1) / h - 1], dim=-1)
            value = F.grid_sample(x, grid, align_corners=False)
            seen.append(value * mask[:, tap, None] if mask.shape[1] else value)
        y = torch.einsum("ncthw,oct->nohw", torch.stack(seen, dim=2), self.weight.flatten(2))
        return y if self.bias is None else y + self.bias.view(-1, 1, 1)
'''


@register("DEFCONV")
class DeformableConv(Convolving):
    """Deformable convolution (Dai et al. 2017): a convolution of its own, the offset branch, moves every tap; with
    `modulated` it also weighs it (version 2, Zhu et al. 2019).  The receptive field is that of the taps at rest."""

    channels: Positive
    modulated: bool = False
    bias: bool = True
    positional = ("channels", "kernel", "stride")
    act = True
    style = Style("#cfe2f3", "deformable conv {kernel}, {channels}")

    @property
    def loose(self) -> bool:
        return True

    def settle(self, *xs: Shape) -> Self:
        settled = super().settle(*xs)
        if len(xs[0]) != 3:
            raise RuleError(f"DEFCONV works on images, and gets {by(xs[0])}", help="use CONV", code="A305")
        if not symmetric(settled.sides):
            raise RuleError(
                "DEFCONV pads both sides alike", "pad", "write one number per axis, or PAD before it", "A204"
            )
        return settled

    def out_channels(self, *xs: Shape) -> int:
        return self.channels

    @property
    def moves(self) -> int:
        """Channels of the offset branch: two coordinates per tap, and its mask."""
        return prod(self.kernel) * (3 if self.modulated else 2)

    def weights(self, *xs: Shape) -> tuple[Weight, ...]:
        c = xs[0][0]
        fan_in = c * prod(self.kernel)
        at_rest = Init("constant", 0.0)
        offset = (
            Weight("offset.weight", (self.moves, c, *self.kernel), at_rest),
            Weight("offset.bias", (self.moves,), at_rest),
        )
        shape = (self.channels, c, *self.kernel)
        return *contraction_weights(shape, fan_in, self.channels * self.bias, self.bias_init), *offset

    def cost(self, y: Shape, *xs: Shape) -> Cost:
        c, taps, places = xs[0][0], prod(self.kernel), prod(y[1:])
        macs = places * c * taps * (self.channels + self.moves)
        # Four products and sums per value interpolated; the offsets' bias; a sigmoid and a product per mask.
        other = 8 * places * taps * c + places * self.moves + places * taps * (4 + c) * self.modulated
        return Cost(macs, other + prod(y) * bool(self.bias))

    def formulas(self, y: Shape, *xs: Shape) -> tuple[Formula, ...]:
        count, values = sized(y)
        values |= {"c_in": xs[0][0], "k_h": self.kernel[0], "k_w": self.kernel[1], "moves": self.moves}
        params = "c_out*c_in*k_h*k_w" + " + c_out" * self.bias + " + moves*c_in*k_h*k_w + moves"
        other = "8*h_out*w_out*k_h*k_w*c_in + h_out*w_out*moves"
        other += " + h_out*w_out*k_h*k_w*(4 + c_in)" * self.modulated + f" + {count}" * self.bias
        return contraction(params, "h_out*w_out*c_in*k_h*k_w*(c_out + moves)", values, other)

    def gradient_macs(self, number: int, y: Shape, *xs: Shape) -> int:
        return prod(y[1:]) * xs[0][0] * prod(self.kernel) * self.moves  # the offset branch's

    def connections(self, y: Shape, *xs: Shape) -> int:
        return super().connections(y, *xs) + prod(y[1:]) * self.moves  # with the biases of the offset branch

    def saved(self, y: Shape, *xs: Shape) -> Saved:
        taps, places = prod(self.kernel), y[1:]
        made = [Kept("columns", (xs[0][0] * taps, *places)), Kept("grids", (taps, *places, 2))]
        if self.modulated:
            made += [Kept("masks", (taps, *places)), Kept("values", (xs[0][0] * taps, *places))]
        return Saved((0,), made=tuple(made), order="last")

    def torch(self, *xs: Shape) -> Torch:
        kwargs: dict[str, Any] = {
            "kernel_size": self.kernel,
            "stride": self.stride,
            "padding": tuple(begin for begin, _ in self.sides),
            "dilation": self.dilation,
        }
        kwargs |= {"modulated": True} if self.modulated else {}
        kwargs |= {} if self.bias else {"bias": False}
        return Torch("DeformConv2d", (xs[0][0], self.channels), kwargs, source=_SOURCE)

    def onnx(self, *xs: Shape) -> tuple[Onnx, ...]:
        attrs = {
            "kernel_shape": self.kernel,
            "strides": self.stride,
            "pads": onnx_pads(self.sides),
            "dilations": self.dilation,
        }
        taps = prod(self.kernel)
        moves = Onnx("Conv", ("0", "offset.weight", "offset.bias"), attrs, ("moves" if self.modulated else "offset",))
        bias = "bias" if self.bias else ""
        if not self.modulated:
            return moves, Onnx("DeformConv", ("0", "weight", "offset", bias), attrs)
        return (
            moves,
            constant("parts", 2 * taps, taps),
            Onnx("Split", ("moves", "parts"), {"axis": 1}, ("offset", "weighing")),
            Onnx("Sigmoid", ("weighing",), {}, ("mask",)),
            Onnx("DeformConv", ("0", "weight", "offset", bias, "mask"), attrs),
        )
