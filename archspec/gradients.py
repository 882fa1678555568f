"""Which tensors of a network need a gradient."""

from __future__ import annotations

from archspec.graph import Graph
from archspec.op import Op, Shape


def needs_gradients(graph: Graph) -> list[bool]:
    """Per node whether its output depends on a parameter: only then does autograd follow it."""
    learns: dict[tuple[int, tuple[Shape, ...]], bool] = {}  # nodes of one call site hold one operator
    needs: list[bool] = []
    for node in graph.nodes:
        xs = graph.shapes_into(node)
        key = (id(node.op), xs)
        if key not in learns:
            learns[key] = _learns(node.op, xs)
        needs.append(learns[key] or any(needs[i] for i in node.inputs))
    return needs


def _learns(op: Op, xs: tuple[Shape, ...]) -> bool:
    return any(weight.trainable for weight in op.weights(*xs))
