"""Random specs against PyTorch, onnxruntime and gradients; benchmarks/random_graphs.py runs thousands."""

from __future__ import annotations

import sys
from collections.abc import Callable
from pathlib import Path
from random import Random
from typing import Any

import numpy as np
import onnx
import onnxruntime
import pytest
import torch
from onnx import helper

import archspec
from archspec.emit.torch_source import build
from archspec.explain.at import read_unit
from archspec.op import Cost, Onnx, Window, lookup
from archspec.verify import verify

sys.path.insert(0, str(Path(__file__).parent))
from graph_checks import check, counted
from graph_fields import fields
from graph_values import LEEWAY, compute, same_values
from random_specs import draw


@pytest.mark.parametrize("seed", range(60))
def test_a_random_graph_is_analysed_as_it_computes(seed: int) -> None:
    text = draw(Random(seed))
    try:
        check(text)
    except AssertionError as error:
        raise AssertionError(f"{error}\n\n{text}") from error


# ---------------------------------------------------------------- what the random graphs found


@pytest.mark.parametrize(
    "text",
    [
        "INPUT(2x3x5) -> PAD(2) -> MAXPOOL(3, 1)",  # zeros in a window of negative values win
        "INPUT(2x3x5) -> PAD(2) -> MAXPOOL(3, 1, pad=1)",
        "INPUT(2x3x5) -> PAD(2) -> AVGPOOL(3, 1, pad=1)",
        "INPUT(2x14) -> UPSAMPLE(size=4)",
        "INPUT(2x14x26) -> UPSAMPLE(size=46x44)",
    ],
)
def test_what_onnxruntime_made_different_is_the_same(text: str) -> None:
    report = verify(archspec.loads(text).graph)
    assert report.passed, str(report)


def test_local_contrast_of_a_black_image_is_black() -> None:
    """And has a gradient: neither a zero divided by zero nor the slope of a root at zero."""
    module = build(archspec.loads("INPUT(2x6x7) -> LCN(3)").graph)
    black = torch.zeros(1, 2, 6, 7, requires_grad=True)
    value = module(black)
    assert torch.equal(value, torch.zeros_like(value))
    (gradient,) = torch.autograd.grad(value.sum(), black)
    assert bool(gradient.isfinite().all())


def test_the_positions_of_a_long_sequence_keep_their_digits() -> None:
    report = verify(archspec.loads("INPUT(4x20000) -> SINUSOID").graph)
    assert report.passed and report.comparisons[0].difference < 1e-6


def test_what_reads_a_text_reads_its_numbers() -> None:
    analysis = archspec.loads("input text: 7, dtype=int64\nINPUT -> EMBED(11, 4) -> CONV(3)").analyze()
    told = read_unit(analysis, 2, (0,))
    assert (told.endless, told.clipped, told.read) == (((-1, 1),), ((0, 1),), ((0, 1),))


def test_the_positions_of_a_text_that_is_cut_are_not_made_up() -> None:
    analysis = archspec.loads("input text: 7, dtype=int64\nINPUT -> SLICE(2, 6) -> EMBED(11, 4)").analyze()
    assert analysis.rows[2].field is None and [note.code for note in analysis.notes] == ["N303"]


# ---------------------------------------------------------------- the checks see what is wrong


def wrong(monkeypatch: pytest.MonkeyPatch, name: str, rule: str, change: Callable[..., Any]) -> None:
    card = lookup(name)
    assert card is not None
    monkeypatch.setattr(card, rule, change)


@pytest.mark.parametrize(
    "text, name, rule, change",
    [
        ("INPUT(3x8x8) -> CONV(4) -> GAP", "CONV", "cost", lambda self, y, *xs: Cost(1)),
        ("INPUT(8) -> BN", "BN", "weights", lambda self, *xs: ()),
        ("INPUT(3x8x8) -> ELU", "ELU", "infer", lambda self, *xs: (3, 8, 7)),
    ],
)
def test_a_wrong_count_is_seen(
    monkeypatch: pytest.MonkeyPatch, text: str, name: str, rule: str, change: Callable[..., Any]
) -> None:
    wrong(monkeypatch, name, rule, change)
    model = archspec.loads(text)
    with pytest.raises(AssertionError):
        counted(model.graph, model.analyze())


