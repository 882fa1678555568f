"""The analysis against 133 reference networks, published figures, and graphs made to be awkward."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest

from archspec.analyze import Analysis, analyze
from archspec.field import Axis

sys.path.insert(0, str(Path(__file__).parent))
import reference


@pytest.mark.parametrize("name", sorted(reference.networks()))
def test_a_reference_network_row_by_row(name: str) -> None:
    graph, place = reference.graph(name)
    analysis = analyze(graph)
    for number, layer in enumerate(reference.networks()[name]):
        node, row = graph.nodes[place[number]], analysis.rows[place[number]]
        where = f"{name}: {layer.name}"
        assert node.shape == layer.shape, where
        if layer.op != "add" or node.op.name != "wsum":
            assert (row.params, row.macs) == (layer.params, layer.macs), where
        if layer.field is not None:
            assert row.field is not None, where
            found = tuple((axis.stride, *(axis.at(0) or ())) for axis in row.field.axes)
            assert found == layer.field, where
