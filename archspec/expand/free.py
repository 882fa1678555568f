"""What a file without a net leaves open (free counts, free options, holes), and what the command line binds to it."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Literal

from archspec import syntax
from archspec.expand.definitions import Definitions
from archspec.expand.place import Place
from archspec.expand.values import Value, fail, kind, show
from archspec.op import Op, lookup
from archspec.source import Diagnostic, Source, Span, SpecError, nearest

if TYPE_CHECKING:
    from archspec.expand.flow import Expander


@dataclass(frozen=True, slots=True)
class Hole:
    """One thing to bind: `archspec holes` lists them."""

    name: str
    kind: Literal["count", "option", "argument", "input"]
    text: str  # what it is for: "channels of CONV"
    span: Span
    staged: bool  # stands inside a repeat, so that a list gives one value per stage


class UsageError(Exception):
    """The command line, or a call of the API, asks for something that is not there."""

    def __init__(self, message: str, help: str = "") -> None:
        super().__init__(message)
        self.message, self.help = message, help


@dataclass
class Bindings:
    """Values from outside, by name, as texts of the language or as Python values; and which of them were used."""

    given: dict[str, Any] = field(default_factory=dict)
    used: set[str] = field(default_factory=set)
    read: Callable[[syntax.Expr], Value] | None = None
    known: set[str] = field(default_factory=set)  # what could be bound, for did-you-mean
    _values: dict[str, Value] = field(default_factory=dict)

    def get(self, name: str) -> tuple[bool, Value]:
        """Whether `name` is bound, and its value."""
        self.known.add(name)
        if name not in self.given:
            return False, None
        self.used.add(name)
        if name not in self._values:
            raw = self.given[name]
            self._values[name] = self._parsed(name, raw) if isinstance(raw, str) else _native(raw)
        return True, self._values[name]

    def _parsed(self, name: str, text: str) -> Value:
        """`2,2,3` is a list without brackets; one value alone is that value."""
        from archspec.parse import parse

        source = Source(f"-D {name}", text)
        try:
            tree = parse(Source(source.name, f"let value = [{text}]"))
        except SpecError:
            raise UsageError(
                f"-D {name}={text} is no value", f"values look like 3, 3x32x32, on, 2,2,3 or {name}=[1, 2]"
            ) from None
        let = tree.statements[0]
        if len(tree.statements) != 1 or not isinstance(let, syntax.Let) or self.read is None:
            raise UsageError(f"-D {name}={text} is no value")
        value = self.read(let.value)
        return value[0] if isinstance(value, list) and len(value) == 1 else value

    def check_all_used(self) -> None:
        """Raises UsageError for a binding that nothing asked for."""
        for name in self.given:
            if name not in self.used:
                near = nearest(name, self.known - self.used or self.known)
                if name in self.known:
                    continue
                options = ", ".join(sorted(self.known)) or "nothing"
                hint = f"did you mean {near}?" if near else f"this spec lets you bind {options}"
                raise UsageError(f"nothing here is named {name}", hint)


def _native(value: Any) -> Value:
    """A Python value as one of the language's."""
    if isinstance(value, dict | set):
        raise UsageError(f"{value!r} is no value of the language")
    return list(value) if isinstance(value, range) else value


class Free:
    """The holes of one file and how they are filled."""

    def __init__(self, definitions: Definitions, bindings: Bindings) -> None:
        self.bindings = bindings
        self.holes = find_holes(definitions) if definitions.free else ()
        self._names = {hole.span: hole.name for hole in self.holes}
        bindings.known |= {hole.name for hole in self.holes}

    def hole(self, x: Expander, layer: syntax.Layer, card: type[Op], argument: str, place: Place) -> tuple[Value, Span]:
        """The value of a required argument that was left out."""
        name = self._names.get(layer.name_span)
        if name is None or not place.free:
            fail(
                "A216",
                f"{card.name} needs {argument}",
                layer.span,
                help=f"write {card.name}({argument}{', ...' if len(card.positional) > 1 else ''})",
            )
        value = self._bound(name, layer.span, place, f"the {argument} of {card.name}")
        return (tuple(value) if isinstance(value, list) else value), layer.span

    def symbol(self, name: str, span: Span, place: Place, what: str) -> Value:
        """The value of a free count or option."""
        return self._bound(name, span, place, what)

    def input_shape(self, span: Span, place: Place) -> Value:
        return self._bound("INPUT", span, place, "the shape of the input")

    def _bound(self, name: str, span: Span, place: Place, what: str) -> Value:
        bound, value = self.bindings.get(name)
        if not bound and name.endswith(".1") and name[:-2] in self.bindings.given:
            bound, value = self.bindings.get(name[:-2])
        if not bound:
            self._unbound(name, span, what)
        return staged(value, name, span, place)

    def _unbound(self, name: str, span: Span, what: str) -> None:
        still = list(dict.fromkeys(h.name for h in self.holes if h.name not in self.bindings.given))
        words = " ".join(_example(h) for h in {h.name: h for h in self.holes}.values() if h.name in still)
        fail(
            "A401",
            f"{name} is open: {what}",
            span,
            caption="not bound",
            help=f"bind it from outside: {words}" if words else f"bind it: -D {name}=...",
            notes=(f"open here: {', '.join(still)}",) if len(still) > 1 else (),
        )


