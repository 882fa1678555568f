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
    *each("CONV", S, traced=True, channels=4, pad=(2, 0)),
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
    *each("AVGPOOL", (2, 1, 3, 4), kernel=2, stride=3, ceil=True),
    *each("AVGPOOL", (2, 1, 2, 3), kernel=(5, 2, 2), stride=(4, 1, 1), pad=((1, 1), (0, 0), (0, 0)), ceil=True),
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
PLAIN += ["SOFTPLUS", "MISH", "SIGN", "SOFTMAX", "LOGSOFTMAX"]

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
    *each("CROP", S, traced=True, sides=(2, 1)),
    *each("PAD", S, M, B, traced=True, sides=((2, 1),)),
    *each("PAD", M, sides=((1, 0), (0, 2)), value=-1.5),
    *each("PAD", S, M, sides=2, mode="reflect"),
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
    *each("UPSAMPLE", (3, 14), (3, 14, 14), size=4),
    *each("UPSAMPLE", (2, 14), (2, 14, 14), size=46),
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

# LeNet-5's third layer: 16 maps, each reading some of the 6.
LENET_TABLE = (
    *(tuple(sorted((i + j) % 6 for j in range(3))) for i in range(6)),
    *(tuple(sorted((i + j) % 6 for j in range(4))) for i in range(6)),
    *((0, 1, 3, 4), (1, 2, 4, 5), (0, 2, 3, 5), (0, 1, 2, 3, 4, 5)),
)

UNUSUAL_CONVOLUTIONS = [
    Case("CONV", {"channels": 16, "kernel": 5, "pad": "valid", "table": LENET_TABLE}, ((6, 14, 14),)),
    *each("CONV", S, M, B, channels=2, table=((0, 2), (1,)), stride=2),
    *each("CONV", M, channels=2, table=((0, 2), (1,)), bias=False, pad=((1, 0), (0, 2)), kernel=2),
    *each("CONV", S, M, B, channels=3, bias="unit", stride=2),
    *each("CONV", S, M, channels=3, pad_value=-1.5),
    *each("DWCONV", M, pad_value=0.5),
    *each("SSEPCONV", S, M, B, channels=3, stride=2),
    *each("SSEPCONV", M, channels=3, kernel=(3, 5), pad="valid"),
    *each("LOCAL", S, M, B, traced=True, channels=3),
    *each("LOCAL", M, traced=True, channels=2, kernel=(3, 2), stride=2, pad="valid", bias="map"),
    *each("LOCAL", M, channels=2, stride=(2, 1), pad=((2, 0), (0, 1)), bias=False),
]

UNUSUAL_POOLS = [
    *each("SUMPOOL", S, M, B, traced=True),
    *each("SUMPOOL", M, kernel=3, stride=2, pad=1, ceil=True),
    *each("L2POOL", S, M, B, traced=True),
    *each("L2POOL", M, kernel=3, stride=2, pad=((1, 0), (0, 1)), ceil=True),
    *each("SUBSAMPLE", S, M, B, traced=True),
    *each("SUBSAMPLE", M, kernel=3, stride=2, ceil=True),
    *each("AMAXPOOL", S, M, B, traced=True, size=2),
    *each("AMAXPOOL", (3, 8, 6), size=(4, 3)),
    *each("AAVGPOOL", S, M, B, traced=True, size=3),
    *each("AAVGPOOL", (3, 8, 6), size=(4, 3)),
    *each("AAVGPOOL", M, traced=True, size=(10, 4)),
    *each("AAVGPOOL", M, size=1),
    *each("REDUCE", V, S, M, how="mean", axis="channel"),
    *each("REDUCE", M, how="max", axis="channel"),
    *each("REDUCE", S, M, B, how="sum", axis="spatial"),
    *each("MAXOUT", V, M, pieces=2),
]

