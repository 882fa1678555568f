"""Values of the language: what an expression means where it stands.

A value is a number, a switch (bool), a text, sizes (a tuple, one per axis), a list, or an operator or block (`Callee`).
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any, NamedTuple, NoReturn

from archspec import syntax
from archspec.source import Diagnostic, Fix, Label, Span, SpecError

Value = Any  # int | float | bool | str | tuple[Value, ...] | list[Value] | Callee | Word | None


class Word(NamedTuple):
    """A name that nothing defines, kept until somebody says whether it is one of an argument's words (`pad=same`)."""

    name: str
    span: Span


class Callee(NamedTuple):
    """An operator or block as a value, with the arguments it was given: act=RELU, norm=GN(32)."""

    layer: syntax.Layer
    place: Any  # where its name and arguments are looked up
    name: str

    def __str__(self) -> str:
        return self.layer.span.text


@dataclass(slots=True)
class Scope:
    """Names and their values; a block's scope sees its file's, an iteration's its enclosing one's."""

    parent: Scope | None = None
    values: dict[str, Value] = field(default_factory=dict)
    handed: dict[str, Span] | None = None  # where a call gives the arguments of the block whose scope this is

    def find(self, name: str) -> tuple[bool, Value]:
        """Whether the name is defined here or further out, and its value."""
        scope: Scope | None = self
        while scope is not None:
            if name in scope.values:
                return True, scope.values[name]
            scope = scope.parent
        return False, None

    def origin(self, name: str) -> Span | None:
        """Where the call of a block gives this name its value."""
        scope: Scope | None = self
        while scope is not None and name not in scope.values:
            scope = scope.parent
        return scope.handed.get(name) if scope and scope.handed else None

    def names(self) -> set[str]:
        inherited = self.parent.names() if self.parent else set()
        return inherited | self.values.keys()


def fail(
    code: str,
    message: str,
    span: Span | None,
    *,
    caption: str = "",
    help: str = "",
    fix: Fix | None = None,
    labels: tuple[Label, ...] = (),
    notes: tuple[str, ...] = (),
) -> NoReturn:
    """Raises one diagnostic."""
    raise SpecError((Diagnostic(code, message, span, caption, labels, help=help, fix=fix, notes=notes),))


def kind(value: Value) -> str:
    """What a value is, in a user's words."""
    if isinstance(value, bool):
        return "a switch (on/off)"
    if isinstance(value, int | float):
        return f"the number {value}"
    if isinstance(value, Callee):
        return "an operator or block"
    if isinstance(value, tuple) and not isinstance(value, Word):
        return f"the sizes {show(value)}"
    return {list: "a list", str: "a text", Word: "an unknown name"}.get(type(value), "nothing")


def show(value: Value) -> str:
    """A value as the language writes it."""
    if isinstance(value, bool):
        return "on" if value else "off"
    if isinstance(value, list):
        return f"[{', '.join(map(show, value))}]"
    if isinstance(value, Word):
        return value.name
    if isinstance(value, tuple) and not isinstance(value, Callee):
        flat = all(isinstance(v, int) and v >= 0 for v in value) and len(value) > 1
        return "x".join(map(str, value)) if flat else f"({', '.join(map(show, value))}{',' * (len(value) == 1)})"
    return f'"{value}"' if isinstance(value, str) else str(value)


def whole(value: Value) -> Value:
    """A float that is a whole number, as an integer: 2*1.5 is a size."""
    return int(value) if isinstance(value, float) and value.is_integer() else value
