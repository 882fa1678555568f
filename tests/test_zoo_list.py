"""`archspec zoo`: the list, its numbers, and the specs themselves."""

from __future__ import annotations

import json
import subprocess
import sys
from functools import cache
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).parent))
import reference
from test_zoo import UNMATCHED

ROOT = Path(__file__).parent.parent


def run(*arguments: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run([sys.executable, "cli.py", *arguments], cwd=ROOT, capture_output=True, text=True)


@cache
def listed() -> list[dict[str, Any]]:
    rows: list[dict[str, Any]] = json.loads(run("zoo", "--format", "json").stdout)
    return rows


def test_every_reference_network_is_in_the_list_with_its_numbers() -> None:
    pairs = {(row["params"], row["macs"]) for row in listed()}
    for name, layers in reference.networks().items():
        totals = sum(layer.params for layer in layers), sum(layer.macs for layer in layers)
        assert totals in pairs or name in UNMATCHED, name


def test_a_row_says_name_file_net_params_macs_input_and_source() -> None:
    rows = {row["name"]: row for row in listed()}
    assert rows["VGG16"] == {
        "name": "VGG16", "file": "vgg.arch", "net": "VGG16", "params": 138_357_544, "macs": 15_470_264_320,
        "input": "3x224x224",
        "source": "VGG (Simonyan, Zisserman 2014), configurations A, A-LRN, B, C, D and E",
    }  # fmt: skip
    assert [name for name, row in rows.items() if row["params"] is None] == ["blueprint"]  # it leaves all open
    assert all(row["source"] for row in listed())


def test_the_table_has_the_same_rows() -> None:
    lines = [line for line in run("zoo").stdout.splitlines()[1:] if line.startswith(" ")]
    assert [line.split()[0] for line in lines] == [row["name"] for row in listed()]
    told = dict(zip((row["name"] for row in listed()), lines, strict=True))
    assert told["VGG16"].split()[1:] == ["3x224x224", "138,357,544", "15,470,264,320"]


def test_a_name_prints_the_spec() -> None:
    assert run("zoo", "resnet-50").stdout == (ROOT / "specs" / "resnet.arch").read_text(encoding="utf-8")
    done = run("zoo", "resnt50")
    assert done.returncode == 2 and "ResNet50" in done.stderr
    assert run("zoo", "resnet50", "--format", "json").returncode == 2
