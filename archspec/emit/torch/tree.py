"""The graph as a tree of scopes: what will be modules, what each takes in and gives out."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from itertools import count
from typing import Any

from archspec.emit.names import module_path
from archspec.graph import Frame, Graph
from archspec.op import Torch, Weight, lookup


FLATTENED = "{m}({0}.flatten(1))"  # the call of a layer that flattens what it reads


@dataclass(eq=False, slots=True)
class Leaf:
    """One node.  `name` is its module path below the scope it stands in."""

    name: str
    node: int
    op: str
    lowering: Torch
    weights: tuple[Weight, ...]
    first: int  # its place in the order of execution
    parent: Scope
    owner: Leaf | None = None  # the leaf whose module it calls
    repeat: str = ""  # where it is all of an iteration: the name of the repeat
    index: int = 0
    loose: bool = False  # without weights, and its scope dissolved: no path has to hold it


@dataclass(eq=False, slots=True)
class Scope:
    """The nodes of one stamp, iteration, branch or shared flow: a module with a forward of its own."""

    name: str
    path: str
    parent: Scope | None
    depth: int
    kind: str
    definition: str = ""
    formals: dict[str, Any] = field(default_factory=dict)
    repeat: str = ""  # the name of the repeat of which it is iteration `index`
    index: int = 0
    labelled: bool = False  # the repeat's name is the author's
    items: list[Leaf | Scope] = field(default_factory=list)
    inputs: list[int] = field(default_factory=list)  # nodes outside that it reads, in order of first reading
    outputs: list[int] = field(default_factory=list)  # nodes inside that are read outside, in order
    first: int = -1
    last: int = -1
    count: int = 0
    dissolved: bool = False  # its items stand in its parent instead
    leaf: Leaf | None = None  # it is only this one
    flattens: bool = False  # whoever calls it flattens its input first
    original: Scope | None = None  # the first use of a shared flow, whose module it calls

    def around(self) -> Iterator[Scope]:
        """This scope and those around it, innermost first."""
        scope: Scope | None = self
        while scope is not None:
            yield scope
            scope = scope.parent


@dataclass(eq=False)
class Tree:
    graph: Graph
    root: Scope
    leaves: dict[int, Leaf]  # by node; an INPUT has none
    scopes: list[Scope]  # every scope that stayed, parents before children

    def reads(self, item: Leaf | Scope) -> tuple[int, ...]:
        """The values that an item takes in, told by the nodes that make them."""
        return self.graph.nodes[item.node].inputs if isinstance(item, Leaf) else tuple(item.inputs)


def grow(graph: Graph) -> Tree:
    """The tree of scopes of a network, ready to become modules."""
    growth = _Growth(graph)
    growth.place_nodes()
    growth.share()
    growth.simplify()
    growth.wire()
    tree = Tree(graph, growth.root, growth.leaves, growth.scopes)
    for scope in reversed(tree.scopes):
        if scope.repeat and not scope.index:
            _flatten_outside(scope, tree)
    return tree


class _Growth:
    def __init__(self, graph: Graph) -> None:
        self.graph = graph
        self.root = Scope("", "", None, 0, "net", definition=graph.name)
        self.scopes = [self.root]  # parents before children
        self.leaves: dict[int, Leaf] = {}
        self._at: dict[tuple[int, str], Scope] = {}
        self._known: dict[int, Scope] = {}  # by identity of a node's frames
        self._lowered: dict[Any, tuple[Torch, tuple[Weight, ...]]] = {}

    # ---------------------------------------------------------------- placing

    def place_nodes(self) -> None:
        order = 0
        for index, node in enumerate(self.graph.nodes):
            if node.op.name == "INPUT":
                continue
            scope = self._scope(node.scope)
            shapes = self.graph.shapes_into(node)
            key = (id(node.op), shapes)
            if key not in self._lowered:
                self._lowered[key] = node.op.torch(*shapes), node.op.weights(*shapes)
            leaf = Leaf(_below(node.path, scope.path), index, node.op.name, *self._lowered[key], order, scope)
            if node.shares is not None:
                leaf.owner = self.leaves[node.shares]
            self.leaves[index] = leaf
            scope.items.append(leaf)
            for outer in scope.around():
                outer.first = order if outer.first < 0 else outer.first
                outer.last = order
                outer.count += 1
            order += 1

    def _scope(self, frames: tuple[Frame, ...]) -> Scope:
        known = self._known.get(id(frames))
        if known is not None:
            return known
        scope = self.root
        for frame in frames:
            scope = self._enter(scope, frame)
        self._known[id(frames)] = scope
        return scope

    def _enter(self, scope: Scope, frame: Frame) -> Scope:
        """The scope of a frame; a frame without a segment of its own is told with the one around it."""
        if frame.path != scope.path:
            known = self._at.get((id(scope), frame.path))
            if known is None:
                known = Scope(_below(frame.path, scope.path), frame.path, scope, scope.depth + 1, frame.kind)
                if frame.kind == "repeat":
                    known.repeat, known.index = known.name.rpartition(".")[0], frame.index
                    known.labelled = frame.labelled
                self._at[id(scope), frame.path] = known
                self.scopes.append(known)
                scope.items.append(known)
            scope = known
        if frame.definition:
            card = lookup(frame.definition)  # an operator made of parts (SEPCONV) is a block too
            scope.definition = frame.definition if card is None else card.__name__
        scope.formals.update((name, value) for name, value in frame.arguments if _is_number(value))
        return scope

    # ---------------------------------------------------------------- sharing

    def share(self) -> None:
        """Finds later uses of shared flows, and brings each into the scope that holds the first use."""
        by_path = {scope.path: scope for scope in self.scopes}
        for scope in self.scopes:
            inside = list(_leaves(scope)) if scope.kind == "shared" else []
            if inside and all(leaf.owner for leaf in inside):
                scope.original = self._original(scope, inside, by_path)
        for scope in self.scopes:
            if scope.original is not None:
                _bring_together(scope, scope.original)
        for leaf in self.leaves.values():
            if leaf.owner is not None and not any(scope.original for scope in leaf.parent.around()):
                _bring_together(leaf, leaf.owner)

    def _original(self, scope: Scope, inside: list[Leaf], by_path: dict[str, Scope]) -> Scope | None:
        """The scope of the first use, if calling its module does exactly what this scope does."""
        nodes = self.graph.nodes
        owner = nodes[inside[0].owner.node] if inside[0].owner else None
        suffix = nodes[inside[0].node].path[len(scope.path) :]
        found = by_path.get(owner.path[: len(owner.path) - len(suffix)]) if owner else None
        if found is None or found is scope:
            return None
        theirs = list(_leaves(found))
        same = len(theirs) == len(inside) and all(
            mine.owner is other and mine.lowering == other.lowering for mine, other in zip(inside, theirs, strict=True)
        )
        return found if same and self._wiring(inside) == self._wiring(theirs) else None

    def _wiring(self, leaves: list[Leaf]) -> list[tuple[int, ...]]:
        """The inputs of each leaf as positions among them, or below 0 for what comes from outside."""
        place: dict[int, int] = {leaf.node: i for i, leaf in enumerate(leaves)}
        outside: dict[int, int] = {}
        return [
            tuple(place[i] if i in place else outside.setdefault(i, ~len(outside)) for i in nodes)
            for nodes in (self.graph.nodes[leaf.node].inputs for leaf in leaves)
        ]

    # ---------------------------------------------------------------- simplifying

    def simplify(self) -> None:
        """Takes away scopes that would be no modules: without any module, interleaved, or one layer without weights."""
        for scope in reversed(self.scopes):
            _adopt(scope)
            if scope is self.root or scope.dissolved:
                continue
            lone = scope.items[0] if len(scope.items) == 1 else None
            if isinstance(lone, Leaf) and lone.lowering.module and (not lone.name or not lone.weights):
                lone.name, lone.repeat, lone.index = scope.name, scope.repeat, scope.index
                scope.leaf = lone
            elif scope.last - scope.first + 1 != scope.count or not _has_module(scope):
                scope.dissolved = True
            elif any(not item.name for item in scope.items):
                scope.dissolved = True  # a layer of the iteration itself, beside others
            elif scope.repeat and not scope.definition and _is_flat(scope):
                scope.dissolved = True

    # ---------------------------------------------------------------- wiring

    def wire(self) -> None:
        """What every scope reads and gives."""
        self.scopes = [scope for scope in self.scopes if not scope.dissolved and scope.leaf is None]
        for scope in self.scopes[1:]:
            assert scope.parent is not None
            scope.depth = scope.parent.depth + 1
        self._name_loose()
        inputs: dict[Scope, dict[int, None]] = {}
        outputs: dict[Scope, dict[int, None]] = {}
        for leaf in self.leaves.values():
            for node in self.graph.nodes[leaf.node].inputs:
                source = self.leaves[node].parent if node in self.leaves else self.root
                meeting = _meeting(source, leaf.parent)
                for scope in _below_meeting(leaf.parent, meeting):
                    inputs.setdefault(scope, {})[node] = None
                for scope in _below_meeting(source, meeting):
                    outputs.setdefault(scope, {})[node] = None
        for output in self.graph.outputs:
            if output.node in self.leaves:
                for scope in _below_meeting(self.leaves[output.node].parent, self.root):
                    outputs.setdefault(scope, {})[output.node] = None
        for scope in self.scopes:
            scope.inputs = list(inputs.get(scope, {}))
            scope.outputs = sorted(outputs.get(scope, {})) or [max(leaf.node for leaf in _leaves(scope))]
        self._same_outputs()
        self.root.inputs = list(self.graph.inputs)
        self.root.outputs = [output.node for output in self.graph.outputs]

    def _name_loose(self) -> None:
        """Layers without weights whose scopes dissolved get short names, equal ones the same."""
        found: dict[Scope, dict[str, Leaf]] = {}
        for leaf in self.leaves.values():
            if not leaf.loose:
                continue
            told = repr((leaf.lowering.module, leaf.lowering.args, leaf.lowering.kwargs))
            known = found.setdefault(leaf.parent, {})
            leaf.owner = known.get(told)
            if leaf.owner is None:
                taken = {item.name.partition(".")[0] for item in leaf.parent.items}
                leaf.name = next(n for i in count(1) if (n := module_path(f"{leaf.op.lower()}_{i}")) not in taken)
                known[told] = leaf

    def _same_outputs(self) -> None:
        """Every use of a shared flow gives what any of them has to give."""
        uses: dict[Scope, list[Scope]] = {}
        for scope in self.scopes:
            if scope.original is not None:
                uses.setdefault(scope.original, [scope.original]).append(scope)
        for family in uses.values():
            nodes = [[leaf.node for leaf in _leaves(scope)] for scope in family]
            needed = {inside.index(n) for scope, inside in zip(family, nodes, strict=True) for n in scope.outputs}
            for scope, inside in zip(family, nodes, strict=True):
                scope.outputs = [inside[i] for i in sorted(needed)]


def _flatten_outside(scope: Scope, tree: Tree) -> None:
    """Lets the caller flatten what the first layer of a repeat reads, so that its iterations are alike."""
    first = scope.items[0]
    readers = [item for item in scope.items if scope.inputs[0] in tree.reads(item)]
    if len(scope.inputs) != 1 or readers != [first]:
        return
    if isinstance(first, Leaf) and first.lowering.call == FLATTENED:
        first.lowering, scope.flattens = first.lowering._replace(call="{m}({0})"), True
    elif isinstance(first, Scope) and first.flattens:
        first.flattens, scope.flattens = False, True


def _is_number(value: Any) -> bool:
    """Whether a block's argument is a number or sizes; layers and words given as arguments are no parameters."""
    if isinstance(value, tuple):
        return all(isinstance(v, int) for v in value)
    return isinstance(value, int | float)


