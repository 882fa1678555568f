"""The memory of a forward pass that keeps nothing for a backward one."""

from __future__ import annotations

from archspec.analyze import DTYPES, Analysis
from archspec.memory.breakdown import Held, Memory, Part
from archspec.memory.lifetimes import Peak, Program, peak, program
from archspec.memory.orders import orders


def infer(analysis: Analysis, *, inplace: bool = False) -> Memory:
    """Weights, and the most that lives at one time in the best of the orders tried.

    `inplace` lets an operator that works value by value write over an input that nobody reads afterwards.
    """
    graph, batch, dtype = analysis.graph, analysis.batch, analysis.dtype
    passed, width = program(graph, dtype), DTYPES[dtype]
    peaks = [(name, peak(passed, order, inplace)) for name, order in orders(passed)]
    name, best = min(peaks, key=lambda tried: tried[1].size)  # the first of equals
    params, buffers = analysis.totals.params, analysis.totals.buffers
    parts = (
        Part("weights", params * width, 0, f"{params:,} parameters"),
        Part("buffers", buffers * width, 0, "running means and variances"),
        Part("activations", 0, best.size, "alive at the peak"),
    )
    at = "" if best.step is None else graph.nodes[passed.steps[best.step].node].path
    tried = tuple((name, batch * found.size) for name, found in peaks)
    rules = (
        "a tensor lives from the layer that makes it to the last that reads it; views take nothing",
        "work space and the allocator's rounding are not counted",
        *(("elementwise layers write over an input that nobody reads afterwards",) if inplace else ()),
    )
    tensors = _held(analysis, passed, best)
    return Memory(graph.name, False, batch, dtype, parts, tensors, at, name, tried, batch * best.unfreed, rules)


def _held(analysis: Analysis, passed: Program, best: Peak) -> tuple[Held, ...]:
    """The tensors that are there at the peak."""
    nodes, held = analysis.graph.nodes, []
    for index in best.tensors:
        tensor = passed.tensors[index]
        node = nodes[tensor.node]
        own = getattr(node.op, "dtype", "float32")
        dtype, what = analysis.dtype if own == "float32" else own, "input" if tensor.given else "output"
        held.append(Held(node.path, what, node.shape, dtype, tensor.size * analysis.batch))
    return tuple(held)
