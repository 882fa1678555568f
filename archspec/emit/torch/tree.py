"""The graph as a tree of scopes: what will be modules, what each takes in and gives out."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

from archspec.graph import Graph
from archspec.op import Torch, Weight

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
    lowered: dict[int, Any] = field(default_factory=dict)  # what `steps` makes of a lowering, by its identity

    def reads(self, item: Leaf | Scope) -> tuple[int, ...]:
        """The values that an item takes in, told by the nodes that make them."""
        return self.graph.nodes[item.node].inputs if isinstance(item, Leaf) else tuple(item.inputs)


def leaves_in(scope: Scope) -> Iterator[Leaf]:
    """Every node of a scope, in order."""
    todo: list[Leaf | Scope] = [scope]
    while todo:
        item = todo.pop()
        if isinstance(item, Leaf):
            yield item
        else:
            todo += reversed(item.items)


def meeting_of(a: Scope, b: Scope) -> Scope:
    """The innermost scope that holds both."""
    while a is not b:
        if a.depth >= b.depth:
            assert a.parent is not None
            a = a.parent
        else:
            assert b.parent is not None
            b = b.parent
    return a


def below(scope: Scope, meeting: Scope) -> Iterator[Scope]:
    """The scope and those around it, up to but without `meeting`."""
    for outer in scope.around():
        if outer is meeting:
            return
        yield outer