UNUSUAL_NORMS = [
    *each("LCN", S, M, kernel=3),
    *each("LCN", (3, 12, 11)),
    *each("RMSNORM", V, S, M),
    *each("RMS", S, eps=1e-3),
    *each("LAYERSCALE", M, value=0.1),
]

REARRANGED = [
    *each("SPATIALDROPOUT", S, M, B),
    *each("DROPOUT2D", M, rate=0.2),
    *each("DROPPATH", V, M),
    *each("RESHAPE", V, shape=(3, 2)),
    *each("RESHAPE", M, shape=210),
    *each("RESHAPE", M, shape=(2, -1, 7)),
    *each("PERMUTE", M, order=(2, 0, 1)),
    *each("PERMUTE", S, order=(1, 0)),
    *each("REORG", (3, 8, 6), traced=True),
    *each("PIXELUNSHUFFLE", (2, 6, 9), factor=3),
    *each("PIXELSHUFFLE", (8, 3, 5), traced=True),
    *each("PIXELSHUFFLE", (9, 3, 2), factor=3),
    *each("COORDS", S, M, B),
    *each("COORDS", M, (2, 1, 4), r=True),
]

SEQUENCES = [
    Case("EMBED", {"vocabulary": 11, "width": 4}, ((7,),), dtypes=("int64",), top=11),
    *each("POSEMBED", S, M),
    *each("SINUSOID", S, (8, 40)),
    *each("SINUSOID", S, base=100.0),
    *each("CLSTOKEN", S),
    *each("TOKENS", S, M, B),
    *each("TOKEN", S, index=0),
    *each("TOKEN", S, index=-2),
    *each("MHA", S, heads=2),
    *each("MHA", S, heads=3, mask="causal"),
    *each("MHA", S, heads=1, bias=False),
    *each("WMHA", (6, 8, 12), heads=2, window=4),
    *each("WMHA", (6, 8, 12), heads=3, window=4, shift=2),
    *each("WMHA", (4, 6, 9), heads=2, window=(2, 3), shift=(0, 1)),
    *join("attend", S, (6, 4), heads=2),
    *join("attend", S, (4, 5), heads=3),
    *join("attend", S, (4, 9), (5, 9), heads=3, mask="causal", bias=False),
    *join("dot", V, V),
    *join("dot", M, M),
    *join("matmul", S, (9, 4)),
    *join("matmul", M, (6, 5, 2)),
]

BOX = ("box",)

RESEARCH = [
    *each("DEFCONV", M, channels=4),
    *each("DEFCONV", M, channels=3, kernel=(3, 2), stride=2, pad=1, dilation=(1, 2), modulated=True, bias=False),
    *each("DIRACCONV", S, M, B, channels=6),
    *each("DIRACCONV", M, channels=9, stride=2, bias=False),
    *each("BINCONV", S, M, channels=5),
    *each("BINCONV", M, channels=5, stride=2, bias=False, pad=((1, 0), (0, 1))),
    Case("roialign", {"size": 2}, ((4,), (3, 9, 11)), dtypes=BOX),
    Case("roialign", {"size": (3, 2), "scale": 0.5, "samples": 1}, ((4,), (3, 9, 11)), dtypes=BOX),
    Case("roipool", {"size": 2}, ((4,), (3, 9, 11)), dtypes=BOX),
    Case("roipool", {"size": (3, 2), "scale": 0.5}, ((4,), (3, 5, 4)), dtypes=BOX),
]

