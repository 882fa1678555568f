"""Scopes become classes: stamps of one kind are one class, and what differs between them its parameters."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Any

from archspec.emit.torch.parameters import Naming, Parameter
from archspec.emit.torch.signatures import REQUIRED
from archspec.emit.torch.steps import Made, Start, Step, chain_of, chain_term, kind_of, steps_of
from archspec.emit.torch.terms import Chain, Const, Differ, Make, Repeat, begins, constants, generalize, lengths
from archspec.emit.torch.tree import Scope, Tree

_INLINE = 4  # the longest iteration that is written inside its comprehension


@dataclass(eq=False)
class Class:
    """One nn.Module class; `scope` and `steps` are the first stamp's, the terms of `steps` hold slots."""

    reference: str  # how terms name it until it has a name
    scope: Scope
    steps: list[Step]
    parameters: list[Parameter]
    is_chain: bool
    stamps: list[Scope]
    name: str = ""


@dataclass(eq=False)
class _Stamp:
    scope: Scope
    steps: list[Step]
    is_chain: bool

    @property
    def row(self) -> tuple[Any, ...]:
        """All that can differ between the stamps of one class."""
        told = tuple((step.term, step.call, step.starts) for step in self.steps)
        return told, tuple(self.scope.formals.items())


def classes_of(tree: Tree) -> list[Class]:
    """Every class of the network, users after the used; the network itself is the last."""
    builder = _Builder(tree)
    for level in _levels(tree):
        builder.build(level)
    return builder.classes


def _levels(tree: Tree) -> list[list[Scope]]:
    """Scopes that become modules, those without inner scopes first."""
    called: set[Scope] = set()  # later uses of shared flows, and what stands in them
    height: dict[Scope, int] = {}
    for scope in tree.scopes:
        if scope.original is not None or scope.parent in called:
            called.add(scope)
    for scope in reversed(tree.scopes):
        if scope not in called:
            own = height.setdefault(scope, 0)
            if scope.parent is not None:
                height[scope.parent] = max(height.get(scope.parent, 0), own + 1)
    levels: list[list[Scope]] = [[] for _ in range(max(height.values()) + 1)]
    for scope in tree.scopes:
        if scope not in called:
            levels[height[scope]].append(scope)
    return levels


class _Builder:
    def __init__(self, tree: Tree) -> None:
        self.tree = tree
        self.made: Made = {}
        self.classes: list[Class] = []

    def build(self, level: list[Scope]) -> None:
        groups: dict[Any, list[_Stamp]] = {}
        for scope in level:
            steps = steps_of(scope, self.tree, self.made)
            stamp = _Stamp(scope, steps, chain_of(steps, scope))
            groups.setdefault(kind_of(steps, scope), []).append(stamp)
        for key, stamps in list(groups.items()):
            if _is_branch(stamps):
                for stamp in groups.pop(key):
                    self._inline(stamp)
        for stamps in _merged(groups):
            if _is_short(stamps):
                for stamp in stamps:
                    self._inline(stamp)
            else:
                self._make(stamps)

    def _inline(self, stamp: _Stamp) -> None:
        starts = tuple(start for step in stamp.steps for start in step.starts)
        self.made[stamp.scope] = chain_term(stamp.steps), starts

    def _make(self, stamps: list[_Stamp]) -> None:
        """One class of all the stamps, or of those whose repeats are equally long."""
        try:
            self._class(stamps)
        except Differ:
            groups: dict[Any, list[_Stamp]] = {}
            for stamp in stamps:
                groups.setdefault(tuple(lengths(step.term) for step in stamp.steps), []).append(stamp)
            for alike in groups.values():
                self._class(alike)

    def _class(self, stamps: list[_Stamp]) -> None:
        rows: dict[Any, _Stamp] = {}
        for stamp in stamps:
            rows.setdefault((stamp.row, *self._ends(stamp.scope).values()), stamp)
        steps = _generalized(list(rows.values()))
        closed = bool(stamps[0].scope.definition)
        naming = Naming(_formals(rows.values()), self._columns(rows.values()), closed)
        parameters = naming.resolve(_slots(steps))
        reference = f"@{len(self.classes)}"
        first = stamps[0]
        self.classes.append(
            Class(reference, first.scope, steps, parameters, first.is_chain, [stamp.scope for stamp in stamps])
        )
        made = {}
        for i, key in enumerate(rows):
            made[key] = Make(reference, tuple(_argument(parameter, i) for parameter in parameters))
        for stamp in stamps:
            self.made[stamp.scope] = made[stamp.row, *self._ends(stamp.scope).values()], ()

    def _ends(self, scope: Scope) -> dict[str, int]:
        """The channels, or features, that enter a scope first and leave it last."""
        ends = {}
        for way, values in (("in", scope.inputs[:1]), ("out", scope.outputs[-1:])):
            for value in values:
                shape = self.tree.graph.nodes[value].shape
                ends[f"{way}_{'channels' if len(shape) > 1 else 'features'}"] = shape[0]
        return ends

    def _columns(self, stamps: Iterable[_Stamp]) -> dict[str, tuple[int, ...]]:
        rows = [self._ends(stamp.scope) for stamp in stamps]
        return {name: tuple(row[name] for row in rows) for name in rows[0] if all(name in row for row in rows)}


