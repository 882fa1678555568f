"""Shared flows: every later use calls the module of the first."""

from __future__ import annotations

from archspec.emit.torch.tree import Leaf, Scope, Tree, below, leaves_in, meeting_of
from archspec.graph import Graph


def share(tree: Tree) -> None:
    """Finds later uses of shared flows, and brings each into the scope that holds the first use."""
    by_path = {scope.path: scope for scope in tree.scopes}
    for scope in tree.scopes:
        inside = list(leaves_in(scope)) if scope.kind == "shared" else []
        if inside and all(leaf.owner for leaf in inside):
            scope.original = _original(scope, inside, by_path, tree.graph)
    for scope in tree.scopes:
        if scope.original is not None:
            _bring_together(scope, scope.original)
    for leaf in tree.leaves.values():
        if leaf.owner is not None and not any(scope.original for scope in leaf.parent.around()):
            _bring_together(leaf, leaf.owner)


def _original(scope: Scope, inside: list[Leaf], by_path: dict[str, Scope], graph: Graph) -> Scope | None:
    """The scope of the first use, if calling its module does exactly what this scope does."""
    nodes = graph.nodes
    owner = nodes[inside[0].owner.node] if inside[0].owner else None
    suffix = nodes[inside[0].node].path[len(scope.path) :]
    found = by_path.get(owner.path[: len(owner.path) - len(suffix)]) if owner else None
    if found is None or found is scope:
        return None
    theirs = list(leaves_in(found))
    same = len(theirs) == len(inside) and all(
        mine.owner is other and mine.lowering == other.lowering for mine, other in zip(inside, theirs, strict=True)
    )
    return found if same and _wiring(inside, graph) == _wiring(theirs, graph) else None


def _wiring(leaves: list[Leaf], graph: Graph) -> list[tuple[int, ...]]:
    """The inputs of each leaf as positions among them, or below 0 for what comes from outside."""
    place: dict[int, int] = {leaf.node: i for i, leaf in enumerate(leaves)}
    outside: dict[int, int] = {}
    return [
        tuple(place[i] if i in place else outside.setdefault(i, ~len(outside)) for i in nodes)
        for nodes in (graph.nodes[leaf.node].inputs for leaf in leaves)
    ]


def _bring_together(use: Leaf | Scope, first: Leaf | Scope) -> None:
    """Dissolves what stands between two uses of one module and the scope that holds both."""
    assert use.parent is not None and first.parent is not None
    meeting = meeting_of(use.parent, first.parent)
    for scope in (*below(use.parent, meeting), *below(first.parent, meeting)):
        scope.dissolved = True
