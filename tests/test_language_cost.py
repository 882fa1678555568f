"""What reading a spec costs, held loosely: docs/performance.md has the figures, this the bounds of a busy machine."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest

pytest.importorskip("resource")


def cost(root: Path, layers: int, form: str) -> tuple[float, float]:
    """Seconds of the processor, and mebibytes at most, as the benchmark measures them."""
    command = [sys.executable, "benchmarks/language.py", str(layers), form]
    done = subprocess.run(command, capture_output=True, text=True, check=True, cwd=root, env={"PYTHONPATH": str(root)})
    _, parsing, expanding, mebibytes = json.loads(done.stdout)
    return parsing + expanding, mebibytes


@pytest.mark.parametrize(("form", "seconds"), [("repeated", 1.0), ("written out", 3.0)])
def test_ten_thousand_pairs_of_layers(form: str, seconds: float, root: Path) -> None:
    took, mebibytes = cost(root, 20_000, form)
    assert took < 4 * seconds and mebibytes < 300
    assert took / 20_000 < 3 * cost(root, 2_000, form)[0] / 2_000, "the cost per layer grows"
