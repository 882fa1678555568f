"""torchinfo 1.8: the total mult-adds of a summary, from the weights of each module and the size of its output."""

from __future__ import annotations

from math import prod

from archspec.conventions.rules import (
    LARGEST,
    OFFSETS_AND_BIAS,
    SILENT,
    UNCOUNTED,
    WEIGHTED,
    Convention,
    Rule,
    Use,
    each,
    nothing,
)


def _trained(use: Use) -> int:
    return sum(prod(shape) for name, shape in use.weights.items() if name in ("weight", "bias"))


CONVENTION = Convention(
    "torchinfo",
    "torchinfo's total mult-adds",
    {
        **each(f"{SILENT} {LARGEST} AVGPOOL SUMPOOL L2POOL SUBSAMPLE GAP AAVGPOOL LRN LCN UPSAMPLE", UNCOUNTED),
        **each("RELU RELU6 LRELU ELU GELU SILU SOFTMAX matmul roialign", UNCOUNTED),
        **each("MHA attend", Rule(nothing, "not counted: the weights are not those of a module that it sees running")),
        **each(
            "CONV DWCONV UPCONV DIRACCONV BINCONV",
            Rule(lambda use: _trained(use) * prod(use.y[1:]), "weights and biases at every output position"),
        ),
        "DEFCONV": OFFSETS_AND_BIAS,
        **each(
            f"FC LINEAR LOCAL BN LN IN GN PRELU {WEIGHTED}",
            Rule(_trained, "weights and biases once, whatever the size of the map"),
        ),
        "WMHA": Rule(lambda use: 4 * use.y[0] * (use.y[0] + 1), "the projections' weights and biases once"),
    },
)
