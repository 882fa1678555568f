"""Convolutions whose kernel is computed from the weights: Dirac-parametrised and binary."""

from __future__ import annotations

from math import prod
from typing import Any, Self

from archspec.formula import Formula, along, formula, over, sized
from archspec.op import Cost, Init, Onnx, Positive, RuleError, Shape, Style, Torch, Weight, constant, register
from archspec.ops.conv import GroupedConvolution
from archspec.saved import Kept, Saved


class ComputedKernel(GroupedConvolution):
    """A convolution by a kernel that the forward pass computes from its weights."""

    channels: Positive
    bias: bool = True
    positional = ("channels", "kernel", "stride")

    def filters(self, x: Shape) -> int:
        return self.channels

    def split(self, x: Shape) -> int:
        return 1

    def size(self, x: Shape) -> Shape:
        """The kernel's shape."""
        return (self.channels, x[0], *self.kernel)

    def kept(self, y: Shape, x: Shape, **made: Shape) -> Saved:
        """What a convolution keeps, its kernel, and what the kernel is made of."""
        saved = super().saved(y, x)
        parts = (Kept(name.replace("_", " "), shape, batched=False) for name, shape in made.items())
        return saved._replace(made=(*saved.made, *parts, Kept("kernel", self.size(x), batched=False)))

    def named(self, xs: tuple[Shape, ...], name: str, source: str) -> Torch:
        """The convolution's record with a class of its own, which has {rank} axes."""
        rank = len(xs[0]) - 1
        return super().torch(*xs)._replace(module=f"{name}{rank}d", source=source.replace("{rank}", str(rank)))


_DIRAC = '''class DiracConv{rank}d(nn.Conv{rank}d):
    """A convolution by alpha * identity + beta * normalised weights, both per output channel."""

    def __init__(self, in_channels: int, out_channels: int, **kwargs) -> None:
        super().__init__(in_channels, out_channels, **kwargs)
        self.alpha = nn.Parameter(torch.ones(out_channels))
        self.beta = nn.Parameter(torch.full((out_channels,), 0.1))
        dirac = nn.init.dirac_(torch.empty_like(self.weight.detach()))
        self.register_buffer("dirac", dirac, persistent=False)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        column = (-1,) + (1,) * (x.dim() - 1)
        learned = F.normalize(self.weight.flatten(1)).view_as(self.weight)
        kernel = self.alpha.view(column) * self.dirac + self.beta.view(column) * learned
        return self._conv_forward(x, kernel, self.bias)
'''


