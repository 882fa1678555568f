"""Layers side by side: columns are networks, rows are aligned by the size of the map that a layer makes.

With `blocks`, a block whose streams join is one entry, `[conv1-64, conv3-64, conv1-256] x3`, and stands where its last
layer does; strides and projections on shortcuts go without saying there, as in the ResNet paper's table.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from difflib import SequenceMatcher
from itertools import groupby, zip_longest
from typing import NamedTuple

from archspec.analyze import Analysis
from archspec.compare.table import Cell, Table
from archspec.compare.wording import is_told, label, map_size
from archspec.graph import Graph, Node

_SHORTCUT = "shortcut"  # the branch of a res whose 1x1 only makes shapes meet


class _Stage(NamedTuple):
    """Consecutive entries of one network whose maps have one size."""

    size: str
    entries: tuple[str, ...]


def layers(analyses: Sequence[Analysis]) -> Table:
    """Every layer of the networks, marked where the network to the left lacks it."""
    return _table(analyses, [_stages(_plain(analysis.graph)) for analysis in analyses], marked=True)


def blocks(analyses: Sequence[Analysis]) -> Table:
    """Blocks in one entry each, repeats counted."""
    return _table(analyses, [_stages(_stamped(analysis.graph)) for analysis in analyses], marked=False)


def _table(analyses: Sequence[Analysis], columns: list[list[_Stage]], *, marked: bool) -> Table:
    rows: list[tuple[Cell, ...]] = [
        tuple(map(Cell, ("weight layers", *(str(analysis.totals.depth) for analysis in analyses))))
    ]
    for size, stages in _aligned(columns):
        beside = [None, *stages] if marked else [None] * len(stages)
        told = [_marked(stage, left) for stage, left in zip(stages, beside, strict=False)]
        for number, cells in enumerate(zip_longest(*told, fillvalue=Cell())):
            rows.append((Cell("" if number else size), *cells))
    for name, counts in (
        ("parameters", [analysis.totals.params for analysis in analyses]),
        ("MACs", [analysis.totals.macs for analysis in analyses]),
    ):
        rows.append((Cell(name), *(Cell(f"{count:,}") for count in counts)))
    return Table(("output", *(analysis.graph.name for analysis in analyses)), tuple(rows))


# ---------------------------------------------------------------- entries


def _plain(graph: Graph) -> Iterator[tuple[str, str]]:
    """Size and text of every layer."""
    for node in graph.nodes:
        if is_told(graph, node):
            yield map_size(node), label(node)


def _stamped(graph: Graph) -> Iterator[tuple[str, str]]:
    """Size and text of every layer outside, and of every block that joins streams."""
    joining = {_stamp(node) for node in graph.nodes if len(node.inputs) > 1}
    units = groupby(graph.nodes, key=lambda node: stamp if (stamp := _stamp(node)) in joining else "")
    entries: list[tuple[str, str]] = []
    for stamp, group in units:
        nodes = [*group]
        told = [node for node in nodes if is_told(graph, node) and not _is_shortcut(node)]
        if stamp:
            inside = ", ".join(label(node, stride=False) for node in told)
            entries.append((map_size(nodes[-1]), f"[{inside}]"))
        else:
            entries += [(map_size(node), label(node)) for node in told]
    for (size, text), alike in groupby(entries):
        count = len([*alike])
        yield size, f"{text} x{count}" if count > 1 else text


def _stamp(node: Node) -> str:
    """The path of the outermost block around a node; "" outside any."""
    return next((frame.path for frame in node.scope if frame.kind == "block"), "")


def _is_shortcut(node: Node) -> bool:
    return any(frame.kind == "branch" and frame.name == _SHORTCUT for frame in node.scope)


def _stages(entries: Iterator[tuple[str, str]]) -> list[_Stage]:
    return [_Stage(size, tuple(text for _, text in group)) for size, group in groupby(entries, key=lambda e: e[0])]


# ---------------------------------------------------------------- alignment


def _aligned(columns: list[list[_Stage]]) -> list[tuple[str, list[tuple[str, ...]]]]:
    """Per row of stages its size and what every network has there; the order of each network's sizes is kept."""
    rows: list[tuple[str, list[tuple[str, ...]]]] = []
    for number, column in enumerate(columns):
        theirs, ours = [stage.size for stage in column], [size for size, _ in rows]
        merged: list[tuple[str, list[tuple[str, ...]]]] = []
        for kind, i, i_end, j, j_end in SequenceMatcher(None, ours, theirs, autojunk=False).get_opcodes():
            if kind == "equal":
                merged += [(s, [*have, column[j + k].entries]) for k, (s, have) in enumerate(rows[i:i_end])]
                continue
            merged += [(size, [*have, ()]) for size, have in rows[i:i_end]]
            merged += [(stage.size, [*[()] * number, stage.entries]) for stage in column[j:j_end]]
        rows = merged
    return rows


def _marked(entries: tuple[str, ...], left: tuple[str, ...] | None) -> list[Cell]:
    """The cells of a stage, new where the column to the left, which has this stage, lacks an entry."""
    if not left:
        return [Cell(text) for text in entries]
    kept: set[int] = set()
    for block in SequenceMatcher(None, left, entries, autojunk=False).get_matching_blocks():
        kept |= {*range(block.b, block.b + block.size)}
    return [Cell(text, number not in kept) for number, text in enumerate(entries)]
