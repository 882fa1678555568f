"""What is asked of a graph: PyTorch's shapes and counts, onnxruntime's values, and the gradients' reach."""

from __future__ import annotations

from collections import Counter
from math import prod
from typing import Any

import torch
from torch.nn.attention import SDPBackend, sdpa_kernel
from torch.utils.flop_counter import FlopCounterMode

import archspec
from archspec.analyze import Analysis
from archspec.emit.torch_source import build
from archspec.explain.at import read_unit
from archspec.graph import Graph, Output
from archspec.op import Op, lookup
from archspec.verify import Report, verify
from archspec.verify.bench import Bench, draw_inputs

Box = tuple[tuple[int, int] | None, ...]


def check(text: str) -> Counter[str]:
    """Raises AssertionError where the analysis of a spec is wrong; otherwise how much was compared."""
    model = archspec.loads(text)
    graph, analysis = model.graph, model.analyze()
    counts = Counter(f"op {node.op.name}" for node in graph.nodes)
    counts["nodes"] = len(graph.nodes)
    counted(graph, analysis)
    counts += same_values(graph)
    return counts + fields(graph, analysis)


def every_value(graph: Graph) -> Graph:
    """The graph with the values of all its nodes as outputs."""
    outputs = tuple(Output(name=f"value{i}", node=i) for i in range(len(graph.nodes)) if i not in graph.inputs)
    return graph.model_copy(update={"outputs": outputs})


def counted(graph: Graph, analysis: Analysis) -> None:
    """Shapes of all nodes, parameters, buffers and multiply-accumulates, on the meta device."""
    batch, open_graph = 2, every_value(graph)
    module = build(open_graph).to("meta").train()
    inputs = [torch.zeros(batch, *graph.nodes[i].shape, device="meta") for i in graph.inputs]
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
    # A table is emitted as a masked convolution, the Gaussian of local contrast as one with fixed weights.
    if not any(node.op.name == "LCN" or getattr(node.op, "table", None) for node in graph.nodes):
        inner = sum(row.macs for row in analysis.rows if graph.nodes[row.index].op.name == "dot")
        flops = counter.get_total_flops()
        assert flops == 2 * batch * (totals.macs - inner), f"{flops} FLOPs at batch {batch}, not from {totals.macs}"


def same_values(graph: Graph) -> Counter[str]:
    """PyTorch's values against onnxruntime's."""
    report = verify(graph)
    dead = [problem for problem in report.problems if "proves nothing" in problem]
    wrong = [problem for problem in report.problems if problem not in (*dead, report.cause)]
    magnified = report.cause.startswith("the network magnifies rounding")
    if wrong and all("the values differ by" in p for p in wrong) and (magnified or rounded(graph, report)):
        return Counter({"magnify rounding": 1})
    assert not wrong, str(report)
    return Counter({"constant outputs" if dead else "outputs equal": 1})


def rounded(graph: Graph, report: Report) -> bool:
    """Whether the differences are what inputs a few roundings apart make, in float64: norms of nearly equal values
    magnify them.  (One factor for all inputs, as the verification tries it, is what a norm takes away.)"""
    bench, inputs = Bench(graph, report.batch, report.opset), draw_inputs(graph, 0, report.batch)
    bench._run(0, inputs)
    draw, module = torch.Generator().manual_seed(0), bench.module.double()
    given = [torch.from_numpy(value).double() for value in inputs.values()]
    nudged = [value * (1 + 1e-6 * torch.randn(value.shape, generator=draw, dtype=torch.float64)) for value in given]
    with torch.no_grad():
        before, after = ((v if isinstance(v, tuple) else (v,)) for v in (module(*given), module(*nudged)))
    moved = [float((a - b).abs().max()) for a, b in zip(before, after, strict=True)]
    # onnxruntime's logistic function ends at -18, so that the SILU of -1000 is 1.5e-5: a norm behind it shows that.
    factor = 1000 if any(node.op.name == "SILU" for node in graph.nodes) else 10
    return all(c.difference <= max(c.allowed, factor * m) for c, m in zip(report.comparisons, moved, strict=True))


