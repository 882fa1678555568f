"""Which positions of the network's input a position reads, by following every tap backwards through the layers."""

from __future__ import annotations

from itertools import product
from math import prod

from archspec.analyze import Analysis
from archspec.field import Field, taps
from archspec.graph import Graph, Node
from archspec.op import Shape, Window

Places = tuple[frozenset[int], ...]  # per axis; together the positions of a product


def above(graph: Graph, index: int) -> list[int]:
    """A node and all that it depends on, in order."""
    needed = {index}
    for at in range(index, -1, -1):
        if at in needed:
            needed.update(graph.nodes[at].inputs)
    return sorted(needed)


def sides(shape: Shape) -> Shape:
    """The sizes of the axes along which positions are counted; a vector's positions are its values."""
    return shape[1:] or shape


# ---------------------------------------------------------------- where no map has an edge


def follow_endless(analysis: Analysis, index: int, unit: tuple[int, ...]) -> list[Places]:
    """The positions of the input that a unit reads on endless maps, without what global operations add."""
    node, field = analysis.graph.nodes[index], analysis.rows[index].field
    assert field is not None
    wanted = {index: _on_the_map(unit, node.shape[1:], field)}
    for at in range(index, field.origin, -1):
        for place in wanted.pop(at, []):
            for source, windows in _near(analysis, at):
                read = place if windows is None else tuple(map(_read, place, windows))
                _add(wanted.setdefault(source, []), read)
    return wanted.get(field.origin, [])


def _on_the_map(unit: tuple[int, ...], sizes: Shape, field: Field) -> list[Places]:
    """The place of a unit; a token's is its place on the map that the tokens are the positions of."""
    if field.rows:
        flat = _flat(unit, sizes) - field.front
        if not 0 <= flat < prod(field.rows):
            return []
        unit = _unflat(flat, field.rows)
    return [tuple(frozenset((o,)) for o in unit)]


def _near(analysis: Analysis, at: int) -> list[tuple[int, tuple[Window, ...] | None]]:
    """The inputs of which a node reads each position's surroundings, with its windows; None where it reads the position
    alone, which tokens are followed to on their map."""
    graph, rows = analysis.graph, analysis.rows
    node, own, found = graph.nodes[at], rows[at].field, list[tuple[int, tuple[Window, ...] | None]]()
    xs = graph.shapes_into(node)
    for number, source in enumerate(node.inputs):
        field, windows = rows[source].field, node.op.reads(number, *xs)
        apart = windows is None and xs[number][1:] != node.shape[1:]
        spread = len(xs) > 1 and prod(node.shape[1:]) > 1 and (apart or node.op.gathers(number) != "none")
        if own and field and not spread and (field.grid or not (field.axes or field.whole)):
            found.append((source, None if own.rows or field.rows else windows))
    return found


def _read(places: frozenset[int], window: Window) -> frozenset[int]:
    return frozenset(i for o in places for i in taps(window, o))


# ---------------------------------------------------------------- on the maps that are there


def follow(graph: Graph, index: int, unit: tuple[int, ...], origin: int) -> tuple[list[Places], tuple[str, ...]]:
    """The positions of the input that a unit reads: no padding, but all that global operations see.

    Also the paths of layers that move positions, which are taken to read all of their input.
    """
    wanted: dict[int, list[Places]] = {index: [tuple(frozenset((o,)) for o in unit)]}
    coarse: dict[int, str] = {}
    for at in range(index, origin, -1):
        node = graph.nodes[at]
        xs = graph.shapes_into(node)
        for place in wanted.pop(at, []):
            for number, source in enumerate(node.inputs):
                read = _entering(node, number, xs, place)
                if read is None:
                    coarse[at] = node.path
                for one in [_all(xs[number])] if read is None else read:
                    _add(wanted.setdefault(source, []), one)
    return wanted.get(origin, []), tuple(coarse[at] for at in sorted(coarse))


def _all(shape: Shape) -> Places:
    return tuple(frozenset(range(n)) for n in sides(shape))


def _entering(node: Node, number: int, xs: tuple[Shape, ...], place: Places) -> list[Places] | None:
    """What these positions of a layer read of an input; None where the layer moves positions."""
    op, x, y = node.op, xs[number], node.shape
    gathers, windows = op.gathers(number), op.reads(number, *xs)
    if gathers == "past":
        return [(frozenset(range(max(place[0]) + 1)),)]
    if gathers == "all":
        return [_all(x)]
    if windows is not None:
        if len(y) == 1:  # a vector of what one output reads
            place = (frozenset((0,)),) * len(windows)
        pairs = zip(place, windows, x[1:], strict=True)
        return [tuple(frozenset(i for i in _read(each, window) if 0 <= i < n) for each, window, n in pairs)]
    if len(x) == 1 or len(y) == 1:
        return _of_a_vector(node, x, place)
    if x[1:] == y[1:] and not op.rearranges:
        return [place]
    if op.view and x[0] == y[0]:
        return _laid_out(place, y[1:], x[1:])
    if len(xs) > 1 and len(x) == len(y):  # an axis of one position is spread over all
        return [tuple(frozenset((0,)) if n == 1 else each for each, n in zip(place, x[1:], strict=True))]
    return None


def _of_a_vector(node: Node, x: Shape, place: Places) -> list[Places] | None:
    """The same where an input or the output is a vector, whose values are its positions."""
    op, y = node.op, node.shape
    in_order = x == y and (op.view or op.inplace)
    if in_order or (len(node.inputs) == 1 and x == y[1:]):
        return [place]
    full = prod(map(len, place)) == prod(sides(y))
    return [_all(x)] if (full and op.view) or len(node.inputs) > 1 else None


def _laid_out(place: Places, sizes: Shape, others: Shape) -> list[Places]:
    """The same positions, counted row by row, along axes of other sizes."""
    found: dict[tuple[int, ...], set[int]] = {}
    for unit in product(*place):
        *head, last = _unflat(_flat(unit, sizes), others)
        found.setdefault(tuple(head), set()).add(last)
    merged: dict[tuple[tuple[int, ...], frozenset[int]], set[int]] = {}
    for above_last, lasts in found.items():
        merged.setdefault((above_last[:-1], frozenset(lasts)), set()).update(above_last[-1:])
    return [
        (*(frozenset((o,)) for o in outer), *((frozenset(rows),) if rows else ()), lasts)
        for (outer, lasts), rows in merged.items()
    ]


def _flat(unit: tuple[int, ...], sizes: Shape) -> int:
    """The number of a position, row by row."""
    number = 0
    for o, n in zip(unit, sizes, strict=True):
        number = number * n + o
    return number


def _unflat(number: int, sizes: Shape) -> tuple[int, ...]:
    unit: list[int] = []
    for n in reversed(sizes):
        number, o = divmod(number, n)
        unit.append(o)
    return tuple(reversed(unit))


def _add(known: list[Places], new: Places) -> None:
    """Adds a product of positions that no other holds; what it holds goes."""
    if all(new) and not any(_holds(old, new) for old in known):
        known[:] = [old for old in known if not _holds(new, old)] + [new]


def _holds(large: Places, small: Places) -> bool:
    return all(a >= b for a, b in zip(large, small, strict=True))
