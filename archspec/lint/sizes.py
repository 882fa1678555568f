"""Rules of thumb about the sizes of maps and windows."""

from __future__ import annotations

from collections.abc import Iterator

from archspec.analyze import Analysis
from archspec.field import Axis, Field, see
from archspec.graph import Node
from archspec.lint.note import note, readers, strides, windows
from archspec.op import Window, by
from archspec.source import Diagnostic

_LARGEST_POOL = 3
_LARGEST_KERNEL = 5  # behind the first layer


def windows_that_do_not_tile(analysis: Analysis) -> Iterator[Diagnostic]:
    """Cells of the map behind the last window; those of the padding alone are no loss."""
    for node in analysis.graph.nodes:
        for axis, (window, n) in enumerate(_along(analysis, node)):
            lost = _lost(window, n)
            if lost > 0:
                kernel, stride, pad = window.reach, window.stride, sum(window.pad)
                cells = f"cell {n - 1}" if lost == 1 else f"cells {n - lost} to {n - 1}"
                message = f"{node.op.name}'s windows do not tile: none reads {cells} of {n} along axis {axis}"
                rest = f"({n} - {kernel} + {pad})/{stride} leaves {(n - kernel + pad) % stride}"
                yield note("N401", message, node, "change the input's size, the kernel or the padding", rest)


def _along(analysis: Analysis, node: Node) -> Iterator[tuple[Window, int]]:
    """Per spatial axis a node's window and the size that it slides over."""
    found = windows(analysis.graph, node)
    yield from zip(found, analysis.graph.shapes_into(node)[0][1:] if found else (), strict=False)


def _lost(window: Window, n: int) -> int:
    """Input cells behind the last window; none where windows skip cells by design."""
    if window.up > 1 or window.reach < window.stride or window.stride == 1:
        return 0
    return n + window.pad[0] - ((window.size(n) - 1) * window.stride + window.reach)


def inputs_that_do_not_halve(analysis: Analysis) -> Iterator[Diagnostic]:
    """An input whose sides the network's stride does not divide, so that a window further down loses cells.

    Without padding (AlexNet's 227, U-Net's 572), and with enough of it, every window can tile all the same.
    """
    graph = analysis.graph
    strided: dict[int, list[int]] = {}
    losing: dict[int, Node] = {}
    for node, row in zip(graph.nodes, analysis.rows, strict=True):
        if row.field is not None and row.field.grid:
            so_far = strided.setdefault(row.field.origin, [1] * len(row.field.axes))
            strided[row.field.origin] = [max(pair) for pair in zip(so_far, strides(row.field.axes), strict=False)]
            if any(n % window.stride and _lost(window, n) > 0 for window, n in _along(analysis, node)):
                losing.setdefault(row.field.origin, node)
    for index, first in losing.items():
        node = graph.nodes[index]
        for n, stride in zip(node.shape[1:], strided[index], strict=False):
            if n % stride and stride & (stride - 1) == 0:
                message = f"the network's stride of {stride} does not divide the input's side of {n}"
                below = n - n % stride
                near = f"{below} or {below + stride}" if below else str(stride)
                map_ = f"{first.path} reads a map of {by(graph.shapes_into(first)[0][1:])}"
                yield note("N402", message, node, f"{near} keeps every position at every size", map_)
                break


def large_pools(analysis: Analysis) -> Iterator[Diagnostic]:
    """Max pools over more than 3x3 that are not over the whole map."""
    for node in analysis.graph.nodes:
        along = list(_along(analysis, node)) if node.op.name == "MAXPOOL" else []
        whole, strided = all(w.kernel == n for w, n in along), any(w.stride > 1 for w, _ in along)
        if strided and not whole and max(window.kernel for window, _ in along) > _LARGEST_POOL:
            message = f"{node.op.name} over {by(tuple(w.kernel for w, _ in along))} throws most of the map away at once"
            yield note("N403", message, node, "2x2 with stride 2, or 3x3 with stride 2, are what nets use")


def large_kernels(analysis: Analysis) -> Iterator[Diagnostic]:
    """Dense convolutions of more than 5x5 between others; the first, and the last (a layer that was fully connected),
    are another matter, and so are flat kernels (1x7) and depthwise ones."""
    graph = analysis.graph
    heard = readers(graph)
    slides = [node.op.name == "CONV" and any(w.kernel > 1 for w in windows(graph, node)) for node in graph.nodes]
    before, behind = list[bool](), [False] * len(graph.nodes)
    for node in graph.nodes:
        before.append(any(before[i] or slides[i] for i in node.inputs))
    for index in reversed(range(len(graph.nodes))):
        behind[index] = any(behind[i] or slides[i] for i in heard[index])
    for index, node in enumerate(graph.nodes):
        kernel = tuple(window.kernel for window in windows(graph, node))
        between = slides[index] and before[index] and behind[index] and getattr(node.op, "groups", 1) == 1
        if between and len(kernel) > 1 and min(kernel) > _LARGEST_KERNEL:
            message = f"{node.op.name} has a kernel of {by(kernel)} and is not the first"
            yield note("N411", message, node, "a stack of 3x3 sees as much with fewer weights and more nonlinearities")


def unproductive_layers(analysis: Analysis) -> Iterator[Diagnostic]:
    """Windows over positions that have all seen the whole input, by the shortest way through the network."""
    graph, shortest = analysis.graph, list[tuple[Axis, ...]]()
    for node, row in zip(graph.nodes, analysis.rows, strict=True):
        before, along = _shortest(node, row.field, shortest), list(_along(analysis, node))
        steps = zip(before, along, strict=False)
        shortest.append(tuple(see(axis, window) for axis, (window, _) in steps) if along else before)
        if row.field is None or not before or not row.macs or all(window.kernel == 1 for window, _ in along):
            continue
        sides = graph.nodes[row.field.origin].shape[1:]
        if all(_all_seen(axis, n, side) for axis, (_, n), side in zip(before, along, sides, strict=False)):
            message = f"{node.op.name} slides over positions that have each seen all of the input"
            seen = f"the receptive field before it is {by(tuple(axis.size for axis in before))}, the input {by(sides)}"
            yield note("N406", message, node, "a larger input, fewer layers or an earlier end", seen)


def _shortest(node: Node, field: Field | None, shortest: list[tuple[Axis, ...]]) -> tuple[Axis, ...]:
    """Per axis the smallest receptive field that reaches a node; () off the grid of positions, or of finer ones."""
    if field is None or not field.grid or any(axis.period > 1 for axis in field.axes):
        return ()
    ways = [shortest[i] for i in node.inputs if shortest[i]]
    return (
        tuple(min(axes, key=lambda axis: axis.size) for axes in zip(*ways, strict=False))
        if node.inputs
        else tuple(Axis() for _ in field.axes)
    )


def _all_seen(axis: Axis, n: int, side: int) -> bool:
    """Whether each of n positions has read all of an input, from its first to its last of `side` positions."""
    first, last = axis.at(0), axis.at(n - 1)
    return first is not None and last is not None and first[1] >= side - 1 and last[0] <= 0


RULES = (
    windows_that_do_not_tile,
    inputs_that_do_not_halve,
    large_pools,
    large_kernels,
    unproductive_layers,
)