def test_a_value_that_is_nearly_right_is_seen(monkeypatch: pytest.MonkeyPatch) -> None:
    """The hyperbolic tangent's approximation of GELU differs by up to 5e-4, less than what one tolerance for all
    networks has to allow where values are large."""
    graph = archspec.loads("INPUT(3x8x8) -> SCALE(30.0) -> GELU -> SCALE(3.0)").graph
    same_values(graph)
    wrong(monkeypatch, "GELU", "onnx", lambda self, *xs: (Onnx("Gelu", ("0",), {"approximate": "tanh"}),))
    assert verify(graph).passed
    with pytest.raises(AssertionError, match="gelu1 differs by"):
        same_values(graph)


CROPPED = "INPUT(4x6x6) -> concat(crop=center)[ID | CONV(2, 1x1) -> PAD((2, 1), (2, 1))]"


def shifted(op: Any, *xs: Any) -> tuple[Window, ...]:
    """Windows of the same sizes, one position to the left."""
    settled = zip(op.kernel, op.stride, op.pad, op.dilation, strict=True)
    return tuple(Window(k, s, (p + 1, q - 1), d) for k, s, (p, q), d in settled)


@pytest.mark.parametrize(
    "text, name, rule, change",
    [
        ("INPUT(3x9x9) -> DWCONV(3x3) -> CONV(2)", "DWCONV", "windows", shifted),
        ("INPUT(3x9) -> CONV(2) -> MHA(1) -> CONV(2)", "MHA", "whole", property(lambda self: False)),
        ("INPUT(4x5x5) -> GN(2) -> CONV(2)", "GN", "whole", property(lambda self: False)),
        ("INPUT(4x5x5) -> RELU -> CONV(2)", "RELU", "whole", property(lambda self: True)),
        ("INPUT(4x6x6) -> WMHA(2, window=3x3)", "WMHA", "reads", lambda self, *_: (Window(3, 1, (1, 1)),) * 2),
        (CROPPED, "concat", "reads", lambda self, number, *xs: (Window(pad=(-2, -1)),) * 2 if number else None),
    ],
)
def test_a_wrong_receptive_field_is_seen(
    monkeypatch: pytest.MonkeyPatch, text: str, name: str, rule: str, change: Any
) -> None:
    wrong(monkeypatch, name, rule, change)
    model = archspec.loads(text)
    with pytest.raises(AssertionError):
        fields(model.graph, model.analyze())


def test_onnxruntimes_logistic_has_no_digits_below_minus_18() -> None:
    """Which is why the noise of an elementary function is that of 1, not of its result: the error is below 2^-24, and
    as large as the value.  A batch norm behind a map of such values shows it as a difference."""
    names = [helper.make_tensor_value_info(name, onnx.TensorProto.FLOAT, [None]) for name in "xy"]
    graph = helper.make_graph([helper.make_node("Sigmoid", ["x"], ["y"])], "one", names[:1], names[1:])
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 20)], ir_version=9)
    session = onnxruntime.InferenceSession(model.SerializeToString(), providers=["CPUExecutionProvider"])
    x = np.linspace(-30, -18, 500, dtype=np.float32)
    (theirs,) = session.run(None, {"x": x})
    true, torchs = 1 / (1 + np.exp(-x.astype(np.float64))), torch.sigmoid(torch.from_numpy(x)).numpy()
    assert np.abs(torchs - true).max() < 1e-14 and np.abs(torchs / true - 1).max() < 1e-6
    assert np.abs(theirs - true).max() < 2.0**-24 and np.abs(theirs / true - 1).max() > 0.5
    text = "INPUT(3x4x4) -> SCALE(-300.0) -> RELU -> SCALE(-1.0) -> mul[ID | REDUCE(mean, channel) -> SIGMOID] -> BN"
    graph = archspec.loads(text).graph
    values, last = compute(graph, 0), len(graph.nodes) - 1
    apart = float(np.abs(values.torch[last] - values.onnx[last]).max())
    assert not verify(graph).passed and apart <= LEEWAY * values.moved[last]


def test_pytorchs_group_norm_of_a_map_that_lies_channels_last_loses_digits() -> None:
    """Which is why its noise is that of one pass: where the mean is 100 deviations, 1e-3 instead of 1e-5."""
    x = 1 + torch.randn(2, 3, 3, 2, generator=torch.Generator().manual_seed(0)) / 100
    norm = torch.nn.GroupNorm(3, 3, affine=False)
    true = norm(x.double())
    assert float((norm(x) - true).abs().max()) < 1e-4
    assert float((norm(x.to(memory_format=torch.channels_last)) - true).abs().max()) > 1e-3
