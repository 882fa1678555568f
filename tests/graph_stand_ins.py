"""Graphs of one wiring whose gradients, on positive weights and inputs, show everything that is read.

A largest value shows one position, a difference cancels, a saturated function is flat, and a norm takes away what its
values share: what two overlapping pools both read has no part in the norm of the two.  What stands for them has the
same windows and a positive gradient.  tests/test_ops.py traces the windows of the operators themselves, and
`graph_fields.real` those of norms, attention and regions.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from archspec.field import Field
from archspec.graph import Graph, Node
from archspec.op import Cost, Op, Shape, Torch, Window, lookup

WHOLE_LINEAR = {"GAP", "FC", "REDUCE"}  # read everything, with positive gradients


class StandIn(Op):
    def cost(self, y: Shape, *xs: Shape) -> Cost:
        return Cost()


class Everything(StandIn):
    """Every value is the sum of the means of all inputs."""

    name = "EVERYTHING"
    arity = (1, None)
    shape: Shape

    def infer(self, *xs: Shape) -> Shape:
        return self.shape

    def torch(self, *xs: Shape) -> Torch:
        means = " + ".join(f"{{{i}}}.flatten(1).mean(1)" for i in range(len(xs)))
        ones = (1,) * len(self.shape)
        return Torch(call=f"({means}).reshape(-1, {', '.join(map(str, ones))}).expand(-1, *{self.shape})")


class AndEverything(StandIn):
    """Its input and the mean of it: a norm, attention."""

    name = "ANDEVERYTHING"

    def torch(self, *xs: Shape) -> Torch:
        ones = ", ".join("1" * len(xs[0]))
        return Torch(call=f"{{0}} + {{0}}.flatten(1).mean(1).reshape(-1, {ones})")


class Lifted(StandIn):
    """Every value of a vector as `width` channels of its position: an embedding of numbers that have gradients."""

    name = "LIFTED"
    width: int

    def infer(self, *xs: Shape) -> Shape:
        return (self.width, *xs[0])

    def torch(self, *xs: Shape) -> Torch:
        return Torch(call=f"{{0}}[:, None].expand(-1, {self.width}, -1)")


class AllChannels(StandIn):
    """The sum of all channels of both inputs: their inner product, which a zero of some padding would hide."""

    name = "ALLCHANNELS"
    arity = (2, 2)

    def infer(self, *xs: Shape) -> Shape:
        return (1, *xs[0][1:])

    def torch(self, *xs: Shape) -> Torch:
        return Torch(call="({0} + {1}).sum(1, keepdim=True)")


class Tiles(StandIn):
    """The mean of the window that a position lies in, which edges cut; whole ones begin at `shift`."""

    name = "TILES"
    window: tuple[int, int]
    shift: tuple[int, int]

    @property
    def before(self) -> tuple[int, ...]:
        """How far the first window begins before the map."""
        return tuple(k - s if s else 0 for k, s in zip(self.window, self.shift, strict=True))

    def reads(self, number: int, *xs: Shape) -> tuple[Window, ...]:
        sides = zip(self.window, self.before, strict=True)
        return tuple(Window(k, pad=(b, k - 1 - b), tiled=True) for k, b in sides)

    def torch(self, *xs: Shape) -> Torch:
        (h, w), (a, b), (s, t) = xs[0][1:], self.before, self.shift
        means = f"F.avg_pool2d(F.pad({{0}}, {(b, t, a, s)}), {self.window})"
        return Torch(call=f"F.interpolate({means}, scale_factor={self.window})[:, :, {a}:{a + h}, {b}:{b + w}]")


def made(name: str, **arguments: Any) -> Op:
    card = lookup(name)
    assert card is not None
    return card(**arguments)


def same_windows(name: str) -> Callable[[Op, Shape], Op]:
    """The card `name` with those arguments of another that it has too."""
    card = lookup(name)
    assert card is not None
    return lambda op, shape: card(**{k: v for k, v in op.model_dump().items() if k in card.model_fields})


def always(name: str, **arguments: Any) -> Callable[[Op, Shape], Op]:
    return lambda op, shape: made(name, **arguments)


def upsampled(op: Op, shape: Shape) -> Op:
    factor = op.model_dump()["factor"]
    return made("UPCONV", channels=shape[0], kernel=factor, stride=factor)


# Each has the windows of the operator it stands for.
STAND_INS: dict[str, Callable[[Op, Shape], Op]] = {
    "MAXPOOL": same_windows("AVGPOOL"),
    "AMAXPOOL": same_windows("AAVGPOOL"),
    "GMP": same_windows("GAP"),
    "DEFCONV": same_windows("CONV"),  # at rest
    "BINCONV": same_windows("CONV"),
    "DIRACCONV": same_windows("CONV"),
    "max": always("mean"),
    "highway": always("mean"),
    "sub": always("add"),
    "absdiff": always("add"),
    "mul": always("add", broadcast=True),  # a product with a zero of some padding shows nothing of the other factors
    "dot": lambda op, shape: AllChannels(),
    "PIXELSHUFFLE": upsampled,
    "EMBED": lambda op, shape: Lifted(width=shape[0]),
    "WMHA": lambda op, shape: Tiles(window=op.model_dump()["window"], shift=op.model_dump()["shift"]),
    # A field is that of all channels together.
    "SLICE": lambda op, shape: made("LINEAR", width=shape[0]),
    "MAXOUT": lambda op, shape: made("LINEAR", width=shape[0]),
    # Each position reads itself: what they divide by grows with it, and signs and sines are flat or turn.
    **dict.fromkeys(("LRN", "L2NORM", "RMSNORM", "SINUSOID", "SCALE"), always("ID")),
}


def linear(op: Op, shape: Shape) -> Op:
    """The card with the windows of one, and with a positive gradient; what reads everything stays as it is."""
    if op.name in STAND_INS:
        return STAND_INS[op.name](op, shape)
    channel_norm = op.name == "LN" and not op.whole
    if channel_norm or type(op).__module__ == "archspec.ops.activation":
        return made("ID")
    change: dict[str, Any] = {"table": ()} if getattr(op, "table", None) else {}
    change |= {"how": "mean"} if op.name == "REDUCE" else {}
    change |= {"mode": "constant", "value": 0.0} if op.name == "PAD" else {}  # loose: at rest, without its edge
    return op.model_copy(update=change) if change else op


def around(kernel: tuple[int, ...]) -> Op:
    """The mean of what lies closer than a window's size."""
    return made("AVGPOOL", kernel=tuple(2 * k - 1 for k in kernel), stride=1, pad=tuple(k - 1 for k in kernel))


