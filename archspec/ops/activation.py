"""Activations: elementwise (or along the channels), so shape and receptive field pass through.

`work` counts operations per value; every elementary function (exp, log, erf, a comparison, a division) is one.
"""

from __future__ import annotations

from math import prod
from typing import Any, ClassVar, Literal

from archspec.formula import Formula, work
from archspec.op import Cost, Init, Onnx, Op, Shape, Style, Torch, Weight, constant, register
from archspec.saved import Saved


class Elementwise(Op):
    """An activation computed value by value.  `work` is its published cost in operations per value; an activation that
    both frameworks have under a name of their own states the two names.  `keeps_output` says that the gradient is
    computed from the output, not from the input."""

    work: ClassVar[int]
    keeps_output: ClassVar[bool] = False
    inplace = True
    torch_name: ClassVar[str] = ""
    onnx_name: ClassVar[str] = ""
    style = Style("#f4cccc", "{name}")

    def cost(self, y: Shape, *xs: Shape) -> Cost:
        return Cost(0, self.work * prod(y))

    def formulas(self, y: Shape, *xs: Shape) -> tuple[Formula, ...]:
        return work(self.work, y)

    def saved(self, y: Shape, *xs: Shape) -> Saved:
        return Saved(output=True, order="input") if self.keeps_output else Saved((0,), order="input")

    def torch(self, *xs: Shape) -> Torch:
        return Torch(self.torch_name)

    def onnx(self, *xs: Shape) -> tuple[Onnx, ...]:
        return (Onnx(self.onnx_name),)


@register("RELU")
class ReLU(Elementwise):
    """max(x, 0)."""

    work, torch_name, onnx_name = 1, "ReLU", "Relu"
    keeps_output = True


@register("RELU6")
class ReLU6(Elementwise):
    """min(max(x, 0), 6)."""

    work, torch_name = 2, "ReLU6"

    def onnx(self, *xs: Shape) -> tuple[Onnx, ...]:
        bounds = [
            Onnx("Constant", (), {"value_float": value}, (name,)) for name, value in (("low", 0.0), ("high", 6.0))
        ]
        return (*bounds, Onnx("Clip", ("0", "low", "high")))


@register("LRELU", "LEAKY", "LEAKYRELU")
class LeakyReLU(Elementwise):
    """x where positive, slope*x elsewhere."""

    slope: float = 0.01
    positional = ("slope",)
    work = 2

    def torch(self, *xs: Shape) -> Torch:
        return Torch("LeakyReLU", (self.slope,))

    def onnx(self, *xs: Shape) -> tuple[Onnx, ...]:
        return (Onnx("LeakyRelu", ("0",), {"alpha": self.slope}),)


@register("PRELU")
class PReLU(Elementwise):
    """LRELU with a learned slope per channel, or one for all with `channel_shared` (He et al. 2015)."""

    channel_shared: bool = False
    work = 2

    def slopes(self, x: Shape) -> int:
        return 1 if self.channel_shared else x[0]

    def weights(self, *xs: Shape) -> tuple[Weight, ...]:
        return (Weight("weight", (self.slopes(xs[0]),), Init("constant", 0.25)),)

    def torch(self, *xs: Shape) -> Torch:
        return Torch("PReLU", (self.slopes(xs[0]),))

    def onnx(self, *xs: Shape) -> tuple[Onnx, ...]:
        if self.channel_shared or len(xs[0]) == 1:
            return (Onnx("PRelu", ("0", "weight")),)
        return (
            constant("shape", xs[0][0], *(1,) * (len(xs[0]) - 1)),
            Onnx("Reshape", ("weight", "shape"), {}, ("slope",)),
            Onnx("PRelu", ("0", "slope")),
        )


@register("ELU")
class ELU(Elementwise):
    """x where positive, alpha*(exp(x) - 1) elsewhere."""

    alpha: float = 1.0
    positional = ("alpha",)
    work = 4

    def torch(self, *xs: Shape) -> Torch:
        return Torch("ELU", () if self.alpha == 1 else (self.alpha,))

    def onnx(self, *xs: Shape) -> tuple[Onnx, ...]:
        return (Onnx("Elu", ("0",), {"alpha": self.alpha}),)


