"""Which networks follow which blueprint, with which counts; and that the counts build the network again."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest

import archspec
from archspec.match import Match, match
from archspec.model import UsageError, open_model
from archspec.source import Source

ROOT = Path(__file__).parent.parent
BLUEPRINT = "INPUT -> [[CONV -> RELU]*N -> POOL?]*M -> [FC -> RELU]*K -> FC"
STAGES = "64,128,256,512,512"


def matched(net: str, blueprint: str = BLUEPRINT) -> Match:
    return match(Source("blueprint", blueprint), archspec.load(net).graph)


def of(text: str, blueprint: str = BLUEPRINT) -> Match:
    return match(Source("blueprint", blueprint), archspec.loads(text).graph)


# The course's four examples and the networks that are its blueprint with widths.
FOLLOW = {
    "LinearClassifier": {"INPUT": "3x32x32", "N": "0", "M": "0", "K": "0", "FC.2": "10"},
    "OneConvolution": {"N": "1", "M": "1", "K": "0", "POOL": "off", "CONV": "32", "FC.2": "10", "INPUT": "3x32x32"},
    "OneBeforeEveryPool": {
        "N": "1", "M": "2", "K": "1", "POOL": "on", "CONV": "32,64", "FC.1": "256", "FC.2": "10", "INPUT": "3x32x32",
    },
    "TwoBeforeEveryPool": {
        "N": "2", "M": "3", "K": "2", "POOL": "on", "CONV": "32,64,128", "FC.1": "256", "FC.2": "10",
        "INPUT": "3x32x32",
    },
    "MLP": {"N": "0", "M": "0", "K": "2", "FC.1": "200,100", "FC.2": "15", "INPUT": "1x16x16"},
    **{
        name: {
            "N": depths, "M": "5", "K": "2", "POOL": "on", "CONV": STAGES, "FC.1": "4096", "FC.2": "1000",
            "INPUT": "3x224x224",
        }
        for name, depths in {
            "VGG11": "1,1,2,2,2", "VGG13": "2", "VGG16": "2,2,3,3,3", "VGG19": "2,2,4,4,4", "vgg_table": "2,2,3,3,3",
        }.items()
    },
}  # fmt: skip


@pytest.mark.parametrize("name", FOLLOW)
def test_what_follows_is_built_again_by_what_was_found(name: str) -> None:
    found = matched(name)
    assert found.follows and not found.differences
    assert found.bindings == FOLLOW[name]
    built = open_model(Source("blueprint", BLUEPRINT), None, found.bindings).analyze().totals
    wanted = archspec.load(name).analyze().totals
    assert (built.params, built.macs) == (wanted.params, wanted.macs)


@pytest.mark.parametrize(
    ("name", "layer", "expected"),
    [
        ("AlexNet", "lrn1", {"CONV", "MAXPOOL", "FC"}),
        ("LeNet5", "tanh1", {"RELU"}),
        ("LeNetCaffe", "r1.0.maxpool1", {"RELU"}),
        ("VGG11_LRN", "stage.0.r1.0.lrn1", {"CONV", "MAXPOOL", "FC"}),
        ("ResNet50", "stem1.convbnrelu1.bn1", {"RELU"}),
    ],
)
def test_where_a_network_leaves_the_blueprint(name: str, layer: str, expected: set[str]) -> None:
    left = matched(name).departure
    assert left is not None and left.node is not None
    assert left.node.path == layer and set(left.expected) == expected


def test_what_a_blueprint_leaves_to_defaults_is_told_where_it_differs() -> None:
    found = matched("CS109B")
    assert found.follows and {found.bindings[name] for name in ("N", "M")} == {"1", "2"}
    assert [(d.argument, d.value) for d in found.differences][:2] == [("kernel", (5, 5)), ("stride", (2, 2))]
    assert {d.argument for d in matched("VGG16C").differences} == {"kernel"}


def test_a_written_argument_has_to_hold() -> None:
    pattern = "INPUT -> [CONV(kernel=3x3) -> RELU]*N -> FC"
    assert of("INPUT(3x8x8) -> [CONV(4) -> RELU]*2 -> FC(2)", pattern).follows
    left = of("INPUT(3x8x8) -> CONV(4) -> RELU -> CONV(4, 5x5) -> RELU -> FC(2)", pattern).departure
    assert left is not None and left.node is not None
    assert left.node.path == "conv2" and left.reason == "kernel=5x5, the blueprint says 3x3"


def test_widths_that_no_stage_can_hold_are_split_into_stages() -> None:
    found = of("INPUT(3x8x8) -> CONV(4) -> RELU -> CONV(8) -> RELU -> POOL -> FC(2)")
    assert found.bindings["N"] == "1" and found.bindings["CONV"] == "4,8" and found.bindings["POOL"] == "off,on"


def test_what_may_be_passed_over() -> None:
    plain = "INPUT(3x8x8) -> CONV(4) -> RELU -> DROPOUT -> FLATTEN -> FC(2) -> SOFTMAX"
    assert of(plain).follows
    left = of(plain, "INPUT -> [CONV -> RELU]*N -> FLATTEN -> FC").departure
    assert left is None
    left = of(plain, "INPUT -> [CONV -> RELU]*N -> FC -> DROPOUT").departure  # it names DROPOUT, so it means it
    assert left is not None and left.node is not None and left.node.op.name == "DROPOUT"
    left = of("INPUT(3x8x8) -> CONV(4) -> SOFTMAX -> FC(2)").departure
    assert left is not None and left.node is not None and left.node.op.name == "SOFTMAX"


def test_a_join_is_no_step_of_a_chain() -> None:
    found = of("INPUT(4x8x8) -> CONV(4) -> RELU -> add[CONV(4) -> RELU | ID] -> FC(2)")
    assert found.departure is not None and found.departure.node is not None and found.departure.node.op.name == "add"
    assert "2 streams meet here" in found.departure.reason


def test_a_network_that_ends_too_early() -> None:
    left = of("INPUT(3x8x8) -> CONV(4) -> RELU").departure
    assert left is not None and left.node is None and left.after.path == "relu1" and "FC" in left.expected


def test_a_knob_with_a_domain() -> None:
    pattern = "param N = 2 in 1..3\nINPUT -> [CONV(4) -> RELU]*N -> FC(2)"
    chain = "INPUT(3x8x8) -> [CONV(4) -> RELU]*{} -> FC(2)"
    assert of(chain.format(3), pattern).bindings["N"] == "3"
    left = of(chain.format(4), pattern).departure
    assert left is not None and "N = 4" in left.reason


def test_long_chains_and_hopeless_ones_end_soon() -> None:
    layers = "[CONV(4) -> RELU -> CONV(4) -> RELU]*200"
    assert of(f"INPUT(3x8x8) -> {layers} -> FC(2)").bindings["N"] == "400"
    left = of(f"INPUT(3x8x8) -> {layers} -> BN", "INPUT -> [[CONV -> RELU]*N -> RELU?]*M -> FC").departure
    assert left is not None and left.node is not None and left.node.op.name == "BN"


@pytest.mark.parametrize(
    "blueprint",
    [
        "net A { input 3x8x8\n INPUT -> FC(2) }",
        "INPUT -> add[CONV | ID] -> FC",
        "INPUT -> [CONV]*(2*N) -> FC",
        "block B = RELU\nINPUT -> B -> FC",
        "INPUT -> POOL?(on) -> FC",
    ],
)
def test_what_is_no_chain_is_refused(blueprint: str) -> None:
    with pytest.raises(UsageError):
        of("INPUT(3x8x8) -> FC(2)", blueprint)


def run(*arguments: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run([sys.executable, "cli.py", *arguments], cwd=ROOT, capture_output=True, text=True)


def test_the_command_says_what_to_type() -> None:
    done = run("match", "blueprint", "vgg16")
    assert done.returncode == 0
    typed = done.stdout.splitlines()[-1].split()
    assert typed[:3] == ["archspec", "analyze", "blueprint"]
    again = run(*typed[1:], "--format", "json")
    assert json.loads(again.stdout)["totals"]["params"] == 138_357_544


def test_the_command_says_where_it_leaves() -> None:
    done = run("match", "blueprint", "resnet50", "--format", "json")
    told = json.loads(done.stdout)
    assert done.returncode == 1 and told["follows"] is False
    assert told["departure"]["layer"]["operator"] == "BN" and told["join"]["operator"] == "add"
    assert run("match", "resnet", "vgg16").returncode == 2
