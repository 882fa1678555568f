"""A network as the GoogLeNet paper's Table 1 has it: a row for each layer or module, and the widths in the module.

As in the paper, K is 1024 parameters and biases are not counted, M is a million multiply-accumulates.  In a module a
1x1 convolution that a larger one reads is that one's reduction, and one that reads a pool is the pool's projection; a
1x1 right before a larger convolution of the chain counts as its reduction too.
"""

from __future__ import annotations

from collections.abc import Iterator
from itertools import groupby
from math import prod
from typing import NamedTuple

from archspec.analyze import Analysis
from archspec.compare.stamps import is_shortcut, joining
from archspec.compare.table import Cell, Table
from archspec.compare.wording import is_told
from archspec.graph import Graph, Node
from archspec.report.wording import shape_text


class _Row(NamedTuple):
    """Consecutive nodes that one row tells."""

    kind: str
    patch: str
    nodes: list[int]
    widths: dict[str, list[int]]


def modules(analysis: Analysis) -> Table:
    """The rows of one network, with a column for every kind of width in its modules."""
    graph = analysis.graph
    found = [*_rows(graph)]
    names = sorted({name for row in found for name in row.widths}, key=_order)
    cells = []
    for row in found:
        shape = graph.nodes[row.nodes[-1]].shape
        widths = [", ".join(map(str, row.widths.get(name, ()))) for name in names]
        depth = str(_depth(graph, row.nodes) or "")
        weights = sum(_weights(graph, graph.nodes[index]) for index in row.nodes)
        macs = sum(analysis.rows[index].macs for index in row.nodes)
        texts = (row.kind, row.patch, shape_text(shape), depth, *widths, _k(weights), _m(macs))
        cells.append(tuple(map(Cell, texts)))
    return Table(("type", "patch/stride", "output", "depth", *names, "params", "ops"), tuple(cells))


def _rows(graph: Graph) -> Iterator[_Row]:
    """The modules, which are blocks that join streams, and the layers between them."""
    for module, group in groupby(enumerate(joining(graph)), key=lambda pair: pair[1]):
        nodes = [index for index, _ in group]
        if module:
            yield _Row(module.definition, "", nodes, _widths(graph, nodes))
        else:
            yield from _chain(graph, nodes)


def _chain(graph: Graph, nodes: list[int]) -> Iterator[_Row]:
    told = [index for index in nodes if is_told(graph, graph.nodes[index])]
    waiting: list[int] = []
    for at, index in enumerate(told):
        waiting.append(index)
        following = graph.nodes[told[at + 1]] if at + 1 < len(told) else None
        if following and _kernel(graph.nodes[index]) == (1, 1) and max(_kernel(following), default=0) > 1:
            if not _is_pool(following):
                continue
        node = graph.nodes[index]
        kernel = _kernel(node)
        stride = getattr(node.op, "stride", ())
        patch = f"{shape_text(kernel)}/{stride[0]}" if kernel and stride else ""
        widths = _widths(graph, waiting) if len(waiting) > 1 else {}
        yield _Row(node.op.name, patch, [*range(waiting[0], index + 1)], widths)
        waiting = []


def _kernel(node: Node) -> tuple[int, ...]:
    return tuple(getattr(node.op, "kernel", ()))


def _is_pool(node: Node) -> bool:
    return bool(_kernel(node)) and not hasattr(node.op, "bias")


def _widths(graph: Graph, nodes: list[int]) -> dict[str, list[int]]:
    """The channels of the convolutions among some nodes, by their part in it."""
    filters = [i for i in nodes if _kernel(graph.nodes[i]) and not _is_pool(graph.nodes[i])]
    before = {i: _source(graph, i) for i in filters}
    widths: dict[str, list[int]] = {}
    for index in filters:
        readers = [_kernel(graph.nodes[i]) for i in filters if before[i] == index]
        own = _kernel(graph.nodes[index])
        name = f"#{shape_text(own)}" + " depthwise" * _is_depthwise(graph, graph.nodes[index])
        if is_shortcut(graph.nodes[index]):
            name = "shortcut"
        elif max(own) == 1 and (larger := [kernel for kernel in readers if max(kernel) > 1]):
            name = f"#{shape_text(larger[0])} reduce"
        elif before[index] in nodes and _is_pool(graph.nodes[before[index]]):
            name = "pool proj"
        widths.setdefault(name, []).append(graph.nodes[index].shape[0])
    return widths


def _is_depthwise(graph: Graph, node: Node) -> bool:
    """Whether each filter reads one of several input channels."""
    shapes = graph.shapes_into(node)
    weights = node.op.weights(*shapes)
    return bool(weights) and weights[0].shape[1] == 1 < shapes[0][0]


def _source(graph: Graph, index: int) -> int:
    """The layer that a layer reads, activations and the like passed over."""
    at = graph.nodes[index].inputs[0]
    while graph.nodes[at].inputs and not is_told(graph, graph.nodes[at]) and len(graph.nodes[at].inputs) == 1:
        at = graph.nodes[at].inputs[0]
    return at


def _order(name: str) -> tuple[bool, str, bool]:
    """1x1, 3x3 reduce, 3x3, 5x5 reduce, 5x5, the pool's last."""
    return not name.startswith("#"), name.removesuffix(" reduce"), not name.endswith("reduce")


def _depth(graph: Graph, nodes: list[int]) -> int:
    """Weight layers on the longest path through some nodes."""
    depths: dict[int, int] = {}
    for index in nodes:
        node = graph.nodes[index]
        weighty = bool(_weights(graph, node)) and is_told(graph, node)
        depths[index] = max((depths.get(i, 0) for i in node.inputs), default=0) + weighty
    return max(depths.values())


def _weights(graph: Graph, node: Node) -> int:
    weights = node.op.weights(*graph.shapes_into(node))
    return sum(prod(weight.shape) for weight in weights if weight.trainable and weight.name != "bias")


def _k(count: int) -> str:
    return f"{count / 1024:,.1f}K" if count else ""


def _m(count: int) -> str:
    return f"{count / 1e6:,.1f}M" if count else ""
