"""What a diagram shows as one box: a layer with the normalisation and activation around it, or a whole frame."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from itertools import count, pairwise
from string import Formatter
from typing import Any

from archspec.fold import Group, representatives
from archspec.graph import Frame, Graph
from archspec.op import Op, lookup


@dataclass(frozen=True, slots=True)
class Box:
    """One node of the picture: layers in the order of the flow, or a frame that stays closed."""

    name: str
    layers: tuple[int, ...]
    closed: Group | None = None


@dataclass(frozen=True, slots=True)
class Cluster:
    """One frame of the picture; the root is the whole network."""

    name: str
    group: Group
    items: tuple[Cluster | Box, ...]


@dataclass(frozen=True, slots=True)
class Picture:
    """The boxes of a graph; `box_of` says where each node is drawn, for iterations told once in the first of them."""

    root: Cluster
    box_of: Mapping[int, Box] = field(repr=False)
    shown: list[int] = field(repr=False)  # for each node the one that is drawn in its place

    @property
    def boxes(self) -> list[Box]:
        """In the order of the network."""
        return list(dict.fromkeys(self.box_of.values()))


def arrange(graph: Graph, tree: Group, depth: int | None = None) -> Picture:
    """Puts layers into boxes and frames; frames nested more than `depth` levels deep are closed boxes."""
    return _Arranging(graph, tree).picture(tree, depth)


class _Arranging:
    def __init__(self, graph: Graph, tree: Group) -> None:
        self.graph, self.nodes = graph, graph.nodes
        self.shown = representatives(graph, tree)
        self.readers: list[set[int]] = [set() for _ in graph.nodes]
        for index, node in enumerate(graph.nodes):
            for source in node.inputs:
                self.readers[self.shown[source]].add(self.shown[index])
        for output in graph.outputs:
            self.readers[self.shown[output.node]].add(-1)
        self.box_of: dict[int, Box] = {}
        self.clusters = count(1)

    def picture(self, tree: Group, depth: int | None) -> Picture:
        root = Cluster("", tree, self.items(tree, depth))
        return Picture(root, {i: self.box_of[shown] for i, shown in enumerate(self.shown)}, self.shown)

    def items(self, group: Group, depth: int | None) -> tuple[Cluster | Box, ...]:
        """What is drawn in a frame: boxes for its chains of layers, frames for those groups that say something."""
        items: list[Cluster | Box] = []
        chain: list[int] = []
        for member in _members(group):
            if chain and not (isinstance(member, int) and self.leads_on(chain[-1], member)):
                items += self.stacks(chain)
                chain = []
            if isinstance(member, int):
                chain.append(member)
            else:
                items += self.frame(member, depth)
        return tuple(items + self.stacks(chain))

    def frame(self, group: Group, depth: int | None) -> tuple[Cluster | Box, ...]:
        """A group as a cluster, as a closed box, or the one box that is all it holds."""
        if group.count == 1 and self.is_one_stack(group):
            return self.items(group, depth)
        if depth is not None and depth <= 0:
            return (self.put(Box(f"g{group.start}", (), group), range(group.start, group.start + group.size)),)
        return (Cluster(str(next(self.clusters)), group, self.items(group, None if depth is None else depth - 1)),)

    def is_one_stack(self, group: Group) -> bool:
        chain = [member for member in _members(group) if isinstance(member, int)]
        linked = all(self.leads_on(a, b) for a, b in pairwise(chain))
        return len(chain) == group.size and linked and len(self.split(chain)) == 1

    def leads_on(self, index: int, after: int) -> bool:
        """Whether the only way on from a layer is to `after`, and the only way to that one is from here."""
        return (
            self.readers[index] == {after} and self.nodes[after].inputs == (index,) and bool(self.nodes[index].inputs)
        )

    def stacks(self, chain: list[int]) -> list[Cluster | Box]:
        return [self.put(Box(f"n{part[0]}", tuple(part)), part) for part in self.split(chain)]

    def put(self, box: Box, layers: Any) -> Box:
        self.box_of.update(dict.fromkeys(layers, box))
        return box

    def split(self, chain: list[int]) -> list[list[int]]:
        """A chain of layers cut into boxes of one main layer each.

        What follows a layer is drawn with it; in a chain that begins with a normalisation and ends with a layer
        (pre-activation) what precedes it.
        """
        mains = [i for i, index in enumerate(chain) if not self.is_companion(index)]
        if not mains:
            return [chain] if chain else []
        normalised = any(self.nodes[i].op.weights(*self.graph.shapes_into(self.nodes[i])) for i in chain[: mains[0]])
        if normalised and mains[-1] == len(chain) - 1:
            cuts = [0, *(i + 1 for i in mains)]
        else:
            # What comes straight from a join belongs to the join, not to the next layer.
            cuts = [0, *(mains if self.joins(chain[0]) else mains[1:]), len(chain)]
        return [chain[a:b] for a, b in pairwise(cuts) if a < b]

    def joins(self, index: int) -> bool:
        """Whether a layer is a join or reads one."""
        sources = self.nodes[index].inputs
        return len(sources) > 1 or any(len(self.nodes[i].inputs) > 1 for i in sources)

    def is_companion(self, index: int) -> bool:
        """Whether a layer changes neither shape nor reach and contracts nothing: normalisation, activation, dropout."""
        node = self.nodes[index]
        xs = self.graph.shapes_into(node)
        if len(xs) != 1 or node.op.arity != (1, 1):
            return False
        if node.op.view:
            return True
        return node.shape == xs[0] and node.op.windows(*xs) is None and not node.op.cost(node.shape, *xs).macs


def _members(group: Group) -> Iterator[Group | int]:
    """The members of a group; instead of one whose frame says nothing to a reader, its own members."""
    for member in group.members:
        if isinstance(member, int) or member.count > 1 or any(map(tells, member.frames)):
            yield member
        else:
            yield from _members(member)


def tells(frame: Frame) -> bool:
    """Whether a reader wants to see a frame: a block of the file, a shared flow, anything that the author named."""
    return frame.labelled or frame.kind == "shared" or (frame.kind == "block" and lookup(frame.definition) is None)


# ---------------------------------------------------------------- captions


def caption(op: Op) -> str:
    """What a layer's box says: the card's template filled in, and what papers add: `conv 3x3, 64, /2`."""
    fields, template = dict(op), op.style.label
    text = _Filling().vformat(template, (), {"name": op.name, **fields})
    for word, sign in (("stride", "/{}"), ("dilation", "dilation {}"), ("groups", "groups {}")):
        value = fields.get(word) or 1
        sides = set(value) if isinstance(value, tuple) else {value}
        if sides != {1} and f"{{{word}}}" not in template:
            text += ", " + sign.format(_value(sides.pop() if len(sides) == 1 else value))
    return text


class _Filling(Formatter):
    def format_field(self, value: Any, format_spec: str) -> str:
        return _value(value)


def _value(value: Any) -> str:
    """A field's value as papers write it: sizes with x between, sides as one number where all are the same."""
    if isinstance(value, bool):
        return "on" if value else "off"
    if isinstance(value, float):
        return f"{value:g}"
    if not isinstance(value, tuple):
        return str(value)
    if not any(isinstance(part, tuple) for part in value):
        return "x".join(map(_value, value))
    return str(value[0][0]) if len({n for pair in value for n in pair}) == 1 else ", ".join(map(str, value))