@register("DIRACCONV")
class DiracConv(ComputedKernel):
    """Dirac-parametrised convolution (Zagoruyko and Komodakis 2017): the kernel is alpha times the identity plus beta
    times the normalised weights, alpha and beta learned per output channel.  The kernel's sizes are odd."""

    style = Style("#cfe2f3", "dirac conv {kernel}, {channels}")

    def settle(self, *xs: Shape) -> Self:
        settled = super().settle(*xs)
        if any(k % 2 == 0 for k in settled.kernel):
            raise RuleError("an even kernel has no middle for the identity", "kernel", "write odd sizes: 3x3", "A204")
        return settled

    def weights(self, *xs: Shape) -> tuple[Weight, ...]:
        c = (self.channels,)
        scales = Weight("alpha", c, Init("constant", 1.0)), Weight("beta", c, Init("constant", 0.1))
        return *super().weights(*xs), *scales

    def cost(self, y: Shape, *xs: Shape) -> Cost:
        macs, other = super().cost(y, *xs)
        # Per value of the kernel: a square, a sum, a division, two products, a sum.
        return Cost(macs, other + 6 * prod(self.size(xs[0])))

    def formulas(self, y: Shape, *xs: Shape) -> tuple[Formula, ...]:
        params, macs, other = super().formulas(y, *xs)
        kernel = "c_out*(c_in/g)*" + over("k", len(self.kernel))
        values = sized(y)[1] | {"c_in": xs[0][0], "g": self.split(xs[0]), **along("k", self.kernel)}
        scales = formula("params", f"{params.symbols} + c_out + c_out", values)
        return scales, macs, formula("other", f"{other.symbols} + 6*{kernel}", values)

    def saved(self, y: Shape, *xs: Shape) -> Saved:
        c = (self.channels,)
        return self.kept(y, xs[0], lengths=c, divisors=c, directions=self.size(xs[0]))

    def torch(self, *xs: Shape) -> Torch:
        return self.named(xs, "DiracConv", _DIRAC)

    def onnx(self, *xs: Shape) -> tuple[Onnx, ...]:
        x, rank = xs[0], len(xs[0]) - 1
        centres = [(i, i, *(k // 2 for k in self.kernel)) for i in range(min(self.channels, x[0]))]
        return (
            constant("size", *self.size(x)),
            Onnx("ConstantOfShape", ("size",), {}, ("nothing",)),
            constant("flat", *(n for centre in centres for n in centre)),
            constant("places", len(centres), rank + 2),
            Onnx("Reshape", ("flat", "places"), {}, ("centres",)),
            Onnx("Constant", (), {"value_floats": [1.0] * len(centres)}, ("ones",)),
            Onnx("ScatterND", ("nothing", "centres", "ones"), {}, ("dirac",)),
            constant("column", self.channels, *(1,) * (rank + 1)),
            constant("rows", self.channels, -1),
            Onnx("Reshape", ("weight", "rows"), {}, ("long",)),
            Onnx("LpNormalization", ("long",), {"axis": 1, "p": 2}, ("normal",)),
            Onnx("Reshape", ("normal", "size"), {}, ("learned",)),
            Onnx("Reshape", ("alpha", "column"), {}, ("alphas",)),
            Onnx("Reshape", ("beta", "column"), {}, ("betas",)),
            Onnx("Mul", ("alphas", "dirac"), {}, ("straight",)),
            Onnx("Mul", ("betas", "learned"), {}, ("turned",)),
            Onnx("Add", ("straight", "turned"), {}, ("kernel",)),
            *self.onnx_conv(x, ("kernel", "bias") if self.bias else ("kernel",)),
        )


_BINARY = '''class BinaryConv{rank}d(nn.Conv{rank}d):
    """A convolution by the signs of the weights, times each filter's mean absolute weight."""

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        scale = self.weight.abs().flatten(1).mean(1).view(-1, *(1,) * (x.dim() - 1))
        return self._conv_forward(x, self.weight.sign() * scale, self.bias)
'''


@register("BINCONV")
class BinaryConv(ComputedKernel):
    """Convolution by binary weights: their signs, times each filter's mean absolute weight (Rastegari et al. 2016).
    The weights are kept in full precision, as training needs them; bytes are counted so."""

    style = Style("#cfe2f3", "binary conv {kernel}, {channels}")

    def cost(self, y: Shape, *xs: Shape) -> Cost:
        macs, other = super().cost(y, *xs)
        return Cost(macs, other + 4 * prod(self.size(xs[0])))  # an absolute value, a sum, a sign, a product

    def formulas(self, y: Shape, *xs: Shape) -> tuple[Formula, ...]:
        params, macs, other = super().formulas(y, *xs)
        kernel = "c_out*(c_in/g)*" + over("k", len(self.kernel))
        values = sized(y)[1] | {"c_in": xs[0][0], "g": self.split(xs[0]), **along("k", self.kernel)}
        return params, macs, formula("other", f"{other.symbols} + 4*{kernel}", values)

    def saved(self, y: Shape, *xs: Shape) -> Saved:
        return self.kept(y, xs[0], signs=self.size(xs[0]), mean_sizes=(self.channels,))

    def torch(self, *xs: Shape) -> Torch:
        return self.named(xs, "BinaryConv", _BINARY)

    def onnx(self, *xs: Shape) -> tuple[Onnx, ...]:
        rank = len(xs[0]) - 1
        attrs: dict[str, Any] = {"keepdims": 1}
        return (
            Onnx("Sign", ("weight",), {}, ("signs",)),
            Onnx("Abs", ("weight",), {}, ("sizes",)),
            constant("within", *range(1, rank + 2)),
            Onnx("ReduceMean", ("sizes", "within"), attrs, ("means",)),
            Onnx("Mul", ("signs", "means"), {}, ("kernel",)),
            *self.onnx_conv(xs[0], ("kernel", "bias") if self.bias else ("kernel",)),
        )
