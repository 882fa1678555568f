"""Wiring: what every scope reads from outside and gives to it."""

from __future__ import annotations

from archspec.emit.torch.tree import FLATTENED, Leaf, Scope, Tree, below, leaves_in, meeting_of


def wire(tree: Tree) -> None:
    """What every scope reads and gives."""
    inputs, outputs = _crossings(tree)
    for scope in tree.scopes[1:]:
        scope.inputs = list(inputs.get(scope, {}))
        scope.outputs = sorted(outputs.get(scope, {})) or [max(leaf.node for leaf in leaves_in(scope))]
    _same_outputs(tree)
    tree.root.inputs = list(tree.graph.inputs)
    tree.root.outputs = [output.node for output in tree.graph.outputs]
    for scope in reversed(tree.scopes):
        if scope.repeat and not scope.index:
            _flatten_outside(scope, tree)


_Values = dict[Scope, dict[int, None]]  # for each scope values in order, each once


def _crossings(tree: Tree) -> tuple[_Values, _Values]:
    """The values that enter and that leave every scope."""
    inputs: _Values = {}
    outputs: _Values = {}
    for leaf in tree.leaves.values():
        for node in tree.graph.nodes[leaf.node].inputs:
            source = tree.leaves[node].parent if node in tree.leaves else tree.root
            meeting = meeting_of(source, leaf.parent)
            for scope in below(leaf.parent, meeting):
                inputs.setdefault(scope, {})[node] = None
            for scope in below(source, meeting):
                outputs.setdefault(scope, {})[node] = None
    for output in tree.graph.outputs:
        if output.node in tree.leaves:
            for scope in below(tree.leaves[output.node].parent, tree.root):
                outputs.setdefault(scope, {})[output.node] = None
    return inputs, outputs


def _same_outputs(tree: Tree) -> None:
    """Every use of a shared flow gives what any of them has to give."""
    uses: dict[Scope, list[Scope]] = {}
    for scope in tree.scopes:
        if scope.original is not None:
            uses.setdefault(scope.original, [scope.original]).append(scope)
    for family in uses.values():
        nodes = [[leaf.node for leaf in leaves_in(scope)] for scope in family]
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
