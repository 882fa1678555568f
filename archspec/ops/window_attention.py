"""Multi-head attention inside the windows of an image's map."""

from __future__ import annotations

from math import prod, sqrt
from typing import Annotated, Any, Self

from pydantic import BeforeValidator

from archspec.formula import Formula, along, contraction
from archspec.op import (
    Cost,
    Init,
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
    by,
    constant,
    per_axis,
    register,
)
from archspec.saved import Kept, Saved

Shifts = Annotated[tuple[Natural, ...], BeforeValidator(lambda v: (v,) if type(v) is int else v)]

_SOURCE = '''class WindowAttention(nn.Module):
    """Self-attention inside windows, with a learned bias per head and relative position; what a
    shift brings together from opposite edges does not attend to each other."""

    def __init__(
        self, width: int, heads: int, window: tuple[int, int], size: tuple[int, int], shift=(0, 0)
    ) -> None:
        super().__init__()
        self.heads, self.window, self.shift = heads, window, shift
        self.qkv = nn.Linear(width, 3 * width)
        self.proj = nn.Linear(width, width)
        (h, w), (a, b) = size, window
        distances = (2 * a - 1) * (2 * b - 1)
        self.relative_position_bias_table = nn.Parameter(torch.empty(distances, heads))
        nn.init.trunc_normal_(self.relative_position_bias_table, std=0.02)
        row, column = torch.meshgrid(torch.arange(a), torch.arange(b), indexing="ij")
        row, column = row.flatten(), column.flatten()
        apart = (row[:, None] - row + a - 1) * (2 * b - 1) + column[:, None] - column + b - 1
        self.register_buffer("apart", apart, persistent=False)
        # Rows and columns in three parts: whole windows, and both sides of the shift's seam.
        places = torch.arange(h), torch.arange(w)
        parts = [
            (at >= n - k).int() + (at >= n - s).int()
            for at, n, k, s in zip(places, size, window, shift)
        ]
        region = self.cut((parts[0][:, None] * 3 + parts[1])[None, None])[0, :, :, 0]
        together = region[:, None, :, None] == region[:, None, None]
        self.register_buffer("together", together, persistent=False)

    def cut(self, x: torch.Tensor) -> torch.Tensor:
        """(batch, channels, height, width) to (batch, windows, positions, channels)."""
        a, b = self.window
        x = x.unflatten(2, (-1, a)).unflatten(4, (-1, b))
        return x.permute(0, 2, 4, 3, 5, 1).flatten(3, 4).flatten(1, 2)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        (h, w), (a, b) = x.shape[2:], self.window
        x = self.cut(x.roll((-self.shift[0], -self.shift[1]), (2, 3)))
        q, k, v = self.qkv(x).unflatten(-1, (3, self.heads, -1)).permute(3, 0, 1, 4, 2, 5)
        bias = self.relative_position_bias_table[self.apart].permute(2, 0, 1)
        if any(self.shift):
            bias = bias.masked_fill(~self.together, float("-inf"))
        x = F.scaled_dot_product_attention(q, k, v, attn_mask=bias.expand(x.shape[1], -1, -1, -1))
        x = self.proj(x.transpose(2, 3).flatten(3))
        x = x.unflatten(2, (a, b)).unflatten(1, (h // a, w // b))
        return x.permute(0, 5, 1, 3, 2, 4).reshape(-1, x.shape[-1], h, w).roll(self.shift, (2, 3))
'''