@register("SELU")
class SELU(Elementwise):
    """ELU scaled so that activations keep mean 0 and variance 1 (Klambauer et al. 2017)."""

    work, torch_name, onnx_name = 5, "SELU", "Selu"


@register("GELU")
class GELU(Elementwise):
    """x times the normal distribution function of x; `approximate=tanh` as GPT-2 computes it."""

    approximate: Literal["none", "tanh"] = "none"
    work = 5

    def torch(self, *xs: Shape) -> Torch:
        kwargs: dict[str, Any] = {} if self.approximate == "none" else {"approximate": self.approximate}
        return Torch("GELU", (), kwargs)

    def onnx(self, *xs: Shape) -> tuple[Onnx, ...]:
        return (Onnx("Gelu", ("0",), {"approximate": self.approximate}),)


@register("SILU", "SWISH")
class SiLU(Elementwise):
    """x * sigmoid(x)."""

    work, torch_name = 5, "SiLU"

    def onnx(self, *xs: Shape) -> tuple[Onnx, ...]:
        return Onnx("Sigmoid", ("0",), {}, ("gate",)), Onnx("Mul", ("0", "gate"))


@register("HSWISH")
class HardSwish(Elementwise):
    """x * hard sigmoid(x) (Howard et al. 2019)."""

    work, torch_name, onnx_name = 5, "Hardswish", "HardSwish"


@register("HSIGMOID")
class HardSigmoid(Elementwise):
    """min(max(x + 3, 0), 6) / 6."""

    work, torch_name = 4, "Hardsigmoid"

    def onnx(self, *xs: Shape) -> tuple[Onnx, ...]:
        return (Onnx("HardSigmoid", ("0",), {"alpha": 1 / 6, "beta": 0.5}),)


@register("SIGMOID")
class Sigmoid(Elementwise):
    """1 / (1 + exp(-x))."""

    work, torch_name, onnx_name = 4, "Sigmoid", "Sigmoid"
    keeps_output = True


@register("TANH")
class Tanh(Elementwise):
    """Hyperbolic tangent."""

    work, torch_name, onnx_name = 4, "Tanh", "Tanh"
    keeps_output = True


@register("SIGN")
class Sign(Elementwise):
    """-1, 0 or 1: the binary activation of XNOR-Net (Rastegari et al. 2016).  Its gradient is 0 everywhere."""

    work, onnx_name = 1, "Sign"

    def saved(self, y: Shape, *xs: Shape) -> Saved:
        return Saved(order="input")

    def torch(self, *xs: Shape) -> Torch:
        return Torch(call="torch.sign({0})")


@register("SOFTPLUS")
class Softplus(Elementwise):
    """log(1 + exp(x))."""

    work, torch_name, onnx_name = 3, "Softplus", "Softplus"


@register("MISH")
class Mish(Elementwise):
    """x * tanh(softplus(x)) (Misra 2019)."""

    work, torch_name, onnx_name = 8, "Mish", "Mish"


@register("SOFTMAX")
class Softmax(Elementwise):
    """exp(x) divided by its sum over the channels, at every position of a map."""

    work = 4
    inplace = False

    def saved(self, y: Shape, *xs: Shape) -> Saved:
        return Saved(output=True)

    def torch(self, *xs: Shape) -> Torch:
        return Torch("Softmax", (), {"dim": 1})

    def onnx(self, *xs: Shape) -> tuple[Onnx, ...]:
        return (Onnx("Softmax", ("0",), {"axis": 1}),)


@register("LOGSOFTMAX")
class LogSoftmax(Elementwise):
    """The logarithm of SOFTMAX."""

    work = 4
    inplace = False

    def saved(self, y: Shape, *xs: Shape) -> Saved:
        return Saved(output=True)

    def torch(self, *xs: Shape) -> Torch:
        return Torch("LogSoftmax", (), {"dim": 1})

    def onnx(self, *xs: Shape) -> tuple[Onnx, ...]:
        return (Onnx("LogSoftmax", ("0",), {"axis": 1}),)
