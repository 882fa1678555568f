"""Counts by other tools' conventions, against the tools themselves."""

from __future__ import annotations

import json
import sys
from collections.abc import Iterable
from pathlib import Path
from typing import Any

import pytest

import archspec
from archspec import op
from archspec.commands.analyze import command as analyze_command
from archspec.conventions import CONVENTIONS
from archspec.counting import count, tally
from archspec.model import Model, loads
from archspec.source import SpecError

sys.path.insert(0, str(Path(__file__).parent))
sys.path.insert(0, str(Path(__file__).resolve().parent.parent / "benchmarks"))
from counters import TOOLS, counted
from op_cases import CASES, Case
from saved_tensors import random_inputs
from test_saved import around, labelled

# fvcore reads numpy's report of an einsum, which has four digits; the others sample or filter in ways of their own.
UNKNOWN = {
    "fvcore": {"LOCAL", "LCN", "DEFCONV", "roialign"},
    "ptflops": {"roialign"},
    "thop": set(),
    "torchinfo": set(),
}
NETS = (
    "LeNet5",
    "LeNet5_1998",
    "LeCun1989",
    "MLP",
    "Raghu",
    "TinyVGG",
    "AllCNN_C",
    "NIN_CIFAR10",
    "ResNet20",
    "DenseNet_40_12",
    "CoordConvRegressor",
    "DeconvPainter",
    "HighwayMLP",
)
SMALL = {
    "separable": "INPUT(3x32x32) -> CONV(8, 3x3, 2) -> BN -> RELU6 -> [DWCONV -> SILU -> CONV(16)]*2 -> GAP -> FC(5)",
    "bottleneck": "INPUT(16x14x14) -> res[CONV(8, 1x1, bias=off) -> BN -> RELU -> CONV(16, 3x3, groups=4)] -> AVGPOOL",
    "decoder": "INPUT(3x16x16) -> CONV(8) -> LRELU -> POOL -> UPCONV(4, 2x2, 2) -> UPSAMPLE(2, mode=bilinear)",
    "shared": """net Twins {
  input a: 3x16x16
  input b: 3x16x16
  shared tower = CONV(8) -> BN -> RELU -> GAP -> FC(4)
  absdiff[@a -> tower | @b -> tower] -> FC(1)
}""",
    "transformer": "INPUT(8x12) -> [res[LN -> MHA(2)] -> res[LN -> LINEAR(32) -> GELU -> LINEAR(8)]]*2",
}


def agree(model: Model, tools: Iterable[str] = TOOLS, batch: int = 1) -> None:
    """The conventions say what the tools do; skipped without the tools, which the extra `dev` brings."""
    module, xs = model.to_torch(), tuple(random_inputs(model, batch))
    for tool in tools:
        assert (tool, count(model.analyze(batch=batch), tool).total) == (tool, counted(tool, module, xs))


@pytest.mark.parametrize("case", [case for case in CASES if case.name != "INPUT"], ids=labelled)
def test_an_operator_counts_what_the_tools_say(case: Case) -> None:
    model = around(case, "none", "")
    assert model is not None
    used = {node.op.name for node in model.graph.nodes}
    for tool in TOOLS:
        if used & UNKNOWN[tool]:
            with pytest.raises(SpecError, match="not known"):
                count(model.analyze(), tool)
    agree(model, [tool for tool in TOOLS if not used & UNKNOWN[tool]])


@pytest.mark.parametrize("net", NETS)
def test_a_network_counts_what_the_tools_say(net: str) -> None:
    agree(archspec.load(net))


@pytest.mark.parametrize("text", SMALL.values(), ids=SMALL)
def test_a_small_network_counts_what_the_tools_say(text: str) -> None:
    agree(loads(text))


def test_a_batch_counts_what_the_tools_say() -> None:
    agree(archspec.load("ResNet20"), ("fvcore", "thop", "torchinfo"), batch=3)


def test_ptflops_speaks_of_one_example() -> None:
    analyses = [archspec.load("ResNet20").analyze(batch=batch) for batch in (1, 3)]
    one, three = (count(analysis, "ptflops").total for analysis in analyses)
    assert one is not None and three == 3 * one


