"""The receptive fields that papers and tools have published, out of the specs that ship."""

from __future__ import annotations

import pytest

import archspec
from archspec.field import Field, see
from archspec.op import Window

# google-research/receptive_field, before global pooling; ResNet50 to 152 with torchvision's strides, by its gradients.
PUBLISHED = {
    "AlexNet": 195,
    "VGG16": 212,
    "MobileNet": 315,
    "ResNet50v1": 483,
    "ResNet101v1": 1027,
    "ResNet152v1": 1507,
    "ResNet50": 427,
    "ResNet101": 971,
    "ResNet152": 1451,
    "InceptionV3": 1311,
    "InceptionResNetV2": 3039,
}


def sizes(field: Field | None) -> set[int]:
    assert field is not None
    return {axis.size for axis in field.axes}


@pytest.mark.parametrize("name", PUBLISHED)
def test_a_published_receptive_field(name: str) -> None:
    assert sizes(archspec.load(name).analyze().totals.field) == {PUBLISHED[name]}


def test_the_fields_of_the_fully_convolutional_networks_paper() -> None:
    """VGG-16 with its first FC layer as a 7x7 convolution; AlexNet with its as 6x6, GoogLeNet with its 7x7 pool."""
    analysis = archspec.load("FCN32s").analyze()
    rows = {node.path: row for node, row in zip(analysis.graph.nodes, analysis.rows, strict=True)}
    assert sizes(rows["vgg.score"].field) == {404}
    for name, window, published in (("AlexNet", 6, 355), ("GoogLeNetInference", 7, 907)):
        field = archspec.load(name).analyze().totals.field
        assert field is not None and {see(axis, Window(window)).size for axis in field.axes} == {published}


@pytest.mark.parametrize(
    "name, published", [("DilatedFigure", [3, 7, 15]), ("ContextBasic", [3, 5, 9, 17, 33, 65, 67, 67])]
)
def test_the_fields_of_dilated_convolutions_grow_exponentially(name: str, published: list[int]) -> None:
    """Yu and Koltun 2016: figure 1, and the table of the context module."""
    analysis = archspec.load(name).analyze()
    fields = [sizes(row.field) for row in analysis.rows if analysis.graph.nodes[row.index].op.name == "CONV"]
    assert fields == [{size} for size in published]
