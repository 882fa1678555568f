"""Layers side by side: columns are networks, rows are aligned by the size of the map that a layer makes.

With `blocks`, a block whose streams join is one entry, `[conv1-64, conv3-64, conv1-256] x3`, and stands where its last
layer does; strides and projections on shortcuts go without saying there, as in the ResNet paper's table, and branches
beside each other are told as the language writes them, `[conv1-16, concat[conv1-64 | conv3-64]]`.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from difflib import SequenceMatcher
from itertools import groupby, zip_longest
from typing import NamedTuple

from archspec.analyze import Analysis
from archspec.compare.stamps import branches, is_shortcut, joining
from archspec.compare.table import Cell, Table
from archspec.compare.wording import is_told, label, map_size
from archspec.graph import Frame, Graph, Node


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
    entries: list[tuple[str, str]] = []
    for module, group in groupby(zip(joining(graph), graph.nodes, strict=True), key=lambda pair: pair[0]):
        nodes = [node for _, node in group if not is_shortcut(node)]
        if module:
            entries.append((map_size(nodes[-1]), f"[{', '.join(_joined(graph, nodes, module))}]"))
        else:
            entries += [(map_size(node), label(node)) for node in nodes if is_told(graph, node)]
    for (size, text), alike in groupby(entries):
        count = len([*alike])
        yield size, f"{text} x{count}" if count > 1 else text


def _joined(graph: Graph, nodes: Iterable[Node], module: Frame, level: int = 0) -> list[str]:
    """The layers of a module in order; where branches meet, one text for all of them that have any."""
    told: list[str] = []
    beside: list[str] = []

    def branch(node: Node) -> str:
        return next(iter(branches(node, module)[level:]), "")

    for path, group in groupby(nodes, key=branch):
        if path:
            beside.append(", ".join(_joined(graph, group, module, level + 1)))
            continue
        for node in group:
            if len(node.inputs) > 1:
                told += _beside(node.op.name, beside)
                beside = []
            elif is_told(graph, node):
                told.append(label(node, stride=False))
    return told + _beside("", beside)


def _beside(join: str, texts: list[str]) -> list[str]:
    several = [text for text in texts if text]
    return several if len(several) < 2 else [f"{join}[{' | '.join(several)}]"]


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
