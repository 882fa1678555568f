"""Every operator's card against PyTorch and onnxruntime: shapes, state_dict, values, windows, and its refusals."""

from __future__ import annotations

import sys
from collections.abc import Iterable
from itertools import product
from math import prod
from pathlib import Path
from typing import Any

import numpy as np
import onnx
import onnxruntime
import pytest
import torch
import torch.nn.functional as F
from hypothesis import assume, given, settings
from hypothesis import strategies as st
from onnx import TensorProto, helper, numpy_helper
from pydantic import ValidationError
from torch import nn
from torch.nn.attention import SDPBackend, sdpa_kernel
from torch.utils.flop_counter import FlopCounterMode

from archspec import op
from archspec.op import Op, RuleError, Shape, Window

sys.path.insert(0, str(Path(__file__).parent))
from op_cases import CASES, LENET_TABLE, REFUSALS, Case, Refusal

BATCH = 2
OPSET = 20


def settled(name: str, arguments: dict[str, Any], shapes: Iterable[Shape]) -> Op:
    card = op.lookup(name)
    assert card is not None, name
    return card(**arguments).settle(*shapes)


def torch_module(card: Op, shapes: tuple[Shape, ...]) -> nn.Module:
    """The module that the card's record describes, as a tiny emitted file."""
    record = card.torch(*shapes)
    names = [f"x{i}" for i in range(len(shapes))]
    call = record.call.format(*names, m="self.m", all=", ".join(names))
    text = ["import torch", "import torch.nn.functional as F", "from torch import nn", record.source]
    text += ["class Net(nn.Module):", "    def __init__(self):", "        super().__init__()"]
    if record.module:
        arguments = [*map(repr, record.args), *(f"{key}={value!r}" for key, value in record.kwargs.items())]
        prefix = "" if record.source else "nn."
        text.append(f"        self.m = {prefix}{record.module}({', '.join(arguments)})")
    text += [f"    def forward(self, {', '.join(names)}):", f"        return {call}"]
    space: dict[str, Any] = {"__name__": "emitted"}
    exec("\n".join(text), space)
    module = space["Net"]().eval()
    assert isinstance(module, nn.Module)
    return module


def values(card: Op, shapes: tuple[Shape, ...], rng: np.random.Generator) -> dict[str, np.ndarray]:
    """Random weights in the range of the card's own initialisation, positive where they must be."""
    drawn = {}
    for weight in card.weights(*shapes):
        array = (
            rng.uniform(0.5, 1.5, weight.shape) if weight.name == "running_var" else rng.normal(0, 0.5, weight.shape)
        )
        drawn[weight.name] = array.astype(np.float32)
    return drawn


def onnx_session(
    card: Op, shapes: tuple[Shape, ...], y: Shape, weights: dict[str, np.ndarray], dtypes: list[str]
) -> Any:
    """The card's ONNX records as a model of one layer, run by onnxruntime."""
    rename = {str(i): f"x{i}" for i in range(len(shapes))}
    nodes = []
    for record in card.onnx(*shapes):
        inputs = [rename.get(name, name) for name in record.inputs]
        nodes.append(helper.make_node(record.op, inputs, [rename.get(n, n) for n in record.outputs], **record.attrs))
    kinds = {"float32": TensorProto.FLOAT, "box": TensorProto.FLOAT, "int64": TensorProto.INT64}
    graph = helper.make_graph(
        nodes,
        "layer",
        [
            helper.make_tensor_value_info(f"x{i}", kinds[t], ("N", *x))
            for i, (x, t) in enumerate(zip(shapes, dtypes, strict=True))
        ],
        [helper.make_tensor_value_info("y", TensorProto.FLOAT, ("N", *y))],
        [numpy_helper.from_array(array, name) for name, array in weights.items()],
    )
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", OPSET)], ir_version=10)
    onnx.checker.check_model(model, full_check=True)
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = 1
    options.log_severity_level = 3
    return onnxruntime.InferenceSession(model.SerializeToString(), options, providers=["CPUExecutionProvider"])


def drawn(rng: np.random.Generator, x: Shape, kind: str, top: int) -> np.ndarray:
    """A random input: numbers, token numbers below `top`, or boxes that reach a little outside the map."""
    if kind == "int64":
        return rng.integers(0, top, (BATCH, *x))
    if kind == "box":
        corner = rng.uniform(-1, 6, (BATCH, 2))
        return np.hstack([corner, corner + rng.uniform(1, 9, (BATCH, 2))]).astype(np.float32)
    return rng.normal(0, 1, (BATCH, *x)).astype(np.float32)


