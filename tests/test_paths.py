"""The names of expanded things are an API: `state_dict` keys, ONNX nodes, weight files and diagrams use them.

`python tests/test_paths.py` writes the golden files anew; a difference is a change that breaks other people's weights.
"""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Any

import pytest

ROOT = Path(__file__).resolve().parent.parent
GOLDEN = ROOT / "tests" / "golden" / "paths"
BLUEPRINT = {"INPUT": "3x32x32", "N": "2,1", "M": 2, "K": 1, "CONV": "8,16", "POOL": "on,off", "FC.1": 32, "FC.2": 10}

# golden file -> spec, net, and what is bound: of each way of naming one network, small enough to be read
SPECS: dict[str, tuple[str, str | None, dict[str, Any]]] = {
    "blueprint": ("blueprint", None, BLUEPRINT),  # two levels of repeats, an option that is off once
    "lenet5": ("lenet5.arch", "LeNet5", {}),  # a chain
    "vgg16": ("vgg", "VGG16", {}),  # a labelled stage, a variant of a net
    "vgg_table": ("vgg_table", None, {}),  # shorthand, act= as a node of its own
    "resnet50": ("resnet", "ResNet50", {}),  # blocks in repeats in a labelled repeat, projections
    "googlenet": ("googlenet", "GoogLeNet", {}),  # branches, labelled blocks
    "mobilenet_v2": ("mobilenet_v2", None, {}),  # an option that keeps its number
    "unet": ("unet", None, {}),  # a label in a repeat
    "unetpp": ("unetpp", None, {}),  # labels with two indices, for statements
    "siamese": ("siamese", "Siamese", {}),  # a shared flow used twice
    "randwire": ("randwire", None, {"n": 6}),  # a random graph
    "fpn": ("fpn", None, {"depths": [1, 1, 1, 1]}),  # blocks with ports, several outputs, an imported file
    "two_outputs": ("two_outputs", None, {}),  # labelled inputs and blocks in a for
    "darts": ("darts", None, {"n": 3}),  # separable convolutions, pick
    "shufflenet_v2": ("shufflenet_v2", None, {}),  # split
    "highway": ("highway", "HighwayMLP8x50", {"layers": 3}),  # gates
}


def paths(name: str) -> str:
    """The path and operator of each node, and the names of the outputs."""
    import archspec

    spec, net, bound = SPECS[name]
    graph = archspec.load(spec if not spec.endswith(".arch") else ROOT / "specs" / spec, net, **bound).graph
    width = max(len(node.path) for node in graph.nodes)
    lines = [f"{node.path:<{width}}  {node.op.name}" for node in graph.nodes]
    return "\n".join([*lines, "", *(f"{o.name} = {graph.nodes[o.node].path}" for o in graph.outputs), ""])


@pytest.mark.parametrize("name", SPECS)
def test_paths_are_what_they_were(name: str) -> None:
    assert paths(name) == (GOLDEN / f"{name}.txt").read_text(encoding="utf-8")


def test_every_golden_file_is_compared() -> None:
    assert {path.stem for path in GOLDEN.glob("*.txt")} == {*SPECS}


if __name__ == "__main__":
    sys.path.insert(0, str(ROOT))
    GOLDEN.mkdir(parents=True, exist_ok=True)
    for each in SPECS:
        (GOLDEN / f"{each}.txt").write_text(paths(each), encoding="utf-8")
