"""What test_ops asks of each operator: arguments and input shapes, and the arguments that each card must refuse."""

from __future__ import annotations

from typing import Any, NamedTuple

Shape = tuple[int, ...]


class Case(NamedTuple):
    """One settled use of an operator.  `traced`: its windows are checked against gradients."""

    name: str
    arguments: dict[str, Any]
    shapes: tuple[Shape, ...]
    traced: bool = False
    dtypes: tuple[str, ...] = ()
    top: int = 2  # integer inputs are below it


class Refusal(NamedTuple):
    """A use that raises RuleError with this code, blaming this argument ("" where the input is at fault)."""

    name: str
    arguments: dict[str, Any]
    shapes: tuple[Shape, ...]
    code: str
    argument: str = ""


V, S, M, B = (6,), (6, 9), (6, 7, 5), (4, 3, 5, 4)  # a vector, a sequence, a map, a volume


def each(name: str, *shapes: Shape, traced: bool = False, **arguments: Any) -> list[Case]:
    """One case per input shape."""
    return [Case(name, arguments, (shape,), traced) for shape in shapes]


def join(name: str, *shapes: Shape, **arguments: Any) -> list[Case]:
    """One case with several inputs."""
    return [Case(name, arguments, shapes)]


CONVOLUTIONS = [
    *each("CONV", S, M, B, traced=True, channels=8),
    *each("CONV", M, traced=True, channels=4, kernel=(3, 2), stride=2, pad=((1, 0), (0, 2)), bias=False),
    *each("CONV", M, traced=True, channels=9, groups=3, dilation=2, pad=2),
    *each("CONV", M, traced=True, channels=4, kernel=2, stride=2, pad="same_lower"),
    *each("CONV", S, traced=True, channels=4, pad="causal", dilation=2, bias_init=-1.0),
    *each("DWCONV", S, M, B, traced=True),
    *each("DWCONV", M, kernel=5, stride=2, multiplier=2, bias=False),
    *each("SEPCONV", S, M, channels=10, stride=2),
    *each("UPCONV", S, M, B, traced=True, channels=3),
    *each("UPCONV", M, traced=True, channels=4, kernel=4, stride=2, pad=1, groups=2, bias=False),
    *each("UPCONV", M, traced=True, channels=4, kernel=3, stride=(2, 3), out_pad=(1, 2), dilation=2),
]

POOLS = [
    *each("MAXPOOL", S, M, B, traced=True),
    *each("MAXPOOL", M, traced=True, kernel=3, stride=2, pad=1),
    *each("MAXPOOL", (3, 14, 14), kernel=3, stride=2, ceil=True),
    *each("MAXPOOL", M, kernel=3, stride=1, pad="same", dilation=2),
    *each("MAXPOOL", M, kernel=2, stride=1, pad="same"),
    *each("POOL", M, kernel=3, stride=2, pad=((0, 1), (0, 1)), ceil=True),
    *each("AVGPOOL", S, M, B, traced=True),
    *each("AVGPOOL", M, traced=True, kernel=3, stride=1, pad="same"),
    *each("AVGPOOL", M, kernel=3, stride=2, pad=1, ceil=True),
    *each("AVGPOOL", M, kernel=3, stride=2, pad=1, ceil=True, count_pad=False),
    *each("AVGPOOL", M, traced=True, kernel=3, stride=2, pad="same_upper", count_pad=False),
    *each("AVGPOOL", M, kernel=3, stride=3, pad=((2, 0), (0, 2)), ceil=True),
    *each("GAP", S, M, B),
    *each("GMP", S, M, B),
]

DENSE = [
    *each("FC", V, S, M, B, width=5),
    *each("FC", M, width=3, bias=False),
    *each("FC", V, width=3, bias_init=2.0),
    *each("LINEAR", V, S, M, width=5),
    *each("LINEAR", V, S, B, width=4, bias=False),
]

