"""fvcore 0.1.5: FlopCountAnalysis, which traces the module and counts the operators of PyTorch that it knows."""

from __future__ import annotations

from fractions import Fraction
from math import prod

from archspec.conventions.rules import (
    LARGEST,
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
    macs,
    neighbourhoods,
    offsets,
    projections,
    samples,
    window_projections,
)
from archspec.op import Shape


def _mean(use: Use) -> int:
    return prod(use.xs[0]) if len(use.xs[0]) == 3 else 0


def _upsample(use: Use) -> int:
    return (4 if use.op.mode == "bilinear" else 1) * prod(use.y) if len(use.y) == 3 else 0


def _deformed(use: Use) -> Fraction:
    kernel: Shape = use.op.kernel
    interpolated = 4 * use.xs[0][0] * prod(kernel) * prod(use.y[1:])
    return offsets(use) + interpolated + in_four_digits(deformed(use), use.batch, 1)


CONVENTION = Convention(
    "fvcore",
    "fvcore's FlopCountAnalysis",
    {
        **each(f"{SILENT} {WEIGHTED} {LARGEST} AVGPOOL SUMPOOL L2POOL SUBSAMPLE LRN", UNCOUNTED),
        **each("RELU RELU6 LRELU PRELU ELU GELU SILU SOFTMAX", UNCOUNTED),
        **each("DWCONV UPCONV FC LINEAR DIRACCONV BINCONV matmul", Rule(macs, "MACs")),
        "CONV": Rule(full_table, "MACs; a partial connection table counts as a full one"),
        "LOCAL": Rule(lambda use: in_four_digits(use.macs, use.batch, 1), "MACs of the batch, in four digits"),
        "DEFCONV": Rule(
            _deformed, "the offsets' MACs, 4 per value interpolated, and the deformed MACs of the batch in four digits"
        ),
        "LCN": Rule(neighbourhoods, "the MACs of its two windows, one channel each"),
        "BN": Rule(affine(1, 2), "2 per value, 1 without gamma"),
        **each("LN IN GN", Rule(affine(4, 5), "5 per value, 4 without weights")),
        **each("GAP AAVGPOOL", Rule(_mean, "1 per value read, of images alone")),
        "UPSAMPLE": Rule(_upsample, "1 per value written, 4 if bilinear, of images alone"),
        **each("MHA attend", Rule(projections, "the projections, not the products of queries, keys and values")),
        "WMHA": Rule(window_projections, "the projections, not the products of queries, keys and values"),
        "roialign": Rule(lambda use: 4 * samples(use), "4 per value interpolated"),
    },
)
