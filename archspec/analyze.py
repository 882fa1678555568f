"""The analysis: one walk over a graph that states, per node, its weights, its work, its memory and its receptive field.

Every count is a card's; this module adds the batch, the data type, the wiring and the sums.
"""

from __future__ import annotations

from math import lcm, prod
from typing import Literal, NamedTuple

from archspec.field import Axis, Field, Mismatch, TooManyPhases, meet, see
from archspec.graph import Graph, Node
from archspec.op import Cost, Op, Shape, Window
from archspec.record import Record
from archspec.source import Diagnostic, Label, SpecError

DTYPES = {"float64": 8, "float32": 4, "float16": 2, "bfloat16": 2, "int8": 1}  # bytes of one value


class Row(NamedTuple):
    """The facts of one node.

    Counts of work and activation bytes are the whole batch's; `field` is None where it cannot be followed (a note says
    why).
    """

    index: int  # type: ignore[assignment]  # the node's; hides tuple.index, which nobody needs here
    params: int
    buffers: int
    macs: int
    flops: int
    field: Field | None
    weight_bytes: int
    activation_bytes: int


class Totals(Record):
    """The sums of the rows; `depth` counts the weight layers on the longest path, `field` is the first output's."""

    params: int
    buffers: int
    macs: int
    flops: int
    weight_bytes: int
    activation_bytes: int
    field: Field | None
    depth: int


class Analysis(Record):
    """A network and the facts of its nodes: `rows[i]` is about `graph.nodes[i]`."""

    graph: Graph
    batch: int
    dtype: str
    rows: tuple[Row, ...]
    totals: Totals
    notes: tuple[Diagnostic, ...]


def analyze(graph: Graph, *, batch: int = 1, dtype: str = "float32") -> Analysis:
    """Analyses a network for a batch of examples whose values and weights have the type `dtype`.

    Takes time linear in the nodes.  Raises SpecError for a batch below 1 or an unknown type.
    """
    if batch < 1:
        raise SpecError((Diagnostic("A204", f"a batch of {batch} has no examples", help="write 1 or more"),))
    if dtype not in DTYPES:
        raise SpecError((Diagnostic("A204", f"no data type {dtype}", expected=tuple(DTYPES)),))
    walk = _Walk(graph, batch, DTYPES[dtype])
    for index, node in enumerate(graph.nodes):
        walk.visit(index, node)
    return Analysis(graph, batch, dtype, tuple(walk.rows), walk.totals(), tuple(walk.notes))


# How the field of what enters a node becomes the node's own.
# keep: each position reads itself, or its window.  whole: the whole input as well.  whole off: that, and no position is
# left (a global pool, a layer of a vector).  rows: the positions stay in order under other axes (tokens, and back).
# flat: they become the values of a vector.  off: one is left.  across: the values of a vector are mixed.
# positions: they become positions.  lost: positions are moved, or become channels.
_Way = Literal["keep", "whole", "whole off", "rows", "flat", "off", "across", "positions", "lost"]


class _Facts(NamedTuple):
    """What the card says of every node with one operator and one set of input shapes, for one example."""

    params: int
    buffers: int
    macs: int
    flops: int
    stored: int  # values of the output; 0 for a view
    layer: int  # 1 for a weight layer, which contracts its input with weights
    windows: tuple[tuple[Window, ...] | None, ...]  # per input
    gathers: tuple[bool, ...]  # per input, whether more than its own position is read, whatever the window
    way: _Way


def _facts(op: Op, y: Shape, xs: tuple[Shape, ...]) -> _Facts:
    weights = op.weights(*xs)
    params = sum(prod(weight.shape) for weight in weights if weight.trainable)
    buffers = sum(prod(weight.shape) for weight in weights if not weight.trainable)
    cost = op.cost(y, *xs)
    windows = tuple(op.reads(number, *xs) for number in range(len(xs)))
    gathers = tuple(op.gathers(number) != "none" for number in range(len(xs)))
    stored, way = 0 if op.view else prod(y), _way(op, cost, y, xs)
    return _Facts(params, buffers, cost.macs, cost.flops, stored, int(params > 0 < cost.macs), windows, gathers, way)


