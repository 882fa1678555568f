"""calflops 0.3: its FLOPs, from the functions of PyTorch that it replaces while the module runs."""

from __future__ import annotations

from fractions import Fraction
from math import prod

from archspec.conventions.rules import (
    L2POOL,
    LARGEST,
    LRN,
    ONE_PER_SAMPLE,
    SILENT,
    UNCOUNTED,
    WEIGHTED,
    Convention,
    Rule,
    Use,
    affine,
    deformed,
    each,
    full_table,
    in_four_digits,
    neighbourhoods,
    offsets,
    offsets_with_bias,
    projections,
    read,
    window_projections,
)
from archspec.op import Shape


def _conv(use: Use) -> int:
    """A bias for every output unit is added by an operator, which it does not see."""
    return 2 * full_table(use) + prod(use.y) * (len(use.weights.get("bias", ())) == 1)


def _upconv(use: Use) -> int:
    """It divides by the groups twice, and takes the size of a convolution's output for that of the bias."""
    kernel: Shape = use.op.kernel
    groups: int = use.op.groups
    channels, (c, *sizes) = use.y[0] // groups, use.xs[0]
    products = 2 * prod(kernel) * c * (channels // groups) * prod(sizes)
    axes = zip(sizes, use.op.sides, use.op.dilation, kernel, use.op.stride, strict=True)
    places: int = prod(
        (n + sum(sides) - (dilation * (k - 1) + 1)) // stride + 1 for n, sides, dilation, k, stride in axes
    )
    return products + channels * places * ("bias" in use.weights)


def _upsample(use: Use) -> int | Fraction | None:
    """A size counts its positions, whatever the channels and the batch; a factor per axis raises a TypeError."""
    factor = use.torch.kwargs.get("scale_factor")
    if factor is None:
        return Fraction(prod(use.y[1:]), use.batch)
    return None if isinstance(factor, tuple) and len(factor) != use.batch else prod(use.xs[0])


def _deformed(use: Use) -> Fraction:
    return offsets(use) + offsets_with_bias(use) + in_four_digits(deformed(use), use.batch, 2)


CONVENTION = Convention(
    "calflops",
    "calflops' FLOPs",
    {
        **each(f"{SILENT} {WEIGHTED} RELU6 matmul", UNCOUNTED),
        **each(
            "CONV DWCONV DIRACCONV BINCONV",
            Rule(_conv, "2 x MACs, and 1 per value written for the bias; a partial connection table counts as full"),
        ),
        "UPCONV": Rule(_upconv, "2 x MACs / groups, and 1 for the bias per value that a convolution would write"),
        **each("FC LINEAR", Rule(lambda use: 2 * use.macs, "2 x MACs")),
        "LOCAL": Rule(lambda use: in_four_digits(use.macs, use.batch, 2), "2 x MACs of the batch, in four digits"),
        "DEFCONV": Rule(
            _deformed, "2 x the offsets' MACs and their biases, and 2 x the deformed MACs of the batch in four digits"
        ),
        "LCN": Rule(lambda use: 2 * neighbourhoods(use), "2 x the MACs of its two windows, one channel each"),
        "BN": Rule(affine(1, 2), "2 per value, 1 without gamma"),
        **each("LN IN GN", Rule(affine(4, 5), "5 per value, 4 without weights")),
        "LRN": LRN,
        **each("RELU LRELU PRELU ELU GELU SILU SOFTMAX", Rule(read(1), "1 per value")),
        **each(f"{LARGEST} AVGPOOL SUMPOOL SUBSAMPLE GAP AAVGPOOL", Rule(read(1), "1 per value read")),
        "L2POOL": L2POOL,
        "UPSAMPLE": Rule(
            _upsample,
            "1 per value read; of a given size 1 per position of the whole batch; it fails on a factor per axis",
        ),
        **each(
            "MHA attend",
            Rule(lambda use: 2 * projections(use), "2 x the projections, not the products of queries, keys and values"),
        ),
        "WMHA": Rule(
            lambda use: 2 * window_projections(use), "2 x the projections, not the products of queries, keys and values"
        ),
        "roialign": ONE_PER_SAMPLE,
    },
    per_mac=2,
)
