"""Which tensors a forward pass has in memory: each from the step that makes it to the last that reads it."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from math import prod
from typing import NamedTuple

from archspec.graph import Graph, Node
from archspec.memory.tape import WIDTHS


class Step(NamedTuple):
    """One layer that makes a tensor: which tensors it reads, and whether it could write over one of them."""

    node: int
    reads: tuple[int, ...]
    writes: int
    inplace: bool


class Tensor(NamedTuple):
    """A tensor of the forward pass: the node that makes it, and its bytes for one example."""

    node: int
    size: int
    given: bool = False  # an input of the network: there from the beginning, and nobody's to overwrite


class Program(NamedTuple):
    """A forward pass: a layer whose output is a view of its input makes nothing and is no step."""

    steps: tuple[Step, ...]
    tensors: tuple[Tensor, ...]
    outputs: frozenset[int]  # tensors that stay
    makers: tuple[int, ...]  # per tensor the step that makes it, -1 for an input
    readers: tuple[tuple[int, ...], ...]  # per tensor the steps that read it


def program(graph: Graph, dtype: str) -> Program:
    """The steps of a network whose values have the type `dtype`, in the order of the file."""
    tensors: list[Tensor] = []
    steps: list[Step] = []
    makers: list[int] = []
    readers: list[list[int]] = []
    held: list[int] = []  # per node the tensor that its output is, or lies in
    for index, node in enumerate(graph.nodes):
        if node.inputs and node.op.view:
            held.append(held[node.inputs[0]])
            continue
        held.append(len(tensors))
        tensors.append(Tensor(index, _size(node, dtype), given=not node.inputs))
        readers.append([])
        makers.append(len(steps) if node.inputs else -1)
        if node.inputs:
            reads = tuple(dict.fromkeys(held[i] for i in node.inputs))
            for tensor in reads:
                readers[tensor].append(len(steps))
            steps.append(Step(index, reads, held[index], node.op.inplace))
    outputs = frozenset(held[output.node] for output in graph.outputs)
    return Program(tuple(steps), tuple(tensors), outputs, tuple(makers), tuple(map(tuple, readers)))


def _size(node: Node, dtype: str) -> int:
    """Bytes of an output for one example; an input of another type than float32 keeps it."""
    own = getattr(node.op, "dtype", "float32")
    return prod(node.shape) * WIDTHS[dtype if own == "float32" else own]


class Moment(NamedTuple):
    """Bytes in memory, what they would be had nothing been freed, and the tensors there."""

    level: int
    unfreed: int
    alive: dict[int, None]


def replay(program: Program, order: Sequence[int], inplace: bool) -> Iterator[Moment]:
    """The moments before the first step and while each step runs: what it reads is still there when its output is."""
    waiting = [len(steps) for steps in program.readers]
    alive = {t: None for t, tensor in enumerate(program.tensors) if tensor.given}
    level = unfreed = sum(program.tensors[t].size for t in alive)
    yield Moment(level, unfreed, alive)
    for index in order:
        step = program.steps[index]
        taken = _overwritten(program, step, waiting) if inplace else None
        if taken is not None:
            del alive[taken]
        else:
            level += program.tensors[step.writes].size
            unfreed += program.tensors[step.writes].size
        alive[step.writes] = None
        yield Moment(level, unfreed, alive)
        for tensor in step.reads:
            waiting[tensor] -= 1
        for tensor in (*step.reads, step.writes):
            if not waiting[tensor] and tensor not in program.outputs and tensor in alive:
                del alive[tensor]
                level -= program.tensors[tensor].size


def _overwritten(program: Program, step: Step, waiting: list[int]) -> int | None:
    """The tensor whose place the output of a step can take: of its size, and nobody else's to read."""
    if not step.inplace:
        return None
    for tensor in step.reads:
        free = waiting[tensor] == 1 and tensor not in program.outputs and not program.tensors[tensor].given
        if free and program.tensors[tensor].size == program.tensors[step.writes].size:
            return tensor
    return None


class Peak(NamedTuple):
    """The most that an order has in memory: bytes for one example, the step, and the tensors there.

    `unfreed` is what there would be in the end if nothing were ever freed.
    """

    size: int
    step: int | None  # None where it is before the first step
    tensors: tuple[int, ...]
    unfreed: int


def peak(program: Program, order: Sequence[int], inplace: bool = False) -> Peak:
    """The first moment at which an order has the most in memory."""
    moments = [(moment.level, moment.unfreed) for moment in replay(program, order, inplace)]
    at = max(range(len(moments)), key=lambda number: moments[number][0])
    alive = next(moment.alive for number, moment in enumerate(replay(program, order, inplace)) if number == at)
    return Peak(moments[at][0], order[at - 1] if at else None, tuple(sorted(alive)), moments[-1][1])
