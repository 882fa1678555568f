"""What a rule of a convention is, and the rules that several tools have in common."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from fractions import Fraction
from math import floor, prod
from typing import Any, NamedTuple

from archspec.op import Shape, Torch


class Use(NamedTuple):
    """One operator at work on one example: the settled card, its output and input shapes, its multiply-accumulates."""

    op: Any  # a card; the rules read arguments that only some cards have
    y: Shape
    xs: tuple[Shape, ...]
    macs: int
    batch: int = 1  # examples that the tool sees at once: some round, or forget, the whole batch

    @property
    def weights(self) -> dict[str, Shape]:
        """The trainable arrays."""
        return {weight.name: weight.shape for weight in self.op.weights(*self.xs) if weight.trainable}

    @property
    def torch(self) -> Torch:
        """How it is emitted."""
        torch: Torch = self.op.torch(*self.xs)
        return torch


Number = Callable[[Use], int | Fraction | None]


class Rule(NamedTuple):
    """What a convention counts for one example of an operator, and that in words.

    None where the tool fails; a fraction where its count of a batch is no multiple of the batch.
    """

    number: Number
    why: str


class Convention(NamedTuple):
    """How one tool, or a literature, counts: a rule by operator name; `default` is for every operator."""

    name: str
    title: str
    rules: Mapping[str, Rule] = {}
    default: Rule | None = None
    per_mac: int = 1  # 2 where a multiply-accumulate is two operations

    def rule(self, operator: str) -> Rule | None:
        """The rule for an operator; None where the convention does not know it."""
        return self.rules.get(operator, self.default)


def each(names: str, rule: Rule) -> dict[str, Rule]:
    return dict.fromkeys(names.split(), rule)


def nothing(use: Use) -> int:
    return 0


def macs(use: Use) -> int:
    return use.macs


def values(times: int) -> Callable[[Use], int]:
    return lambda use: times * prod(use.y)


def read(times: int) -> Callable[[Use], int]:
    """So many for each value that a module reads, with the padding that is emitted in front of it."""
    return lambda use: times * calls(use) * padded(use)


_PAD = re.compile(r"F\.pad\(\{0\}, \(([-\d, ]+)\)")


def padded(use: Use) -> int:
    """Values of the input as the emitted module gets it: F.pad's amounts come in pairs, the last axis first."""
    channels, *spatial = use.xs[0]
    found = _PAD.search(use.torch.call)
    amounts = [int(amount) for amount in found[1].split(",")] if found else []
    for axis, (begin, end) in enumerate(zip(amounts[::2], amounts[1::2], strict=True), 1):
        spatial[-axis] += begin + end
    return channels * prod(spatial)


def calls(use: Use) -> int:
    """How often the module runs: an average without its padding's zeros divides by a second one."""
    return use.torch.call.count("{m}")


def hooked(rule: Callable[[Use], int]) -> Callable[[Use], int]:
    """0 where the operator is emitted as a class of its own, which a hook on torch.nn's class does not see."""
    return lambda use: 0 if use.torch.source else rule(use)


def with_bias(use: Use) -> int:
    return use.macs + prod(use.y) * ("bias" in use.weights)


def affine(plain: int, affine: int) -> Callable[[Use], int]:
    """So many per value without and with weights."""
    return lambda use: (affine if "weight" in use.weights else plain) * prod(use.y)


def full_table(use: Use) -> int:
    """MACs, where a partial connection table is a full weight that is masked, as it is emitted."""
    kernel: Shape = getattr(use.op, "kernel", ())
    return prod(use.y) * use.xs[0][0] * prod(kernel) if getattr(use.op, "table", None) else use.macs


def projections(use: Use) -> int:
    """Attention without the two products of queries, keys and values: a query reads every key."""
    return use.macs - 2 * prod(use.y) * prod(use.xs[min(1, len(use.xs) - 1)][1:])


def window_projections(use: Use) -> int:
    return 4 * use.y[0] * prod(use.y)


def offsets(use: Use) -> int:
    """The branch of a deformable convolution that learns where its taps are read: an ordinary convolution."""
    return prod(use.weights["offset.weight"]) * prod(use.y[1:])


def offsets_with_bias(use: Use) -> int:
    return offsets(use) + prod(use.weights["offset.bias"]) * prod(use.y[1:])


def deformed(use: Use) -> int:
    """The MACs of a deformable convolution behind its offsets."""
    return use.macs - offsets(use)


def in_four_digits(macs: int, batch: int, per_mac: int) -> Fraction:
    """An einsum's count as NumPy prints it for the whole batch, which is where fvcore and calflops read it."""
    printed = float(f"{2 * macs * batch + 1:.3e}")
    return Fraction(floor(printed * per_mac / 2), batch)


def neighbourhoods(use: Use) -> int:
    """The two convolutions of a local contrast normalisation: the mean of a neighbourhood, then its deviation."""
    kernel: Shape = use.op.kernel
    return 2 * prod(kernel) * prod(use.y[1:])


def samples(use: Use) -> int:
    """The values that RoIAlign interpolates."""
    return prod(use.y) * int(use.op.samples) ** 2


def across_channels(use: Use) -> int:
    """Local response normalisation: three elementwise operations, and an average over channels padded by n - 1."""
    n: int = use.op.n
    return 3 * prod(use.y) + (use.y[0] + n - 1) * prod(use.y[1:])


def squares(use: Use) -> int:
    """A pool of squares: an average of what is read, and two elementwise operations on what is written."""
    return padded(use) + 2 * prod(use.y)


# None of the tools sees anything to count in these.
SILENT = (
    "INPUT ID FLATTEN DROPOUT DROPPATH SPATIALDROPOUT SLICE CROP PAD ZEROPAD RESHAPE PERMUTE SHUFFLE REORG "
    "PIXELSHUFFLE COORDS TOKENS TOKEN SINUSOID REDUCE MAXOUT L2NORM SELU HSWISH HSIGMOID SIGMOID TANH SOFTPLUS MISH "
    "SIGN LOGSOFTMAX absdiff add sub mul max mean highway concat dot roipool"
)
WEIGHTED = "SCALE LAYERSCALE RMSNORM wsum EMBED POSEMBED CLSTOKEN"  # weights, and no contraction
LARGEST = "MAXPOOL GMP AMAXPOOL"
UNCOUNTED = Rule(nothing, "not counted")
OFFSETS_AND_BIAS = Rule(offsets_with_bias, "the offsets' convolution and its bias, not the deformed one")
ONE_PER_SAMPLE = Rule(samples, "1 per value interpolated")
LRN = Rule(across_channels, "3 per value, and 1 per value of the average over channels")
L2POOL = Rule(squares, "1 per value read and 2 per value written")
