"""Advice: the literature's rules of thumb, asked of an analysed network.

Networks that were published break every one of them somewhere, so advice is a note and is given when it is asked for.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import replace
from itertools import pairwise
from math import inf

from archspec.analyze import Analysis
from archspec.field import Axis, Field
from archspec.graph import Graph, Node
from archspec.op import Window, by
from archspec.source import Diagnostic

_LARGEST_POOL = 3
_MOST_CONVS = 3  # of the blueprint's N
_MOST_FC = 2  # of its K: FC layers before the last
_LINEAR = ("DROPOUT", "FLATTEN", "ID")  # what leaves two matrices in a row one matrix

Rule = Callable[[Analysis], Iterator[Diagnostic]]


def lint(analysis: Analysis) -> tuple[Diagnostic, ...]:
    """Every piece of advice for a network, each place in the text once, rule by rule."""
    found: dict[object, Diagnostic] = {}
    more: dict[object, int] = {}
    for advice in (advice for rule in RULES for advice in rule(analysis)):
        span = advice.span
        place = (advice.code, span and (id(span.source), span.start, span.end))
        more[place] = more.get(place, -1) + 1
        found.setdefault(place, advice)
    return tuple(
        replace(advice, notes=(*advice.notes, f"and {more[place]} more from the same text")) if more[place] else advice
        for place, advice in found.items()
    )


def _advice(code: str, message: str, node: Node, help: str, *notes: str) -> Diagnostic:
    return Diagnostic(code, message, node.span, help=help, notes=notes, severity="note")


def windows_that_do_not_tile(analysis: Analysis) -> Iterator[Diagnostic]:
    """Cells of the map behind the last window; those of the padding alone are no loss."""
    for node in analysis.graph.nodes:
        xs = analysis.graph.shapes_into(node)
        windows = node.op.windows(*xs) if len(xs) == 1 else None
        for axis, (window, n) in enumerate(zip(windows or (), xs[0][1:] if xs else (), strict=False)):
            lost = _lost(window, n)
            if lost > 0:
                kernel, stride, pad = window.reach, window.stride, sum(window.pad)
                cells = f"cell {n - 1}" if lost == 1 else f"cells {n - lost} to {n - 1}"
                message = f"{node.op.name}'s windows do not tile: none reads {cells} of {n} along axis {axis}"
                rest = f"({n} - {kernel} + {pad})/{stride} leaves {(n - kernel + pad) % stride}"
                yield _advice("N401", message, node, "change the input's size, the kernel or the padding", rest)


def _lost(window: Window, n: int) -> int:
    """Input cells behind the last window; none where windows skip cells by design."""
    if window.up > 1 or window.reach < window.stride or window.stride == 1:
        return 0
    return n + window.pad[0] - ((window.size(n) - 1) * window.stride + window.reach)


def _stride(axes: tuple[Axis, ...]) -> list[int]:
    return [axis.stride if isinstance(axis.stride, int) else 1 for axis in axes]


def inputs_that_do_not_halve(analysis: Analysis) -> Iterator[Diagnostic]:
    """An input whose sides the largest stride of the network does not divide."""
    strides: dict[int, list[int]] = {}
    for row in analysis.rows:
        if row.field is not None and row.field.grid:
            so_far = strides.setdefault(row.field.origin, [1] * len(row.field.axes))
            strides[row.field.origin] = [max(pair) for pair in zip(so_far, _stride(row.field.axes), strict=False)]
    for index, largest in strides.items():
        node = analysis.graph.nodes[index]
        uneven = [(n, s) for n, s in zip(node.shape[1:], largest, strict=False) if n % s and s & (s - 1) == 0]
        if uneven:
            n, stride = uneven[0]
            message = f"the network's stride of {stride} does not divide the input's side of {n}"
            below = n - n % stride
            near = f"{below} or {below + stride}" if below else str(stride)
            yield _advice("N402", message, node, f"{near} keeps every position at every size")


def large_pools(analysis: Analysis) -> Iterator[Diagnostic]:
    """Pools over more than 3x3 that are not over the whole map."""
    for node in analysis.graph.nodes:
        xs = analysis.graph.shapes_into(node)
        windows = node.op.windows(*xs) if node.op.name.endswith("POOL") and len(xs) == 1 else None
        kernel = tuple(window.kernel for window in windows or ())
        if not windows or kernel == xs[0][1:] or max(window.stride for window in windows) == 1:
            continue
        if max(kernel) > _LARGEST_POOL:
            message = f"{node.op.name} over {by(kernel)} throws most of the map away at once"
            yield _advice("N403", message, node, "2x2 with stride 2, or 3x3 with stride 2, are what nets use")


def biases_before_norms(analysis: Analysis) -> Iterator[Diagnostic]:
    """A bias whose only reader subtracts the mean."""
    graph = analysis.graph
    readers = _readers(graph)
    for node in graph.nodes:
        if node.op.name != "BN" or len(readers[node.inputs[0]]) > 1:
            continue
        before = graph.nodes[node.inputs[0]]
        weights = before.op.weights(*graph.shapes_into(before))
        if analysis.rows[node.inputs[0]].macs and any(weight.name == "bias" for weight in weights):
            message = f"{before.op.name} has a bias that the batch normalisation behind it takes away again"
            yield _advice("N404", message, before, "bias=off: the normalisation's own shift does its work")


def dropout_before_norms(analysis: Analysis) -> Iterator[Diagnostic]:
    """Dropout whose output reaches a batch normalisation."""
    graph = analysis.graph
    normed: list[bool] = [False] * len(graph.nodes)
    readers = _readers(graph)
    for index in reversed(range(len(graph.nodes))):
        normed[index] = any(graph.nodes[i].op.name == "BN" or normed[i] for i in readers[index])
        node = graph.nodes[index]
        if node.op.name in ("DROPOUT", "SPATIALDROPOUT") and normed[index]:
            message = f"a batch normalisation follows {node.op.name}: its running variance is that of training alone"
            yield _advice("N405", message, node, "put the dropout behind the last normalisation")


def unproductive_layers(analysis: Analysis) -> Iterator[Diagnostic]:
    """Windows over positions that have all seen the whole input, by the shortest way through the network."""
    graph, least = analysis.graph, list[tuple[float, ...]]()
    for node, row in zip(graph.nodes, analysis.rows, strict=True):
        before = _least(node, row.field, least)
        windows = node.op.windows(*graph.shapes_into(node)) if before and node.inputs else None
        entering = analysis.rows[node.inputs[0]].field if node.inputs else None
        if not windows or row.field is None or entering is None or not entering.grid:
            least.append(before)
            continue
        steps = zip(before, windows, _stride(entering.axes), strict=False)
        least.append(tuple(size + (window.reach - 1) * stride for size, window, stride in steps))
        sides = graph.nodes[row.field.origin].shape[1:]
        slides = row.macs and max(window.kernel for window in windows) > 1
        if slides and all(n < size < inf for size, n in zip(before, sides, strict=False)):
            message = f"{node.op.name} slides over positions that have each seen all of the input"
            seen = f"the receptive field before it is {by(tuple(map(int, before)))}, the input {by(sides)}"
            yield _advice("N406", message, node, "a larger input, fewer layers or an earlier end", seen)


def _least(node: Node, field: Field | None, least: list[tuple[float, ...]]) -> tuple[float, ...]:
    """Per axis the smallest receptive field that reaches a node; () off the grid of positions."""
    if field is None or not field.axes or not field.grid:
        return ()
    if not node.inputs:
        return (1,) * len(field.axes)
    local = [least[i] for i in node.inputs if least[i]]
    return tuple(min(sizes) for sizes in zip(*local, strict=False)) or (inf,) * len(field.axes)


def weights_in_fc(analysis: Analysis) -> Iterator[Diagnostic]:
    """Fully connected layers that hold more than half of a convolutional network's parameters."""
    rows = list(zip(analysis.graph.nodes, analysis.rows, strict=True))
    held = sum(row.params for node, row in rows if node.op.name == "FC")
    largest = max(rows, key=lambda pair: (pair[0].op.name == "FC") * pair[1].params)[0]
    convolves = any(row.macs and node.op.windows(*analysis.graph.shapes_into(node)) for node, row in rows)
    if convolves and 2 * held > analysis.totals.params:
        share = f"{held:,} of {analysis.totals.params:,}, {held / analysis.totals.params:.0%}"
        message = "the fully connected layers hold most of the parameters"
        yield _advice("N407", message, largest, "GAP before the last FC needs none of the wide ones", share)


