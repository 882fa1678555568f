"""thop 0.1.1: profile, which hooks the modules that it knows by class."""

from __future__ import annotations

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
    calls,
    each,
    hooked,
    macs,
    offsets,
    values,
    window_projections,
)


def _upconv(use: Use) -> int:
    """Every tap at every output position, as if no zeros stood between the inputs."""
    return prod(use.weights["weight"]) * prod(use.y[1:])


def _upsample(use: Use) -> int:
    """The names that it knows: nearest, linear, bilinear; not trilinear."""
    linear = {2: 5, 3: 11, 4: 0}[len(use.y)]
    return (linear if use.op.mode == "bilinear" else 1) * prod(use.y)


CONVENTION = Convention(
    "thop",
    "thop's profile",
    {
        **each(f"{SILENT} {WEIGHTED} {LARGEST} L2POOL LRN LCN GN LOCAL DIRACCONV BINCONV", UNCOUNTED),
        **each("RELU RELU6 LRELU ELU GELU SILU MHA attend matmul roialign", UNCOUNTED),
        **each("CONV DWCONV", Rule(hooked(macs), "MACs; not of a class of its own")),
        "UPCONV": Rule(_upconv, "every tap at every output position, not at every input position"),
        "DEFCONV": Rule(offsets, "the offsets' convolution, not the deformed one"),
        **each("FC LINEAR", Rule(macs, "MACs")),
        **each("BN LN IN", Rule(hooked(affine(2, 4)), "4 per value, 2 without weights; not of a class of its own")),
        "PRELU": Rule(values(1), "1 per value"),
        "SOFTMAX": Rule(lambda use: (3 * use.y[0] - 1) * prod(use.y[1:]), "3 per value, less 1 per position"),
        **each("AVGPOOL SUMPOOL", Rule(lambda use: calls(use) * prod(use.y), "1 per value written")),
        "SUBSAMPLE": Rule(values(1), "1 per value written"),
        **each(
            "GAP AAVGPOOL", Rule(lambda use: prod(use.xs[0]) + prod(use.y), "1 per value read, 1 per value written")
        ),
        "UPSAMPLE": Rule(_upsample, "1 per value written, 5 if linear, 11 if bilinear, 0 if trilinear"),
        "WMHA": Rule(window_projections, "the projections, not the products of queries, keys and values"),
    },
)