def compare(card: Op, shapes: tuple[Shape, ...], dtypes: tuple[str, ...] = (), top: int = 2) -> None:
    """Weights, shape and values of a settled card, as PyTorch and onnxruntime have them."""
    assert hash(card) == hash(card.model_copy())
    kinds = [*dtypes, *["float32"] * (len(shapes) - len(dtypes))]
    rng = np.random.default_rng(7)
    y = card.infer(*shapes)
    weights = values(card, shapes, rng)
    module = torch_module(card, shapes)
    state = {key.removeprefix("m."): tensor for key, tensor in module.state_dict().items()}
    state.pop("num_batches_tracked", None)
    assert {key: tuple(tensor.shape) for key, tensor in state.items()} == {k: v.shape for k, v in weights.items()}
    trainable = {key.removeprefix("m.") for key, p in module.named_parameters() if p.requires_grad}
    assert trainable == {w.name for w in card.weights(*shapes) if w.trainable}
    for key, array in weights.items():
        state[key].copy_(torch.from_numpy(array))
    inputs = [drawn(rng, x, kind, top) for x, kind in zip(shapes, kinds, strict=True)]
    with torch.no_grad():
        expected = module(*map(torch.from_numpy, inputs)).numpy()
    assert expected.shape == (BATCH, *y)
    assert np.isfinite(expected).all()
    session = onnx_session(card, shapes, y, weights, kinds)
    (got,) = session.run(None, {f"x{i}": x for i, x in enumerate(inputs)})
    np.testing.assert_allclose(got, expected, rtol=1e-4, atol=1e-5)


def labelled(case: Case) -> str:
    arguments = ",".join(f"{key}={value}" for key, value in case.arguments.items())
    return f"{case.name}({arguments}) {' '.join(op.by(x) for x in case.shapes)}".replace(" ", "")


def test_every_operator_has_a_case() -> None:
    cards = {op.lookup(name) for name in op.names()}
    assert {card.name for card in cards if card is not None} <= {case.name for case in CASES}


@pytest.mark.parametrize("case", CASES, ids=labelled)
def test_card_agrees_with_torch_and_onnxruntime(case: Case) -> None:
    card = settled(case.name, case.arguments, case.shapes)
    parts = card.parts(*case.shapes)
    if card.name == "INPUT":
        assert card.infer() == case.arguments["shape"]
        return
    if not parts:
        compare(card, case.shapes, case.dtypes, case.top)
    shapes = case.shapes
    for part in parts:
        ready = part.settle(*shapes)
        compare(ready, shapes)
        shapes = (ready.infer(*shapes),)
    cost = card.cost(card.infer(*case.shapes), *case.shapes) if not parts else op.Cost()
    assert cost.macs >= 0 and cost.other >= 0


