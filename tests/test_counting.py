"""Counts by other tools' conventions, against the tools themselves."""

from __future__ import annotations

import csv
import importlib.util
import io
import json
import runpy
import sys
from collections.abc import Iterable
from importlib.metadata import version
from pathlib import Path
from typing import Any

import jsonschema
import pytest
from conftest import ROOT

import archspec
from archspec import op
from archspec.commands.analyze import command as analyze_command
from archspec.conventions import CONVENTIONS
from archspec.counting import count, tally
from archspec.model import Model, load, loads
from archspec.report import schema
from archspec.source import SpecError

sys.path.insert(0, str(Path(__file__).parent))
sys.path.insert(0, str(ROOT / "benchmarks"))
from counters import TOOLS, counted
from op_cases import CASES, Case
from saved_tensors import random_inputs
from test_saved import around, labelled

OPERATORS = [case for case in CASES if case.name != "INPUT"]
PAGE = runpy.run_path(str(ROOT / "docs" / "counting.py"))
RECORD = ROOT / "tests" / "data" / "calflops.json"  # what calflops says, which the extra `dev` does not bring
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
    "rounded": "INPUT(3x9x9) -> CONV(8) -> LCN(5x5) -> UPSAMPLE(size=(12, 13)) -> LOCAL(7) -> DEFCONV(5) -> LRN",
    "stretched": "INPUT(3x9x9) -> CONV(8) -> UPSAMPLE((2, 1)) -> CONV(4)",
}
BATCHES = {"ResNet20": 3, "rounded": 3, "shared": 3, "transformer": 3, "stretched": 2}


def said(tool: str, key: str, model: Model, batch: int) -> int | None:
    """What a tool says of the module, calflops where it is not installed by the record of what it said."""
    if tool == "calflops" and not installed():
        figures: dict[str, int | None] = json.loads(RECORD.read_text(encoding="utf-8"))["figures"]
        return figures[key] if key in figures else pytest.skip(f"calflops is neither installed nor recorded for {key}")
    return counted(tool, model.to_torch(), tuple(random_inputs(model, batch)))


def installed() -> bool:
    return importlib.util.find_spec("calflops") is not None


def agree(key: str, model: Model, tools: Iterable[str] = TOOLS, batch: int = 1) -> None:
    """The conventions say what the tools do; skipped without the tools, which the extra `dev` brings."""
    for tool in tools:
        assert (tool, tally(model.analyze(batch=batch), tool).total) == (tool, said(tool, key, model, batch))


def single(case: Case) -> Model:
    model = around(case, "none", "")
    assert model is not None
    return model


def opened(name: str) -> Model:
    return loads(SMALL[name]) if name in SMALL else archspec.load(name)


@pytest.mark.parametrize("case", OPERATORS, ids=labelled)
def test_an_operator_counts_what_the_tools_say(case: Case) -> None:
    agree(labelled(case), single(case))


@pytest.mark.parametrize("name", [*NETS, *SMALL])
def test_a_network_counts_what_the_tools_say(name: str) -> None:
    agree(name, opened(name))


@pytest.mark.slow
@pytest.mark.parametrize("name", PAGE["NETS"])
def test_a_network_of_the_page_counts_what_the_tools_say(name: str) -> None:
    agree(name, opened(name))


@pytest.mark.parametrize("name", BATCHES)
def test_a_batch_counts_what_the_tools_say(name: str) -> None:
    """ptflops speaks of one example; what is rounded, or forgotten, is so for the whole batch."""
    agree(f"{name}, a batch", opened(name), ("fvcore", "thop", "torchinfo", "calflops"), BATCHES[name])


def test_ptflops_speaks_of_one_example() -> None:
    one, three = (archspec.load("ResNet20").count("ptflops", batch).total for batch in (1, 3))
    assert one is not None and three == 3 * one


def test_the_record_is_what_calflops_says() -> None:
    if not installed():
        pytest.skip("calflops is not installed")
    assert json.loads(RECORD.read_text(encoding="utf-8")) == record(), "run: python tests/test_counting.py"


def record() -> dict[str, Any]:
    """What calflops says of every model here."""
    models = [(labelled(case), single(case), 1) for case in OPERATORS]
    models += [(name, opened(name), 1) for name in (*NETS, *SMALL, *PAGE["NETS"])]
    models += [(f"{name}, a batch", opened(name), batch) for name, batch in BATCHES.items()]
    figures = {key: said("calflops", key, model, batch) for key, model, batch in models}
    assert len(figures) == len(models)
    return {
        "source": "pip install --no-deps calflops==0.3.2; python tests/test_counting.py",
        "calflops": version("calflops"),
        "torch": version("torch").partition("+")[0],
        "figures": figures,
    }


