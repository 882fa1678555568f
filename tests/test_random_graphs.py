"""Random specs against PyTorch, onnxruntime and gradients; benchmarks/random_graphs.py runs thousands."""

from __future__ import annotations

import sys
from pathlib import Path
from random import Random

import pytest

import archspec
from archspec.verify import verify

sys.path.insert(0, str(Path(__file__).parent))
from graph_checks import check
from random_specs import draw


@pytest.mark.parametrize("seed", range(40))
def test_a_random_graph_is_analysed_as_it_computes(seed: int) -> None:
    text = draw(Random(seed))
    try:
        check(text)
    except AssertionError as error:
        raise AssertionError(f"{error}\n\n{text}") from error


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
