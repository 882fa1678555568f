"""The verification: it passes on real networks, and sees every kind of fault that is planted."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
import torch.nn.functional as F
from hypothesis import given, settings
from hypothesis import strategies as st
from pydantic import ValidationError
from torch import nn

sys.path.insert(0, str(Path(__file__).parent))
from nets import Net

import archspec
from archspec.emit import MissingExtra, extra, torch_source
from archspec.graph import Graph
from archspec.op import Onnx, RuleError, lookup
from archspec.source import SpecError
from archspec.verify import Report, verify
from archspec.verify.bench import draw_inputs
from archspec.verify.report import compare


def small() -> Net:
    net = Net("Small")
    net("image", "INPUT", shape=(3, 12, 12))
    net("conv1", "CONV", "image", channels=8)
    net("bn1", "BN", "conv1")
    net("relu1", "RELU", "bn1")
    net("conv2", "CONV", "relu1", channels=8, stride=2)
    net("conv3", "CONV", "relu1", channels=8, stride=2)
    net("add1", "add", "conv2", "conv3")
    net("fc1", "FC", "add1", width=5)
    return net


def sabotage(monkeypatch: pytest.MonkeyPatch, change: Callable[[nn.Module], Any]) -> Report:
    """The report on `small` when the built module has been changed."""
    build = torch_source.build

    def changed(graph: Graph, *rest: Any) -> nn.Module:
        module = build(graph, *rest)
        return change(module) or module

    monkeypatch.setattr(torch_source, "build", changed)
    return verify(small().graph())


def test_a_network_passes_with_every_count_alike() -> None:
    report = verify(small().graph(scores="fc1", map="add1"), seeds=(0, 1, 2), batch=3)
    assert report.passed and report.problems == () and report.cause == ""
    wanted = 3 * 8 * 9 + 8 + 16 + 2 * (8 * 8 * 9 + 8) + 8 * 36 * 5 + 5
    assert [(c.what, c.params, c.buffers) for c in report.counts] == [
        ("archspec", wanted, 16),
        ("PyTorch", wanted, 16),
        ("ONNX", wanted, 16),
    ]
    assert [(c.seed, c.output, c.shape) for c in report.comparisons] == [
        (seed, name, shape) for seed in (0, 1, 2) for name, shape in (("scores", (3, 5)), ("map", (3, 8, 6, 6)))
    ]
    assert all(0 <= c.difference <= c.allowed < 1e-2 for c in report.comparisons)


def test_the_report_reads_well() -> None:
    lines = str(verify(small().graph())).splitlines()
    assert lines[0] == "Small: PyTorch and ONNX (opset 20) agree, batch 2"
    assert lines[2].split() == ["parameters", "buffers"]
    assert lines[3].split()[0] == "archspec" and lines[3].split()[1:] == lines[4].split()[1:] == lines[5].split()[1:]
    assert lines[7].split() == ["seed", "output", "shape", "difference", "allowed"]
    assert lines[8].split()[:3] == ["0", "output", "2x5"] and lines[8].split()[-1] == "same"
    assert len(lines) == 9


def swap_statistics(module: nn.Module) -> None:
    bn = module.bn1
    bn.forward = lambda x: F.batch_norm(x, bn.running_var, bn.running_mean.abs(), bn.weight, bn.bias, eps=bn.eps)


@pytest.mark.parametrize(
    "change, blamed",
    [
        (lambda m: setattr(m.bn1, "eps", 0.5), "bn1 is the first layer found to differ, the last to agree is conv1"),
        (swap_statistics, "bn1 is the first layer found to differ, the last to agree is conv1"),
        (lambda m: setattr(m.conv1, "padding_mode", "circular"), "conv1 is the first layer found to differ"),
    ],
)
def test_a_wrong_layer_is_found_and_named(
    monkeypatch: pytest.MonkeyPatch, change: Callable[[nn.Module], Any], blamed: str
) -> None:
    report = sabotage(monkeypatch, change)
    assert not report.passed
    assert report.cause == blamed
    assert "DO NOT agree" in str(report) and f"- {blamed}" in str(report)
    assert report.comparisons[0].problem.startswith("the values differ by ")


def test_a_module_that_does_not_run_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    report = sabotage(monkeypatch, lambda m: setattr(m, "conv3", nn.Conv2d(8, 8, 3, 1, 1)))
    assert "PyTorch cannot run it: RuntimeError: The size of tensor a (6)" in str(report) and not report.passed
    report = sabotage(monkeypatch, lambda m: setattr(m, "conv3", nn.Identity()))
    assert "PyTorch cannot run it: KeyError: " in str(report) and "conv3.bias" in str(report)


def test_a_wrong_join_is_found_behind_the_last_good_layer(monkeypatch: pytest.MonkeyPatch) -> None:
    card = lookup("add")
    assert card is not None
    monkeypatch.setattr(card, "onnx", lambda self, *xs: (Onnx("Sub", ("0", "1")),))
    report = verify(small().graph())
    assert "fc1 is the first layer found to differ, the last to agree is conv3" in str(report)


def test_layers_whose_module_returns_something_else_are_not_blamed(monkeypatch: pytest.MonkeyPatch) -> None:
    """A norm of moved axes, attention of a pair and a mean that is made a sum, before the layer at fault."""
    card = lookup("GELU")
    assert card is not None
    monkeypatch.setattr(card, "onnx", lambda self, *xs: (Onnx("Tanh"),))
    text = "INPUT(6x12) -> SUMPOOL(2) -> LN(axis=channel) -> MHA(2) -> CONV(6) -> GELU -> FC(3)"
    report = verify(archspec.loads(text).graph)
    assert report.cause == "gelu1 is the first layer found to differ, the last to agree is conv1"


def test_missing_weights_show_in_the_counts(monkeypatch: pytest.MonkeyPatch) -> None:
    def widen(module: nn.Module) -> None:
        module.spare = nn.Parameter(torch.zeros(7))

    report = sabotage(monkeypatch, widen)
    assert report.problems[0].startswith("PyTorch has ") and not report.passed
    assert report.counts[1].params == report.counts[0].params + 7


def test_a_module_of_another_shape_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    class First(nn.Module):
        def __init__(self, inner: nn.Module) -> None:
            super().__init__()
            self.inner = inner
            self.state_dict = inner.state_dict

        def forward(self, x: torch.Tensor) -> torch.Tensor:
            result: torch.Tensor = self.inner(x)[:, :3]
            return result

    report = sabotage(monkeypatch, First)
    assert report.comparisons[0].problem == "PyTorch gives 2x3, the analysis says 2x5"


ONES = np.ones((2, 4), np.float32)
RAMP = np.arange(8, dtype=np.float32).reshape(2, 4)


@pytest.mark.parametrize(
    "mine, theirs, problem",
    [
        (RAMP, RAMP, ""),
        (RAMP, RAMP + 1e-5, ""),
        (RAMP, RAMP + 1e-2, "the values differ by 1.00e-02, 7.02e-04 is allowed"),
        (ONES, ONES, "it is the same number everywhere"),
        (0 * ONES, 0 * ONES, "it is the same number everywhere"),
        (RAMP[:1] * ONES, RAMP[:1] * ONES, "it is the same for every example"),
        (RAMP * np.float32("nan"), RAMP * np.float32("nan"), "no finite numbers"),
        (RAMP + np.float32("inf"), RAMP + np.float32("inf"), "no finite numbers"),
        (RAMP, RAMP * np.float32("nan"), "no finite numbers"),
        (RAMP[:, :3], RAMP, "PyTorch gives 2x3"),
        (RAMP, RAMP.T, "ONNX gives 4x2"),
    ],
)
def test_what_counts_as_the_same(mine: np.ndarray, theirs: np.ndarray, problem: str) -> None:
    found = compare(0, "output", (2, 4), mine, theirs).problem
    assert problem in found and bool(problem) == bool(found)


def test_a_dead_network_fails() -> None:
    net = Net("Dead")
    net("x", "INPUT", shape=(4,))
    net("fc1", "FC", "x", width=1)
    net("softmax1", "SOFTMAX", "fc1")
    report = verify(net.graph())
    assert not report.passed
    assert "same number everywhere" in report.problems[0]
    assert str(report).startswith("Dead: PyTorch and ONNX (opset 20) agree where it proves nothing, batch 2")
    assert report.comparisons[0].verdict == "no proof"


def test_shared_towers_and_two_inputs() -> None:
    net = Net("Siamese")
    net("left", "INPUT", shape=(1, 9, 9))
    net("right", "INPUT", shape=(1, 9, 9))
    net("tower.conv1", "CONV", "left", channels=4)
    net("tower.fc1", "FC", "tower.conv1", width=6)
    net("tower.2.conv1", "CONV", "right", channels=4, shares="tower.conv1")
    net("tower.2.fc1", "FC", "tower.2.conv1", width=6, shares="tower.fc1")
    net("absdiff1", "absdiff", "tower.fc1", "tower.2.fc1")
    net("fc1", "FC", "absdiff1", width=1)
    report = verify(net.graph())
    assert report.passed, str(report)
    assert report.counts[0].params == 40 + 81 * 4 * 6 + 6 + 7


def test_a_gate_after_many_residual_blocks_is_compared() -> None:
    """Statistics that ignored the signal would let it double in every block, and the sigmoid see only rounding."""
    net = Net("Deep")
    last = net("x", "INPUT", shape=(8, 6, 6))
    for i in range(40):
        branch = net(f"conv{i}", "CONV", last, channels=8)
        branch = net(f"bn{i}", "BN", branch)
        last = net(f"relu{i}", "RELU", net(f"add{i}", "add", branch, last))
    net("bn", "BN", last)
    net("gate", "SIGMOID", net("conv", "CONV", net("gap", "GAP", "bn"), channels=8, kernel=1))
    net("mul", "mul", "bn", "gate")
    report = verify(net.graph(gate="gate", output="mul"), seeds=range(4))
    assert report.passed, str(report)
    assert all(comparison.allowed < 1e-2 for comparison in report.comparisons)


def test_a_network_that_magnifies_rounding_is_told_apart_from_a_fault() -> None:
    net = Net("Chaos")
    last = net("x", "INPUT", shape=(8, 6, 6))
    for i in range(300):
        last = net(f"tanh{i}", "TANH", net(f"conv{i}", "CONV", last, channels=8))
    report = verify(net.graph())
    assert not report.passed
    assert report.cause.startswith("the network magnifies rounding: PyTorch alone differs by ")


@pytest.mark.parametrize(
    "dtype, kind, top", [("int64", np.int64, 128), ("int32", np.int32, 128), ("bool", np.bool_, 2)]
)
def test_whole_inputs_are_indices(dtype: str, kind: type, top: int) -> None:
    net = Net()
    net("ids", "INPUT", shape=(500,), dtype=dtype)
    net("id1", "ID", "ids")
    drawn = draw_inputs(net.graph(), 0, 2)["ids"]
    assert drawn.dtype == kind and drawn.min() >= 0 and top - 2 <= drawn.max() < top


@pytest.mark.parametrize("dtype", ["float16", "bfloat16"])
def test_half_precision_data_is_compared(dtype: str) -> None:
    net = Net()
    net("x", "INPUT", shape=(3, 8, 8), dtype=dtype)
    net("conv1", "CONV", "x", channels=4)
    values = torch.from_numpy(draw_inputs(net.graph(), 0, 2)["x"])
    assert torch.equal(values, values.to(getattr(torch, dtype)).float())
    report = verify(net.graph())
    assert report.passed, str(report)


def test_inputs_differ_by_seed_and_by_input() -> None:
    graph = small().graph()
    first, again, other = (draw_inputs(graph, seed, 2)["image"] for seed in (0, 0, -1))
    np.testing.assert_array_equal(first, again)
    assert first.shape == (2, 3, 12, 12) and first.dtype == np.float32 and not np.array_equal(first, other)
    assert abs(float(first.mean())) < 0.1 and 0.9 < float(first.std()) < 1.1


@pytest.mark.parametrize("options", [{"seeds": ()}, {"batch": 0}, {"opset": 7}])
def test_requests_without_an_answer_are_refused(options: dict[str, Any]) -> None:
    with pytest.raises(SpecError):
        verify(small().graph(), **options)


# ---------------------------------------------------------------- the networks that ship

QUICK = ["lenet5", "two_outputs", "revnet", "resnet20"]
SLOW = """alexnet vgg16 googlenet resnet50 seresnet50 densenet121 mobilenet_v2 shufflenet_v2 inceptionv3 unet unetpp
    siamese randwire darts preactresnet164 resnet110 c3d mask_rcnn""".split()


@pytest.mark.parametrize("name", [*QUICK, *(pytest.param(name, marks=pytest.mark.slow) for name in SLOW)])
def test_a_network_that_ships_passes_with_three_seeds(name: str) -> None:
    model = archspec.load(name)
    report = verify(model.graph, seeds=(0, 1, 2))
    assert report.passed, str(report)
    assert report.counts[0].params == model.analyze().totals.params > 0
    # The order of float32 sums costs some 5e-7 of the largest value: a healthy signal stays far below what is allowed.
    assert all(c.difference < 0.05 * c.allowed for c in report.comparisons), str(report)


# ---------------------------------------------------------------- random networks

LAYERS: list[tuple[str, dict[str, Any]]] = [
    ("CONV", {"channels": 4}),
    ("CONV", {"channels": 6, "kernel": (3, 2), "stride": 2, "pad": "same_upper"}),
    ("CONV", {"channels": 4, "groups": 2, "dilation": 2, "bias": False}),
    ("DWCONV", {"multiplier": 2}),
    ("SEPCONV", {"channels": 4}),
    ("UPCONV", {"channels": 4}),
    ("MAXPOOL", {"kernel": 3, "stride": 2, "pad": 1}),
    ("MAXPOOL", {"kernel": 3, "stride": 2, "ceil": True}),
    ("AVGPOOL", {"kernel": 2, "pad": "same"}),
    ("BN", {}),
    ("LN", {}),
    ("LRN", {}),
    ("RELU", {}),
    ("TANH", {}),
    ("PRELU", {}),
    ("SHUFFLE", {"groups": 2}),
    ("UPSAMPLE", {"factor": 2}),
    ("GAP", {}),
    ("FC", {"width": 6}),
    ("DROPOUT", {}),
]
JOINS = ["add", "mul", "max", "mean", "absdiff", "concat"]


@st.composite
def networks(draw: st.DrawFn) -> Graph:
    """Layers, joins and second uses of layers, each reading what came before; every unread end is an output."""
    net = Net("Random")
    for i in range(draw(st.integers(1, 2))):
        net(f"x{i}", "INPUT", shape=draw(st.sampled_from([(4, 8, 8), (2, 9, 7), (4, 12)])))
    given: dict[str, tuple[str, dict[str, Any], list[str]]] = {}
    for i in range(draw(st.integers(1, 8))):
        shapes = {node.path: node.shape for node in net.nodes}
        op, arguments = draw(st.sampled_from([*LAYERS, *((join, {}) for join in JOINS)]))
        sources = [draw(st.sampled_from([*shapes])) for _ in range(2 if op in JOINS else 1)]
        owner = draw(st.sampled_from([None, *given]))
        if owner is not None:  # a second use of a layer that has weights
            op, arguments, first = given[owner]
            sources = [draw(st.sampled_from([path for path in shapes if shapes[path] == shapes[first[0]]]))]
        try:
            net(f"n{i}", op, *sources, shares=owner, **arguments)
        except (RuleError, ValidationError):
            continue
        if owner is None and op in ("CONV", "FC", "BN"):
            given[f"n{i}"] = op, arguments, sources
    if not any(node.inputs for node in net.nodes):
        net("id1", "ID", "x0")
    read = {i for node in net.nodes for i in node.inputs}
    ends = [node.path for i, node in enumerate(net.nodes) if i not in read]
    return net.graph(**{f"out{i}": path for i, path in enumerate(ends)})


@settings(max_examples=60, deadline=None)
@given(networks())
def test_random_networks_compute_the_same(graph: Graph) -> None:
    report = verify(graph)
    # A random net may well be dead (a RELU behind a RELU): then it is told, and nothing else is wrong.
    wrong = [problem for problem in report.problems if "proves nothing" not in problem]
    assert not wrong, str(report)


# ---------------------------------------------------------------- extras


def test_a_missing_library_is_one_sentence() -> None:
    with (
        pytest.raises(MissingExtra, match=r"^verifying needs onnx: pip install 'archspec-nn\[runtime\]'$"),
        extra("verifying"),
    ):
        raise ModuleNotFoundError("No module named 'onnx'", name="onnx.helper")
    with pytest.raises(ModuleNotFoundError), extra("verifying"):
        raise ModuleNotFoundError("No module named 'archspec.emit.lost'", name="archspec.emit.lost")


@pytest.mark.parametrize("library, package", [("torch", "torch"), ("onnxruntime", "runtime"), ("onnx", "runtime")])
def test_verifying_without_a_library_says_what_to_install(library: str, package: str) -> None:
    code = f"""
import sys
sys.modules[{library!r}] = None
import archspec
from archspec.emit import MissingExtra
from archspec.verify import verify
try:
    verify(archspec.loads("INPUT(3x8x8) -> FC(2)").graph)
except MissingExtra as error:
    print(error)
"""
    done = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, cwd=Path(__file__).parent.parent
    )
    assert done.stdout == f"verifying needs {library}: pip install 'archspec-nn[{package}]'\n", done.stderr