def _way(op: Op, cost: Cost, y: Shape, xs: tuple[Shape, ...]) -> _Way:
    several, placed = prod(y[1:]) > 1, not op.rearranges and any(x[1:] == y[1:] for x in xs)
    if op.whole or (len(y) == 1 and cost.macs):  # a contraction of a vector reads all of it
        return "whole" if placed and several else "whole off"
    if placed and len(y) == 1 and cost.other and not op.inplace:
        return "across"
    if placed or (len(y) > 1 and xs and op.reads(0, *xs) is not None):
        return "keep"
    if xs == (y[1:],):
        return "positions"
    return _way_off(op, y, xs[0]) if xs else "keep"


def _way_off(op: Op, y: Shape, x: Shape) -> _Way:
    """The way of an operator whose positions are not its input's.  A view keeps the values in their order."""
    if op.view and len(y) > 1 < len(x) and y[0] == x[0]:
        return "rows"
    if op.rearranges or prod(y[1:]) > 1:
        return "lost"
    if op.view and prod(x[1:]) > 1:
        return "flat" if len(y) == 1 else "lost"
    return "off"


class _Walk:
    """The state of one analysis: what is known of the nodes so far."""

    def __init__(self, graph: Graph, batch: int, width: int) -> None:
        self.graph, self.nodes, self.batch, self.width = graph, graph.nodes, batch, width
        self.rows: list[Row] = []
        self.depths: list[int] = []  # weight layers on the longest path to each node
        self.vectors: set[int] = set()  # nodes whose values are those of an input that is a vector, each in its place
        self.notes: list[Diagnostic] = []
        # Nodes of one call site hold one operator object, which the graph keeps alive.
        self.known: dict[tuple[int, tuple[Shape, ...]], _Facts] = {}
        self.noted: set[tuple[str, int, int, int]] = set()

    def visit(self, index: int, node: Node) -> None:
        nodes, inputs, op = self.nodes, node.inputs, node.op
        xs = (nodes[inputs[0]].shape,) if len(inputs) == 1 else tuple([nodes[i].shape for i in inputs])
        facts = self.known.get((id(op), xs))
        if facts is None:
            facts = self.known[id(op), xs] = _facts(op, node.shape, xs)
        params, buffers, macs, flops, stored, layer, _, _, _ = facts
        if node.shares is not None:
            params = buffers = 0
        batch, width = self.batch, self.width
        memory = (params + buffers) * width
        field = self.field(node, facts) if inputs else _origin(index, node.shape)
        self.rows.append(
            Row(index, params, buffers, macs * batch, flops * batch, field, memory, stored * width * batch)
        )
        before = self.depths[inputs[0]] if len(inputs) == 1 else max([self.depths[i] for i in inputs], default=0)
        self.depths.append(before + layer)
        if len(node.shape) == 1 and (not inputs or (inputs[0] in self.vectors and (op.view or op.inplace))):
            self.vectors.add(index)

    def totals(self) -> Totals:
        rows, outputs = self.rows, [output.node for output in self.graph.outputs]
        return Totals(
            sum([row.params for row in rows]),
            sum([row.buffers for row in rows]),
            sum([row.macs for row in rows]),
            sum([row.flops for row in rows]),
            sum([row.weight_bytes for row in rows]),
            sum([row.activation_bytes for row in rows]),
            rows[outputs[0]].field if outputs else None,
            max([self.depths[i] for i in outputs], default=0),
        )

    # ------------------------------------------------------------ receptive fields

    def field(self, node: Node, facts: _Facts) -> Field | None:
        """The field of a node from those of its inputs; None, and a note, where it cannot be followed."""
        try:
            if len(node.inputs) == 1:
                field = self.seen(node, self.rows[node.inputs[0]].field, facts.windows[0])
            else:
                field = self.joined(node, facts)
        except TooManyPhases:
            return self.unknown(node, "the receptive field repeats too rarely to be followed", "N304")
        if field is None or facts.way == "keep":
            return field
        passed: Field | None
        if facts.way == "positions" and not field.axes and not field.whole:
            passed = Field(field.origin, (Axis(),)) if node.inputs[0] in self.vectors else None
        else:
            passed = _passed(field, facts.way, self.nodes[node.inputs[0]].shape, node.shape)
        return passed or self.unknown(node, f"{node.op.name} moves or mixes positions: {_LOST}")

    def seen(self, node: Node, field: Field | None, windows: tuple[Window, ...] | None) -> Field | None:
        """The field through one window per axis."""
        if field is None or windows is None or not field.axes:
            return field
        if field.grid and not field.rows:
            return Field(field.origin, _through(field.axes, windows), field.whole)
        if all(window == Window() for window in windows):
            return field
        if field.rows and len(windows) == 1 and windows[0] == Window(pad=windows[0].pad):  # tokens come or go in front
            return field._replace(front=field.front + windows[0].pad[0])
        if field.whole and not field.grid:  # one value, wherever it is read
            return _spread(field) if prod(node.shape[1:]) > 1 else field
        return self.unknown(node, f"{node.op.name} slides over positions that are no longer the input's: {_LOST}")

    def joined(self, node: Node, facts: _Facts) -> Field | None:
        """The union of what the inputs read, relative to the first network input that any of them reaches."""
        several, branches = prod(node.shape[1:]) > 1, list[tuple[Node, Field]]()
        for source, windows in zip(node.inputs, facts.windows, strict=True):
            seen = self.seen(node, self.rows[source].field, windows)
            if seen is None:
                return None
            branches.append((self.nodes[source], seen))
        origin = min([field.origin for _, field in branches])
        for number, (branch, field) in enumerate(branches if several else ()):
            apart = facts.windows[number] is None and branch.shape[1:] != node.shape[1:]
            if field.origin == origin and (apart or facts.gathers[number]):
                spread = self.spread(node, branch, field, facts.gathers[number])
                if spread is None:
                    return None
                branches[number] = branch, spread
        met, mismatch = meet([field for _, field in branches])
        if several and mismatch:
            branches = [(branch, field) for branch, field in branches if field.grid and field.origin == met.origin]
            if mismatch == "layouts":
                message = f"the branches of {node.op.name} lay the input's positions out differently: {_LOST}"
                return self.unknown(node, message)
            self.note_mismatch(node, mismatch, branches)
        return met

    def spread(self, node: Node, branch: Node, field: Field, gathers: bool) -> Field | None:
        """The field of a branch that every position of a join reads, which adds no extent; None where it is neither
        one value of the whole input nor all of the branch."""
        if gathers or not field.axes or (field.whole and not field.grid):
            return _spread(field)
        sides = self.nodes[field.origin].shape[-len(field.axes) :]
        ends = [axis.at(0) for axis in field.axes]
        covered = all(span and span[0] <= 0 and span[1] >= n - 1 for span, n in zip(ends, sides, strict=True))
        if covered and field.grid and prod(branch.shape[1:]) == 1:
            return _spread(field)
        return self.unknown(node, f"{node.op.name} spreads {branch.path}, which reads a part of the input: {_LOST}")

    def note_mismatch(self, node: Node, mismatch: Mismatch, branches: list[tuple[Node, Field]]) -> None:
        """Notes branches that do not fit, each with what it reads along the first axis where they differ."""
        name, code = node.op.name, "N301" if mismatch == "strides" else "N302"
        if self.is_noted(code, node):
            return
        if mismatch == "strides":
            message = f"the branches of {name} have different strides"
            remark = "the receptive field is their union at output 0, with the larger stride"
        else:
            message = f"the branches of {name} are not centred on the same places"
            remark = (
                "an even kernel, an uneven padding or an upsampling behind a stride moves a branch by half a position"
            )
        told = (_told(axes, mismatch) for axes in zip(*[field.axes for _, field in branches], strict=True))
        texts = next((texts for texts in told if len(set(texts)) > 1), [])
        labels = (Label(branch.span, text) for (branch, _), text in zip(branches, texts, strict=False))
        self.note(code, node, message, remark, tuple(labels))

    def unknown(self, node: Node, message: str, code: str = "N303") -> Field | None:
        """None, and a note that a field ends here."""
        self.note(code, node, message, "so it is left out from here on")
        return None

    def is_noted(self, code: str, node: Node) -> bool:
        return (code, id(node.span.source), node.span.start, node.span.end) in self.noted

    def note(self, code: str, node: Node, message: str, remark: str, labels: tuple[Label, ...] = ()) -> None:
        """Notes something once for each place in the text."""
        if not self.is_noted(code, node):
            self.noted.add((code, id(node.span.source), node.span.start, node.span.end))
            self.notes.append(Diagnostic(code, message, node.span, labels=labels, notes=(remark,), severity="note"))


