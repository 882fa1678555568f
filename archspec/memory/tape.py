"""What autograd keeps from the forward to the backward pass, tensor by tensor.

Every card says what its backward pass needs; this module follows which of those tensors share memory, so that what two
layers keep counts once and a view keeps all that it looks at.
"""

from __future__ import annotations

from collections.abc import Iterator
from math import prod
from typing import NamedTuple

from archspec.gradients import needs_gradients
from archspec.graph import Graph, Node
from archspec.memory.layout import Strides, channels_first, is_ready, output_strides
from archspec.op import Op, Shape
from archspec.saved import Kept, Saved

WIDTHS = {"float64": 8, "float32": 4, "float16": 2, "bfloat16": 2, "int64": 8, "int32": 4, "int8": 1, "bool": 1}


class Storage(NamedTuple):
    """A piece of memory: the layer that made it, what it is, and its bytes for each example and for the whole batch."""

    path: str
    what: str
    shape: Shape
    dtype: str
    per_example: int
    fixed: int = 0

    def bytes(self, batch: int) -> int:
        return self.fixed + batch * self.per_example


class Tape(NamedTuple):
    """`storages`, and per node which of them its backward pass needs and in which its output lies."""

    storages: tuple[Storage, ...]
    keeps: tuple[tuple[int, ...], ...]
    outputs: tuple[int, ...]
    needs: tuple[bool, ...]  # whether a node's output needs a gradient


def record(graph: Graph, dtype: str) -> Tape:
    """The tape of a forward pass whose activations are of the type `dtype`; linear in the nodes."""
    recorder = _Recorder(graph, dtype)
    for index, node in enumerate(graph.nodes):
        recorder.visit(index, node)
    return Tape(tuple(recorder.storages), tuple(recorder.keeps), tuple(recorder.outputs), tuple(recorder.needs))


class _Recorder:
    def __init__(self, graph: Graph, dtype: str) -> None:
        self.nodes, self.dtype, self.needs = graph.nodes, dtype, needs_gradients(graph)
        self.storages: list[Storage] = []
        self.keeps: list[tuple[int, ...]] = []
        self.outputs: list[int] = []
        self.strides: list[Strides] = []
        self.known: dict[tuple[int, tuple[Shape, ...]], Saved] = {}  # nodes of one call site hold one operator

    def visit(self, index: int, node: Node) -> None:
        if not node.inputs:
            dtype = getattr(node.op, "dtype", "float32")
            dtype = self.dtype if dtype == "float32" else dtype
            self.outputs.append(self.store(node, Kept("input", node.shape, dtype)))
            self.strides.append(channels_first(node.shape))
            self.keeps.append(())
            return
        saved = self.saved(node.op, node.shape, tuple([self.nodes[i].shape for i in node.inputs]))
        given = [(self.nodes[i].shape, self.strides[i]) for i in node.inputs]
        strides, lives = output_strides(saved, node.shape, given)
        output = self.outputs[node.inputs[0]] if lives else self.store(node, Kept("output", node.shape))
        self.outputs.append(output)
        self.strides.append(strides)
        self.keeps.append(tuple(dict.fromkeys(self.kept(node, saved, output))) if self.needs[index] else ())

    def saved(self, op: Op, y: Shape, xs: tuple[Shape, ...]) -> Saved:
        key = (id(op), xs)
        if key not in self.known:
            self.known[key] = op.saved(y, *xs)
        return self.known[key]

    def kept(self, node: Node, saved: Saved, output: int) -> Iterator[int]:
        """The storages that the backward pass of a node needs."""
        needs = [self.needs[i] for i in node.inputs]
        for number in saved.inputs:
            source = node.inputs[number]
            others = needs[:number] + needs[number + 1 :]
            if not {"any": True, "own": needs[number], "others": any(others)}[saved.to]:
                continue
            if is_ready(saved.read, self.nodes[source].shape, self.strides[source]):
                yield self.outputs[source]
            else:
                yield self.store(node, Kept("copy of the input", self.nodes[source].shape))
        if saved.output:
            yield output
        for made in saved.made:
            if made.always or any(needs):
                yield self.store(node, made)

    def store(self, node: Node, kept: Kept) -> int:
        dtype = kept.dtype or self.dtype
        size = prod(kept.shape) * WIDTHS[dtype]
        sizes = (size, 0) if kept.batched else (0, size)
        self.storages.append(Storage(node.path, kept.name, kept.shape, dtype, *sizes))
        return len(self.storages) - 1


def needed(tape: Tape) -> list[int]:
    """Every storage that some backward pass needs, once, in the order of the layers."""
    return list(dict.fromkeys(storage for keeps in tape.keeps for storage in keeps))