@register("WMHA")
class WindowAttention(Op):
    """Multi-head self-attention inside windows of a map, cyclically shifted by `shift` (Liu et al. 2021: Swin), with a
    learned bias per head and relative position.  Weights are named as Swin's.  A position reads the window it lies in;
    those that a shift wraps around an edge are cut there."""

    heads: Positive
    window: Sizes = (7,)
    shift: Shifts = (0,)
    positional = ("heads", "window", "shift")
    style = Style("#cfe2f3", "window attention {window}, {heads} heads")

    def settle(self, *xs: Shape) -> Self:
        if len(xs[0]) != 3:
            raise RuleError(f"WMHA works on images, and gets {by(xs[0])}", help="use MHA on a sequence", code="A305")
        if xs[0][0] % self.heads:
            raise RuleError(
                f"{xs[0][0]} channels do not divide into {self.heads} heads",
                "heads",
                "write a number that divides the width",
                "A206",
            )
        window, shift = per_axis(self.window, 2, "window"), per_axis(self.shift, 2, "shift")
        if any(n % k for n, k in zip(xs[0][1:], window, strict=True)):
            raise RuleError(
                f"windows of {by(window)} do not tile {by(xs[0][1:])}",
                "window",
                "PAD the map to a multiple of the window",
                "A206",
            )
        if any(s >= k for s, k in zip(shift, window, strict=True)):
            raise RuleError("shift is smaller than the window", "shift", f"write shift={window[0] // 2}", "A204")
        return self.model_copy(update={"window": window, "shift": shift})

    def reads(self, number: int, *xs: Shape) -> tuple[Window, ...]:
        # Shifted by s, whole windows begin at s; those before and behind them reach over the edges.
        sides = zip(self.window, self.shift, strict=True)
        return tuple(Window(k, pad=(-s % k, k - 1 - -s % k), tiled=True) for k, s in sides)

    def weights(self, *xs: Shape) -> tuple[Weight, ...]:
        d = xs[0][0]
        drawn, zero = Init("uniform", sqrt(3 / d)), Init("constant", 0.0)
        return (
            Weight("qkv.weight", (3 * d, d), drawn),
            Weight("qkv.bias", (3 * d,), zero),
            Weight("proj.weight", (d, d), drawn),
            Weight("proj.bias", (d,), zero),
            Weight("relative_position_bias_table", (self.distances, self.heads), Init("normal", 0.02)),
        )

    @property
    def distances(self) -> int:
        """How many relative positions two values of a window can have."""
        return prod(2 * k - 1 for k in self.window)

    def cost(self, y: Shape, *xs: Shape) -> Cost:
        (d, h, w), area = xs[0], prod(self.window)
        pairs = self.heads * h * w * area
        # A scale, the relative bias, a softmax, and the mask of a shift per pair; the projections' biases.
        return Cost(4 * d * d * h * w + 2 * h * w * area * d, (6 + any(self.shift)) * pairs + 4 * d * h * w)

    def formulas(self, y: Shape, *xs: Shape) -> tuple[Formula, ...]:
        values = {"c": xs[0][0], "heads": self.heads, **along("n_out", y[1:]), **along("k", self.window)}
        params = "3*c*c + 3*c + c*c + c + (2*k_h - 1)*(2*k_w - 1)*heads"
        macs = "4*c*c*h_out*w_out + 2*h_out*w_out*k_h*k_w*c"
        pair = 6 + any(self.shift)  # a scale, a bias, a softmax and, where a shift forbids some, a mask
        return contraction(params, macs, values, f"{pair}*heads*h_out*w_out*k_h*k_w + 4*c*h_out*w_out")

    def gradient_macs(self, number: int, y: Shape, *xs: Shape) -> int:
        return 3 * y[0] * prod(y)

    def connections(self, y: Shape, *xs: Shape) -> int:
        return 4 * (y[0] + 1) * prod(y)

    def saved(self, y: Shape, *xs: Shape) -> Saved:
        area, places = prod(self.window), prod(y[1:])
        made = [Kept(name, y) for name in ("windows", "queries", "keys", "values", "read values")]
        made.append(Kept("attention", (self.heads, places, area)))
        if any(self.shift):
            made.append(Kept("mask", (places, area), "bool", batched=False))
        return Saved(made=tuple(made))

    def torch(self, *xs: Shape) -> Torch:
        kwargs: dict[str, Any] = {"window": self.window, "size": xs[0][1:]}
        kwargs |= {"shift": self.shift} if any(self.shift) else {}
        return Torch("WindowAttention", (xs[0][0], self.heads), kwargs, source=_SOURCE)

    def onnx(self, *xs: Shape) -> tuple[Onnx, ...]:
        d, h, w = xs[0]
        (a, b), heads = self.window, self.heads
        rows, columns, area = h // a, w // b, a * b
        return (
            *self.roll(xs[0], "0", "rolled", 1),
            constant("qkv_shape", 3 * d, d, 1, 1),
            Onnx("Reshape", ("qkv.weight", "qkv_shape"), {}, ("qkv_kernel",)),
            Onnx("Conv", ("rolled", "qkv_kernel", "qkv.bias"), {"kernel_shape": (1, 1)}, ("qkv",)),
            constant("tiled", 0, 3 * d, rows, a, columns, b),
            constant("per_head", 0, rows * columns, 3 * heads, d // heads, area),
            Onnx("Reshape", ("qkv", "tiled"), {}, ("tiles",)),
            Onnx("Transpose", ("tiles",), {"perm": (0, 2, 4, 1, 3, 5)}, ("cut",)),
            Onnx("Reshape", ("cut", "per_head"), {}, ("heads",)),
            Onnx("Split", ("heads",), {"axis": 2, "num_outputs": 3}, ("q", "k", "v")),
            Onnx("Transpose", ("q",), {"perm": (0, 1, 2, 4, 3)}, ("rows",)),
            Onnx("MatMul", ("rows", "k"), {}, ("products",)),
            Onnx("Constant", (), {"value_float": sqrt(d // heads)}, ("root",)),
            Onnx("Div", ("products", "root"), {}, ("scores",)),
            *self.biased(xs[0]),
            Onnx("Softmax", ("biased",), {"axis": -1}, ("attention",)),
            Onnx("Transpose", ("attention",), {"perm": (0, 1, 2, 4, 3)}, ("columns",)),
            Onnx("MatMul", ("v", "columns"), {}, ("read",)),
            constant("untiled", 0, rows, columns, d, a, b),
            constant("map", 0, d, h, w),
            Onnx("Reshape", ("read", "untiled"), {}, ("apart",)),
            Onnx("Transpose", ("apart",), {"perm": (0, 3, 1, 4, 2, 5)}, ("joined",)),
            Onnx("Reshape", ("joined", "map"), {}, ("flat",)),
            constant("proj_shape", d, d, 1, 1),
            Onnx("Reshape", ("proj.weight", "proj_shape"), {}, ("proj_kernel",)),
            Onnx("Conv", ("flat", "proj_kernel", "proj.bias"), {"kernel_shape": (1, 1)}, ("projected",)),
            *self.roll(xs[0], "projected", "y", -1),
        )

    def roll(self, x: Shape, source: str, target: str, sign: int) -> tuple[Onnx, ...]:
        """ONNX nodes that move the map by the shift, around its edges."""
        if not any(self.shift):
            return (Onnx("Identity", (source,), {}, (target,)),)
        (h, w), (a, b) = x[1:], self.shift
        return (
            constant(f"{target}_rows", *((i + sign * a) % h for i in range(h))),
            constant(f"{target}_columns", *((i + sign * b) % w for i in range(w))),
            Onnx("Gather", (source, f"{target}_rows"), {"axis": 2}, (f"{target}_half",)),
            Onnx("Gather", (f"{target}_half", f"{target}_columns"), {"axis": 3}, (target,)),
        )

    def biased(self, x: Shape) -> tuple[Onnx, ...]:
        """ONNX nodes that add the relative bias to the scores, and forbid what a shift brought together."""
        a, b = self.window
        places = [(i, j) for i in range(a) for j in range(b)]
        apart = [(i - k + a - 1) * (2 * b - 1) + j - m + b - 1 for i, j in places for k, m in places]
        shifted = any(self.shift)
        nodes = (
            constant("distances", *apart),
            constant("pairs", self.heads, a * b, a * b),
            Onnx("Gather", ("relative_position_bias_table", "distances"), {"axis": 0}, ("table",)),
            Onnx("Transpose", ("table",), {"perm": (1, 0)}, ("turned",)),
            Onnx("Reshape", ("turned", "pairs"), {}, ("bias",)),
            Onnx("Add", ("scores", "bias"), {}, ("unmasked" if shifted else "biased",)),
        )
        if not shifted:
            return nodes
        n = prod(x[1:]) // (a * b)
        return (
            *nodes,
            constant("regions", *self.regions(x)),
            *(constant(name, *shape) for name, shape in (("down", (n, 1, a * b, 1)), ("across", (n, 1, 1, a * b)))),
            Onnx("Reshape", ("regions", "down"), {}, ("region_of_query",)),
            Onnx("Reshape", ("regions", "across"), {}, ("region_of_key",)),
            Onnx("Equal", ("region_of_query", "region_of_key"), {}, ("together",)),
            Onnx("Constant", (), {"value_float": float("-inf")}, ("never",)),
            Onnx("Where", ("together", "unmasked", "never"), {}, ("biased",)),
        )

    def regions(self, x: Shape) -> list[int]:
        """For every position, window by window, which piece of the unshifted map it comes from."""
        (h, w), (a, b) = x[1:], self.window

        def part(i: int, n: int, k: int, s: int) -> int:
            return (i >= n - k) + (i >= n - s)

        return [
            3 * part(top + i, h, a, self.shift[0]) + part(left + j, w, b, self.shift[1])
            for top in range(0, h, a)
            for left in range(0, w, b)
            for i in range(a)
            for j in range(b)
        ]
