"""The analysis: one walk over a graph that states, per node, its weights, its work, its memory and its receptive field.

Every count is a card's; this module adds the batch, the data type, the wiring and the sums.
"""

from __future__ import annotations

from math import prod
from typing import Literal, NamedTuple

from archspec.field import Axis, Field, Mismatch, TooManyPhases, meet, see
from archspec.graph import Graph, Node
from archspec.op import Op, Shape, Window
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


# How the field of what enters a node becomes the node's own.  keep: each position reads itself.  whole: each reads the
# whole input.  off: the positions are no longer the input's (a vector, a sequence), and windows past here say nothing
# about the input.  whole off: both (a global pool).  positions: the values of a vector become the positions of a
# sequence (an embedding).  lost: positions became channels.
_Way = Literal["keep", "whole", "positions", "off", "whole off", "lost"]


class _Facts(NamedTuple):
    """What the card says of every node with one operator and one set of input shapes, for one example."""

    params: int
    buffers: int
    macs: int
    flops: int
    stored: int  # values of the output; 0 for a view
    layer: int  # 1 for a weight layer, which contracts its input with weights
    windows: tuple[tuple[Window, ...] | None, ...]  # per input
    way: _Way


def _facts(op: Op, y: Shape, xs: tuple[Shape, ...]) -> _Facts:
    weights = op.weights(*xs)
    params = sum(prod(weight.shape) for weight in weights if weight.trainable)
    buffers = sum(prod(weight.shape) for weight in weights if not weight.trainable)
    cost = op.cost(y, *xs)
    windows = tuple(op.reads(number, *xs) for number in range(len(xs)))
    stored, way = 0 if op.view else prod(y), _way(op, cost.macs, y, xs)
    return _Facts(params, buffers, cost.macs, cost.flops, stored, int(params > 0 < cost.macs), windows, way)


def _way(op: Op, macs: int, y: Shape, xs: tuple[Shape, ...]) -> _Way:
    placed = not op.rearranges and any(x[1:] == y[1:] for x in xs)
    if op.whole or (len(y) == 1 and macs):  # a contraction of a vector reads all of it
        return "whole" if placed and prod(y[1:]) > 1 else "whole off"
    if placed or (xs and op.reads(0, *xs) is not None):
        return "keep"
    if xs == (y[1:],):
        return "positions"
    return "lost" if op.rearranges or (len(y) > 1 and all(x[0] != y[0] for x in xs)) else "off"


