"""Advice: the rules of thumb on networks whose faults and virtues are published, and the comments that silence."""

from __future__ import annotations

import re
from pathlib import Path
from time import process_time
from typing import Any

import pytest
import torch
from conftest import ROOT

import archspec
from archspec import op
from archspec.check import check
from archspec.format import format_text
from archspec.lint import RULES, layers, lint
from archspec.pages import pages
from archspec.source import Diagnostic, Source


def advice(text: str, **options: str) -> list[Diagnostic]:
    return [*archspec.loads(text, **options).advice()]


def codes(text: str) -> list[str]:
    return [finding.code for finding in advice(text)]


def told(net: str) -> dict[str, Diagnostic]:
    return {finding.code: finding for finding in archspec.load(net).advice()}


def test_published_networks() -> None:
    unblamed = """ResNet50 DenseNet121 MobileNet MobileNetV2 GoogLeNet InceptionV3Aux InceptionResNetV2 Xception FPN
        WRN_28_10 ResNeXt50_32x4d SEResNet50 ShuffleNet_g3 ShuffleNetV2 UNet FCN8s MaskRCNN FasterRCNN DARTS"""
    for net in unblamed.split():
        assert (net, {*told(net)}) == (net, {"N407"} if net == "FasterRCNN" else set())
    assert told("vgg16")["N407"].notes == ("123,642,856 of 138,357,544, 89.4%",)
    assert "N408" not in told("vgg16")  # N=3, K=2
    assert told("vgg19")["N408"].message == "more than 3 convolutions stand at one size of the map"


def test_the_specs_that_ship() -> None:
    """The document's table names every spec that leaves a rule, and no other."""
    text = (ROOT / "docs" / "advice.md").read_text(encoding="utf-8")
    table = {row[0]: {*row[1].split()} for row in re.findall(r"^\| (N\d+) \|.*\|([^|]*)\|$", text, re.MULTILINE)}
    found: dict[str, set[str]] = {code: set() for code in table}
    for path in sorted((ROOT / "specs").rglob("*.arch")):
        source = Source(str(path), path.read_text(encoding="utf-8"), str(path.parent))
        for finding in check(source, advice=True).findings:
            if finding.code in found:
                found[finding.code].add(path.stem)
    assert table == found and len(table) == len(RULES)


def test_cells_behind_the_last_window_move_nothing() -> None:
    """The cells that advice names are those without a gradient."""
    model = archspec.loads("INPUT(1x11x12) -> CONV(2, 3x3, stride=3, pad=0)")
    (found,) = model.advice()
    assert found.message == "CONV's windows do not tile: none reads cells 9 to 10 of 11 along axis 0"
    x = torch.randn(1, 1, 11, 12, requires_grad=True)
    model.to_torch(seed=0)(x).square().sum().backward()
    assert x.grad is not None and not x.grad[0, 0, 9:].any() and x.grad[0, 0, 8].all()
    assert not any(f.code == "N401" for f in archspec.load("resnet50").advice())  # 7x7/2 loses padding alone


def test_an_input_that_does_not_halve() -> None:
    """Told where cells are lost on the way, not where windows tile an uneven input or padding fills it up."""
    text = "INPUT(3x{0}x{0}) -> [CONV(8{1}) -> RELU -> POOL]*3 -> GAP -> FC(10)"
    (found,) = [f for f in advice(text.format(200, "")) if f.code == "N402"] or [None]
    assert found is None  # 200, 100, 50
    (found,) = [f for f in advice(text.format(100, "")) if f.code == "N402"]
    assert found.message == "the network's stride of 8 does not divide the input's side of 100"
    assert found.help.startswith("96 or 104") and found.notes == ("r1.2.maxpool1 reads a map of 25x25",)
    assert codes(text.format(46, ", pad=0")) == []  # 46, 44, 22, 20, 10, 8, 4
    assert codes("INPUT(3x100x100) -> [CONV(8, stride=2) -> RELU]*3 -> GAP -> FC(10)") == []  # 25 and 2x1 fit 3 by 2


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


def test_every_position_has_seen_everything() -> None:
    """In front of the layer that is told, and not in front of the one before it, as gradients show."""
    text = "INPUT(1x8x8) -> [CONV(1, bias=off) -> RELU]*{} -> GAP -> FC(10)"
    assert "N406" not in codes(text.format(7)) and "N406" in codes(text.format(8))
    for convs, all_seen in ((6, False), (7, True)):
        layers = [torch.nn.Conv2d(1, 1, 3, padding=1, bias=False) for _ in range(convs)]
        for layer in layers:
            torch.nn.init.ones_(layer.weight)
        x = torch.ones(1, 1, 8, 8, requires_grad=True)
        torch.nn.Sequential(*layers)(x)[0, 0, 0, 0].backward()  # a corner sees the least
        assert x.grad is not None and bool(x.grad.all()) == all_seen