_LOST = "the receptive field cannot be followed past it"


def _told(axes: tuple[Axis, ...], mismatch: Mismatch) -> list[str]:
    """Per branch its stride, or where its windows stand: on average, where they depend on the output."""
    if mismatch == "strides":
        return [f"stride {axis.stride}" for axis in axes]
    period = lcm(*(axis.period for axis in axes))
    spans = [[axis.at(output) for axis in axes] for output in range(period)]
    whole = [[span for span in each if span] for each in spans if None not in each]
    if period == 1:
        return [f"output 0 reads {first} to {last}" for each in whole for first, last in each]
    centres = [sum(first + last for first, last in each) / 2 / len(whole) for each in zip(*whole, strict=True)]
    return [f"outputs 0 to {period - 1} are centred on {centre:g} on average" for centre in centres]


def _origin(index: int, shape: Shape) -> Field:
    """The field of a network input: every position is its own."""
    return Field(index, (Axis(),) * (len(shape) - 1), grid=len(shape) > 1)


def _spread(field: Field) -> Field:
    """What positions read that all read the same: no more than the whole input can be said of it."""
    return Field(field.origin, (), True, False)


def _passed(field: Field, way: _Way, x: Shape, y: Shape) -> Field | None:
    """The field of a shape y whose values are all those of x, some, or mixtures; None where it is unknown."""
    several, whole = prod(y[1:]) > 1, field.whole or way.startswith("whole")
    if not field.axes:
        return Field(field.origin, (), whole, False)
    placeless = not field.grid and not field.rows
    if way == "whole":
        return field if field.whole else field._replace(whole=True)
    if way == "whole off" or (placeless and whole):
        return _spread(field) if several else Field(field.origin, field.axes, True, False)
    if way == "rows" and not placeless:
        rows, front = field.rows or x[1:], field.front
        own = rows == y[1:] and not front
        return Field(field.origin, field.axes, whole, True) if own else field._replace(rows=rows, front=front)
    if way == "flat":
        return Field(field.origin, field.axes, whole, False, field.rows or x[1:])
    if (way == "across" and (whole or not field.rows)) or (way == "off" and (field.grid or not field.rows)):
        return Field(field.origin, field.axes, whole, False)
    return None


def _through(axes: tuple[Axis, ...], windows: tuple[Window, ...]) -> tuple[Axis, ...]:
    """The axes through a window each; square maps, the usual case, are computed once."""
    first = see(axes[0], windows[0])
    pairs = zip(axes[1:], windows[1:], strict=True)
    return (first, *[first if (a, w) == (axes[0], windows[0]) else see(a, w) for a, w in pairs])
