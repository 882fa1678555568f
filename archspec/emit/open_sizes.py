"""Sizes that stay open in a written model: the batch, and the input sizes that the spec names without binding them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import NamedTuple

from archspec.graph import Graph, Node
from archspec.op import RuleError, Shape, by
from archspec.ops.input import Input
from archspec.source import Diagnostic, SpecError

BATCH = "batch"
Dims = tuple[int | str | None, ...]  # a number, the name of an open size, or one that has neither


class Sizing(NamedTuple):
    """One choice for every open size, and the shape that each node of the graph then has.

    `grown` are the named sizes that are not the graph's own.
    """

    values: dict[str, int]
    shapes: tuple[Shape, ...]
    grown: dict[str, int] = {}

    def full(self, index: int) -> Shape:
        """The shape of a node's output with the batch in front."""
        return (self.values[BATCH], *self.shapes[index])


def sizings(graph: Graph) -> tuple[Sizing, ...]:
    """Choices of the open sizes under which no two of them, nor their sums or products, agree.

    The first is the graph's own sizes.  Raises SpecError where a named size is built into the network: a weight or a
    constant of the lowering depends on it.
    """
    symbols = _symbols(graph)
    own = Sizing({BATCH: 1009} | symbols, tuple(node.shape for node in graph.nodes))
    if not symbols:
        return own, own._replace(values={BATCH: 2003})
    # Whole multiples, so that a network that halves its input k times still fits.
    choices = [own]
    for batch, first, step in ((2003, 2, 1), (3001, 2 + len(symbols), -1)):
        values = {name: size * (first + step * i) for i, (name, size) in enumerate(symbols.items())}
        choices.append(Sizing({BATCH: batch} | values, _resized(graph, values), values))
    return tuple(choices)


def name_sizes(across: Sequence[Shape], choices: Sequence[Sizing]) -> Dims:
    """One shape from what it is under each choice: a size that never changes is a number, one that is an open size
    under every choice has its name."""

    def name(*sizes: int) -> int | str | None:
        if len(set(sizes)) == 1:
            return sizes[0]
        return next((s for s in choices[0].values if sizes == tuple(c.values[s] for c in choices)), None)

    return tuple(map(name, *across))


def _symbols(graph: Graph) -> dict[str, int]:
    """The sizes that the inputs leave open, with the value to count with."""
    found: dict[str, int] = {}
    for node in (graph.nodes[i] for i in graph.inputs):
        assert isinstance(node.op, Input)
        for name, size in zip(node.op.symbols, node.shape, strict=False):
            if name == BATCH:
                raise _refused("an input size cannot be called batch in an ONNX model", node, "give it another name")
            if name and found.setdefault(name, size) != size:
                message = f"the size {name} is {found[name]} in one input and {size} in {node.path}"
                raise _refused(message, node, "use two names")
    return found


def _resized(graph: Graph, values: Mapping[str, int]) -> tuple[Shape, ...]:
    """Every node's shape with other input sizes, by the same cards."""
    shapes: list[Shape] = []
    for node in graph.nodes:
        if isinstance(node.op, Input):
            names = node.op.symbols or ("",) * len(node.shape)
            shapes.append(tuple(values.get(name, size) for name, size in zip(names, node.shape, strict=True)))
            continue
        here, there = graph.shapes_into(node), tuple(shapes[i] for i in node.inputs)
        try:
            shapes.append(node.op.infer(*there))
            same = (node.op.weights(*here), node.op.onnx(*here)) == (node.op.weights(*there), node.op.onnx(*there))
        except RuleError as error:
            raise fixed(node, values, error.message) from error
        if not same:
            raise fixed(node, values, f"{node.op.name} is made for an input of {by(here[0])}, not {by(there[0])}")
    return tuple(shapes)


def fixed(node: Node, values: Mapping[str, int], reason: str) -> SpecError:
    """Why a network cannot leave these sizes open: a node does not follow them."""
    names = " and ".join(values)
    message = f"{names} cannot stay open in an ONNX model, because of {node.path}: {reason}"
    return _refused(message, node, f"bind the size: {' '.join(f'-D {name}=...' for name in values)}")


def _refused(message: str, node: Node, help: str) -> SpecError:
    return SpecError((Diagnostic("A731", message, node.span, help=help),))
