"""The fully convolutional twin of a network (Long, Shelhamer and Darrell 2015): FC layers over maps as convolutions.

The classifier then slides over a larger input, and gives a map of what it says at each place.  Behind a global pool
there is one place, whatever the input.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from math import prod
from typing import Any

from archspec.graph import Graph, Node, Output
from archspec.op import Op, RuleError, Shape, lookup
from archspec.source import Diagnostic, SpecError


@dataclass(frozen=True)
class FullyConvolutional:
    """The pass: FLATTEN goes, FC over a CxHxW map is CONV HxW without padding, FC behind it is CONV 1x1.

    Nodes keep their paths, so weights keep their names; only their shapes differ, see `weights`.
    """

    def run(self, graph: Graph, input_shape: Shape | None = None) -> Graph:
        """The twin, for another input where one is given.  Raises SpecError where there is none."""
        twin = _Twin(graph, graph.nodes[graph.inputs[0]].shape)
        twin.build()
        twin.hold()
        if input_shape is None:
            return twin.graph()
        _fit(graph, input_shape)
        larger = _Twin(graph, input_shape)
        larger.build()
        return larger.graph()

    def weights(self, twin: Graph, mapping: Mapping[str, Any]) -> dict[str, Any]:
        """The network's arrays, by state_dict key, in its twin's shapes: (out, CxHxW) is (out, C, H, W)."""
        from archspec.emit.names import owned_weights

        owned = owned_weights(twin)
        return {key: mapping[key].reshape(weight.shape) for key, (_, weight) in owned.items()}


def _fit(graph: Graph, shape: Shape) -> None:
    """Refuses an input that is not one of the network's kind."""
    own = graph.nodes[graph.inputs[0]]
    if len(graph.inputs) > 1:
        why, help = "the network has several inputs", "drop --input: the twin then has their sizes"
    elif len(shape) != len(own.shape) or shape[0] != own.shape[0]:
        like = "x".join([str(own.shape[0]), *"HWD"[: len(own.shape) - 1]])
        why, help = f"its input is of the form {like}", "only the sizes may change, not the channels"
    else:
        return
    message = f"{'x'.join(map(str, shape))} cannot be its input: {why}"
    raise SpecError((Diagnostic("A752", message, own.span, help=help),))


def _refuse(node: Node, why: str) -> SpecError:
    help = "what may stand between a map and the last FC is FLATTEN, FC, activations and dropout"
    return SpecError((Diagnostic("A751", f"no fully convolutional twin: {why}", node.span, help=help),))


@dataclass
class _Twin:
    """The twin being built: its nodes, and which of the network's they stand for."""

    old: Graph
    input_shape: Shape
    nodes: list[Node] = field(default_factory=list)
    place: list[int] = field(default_factory=list)  # per old node, the new one that has its values
    flat: dict[int, Shape] = field(default_factory=dict)  # old vectors that are a map in the twin: the map's old shape
    converted: int = 0

    def build(self) -> None:
        """Raises SpecError."""
        first = self.old.inputs[0] if self.old.inputs else -1
        for index, node in enumerate(self.old.nodes):
            entering = self.old.shapes_into(node)
            if index == first:
                op = node.op.model_copy(update={"shape": self.input_shape})
                self.add(node, op, self.input_shape)
            elif node.op.name == "FLATTEN" and len(entering[0]) > 1:
                self.place.append(self.place[node.inputs[0]])
                self.flat[index] = entering[0]
            else:
                self.carry(index, node, entering)

    def carry(self, index: int, node: Node, entering: tuple[Shape, ...]) -> None:
        """A node in the twin: as it is, or an FC layer as the convolution that slides it."""
        op, source = node.op, node.inputs[0] if node.inputs else -1
        xs = tuple(self.nodes[self.place[i]].shape for i in node.inputs)
        if op.name in ("FC", "LINEAR") and len(xs[0]) > 1:
            kernel = self.flat.get(source) or entering[0]
            if op.name == "FC" or source in self.flat:
                sizes = kernel[1:] if len(kernel) > 1 else (1,) * (len(xs[0]) - 1)
                op = _sliding(op, sizes)
                self.converted += 1
        elif any(i in self.flat for i in node.inputs):
            if len(node.inputs) > 1 or op.weights(*entering) or not _each_value(op):
                raise _refuse(node, f"{op.name} reads a flattened map")
            self.flat[index] = self.flat[source]
        try:
            if xs != entering:  # where a card looks whether its arguments suit the input
                settled = op.settle(*xs)
                op = op if settled == op else settled
            shape = op.infer(*xs)
        except RuleError as why:
            if self.input_shape == self.old.nodes[self.old.inputs[0]].shape:
                raise _refuse(node, why.message) from None
            message = f"the twin's {node.op.name}: {why.message}"
            raise SpecError((Diagnostic("A752", message, node.span, help=why.help),)) from None
        self.add(node, op, shape)

    def add(self, node: Node, op: Op, shape: Shape) -> None:
        self.place.append(len(self.nodes))
        inputs = tuple(self.place[i] for i in node.inputs)
        shares = None if node.shares is None else self.place[node.shares]
        self.nodes.append(node.model_copy(update={"op": op, "shape": shape, "inputs": inputs, "shares": shares}))

    def hold(self) -> None:
        """Refuses a twin that is not the network at the network's own size.  Raises SpecError."""
        if not self.converted:
            raise _refuse(self.old.nodes[-1], "no FC layer reads a map")
        new = self.graph()
        for index, node in enumerate(self.old.nodes):
            twin = new.nodes[self.place[index]]
            values = self.flat.get(index, node.shape)
            if twin.shape[: len(values)] != values or prod(twin.shape) != prod(node.shape):
                raise _refuse(node, f"{node.op.name} would give {twin.shape} instead of {node.shape}")
            if twin.shares is not None and _held(new, twin) != _held(new, new.nodes[twin.shares]):
                raise _refuse(node, f"{node.op.name} shares its weights with one over another map")
            if node.op.name == "FLATTEN" or twin.op is not node.op:
                continue
            if node.op.weights(*self.old.shapes_into(node)) != twin.op.weights(*new.shapes_into(twin)):
                raise _refuse(node, f"{node.op.name} has a weight for every position")

    def graph(self) -> Graph:
        outputs = tuple(Output(name=output.name, node=self.place[output.node]) for output in self.old.outputs)
        return Graph(name=self.old.name, nodes=tuple(self.nodes), outputs=outputs)


def _held(graph: Graph, node: Node) -> list[Shape]:
    return [weight.shape for weight in node.op.weights(*graph.shapes_into(node))]


def _each_value(op: Op) -> bool:
    """Whether each value of the output is made of its own of the input, so that the layout of a vector is nothing to
    it."""
    return op.inplace or op.name in ("DROPOUT", "ID")


def _sliding(op: Op, kernel: Shape) -> Op:
    """The convolution over maps that an FC layer is."""
    card = lookup("CONV")
    assert card is not None
    rank = len(kernel)
    sizes = {"kernel": kernel, "stride": (1,) * rank, "pad": ((0, 0),) * rank, "dilation": (1,) * rank}
    dense = {name: getattr(op, name) for name in ("bias", "bias_init")}
    return card(channels=op.width, **sizes, **dense)  # type: ignore[attr-defined, call-arg]
