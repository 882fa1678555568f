"""The lines of a table: layers and blocks, in which iterations that are alike stand once."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Literal, NamedTuple

from archspec.analyze import Analysis, Row
from archspec.field import Field
from archspec.fold import Group, fold, unfold
from archspec.graph import Node
from archspec.op import Shape
from archspec.report.wording import call_text, count_text, field_text, shape_text, spelled

# What FLOPs are: everything that archspec counts, or what a convention of archspec.conventions does.
Count = Literal["all", "2mac", "paper", "fvcore", "ptflops", "thop", "torchinfo", "calflops"]
TITLES = ("Layer", "Operator", "Output", "Params", "MACs", "FLOPs", "Field")


class Counts(NamedTuple):
    """What a line adds to the totals."""

    params: int
    macs: int
    flops: int


class Line(NamedTuple):
    """A layer; a block whose layers follow it; or a block that stays closed.

    `counts` are the layer's, the sums of a closed block, and for `times` iterations told once the sums of all of them,
    while the lines below are the first iteration's; None for a block whose layers follow it once.
    """

    level: int
    name: str  # below the line that it stands under
    path: str
    operator: str
    output: str
    counts: Counts | None
    field: Field | None
    times: int = 1
    block: bool = False
    shared: bool = False

    @property
    def label(self) -> str:
        """The name with how often it is told."""
        return f"{self.name}  x{self.times}" if self.times > 1 else self.name

    @property
    def cells(self) -> tuple[str, ...]:
        """The texts under TITLES."""
        if self.counts is None:
            return (self.label, self.operator, "", "", "", "", "")
        params, macs, flops = map(count_text, self.counts)
        shown = "shared" if self.shared else params
        return (self.label, self.operator, self.output, shown, macs, flops, field_text(self.field))


def lines(analysis: Analysis, *, expand: bool = False, depth: int | None = None, count: Count = "all") -> list[Line]:
    """The lines of an analysis.  `expand` tells every iteration; what is nested more than `depth` levels
    deep stays closed."""
    tree = unfold(analysis.graph) if expand else fold(analysis.graph, "entries")
    return list(_Lines(analysis, count).of(tree, "", 0, depth))


def flops_by_node(analysis: Analysis, count: Count = "all") -> list[int]:
    """The FLOPs of each node.  Raises SpecError where a convention has no number for an operator."""
    if count == "all":
        return [row.flops for row in analysis.rows]
    from archspec import counting

    return [number for number in counting.count(analysis, count).rows if number is not None]


class _Lines:
    def __init__(self, analysis: Analysis, count: Count) -> None:
        self.graph, self.rows, self.flops = analysis.graph, analysis.rows, flops_by_node(analysis, count)
        self.spelled: dict[tuple[int, tuple[Shape, ...]], str] = {}  # nodes of one call site hold one operator

    def of(self, group: Group, above: str, level: int, depth: int | None) -> Iterator[Line]:
        """The lines in a group; names are told from the path `above` on."""
        for member in group.members:
            if isinstance(member, int):
                yield self.layer(member, above, level)
            elif not _tells(member):
                yield from self.of(member, above, level, depth)
            elif depth is not None and depth < _levels(member):
                yield self.frame(member, above, level, closed=True)
            else:
                yield self.frame(member, above, level, closed=False)
                yield from self.of(member, member.path, level + 1, depth and depth - _levels(member))

    def layer(self, index: int, above: str, level: int) -> Line:
        node, row = self.graph.nodes[index], self.rows[index]
        name, shape = _below(node.path, above), shape_text(node.shape)
        shared = node.shares is not None
        return Line(level, name, node.path, self.operator(node), shape, self.counts([row]), row.field, shared=shared)

    def operator(self, node: Node) -> str:
        xs = self.graph.shapes_into(node)
        if (id(node.op), xs) not in self.spelled:
            self.spelled[id(node.op), xs] = spelled(node.op, *xs) if xs else node.op.name
        return self.spelled[id(node.op), xs]

    def frame(self, group: Group, above: str, level: int, *, closed: bool) -> Line:
        rows = [self.rows[index] for index in group.nodes]
        last = self.graph.nodes[group.nodes[-1]]
        block = group.block
        operator = call_text(block) if block else f"({len(rows) // group.count} layers)" if closed else ""
        name, counts = _below(group.label, above), self.counts(rows) if closed or group.count > 1 else None
        shape, field = shape_text(last.shape), rows[-1].field
        return Line(level, name, group.label, operator, shape, counts, field, group.count, block=True)

    def counts(self, rows: list[Row]) -> Counts:
        macs = sum(row.macs for row in rows)
        flops = sum(self.flops[row.index] for row in rows)
        return Counts(sum(row.params for row in rows), macs, flops)


def _tells(group: Group) -> bool:
    """Whether the frame of a group says something that a reader wants to see."""
    return group.count > 1 or any(frame.kind in ("block", "shared") or frame.labelled for frame in group.frames)


def _levels(group: Group) -> int:
    """How many levels deep a group's frames are: a block that lends its name to a repeat is one with it."""
    return max(
        1, sum(frame.kind == "repeat" or (frame.kind != "branch" and bool(frame.name)) for frame in group.frames)
    )


def _below(path: str, above: str) -> str:
    return path[len(above) + 1 :] if above and path.startswith(above + ".") else path