def reads(window: Window, o: int, n: int) -> set[int]:
    """The input positions that output `o` sees along one axis of n positions."""
    taps = (o * window.stride - window.pad[0] + j * window.dilation for j in range(window.kernel))
    return {t // window.up for t in taps if t % window.up == 0 and 0 <= t // window.up < n}


WINDOWED = [case for case in CASES if case.traced]


@pytest.mark.parametrize("case", WINDOWED, ids=labelled)
def test_windows_are_what_gradients_reach(case: Case) -> None:
    """Each output position depends on exactly the positions that its window covers, along the first spatial axis."""
    card = settled(case.name, case.arguments, case.shapes)
    windows = card.windows(*case.shapes)
    assert windows is not None and len(case.shapes) == 1
    x = case.shapes[0]
    assert tuple(w.size(n) for w, n in zip(windows, x[1:], strict=True)) == card.infer(x)[1:]
    module = torch_module(card, case.shapes)
    torch.manual_seed(3)
    value = torch.randn(1, *x, requires_grad=True)
    y = module(value)
    for o in range(y.shape[2]):
        (gradient,) = torch.autograd.grad(y[:, :, o].pow(2).sum() + y[:, :, o].sum(), value, retain_graph=True)
        seen = gradient.abs().sum(dim=[d for d in range(gradient.dim()) if d != 2])
        reached = set(torch.nonzero(seen > 1e-5 * seen.max()).flatten().tolist())
        covered = reads(windows[0], o, x[1])
        assert reached <= covered
        if "MAXPOOL" not in case.name:  # the gradient reaches the largest value alone
            assert reached == covered


CONTRACTING = {"CONV", "DWCONV", "UPCONV", "LOCAL", "DEFCONV", "DIRACCONV", "BINCONV", "FC", "LINEAR"}
CONTRACTING |= {"MHA", "WMHA", "attend", "matmul"}
COUNTED = [case for case in CASES if case.name in CONTRACTING and "table" not in case.arguments]


@pytest.mark.parametrize("case", COUNTED, ids=labelled)
def test_multiply_accumulates_are_what_torch_counts(case: Case) -> None:
    card = settled(case.name, case.arguments, case.shapes)
    module = torch_module(card, case.shapes).train()  # in eval mode attention is one call that torch does not count
    # The fused kernels of the CPU are not counted either.
    with FlopCounterMode(display=False) as counter, sdpa_kernel(SDPBackend.MATH):
        module(*(torch.randn(1, *x) for x in case.shapes))
    assert counter.get_total_flops() == 2 * card.cost(card.infer(*case.shapes), *case.shapes).macs


def test_only_contractions_have_multiply_accumulates() -> None:
    for case in CASES:
        card = settled(case.name, case.arguments, case.shapes)
        if card.name != "INPUT" and not card.parts(*case.shapes):
            cost = card.cost(card.infer(*case.shapes), *case.shapes)
            assert (cost.macs > 0) == (card.name in CONTRACTING | {"dot"}), case
            assert cost.flops == 2 * cost.macs + cost.other


def parameters(name: str, shape: Shape, **arguments: Any) -> int:
    weights = settled(name, arguments, [shape]).weights(shape)
    return sum(prod(weight.shape) for weight in weights if weight.trainable)


def test_published_parameters() -> None:
    """LeNet-5's table 1 (LeCun et al. 1998), the locally connected layers of Ranzato's lecture and of YOLO v1's darknet
    file, and a ViT-B/16 attention layer."""
    assert parameters("CONV", (1, 32, 32), channels=6, kernel=5, pad="valid") == 156
    assert parameters("SUBSAMPLE", (6, 28, 28)) == 12
    assert parameters("CONV", (6, 14, 14), channels=16, kernel=5, pad="valid", table=LENET_TABLE) == 1516
    assert parameters("SUBSAMPLE", (16, 10, 10)) == 32
    assert parameters("LOCAL", (1, 200, 200), channels=1, kernel=10, bias=False) == 4_000_000
    assert parameters("LOCAL", (1, 200, 200), channels=1, kernel=10) == 4_040_000
    assert parameters("LOCAL", (1024, 7, 7), channels=256, bias="unit") == 115_618_048
    assert parameters("CONV", (1, 200, 200), channels=100, kernel=10) == 10_100
    assert parameters("MHA", (768, 197), heads=12) == 2_362_368
    assert parameters("WMHA", (96, 56, 56), heads=3) == 37_755  # 4*96^2 + 4*96 + 13^2*3: Swin-T's first stage


def test_lenet5_has_its_published_connections() -> None:
    """340,908 connections less the 840 of the RBF layer, each bias one; a subsampling unit has its taps and a bias."""
    layers: list[tuple[str, Shape, dict[str, Any]]] = [
        ("CONV", (1, 32, 32), {"channels": 6, "kernel": 5, "pad": "valid"}),
        ("SUBSAMPLE", (6, 28, 28), {}),
        ("CONV", (6, 14, 14), {"channels": 16, "kernel": 5, "pad": "valid", "table": LENET_TABLE}),
        ("SUBSAMPLE", (16, 10, 10), {}),
        ("CONV", (16, 5, 5), {"channels": 120, "kernel": 5, "pad": "valid"}),
        ("FC", (120,), {"width": 84}),
    ]
    connections = 0
    for name, shape, arguments in layers:
        card = settled(name, arguments, [shape])
        y = card.infer(shape)
        cost = card.cost(y, shape)
        connections += cost.macs + (cost.other - prod(y) if name == "SUBSAMPLE" else cost.other)
    assert connections == 340_908 - 840


# ---------------------------------------------------------------- by the formula
# Where both lowerings are written out, comparing them is not enough: here they meet the paper's formula or a module of
# PyTorch's that computes the same by other means.


def run(name: str, *inputs: torch.Tensor, weights: dict[str, torch.Tensor] | None = None, **arguments: Any) -> Any:
    shapes = tuple(tuple(x.shape[1:]) for x in inputs)
    module = torch_module(settled(name, arguments, shapes), shapes)
    for key, value in (weights or {}).items():
        module.state_dict()["m." + key].copy_(value)
    with torch.no_grad():
        return module(*inputs)


def close(a: torch.Tensor, b: torch.Tensor) -> None:
    torch.testing.assert_close(a, b, rtol=1e-5, atol=1e-5)


def numbers(*shape: int) -> torch.Tensor:
    return torch.randn(*shape, generator=torch.Generator().manual_seed(sum(shape)))


def test_joins_by_the_formula() -> None:
    f, g, x = (numbers(2, 4, 3, n) for n in (5, 5, 5))
    close(run("highway", f, g, x), f * g.sigmoid() + x * (1 - g.sigmoid()))
    w = torch.tensor([0.3, -1.0])
    close(run("wsum", f, x, weights={"weight": w}), 1 / (1 + (-w[0]).exp()) * f + 1 / (1 + (-w[1]).exp()) * x)
    large = numbers(2, 3, 6, 8)
    close(run("concat", f, large, crop="center"), torch.cat([f, large[:, :, 1:4, 1:6]], 1))


def test_local_response_normalisation_is_its_papers() -> None:
    x = 5 * numbers(1, 7, 2, 2)
    expected = torch.empty_like(x)
    for i in range(7):
        near = x[:, max(0, i - 2) : i + 3]
        expected[:, i] = x[:, i] / (2 + 0.1 * (near**2).sum(1)) ** 0.75
    close(run("LRN", x, alpha=0.1), expected)


def test_unusual_convolutions_are_ordinary_ones_in_disguise() -> None:
    x, kernel, bias = numbers(2, 4, 6, 5), numbers(3, 4, 3, 3), numbers(3)
    tied = kernel[..., None, None].expand(3, 4, 3, 3, 6, 5)
    spread = bias[:, None, None].expand(3, 6, 5)
    plain = F.conv2d(x, kernel, bias, padding=1)
    close(run("LOCAL", x, channels=3, weights={"weight": tied, "bias": spread}), plain)
    close(run("CONV", x, channels=3, bias="unit", weights={"weight": kernel, "bias": spread}), plain)
    table = ((0, 2), (1, 2, 3), (3,))
    masked, links = torch.zeros_like(kernel), [(o, i) for o, maps in enumerate(table) for i in maps]
    for o, i in links:
        masked[o, i] = kernel[o, i]
    linked = {"weight": torch.stack([kernel[o, i] for o, i in links]), "bias": bias}
    close(run("CONV", x, channels=3, table=table, weights=linked), F.conv2d(x, masked, bias, padding=1))
    zero = torch.zeros(4)
    close(run("DIRACCONV", x, channels=4, bias=False, weights={"beta": zero}), x)
    signs = kernel.sign() * kernel.abs().mean((1, 2, 3), keepdim=True)
    binary = run("BINCONV", x, channels=3, weights={"weight": kernel, "bias": bias})
    close(binary, F.conv2d(x, signs, bias, padding=1))
    at_rest = {"weight": kernel, "bias": bias}
    close(run("DEFCONV", x, channels=3, weights=at_rest), plain)
    # Every tap one pixel down and two to the right is the convolution of the moved map.
    moved = at_rest | {"offset.bias": torch.tensor([1.0, 2.0] * 9)}
    close(run("DEFCONV", x, channels=3, pad=0, weights=moved)[:, :, :3, :1], F.conv2d(x[:, :, 1:, 2:], kernel, bias))


def test_window_attention_in_one_window_is_attention() -> None:
    x, names = numbers(2, 6, 3, 4), ("qkv.weight", "qkv.bias", "proj.weight", "proj.bias")
    drawn = dict(zip(names, (numbers(18, 6), numbers(18), numbers(6, 6), numbers(6)), strict=True))
    table = {"relative_position_bias_table": torch.zeros(35, 2)}
    inside = run("WMHA", x, heads=2, window=(3, 4), weights=drawn | table)
    torchs = dict(
        zip(("in_proj_weight", "in_proj_bias", "out_proj.weight", "out_proj.bias"), drawn.values(), strict=True)
    )
    close(inside.flatten(2), run("MHA", x.flatten(2), heads=2, weights=torchs))


def test_a_causal_mask_hides_what_follows() -> None:
    x = numbers(1, 4, 6)
    changed = x.clone()
    changed[:, :, 4:] += 1
    torch.manual_seed(0)
    module = torch_module(settled("MHA", {"heads": 2, "mask": "causal"}, [(4, 6)]), ((4, 6),))
    with torch.no_grad():
        close(module(x)[:, :, :4], module(changed)[:, :, :4])
        assert not torch.allclose(module(x)[:, :, 4:], module(changed)[:, :, 4:])


def test_a_shifted_window_reads_no_opposite_edge() -> None:
    x = numbers(1, 4, 8, 8)
    changed = x.clone()
    changed[:, :, 7] += 1
    torch.manual_seed(0)
    module = torch_module(settled("WMHA", {"heads": 2, "window": 4, "shift": 2}, [(4, 8, 8)]), ((4, 8, 8),))
    with torch.no_grad():
        close(module(x)[:, :, :6], module(changed)[:, :, :6])


def test_regions_of_a_linear_map_are_its_values_at_the_bins() -> None:
    rows = torch.arange(12.0)[:, None].expand(12, 12)
    box = torch.tensor([[2.0, 3.0, 10.0, 7.0]])
    aligned = run("roialign", box, rows[None, None], size=2)
    close(aligned[0, 0], torch.tensor([[3.5, 3.5], [5.5, 5.5]]))  # a bin's middle, less half a pixel
    pooled = run("roipool", box, rows[None, None], size=2)
    close(pooled[0, 0], torch.tensor([[5.0, 5.0], [7.0, 7.0]]))  # rows 3 to 7 in bins 3-5 and 5-7


def test_tables_of_places() -> None:
    coordinates = run("COORDS", torch.zeros(1, 1, 3, 5), r=True)[0, 1:]
    close(coordinates[:, 2, 1], torch.tensor([1.0, -0.5, 1.25**0.5]))
    wave = run("SINUSOID", torch.zeros(1, 4, 9))[0, :, 7]
    close(wave, torch.tensor([np.sin(7), np.cos(7), np.sin(0.07), np.cos(0.07)], dtype=torch.float32))
    x = numbers(2, 3, 4, 6)
    c, b = torch.tensor([2.0, -1.0, 0.5]), torch.tensor([1.0, 2.0, 3.0])
    sums = x.unflatten(2, (2, 2)).unflatten(4, (3, 2)).sum((3, 5))
    expected = sums * c[:, None, None] + b[:, None, None]
    close(run("SUBSAMPLE", x, weights={"weight": c, "bias": b}), expected)


# ---------------------------------------------------------------- random windows


@st.composite
def windows_of(draw: st.DrawFn) -> tuple[int, dict[str, Any], tuple[int, ...]]:
    rank = draw(st.integers(1, 3))
    most = {1: 17, 2: 9, 3: 6}[rank]
    size = tuple(draw(st.integers(1, most)) for _ in range(rank))
    axes = [draw(st.tuples(st.integers(1, 4), st.integers(1, 4), st.integers(1, 2))) for _ in range(rank)]
    kernel, stride, dilation = (tuple(axis[i] for axis in axes) for i in range(3))
    pad: Any = draw(st.sampled_from(["same", "valid", "same_upper", "same_lower", "causal", None]))
    if pad is None:
        pad = tuple((draw(st.integers(0, k - 1)), draw(st.integers(0, k - 1))) for k in kernel)
    return rank, {"kernel": kernel, "stride": stride, "dilation": dilation, "pad": pad}, size


def fits(card: Op, shape: Shape) -> Shape:
    """The output shape; an example whose kernel does not fit is dropped."""
    try:
        return card.infer(shape)
    except RuleError as refusal:
        assert refusal.code == "A310"
        assume(False)
        raise


@settings(max_examples=60, deadline=None)
@given(windows_of(), st.sampled_from([1, 2]), st.booleans())
def test_any_convolution(drawn: Any, groups: int, bias: bool) -> None:
    _, arguments, size = drawn
    shape = (4, *size)
    card = settled("CONV", {"channels": 6, "groups": groups, "bias": bias} | arguments, [shape])
    fits(card, shape)
    compare(card, (shape,))


@settings(max_examples=120, deadline=None)
@given(windows_of(), st.sampled_from(["MAXPOOL", "AVGPOOL"]), st.booleans(), st.booleans())
def test_any_pool(drawn: Any, name: str, ceil: bool, count_pad: bool) -> None:
    _, arguments, size = drawn
    shape = (2, *size)
    if name == "AVGPOOL":
        del arguments["dilation"]
        arguments["count_pad"] = count_pad
    try:
        card = settled(name, arguments | {"ceil": ceil}, [shape])
    except RuleError as refusal:
        assert refusal.argument == "pad"
        assume(False)
    fits(card, shape)
    windows = card.windows(shape) or ()
    # A dilated window can step over a small input; then nothing but padding is seen, and the backends differ.
    assume(all(reads(w, o, n) for w, n in zip(windows, size, strict=True) for o in range(w.size(n))))
    compare(card, (shape,))


@settings(max_examples=40, deadline=None)
@given(st.integers(1, 3), st.data())
def test_any_transposed_convolution(rank: int, data: Any) -> None:
    size = tuple(data.draw(st.integers(1, 6)) for _ in range(rank))
    kernel, stride, dilation = (tuple(data.draw(st.integers(1, 3)) for _ in range(rank)) for _ in range(3))
    pad = tuple(data.draw(st.integers(0, d * (k - 1))) for k, d in zip(kernel, dilation, strict=True))
    out_pad = tuple(data.draw(st.integers(0, s - 1)) for s in stride)
    sizes = {"kernel": kernel, "stride": stride, "dilation": dilation, "pad": pad, "out_pad": out_pad}
    card = settled("UPCONV", {"channels": 3} | sizes, [(2, *size)])
    fits(card, (2, *size))
    compare(card, ((2, *size),))


@settings(max_examples=40, deadline=None)
@given(st.integers(1, 9), st.integers(1, 20), st.sampled_from(["nearest", "bilinear"]))
def test_any_resize(n: int, m: int, mode: str) -> None:
    card = settled("UPSAMPLE", {"size": (m,), "mode": mode}, [(2, n)])
    (window,) = card.windows((2, n)) or ()
    assert window.size(n) == m
    compare(card, ((2, n),))


@pytest.mark.parametrize("count_pad", [True, False])
def test_ceil_mode_is_pytorchs(count_pad: bool) -> None:
    """The values of the literal torch call, so that the padding in numbers is not only compared with itself."""
    x = torch.randn(1, 2, 8, 8, generator=torch.Generator().manual_seed(1))
    arguments = {"kernel": 3, "stride": 2, "pad": 1, "ceil": True, "count_pad": count_pad}
    card = settled("AVGPOOL", arguments, [(2, 8, 8)])
    literal = F.avg_pool2d(x, 3, 2, 1, ceil_mode=True, count_include_pad=count_pad)
    assert torch.equal(torch_module(card, ((2, 8, 8),))(x), literal)
    assert card.infer((2, 8, 8)) == tuple(literal.shape[1:])


# ---------------------------------------------------------------- refusals


@pytest.mark.parametrize("wrong", REFUSALS, ids=lambda wrong: f"{wrong.name}-{wrong.code}-{wrong.argument}")
def test_a_wrong_argument_is_refused_by_name(wrong: Refusal) -> None:
    with pytest.raises(RuleError) as caught:
        card = settled(wrong.name, wrong.arguments, wrong.shapes)
        card.infer(*wrong.shapes)
    assert (caught.value.code, caught.value.argument) == (wrong.code, wrong.argument)
    assert caught.value.help, "a refusal says what to type"


@pytest.mark.parametrize(
    ("name", "arguments"),
    [
        ("CONV", {"channels": 0}),
        ("CONV", {"channels": 8, "kernel": (0, 3)}),
        ("CONV", {}),
        ("MAXPOOL", {"stride": -1}),
        ("DROPOUT", {"rate": 1.0}),
        ("BN", {"eps": 0.0}),
        ("FC", {"width": 10, "widht": 3}),
        ("PAD", {"mode": "mirror"}),
    ],
)
def test_a_value_out_of_range_is_a_validation_error(name: str, arguments: dict[str, Any]) -> None:
    card = op.lookup(name)
    assert card is not None
    with pytest.raises(ValidationError):
        card(**arguments)


def test_the_last_window_of_ceil_is_torchs() -> None:
    """Every small kernel, stride, padding and dilation over every small map, where the window does not fit too."""
    for n, k, s, p, d in product(range(1, 8), range(1, 6), range(1, 5), range(3), (1, 2)):
        if p > k // 2:
            continue
        try:
            size = nn.MaxPool1d(k, s, p, d, ceil_mode=True)(torch.zeros(1, 1, n)).shape[-1]
        except RuntimeError:
            size = 0
        assert Window(k, s, (p, p), d, ceil=True).size(n) == size, (n, k, s, p, d)
