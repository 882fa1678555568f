"""Taking away scopes that would be no modules, so that their layers stand where a person would put them."""

from __future__ import annotations

import re
from itertools import count

from archspec.emit.names import module_path
from archspec.emit.torch.tree import Leaf, Scope, Tree


def simplify(tree: Tree) -> None:
    """Takes away scopes that would be no modules: without any module, interleaved, or one layer without weights."""
    for scope in reversed(tree.scopes):
        _adopt(scope)
        if scope is tree.root or scope.dissolved:
            continue
        # A shared flow of one layer keeps its own module, which the later uses call.
        lone = scope.items[0] if len(scope.items) == 1 and scope.kind != "shared" else None
        if isinstance(lone, Leaf) and lone.lowering.module and (not lone.name or not lone.weights):
            lone.name, lone.repeat, lone.index = scope.name, scope.repeat, scope.index
            scope.leaf = lone
        elif scope.last - scope.first + 1 != scope.count or not _has_module(scope):
            scope.dissolved = True
        elif any(not item.name for item in scope.items):
            scope.dissolved = True  # a layer of the iteration itself, beside others
        elif scope.repeat and not scope.definition and _is_flat(scope):
            scope.dissolved = True
    tree.scopes = [scope for scope in tree.scopes if not scope.dissolved and scope.leaf is None]
    for scope in tree.scopes[1:]:
        assert scope.parent is not None
        scope.depth = scope.parent.depth + 1
    _name_loose(tree)


def _is_flat(scope: Scope) -> bool:
    """Whether an iteration is no module: a body's statements, or one that holds x[i, j], a place in a larger table."""
    if re.fullmatch(r"for\d+", scope.repeat) and not scope.labelled:
        return True
    return any(re.search(r"\.\d", item.name) and not item.repeat for item in scope.items)


def _has_module(scope: Scope) -> bool:
    return any(isinstance(item, Scope) or item.lowering.module for item in scope.items)


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


def _name_loose(tree: Tree) -> None:
    """Layers without weights whose scopes dissolved get short names, equal ones the same."""
    found: dict[Scope, dict[str, Leaf]] = {}
    for leaf in tree.leaves.values():
        if not leaf.loose:
            continue
        told = repr((leaf.lowering.module, leaf.lowering.args, leaf.lowering.kwargs))
        known = found.setdefault(leaf.parent, {})
        leaf.owner = known.get(told)
        if leaf.owner is None:
            taken = {item.name.partition(".")[0] for item in leaf.parent.items}
            leaf.name = next(n for i in count(1) if (n := module_path(f"{leaf.op.lower()}_{i}")) not in taken)
            known[told] = leaf
