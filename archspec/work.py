"""What a training step computes, and how many neurons and connections a network has.

Backward: every contraction is computed twice more, once for the gradient of its weights (or of the other factor) and
once for that of its input, which a first layer does without; every other operation counts once more.  Update: what the
optimizer computes for every parameter.
"""

from __future__ import annotations

from math import prod
from typing import NamedTuple

from archspec.analyze import Analysis
from archspec.gradients import needs_gradients
from archspec.op import Op, Shape
from archspec.optimizers import find_optimizer
from archspec.record import Record


class Layer(NamedTuple):
    """The facts of one node; FLOPs are the whole batch's."""

    node: int
    forward: int
    backward: int
    connections: int
    neurons: int


class Work(Record):
    """A training step's FLOPs, and the network's connections and neurons: `layers[i]` is about node i.

    `connections` are links with a weight, one to each value that a unit sums and one to its bias (LeCun et al. 1998);
    `neurons` are the units that have such links (Krizhevsky et al. 2012).  A shared layer's count at every use.
    """

    net: str
    batch: int
    optimizer: str
    layers: tuple[Layer, ...]
    forward: int
    backward: int
    update: int
    connections: int
    neurons: int

    @property
    def step(self) -> int:
        """FLOPs of a whole step."""
        return self.forward + self.backward + self.update


class _Counts(NamedTuple):
    """What the card says for one example: MACs, other operations, the MACs of each input's gradient, connections."""

    macs: int
    other: int
    gradients: tuple[int, ...]
    connections: int


def count_work(analysis: Analysis, *, optimizer: str = "adamw") -> Work:
    """The work of a training step, and the units.  Raises SpecError for an unknown optimizer."""
    nodes, needs = analysis.graph.nodes, needs_gradients(analysis.graph)
    known: dict[tuple[int, tuple[Shape, ...]], _Counts] = {}  # nodes of one call site hold one operator
    layers: list[Layer] = []
    for row, node in zip(analysis.rows, nodes, strict=True):
        key = (id(node.op), analysis.graph.shapes_into(node))
        if key not in known:
            known[key] = _counts(node.op, node.shape, key[1])
        counts = known[key]
        backward = _backward(counts, [needs[i] for i in node.inputs]) if needs[row.index] else 0
        neurons = prod(node.shape) if counts.connections else 0
        layers.append(Layer(row.index, row.flops, analysis.batch * backward, counts.connections, neurons))
    return Work(
        analysis.graph.name,
        analysis.batch,
        optimizer,
        tuple(layers),
        analysis.totals.flops,
        sum(layer.backward for layer in layers),
        analysis.totals.params * find_optimizer(optimizer).flops,
        sum(layer.connections for layer in layers),
        sum(layer.neurons for layer in layers),
    )


def _counts(op: Op, y: Shape, xs: tuple[Shape, ...]) -> _Counts:
    macs, other = op.cost(y, *xs)
    gradients = tuple(op.gradient_macs(number, y, *xs) for number in range(len(xs))) if macs else (0,) * len(xs)
    return _Counts(macs, other, gradients, op.connections(y, *xs))


def _backward(counts: _Counts, needs: list[bool]) -> int:
    """FLOPs of the backward pass of a layer, given which inputs need a gradient."""
    spared = sum(macs for macs, needed in zip(counts.gradients, needs, strict=True) if not needed)
    return 2 * (2 * counts.macs - spared) + counts.other
