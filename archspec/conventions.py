"""What other tools count: their conventions, as facts about the tools, one rule for each operator that they meet.

The tools run the PyTorch module that archspec emits, so a rule may ask how an operator is emitted: a hook on
`torch.nn.Conv2d` does not see a convolution that is a class of its own.  Versions: fvcore 0.1.5, ptflops 0.7 (its
PyTorch backend), thop 0.1.1, torchinfo 1.8.  An operator that a convention has no rule for is unknown to it, never 0.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Mapping
from math import prod
from typing import Any, NamedTuple

from archspec.op import Shape, Torch


class Use(NamedTuple):
    """One operator at work on one example: the settled card, its output and input shapes, its multiply-accumulates."""

    op: Any  # a card; the rules read arguments that only some cards have
    y: Shape
    xs: tuple[Shape, ...]
    macs: int

    @property
    def weights(self) -> dict[str, Shape]:
        """The trainable arrays."""
        return {weight.name: weight.shape for weight in self.op.weights(*self.xs) if weight.trainable}

    @property
    def torch(self) -> Torch:
        """How it is emitted."""
        torch: Torch = self.op.torch(*self.xs)
        return torch


class Rule(NamedTuple):
    """What a convention counts for an operator, and that in words."""

    count: Callable[[Use], int]
    why: str


class Convention(NamedTuple):
    """How one tool, or a literature, counts: a rule by operator name; `default` is for every operator."""

    name: str
    title: str
    rules: Mapping[str, Rule] = {}
    default: Rule | None = None

    def rule(self, operator: str) -> Rule | None:
        """The rule for an operator; None where the convention does not know it."""
        return self.rules.get(operator, self.default)


def _each(names: str, rule: Rule) -> dict[str, Rule]:
    return dict.fromkeys(names.split(), rule)


# ---------------------------------------------------------------- what rules count


def _nothing(use: Use) -> int:
    return 0


def _macs(use: Use) -> int:
    return use.macs


def _values(times: int) -> Callable[[Use], int]:
    return lambda use: times * prod(use.y)


def _read(times: int) -> Callable[[Use], int]:
    """So many for each value that a module reads, with the padding that is emitted in front of it."""
    return lambda use: times * _calls(use) * _padded(use)


_PAD = re.compile(r"F\.pad\(\{0\}, \(([-\d, ]+)\)")


def _padded(use: Use) -> int:
    """Values of the input as the emitted module gets it: F.pad's amounts come in pairs, the last axis first."""
    channels, *spatial = use.xs[0]
    found = _PAD.search(use.torch.call)
    amounts = [int(amount) for amount in found[1].split(",")] if found else []
    for axis, (begin, end) in enumerate(zip(amounts[::2], amounts[1::2], strict=True), 1):
        spatial[-axis] += begin + end
    return channels * prod(spatial)


def _calls(use: Use) -> int:
    """How often the module runs: an average without its padding's zeros divides by a second one."""
    return use.torch.call.count("{m}")


def _hooked(rule: Callable[[Use], int]) -> Callable[[Use], int]:
    """0 where the operator is emitted as a class of its own, which a hook on torch.nn's class does not see."""
    return lambda use: 0 if use.torch.source else rule(use)


def _with_bias(use: Use) -> int:
    return use.macs + prod(use.y) * ("bias" in use.weights)


def _affine(plain: int, affine: int) -> Callable[[Use], int]:
    """So many per value without and with weights."""
    return lambda use: (affine if "weight" in use.weights else plain) * prod(use.y)


def _projections(use: Use) -> int:
    """Attention without the two products of queries, keys and values: a query reads every key."""
    return use.macs - 2 * prod(use.y) * prod(use.xs[min(1, len(use.xs) - 1)][1:])


def _window_projections(use: Use) -> int:
    return 4 * use.y[0] * prod(use.y)


def _trained(use: Use) -> int:
    return sum(prod(shape) for name, shape in use.weights.items() if name in ("weight", "bias"))


def _offsets(use: Use, biased: bool) -> int:
    """The branch of a deformable convolution that learns where its taps are read: an ordinary convolution."""
    weights = use.weights
    return (prod(weights["offset.weight"]) + prod(weights["offset.bias"]) * biased) * prod(use.y[1:])


# ---------------------------------------------------------------- operators that are told together