def _example(hole: Hole) -> str:
    if hole.kind == "option":
        return f"--with {hole.name}"
    return f"-D {hole.name}={'3x224x224' if hole.kind == 'input' else '...'}"


def staged(value: Value, name: str, span: Span, place: Place) -> Value:
    """A list given to a symbol is read by the outermost repetition around the use."""
    if not isinstance(value, list):
        return value
    if not place.loops:
        fail("A217", f"{name} is {show(value)}, and there is no repeat around it to read a list", span)
    loop = place.loops[0]
    if len(value) != loop.count:
        raise SpecError(
            (
                Diagnostic(
                    "A217",
                    f"{name} has {len(value)} values and the repeat around it runs {loop.count} times",
                    span,
                    help=f"give {loop.count} values, or one for all",
                ),
            )
        )
    return value[loop.index]


def whole_count(value: Value, span: Span) -> int:
    """A repeat count: a whole number from 0."""
    if isinstance(value, bool) or not isinstance(value, int) or value < 0:
        fail("A218", f"a repeat count is a whole number from 0, this is {kind(value)}", span)
    return value


def find_holes(definitions: Definitions) -> tuple[Hole, ...]:
    """Everything the file's own flow leaves open, in text order."""
    found: list[Hole] = []
    layers: list[tuple[syntax.Layer, syntax.Step, bool]] = []
    known = {s.name for s in definitions.file.statements if isinstance(s, syntax.Let | syntax.Param)}
    declared = any(isinstance(s, syntax.Input) for s in definitions.statements)

    def counts(repeat: syntax.Repeat, staged: bool, bound: frozenset[str]) -> None:
        for ref in _refs(repeat.count):
            if ref.name not in known and ref.name not in bound:
                found.append(Hole(ref.name, "count", "how often the repeat runs", ref.span, staged))

    def walk(flow: syntax.Flow, staged: bool, bound: frozenset[str]) -> None:
        for step in flow.steps:
            names = frozenset(n for r in step.repeats for loop in r.loops for n in loop.names)
            for i, repeat in enumerate(step.repeats):
                counts(repeat, staged or i < len(step.repeats) - 1, bound)
            inner = staged or bool(step.repeats)
            core = step.core
            if isinstance(core, syntax.Layer):
                layers.append((core, step, inner))
                if step.option and step.option.condition is None and core.name not in known:
                    found.append(Hole(_switch(step), "option", f"whether {core.name} is there", step.span, staged))
            elif isinstance(core, syntax.Wire | syntax.Group):
                for branch in core.branches:
                    walk(branch.flow, inner, bound | names)
                if step.option and step.option.condition is None and step.mark and step.mark.name not in known:
                    found.append(Hole(step.mark.name, "option", "whether the group is there", step.span, staged))

    for statement in definitions.statements:
        if isinstance(statement, syntax.Flow):
            walk(statement, False, frozenset())
    total: dict[str, int] = {}
    for layer, _, _ in layers:
        total[layer.name] = total.get(layer.name, 0) + 1
    seen: dict[str, int] = {}
    for layer, step, inner in layers:
        seen[layer.name] = seen.get(layer.name, 0) + 1
        if layer.name == "INPUT":
            if layer.args is None and not declared and seen["INPUT"] == 1:
                found.append(Hole("INPUT", "input", "the shape of the input", layer.name_span, False))
            continue
        card = lookup(layer.name) if definitions.block(layer.name) is None else None
        missing = _missing(card, layer, definitions) if card else []
        if missing:
            assert card is not None
            numbered = layer.name if total[layer.name] == 1 else f"{layer.name}.{seen[layer.name]}"
            name = step.mark.name if step.mark else numbered
            found.append(Hole(name, "argument", f"{missing[0]} of {card.name}", layer.name_span, inner))
    return tuple(sorted(found, key=lambda h: h.span.start))


def _switch(step: syntax.Step) -> str:
    """What a free option is called: its label, or its layer."""
    assert isinstance(step.core, syntax.Layer)
    return step.mark.name if step.mark else step.core.name


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
