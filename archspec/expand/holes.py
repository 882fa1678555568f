"""What a file leaves open: free counts and options, missing arguments and inputs, knobs and nets without values."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from typing import Any, Literal

from archspec import syntax
from archspec.expand.definitions import Definitions
from archspec.limits import deep
from archspec.op import Op, lookup
from archspec.source import Span


@dataclass(frozen=True, slots=True)
class Hole:
    """One thing to bind: `archspec holes` lists them."""

    name: str
    kind: Literal["count", "option", "argument", "input", "knob"]
    text: str  # what it is for: "channels of CONV"
    span: Span
    staged: bool  # stands inside a repeat, so that a list gives one value per stage


def find_open(definitions: Definitions) -> tuple[Hole, ...]:
    """Everything that a file needs from outside: the holes of its own flow, its knobs and its nets' arguments without a
    default, in text order."""
    found = list(find_holes(definitions)) if definitions.free else []
    for statement in definitions.file.statements:
        if isinstance(statement, syntax.Param) and statement.value is None:
            found.append(Hole(statement.name, "knob", "a param without a value", statement.span, False))
        elif isinstance(statement, syntax.Net):
            missing = [formal for formal in statement.formals if formal.default is None]
            found += [Hole(f.name, "argument", f"an argument of {statement.name}", f.span, False) for f in missing]
    return tuple(sorted(found, key=lambda hole: hole.span.start))


def find_holes(definitions: Definitions) -> tuple[Hole, ...]:
    """Everything that the flow of a file without a net leaves open, in text order."""
    search = _Search(definitions)
    for statement in definitions.statements:
        if isinstance(statement, syntax.Flow):
            with deep(statement.span):
                search.flow(statement, False, frozenset())
    search.layers()
    return tuple(sorted(search.found, key=lambda hole: hole.span.start))


class _Search:
    """Walks the flows once for counts, options and layers; a layer's number needs the count of all of its name."""

    def __init__(self, definitions: Definitions) -> None:
        self.definitions = definitions
        self.found: list[Hole] = []
        self.seen: list[tuple[syntax.Layer, syntax.Step, bool]] = []
        statements = definitions.file.statements
        self.known = {s.name for s in statements if isinstance(s, syntax.Let | syntax.Param)}
        self.has_input = any(isinstance(s, syntax.Input) for s in statements)

    def flow(self, flow: syntax.Flow, staged: bool, bound: frozenset[str]) -> None:
        for step in flow.steps:
            self.step(step, staged, bound)

    def step(self, step: syntax.Step, staged: bool, bound: frozenset[str]) -> None:
        for i, repeat in enumerate(step.repeats):
            self.count(repeat, staged or i < len(step.repeats) - 1, bound)
        self.option(step, staged)
        inner = staged or bool(step.repeats)
        core = step.core
        if isinstance(core, syntax.Layer):
            self.seen.append((core, step, inner))
        elif isinstance(core, syntax.Wire | syntax.Group):
            names = frozenset(n for r in step.repeats for loop in r.loops for n in loop.names)
            for branch in core.branches:
                self.flow(branch.flow, inner, bound | names)

    def count(self, repeat: syntax.Repeat, staged: bool, bound: frozenset[str]) -> None:
        for ref in _refs(repeat.count):
            if ref.name not in self.known and ref.name not in bound:
                self.found.append(Hole(ref.name, "count", "how often the repeat runs", ref.span, staged))

    def option(self, step: syntax.Step, staged: bool) -> None:
        if step.option is None or step.option.condition is not None:
            return
        name = step.mark.name if step.mark else getattr(step.core, "name", None)
        if name is not None and name not in self.known:
            what = step.core.name if isinstance(step.core, syntax.Layer) else "the group"
            self.found.append(Hole(name, "option", f"whether {what} is there", step.span, staged))

    def layers(self) -> None:
        total = Counter(layer.name for layer, _, _ in self.seen)
        number: Counter[str] = Counter()
        for layer, step, staged in self.seen:
            number[layer.name] += 1
            if layer.name == "INPUT":
                if layer.args is None and not self.has_input and number["INPUT"] == 1:
                    self.found.append(Hole("INPUT", "input", "the shape of the input", layer.name_span, False))
                continue
            card = lookup(layer.name) if self.definitions.block(layer.name) is None else None
            missing = _missing(card, layer, self.definitions) if card else []
            if card and missing:
                numbered = layer.name if total[layer.name] == 1 else f"{layer.name}.{number[layer.name]}"
                name = step.mark.name if step.mark else numbered
                self.found.append(Hole(name, "argument", f"{missing[0]} of {card.name}", layer.name_span, staged))


def _missing(card: type[Op], layer: syntax.Layer, definitions: Definitions) -> list[str]:
    """The required arguments that neither the layer nor the file's defaults give."""
    given: set[str] = set()
    default = definitions.defaults.get(card.name)
    for args in (layer.args or (), default.args if default else ()):
        given |= {a.name for a in args if a.name}
        given |= set(card.positional[: sum(a.name is None for a in args)])
    return [name for name, info in card.model_fields.items() if info.is_required() and name not in given]


def _refs(expr: Any) -> list[syntax.Ref]:
    """Every name in a count."""
    if isinstance(expr, syntax.Ref):
        return [expr]
    if isinstance(expr, syntax.Binary):
        return _refs(expr.left) + _refs(expr.right)
    if isinstance(expr, syntax.Unary):
        return _refs(expr.operand)
    return []
