"""ptflops 0.7, its PyTorch backend, which hooks modules and the functions that they call; of one example."""

from __future__ import annotations

from math import prod

from archspec.conventions.rules import (
    L2POOL,
    LARGEST,
    LRN,
    OFFSETS_AND_BIAS,
    ONE_PER_SAMPLE,
    SILENT,
    UNCOUNTED,
    WEIGHTED,
    Convention,
    Rule,
    Use,
    affine,
    each,
    hooked,
    read,
    values,
    window_projections,
    with_bias,
)


def _attention(use: Use) -> int:
    """Its own formula: keys and values are projected as if to their own width, and an output bias is always there."""
    (c, *t), (ck, *tk), (cv, *_) = use.xs[0], use.xs[min(1, len(use.xs) - 1)], use.xs[-1]
    queries, keys = prod(t), prod(tk)
    heads: int = use.op.heads
    projections = queries * c * (c + 1) + keys * (ck * ck + cv * cv) + queries * cv * (cv + 1)
    bias = (queries + 2 * keys) * c * bool(use.op.bias)
    return projections + bias + heads * queries * keys * (c // heads + 1 + cv // heads)


CONVENTION = Convention(
    "ptflops",
    "ptflops, its PyTorch backend",
    {
        **each(f"{SILENT} {WEIGHTED} LOCAL LCN DIRACCONV BINCONV matmul", UNCOUNTED),
        **each(
            "CONV DWCONV UPCONV",
            Rule(hooked(with_bias), "MACs, and 1 per value written for the bias; not of a class of its own"),
        ),
        **each("FC LINEAR", Rule(with_bias, "MACs, and 1 per value written for the bias")),
        **each("BN GN IN", Rule(hooked(affine(1, 2)), "2 per value, 1 without weights; not of a class of its own")),
        "LN": Rule(values(1), "1 per value"),
        "LRN": LRN,
        **each(
            "RELU PRELU ELU GELU", Rule(read(2), "2 per value: a hook on the module and one on the function it calls")
        ),
        **each("RELU6 LRELU SILU SOFTMAX", Rule(read(1), "1 per value")),
        **each(
            f"{LARGEST} AVGPOOL SUMPOOL SUBSAMPLE GAP AAVGPOOL",
            Rule(read(2), "2 per value read: a hook on the module and one on the function it calls"),
        ),
        "L2POOL": L2POOL,
        "UPSAMPLE": Rule(values(2), "2 per value written"),
        "DEFCONV": OFFSETS_AND_BIAS,
        **each("MHA attend", Rule(_attention, "its own formula, with biases and a softmax of 1 per pair")),
        "WMHA": Rule(
            lambda use: window_projections(use) + 4 * prod(use.y), "the projections and their biases, not the products"
        ),
        "roialign": ONE_PER_SAMPLE,
    },
)
