"""Activation checkpointing: a block keeps what enters it, and computes the rest again when its backward pass comes."""

from __future__ import annotations

from collections.abc import Container, Iterable, Iterator
from itertools import groupby
from typing import NamedTuple

from archspec.graph import Graph, Node
from archspec.memory.tape import Tape, needed


class Checkpointed(NamedTuple):
    """What a way to cut a network keeps all the time, and what its largest block keeps more while it is computed again.

    `level` says how deep the blocks are nested that were cut at; `blocks` counts them.
    """

    kept: tuple[int, ...]
    inside: tuple[int, ...]
    block: str
    level: int
    blocks: int


def checkpoint(graph: Graph, tape: Tape, batch: int) -> Checkpointed | None:
    """The cut along blocks and repeats, all at one level of nesting, that takes least for a batch; None where no block
    needs a gradient."""
    depth = max((len(_frames(node)) for node in graph.nodes), default=0)
    cuts = [cut_at(graph, tape, level, batch) for level in range(1, depth + 1)]
    return min(
        (cut for cut in cuts if cut.blocks), key=lambda cut: _bytes(tape, (*cut.kept, *cut.inside), batch), default=None
    )


def _frames(node: Node) -> tuple[str, ...]:
    """The paths of the blocks and iterations that a node stands in, outermost first."""
    return tuple(frame.path for frame in node.scope if frame.kind in ("block", "repeat"))


def _bytes(tape: Tape, storages: Iterable[int], batch: int) -> int:
    return sum(tape.storages[storage].bytes(batch) for storage in storages)


def runs(graph: Graph, tape: Tape, level: int) -> Iterator[tuple[str, list[int]]]:
    """Runs of nodes in one block at this level; "" is outside of any.  A run's nodes follow each other, so that nothing
    leaves it and comes back."""
    frames = [_frames(node)[:level] for node in graph.nodes]
    for key, members in groupby(range(len(frames)), key=frames.__getitem__):
        nodes = list(members)
        yield (key[-1] if key and any(tape.needs[i] for i in nodes) else ""), nodes


def cut_at(graph: Graph, tape: Tape, level: int, batch: int) -> Checkpointed:
    """What cutting at one level keeps, and what its largest block keeps more."""
    kept: dict[int, None] = {}
    insides: list[tuple[str, list[int]]] = []
    for path, nodes in runs(graph, tape, level):
        members = set(nodes)
        if not path:
            kept.update((storage, None) for i in nodes for storage in tape.keeps[i])
            continue
        entering = (source for i in nodes for source in graph.nodes[i].inputs if source not in members)
        kept.update((tape.outputs[source], None) for source in entering)
        insides.append((path, nodes))
    own = [(path, _more(tape, nodes, kept)) for path, nodes in insides]
    block, inside = max(own, key=lambda found: _bytes(tape, found[1], batch), default=("", ()))
    return Checkpointed(tuple(sorted(kept)), inside, block, level, len(insides))


def _more(tape: Tape, nodes: list[int], kept: Container[int]) -> tuple[int, ...]:
    """What the backward pass of some nodes needs beyond what is kept anyway."""
    return tuple(dict.fromkeys(storage for i in nodes for storage in tape.keeps[i] if storage not in kept))


def without(tape: Tape) -> Checkpointed:
    """The same account where nothing is computed again."""
    return Checkpointed(tuple(needed(tape)), (), "", 0, 0)
