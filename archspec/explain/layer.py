"""The formulas of one layer: those its card states, and for the rest what its other rules say."""

from __future__ import annotations

from math import prod
from typing import NamedTuple

from archspec.analyze import DTYPES, Analysis
from archspec.explain.receptive import field_formulas
from archspec.formula import Formula, axes, formula, sized
from archspec.graph import Node
from archspec.op import Op, Shape, Window, by


class Explanation(NamedTuple):
    """A layer and its formulas in the order they are read; `remarks` say what the formulas do not."""

    node: Node
    entering: tuple[Shape, ...]
    formulas: tuple[Formula, ...]
    remarks: tuple[str, ...]


def explain_layer(analysis: Analysis, index: int) -> Explanation:
    """Formula, substitution and result of a node's shape, parameters, MACs, FLOPs, receptive field and bytes, for one
    example."""
    node = analysis.graph.nodes[index]
    xs = analysis.graph.shapes_into(node)
    told, remarks = field_formulas(analysis, index)
    stated = counted(node.op, node.shape, xs)
    if node.shares is not None:  # they are counted once, where they are first used
        shared = Formula("params", f"the weights of {analysis.graph.nodes[node.shares].path}", "", 0)
        stated = tuple(shared if said.quantity == "params" else said for said in stated)
    return Explanation(node, xs, (*stated, *told, *_bytes(analysis, index)), remarks)


def counted(op: Op, y: Shape, xs: tuple[Shape, ...]) -> tuple[Formula, ...]:
    """Shape, parameters, MACs and FLOPs of a settled card."""
    stated = op.formulas(y, *xs)
    by_quantity = {said.quantity: said for said in stated if said.quantity != "shape"}
    params = by_quantity.get("params") or _params(op, xs)
    cost = op.cost(y, *xs)
    macs = by_quantity.get("MACs") or Formula("MACs", "no contraction", "", cost.macs)
    other = by_quantity.get("other")
    return (*_shape(op, y, xs, stated), params, macs, _flops(cost.macs, cost.other, other, op.name))


def _flops(macs: int, work: int, other: Formula | None, name: str) -> Formula:
    if other is None:
        if work and not macs:
            return Formula("FLOPs", f"by the rule of {name}", "", work)
        other = Formula("other", "other", str(work), work)
    if not macs:
        return other._replace(quantity="FLOPs") if work else Formula("FLOPs", "no arithmetic", "", 0)
    if not work:
        return formula("FLOPs", "2*MACs", {"MACs": macs})
    return Formula("FLOPs", f"2*MACs + {other.symbols}", f"2*{macs} + {other.substituted}", 2 * macs + work)


def _params(op: Op, xs: tuple[Shape, ...]) -> Formula:
    """The trained weights by name, each the product of its shape."""
    weights = [weight for weight in op.weights(*xs) if weight.trainable]
    if not weights:
        return Formula("params", "no weights", "", 0)
    products = ["*".join(map(str, weight.shape)) or "1" for weight in weights]
    total = sum(prod(weight.shape) for weight in weights)
    return Formula("params", " + ".join(weight.name for weight in weights), " + ".join(products), total)


def _shape(op: Op, y: Shape, xs: tuple[Shape, ...], stated: tuple[Formula, ...]) -> tuple[Formula, ...]:
    """A formula per axis, channels first; a phrase where none is stated and the shape is not the input's."""
    given = {said.part: said for said in stated if said.quantity == "shape"}
    if "" in given:
        return (given[""],)
    if not xs:
        return (Formula("shape", "as declared", "", y),)
    letters = ("c", *axes(len(y) - 1))
    for letter, window, n in zip(letters[1:], op.windows(*xs) or (), xs[0][1:], strict=False):
        given.setdefault(letter, window_formula(window, n, letter))
    if not given:
        same = y == xs[0]
        return (Formula("shape", "as the input" if same else f"by the rule of {op.name}: {_joined(xs)}", "", y),)
    channels = "c_in" if type(op).out_channels is Op.out_channels else "c_out"
    kept = {"c": channels} | dict.fromkeys(letters[1:], "n")
    stay = (Formula("shape", kept[letter], str(n), n, letter) for letter, n in zip(letters, y, strict=True))
    return tuple(given.get(said.part, said) for said in stay)


def _joined(xs: tuple[Shape, ...]) -> str:
    return " and ".join(map(by, dict.fromkeys(xs)))


def window_formula(window: Window, n: int, axis: str) -> Formula:
    """How many windows fit an axis of n positions; cards that stretch their input state formulas of their own."""
    values = {
        "n": n, "p_begin": window.pad[0], "p_end": window.pad[1], "d": window.dilation, "k": window.kernel,
        "s": window.stride,
    }  # fmt: skip
    room = "(n + p_begin + p_end - (d*(k - 1) + 1))/s"
    if not window.ceil:
        return formula("shape", f"floor({room}) + 1", values, axis)
    # The last window has to start inside the input or its padding before it.
    return formula("shape", f"min(ceil({room}) + 1, ceil((n + p_begin)/s))", values, axis)


def _bytes(analysis: Analysis, index: int) -> tuple[Formula, ...]:
    """Memory of the weights and buffers, and of the output."""
    node, row, width = analysis.graph.nodes[index], analysis.rows[index], DTYPES[analysis.dtype]
    values = {"params": row.params, "buffers": row.buffers, "bytes_each": width}
    count = "(params + buffers)" if row.buffers else "params"
    weights = formula("bytes", f"{count}*bytes_each", values, name="weights")
    if node.op.view:
        return weights, Formula("bytes", "a view of its input" if node.inputs else "given", "", 0, name="output")
    count, sizes = sized(node.shape)
    return weights, formula("bytes", f"{count}*bytes_each", sizes | values, name="output")
