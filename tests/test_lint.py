"""Advice: the rules of thumb on networks whose faults and virtues are published, and the comments that silence."""

from __future__ import annotations

import re
from time import process_time
from typing import Any

import pytest
import torch
from conftest import ROOT

import archspec
from archspec.check import check
from archspec.format import format_text
from archspec.lint import RULES, lint
from archspec.pages import pages
from archspec.source import Diagnostic, Source


def advice(text: str, **options: str) -> list[Diagnostic]:
    return [*archspec.loads(text, **options).advice()]


def codes(text: str) -> list[str]:
    return [finding.code for finding in advice(text)]


def told(net: str) -> dict[str, Diagnostic]:
    return {finding.code: finding for finding in archspec.load(net).advice()}


def test_published_networks() -> None:
    assert told("resnet50") == {} and told("mobilenet_v2") == {} and told("lenet5") == {}
    assert told("vgg16")["N407"].notes == ("123,642,856 of 138,357,544, 89%",)
    assert "N408" not in told("vgg16")  # N=3, K=2
    assert told("vgg19")["N408"].message == "more than 3 convolutions stand before one pool"
    assert "227" in told("alexnet")["N402"].message
    assert told("vgg16")["N409"].message.endswith("512 before, 512 here")


def test_cells_behind_the_last_window_move_nothing() -> None:
    """The cells that advice names are those without a gradient."""
    model = archspec.loads("INPUT(1x11x12) -> CONV(2, 3x3, stride=3, pad=0)")
    (found,) = model.advice()
    assert found.message == "CONV's windows do not tile: none reads cells 9 to 10 of 11 along axis 0"
    x = torch.randn(1, 1, 11, 12, requires_grad=True)
    model.to_torch(seed=0)(x).square().sum().backward()
    assert x.grad is not None and not x.grad[0, 0, 9:].any() and x.grad[0, 0, 8].all()
    assert not any(f.code == "N401" for f in archspec.load("resnet50").advice())  # 7x7/2 loses padding alone


def test_a_bias_that_is_normalised_away() -> None:
    """It changes nothing in training."""
    text = "INPUT(3x8x8) -> CONV(4) -> BN"
    assert codes(text) == ["N404"]
    module = archspec.loads(text).to_torch(seed=0).train()
    x = torch.randn(4, 3, 8, 8)
    before = module(x)
    bias = dict(module.named_parameters())
    with torch.no_grad():
        next(value for name, value in bias.items() if "conv" in name.lower() and name.endswith("bias")).add_(3.0)
    torch.testing.assert_close(module(x), before, atol=1e-4, rtol=1e-4)
    assert codes("INPUT(3x8x8) -> CONV(4) as a -> BN as b\n\nadd[@a | @b]") == []  # another reads it too


def test_the_receptive_field_is_the_shortest_ways() -> None:
    deep = "[CONV(8) -> RELU]*6"
    assert "N406" in codes(f"INPUT(8x8x8) -> {deep}")
    assert "N406" not in codes("INPUT(8x8x8) -> [res[CONV(8)]]*9")
    assert "N406" not in codes("INPUT(3x224x224) -> CONV(8, 7x7) -> GAP -> CONV(8, 1x1) -> FC(10)")


def test_two_matrices_without_a_nonlinearity() -> None:
    assert codes("INPUT(20) -> FC(10) -> FLATTEN -> DROPOUT -> FC(5)") == ["N410"]
    assert codes("INPUT(20) -> FC(10, act=RELU) -> FC(5)") == []


def test_one_place_is_told_once() -> None:
    (found,) = [f for f in advice("INPUT(3x32x32) -> [CONV(8) -> BN]*5") if f.code == "N404"]
    assert found.notes[-1] == "and 4 more from the same text"


@pytest.mark.parametrize("rule", RULES, ids=lambda rule: rule.__name__)
def test_every_rule_bears_every_network(rule: object) -> None:
    assert rule in RULES
    for net in ("googlenet", "unet", "mlp", "densenet121"):
        analysis = archspec.load(net).analyze()
        assert all(found.severity == "note" and found.help for found in rule(analysis))  # type: ignore[operator]


def test_it_is_quick() -> None:
    analysis = archspec.load("resnet152").analyze()
    seconds = []
    for _ in range(5):  # the least of several: what else the machine does only adds
        begin = process_time()
        lint(analysis)
        seconds.append(process_time() - begin)
    assert min(seconds) / len(analysis.graph.nodes) < 100e-6


def test_the_document() -> None:
    """It has every rule's code, its spec is silenced, and its program runs."""
    text = (ROOT / "docs" / "advice.md").read_text(encoding="utf-8")
    assert re.findall(r"^\| (N\d+) \|", text, re.MULTILINE) == [code for code in pages() if code.startswith("N4")]
    (spec,) = re.findall(r"```archspec\n(.*?)```", text, re.DOTALL)
    assert archspec.loads(spec).advice() == () and codes(spec.replace("lint", "")) == ["N404", "N409"]
    (program,) = re.findall(r"```python\n(.*?)```", text, re.DOTALL)
    exec(program, names := dict[str, Any]())
    assert names["module"](torch.zeros(1, 1, 64, 64)).shape == (1, 10, 9, 9)


# ---------------------------------------------------------------- silence

SPEC = """\
net A {
  input 3x32x32
  INPUT -> CONV(8) -> BN -> RELU  # {beside}
    -> POOL(4x4) -> CONV(16) -> BN
}
"""


def test_a_comment_beside_a_line_silences_it() -> None:
    def at(text: str) -> list[tuple[str, int]]:
        return [(f.code, f.span.row) for f in advice(text) if f.span]

    assert at(SPEC) == [("N403", 4), ("N404", 3), ("N404", 4)]
    assert at(SPEC.replace("{beside}", "lint: off N404")) == [("N403", 4), ("N404", 4)]
    assert at(f"# lint: off N404, N403 as the paper has it\n{SPEC}") == []
    assert at(SPEC.replace("{beside}", "lint: off N403")) == at(SPEC)
    kept = SPEC.replace("{beside}", "lint: off N404")
    assert "# lint: off N404" in format_text(Source("net.arch", kept))


def test_warnings_are_silenced_and_errors_are_not() -> None:
    text = "INPUT(3x32x32) -> CONV(64, 31x31)  # lint: off W202\n"
    assert archspec.loads(text).warnings == () and check(Source("net.arch", text)).findings == ()
    assert [f.code for f in archspec.loads(text.replace("W202", "W203")).warnings] == ["W202"]
    assert check(Source("net.arch", "# lint: off W101\nblock CBR(c) = CONV(c)\n")).findings == ()
    wrong = "INPUT(3x32x32) -> CONV(bais=off)  # lint: off A201\n"
    assert [f.code for f in check(Source("net.arch", wrong)).findings if f.severity == "error"] == ["A201"]


def test_advice_fails_no_check(capsys: pytest.CaptureFixture[str]) -> None:
    from archspec.__main__ import main

    spec = str(ROOT / "specs" / "vgg.arch")
    assert main(["check", spec, "--strict", "--advice"]) == 0
    assert "note[N407]" in capsys.readouterr().out
    assert main(["check", spec, "--strict"]) == 0
    assert "N407" not in capsys.readouterr().out
