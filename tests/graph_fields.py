"""Receptive fields against the gradients of the same graph with positive weights."""

from __future__ import annotations

from collections import Counter
from math import prod
from typing import Any

import torch
from graph_stand_ins import WHOLE_LINEAR, linear, local, made, spread

from archspec.analyze import Analysis, analyze
from archspec.emit.torch_source import build
from archspec.explain.at import read_unit
from archspec.field import taps
from archspec.graph import Graph, Node, Output
from archspec.op import Shape
from archspec.ops.roi import RegionPool

Box = tuple[tuple[int, int] | None, ...]
Unit = tuple[int, ...]


class Gradients:
    """The values of all nodes on random positive weights and inputs, and what they depend on."""

    def __init__(self, graph: Graph) -> None:
        draw = torch.Generator().manual_seed(len(graph.nodes))
        computed = [i for i in range(len(graph.nodes)) if i not in graph.inputs]
        outputs = tuple(Output(name=f"value{i}", node=i) for i in computed)
        module = build(graph.model_copy(update={"outputs": outputs})).double().eval()
        with torch.no_grad():
            for weight in module.parameters():  # near the mean of what they weigh, so that no product of many is 0
                fan = prod(weight.shape[1:]) if weight.dim() > 1 else 1
                weight.copy_((0.5 + torch.rand(weight.shape, generator=draw, dtype=torch.float64)) / fan)
        self.inputs: dict[int, torch.Tensor] = {}
        for index in graph.inputs:
            # Of a single example that lies channels last in memory, the batch norm of PyTorch 2.13 hands gradients back
            # to other positions, in evaluation.
            x = 0.5 + torch.rand((2, *graph.nodes[index].shape), generator=draw, dtype=torch.float64)
            self.inputs[index] = x.requires_grad_()
        values = module(*self.inputs.values())
        found = values if isinstance(values, tuple) else (values,)
        self.values: dict[int, torch.Tensor] = self.inputs | dict(zip(computed, found, strict=True))

    def support(self, value: torch.Tensor, origin: int) -> torch.Tensor:
        """Which positions of an input a value depends on; of a vector, which of its values."""
        x = self.inputs[origin]
        gradient = None
        if value.requires_grad:
            (gradient,) = torch.autograd.grad(value, x, retain_graph=True, allow_unused=True)
        hit = torch.zeros_like(x[0], dtype=torch.bool) if gradient is None else gradient[0] > 0
        return hit.any(0) if hit.dim() > 1 else hit

    def box(self, value: torch.Tensor, origin: int, rank: int) -> Box:
        """The rectangle around those positions; of a vector that is no sequence of tokens it has no sides."""
        return around(self.support(value, origin)) if rank else ()

    def unit(self, index: int, unit: Unit) -> torch.Tensor:
        """One number that depends on all channels of a unit."""
        return self.values[index][(0, slice(None), *unit)].sum()


def around(hit: torch.Tensor) -> Box:
    if not hit.any():
        return (None,) * hit.dim()
    return tuple((int(column.min()), int(column.max())) for column in hit.nonzero().T)


def fields(graph: Graph, analysis: Analysis) -> Counter[str]:
    """What units of every node read, against gradients."""
    return Fields(graph, analysis).check()


