"""Folding: iterations that are alike stand once, and no edge of the network is lost or invented by it."""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from archspec.fold import Group, fold, representatives, unfold
from archspec.graph import Frame, Graph, Node, Output
from archspec.op import Op, lookup
from archspec.source import Source, Span

NOWHERE = Source("by hand", " " * 100)


class Net:
    """A graph put together frame by frame, without a parser; `at` is the node that the next one reads."""

    def __init__(self, *shape: int) -> None:
        self.nodes: list[Node] = []
        self.scope: tuple[Frame, ...] = ()
        self.counts: dict[tuple[str, str], int] = {}
        self.at = -1
        if shape:
            self.add("INPUT", inputs=(), shape=shape)

    def add(self, op: str, *args: Any, inputs: tuple[int, ...] | None = None, path: str = "", **kwargs: Any) -> int:
        card = lookup(op)
        assert card is not None, op
        made: Op = card(**dict(zip(card.positional, args, strict=False)), **kwargs)
        sources = (self.at,) if inputs is None else inputs
        shapes = [self.nodes[i].shape for i in sources]
        made = made.settle(*shapes)
        prefix = self.scope[-1].path + "." if self.scope and self.scope[-1].path else ""
        number = self.counts[prefix, op] = self.counts.get((prefix, op), 0) + 1
        name = path or f"{prefix}{op.lower()}{number}"
        span = Span(NOWHERE, 0, 1)
        node = Node(path=name, op=made, inputs=sources, shape=made.infer(*shapes), scope=self.scope, span=span)
        self.nodes.append(node)
        self.at = len(self.nodes) - 1
        return self.at

    @contextmanager
    def frame(
        self, kind: Any, name: str, definition: str = "", index: int = 0, count: int = 1, **more: Any
    ) -> Iterator[None]:
        outer = self.scope
        segments = [outer[-1].path] if outer and outer[-1].path else []
        segments += [name] if name else []
        segments += [str(index)] if kind == "repeat" else []
        span = Span(NOWHERE, 2 * len(outer), 2 * len(outer) + 1)
        self.scope += (Frame(kind, name, ".".join(segments), span, definition, (), index, count, **more),)
        yield
        self.scope = outer

    def repeat(self, name: str, count: int) -> Iterator[int]:
        for index in range(count):
            with self.frame("repeat", name, index=index, count=count):
                yield index

    def graph(self, *outputs: int, name: str = "Handmade") -> Graph:
        ends = outputs or (self.at,)
        named = tuple(Output(name=f"out{i}" if len(ends) > 1 else "output", node=n) for i, n in enumerate(ends))
        return Graph(name=name, nodes=tuple(self.nodes), outputs=named)


def sketch(group: Group | int) -> str:
    """A tree as text: nodes by index, groups as {members} with *count."""
    if isinstance(group, int):
        return str(group)
    inner = " ".join(map(sketch, group.members))
    return inner if not group.frames else f"{{{inner}}}" + (f"*{group.count}" if group.count > 1 else "")


def vgg(widths: tuple[int, ...] = (4, 8), depth: int = 2) -> Graph:
    net = Net(4, 64, 64)
    for i in net.repeat("r1", len(widths)):
        for _ in net.repeat("r1", depth):
            net.add("CONV", widths[i])
            net.add("RELU")
    return net.graph()


def test_nested_repeats_fold_and_different_widths_stay_apart() -> None:
    tree = fold(vgg())
    assert sketch(tree) == "0 {1 2}*2 {5 6}*2"
    assert [group.label for group in tree.groups()] == ["", "r1.0.r1.0..1", "r1.1.r1.0..1"]
    assert sketch(fold(vgg((4, 4, 4)))) == "0 {{1 2}*2}*3"
    assert sketch(unfold(vgg())) == "0 {{1 2} {3 4}} {{5 6} {7 8}}"


def residual_stage(count: int, first: int) -> Net:
    """`count` residual blocks of 8 channels whose first one has convolutions of stride `first`."""
    net = Net(4, 32, 32)
    for i in net.repeat("stage", count):
        with net.frame("block", "", "Basic"):
            entry = net.at
            stride = first if i == 0 else 1
            a = net.add("CONV", 8, 3, stride)
            b = entry
            if i == 0:
                with net.frame("branch", "b2"):
                    b = net.add("CONV", 8, 1, stride, inputs=(entry,))
            net.add("add", inputs=(a, b))
    return net