# ---------------------------------------------------------------- receptive fields

# What stands for an operator where gradients are to show every position that it reads: a largest value would show one,
# a difference could cancel, a saturated function shows none.
LINEAR = {"MAXPOOL": "AVGPOOL", "AMAXPOOL": "AAVGPOOL", "GMP": "GAP", "DEFCONV": "CONV"}
LINEAR |= {"BINCONV": "CONV", "DIRACCONV": "CONV"}
PLAIN = {"max": "mean", "sub": "add", "absdiff": "add", "highway": "mean"}
POINTWISE = {"LRN", "L2NORM", "RMSNORM", "SIGN", "SINUSOID", "SCALE"}


def linear(op: Op, channels: int) -> Op:
    """The card with the same windows whose gradient, weights and inputs being positive, is positive."""
    arguments = op.model_dump()
    if op.name in LINEAR:
        card = lookup(LINEAR[op.name])
        assert card is not None
        kept = {key: value for key, value in arguments.items() if key in card.model_fields}
        return card(**kept)
    if op.name in ("SLICE", "MAXOUT"):  # a field is that of all channels together
        return made("LINEAR", width=channels)
    if op.name == "PIXELSHUFFLE":
        return made("UPCONV", channels=channels, kernel=arguments["factor"], stride=arguments["factor"])
    if getattr(op, "table", None):
        return op.model_copy(update={"table": ()})
    if op.name in PLAIN:
        return made(PLAIN[op.name])
    if op.name == "mul":  # a product with a zero of some padding shows nothing of the other factors
        return made("add", broadcast=True)
    if op.name in POINTWISE or type(op).__module__ == "archspec.ops.activation":
        return made("ID")
    if op.name == "LN" and arguments["axis"] == "channel":
        return made("ID")
    if op.name in ("PAD", "REDUCE"):
        change = {"mode": "constant", "value": 0.0} if op.name == "PAD" else {"how": "mean"}
        return op.model_copy(update=change)
    return op


def made(name: str, **arguments: Any) -> Op:
    card = lookup(name)
    assert card is not None
    return card(**arguments)


def linearised(graph: Graph) -> Graph:
    """The same wiring of cards that have positive gradients."""
    nodes = []
    for node in graph.nodes:
        op = linear(node.op, node.shape[0])
        if op is not node.op:
            op = op.settle(*graph.shapes_into(node))
            assert op.infer(*graph.shapes_into(node)) == node.shape, node.path
        nodes.append(node.model_copy(update={"op": op}))
    return graph.model_copy(update={"nodes": tuple(nodes)})


def positive(graph: Graph) -> tuple[dict[int, Any], torch.Tensor]:
    """The values of all nodes on random positive weights and a positive input."""
    draw = torch.Generator().manual_seed(len(graph.nodes))
    open_graph = every_value(graph)
    module = build(open_graph).double().eval()
    with torch.no_grad():
        for weight in module.parameters():
            fan = prod(weight.shape[1:]) if weight.dim() > 1 else 1
            weight.copy_((0.5 + torch.rand(weight.shape, generator=draw, dtype=torch.float64)) / fan)
    (origin,) = graph.inputs
    shape = (2, *graph.nodes[origin].shape)  # GroupNorm refuses one example of one value
    x = (0.5 + torch.rand(shape, generator=draw, dtype=torch.float64)).requires_grad_()
    values = module(x)
    found = values if isinstance(values, tuple) else (values,)
    return {origin: x, **{o.node: v for o, v in zip(open_graph.outputs, found, strict=True)}}, x


def box(value: torch.Tensor, x: torch.Tensor) -> Box:
    """The rectangle around the positions of the input that a value depends on."""
    rank = x.dim() - 2
    if not value.requires_grad:
        return (None,) * rank
    (gradient,) = torch.autograd.grad(value, x, retain_graph=True, allow_unused=True)
    hit = None if gradient is None else (gradient[0] != 0).any(0)
    if hit is None or not hit.any():
        return (None,) * rank
    return tuple((int(column.min()), int(column.max())) for column in hit.nonzero().T)


