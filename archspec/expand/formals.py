"""A block's formals: filled at the call, defaults at entry."""

from __future__ import annotations

from collections.abc import Collection
from typing import Any, NoReturn

from archspec import syntax
from archspec.expand.place import Place
from archspec.expand.session import Session
from archspec.expand.values import Callee, Scope, Word, fail, whole
from archspec.source import Label, Span, nearest


def block_arguments(
    x: Session, block: syntax.Block | syntax.Net, layer: syntax.Layer | syntax.Wire, place: Place, inner: Scope
) -> None:
    """Fills a block's scope: arguments evaluated at the call, defaults at entry from left to right."""
    given: dict[str, tuple[Any, Span]] = {}
    evaluate = x.evaluator(place)
    names = dict.fromkeys(formal.name for formal in block.formals)
    x.budget.spend(len(names), layer.span, place.path)
    positions = iter(names)
    for arg in layer.args or ():
        name = arg.name if arg.name is not None else next(positions, None)
        if name is None or name not in names:
            _unknown(block, name, names, arg)
        if name in given:
            labels = (Label(given[name][1], "first here"),)
            fail("A215", f"{name} is given twice", arg.span, labels=labels, help="leave one out")
        value = evaluate(arg.value)
        if isinstance(value, Word) and value.name in ("cin", "first", "last"):
            evaluate.need(arg.value)
        given[name] = whole(value), arg.span
    inner.handed = {name: span for name, (_, span) in given.items()}
    for formal in block.formals:
        if formal.name in given:
            inner.values[formal.name] = given[formal.name][0]
        elif formal.default is not None:
            inner.values[formal.name] = x.values_in(inner, place)(formal.default)
        else:
            fail(
                "A216",
                f"{block.name} needs {formal.name}",
                layer.span,
                help=f"write {block.name}({', '.join(names)})",
                labels=(Label(block.name_span, f"{block.name} is defined here"),),
            )


def _unknown(block: syntax.Block | syntax.Net, name: str | None, names: Collection[str], arg: syntax.Arg) -> NoReturn:
    listed = f"{block.name} takes {', '.join(names) or 'no arguments'}"
    labels = (Label(block.name_span, f"{block.name} is defined here"),)
    if name is None:
        many = f"{len(names)} argument{'s' * (len(names) != 1)}" if names else "no arguments"
        fail("A214", f"{block.name} takes {many}", arg.span, caption="one too many", help=listed, labels=labels)
    near = nearest(name, names)
    message, help = f"{block.name} has no argument {name}", f"did you mean {near}?" if near else listed
    fail("A201", message, arg.name_span, caption="unknown argument", help=help, labels=labels)


def frozen_arguments(block: syntax.Block | syntax.Net, scope: Scope) -> tuple[tuple[str, Any], ...]:
    """The formals and their values, hashable, for the frame that remembers them."""
    return tuple((f.name, _plain(scope.values[f.name])) for f in block.formals)


def _plain(value: Any) -> Any:
    if isinstance(value, Callee):
        return str(value)
    if isinstance(value, Word):
        return value.name
    return tuple(map(_plain, value)) if isinstance(value, list | tuple) else value
