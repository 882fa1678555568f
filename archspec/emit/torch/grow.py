"""Growing the tree: nodes find their scopes by frame and path."""

from __future__ import annotations

from typing import Any

from archspec.emit.names import module_path
from archspec.emit.torch.share import share
from archspec.emit.torch.simplify import simplify
from archspec.emit.torch.tree import Leaf, Scope, Tree
from archspec.emit.torch.wire import wire
from archspec.graph import Frame, Graph
from archspec.op import Torch, Weight, lookup


def grow(graph: Graph) -> Tree:
    """The tree of scopes of a network, ready to become modules."""
    tree = _Growth(graph).place_nodes()
    share(tree)
    simplify(tree)
    wire(tree)
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

    def place_nodes(self) -> Tree:
        """A tree with a scope for every frame that holds nodes."""
        order = 0
        for index, node in enumerate(self.graph.nodes):
            if node.op.name == "INPUT":
                continue
            scope = _holding(self._scope(node.scope), node.path)
            shapes = self.graph.shapes_into(node)
            key = (id(node.op), shapes)
            if key not in self._lowered:
                self._lowered[key] = node.op.torch(*shapes), node.op.weights(*shapes)
            leaf = Leaf(_relative(node.path, scope.path), index, node.op.name, *self._lowered[key], order, scope)
            if node.shares is not None:
                leaf.owner = self.leaves[node.shares]
            self.leaves[index] = leaf
            scope.items.append(leaf)
            for outer in scope.around():
                if outer.first < 0:
                    outer.first = order
                    if outer.parent is not None:
                        outer.parent.items.append(outer)
                outer.last = order
                outer.count += 1
            order += 1
        return Tree(
            self.graph, self.root, self.leaves, [scope for scope in self.scopes if scope.count or scope is self.root]
        )

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
        scope = _holding(scope, frame.path)
        if frame.path != scope.path:
            known = self._at.get((id(scope), frame.path))
            if known is None:
                known = Scope(_relative(frame.path, scope.path), frame.path, scope, scope.depth + 1, frame.kind)
                if frame.kind == "repeat":
                    known.repeat, known.index = known.name.rpartition(".")[0], frame.index
                    known.labelled = frame.labelled
                self._at[id(scope), frame.path] = known
                self.scopes.append(known)
            scope = known
        if frame.definition:
            card = lookup(frame.definition)  # an operator made of parts (SEPCONV) is a block too
            scope.definition = frame.definition if card is None else card.__name__
        scope.formals.update((name, value) for name, value in frame.arguments if _is_number(value))
        return scope


def _is_number(value: Any) -> bool:
    """Whether a block's argument is a number or sizes; layers and words given as arguments are no parameters."""
    if isinstance(value, tuple):
        return all(isinstance(v, int) for v in value)
    return isinstance(value, int | float)


def _relative(path: str, outer: str) -> str:
    return module_path(path[len(outer) :].lstrip(".")) if path != outer else ""


def _holding(scope: Scope, path: str) -> Scope:
    """The scope, or the innermost around it, that a path stands in: x[i, j] is named outside of its iteration."""
    return next(
        outer for outer in scope.around() if path == outer.path or path.startswith(f"{outer.path}.".lstrip("."))
    )