# None of the four tools sees anything to count in these.
_SILENT = (
    "INPUT ID FLATTEN DROPOUT DROPPATH SPATIALDROPOUT SLICE CROP PAD ZEROPAD RESHAPE PERMUTE SHUFFLE REORG "
    "PIXELSHUFFLE COORDS TOKENS TOKEN SINUSOID REDUCE MAXOUT L2NORM SELU HSWISH HSIGMOID SIGMOID TANH SOFTPLUS MISH "
    "SIGN LOGSOFTMAX absdiff add sub mul max mean highway concat dot roipool"
)
_WEIGHTED = "SCALE LAYERSCALE RMSNORM wsum EMBED POSEMBED CLSTOKEN"  # weights, and no contraction
_SHAPED = "RELU RELU6 LRELU PRELU ELU GELU SILU SOFTMAX"  # activations that some tool counts
_LARGEST = "MAXPOOL GMP AMAXPOOL"
_UNCOUNTED = Rule(_nothing, "not counted")
_OFFSETS_AND_BIAS = Rule(lambda use: _offsets(use, True), "the offsets' convolution and its bias, not the deformed one")


# ---------------------------------------------------------------- fvcore


def _fvcore_conv(use: Use) -> int:
    """A partial connection table is emitted as a full weight that is masked."""
    kernel: Shape = use.op.kernel
    return prod(use.y) * use.xs[0][0] * prod(kernel) if use.op.table else use.macs


def _fvcore_mean(use: Use) -> int:
    return prod(use.xs[0]) if len(use.xs[0]) == 3 else 0


def _fvcore_upsample(use: Use) -> int:
    return (4 if use.op.mode == "bilinear" else 1) * prod(use.y) if len(use.y) == 3 else 0


_FVCORE = {
    **_each(f"{_SILENT} {_WEIGHTED} {_SHAPED} {_LARGEST} AVGPOOL SUMPOOL L2POOL SUBSAMPLE LRN", _UNCOUNTED),
    **_each("DWCONV UPCONV FC LINEAR DIRACCONV BINCONV matmul", Rule(_macs, "MACs")),
    "CONV": Rule(_fvcore_conv, "MACs; a partial connection table counts as a full one"),
    "BN": Rule(_affine(1, 2), "2 per value, 1 without gamma"),
    **_each("LN IN GN", Rule(_affine(4, 5), "5 per value, 4 without weights")),
    **_each("GAP AAVGPOOL", Rule(_fvcore_mean, "1 per value read, of images alone")),
    "UPSAMPLE": Rule(_fvcore_upsample, "1 per value written, 4 if bilinear, of images alone"),
    **_each("MHA attend", Rule(_projections, "the projections, not the products of queries, keys and values")),
    "WMHA": Rule(_window_projections, "the projections, not the products of queries, keys and values"),
}


# ---------------------------------------------------------------- ptflops


def _ptflops_lrn(use: Use) -> int:
    """Three elementwise operations, and an average over channels that are padded by n - 1."""
    n: int = use.op.n
    return 3 * prod(use.y) + (use.y[0] + n - 1) * prod(use.y[1:])