class Fields:
    """One graph, its two linear twins, and what was compared so far."""

    def __init__(self, graph: Graph, analysis: Analysis) -> None:
        self.graph, self.analysis, self.counts = graph, analysis, Counter[str]()
        near = local(graph, [row.field for row in analysis.rows])
        self.near, self.far = Gradients(near), Gradients(spread(graph))
        self.near_analysis = analyze(near)
        self.uneven = behind(graph, self.starts_uneven)
        self.joined = behind(graph, lambda node: node.op.whole and len(node.inputs) > 1)
        self.spread = behind(graph, self.spreads)
        self.draw = torch.Generator().manual_seed(1)

    def starts_uneven(self, node: Node) -> bool:
        """A join of unequal strides, whose field, as a note says, is the union at output 0 only."""
        return any(note.code == "N301" and note.span == node.span for note in self.analysis.notes)

    def spreads(self, node: Node) -> bool:
        """A join of one value with all positions: it has no place on the grid, and is told as all of the input."""
        sizes = [prod(x[1:]) for x in self.graph.shapes_into(node)]
        return len(sizes) > 1 and min(sizes) < prod(node.shape[1:])

    def check(self) -> Counter[str]:
        for index, node in enumerate(self.graph.nodes):
            field = self.analysis.rows[index].field
            if node.op.whole or node.op.name == "WMHA":
                real(node, self.graph.shapes_into(node))
            if field is None:
                told = {note.code for note in self.analysis.notes}
                assert told & {"N303", "N304"}, f"{node.path} has no field, and nothing says why"
                self.counts["fields that cannot be followed"] += 1
            elif node.op.whole:
                self.reads_everything(index, node)
            elif field.grid and len(node.shape) - 1 == len(field.axes):
                for _ in range(2):
                    unit = tuple(int(torch.randint(n, (), generator=self.draw)) for n in node.shape[1:])
                    self.counts[self.unit_reads(index, unit)] += 1
            elif not field.whole and index not in self.uneven:
                self.value_reads(index, node)
        return self.counts

    def reads_everything(self, index: int, node: Node) -> None:
        field = self.analysis.rows[index].field
        assert field is not None and field.whole, f"{node.path} reads everything"
        value = self.far.values[index][0]
        last = value.flatten(1)[..., -1] if value.dim() > 1 else value[-1:]
        for origin in self.far.inputs:
            found = self.far.support(last.sum(), origin)
            wanted = self.far.support(sum((self.far.values[i].sum() for i in node.inputs), torch.zeros(())), origin)
            assert bool((found == wanted).all()), f"{node.path} depends on {found}, what it reads on {wanted}"
        self.counts["nodes that read everything"] += 1

    def value_reads(self, index: int, node: Node) -> None:
        """A value off the grid reads no more than the field's size."""
        field = self.analysis.rows[index].field
        assert field is not None
        value = self.far.values[index][0].flatten()
        at = int(torch.randint(value.numel(), (), generator=self.draw))
        ends = self.far.box(value[at], field.origin, len(field.axes))
        for span, axis in zip(ends, field.axes, strict=True):
            extent = span[1] - span[0] + 1 if span else 0
            assert extent <= axis.size, f"{node.path} depends on {extent} positions, not {axis.size}"
        self.counts["values off the grid"] += 1

    def unit_reads(self, index: int, unit: Unit) -> str:
        """Checks one unit's field and says how much of it the gradient reached.

        Behind what reads everything it is the local field, which the twin without such layers has."""
        node, field = self.graph.nodes[index], self.analysis.rows[index].field
        assert field is not None
        gradients, whole = (self.near, "local ") if field.whole else (self.far, "")
        if whole and index in self.joined:
            return "units behind a join that reads everything"
        mine = self.near_analysis.rows[index].field
        assert mine is not None and (mine.origin, mine.axes) == (field.origin, field.axes), node.path
        assert not mine.whole or index in self.spread, f"{node.path} reads everything, by nothing that does"
        if mine.whole:
            return "units that one value is spread over"
        told = read_unit(self.near_analysis, index, unit)
        found = gradients.box(gradients.unit(index, unit), field.origin, len(field.axes))
        where = f"{node.path} at {unit}: gradients reach {found}, the analysis says {told.read}, endless {told.endless}"
        assert found == told.read, where
        for ends, endless in zip(found, told.endless, strict=True):
            if ends:
                assert endless and endless[0] <= ends[0] and ends[1] <= endless[1], where
        if index in self.uneven:
            return "units past unequal strides"
        return f"{whole}fields reached in full" if told.read == told.endless else f"{whole}fields cut by an edge"