def fields(graph: Graph, analysis: Analysis) -> Counter[str]:
    """What units of every node read, against gradients of the linearised graph."""
    counts: Counter[str] = Counter()
    straight = linearised(graph)
    values, x = positive(straight)
    uneven = past_uneven_strides(graph, analysis)
    rows, totals = analysis.rows, analysis.totals
    analysis = Analysis(straight, analysis.batch, analysis.dtype, rows, totals, analysis.notes)
    draw = torch.Generator().manual_seed(1)
    for index, node in enumerate(graph.nodes):
        field = analysis.rows[index].field
        if field is None:
            counts["fields left open"] += 1
        elif node.op.whole:
            value = values[index][0]
            last = value.flatten(1)[..., -1] if value.dim() > 1 else value[-1:]
            weigh = torch.rand(last.shape, generator=draw, dtype=torch.float64)
            sources = sum((values[i][0] ** 2).sum() for i in node.inputs)
            assert field.whole, f"{node.path} reads everything"
            found, wanted = box((last * weigh).sum(), x), box(sources, x)
            # Local contrast divides by its own deviation or by the mean of all, the larger; one value is its own norm.
            weak = node.op.name == "LCN" or (node.op.name in ("LN", "GN", "IN") and None in found)
            assert found == wanted or weak, f"{node.path} depends on {found}, what it reads on {wanted}"
            counts["global nodes"] += 1
        elif field.grid and len(node.shape) - 1 == len(field.axes):
            for _ in range(2):
                unit = tuple(int(torch.randint(n, (), generator=draw)) for n in node.shape[1:])
                counts[unit_read(analysis, index, unit, values[index], x, index in uneven)] += 1
        elif not field.whole and index not in uneven:
            at = int(torch.randint(values[index][0].numel(), (), generator=draw))
            for ends, axis in zip(box(values[index][0].flatten()[at], x), field.axes, strict=True):
                extent = ends[1] - ends[0] + 1 if ends else 0
                assert extent <= axis.size, f"{node.path} depends on {extent} positions, not {axis.size}"
            counts["values off the grid"] += 1
    return counts


def past_uneven_strides(graph: Graph, analysis: Analysis) -> set[int]:
    """The nodes at or behind a join of unequal strides, whose field, as a note says, is the union at output 0 only."""
    spans = {note.span for note in analysis.notes if note.code == "N301"}
    found: set[int] = set()
    for index, node in enumerate(graph.nodes):
        if node.span in spans or found & {*node.inputs}:
            found.add(index)
    return found


def unit_read(
    analysis: Analysis, index: int, unit: tuple[int, ...], value: torch.Tensor, x: torch.Tensor, uneven: bool
) -> str:
    """Checks one unit's field and says how much of it the gradient reached."""
    node = analysis.graph.nodes[index]
    told = read_unit(analysis, index, unit)
    values = value[(0, slice(None), *unit)]
    weigh = torch.linspace(0.5, 1.5, len(values), dtype=torch.float64)
    found = box((values * weigh).sum(), x)
    if told.loose:
        return "units of loose layers"
    where = f"{node.path} at {unit}: gradients reach {found}, the analysis says {told.read}, endless {told.endless}"
    for ends, endless in zip(found, told.endless, strict=True):
        if ends and not told.whole and not uneven:
            assert endless and endless[0] <= ends[0] and ends[1] <= endless[1], where
    if told.whole:
        local = [e for e in told.clipped]
        inside = all(
            not e or not f or (f[0] >= 0 and f[1] < n) for e, f, n in zip(local, found, x.shape[2:], strict=True)
        )
        assert inside, where
        return "units of global fields"
    assert found == told.read, where
    if uneven:
        return "units past unequal strides"
    return "fields reached in full" if told.read == told.endless else "fields cut by an edge"
