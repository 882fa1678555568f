"""What a file without a net leaves open (free counts, free options, holes), and what the command line binds to it."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

from archspec import syntax
from archspec.expand.definitions import Definitions
from archspec.expand.holes import Hole, find_holes
from archspec.expand.place import Place
from archspec.expand.values import Value, fail, kind, show, whole
from archspec.limits import deep
from archspec.op import Op
from archspec.record import Record
from archspec.source import Diagnostic, Source, Span, SpecError, nearest

_BEFORE = "let value = ["  # what makes a statement of a value


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

        source = Source("-D", f"{name}={text}")
        try:
            tree = parse(Source(source.name, f"{_BEFORE}{text}]"))
        except SpecError:
            raise UsageError(
                f"-D {name}={text} is no value", f"values look like 3, 3x32x32, on, 2,2,3 or {name}=[1, 2]"
            ) from None
        let = tree.statements[0]
        if len(tree.statements) != 1 or not isinstance(let, syntax.Let) or self.read is None:
            raise UsageError(f"-D {name}={text} is no value")
        with deep(Span(source, 0, len(source.text))):
            value = self.read(_moved(let.value, source, len(_BEFORE) - len(name) - 1))
        return value[0] if isinstance(value, list) and len(value) == 1 else value

    def check_all_used(self) -> None:
        """Raises UsageError for a binding that nothing asked for."""
        for name in self.given:
            if name not in self.used:
                near = nearest(name, self.known)
                if name in self.known:
                    continue
                options = ", ".join(sorted(self.known)) or "nothing"
                hint = f"did you mean {near}?" if near else f"this spec lets you bind {options}"
                raise UsageError(f"nothing here is named {name}", hint)


def _moved(value: Any, source: Source, back: int) -> Any:
    """Syntax whose spans lie `back` characters earlier, in the text as it was typed."""
    match value:
        case Span(_, start, end):
            return Span(source, start - back, end - back)
        case Record():
            return type(value)(*(_moved(getattr(value, name), source, back) for name in value.__match_args__))
        case tuple():
            return tuple(_moved(entry, source, back) for entry in value)
    return value


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

    def hole(self, layer: syntax.Layer, card: type[Op], argument: str, place: Place) -> tuple[Value, Span]:
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
        inside = next((h.kind for h in self.holes if h.name == name and len(still) == 1), "")
        written = {"argument": f"; or write it in: {_called(span.text)}", "input": "; or write INPUT(3x224x224)"}.get(
            inside, ""
        )
        meant = next((g for g in self.bindings.given if g not in self.bindings.known and nearest(g, [name])), None)
        help = f"bind it from outside: {words}{written}" if words else f"bind it: -D {name}=..."
        fail(
            "A401",
            f"{name} is open: {what}",
            span,
            caption="not bound",
            help=f"{meant} is bound, and nothing has that name; did you mean {name}?" if meant else help,
            notes=(f"open here: {', '.join(still)}",) if len(still) > 1 else (),
        )


def _called(layer: str) -> str:
    """A layer as it is written, with room for one more argument."""
    return f"{layer[:-1]}, ...)" if layer.endswith(")") else f"{layer}(...)"


def _example(hole: Hole) -> str:
    if hole.kind == "option":
        return f"--with {hole.name}"
    return f"-D {hole.name}={'3x224x224' if hole.kind == 'input' else '...'}"


def staged(value: Value, name: str, span: Span, place: Place) -> Value:
    """A list given to a symbol is read by the outermost repetition around the use."""
    if not isinstance(value, list):
        return value
    if not place.loops:
        message = f"{name} is {show(value)}, and there is no repeat around it to read a list"
        fail("A217", message, span, help="give one value, or put [ ... ]*n around it")
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
    value = whole(value)
    if isinstance(value, bool) or not isinstance(value, int) or value < 0:
        help = "round it: *(n // 2) or *(ceil(n / 2))" if isinstance(value, float) else "write *3, *N or *(n-1)"
        fail("A231", f"a repeat count is a whole number from 0, this is {kind(value)}", span, help=help)
    return value
