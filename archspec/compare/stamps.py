"""Which layers make one module: those in a block that joins streams."""

from __future__ import annotations

from archspec.graph import Frame, Graph, Node

_SHORTCUT = "shortcut"  # the branch of a res whose 1x1 only makes shapes meet


def joining(graph: Graph) -> list[Frame | None]:
    """For every node the outermost of the blocks around it in which, and in no block inside, streams meet."""
    own = {_blocks(node)[-1].path for node in graph.nodes if len(node.inputs) > 1 and _blocks(node)}
    return [next((frame for frame in _blocks(node) if frame.path in own), None) for node in graph.nodes]


def _blocks(node: Node) -> list[Frame]:
    return [frame for frame in node.scope if frame.kind == "block"]


def branches(node: Node, module: Frame) -> tuple[str, ...]:
    """The paths of the branches around a node inside a module, outermost first."""
    inside = node.scope[node.scope.index(module) :]
    return tuple(frame.path for frame in inside if frame.kind == "branch")


def is_shortcut(node: Node) -> bool:
    return any(frame.kind == "branch" and frame.name == _SHORTCUT for frame in node.scope)
