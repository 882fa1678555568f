"""What one output unit reads of the network's input: on an endless map, and of the input that is there."""

from __future__ import annotations

from typing import NamedTuple

from archspec.analyze import Analysis
from archspec.explain.choose import NoLayer
from archspec.field import taps
from archspec.graph import Graph, Node
from archspec.op import Shape, Window, by

Ends = tuple[int, int] | None
Places = tuple[frozenset[int], ...]  # per axis; together the positions of a product


class Reading(NamedTuple):
    """First and last position per axis, from 0; None where nothing is read.

    `endless` counts positions in the padding, `clipped` is its part inside the input, and `read` what really enters:
    the padding of a layer between holds no input, and neither does what lies beyond its last unit.
    """

    node: Node
    unit: tuple[int, ...]
    origin: Node  # the network input
    endless: tuple[Ends, ...]
    clipped: tuple[Ends, ...]
    read: tuple[Ends, ...]
    whole: bool  # a global operation lets it depend on the whole input too
    loose: tuple[str, ...] = ()  # layers on the way that may read other positions than their windows say


def read_unit(analysis: Analysis, index: int, unit: tuple[int, ...]) -> Reading:
    """What the unit at `unit` (one position per spatial axis) of a node reads.  Raises NoLayer where the node has no
    such unit, or what it reads is unknown."""
    graph = analysis.graph
    node, field = graph.nodes[index], analysis.rows[index].field
    if field is None:
        raise NoLayer(f"What {node.path} reads is unknown: positions and channels are mixed before it.")
    if not field.grid or len(node.shape) - 1 != len(field.axes):
        raise NoLayer(f"{node.path} is {by(node.shape)}, which has no positions on the input's grid.")
    if len(unit) != len(field.axes):
        raise NoLayer(f"{node.path} has {len(field.axes)} spatial axes ({by(node.shape)}), and --at names {len(unit)}.")
    if any(not 0 <= o < n for o, n in zip(unit, node.shape[1:], strict=True)):
        raise NoLayer(f"{node.path} is {by(node.shape)}: positions run from 0 to {_last(node.shape)}.")
    origin = graph.nodes[field.origin]
    endless = _whole_or_none(tuple(axis.at(o) for axis, o in zip(field.axes, unit, strict=True)))
    clipped = tuple(map(_clip, endless, sides(origin.shape, unit)))
    if field.whole:
        read: tuple[Ends, ...] = tuple((0, n - 1) for n in sides(origin.shape, unit))
    else:
        read = _box(_reached(graph, index, unit, field.origin), len(unit))
    return Reading(node, unit, origin, endless, _whole_or_none(clipped), read, field.whole, _loose(graph, index))


def sides(shape: Shape, unit: tuple[int, ...]) -> Shape:
    """The sizes of the axes that units read: without the channels, which the numbers of a text do not have."""
    return shape if len(shape) == len(unit) else shape[1:]


def _loose(graph: Graph, index: int) -> tuple[str, ...]:
    """The paths of the loose layers that a node depends on, in order."""
    needed = {index}
    for at in range(index, -1, -1):
        if at in needed:
            needed.update(graph.nodes[at].inputs)
    return tuple(graph.nodes[at].path for at in sorted(needed) if graph.nodes[at].op.loose)


def _last(shape: Shape) -> str:
    return ",".join(str(n - 1) for n in shape[1:])


def _whole_or_none(ends: tuple[Ends, ...]) -> tuple[Ends, ...]:
    """A rectangle that is empty along one axis is empty."""
    return ends if None not in ends else (None,) * len(ends)


def _clip(ends: Ends, n: int) -> Ends:
    if ends is None or ends[1] < 0 or ends[0] >= n:
        return None
    return max(0, ends[0]), min(n - 1, ends[1])


def _reached(graph: Graph, index: int, unit: tuple[int, ...], origin: int) -> list[Places]:
    """The positions of the input that the unit reads, by following every tap backwards through the layers."""
    wanted: dict[int, list[Places]] = {index: [tuple(frozenset((o,)) for o in unit)]}
    for at in range(index, origin, -1):
        places = wanted.pop(at, [])
        node = graph.nodes[at]
        xs = graph.shapes_into(node)
        for number, source in enumerate(node.inputs if places else ()):
            if xs[number] == node.shape[1:]:  # an embedding: a number becomes the channels of its position
                wanted.setdefault(source, []).extend(places)
            elif len(xs[number]) == len(unit) + 1:
                windows = node.op.reads(number, *xs)
                for place in places:
                    _add(wanted.setdefault(source, []), _before(place, windows, xs[number][1:]))
    return wanted.get(origin, [])


def _before(places: Places, windows: tuple[Window, ...] | None, sizes: Shape) -> Places:
    """What these positions of a layer read of its input, whose padding is left out."""
    if windows is None:  # its own position, or the one that is spread over all
        return tuple(
            frozenset((0,)) if n == 1 else frozenset(o for o in axis if o < n)
            for axis, n in zip(places, sizes, strict=True)
        )
    return tuple(
        frozenset(i for o in axis for i in taps(window, o) if 0 <= i < n)
        for axis, window, n in zip(places, windows, sizes, strict=True)
    )


def _add(known: list[Places], new: Places) -> None:
    """Adds a product of positions that no other holds; what it holds goes."""
    if all(new) and not any(_holds(old, new) for old in known):
        known[:] = [old for old in known if not _holds(new, old)] + [new]


def _holds(large: Places, small: Places) -> bool:
    return all(a >= b for a, b in zip(large, small, strict=True))


def _box(places: list[Places], rank: int) -> tuple[Ends, ...]:
    """The rectangle around all positions."""
    if not places:
        return (None,) * rank
    return tuple((min(map(min, axis)), max(map(max, axis))) for axis in zip(*places, strict=True))
