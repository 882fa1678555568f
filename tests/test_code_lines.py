"""How short the language is: the papers' networks in few lines, each with the published number of parameters."""

from __future__ import annotations

from pathlib import Path

import pytest

import archspec

# file -> the most lines of code, and the parameters of each net (papers, torchvision and the authors' models)
SHORT = {
    "resnet50": (12, {"ResNet50": 25_557_032}),
    "vgg": (8, {"VGG16": 138_357_544, "VGG19": 143_667_240}),
    "googlenet": (22, {"GoogLeNet": 13_378_280}),  # with both auxiliary heads
    "densenet121": (12, {"DenseNet121": 7_978_856}),
    "mobilenet_v2": (13, {"MobileNetV2": 3_504_872}),
    "unet": (10, {"UNet": 31_030_658}),
}


@pytest.mark.parametrize("name", SHORT)
def test_lines_of_code(name: str, root: Path) -> None:
    most, nets = SHORT[name]
    path = root / "tests" / "golden" / "short" / f"{name}.arch"
    lines = path.read_text(encoding="utf-8").splitlines()
    code = [line for line in lines if line.strip() and not line.lstrip().startswith("#")]
    assert len(code) <= most
    assert max(map(len, lines)) <= 120, "lines that nobody would write prove nothing"
    for net, params in nets.items():
        model = archspec.load(path, net)
        assert model.analyze().totals.params == params
        assert not model.failures() and not model.warnings


def test_every_short_spec_is_counted(root: Path) -> None:
    assert {path.stem for path in (root / "tests" / "golden" / "short").glob("*.arch")} == {*SHORT}