def test_resnet50_counts_what_the_tools_say_of_torchvisions() -> None:
    """Measured on torchvision's resnet50 with fvcore 0.1.5, ptflops 0.7.5, thop 0.1.1 and torchinfo 1.8.0."""
    analysis = archspec.load("ResNet50").analyze()
    assert {name: tally(analysis, name).total for name in CONVENTIONS} == {
        "2mac": 8_178_368_512,
        "paper": 4_089_184_256,
        "fvcore": 4_111_512_576,
        "ptflops": 4_132_436_968,
        "thop": 4_133_742_592,
        "torchinfo": 4_089_238_376,
    }


def test_papers_leave_out_what_has_no_weights() -> None:
    analysis = loads("INPUT(6x9) -> LINEAR(6) as a -> matmul[ID | PERMUTE(1, 0)]").analyze()
    assert count(analysis, "paper").total == 6 * 6 * 9
    assert count(analysis, "2mac").total == 2 * (6 * 6 * 9 + 6 * 6 * 9)


def test_every_operator_has_a_rule_or_is_known_to_have_none() -> None:
    cards = {card.name for card in map(op.lookup, op.names()) if card is not None}
    names = cards - {"SEPCONV", "SSEPCONV"}  # chains of other operators, which are what a graph holds
    for tool, unknown in UNKNOWN.items():
        assert {*CONVENTIONS[tool].rules} == names - unknown


def test_the_kinds_sum_to_the_total() -> None:
    analysis = archspec.load("GoogLeNet").analyze(batch=2)
    for name in CONVENTIONS:
        told = count(analysis, name)
        assert told.total == sum(kind.count or 0 for kind in told.kinds) == sum(row or 0 for row in told.rows)
        assert sum(kind.macs for kind in told.kinds) == analysis.totals.macs


def test_a_convention_that_is_none_is_refused() -> None:
    with pytest.raises(SpecError, match="no convention flops"):
        count(archspec.load("LeNet5").analyze(), "flops")


# ---------------------------------------------------------------- the command line


def test_analyze_takes_every_convention() -> None:
    (option,) = (each for each in analyze_command.params if each.name == "count")
    assert list(option.type.choices) == ["all", *CONVENTIONS]  # type: ignore[attr-defined]


def test_analyze_prints_a_tools_number(archspec: Any) -> None:
    done = archspec("analyze", "resnet50", "--count", "fvcore")
    assert "FLOPs (fvcore)    4,111,512,576" in done.stdout
    assert "FLOPs: fvcore's FlopCountAnalysis" in done.stdout


def test_what_a_convention_does_not_know_is_a_diagnostic(archspec: Any) -> None:
    done = archspec("analyze", "-e", "INPUT(3x9x9) -> LOCAL(4)", "--count", "fvcore")
    assert done.returncode == 3 and done.stdout == ""
    assert "what fvcore counts for LOCAL is not known" in done.stderr and "^" in done.stderr


def test_reconcile_tells_what_makes_the_difference(archspec: Any) -> None:
    text = archspec("reconcile", "resnet50").stdout
    (total,) = (line for line in text.splitlines() if line.startswith("total"))
    assert total.split()[1:5] == ["4,089,184,256", "8,178,368,512", "4,089,184,256", "4,111,512,576"]
    assert any(line.split()[:3] == ["torchinfo", "BN", "+53,120"] for line in text.splitlines())
    assert "| torchinfo | BN | +53,120 |" in archspec("reconcile", "resnet50", "--format", "markdown").stdout


def test_reconcile_says_what_is_not_known(archspec: Any) -> None:
    spec = ("reconcile", "-e", "INPUT(3x9x9) -> LOCAL(4)")
    assert "unknown" in archspec(*spec).stdout
    document = json.loads(archspec(*spec, "--format", "json").stdout)
    totals = {each["name"]: each["total"] for each in document["conventions"]}
    assert totals["fvcore"] is None and totals["2mac"] == 2 * document["macs"] and totals["thop"] == 0
    assert document["schema"] == "archspec.reconcile/1"