def test_the_receptive_field_is_the_shortest_ways() -> None:
    assert "N406" not in codes("INPUT(8x8x8) -> [res[CONV(8)]]*9")
    assert "N406" not in codes("INPUT(3x224x224) -> CONV(8, 7x7) -> GAP -> CONV(8, 1x1) -> FC(10)")
    assert "N406" not in codes("INPUT(2x1x1) -> [UPCONV(8, 3x3, stride=2, pad=1, out_pad=1) -> RELU]*4 -> CONV(1)")


def test_two_layers_without_a_nonlinearity() -> None:
    assert codes("INPUT(20) -> FC(10) -> FLATTEN -> DROPOUT -> FC(5)") == ["N410"]
    assert codes("INPUT(20) -> FC(10, act=RELU) -> FC(5)") == []
    assert codes("INPUT(3x9x9) -> CONV(8) -> CONV(8) -> RELU") == ["N410"]
    assert codes("INPUT(3x9x9) -> CONV(8, bias=off) -> BN -> CONV(8) -> RELU") == ["N410"]
    for meant in (
        "DWCONV -> CONV(16, 1x1)",  # separable
        "CONV(4, 1x1) -> CONV(16, 1x1)",  # a bottleneck: its matrix has rank 4
        "CONV(8, 3x1) -> CONV(8, 1x3)",
        "CONV(8, groups=2) -> CONV(8, 1x1)",
        "res[CONV(8) -> RELU -> CONV(8)] -> CONV(8) -> CONV(8)",  # as feature pyramids smooth
        "CONV(8) as a -> CONV(8) -> RELU as b\n\nadd[@a | @b]",
    ):
        assert "N410" not in codes(f"INPUT(8x9x9) -> {meant}"), meant


def test_two_matrices_are_one() -> None:
    """What the advice says, of the layers that it speaks of."""
    first, second = torch.nn.Linear(20, 10), torch.nn.Linear(10, 5)
    one = torch.nn.Linear(20, 5)
    with torch.no_grad():
        one.weight.copy_(second.weight @ first.weight)
        one.bias.copy_(second.weight @ first.bias + second.bias)
    x = torch.randn(7, 20)
    torch.testing.assert_close(one(x), second(first(x)))


def test_activations_in_a_row() -> None:
    assert codes("INPUT(9) -> FC(9) -> RELU -> DROPOUT -> RELU") == ["N412"]
    assert codes("INPUT(9) -> FC(9) -> SOFTMAX -> LOGSOFTMAX") == ["N412"]
    assert codes("INPUT(9) -> FC(9) -> RELU -> FC(9) -> SOFTMAX") == []
    assert codes("INPUT(9) -> FC(9) -> RELU as a -> FC(9) as b\n\nmul[@b | @a -> FC(9) -> SIGMOID]") == []
    x = torch.randn(99)
    assert torch.equal(x.relu().relu(), x.relu())
    sure = torch.eye(10).softmax(1).log()  # a softmax of certain answers, and the loss that then remains
    assert round(float(-sure.diagonal().mean()), 2) == 1.46


def test_every_activation_is_known() -> None:
    """The names that the rule has are the cards of the family, but for those that need several channels."""
    cards = [card for card in map(op.lookup, op.names()) if card and card.__module__ == "archspec.ops.activation"]
    assert {card.name for card in cards} - {"MAXOUT"} == {*layers._ACTIVATIONS}


def test_kernels_between_others() -> None:
    text = "INPUT(3x64x64) -> CONV(8, 7x7) -> RELU -> {} -> RELU -> CONV(8) -> RELU"
    assert "N411" in codes(text.format("CONV(8, 7x7)"))
    for kernel in ("CONV(8, 5x5)", "CONV(8, 1x7)", "DWCONV(7x7)"):
        assert "N411" not in codes(text.format(kernel))
    assert "N411" not in codes("INPUT(3x16x16) -> CONV(8) -> RELU -> CONV(64, 7x7, pad=0) -> RELU -> CONV(9, 1x1)")


def test_fully_connected_layers_over_maps() -> None:
    assert "N407" in codes("INPUT(3x32x32) -> CONV(8) -> RELU -> FC(64) -> RELU -> FC(10)")
    assert "N407" not in codes("INPUT(3x32x32) -> CONV(8) -> RELU -> GAP -> FC(1000)")  # ShuffleNet's are most, too
    assert "N407" not in codes("INPUT(784) -> FC(64) -> RELU -> FC(10)")


def test_widths() -> None:
    def falls(text: str) -> bool:
        return "N409" in codes(f"INPUT(9x32x32) -> {text} -> GAP -> FC(10)")

    assert falls("CONV(16) -> RELU -> POOL -> CONV(8) -> RELU")
    assert falls("CONV(16) -> RELU -> CONV(8, stride=2) -> RELU")
    assert not falls("CONV(16) -> RELU -> POOL -> CONV(16) -> RELU")
    assert not falls("CONV(8, stride=2) -> RELU")  # the input's channels are nobody's choice
    assert not falls("CONV(16) -> RELU -> POOL -> CONV(8, 1x1) -> RELU")
    assert not falls("CONV(16) -> RELU -> POOL -> dense[CONV(4) -> RELU]")
    assert not falls("CONV(16) -> RELU -> POOL -> CONV(8) -> RELU -> UPSAMPLE(2) -> CONV(16) -> RELU")  # an autoencoder


