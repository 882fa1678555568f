"""The network as a graph of settled operators: what every analysis and every emitter reads."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Annotated, Any, Literal, Self, TypeVar

from pydantic import BaseModel, ConfigDict, InstanceOf, SkipValidation, model_validator

from archspec.op import Op, Shape
from archspec.record import Record
from archspec.source import Span


class Frame(Record):
    """One level of where a node stands: a stamp of a block, one iteration of a repeat, a branch or a shared flow.

    `name` is its segment in paths; "" adds none (a block that is the whole body of a repeat lends the repeat its name).
    The path of an iteration is `name.index`.
    """

    kind: Literal["block", "repeat", "branch", "shared"]
    name: str
    path: str  # of everything in this frame: the enclosing path and this segment
    span: Span  # the call, the repeat or the branch as written
    definition: str = ""  # the block's name in the file: Bottleneck
    arguments: tuple[tuple[str, Any], ...] = ()  # the block's formals and their values
    index: int = 0  # which iteration of a repeat, from 0
    count: int = 1  # how many iterations it has
    labelled: bool = False  # the name is the author's own (`as stage`)


class Node(BaseModel):
    """One operator at work.  `inputs` are indices of earlier nodes, so a graph has no cycles."""

    model_config = ConfigDict(frozen=True, defer_build=True, arbitrary_types_allowed=True)

    path: str
    op: InstanceOf[Op]
    inputs: tuple[int, ...]
    shape: Shape  # of its output, without the batch
    scope: SkipValidation[tuple[Frame, ...]]  # outermost first
    span: SkipValidation[Span]
    shares: int | None = None  # the earlier node whose weights it uses (`shared`)

    @property
    def name(self) -> str:
        """The last segment of the path."""
        return self.path.rpartition(".")[2]


class Output(BaseModel):
    """A result of the network and the name it is known by."""

    model_config = ConfigDict(frozen=True, defer_build=True)

    name: str
    node: int


_G = TypeVar("_G", bound="Graph")


class Graph(BaseModel):
    """A network: blocks stamped, repeats unrolled, every shape known.  Inputs are nodes whose card is INPUT."""

    model_config = ConfigDict(frozen=True, defer_build=True)

    name: str
    nodes: Annotated[tuple[Node, ...], SkipValidation]
    outputs: tuple[Output, ...]

    @model_validator(mode="after")
    def _ordered(self) -> Self:
        seen: set[str] = set()
        for index, node in enumerate(self.nodes):
            if any(not 0 <= i < index for i in node.inputs):
                raise ValueError(f"{node.path} reads a node that does not precede it")
            if node.shares is not None and not 0 <= node.shares < index:
                raise ValueError(f"{node.path} shares the weights of a node that does not precede it")
            seen.add(node.path)
        if len(seen) != len(self.nodes):
            raise ValueError("two nodes have one path")
        if any(not 0 <= output.node < len(self.nodes) for output in self.outputs):
            raise ValueError("an output names a node that is not there")
        return self

    @property
    def inputs(self) -> tuple[int, ...]:
        """Indices of the input nodes, in the order of declaration."""
        return tuple(i for i, node in enumerate(self.nodes) if node.op.name == "INPUT")

    def shapes_into(self, node: Node) -> tuple[Shape, ...]:
        """The shapes of a node's inputs, what its card's rules are asked with."""
        return tuple(self.nodes[i].shape for i in node.inputs)

    def reading(self, names: Iterable[str]) -> Self:
        """The same network with only these outputs, without the nodes that none of them needs.

        Raises KeyError with the first name that is no output.
        """
        known = {output.name: output for output in self.outputs}
        return prune(self, tuple(known[name] for name in names))


def prune(graph: _G, outputs: tuple[Output, ...]) -> _G:
    """`graph` with these outputs and only the nodes they need; every declared input stays.

    Where the node whose weights are shared goes, its first remaining user owns them.
    """
    needed = set(graph.inputs)
    todo = [output.node for output in outputs]
    while todo:
        index = todo.pop()
        if index not in needed:
            needed.add(index)
            todo += graph.nodes[index].inputs
    if len(needed) == len(graph.nodes):
        return graph.model_copy(update={"outputs": outputs})
    place: dict[int, int] = {}  # old index -> new index
    owner: dict[int, int] = {}  # old index of a weight's owner -> new index of its first remaining user
    nodes: list[Node] = []
    for index in sorted(needed):
        node = graph.nodes[index]
        first = index if node.shares is None else node.shares
        shares = owner.get(first)
        owner.setdefault(first, len(nodes))
        place[index] = len(nodes)
        inputs = tuple(place[i] for i in node.inputs)
        nodes.append(node.model_copy(update={"inputs": inputs, "shares": shares}))
    kept = tuple(output.model_copy(update={"node": place[output.node]}) for output in outputs)
    return graph.model_copy(update={"nodes": tuple(nodes), "outputs": kept})
