"""What is asked of a graph: PyTorch's shapes and counts here, its values and its fields in the modules beside."""

from __future__ import annotations

import re
from collections import Counter
from math import prod

import torch
from graph_fields import fields
from graph_values import same_values
from torch.nn.attention import SDPBackend, sdpa_kernel
from torch.utils.flop_counter import FlopCounterMode

import archspec
from archspec.analyze import Analysis
from archspec.emit.torch_source import build
from archspec.graph import Graph, Node, Output
from archspec.op import lookup


def check(text: str) -> Counter[str]:
    """Raises AssertionError where the analysis of a spec is wrong; otherwise how much was compared."""
    model = archspec.loads(text)
    graph, analysis = model.graph, model.analyze()
    counts = Counter({f"op {name}": 1 for name in operators(text, graph)})
    counts["nodes"] = len(graph.nodes)
    counts["of several inputs"] = len(graph.inputs) > 1
    counts["of several outputs"] = len(graph.outputs) > 1
    counted(graph, analysis)
    counts += same_values(graph)
    return counts + fields(graph, analysis)


def operators(text: str, graph: Graph) -> set[str]:
    """The operators of a spec: those of its nodes, and those that are written and become others (SEPCONV) or nothing
    (ID)."""
    written = (lookup(word) for word in re.findall(r"\b[A-Z][A-Z0-9]+\b", text))
    return {node.op.name for node in graph.nodes} | {card.name for card in written if card is not None}


def every_value(graph: Graph) -> Graph:
    """The graph with the values of all its nodes as outputs."""
    outputs = tuple(Output(name=f"value{i}", node=i) for i in range(len(graph.nodes)) if i not in graph.inputs)
    return graph.model_copy(update={"outputs": outputs})


def counted(graph: Graph, analysis: Analysis) -> None:
    """Shapes of all nodes, parameters, buffers and multiply-accumulates, on the meta device."""
    batch, open_graph = 2, every_value(graph)
    # A region's corners are read as numbers, which the meta device has none of.
    device = "cpu" if any(node.op.name == "roipool" for node in graph.nodes) else "meta"
    module = build(open_graph).to(device).train()
    inputs = [torch.zeros(batch, *node.shape, device=device, dtype=dtype(node)) for node in inputs_of(graph)]
    # The fused kernels of attention, those of evaluation and of the CPU, are not counted.
    with FlopCounterMode(display=False) as counter, sdpa_kernel(SDPBackend.MATH):
        values = module(*inputs)
    for output, value in zip(open_graph.outputs, values if isinstance(values, tuple) else (values,), strict=True):
        node = graph.nodes[output.node]
        assert tuple(value.shape) == (batch, *node.shape), f"{node.path} is {tuple(value.shape)}, not {node.shape}"
    totals = analysis.totals
    params = sum(p.numel() for p in module.parameters())
    state = sum(v.numel() for k, v in module.state_dict().items() if not k.endswith("num_batches_tracked"))
    assert (params, state - params) == (totals.params, totals.buffers), f"{params} parameters, not {totals.params}"
    emitted = sum(row.macs + more_macs(graph, graph.nodes[row.index], row.macs) for row in analysis.rows)
    flops = counter.get_total_flops()
    assert flops == 2 * batch * emitted, f"{flops} FLOPs at batch {batch}, not from {totals.macs}"


def more_macs(graph: Graph, node: Node, macs: int) -> int:
    """What PyTorch's counter finds in a node beyond the analysis, by the form in which the node is emitted.

    A connection table is a mask on a full convolution, the two Gaussians of local contrast are convolutions of one
    channel with fixed weights, and an inner product is a product and a sum, neither of which is counted.
    """
    xs = graph.shapes_into(node)
    if getattr(node.op, "table", None):
        return prod(node.shape) * xs[0][0] * prod(node.op.kernel) - macs
    if node.op.name == "LCN":
        return 2 * prod(node.shape[1:]) * prod(node.op.kernel)
    return -macs if node.op.name == "dot" else 0


def inputs_of(graph: Graph) -> list[Node]:
    return [graph.nodes[i] for i in graph.inputs]


def dtype(node: Node) -> torch.dtype:
    found: torch.dtype = getattr(torch, node.op.dtype)
    return found
