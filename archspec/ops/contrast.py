"""Normalisation by the neighbourhood: across channels (LRN), in space (LCN), by the length of a position's vector."""

from __future__ import annotations

from math import exp, prod
from typing import ClassVar, Self

from archspec.op import (
    Cost,
    Onnx,
    Op,
    Positive,
    RuleError,
    Shape,
    Sizes,
    Style,
    Torch,
    Window,
    constant,
    per_axis,
    register,
    spatial_rank,
)
from archspec.saved import Kept, Saved

_FILL = "#ead1dc"


@register("LRN")
class LocalResponseNorm(Op):
    """Local response normalisation across `n` neighbouring channels, as its paper writes it (Krizhevsky et al. 2012):
    x / (k + alpha * sum of squares)^beta, alpha not divided by n (PyTorch, Caffe and ONNX divide and get alpha*n)."""

    n: Positive = 5
    alpha: float = 1e-4
    beta: float = 0.75
    k: float = 2.0
    positional = ("n",)
    style = Style(_FILL, "LRN")

    def settle(self, *xs: Shape) -> Self:
        spatial_rank(self, xs[0])
        if self.n % 2 == 0:
            raise RuleError(f"n={self.n} has no middle channel", "n", "write an odd number: LRN(n=5)", "A204")
        return self

    def cost(self, y: Shape, *xs: Shape) -> Cost:
        return Cost(0, (self.n + 4) * prod(y))  # a square, n-1 sums, alpha, k, a power, a division

    def saved(self, y: Shape, *xs: Shape) -> Saved:
        squares = Kept("padded squares", (y[0] + self.n - 1, *y[1:]))
        return Saved((0,), made=(squares, Kept("sums", y), Kept("divisors", y)), order="input")

    def torch(self, *xs: Shape) -> Torch:
        kwargs = {"size": self.n, "alpha": self.alpha * self.n, "beta": self.beta, "k": self.k}
        return Torch("LocalResponseNorm", (), kwargs)

    def onnx(self, *xs: Shape) -> tuple[Onnx, ...]:
        attrs = {"size": self.n, "alpha": self.alpha * self.n, "beta": self.beta, "bias": self.k}
        if len(xs[0]) == 3:
            return (Onnx("LRN", ("0",), attrs),)
        return (  # onnxruntime knows LRN on images alone; the channels see nothing of where a position lies
            constant("image", 0, xs[0][0], -1, 1),
            constant("shape", 0, *xs[0]),
            Onnx("Reshape", ("0", "image"), {}, ("flat",)),
            Onnx("LRN", ("flat",), attrs, ("normal",)),
            Onnx("Reshape", ("normal", "shape")),
        )


@register("L2NORM")
class L2Norm(Op):
    """Every position's channels divided by their Euclidean length (ParseNet, SSD; a learned scale is SCALE's)."""

    work: ClassVar[int] = 3  # a square, a sum, a division
    style = Style(_FILL, "L2 norm")

    def cost(self, y: Shape, *xs: Shape) -> Cost:
        return Cost(0, self.work * prod(y))

    def saved(self, y: Shape, *xs: Shape) -> Saved:
        made = Kept("lengths", (1, *y[1:])), Kept("divisors", (1, *y[1:]))
        return Saved((0,), made=made, order="input")

    def torch(self, *xs: Shape) -> Torch:
        return Torch(call="F.normalize({0}, dim=1)")

    def onnx(self, *xs: Shape) -> tuple[Onnx, ...]:
        return (Onnx("LpNormalization", ("0",), {"axis": 1, "p": 2}),)


_LCN = '''class LocalContrastNorm{rank}d(nn.Module):
    """Subtracts a Gaussian mean of the neighbourhood in all channels, divides by its deviation."""

    def __init__(self, kernel_size: tuple[int, ...]) -> None:
        super().__init__()
        window = torch.ones(())
        for k in kernel_size:
            place = (torch.arange(k) - (k - 1) / 2) / (k / 4)
            window = window[..., None] * torch.exp(-(place**2) / 2)
        self.padding = tuple(k // 2 for k in kernel_size)
        self.register_buffer("window", (window / window.sum())[None, None], persistent=False)

    def around(self, x: torch.Tensor) -> torch.Tensor:
        return F.conv{rank}d(x.mean(1, keepdim=True), self.window, padding=self.padding)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        x = x - self.around(x)
        deviation = (self.around(x**2) + 1e-8).sqrt()
        least = deviation.flatten(1).mean(1).view(-1, *(1,) * (x.dim() - 1))
        return x / torch.maximum(deviation, least)
'''


