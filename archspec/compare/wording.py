"""What a paper's table says of a layer, in the papers' shorthand: conv3-64, conv7-64/2, maxpool3/2, FC-4096."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from archspec.graph import Graph, Node
from archspec.op import Op
from archspec.report.wording import shape_text, value_text

# The families of which a table says nothing; views and normalisations with weights go without saying as well.
_UNSAID = {"activation", "dropout", "input", "join", "parametrised"}


def is_told(graph: Graph, node: Node) -> bool:
    """Whether a table has an entry for a layer."""
    family = type(node.op).__module__.rpartition(".")[2]
    if family in _UNSAID or node.op.view or len(node.inputs) != 1:
        return False
    return family != "norm" or not node.op.weights(*graph.shapes_into(node))


def label(node: Node, *, stride: bool = True) -> str:
    """A layer in shorthand.  Without `stride` the first convolution of a stage reads as the others do."""
    op = node.op
    kernel: Sequence[int] = getattr(op, "kernel", ())
    if not kernel:
        width = getattr(op, "width", None)
        return op.name if width is None else f"{op.name}-{width}"
    text = op.name.lower()
    wide = type(op).model_fields["kernel"].is_required() or hasattr(op, "bias")  # a filter bank, and no pool
    steps: Sequence[int] = getattr(op, "stride", (1,) * len(kernel))
    if wide or tuple(kernel) != (2,) * len(kernel) or tuple(steps) != tuple(kernel):
        text += _sizes(kernel)
    if wide:
        text += f"-{node.shape[0]}"
    if stride and tuple(steps) != ((1,) * len(kernel) if wide else tuple(kernel)):
        text += f"/{_sizes(steps)}"
    return text + _more(op)


def _sizes(sizes: Sequence[int]) -> str:
    return str(sizes[0]) if len(set(sizes)) == 1 else "x".join(map(str, sizes))


def _more(op: Op) -> str:
    """Groups and dilation, where there are any."""
    told: list[str] = []
    for name in ("groups", "dilation"):
        value: Any = getattr(op, name, 1)
        if value != 1 and set(value if isinstance(value, tuple) else (value,)) != {1}:
            told.append(f"{name}={value_text(value)}")
    return f" ({', '.join(told)})" if told else ""


def map_size(node: Node) -> str:
    """The positions of a layer's output, without its channels; one for a vector."""
    return shape_text(node.shape[1:]) if len(node.shape) > 1 else "1x1"
