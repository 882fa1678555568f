"""What rules of thumb have in common: how they speak, and what they ask of a graph."""

from __future__ import annotations

from archspec.field import Axis
from archspec.graph import Graph, Node
from archspec.op import Window
from archspec.source import Diagnostic


def note(code: str, message: str, node: Node, help: str, *notes: str) -> Diagnostic:
    return Diagnostic(code, message, node.span, help=help, notes=notes, severity="note")


def readers(graph: Graph) -> list[list[int]]:
    """Per node the indices of those that read it."""
    found: list[list[int]] = [[] for _ in graph.nodes]
    for index, node in enumerate(graph.nodes):
        for source in node.inputs:
            found[source].append(index)
    return found


def windows(graph: Graph, node: Node) -> tuple[Window, ...]:
    """Per spatial axis what an output of a node with one input reads; () where a position reads itself."""
    xs = graph.shapes_into(node)
    return node.op.windows(*xs) or () if len(xs) == 1 else ()


def strides(axes: tuple[Axis, ...]) -> list[int]:
    """Input positions from one position to the next, 1 where they are finer."""
    return [axis.stride if isinstance(axis.stride, int) else 1 for axis in axes]