def test_resnet50_counts_what_the_tools_say_of_torchvisions() -> None:
    """Measured on torchvision's resnet50, with fvcore 0.1.5, ptflops 0.7.5, thop 0.1.1, torchinfo 1.8.0 and calflops
    0.3.2."""
    analysis = archspec.load("ResNet50").analyze()
    assert {name: tally(analysis, name).total for name in CONVENTIONS} == {
        "2mac": 8_178_368_512,
        "paper": 4_089_184_256,
        "fvcore": 4_111_512_576,
        "ptflops": 4_132_436_968,
        "thop": 4_133_742_592,
        "torchinfo": 4_089_238_376,
        "calflops": 8_211_108_352,
    }


def test_papers_leave_out_what_has_no_weights() -> None:
    analysis = loads("INPUT(6x9) -> LINEAR(6) as a -> matmul[ID | PERMUTE(1, 0)]").analyze()
    assert count(analysis, "paper").total == 6 * 6 * 9
    assert count(analysis, "2mac").total == 2 * (6 * 6 * 9 + 6 * 6 * 9)


def test_every_operator_has_a_rule() -> None:
    cards = {card.name for card in map(op.lookup, op.names()) if card is not None}
    names = cards - {"SEPCONV", "SSEPCONV"}  # chains of other operators, which are what a graph holds
    for tool in TOOLS:
        assert {*CONVENTIONS[tool].rules} == names


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


@pytest.mark.parametrize("form", ["table", "markdown", "json", "csv"])
def test_where_a_tool_fails_there_is_no_number(archspec: Any, form: str) -> None:
    done = archspec("analyze", "-e", SMALL["stretched"], "--count", "calflops", "--format", form)
    assert done.returncode == 3 and done.stdout == ""
    assert "calflops has no number for UPSAMPLE" in done.stderr and "^" in done.stderr
    assert "it fails on a factor per axis" in done.stderr


def test_an_operator_without_a_rule_is_no_zero(monkeypatch: pytest.MonkeyPatch) -> None:
    analysis, known = archspec.load("LeNet5").analyze(), CONVENTIONS["thop"]
    rules = {name: rule for name, rule in known.rules.items() if name != "TANH"}
    monkeypatch.setitem(CONVENTIONS, "thop", known._replace(rules=rules))
    assert tally(analysis, "thop").total is None
    with pytest.raises(SpecError, match="thop has no number for TANH"):
        count(analysis, "thop")


def test_every_form_has_the_count(archspec: Any) -> None:
    """The table in the column of the FLOPs, JSON and CSV beside them; what was not asked for is not there."""
    counted = load("ResNet20").count("thop", batch=2)

    def told(form: str, *more: str) -> str:
        text: str = archspec("analyze", "resnet20", "--batch", "2", "--format", form, *more).stdout
        return text

    for form in ("table", "markdown"):
        assert f"{counted.total:,}" in told(form, "--count", "thop")
    document = json.loads(told("json", "--count", "thop"))
    jsonschema.validate(document, schema())
    assert document["count"] == {"convention": "thop", "counts": "thop's profile", "total": counted.total}
    assert [layer.pop("count") for layer in document["layers"]] == [*counted.rows]
    plain = json.loads(told("json"))
    assert document | {"count": None} == plain | {"count": None}
    rows = [*csv.DictReader(io.StringIO(told("csv", "--count", "thop")))]
    assert [int(row.pop("thop")) for row in rows] == [*counted.rows]
    assert rows == [*csv.DictReader(io.StringIO(told("csv")))]


def test_reconcile_tells_what_makes_the_difference(archspec: Any) -> None:
    text = archspec("reconcile", "resnet50").stdout
    (total,) = (line for line in text.splitlines() if line.startswith("total"))
    assert total.split()[1:5] == ["4,089,184,256", "8,178,368,512", "4,089,184,256", "4,111,512,576"]
    assert any(line.split()[:3] == ["torchinfo", "BN", "+53,120"] for line in text.splitlines())
    assert "| torchinfo | BN | +53,120 |" in archspec("reconcile", "resnet50", "--format", "markdown").stdout


def test_reconcile_says_what_is_not_known(archspec: Any) -> None:
    spec = ("reconcile", "-e", SMALL["stretched"])
    assert "unknown" in archspec(*spec).stdout
    document = json.loads(archspec(*spec, "--format", "json").stdout)
    totals = {each["name"]: each["total"] for each in document["conventions"]}
    assert totals["calflops"] is None and totals["2mac"] == 2 * document["macs"] == 2 * totals["thop"] - 2 * 1296
    assert document["schema"] == "archspec.reconcile/1"


def test_the_page() -> None:
    """It is what the rules and the specs come to now, and its program runs."""
    text = (ROOT / "docs" / "counting.md").read_text(encoding="utf-8")
    assert text == PAGE["page"](), "run: python docs/counting.py"
    program = text.partition("```python\n")[2].partition("```")[0]
    exec(program, {})


if __name__ == "__main__":
    RECORD.write_text(json.dumps(record(), indent=1) + "\n", encoding="utf-8")