NORMS = [
    *each("BN", V, S, M, B),
    *each("BN", M, eps=1e-3, momentum=0.01),
    *each("BN", V, S, M, gamma=False),
    *each("BN", M, gamma=False, beta=False),
    *each("LN", V, S, M, B),
    *each("LN", S, M, axis="channel", eps=1e-6),
    *each("LN", S, M, axis="all", affine=False),
    *each("LN", V, S, affine=False),
    *each("IN", S, M, B),
    *each("IN", M, affine=True, eps=1e-3),
    *each("GN", V, S, M, B, groups=2),
    *each("GN", M, groups=3, affine=False),
    *each("LRN", (7, 9), (7, 6, 5), (7, 2, 3, 2)),
    *each("LRN", M, n=3, alpha=0.1, beta=0.5, k=1.0),
    *each("L2NORM", V, S, M),
    *each("SCALE", M, value=0.17),
    *each("SCALE", V, S, M, learned=True),
    *each("SCALE", M, value=20.0, learned=True, bias=True),
]

PLAIN = ["RELU", "RELU6", "LRELU", "PRELU", "ELU", "SELU", "GELU", "SILU", "HSWISH", "HSIGMOID", "SIGMOID", "TANH"]
PLAIN += ["SOFTPLUS", "MISH", "SOFTMAX", "LOGSOFTMAX"]

ACTIVATIONS = [
    *(case for name in PLAIN for case in each(name, V, M)),
    *each("LEAKY", S, slope=0.1),
    *each("LEAKYRELU", S, slope=0.2),
    *each("PRELU", B, channel_shared=True),
    *each("ELU", S, alpha=0.5),
    *each("GELU", S, approximate="tanh"),
    *each("SWISH", S),
    *each("SOFTMAX", S, B),
]

RESHAPES = [
    Case("INPUT", {"shape": (3, 8, 8)}, ()),
    *each("ID", V, M),
    *each("FLATTEN", V, S, M, B),
    *each("DROPOUT", V, M, rate=0.3),
    *each("SLICE", V, S, M, begin=1, end=4),
    *each("CROP", S, M, B, traced=True),
    *each("CROP", M, traced=True, sides=((1, 0), (0, 2))),
    *each("PAD", S, M, B, traced=True, sides=((2, 1),)),
    *each("PAD", M, sides=((1, 0), (0, 2)), value=-1.5),
    *each("PAD", S, M, sides=(2,), mode="reflect"),
    *each("PAD", S, M, B, sides=((1, 2),), mode="replicate"),
    *each("ZEROPAD", S, M, B, traced=True, channels=8, stride=2),
    *each("ZEROPAD", M, channels=6, stride=(2, 1)),
    *each("ZEROPAD", M, channels=9),
    *each("SHUFFLE", V, S, M, B, groups=2),
    *each("UPSAMPLE", S, M, B, traced=True, factor=2),
    *each("UPSAMPLE", S, M, B, traced=True, factor=3, mode="bilinear"),
    *each("UPSAMPLE", M, traced=True, factor=(2, 1), mode="bilinear"),
    *each("UPSAMPLE", M, traced=True, size=(10, 3)),
    *each("UPSAMPLE", M, traced=True, size=(4, 12), mode="bilinear"),
    *each("UPSAMPLE", M, like=(1, 14, 11)),
]

JOINS = [
    *join("add", V, V, V),
    *join("add", M, M),
    *join("add", M, V, broadcast=True),
    *join("add", (1, 7, 5), M, (6, 1, 1), broadcast=True),
    *join("mul", M, M, M),
    *join("mul", M, V),
    *join("mul", V, M),
    *join("mul", M, (6, 1, 1)),
    *join("mul", M, (1, 7, 5)),
    *join("mul", S, (1,)),
    *join("sub", M, M),
    *join("absdiff", M, M),
    *join("max", M, M),
    *join("max", V, V, V),
    *join("mean", V, V),
    *join("mean", M, M, M),
    *join("highway", V, V, V),
    *join("highway", M, M, M, gate_bias=-1.0),
    *join("wsum", M, M, M),
    *join("concat", V, (2,)),
    *join("concat", M, (2, 7, 5), M),
    *join("concat", M, (2, 4, 5), (1, 9, 8), crop="center"),
]

CASES = CONVOLUTIONS + POOLS + DENSE + NORMS + ACTIVATIONS + RESHAPES + JOINS