@register("LCN")
class LocalContrastNorm(Op):
    """Local contrast normalisation (Jarrett et al. 2009): subtracts the mean of a Gaussian neighbourhood over all
    channels, then divides by its deviation where that exceeds the map's mean deviation.  The Gaussian's standard
    deviation is a quarter of the kernel; outside the map is zero.  Deviations are at least 1e-4, Torch7's threshold, so
    that a black image stays black."""

    kernel: Sizes = (9,)
    positional = ("kernel",)
    style = Style(_FILL, "LCN {kernel}")

    @property
    def whole(self) -> bool:
        return True

    def settle(self, *xs: Shape) -> Self:
        kernel = per_axis(self.kernel, spatial_rank(self, xs[0]), "kernel")
        if any(k % 2 == 0 for k in kernel):
            raise RuleError("an even kernel has no middle", "kernel", "write odd sizes: LCN(9x9)", "A204")
        return self.model_copy(update={"kernel": kernel})

    def reads(self, number: int, *xs: Shape) -> tuple[Window, ...]:
        return tuple(Window(2 * k - 1, 1, (k - 1, k - 1)) for k in self.kernel)  # the mean, then the deviation

    def cost(self, y: Shape, *xs: Shape) -> Cost:
        # Per value two sums, a difference, a square, a division; per position the window twice, a root, a comparison.
        return Cost(0, 5 * prod(y) + prod(y[1:]) * (4 * prod(self.kernel) + 2))

    def saved(self, y: Shape, *xs: Shape) -> Saved:
        names = "means", "powers", "deviations", "divisors"
        made = (*(Kept(name, (1, *y[1:])) for name in names), Kept("least deviation", (1,)), Kept("centred input", y))
        return Saved(made=made, order="input")

    def torch(self, *xs: Shape) -> Torch:
        rank = len(self.kernel)
        return Torch(f"LocalContrastNorm{rank}d", (self.kernel,), {}, source=_LCN.format(rank=rank))

    def gaussian(self) -> list[float]:
        """The window, flattened; its values add up to 1."""
        window = [1.0]
        for k in self.kernel:
            axis = [exp(-(((i - (k - 1) / 2) / (k / 4)) ** 2) / 2) for i in range(k)]
            window = [value * factor for value in window for factor in axis]
        return [value / sum(window) for value in window]

    def around(self, source: str, target: str) -> tuple[Onnx, ...]:
        """ONNX nodes for the Gaussian mean of the neighbourhood."""
        pads = [k // 2 for k in self.kernel] * 2
        attrs = {"kernel_shape": self.kernel, "pads": pads}
        return (
            Onnx("ReduceMean", (source, "channels"), {"keepdims": 1}, (f"{target}_mean",)),
            Onnx("Conv", (f"{target}_mean", "window"), attrs, (target,)),
        )

    def onnx(self, *xs: Shape) -> tuple[Onnx, ...]:
        rank = len(self.kernel)
        return (
            constant("channels", 1),
            Onnx("Constant", (), {"value_floats": self.gaussian()}, ("flat",)),
            constant("shape", 1, 1, *self.kernel),
            Onnx("Reshape", ("flat", "shape"), {}, ("window",)),
            *self.around("0", "neighbours"),
            Onnx("Sub", ("0", "neighbours"), {}, ("centred",)),
            Onnx("Mul", ("centred", "centred"), {}, ("squares",)),
            *self.around("squares", "variance"),
            Onnx("Constant", (), {"value_float": 1e-8}, ("eps",)),
            Onnx("Add", ("variance", "eps"), {}, ("safe",)),
            Onnx("Sqrt", ("safe",), {}, ("deviation",)),
            constant("places", *range(1, rank + 2)),
            Onnx("ReduceMean", ("deviation", "places"), {"keepdims": 1}, ("least",)),
            Onnx("Max", ("deviation", "least"), {}, ("divisor",)),
            Onnx("Div", ("centred", "divisor")),
        )