CASES = CONVOLUTIONS + POOLS + DENSE + NORMS + ACTIVATIONS + RESHAPES + JOINS
CASES += UNUSUAL_CONVOLUTIONS + UNUSUAL_POOLS + UNUSUAL_NORMS + REARRANGED + SEQUENCES + RESEARCH

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
    Refusal("GN", {"groups": 6}, (V,), "A320", "groups"),
    Refusal("GN", {"groups": 6}, ((6, 1, 1),), "A320", "groups"),
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
    Refusal("CONV", {"channels": 2, "table": ((0,),)}, (M,), "A204", "table"),
    Refusal("CONV", {"channels": 2, "table": ((0,), ())}, (M,), "A204", "table"),
    Refusal("CONV", {"channels": 2, "table": ((0,), (1, 1))}, (M,), "A204", "table"),
    Refusal("CONV", {"channels": 2, "table": ((0,), (6,))}, (M,), "A204", "table"),
    Refusal("CONV", {"channels": 2, "table": ((0,), (5,)), "groups": 2}, (M,), "A204", "groups"),
    Refusal("CONV", {"channels": 2, "table": ((0,), (5,)), "bias": "unit"}, (M,), "A204", "bias"),
    Refusal("LOCAL", {"channels": 2}, (V,), "A305"),
    Refusal("LOCAL", {"channels": 2, "kernel": 9, "pad": "valid"}, (M,), "A310", "kernel"),
    Refusal("AAVGPOOL", {"size": (2, 2, 2)}, (M,), "A205", "size"),
    Refusal("AMAXPOOL", {"size": 2}, (V,), "A305"),
    Refusal("SUBSAMPLE", {}, (V,), "A305"),
    Refusal("REDUCE", {"how": "mean", "axis": "spatial"}, (V,), "A305"),
    Refusal("MAXOUT", {"pieces": 4}, (V,), "A206", "pieces"),
    Refusal("LCN", {"kernel": 4}, (M,), "A204", "kernel"),
    Refusal("SPATIALDROPOUT", {}, (V,), "A305"),
    Refusal("RESHAPE", {"shape": (-1, -1)}, (M,), "A204", "shape"),
    Refusal("RESHAPE", {"shape": (4, -1)}, (V,), "A320", "shape"),
    Refusal("PERMUTE", {"order": (0, 1)}, (M,), "A204", "order"),
    Refusal("REORG", {}, (S,), "A305"),
    Refusal("REORG", {}, (M,), "A206", "factor"),
    Refusal("PIXELSHUFFLE", {}, (M,), "A206", "factor"),
    Refusal("COORDS", {}, (V,), "A305"),
    Refusal("EMBED", {"vocabulary": 3, "width": 4}, (M,), "A305"),
    Refusal("POSEMBED", {}, (V,), "A305"),
    Refusal("SINUSOID", {}, ((5, 4),), "A320"),
    Refusal("CLSTOKEN", {}, (M,), "A305"),
    Refusal("TOKENS", {}, (V,), "A305"),
    Refusal("TOKEN", {"index": 9}, (S,), "A204", "index"),
    Refusal("MHA", {"heads": 4}, (S,), "A206", "heads"),
    Refusal("MHA", {"heads": 2}, (M,), "A305"),
    Refusal("attend", {"heads": 2}, (S, (6, 4), (6, 5)), "A307"),
    Refusal("attend", {"heads": 2, "mask": "causal"}, (S, (6, 4)), "A204", "mask"),
    Refusal("dot", {}, (V, (5,)), "A307"),
    Refusal("matmul", {}, (S, S), "A307"),
    Refusal("matmul", {}, (V, V), "A307"),
    Refusal("DEFCONV", {"channels": 2}, (S,), "A305"),
    Refusal("DEFCONV", {"channels": 2, "pad": ((1, 0), (0, 0))}, (M,), "A204", "pad"),
    Refusal("DIRACCONV", {"channels": 6, "kernel": 2}, (M,), "A204", "kernel"),
    Refusal("roialign", {}, (M, (4,)), "A307"),
    Refusal("roipool", {}, ((4,), V), "A307"),
    Refusal("WMHA", {"heads": 2}, (S,), "A305"),
    Refusal("WMHA", {"heads": 4}, (M,), "A206", "heads"),
    Refusal("WMHA", {"heads": 2}, (M,), "A206", "window"),
    Refusal("WMHA", {"heads": 2, "window": (7, 5), "shift": 5}, (M,), "A204", "shift"),
]