def test_a_projection_keeps_the_first_iteration_apart() -> None:
    tree = fold(residual_stage(4, 2).graph())
    assert sketch(tree) == "0 {1 {2} 3} {4 5}*3"
    folded = tree.members[-1]
    assert isinstance(folded, Group) and folded.block is not None and folded.repeat is not None
    assert (folded.label, folded.block.definition, folded.repeat.index) == ("stage.1..3", "Basic", 1)
    assert folded.nodes == range(4, 10)


@pytest.mark.parametrize(
    ("tapped", "expected"), [(1, "0 {1 {2} 3} {4 5} {6 7}*2"), (2, "0 {1 {2} 3} {4 5} {6 7} {8 9}")]
)
def test_a_tap_inside_one_iteration_keeps_it_apart(tapped: int, expected: str) -> None:
    net = residual_stage(4, 2)
    inner = 4 + 2 * (tapped - 1)  # the convolution of that iteration
    net.add("add", inputs=(inner, net.at))
    assert sketch(fold(net.graph())).startswith(expected[: expected.rindex("{")])
    shown = representatives(net.graph(), fold(net.graph()))
    assert shown[inner] == inner


def test_a_tap_on_the_last_iteration_where_the_flow_leaves_is_no_reason_to_unfold() -> None:
    net = residual_stage(4, 2)
    end = net.at
    net.add("RELU")
    net.add("RELU", inputs=(end,))
    graph = net.graph(net.at, net.at - 1)
    assert sketch(fold(graph)) == "0 {1 {2} 3} {4 5}*3 10 11"
    assert representatives(graph, fold(graph))[end] == 5


def test_a_tap_inside_the_last_iteration_keeps_it_apart() -> None:
    net = residual_stage(4, 2)
    net.add("RELU", inputs=(net.at - 1,))
    assert sketch(fold(net.graph())) == "0 {1 {2} 3} {4 5}*2 {8 9} 10"


def test_all_iterations_read_by_one_node_fold() -> None:
    net = Net(4, 8, 8)
    ends = []
    for _ in net.repeat("z", 3):
        net.add("CONV", 4)
        ends.append(net.add("RELU"))
    net.add("add", inputs=tuple(ends))
    assert sketch(fold(net.graph())) == "0 {1 2}*3 7"
    # ... but not where one of them is left out, nor in parallel where an output is read by itself.
    net.add("add", inputs=(ends[0], net.at))
    assert sketch(fold(net.graph())) == "0 {1 2} {3 4}*2 7 8"


def test_parallel_iterations_fold_when_read_alike() -> None:
    net = Net(4, 8, 8)
    ends = []
    for _ in net.repeat("r1", 3):
        net.add("CONV", 4, inputs=(0,))
        ends.append(net.add("RELU"))
    net.add("add", inputs=tuple(ends))
    assert sketch(fold(net.graph())) == "0 {1 2}*3 7"
    assert sketch(fold(net.graph(net.at, ends[2]))) == "0 {1 2}*2 {5 6} 7"


def test_iterations_that_read_different_taps_stay_apart() -> None:
    net = Net(4, 8, 8)
    taps = [net.add("CONV", 4), net.add("CONV", 4)]
    for i in net.repeat("r1", 2):
        skip = net.at
        net.add("CONV", 4)
        net.add("add", inputs=(net.at, taps[1 - i] if i else skip))
    assert sketch(fold(net.graph())) == "0 1 2 {3 4} {5 6}"


def test_streams_that_cross_are_not_drawn_as_one() -> None:
    net = Net(4, 8, 8)
    a, b = net.add("CONV", 4, inputs=(0,)), net.add("CONV", 4, inputs=(0,))
    for _ in net.repeat("r1", 4):
        a, b = net.add("RELU", inputs=(b,)), net.add("RELU", inputs=(a,))
    assert sketch(fold(net.graph(a, b))) == "0 1 2 {3 4}*4"


