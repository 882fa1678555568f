"""Graphs built by hand, for tests of what reads graphs."""

from __future__ import annotations

from typing import Any

from archspec.graph import Graph, Node, Output
from archspec.op import lookup
from archspec.source import Source, Span

HERE = Span(Source("test", ""), 0, 0)


class Net:
    """Adds one settled node after the other: `net("conv1", "CONV", "input", channels=8)`."""

    def __init__(self, name: str = "Net") -> None:
        self.name = name
        self.nodes: list[Node] = []

    def __call__(self, path: str, op: str, *inputs: str, shares: str | None = None, **arguments: Any) -> str:
        places = {node.path: index for index, node in enumerate(self.nodes)}
        sources = tuple(places[source] for source in inputs)
        card = lookup(op)
        assert card is not None, op
        owner = None if shares is None else places[shares]
        parts = card(**arguments).parts(*(self.nodes[i].shape for i in sources)) or (card(**arguments),)
        for number, part in enumerate(parts):
            name = path if number == len(parts) - 1 else f"{path}_{number}"
            shapes = tuple(self.nodes[i].shape for i in sources)
            ready = part.settle(*shapes)
            shape = ready.infer(*shapes)
            self.nodes.append(Node(path=name, op=ready, inputs=sources, shape=shape, scope=(), span=HERE, shares=owner))
            sources = (len(self.nodes) - 1,)
        return path

    def graph(self, **outputs: str) -> Graph:
        """The graph with these outputs, name=path; without any, `output` is the last node."""
        places = {node.path: index for index, node in enumerate(self.nodes)}
        chosen = outputs or {"output": self.nodes[-1].path}
        return Graph(
            name=self.name,
            nodes=tuple(self.nodes),
            outputs=tuple(Output(name=name, node=places[path]) for name, path in chosen.items()),
        )