REFUSALS = [
    Refusal("CONV", {"channels": 8}, (V,), "A305"),
    Refusal("CONV", {"channels": 8}, ((2, 3, 3, 3, 3),), "A305"),
    Refusal("CONV", {"channels": 8, "kernel": (3, 3, 3)}, (M,), "A205", "kernel"),
    Refusal("CONV", {"channels": 8, "pad": (1, 1, 1)}, (M,), "A205", "pad"),
    Refusal("CONV", {"channels": 8, "groups": 4}, (M,), "A206", "groups"),
    Refusal("CONV", {"channels": 8, "groups": 3}, (M,), "A206", "groups"),
    Refusal("CONV", {"channels": 8, "kernel": 11, "pad": "valid"}, (M,), "A310", "kernel"),
    Refusal("CONV", {"channels": 8, "bias": False, "bias_init": 1.0}, (M,), "A204", "bias_init"),
    Refusal("SEPCONV", {"channels": 8}, (V,), "A305"),
    Refusal("UPCONV", {"channels": 8, "pad": "same"}, (M,), "A204", "pad"),
    Refusal("UPCONV", {"channels": 8, "pad": ((1, 0), (0, 0))}, (M,), "A204", "pad"),
    Refusal("UPCONV", {"channels": 8, "out_pad": 2}, (M,), "A204", "out_pad"),
    Refusal("UPCONV", {"channels": 8, "groups": 4}, (M,), "A206", "groups"),
    Refusal("MAXPOOL", {}, (V,), "A305"),
    Refusal("MAXPOOL", {"kernel": 2, "pad": 2}, (M,), "A204", "pad"),
    Refusal("MAXPOOL", {"kernel": 8}, (M,), "A310", "kernel"),
    Refusal("AVGPOOL", {"stride": (1, 2, 3)}, (M,), "A205", "stride"),
    Refusal("GAP", {}, (V,), "A305"),
    Refusal("FC", {"width": 8, "bias": False, "bias_init": 1.0}, (M,), "A204", "bias_init"),
    Refusal("BN", {"beta": False}, (M,), "A204", "beta"),
    Refusal("IN", {}, (V,), "A305"),
    Refusal("IN", {}, ((4, 1, 1),), "A320"),
    Refusal("GN", {"groups": 4}, (M,), "A206", "groups"),
    Refusal("LRN", {"n": 4}, (M,), "A204", "n"),
    Refusal("LRN", {}, (V,), "A305"),
    Refusal("SCALE", {"bias": True}, (M,), "A204", "bias"),
    Refusal("SLICE", {"begin": 2, "end": 7}, (M,), "A204", "end"),
    Refusal("SLICE", {"begin": 3, "end": 2}, (M,), "A204", "begin"),
    Refusal("CROP", {"sides": (1, 1, 1)}, (M,), "A205", "sides"),
    Refusal("CROP", {"sides": ((3, 4), 0)}, (M,), "A310", "sides"),
    Refusal("PAD", {"sides": ((5, 0),), "mode": "reflect"}, (M,), "A310", "sides"),
    Refusal("PAD", {"value": 1.0, "mode": "reflect"}, (M,), "A204", "value"),
    Refusal("ZEROPAD", {"channels": 3}, (M,), "A204", "channels"),
    Refusal("SHUFFLE", {"groups": 4}, (M,), "A206", "groups"),
    Refusal("UPSAMPLE", {"factor": 2, "size": 8}, (M,), "A204", "size"),
    Refusal("UPSAMPLE", {"like": (3, 8)}, (M,), "A305", "like"),
    Refusal("UPSAMPLE", {"factor": 2}, (V,), "A305"),
    Refusal("add", {}, (M, S), "A307"),
    Refusal("add", {}, (M, V), "A307"),
    Refusal("add", {"broadcast": True}, (M, (5,)), "A307"),
    Refusal("mul", {}, (M, S), "A307"),
    Refusal("mean", {}, (M, (6, 7, 4)), "A307"),
    Refusal("highway", {}, (V, V, (5,)), "A307"),
    Refusal("concat", {}, (M, V), "A307"),
    Refusal("concat", {}, (M, (6, 7, 4)), "A307"),
]
