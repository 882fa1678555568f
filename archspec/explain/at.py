"""What one output unit reads of the network's input: on an endless map, and of the input that is there."""

from __future__ import annotations

from typing import NamedTuple

from archspec.analyze import Analysis
from archspec.explain.choose import NoLayer
from archspec.explain.receptive import uneven, why_unknown
from archspec.explain.walk import Places, above, follow, follow_endless, sides
from archspec.field import Field
from archspec.graph import Node
from archspec.op import Shape, by

Ends = tuple[int, int] | None


class Reading(NamedTuple):
    """First and last position per axis, from 0; None where nothing is read.

    `endless` counts positions in the padding, `clipped` is its part inside the input, and `read` what really enters:
    the padding of a layer between holds no input, and neither does what lies beyond its last unit.  What a global
    operation adds is in `read` alone.
    """

    node: Node
    unit: tuple[int, ...]
    origin: Node  # the network input
    endless: tuple[Ends, ...]
    clipped: tuple[Ends, ...]
    read: tuple[Ends, ...]
    whole: bool  # a global operation lets it depend on more than its surroundings
    loose: tuple[str, ...] = ()  # layers on the way that may read other positions than their windows say
    coarse: tuple[str, ...] = ()  # those that move positions, taken to read all of their input
    uneven: tuple[str, ...] = ()  # joins on the way whose branches have different strides


def read_unit(analysis: Analysis, index: int, unit: tuple[int, ...]) -> Reading:
    """What the unit at `unit` (one position per spatial axis) of a node reads.  Raises NoLayer where the node has no
    such unit, or what it reads is unknown."""
    graph = analysis.graph
    node, field = graph.nodes[index], _field(analysis, index)
    rank, shape = len(node.shape) - 1, by(node.shape)
    if len(unit) != rank:
        raise NoLayer(f"{node.path} has {rank} spatial axes ({shape}), and --at names {len(unit)}.")
    if any(not 0 <= o < n for o, n in zip(unit, node.shape[1:], strict=True)):
        raise NoLayer(f"{node.path} is {shape}: positions run from 0 to {_last(node.shape)}.")
    origin = graph.nodes[field.origin]
    endless = _box(follow_endless(analysis, index, unit), len(field.axes))
    clipped = tuple(map(_clip, endless, sides(origin.shape)))
    clipped = clipped if None not in clipped else (None,) * len(clipped)  # empty along one axis is empty
    read, coarse = follow(graph, index, unit, field.origin)
    ancestors = above(graph, index)
    loose = tuple(graph.nodes[at].path for at in ancestors if graph.nodes[at].op.loose)
    paths = tuple(graph.nodes[at].path for at in ancestors if uneven(analysis, at))
    return Reading(node, unit, origin, endless, clipped, _box(read, len(field.axes)), field.whole, loose, coarse, paths)


def _field(analysis: Analysis, index: int) -> Field:
    """The field of a node that has positions on the input's grid."""
    node, field = analysis.graph.nodes[index], analysis.rows[index].field
    if field is None:
        raise NoLayer(f"What {node.path} reads is unknown: {why_unknown(analysis, index)}.")
    if not field.grid:
        rest = "; it reads the whole input" if field.whole else ""
        raise NoLayer(f"{node.path} is {by(node.shape)}, which has no positions on the input's grid{rest}.")
    return field


def _last(shape: Shape) -> str:
    return ",".join(str(n - 1) for n in shape[1:])


def _clip(ends: Ends, n: int) -> Ends:
    if ends is None or ends[1] < 0 or ends[0] >= n:
        return None
    return max(0, ends[0]), min(n - 1, ends[1])


def _box(places: list[Places], rank: int) -> tuple[Ends, ...]:
    """The rectangle around all positions."""
    if not places:
        return (None,) * rank
    return tuple((min(map(min, axis)), max(map(max, axis))) for axis in zip(*places, strict=True))
