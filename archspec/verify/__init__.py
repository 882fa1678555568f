"""Runs what archspec emits, PyTorch and ONNX, on the same weights and inputs, and compares the results."""

from __future__ import annotations

from collections.abc import Iterable

from archspec.emit import need
from archspec.graph import Graph
from archspec.source import Diagnostic, SpecError
from archspec.verify.bench import Bench
from archspec.verify.report import Comparison, Count, Report

__all__ = ["Comparison", "Count", "Report", "verify"]


def verify(graph: Graph, *, seeds: Iterable[int] = (0,), batch: int = 2, opset: int = 20) -> Report:
    """Builds the emitted module and model, gives both the weights each seed draws, and compares every output.

    Statistics and affine parameters of norms are drawn too, inputs are normal (indices: uniform), both in evaluation
    mode.  An output that is not finite, the same everywhere or the same for every example fails: comparing it would
    prove nothing.  Raises MissingExtra without torch or onnxruntime, SpecError for what cannot be emitted.
    """
    seeds = tuple(seeds)
    if not seeds or batch < 1:
        message = "nothing to compare: no seed" if not seeds else f"a batch of {batch} has no examples"
        raise SpecError((Diagnostic("A204", message, help="give at least one seed and a batch of at least 1"),))
    need("verifying", "torch", "onnx", "onnxruntime")
    bench = Bench(graph, batch, opset)
    comparisons: list[Comparison] = []
    cause = ""
    for seed in seeds:
        found = bench.compare(seed)
        comparisons += found
        if not cause and any(c.difference > c.allowed for c in found):
            cause = bench.magnified(seed, found) or bench.first_difference(seed)
    return Report(graph.name, batch, opset, bench.counts, tuple(comparisons), cause)
