"""What an optimizer keeps and computes for every parameter."""

from __future__ import annotations

from typing import NamedTuple

from archspec.source import Diagnostic, SpecError


class Optimizer(NamedTuple):
    """`copies` of a parameter's size that it keeps from step to step, and operations per parameter and step."""

    copies: int
    flops: int
    rule: str


# Operations as PyTorch's loops do them; what is computed once for all parameters (1 - beta^t) does not count.
OPTIMIZERS = {
    "sgd": Optimizer(0, 2, "w -= lr*g"),
    "momentum": Optimizer(1, 4, "v = m*v + g; w -= lr*v"),
    "adam": Optimizer(2, 13, "m = b1*m + (1-b1)*g; v = b2*v + (1-b2)*g*g; w -= lr*m / (sqrt(v)/c + eps)"),
    "adamw": Optimizer(2, 14, "as adam, after w *= 1 - lr*decay"),
}


def find_optimizer(name: str) -> Optimizer:
    """The optimizer called so.  Raises SpecError."""
    if name not in OPTIMIZERS:
        raise SpecError((Diagnostic("A204", f"no optimizer {name}", expected=tuple(OPTIMIZERS)),))
    return OPTIMIZERS[name]