def test_counts_of_a_tower_are_counted_once() -> None:
    """Two digits through one tower have its layers once: Caffe's Siamese network has two FC before its last."""
    assert "N408" not in told("SiameseMNIST")
    text = "INPUT(1x32x32) -> CONV(8) -> RELU -> POOL -> {}FC(10)"
    assert "N408" not in codes(text.format("[FC(20) -> RELU]*2 -> "))
    assert "N408" in codes(text.format("[FC(20) -> RELU]*3 -> "))


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


def test_a_comment_in_a_statement_silences_it() -> None:
    """All of it, on whichever of its lines the comment stands: the formatter breaks lines anew."""

    def at(text: str) -> list[tuple[str, int]]:
        return [(f.code, f.span.row) for f in advice(text) if f.span]

    assert at(SPEC) == [("N403", 4), ("N404", 3), ("N404", 4)]
    assert at(SPEC.replace("{beside}", "lint: off N404")) == [("N403", 4)]
    assert at(f"# lint: off N404, N403 as the paper has it\n{SPEC}") == []
    assert at(SPEC.replace("{beside}", "lint: off N403")) == [("N404", 3), ("N404", 4)]
    wrapped = "INPUT(3x64x64) -> CONV(64, 4x4, stride=4)\n  -> CONV(8) -> [\n    RELU ] -> GAP  # lint: off W206\n"
    assert check(Source("net.arch", wrapped)).findings == ()
    two = wrapped.replace("\n  -> CONV(8) -> [\n    RELU ]", " as a\n@a")
    assert [f.code for f in check(Source("net.arch", two)).findings] == ["W206"]
    kept = SPEC.replace("{beside}", "lint: off N404")
    assert "# lint: off N404" in format_text(Source("net.arch", kept))


def test_warnings_are_silenced_and_errors_are_not() -> None:
    text = "INPUT(3x32x32) -> CONV(64, 31x31)  # lint: off W202\n"
    assert archspec.loads(text).warnings == () and check(Source("net.arch", text)).findings == ()
    assert [f.code for f in archspec.loads(text.replace("W202", "W203")).warnings] == ["W202"]
    assert check(Source("net.arch", "# lint: off W101\nblock CBR(c) = CONV(c)\n")).findings == ()
    wrong = "INPUT(3x32x32) -> CONV(bais=off)  # lint: off A201\n"
    assert [f.code for f in check(Source("net.arch", wrong)).findings if f.severity == "error"] == ["A201"]


def test_a_comment_that_silences_nothing() -> None:
    """What is misspelt is told, with what was meant; what follows the codes is the author's own."""

    def said(comment: str) -> list[tuple[str, str]]:
        text = f"INPUT(3x32x32) -> CONV(8) -> BN -> RELU  # lint: off{comment}\n"
        warnings = archspec.loads(text).warnings
        assert [*warnings] == [*check(Source("<text>", text)).findings] or warnings == ()
        assert all(f.code == "W103" and f.severity == "warning" for f in warnings)
        return [(f.message, f.help) for f in warnings]

    assert said(" N404, W202 as the paper has it, 3x3") == []
    assert said(" N44") == said(" N404, N44") == [("there is no code N44", "did you mean N404?")]
    assert said(" n404 B999") == [
        ("there is no code n404", "did you mean N404?"),
        ("there is no code B999", "`archspec explain` lists the codes"),
    ]
    assert said(" A307") == [("A307 is an error, which cannot be silenced", "archspec explain A307")]
    assert said("") == said(" bias") == [("the comment silences nothing", "name the codes: # lint: off N404")]
    blocks = "# lint: off N44\nblock Double(c) = CONV(c) -> CONV(c)\n"
    assert [f.code for f in check(Source("<text>", blocks)).findings] == ["W103"]


def test_fix_spells_the_code(tmp_path: Path) -> None:
    from archspec.__main__ import main

    spec = tmp_path / "net.arch"
    spec.write_text("INPUT(3x32x32) -> CONV(8) -> BN -> RELU  # lint: off N44\n")
    assert main(["check", str(spec), "--fix", "--strict"]) == 0
    assert spec.read_text().endswith("# lint: off N404\n")


def test_advice_fails_no_check(capsys: pytest.CaptureFixture[str]) -> None:
    from archspec.__main__ import main

    spec = str(ROOT / "specs" / "vgg.arch")
    assert main(["check", spec, "--strict", "--advice"]) == 0
    assert "note[N407]" in capsys.readouterr().out
    assert main(["check", spec, "--strict"]) == 0
    assert "N407" not in capsys.readouterr().out