def test_growing_channels_fold_only_when_asked() -> None:
    net = Net(4, 8, 8)
    for _ in net.repeat("r1", 3):
        entry = net.at
        net.add("CONV", 2)
        net.add("concat", inputs=(entry, net.at))
    graph = net.graph()
    assert sketch(fold(graph)) == "0 {1 2} {3 4} {5 6}"
    assert sketch(fold(graph, "sizes")) == "0 {1 2}*3"


def test_entries_compares_what_enters() -> None:
    net = Net(3, 8, 8)
    for _ in net.repeat("r1", 3):
        net.add("CONV", 4)
    assert sketch(fold(net.graph())) == "0 {1}*3"
    assert sketch(fold(net.graph(), "entries")) == "0 {1} {2}*2"


def test_a_repeat_inside_folded_iterations_sees_the_taps_on_all_of_them() -> None:
    net = Net(4, 8, 8)
    for _ in net.repeat("r1", 2):
        for _ in net.repeat("r1", 2):
            net.add("CONV", 4)
            net.add("RELU")
    net.add("add", inputs=(2, 6, net.at))  # the first inner iteration of both
    assert sketch(fold(net.graph())) == "0 {{1 2} {3 4}}*2 9"


def test_ten_thousand_iterations_fold_to_one_in_linear_time() -> None:
    def seconds(count: int) -> float:
        net = Net(4, 8, 8)
        for _ in net.repeat("r1", count):
            with net.frame("block", "", "Unit"):
                net.add("RELU")
                net.add("RELU")
        graph = net.graph()
        began = time.process_time()
        tree = fold(graph)
        shown = representatives(graph, tree)
        took = time.process_time() - began
        assert sketch(tree) == f"0 {{1 2}}*{count}" and shown[-1] == 2
        return took

    # The least of several: what else the machine does only adds.
    most, least = (min(seconds(count) for _ in range(4)) for count in (10_000, 1_000))
    assert most < 25 * max(least, 0.005)


@st.composite
def nets(draw: st.DrawFn) -> Graph:
    """Chains of nested repeats with taps on arbitrary earlier nodes."""
    net = Net(4, 8, 8)

    def flow(depth: int) -> None:
        for number in range(draw(st.integers(1, 3))):
            if depth < 2 and draw(st.booleans()):
                for _ in net.repeat(f"r{number}", draw(st.integers(1, 4))):
                    flow(depth + 1)
            elif draw(st.integers(0, 5)) == 0:
                net.add("add", inputs=(net.at, draw(st.integers(0, net.at))))
            else:
                name = draw(st.sampled_from(["RELU", "CONV"]))
                net.add(name, *([4] if name == "CONV" else []))

    flow(0)
    ends = draw(st.sets(st.integers(0, net.at), max_size=2))
    return net.graph(*sorted(ends | {net.at}))


@settings(max_examples=300, deadline=None)
@given(nets())
def test_folding_keeps_every_node_and_every_edge(graph: Graph) -> None:
    tree = fold(graph)
    shown = representatives(graph, tree)
    leaves = [m for group in tree.groups() for m in group.members if isinstance(m, int)]
    assert sorted(leaves) == sorted(set(shown))
    iterations = {i: _iterations(tree, i) for i in range(len(graph.nodes))}
    drawn = {(shown[i], n) for n in leaves for i in graph.nodes[n].inputs}
    for index, node in enumerate(graph.nodes):
        leaf = graph.nodes[shown[index]]
        assert (node.op, node.shape) == (leaf.op, leaf.shape)
        for source in node.inputs:
            if (shown[source], shown[index]) not in drawn:  # then it leads from an iteration to the next one
                assert _steps(iterations[source], iterations[index]), (source, index)


def _iterations(tree: Group, index: int) -> dict[tuple[int, int], int]:
    """Which iteration of each folded group a node stands in."""
    found: dict[tuple[int, int], int] = {}
    shown = index
    todo = tree
    while True:
        inner = [m for m in todo.members if isinstance(m, Group) and shown in m.nodes]
        if not inner:
            return found
        todo = inner[0]
        if todo.count > 1:
            found[todo.start, todo.size] = (shown - todo.start) // todo.size
            shown = todo.start + (shown - todo.start) % todo.size


def _steps(source: dict[tuple[int, int], int], reader: dict[tuple[int, int], int]) -> bool:
    return any(group in source and source[group] + 1 == number for group, number in reader.items())