def _ptflops_attention(use: Use) -> int:
    """Its own formula: keys and values are projected as if to their own width, and an output bias is always there."""
    (c, *t), (ck, *tk), (cv, *_) = use.xs[0], use.xs[min(1, len(use.xs) - 1)], use.xs[-1]
    queries, keys = prod(t), prod(tk)
    heads: int = use.op.heads
    projections = queries * c * (c + 1) + keys * (ck * ck + cv * cv) + queries * cv * (cv + 1)
    bias = (queries + 2 * keys) * c * bool(use.op.bias)
    return projections + bias + heads * queries * keys * (c // heads + 1 + cv // heads)


_ONCE = Rule(_read(1), "1 per value")
_TWICE = Rule(_read(2), "2 per value: a hook on the module and one on the function that it calls")
_TWICE_READ = Rule(_read(2), "2 per value read: a hook on the module and one on the function that it calls")

_PTFLOPS = {
    **_each(f"{_SILENT} {_WEIGHTED} LOCAL LCN DIRACCONV BINCONV matmul", _UNCOUNTED),
    **_each("CONV DWCONV UPCONV", Rule(_hooked(_with_bias), "MACs, and 1 per value written for the bias")),
    **_each("FC LINEAR", Rule(_with_bias, "MACs, and 1 per value written for the bias")),
    **_each("BN GN IN", Rule(_hooked(_affine(1, 2)), "2 per value, 1 without weights")),
    "LN": Rule(_values(1), "1 per value"),
    "LRN": Rule(_ptflops_lrn, "3 per value, and 1 per value of the average over channels"),
    **_each("RELU PRELU ELU GELU", _TWICE),
    **_each("RELU6 LRELU SILU SOFTMAX", _ONCE),
    **_each(f"{_LARGEST} AVGPOOL SUMPOOL SUBSAMPLE GAP AAVGPOOL", _TWICE_READ),
    "L2POOL": Rule(lambda use: _padded(use) + 2 * prod(use.y), "1 per value read and 2 per value written"),
    "UPSAMPLE": Rule(_values(2), "2 per value written"),
    "DEFCONV": _OFFSETS_AND_BIAS,
    **_each("MHA attend", Rule(_ptflops_attention, "its own formula, with biases and a softmax of 1 per pair")),
    "WMHA": Rule(
        lambda use: _window_projections(use) + 4 * prod(use.y), "the projections and their biases, not the products"
    ),
}


# ---------------------------------------------------------------- thop


def _thop_upconv(use: Use) -> int:
    """Every tap at every output position, as if no zeros stood between the inputs."""
    return prod(use.weights["weight"]) * prod(use.y[1:])


def _thop_upsample(use: Use) -> int:
    """The names that it knows: nearest, linear, bilinear; not trilinear."""
    linear = {2: 5, 3: 11, 4: 0}[len(use.y)]
    return (linear if use.op.mode == "bilinear" else 1) * prod(use.y)


_THOP = {
    **_each(f"{_SILENT} {_WEIGHTED} {_SHAPED} {_LARGEST} L2POOL LRN LCN GN LOCAL DIRACCONV BINCONV", _UNCOUNTED),
    **_each("MHA attend matmul roialign", _UNCOUNTED),
    **_each("CONV DWCONV", Rule(_hooked(_macs), "MACs")),
    "UPCONV": Rule(_thop_upconv, "every tap at every output position, not at every input position"),
    "DEFCONV": Rule(lambda use: _offsets(use, False), "the offsets' convolution, not the deformed one"),
    **_each("FC LINEAR", Rule(_macs, "MACs")),
    **_each("BN LN IN", Rule(_hooked(_affine(2, 4)), "4 per value, 2 without weights")),
    "PRELU": Rule(_values(1), "1 per value"),
    "SOFTMAX": Rule(lambda use: (3 * use.y[0] - 1) * prod(use.y[1:]), "3 per value, less 1 per position"),
    **_each("AVGPOOL SUMPOOL", Rule(lambda use: _calls(use) * prod(use.y), "1 per value written")),
    "SUBSAMPLE": Rule(_values(1), "1 per value written"),
    **_each("GAP AAVGPOOL", Rule(lambda use: prod(use.xs[0]) + prod(use.y), "1 per value read, 1 per value written")),
    "UPSAMPLE": Rule(_thop_upsample, "1 per value written, 5 if linear, 11 if bilinear, 0 if trilinear"),
    "WMHA": Rule(_window_projections, "the projections, not the products of queries, keys and values"),
}


# ---------------------------------------------------------------- torchinfo

_TORCHINFO = {
    **_each(f"{_SILENT} {_LARGEST} AVGPOOL SUMPOOL L2POOL SUBSAMPLE GAP AAVGPOOL LRN LCN UPSAMPLE", _UNCOUNTED),
    **_each("RELU RELU6 LRELU ELU GELU SILU SOFTMAX matmul roialign", _UNCOUNTED),
    **_each("MHA attend", Rule(_nothing, "not counted: the weights are not those of a module that it sees running")),
    **_each(
        "CONV DWCONV UPCONV DIRACCONV BINCONV",
        Rule(lambda use: _trained(use) * prod(use.y[1:]), "weights and biases at every output position"),
    ),
    "DEFCONV": _OFFSETS_AND_BIAS,
    **_each(
        f"FC LINEAR LOCAL BN LN IN GN PRELU {_WEIGHTED}",
        Rule(_trained, "weights and biases once, whatever the size of the map"),
    ),
    "WMHA": Rule(lambda use: 4 * use.y[0] * (use.y[0] + 1), "the projections' weights and biases once"),
}


# ---------------------------------------------------------------- all of them


def _paper(use: Use) -> int:
    return use.macs if use.weights else 0


_ALL: Iterable[Convention] = (
    Convention("2mac", "2 x MACs", default=Rule(lambda use: 2 * use.macs, "2 x MACs")),
    Convention(
        "paper",
        "multiply-adds of the layers with weights, as papers print them",
        default=Rule(_paper, "MACs of layers with weights"),
    ),
    Convention("fvcore", "fvcore's FlopCountAnalysis", _FVCORE),
    Convention("ptflops", "ptflops, its PyTorch backend", _PTFLOPS),
    Convention("thop", "thop's profile", _THOP),
    Convention("torchinfo", "torchinfo's total mult-adds", _TORCHINFO),
)
CONVENTIONS = {convention.name: convention for convention in _ALL}