class _Walk:
    """The state of one analysis: what is known of the nodes so far."""

    def __init__(self, graph: Graph, batch: int, width: int) -> None:
        self.graph, self.nodes, self.batch, self.width = graph, graph.nodes, batch, width
        self.rows: list[Row] = []
        self.depths: list[int] = []  # weight layers on the longest path to each node
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
        params, buffers, macs, flops, stored, layer, _, _ = facts
        if node.shares is not None:
            params = buffers = 0
        batch, width = self.batch, self.width
        memory = (params + buffers) * width
        field = self.field(index, node, facts) if inputs else _origin(index, node.shape)
        self.rows.append(
            Row(index, params, buffers, macs * batch, flops * batch, field, memory, stored * width * batch)
        )
        before = self.depths[inputs[0]] if len(inputs) == 1 else max([self.depths[i] for i in inputs], default=0)
        self.depths.append(before + layer)

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

    def field(self, index: int, node: Node, facts: _Facts) -> Field | None:
        """The field of a node from those of its inputs; None, and a note, where it cannot be followed."""
        try:
            if len(node.inputs) == 1:
                field = self.seen(node, self.rows[node.inputs[0]].field, facts.windows[0])
            else:
                field = self.joined(node, facts)
        except TooManyPhases:
            self.note("N304", node, "the receptive field repeats too rarely to be followed", "so it is left out")
            return None
        if field is None or facts.way == "keep":
            return field
        if field.whole:
            return _passed(field, facts.way)
        in_place = self.nodes[node.inputs[0]].shape == self.nodes[field.origin].shape  # not cut, nor put together
        if facts.way == "positions" and in_place and not field.axes:
            return Field(field.origin, (Axis(),))
        if facts.way == "positions" or (facts.way == "lost" and field.axes):
            message = f"{node.op.name} mixes positions with channels: the receptive field cannot be followed past it"
            self.note("N303", node, message, "so it is left out from here on")
            return None
        return _passed(field, facts.way)

    def seen(self, node: Node, field: Field | None, windows: tuple[Window, ...] | None) -> Field | None:
        """The field through one window per axis."""
        if field is None or windows is None or not field.axes:
            return field
        if field.grid:
            return Field(field.origin, _through(field.axes, windows), field.whole)
        if field.whole or all(window == Window() for window in windows):
            return field
        message = f"{node.op.name} slides over positions that are no longer the input's: its receptive field is unknown"
        self.note("N303", node, message, "so it is left out from here on")
        return None

    def joined(self, node: Node, facts: _Facts) -> Field | None:
        """The union of what the inputs read, relative to the first network input that any of them reaches."""
        several = prod(node.shape[1:]) > 1
        branches: list[tuple[Node, Field]] = []
        for source, windows in zip(node.inputs, facts.windows, strict=True):
            branch = self.nodes[source]
            field = self.seen(node, self.rows[source].field, windows)
            if field is None:
                return None
            if several and field.grid and prod(branch.shape[1:]) == 1:  # one value for all positions
                field = field._replace(grid=False)
            branches.append((branch, field))
        met, mismatch = meet([field for _, field in branches])
        if mismatch and several:
            placed = [(branch, field) for branch, field in branches if field.grid and field.origin == met.origin]
            self.note_mismatch(node, mismatch, placed)
        return met

    def note_mismatch(self, node: Node, mismatch: Mismatch, branches: list[tuple[Node, Field]]) -> None:
        """Notes branches that do not fit, each with what it reads along the first axis where they differ."""
        name = node.op.name
        if mismatch == "strides":
            message = f"the branches of {name} have different strides"
            remark = "the receptive field is their union at output 0, with the larger stride"
        else:
            message = f"the branches of {name} are not centred on the same places"
            remark = "an even kernel or an uneven padding moves a branch by half a position"
        told = zip(*[[_told(axis, mismatch) for axis in field.axes] for _, field in branches], strict=True)
        texts = next((texts for texts in told if len(set(texts)) > 1), ())
        labels = (Label(branch.span, text) for (branch, _), text in zip(branches, texts, strict=False))
        self.note("N301" if mismatch == "strides" else "N302", node, message, remark, tuple(labels))

    def note(self, code: str, node: Node, message: str, remark: str, labels: tuple[Label, ...] = ()) -> None:
        """Notes something once for each place in the text."""
        place = (code, id(node.span.source), node.span.start, node.span.end)
        if place not in self.noted:
            self.noted.add(place)
            self.notes.append(Diagnostic(code, message, node.span, labels=labels, notes=(remark,), severity="note"))


def _told(axis: Axis, mismatch: Mismatch) -> str:
    if mismatch == "strides":
        return f"stride {axis.stride}"
    span = axis.at(0)
    return f"output 0 reads {span[0]} to {span[1]}" if span else "output 0 reads nothing"


def _origin(index: int, shape: Shape) -> Field:
    """The field of a network input: every position is its own."""
    return Field(index, (Axis(),) * (len(shape) - 1), grid=len(shape) > 1)


def _passed(field: Field, way: _Way) -> Field:
    whole, grid = field.whole or way.startswith("whole"), field.grid and way == "whole"
    return field if (whole, grid) == (field.whole, field.grid) else Field(field.origin, field.axes, whole, grid)


def _through(axes: tuple[Axis, ...], windows: tuple[Window, ...]) -> tuple[Axis, ...]:
    """The axes through a window each; square maps, the usual case, are computed once."""
    first = see(axes[0], windows[0])
    pairs = zip(axes[1:], windows[1:], strict=True)
    return (first, *[first if (a, w) == (axes[0], windows[0]) else see(a, w) for a, w in pairs])
