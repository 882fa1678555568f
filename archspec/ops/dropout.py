"""Dropout: what training leaves out; in inference all of them pass their input on."""

from __future__ import annotations

from typing import Annotated

from pydantic import Field

from archspec.op import Cost, Onnx, Op, Shape, Style, Torch, register, spatial_rank
from archspec.saved import Kept, Saved, seen


class Dropping(Op):
    """Drops with probability `rate` in training and scales the rest up."""

    rate: Annotated[float, Field(ge=0, lt=1)] = 0.5
    positional = ("rate",)
    view = True
    style = Style("#f3f3f3", "dropout {rate}")

    def cost(self, y: Shape, *xs: Shape) -> Cost:
        return Cost()

    def mask(self, y: Shape) -> Kept:
        """What says which values stay."""
        return Kept("mask", y)

    def saved(self, y: Shape, *xs: Shape) -> Saved:
        return Saved(made=(self.mask(y),), order="input") if self.rate else seen(y)

    def onnx(self, *xs: Shape) -> tuple[Onnx, ...]:
        return Onnx("Constant", (), {"value_float": self.rate}, ("rate",)), Onnx("Dropout", ("0", "rate"))


@register("DROPOUT")
class Dropout(Dropping):
    """Drops each value with probability `rate` in training; passes its input on in inference."""

    def torch(self, *xs: Shape) -> Torch:
        return Torch("Dropout", (self.rate,))


@register("SPATIALDROPOUT", "DROPOUT2D")
class SpatialDropout(Dropping):
    """Drops whole channels of a map with probability `rate` in training (Tompson et al. 2015)."""

    style = Style("#f3f3f3", "spatial dropout {rate}")

    def mask(self, y: Shape) -> Kept:
        return Kept("mask", y[:1])

    def torch(self, *xs: Shape) -> Torch:
        return Torch(f"Dropout{spatial_rank(self, xs[0])}d", (self.rate,))

    def infer(self, *xs: Shape) -> Shape:
        spatial_rank(self, xs[0])
        return xs[0]


_DROP_PATH = '''class DropPath(nn.Module):
    """Stochastic depth: drops the whole branch for an example, and scales it up where it stays."""

    def __init__(self, rate: float) -> None:
        super().__init__()
        self.rate = rate

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        if not self.training or not self.rate:
            return x
        kept = torch.rand((x.shape[0],) + (1,) * (x.dim() - 1), device=x.device) >= self.rate
        return x * kept / (1 - self.rate)
'''


@register("DROPPATH")
class DropPath(Dropping):
    """Stochastic depth: drops an example's whole branch with probability `rate` in training (Huang et al. 2016)."""

    rate: Annotated[float, Field(ge=0, lt=1)] = 0.1
    style = Style("#f3f3f3", "drop path {rate}")

    def mask(self, y: Shape) -> Kept:
        return Kept("mask", (1,), "bool")

    def torch(self, *xs: Shape) -> Torch:
        return Torch("DropPath", (self.rate,), source=_DROP_PATH)

    def onnx(self, *xs: Shape) -> tuple[Onnx, ...]:
        return (Onnx("Identity"),)
