"""Writes docs/tables.md: the papers' tables as `archspec compare` gives them.  Run it as `python docs/tables.py`."""

from __future__ import annotations

import shlex
import sys
from pathlib import Path

from click.testing import CliRunner

ROOT = Path(__file__).resolve().parent.parent
PAGE = Path(__file__).with_name("tables.md")
sys.path.insert(0, str(ROOT))

TABLES = (
    (
        "VGG, Table 1",
        "Configurations A, A-LRN, B, C, D and E; bold is what the column to the left has not.",
        "vgg11 vgg11_lrn vgg13 vgg16c vgg16 vgg19 --format markdown",
    ),
    (
        "VGG, Table 2",
        "Parameters; the paper prints 133, 133, 134, 138 and 144 million, one number for A and A-LRN.",
        "vgg11 vgg11_lrn vgg13 vgg16c vgg16 vgg19 --table totals --format markdown",
    ),
    (
        "GoogLeNet, Table 1",
        "K = 1024 parameters without biases, M = a million multiply-accumulates. [Figures](figures.md) says where the "
        "paper prints something else in these two columns, and why.",
        "GoogLeNetInference --table modules --format markdown",
    ),
    (
        "All-CNN, Tables 1 and 2: base C",
        "A layer stands in the row of the map that it makes, so a convolution of stride 2 stands where the pool does.",
        "ModelC StridedCNN_C ConvPoolCNN_C AllCNN_C --format markdown",
    ),
    (
        "All-CNN: the twelve networks",
        "The paper prints 0.9, 1.28, 1, 1.35, 1.3 and 1.4 million parameters.",
        "ModelA StridedCNN_A ConvPoolCNN_A AllCNN_A ModelB StridedCNN_B ConvPoolCNN_B AllCNN_B ModelC StridedCNN_C "
        "ConvPoolCNN_C AllCNN_C --table totals --transpose --format markdown",
    ),
    (
        "ResNet, Table 1",
        "A block is one entry and stands where its last layer does.",
        "ResNet18 ResNet34 ResNet50 ResNet101 ResNet152 --table blocks --format markdown",
    ),
    (
        "ResNeXt, Table 1",
        "ResNet-50 beside ResNeXt-50 (32x4d).",
        "ResNet50 ResNeXt50_32x4d --table blocks --format markdown",
    ),
    (
        "ResNeXt, Table 4: twice the complexity",
        "The first two are the baselines, the other four double their work.",
        "ResNet101 ResNeXt101_32x4d ResNet200 ResNet101_1x100d ResNeXt101_2x64d ResNeXt101_64x4d "
        "--table totals --transpose --format markdown",
    ),
)


def page() -> str:
    """The whole page."""
    parts = [
        "# The papers' tables\n\nEvery table on this page is what the command above it prints. "
        "`python docs/tables.py` writes the page, and a test holds it to what the command prints now.\n"
    ]
    for title, remark, arguments in TABLES:
        parts.append(f"## {title}\n\n{remark}\n\n```\narchspec compare {arguments}\n```\n\n{_run(arguments)}")
    return "\n".join(parts)


def _run(arguments: str) -> str:
    from archspec.commands.compare import command

    result = CliRunner().invoke(command, shlex.split(arguments), standalone_mode=False, catch_exceptions=False)
    return result.stdout


if __name__ == "__main__":
    PAGE.write_text(page(), encoding="utf-8")