def spread(graph: Graph) -> Graph:
    """The graph in which what reads everything does so with a positive gradient."""

    def stand_in(node: Node) -> Op:
        if not node.op.whole or linear(node.op, node.shape).name in WHOLE_LINEAR:
            return linear(node.op, node.shape)
        keeps = node.op.arity == (1, 1)
        return AndEverything() if keeps else Everything(shape=node.shape)

    nodes = (replaced(graph, node, stand_in(node)) for node in graph.nodes)
    return graph.model_copy(update={"nodes": tuple(nodes)})


def local(graph: Graph, fields: list[Field | None]) -> Graph:
    """The graph without what reads everything: norms and self-attention that stay on the input's grid read their own
    position, and what leaves it (a global pool, a layer of a vector) is one more input, which reads nothing."""
    nodes = []
    for index, node in enumerate(graph.nodes):
        field = fields[index]
        if not node.op.whole:
            op = linear(node.op, node.shape)
        elif field is not None and field.grid and len(node.inputs) == 1:
            op = around(node.op.kernel) if node.op.name == "LCN" else made("ID")
        else:
            cut = {"op": made("INPUT", shape=node.shape), "path": f"cut{index}", "inputs": (), "scope": ()}
            nodes.append(node.model_copy(update=cut))
            continue
        nodes.append(replaced(graph, node, op))
    return graph.model_copy(update={"nodes": tuple(nodes)})


def replaced(graph: Graph, node: Node, op: Op) -> Node:
    if op is node.op:
        return node
    op = op.settle(*graph.shapes_into(node))
    assert op.infer(*graph.shapes_into(node)) == node.shape, node.path
    return node.model_copy(update={"op": op})