def _merged(groups: dict[Any, list[_Stamp]]) -> list[list[_Stamp]]:
    """Groups of stamps of one class; a kind whose repeats only stop earlier than those of another belongs to that."""
    families: dict[Any, list[Any]] = {}
    for key in groups:
        families.setdefault(key[0], []).append(key)
    for family in families.values():
        for key in family:
            longer = next((other for other in family if other != key and other in groups and begins(key, other)), None)
            if longer is not None:
                groups[longer] = sorted(groups[longer] + groups.pop(key), key=lambda stamp: stamp.scope.first)
    return list(groups.values())


def _is_branch(stamps: list[_Stamp]) -> bool:
    """Whether these are branches of layers in series, and no join has three or more that would be written alike."""
    first = stamps[0]
    if not first.is_chain or first.scope.definition or first.scope.kind != "branch":
        return False
    most = max(Counter(stamp.scope.parent for stamp in stamps).values())
    return most < 3 or len(first.steps) < 3


def _is_short(stamps: list[_Stamp]) -> bool:
    """Whether the iterations of a repeat are so simple, and so alike, that they need no class."""
    first = stamps[0]
    if first.scope.kind != "repeat" or first.scope.definition or not first.is_chain or len(first.steps) > _INLINE:
        return False
    if any(step.starts or not _is_flat(step.term, alone=len(stamps) == 1) for step in first.steps):
        return False
    return all(stamp.row == first.row for stamp in stamps)


def _is_flat(term: Any, alone: bool) -> bool:
    """Whether a term reads well inside another; one that stands only once may be a repeat of simple ones."""
    if isinstance(term, Repeat):
        return alone and all(isinstance(step, Make) for step in term.steps)
    return not isinstance(term, Chain)


def _generalized(rows: list[_Stamp]) -> list[Step]:
    """The first stamp's steps with slots for what may differ."""
    steps = []
    for i, first in enumerate(rows[0].steps):
        column = [row.steps[i] for row in rows]
        term = None if first.term is None else generalize([step.term for step in column])
        starts = tuple(
            Start(start.target, start.kind, generalize([step.starts[j].value for step in column]))
            for j, start in enumerate(first.starts)
        )
        call = generalize([step.call for step in column])
        steps.append(Step(first.name, first.module, term, call, first.reads, first.gives, first.word, starts))
    return steps


def _slots(steps: list[Step]) -> Iterator[Any]:
    for step in steps:
        yield from constants(step.term)
    for step in steps:
        yield from constants(step.call)
        for start in step.starts:
            yield from constants(start.value)


def _formals(stamps: Iterable[_Stamp]) -> dict[str, tuple[Any, ...]]:
    rows = [stamp.scope.formals for stamp in stamps]
    return {name: tuple(row[name] for row in rows) for name in rows[0] if all(name in row for row in rows)}


def _argument(parameter: Parameter, row: int) -> tuple[str, Const]:
    key = "" if parameter.default is REQUIRED else parameter.name
    return key, Const(parameter.values[row], parameter.name, parameter.role, parameter.default)