def counts_beyond_the_blueprint(analysis: Analysis) -> Iterator[Diagnostic]:
    """More convolutions before a pool, or more FC layers before the last, than INPUT -> [[CONV]*N -> POOL]*M -> [FC]*K
    usually has; of chains with pools alone."""
    graph = analysis.graph
    pools = any(node.op.name.endswith("POOL") for node in graph.nodes)
    if not pools or any(len(node.inputs) > 1 for node in graph.nodes) or any(len(r) > 1 for r in _readers(graph)):
        return
    run = 0
    for node in graph.nodes:
        run = 0 if node.op.name.endswith("POOL") else run + (node.op.name == "CONV")
        if node.op.name == "CONV" and run == _MOST_CONVS + 1:
            message = f"more than {_MOST_CONVS} convolutions stand before one pool"
            yield _advice("N408", message, node, "a pool, or shortcuts around so many (res[...])")
    last = [node for node in graph.nodes if node.op.name == "FC"]
    if len(last) > _MOST_FC + 1:
        message = f"{len(last) - 1} FC layers stand before the last, and {_MOST_FC} are usual at most"
        yield _advice("N408", message, last[_MOST_FC], "fewer: each is quadratic in its width")


def widths_that_do_not_rise(analysis: Analysis) -> Iterator[Diagnostic]:
    """A stage at a larger stride, with weights of its own, that is no wider than the one before it."""
    widths: dict[int, int] = {}
    first: dict[int, Node] = {}  # weight layer of a stage
    for node, row in zip(analysis.graph.nodes, analysis.rows, strict=True):
        field = row.field
        if field is None or not field.grid or field.whole or len(node.shape) < 2:
            continue
        stride = max(_stride(field.axes), default=1)
        if stride >= max(widths, default=1):
            widths[stride] = max(widths.get(stride, 0), node.shape[0])
            if row.macs:
                first.setdefault(stride, node)
    for before, stride in pairwise(sorted(stride for stride in widths if stride in first)):
        if widths[stride] <= widths[before]:
            message = f"the map shrinks and its channels do not rise: {widths[before]} before, {widths[stride]} here"
            help = f"{2 * widths[before]} where each side is half as long keeps the work the same"
            yield _advice("N409", message, first[stride], help)


def matrices_in_a_row(analysis: Analysis) -> Iterator[Diagnostic]:
    """An FC layer that reads an FC layer with no nonlinearity between."""
    nodes = analysis.graph.nodes
    for node in nodes:
        before = node
        while before.inputs and (before is node or before.op.name in _LINEAR):
            before = nodes[before.inputs[0]]
        if node.op.name == before.op.name == "FC" and before is not node:
            message = "FC reads FC with no activation between: the two matrices are one"
            yield _advice("N410", message, node, "FC(..., act=RELU), or one FC", f"the other is {before.path}")


def _readers(graph: Graph) -> list[list[int]]:
    """Per node the indices of those that read it."""
    readers: list[list[int]] = [[] for _ in graph.nodes]
    for index, node in enumerate(graph.nodes):
        for source in node.inputs:
            readers[source].append(index)
    return readers


RULES: tuple[Rule, ...] = (
    windows_that_do_not_tile,
    inputs_that_do_not_halve,
    large_pools,
    biases_before_norms,
    dropout_before_norms,
    unproductive_layers,
    weights_in_fc,
    counts_beyond_the_blueprint,
    widths_that_do_not_rise,
    matrices_in_a_row,
)