def behind(graph: Graph, starts: Any) -> set[int]:
    """The nodes that are, or depend on, those for which `starts` holds."""
    found: set[int] = set()
    for index, node in enumerate(graph.nodes):
        if starts(node) or found & {*node.inputs}:
            found.add(index)
    return found


# ---------------------------------------------------------------- operators themselves, where something stands for them


def real(node: Node, xs: tuple[Shape, ...]) -> None:
    """What an operator that has a stand-in itself reads, over examples enough for every position to matter once."""
    if node.op.name == "WMHA":
        windows_attend(node, xs)
    if not node.op.whole or linear(node.op, node.shape).name in WHOLE_LINEAR or prod(xs[0]) == 1:
        return  # one value is its own norm
    values, inputs = alone(node, xs)
    # A join's unit reads its own row, or query, of the first stream: there all units together read everything.
    last = values if len(xs) > 1 else values.flatten(2)[..., -1] if values.dim() > 2 else values[:, -1:]
    weigh = torch.rand(last.shape, generator=torch.Generator().manual_seed(1), dtype=torch.float64)
    for number, x in enumerate(inputs):
        one_key = node.op.name == "attend" and xs[1][1] == 1 and number < len(xs) - 1
        if one_key or not x.requires_grad:
            continue  # one key gets all attention, whatever it and the query are; a box is given
        (gradient,) = torch.autograd.grad((last * weigh).sum(), x, retain_graph=True)
        hit = (gradient.abs() > 1e-9 * gradient.abs().max()).any(0)  # more than rounding leaves where terms cancel
        assert bool(hit.any(0).all() if len(xs[number]) > 1 else hit.all()), f"{node.path} reads {hit}, not everything"


def windows_attend(node: Node, xs: tuple[Shape, ...]) -> None:
    """Positions read the window that they lie in, and of one that a shift wraps around an edge their side."""
    values, (x,) = alone(node, xs)
    windows, sizes = node.op.reads(0, *xs), xs[0][1:]
    assert windows is not None
    draw = torch.Generator().manual_seed(1)
    drawn = [tuple(int(torch.randint(n, (), generator=draw)) for n in sizes) for _ in range(3)]
    for unit in ((0, 0), tuple(n - 1 for n in sizes), *drawn):
        (gradient,) = torch.autograd.grad(values[(slice(None), slice(None), *unit)].sum(), x, retain_graph=True)
        found = around((gradient != 0).any(0).any(0))
        read = [taps(window, o) for window, o in zip(windows, unit, strict=True)]
        wanted = tuple((max(0, at[0]), min(n - 1, at[-1])) for at, n in zip(read, sizes, strict=True))
        assert found == wanted, f"{node.path} at {unit}: gradients reach {found}, the window is {wanted}"


def alone(node: Node, xs: tuple[Shape, ...]) -> tuple[torch.Tensor, list[torch.Tensor]]:
    """The values of one operator on random inputs, and these; of a region's box, on every position of the map."""
    draw = torch.Generator().manual_seed(1)
    examples = prod(xs[1][1:]) if isinstance(node.op, RegionPool) else 32
    inputs = [torch.randn((examples, *x), generator=draw, dtype=torch.float64).requires_grad_() for x in xs]
    if isinstance(node.op, RegionPool):
        places = torch.ones(xs[1][1:]).nonzero().flip(1)
        inputs[0] = torch.cat([places, places + 1], dim=1).double() / node.op.scale
    sources = [
        Node(path=f"x{i}", op=made("INPUT", shape=x), inputs=(), shape=x, scope=(), span=node.span)
        for i, x in enumerate(xs)
    ]
    one = node.model_copy(update={"path": "y", "inputs": tuple(range(len(xs))), "scope": (), "shares": None})
    graph = Graph(name="one", nodes=(*sources, one), outputs=(Output(name="y", node=len(xs)),))
    return build(graph, 1).double().eval()(*inputs), inputs