def _below(path: str, outer: str) -> str:
    return module_path(path[len(outer) :].lstrip(".")) if path != outer else ""


def _leaves(scope: Scope) -> Iterator[Leaf]:
    todo: list[Leaf | Scope] = [scope]
    while todo:
        item = todo.pop()
        if isinstance(item, Leaf):
            yield item
        else:
            todo += reversed(item.items)


def _is_flat(scope: Scope) -> bool:
    """Whether an iteration is no module: a body's statements, or one that holds x[i, j], a place in a larger table."""
    if re.fullmatch(r"for\d+", scope.repeat) and not scope.labelled:
        return True
    return any(re.search(r"\.\d", item.name) and not item.repeat for item in scope.items)


def _has_module(scope: Scope) -> bool:
    return any(isinstance(item, Scope) or item.lowering.module for item in scope.items)


def _meeting(a: Scope, b: Scope) -> Scope:
    """The innermost scope that holds both."""
    while a is not b:
        if a.depth >= b.depth:
            assert a.parent is not None
            a = a.parent
        else:
            assert b.parent is not None
            b = b.parent
    return a


def _below_meeting(scope: Scope, meeting: Scope) -> Iterator[Scope]:
    for outer in scope.around():
        if outer is meeting:
            return
        yield outer


def _bring_together(use: Leaf | Scope, first: Leaf | Scope) -> None:
    """Dissolves what stands between two uses of one module and the scope that holds both."""
    assert use.parent is not None and first.parent is not None
    meeting = _meeting(use.parent, first.parent)
    for scope in (*_below_meeting(use.parent, meeting), *_below_meeting(first.parent, meeting)):
        scope.dissolved = True


def _adopt(scope: Scope) -> None:
    """Takes the items of dissolved scopes in, under longer names."""
    if not any(isinstance(item, Scope) and (item.dissolved or item.leaf) for item in scope.items):
        return
    items: list[Leaf | Scope] = []
    for item in scope.items:
        if isinstance(item, Scope) and item.leaf:
            items.append(item.leaf)
        elif isinstance(item, Scope) and item.dissolved:
            for inner in item.items:
                inner.repeat = f"{item.name}.{inner.repeat}" if inner.repeat else ""
                inner.name = f"{item.name}.{inner.name}" if inner.name else item.name
                if isinstance(inner, Leaf) and inner.lowering.module and not inner.weights and not inner.repeat:
                    inner.loose = True
                items.append(inner)
        else:
            items.append(item)
    for item in items:
        item.parent = scope
    scope.items = sorted(items, key=lambda item: item.first)
