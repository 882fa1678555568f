"""Arguments of a call: matched to a card's fields or a block's formals, evaluated where they were written."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from archspec import syntax
from archspec.expand.draft import Arguments
from archspec.expand.place import Place
from archspec.expand.values import Callee, Scope, Word, fail, kind, show, whole
from archspec.op import Op, words
from archspec.source import Fix, Span, nearest

if TYPE_CHECKING:
    from archspec.expand.flow import Expander

_CONSTANT = (syntax.Literal, syntax.Dims)


def takes(card: type[Op]) -> tuple[str, ...]:
    """The names of a card's arguments, those given by position first."""
    rest = [name for name in card.model_fields if name not in card.positional]
    return (*card.positional, *rest, *(("act",) if card.act else ()))


def card_arguments(
    x: Expander, card: type[Op], layer: syntax.Layer, place: Place, at: Place, rank: int
) -> tuple[Arguments, Callee | None]:
    """A card's arguments as written over the file's defaults, and its `act`.

    `place` is where the arguments are looked up, `at` where the layer stands (they differ for an operator handed to a
    block); a required argument that is missing there is a hole, or an error.
    """
    given = layer.args or ()
    cached = x.constants.get((id(layer), card.name))
    if cached is not None:
        return cached[1], None
    default = place.definitions.defaults.get(card.name)
    arguments: Arguments = {}
    if default is not None:
        home = Place(place.definitions, place.definitions.scope, place.body, place.counter)
        arguments |= _matched(x, card, default.args, home, rank)
    arguments |= _matched(x, card, given, place, rank)
    act, act_span = arguments.pop("act", (None, layer.span))
    if act is not None and not isinstance(act, Callee):
        name = act.name if isinstance(act, Word) else show(act)
        fail("A102", f"act={name} names no operator", act_span, help="write act=RELU, or a step of its own: -> RELU")
    missing = [n for n, f in card.model_fields.items() if f.is_required() and n not in arguments]
    for name in missing:
        arguments[name] = x.free.hole(x, layer, card, name, place if place.free else at)
    constant = not missing and act is None and all(isinstance(a.value, _CONSTANT) for a in given)
    if constant and (default is None or all(isinstance(a.value, _CONSTANT) for a in default.args)):
        # The layer is kept with them: a shorthand's is made on the spot, and its id must not come again.
        x.constants[id(layer), card.name] = layer, arguments
    return arguments, act


def _matched(x: Expander, card: type[Op], given: tuple[syntax.Arg, ...], place: Place, rank: int) -> Arguments:
    known = takes(card)
    arguments: Arguments = {}
    positions = iter(card.positional)
    for arg in _gathered(given) if card.variadic else given:
        name = arg.name if arg.name is not None else next(positions, None)
        if name is None:
            most = len(card.positional)
            order = ", ".join(card.positional) or "none"
            fail(
                "A214",
                f"{card.name} takes {most} argument{'s' * (most != 1)} by position: {order}",
                arg.span,
                help="give the others by name",
            )
        if name not in known:
            near = nearest(name, known)
            fail(
                "A201",
                f"{card.name} has no argument {name}",
                arg.name_span,
                caption="unknown argument",
                help=f"did you mean {near}?" if near else "",
                fix=Fix(arg.name_span, near) if near else None,
                notes=(f"{card.name} takes {', '.join(known)}" if known else f"{card.name} takes no arguments",),
            )
        if name in arguments:
            fail("A215", f"{name} is given twice", arg.span)
        arguments[name] = (_value(x, card, name, arg, place), arg.value.span)
    _check_order(card, given, arguments, rank)
    return arguments


def _gathered(given: tuple[syntax.Arg, ...]) -> list[syntax.Arg]:
    """Several values by position as one tuple: CROP((1, 0), (1, 0))."""
    first = [arg for arg in given if arg.name is None]
    if len(first) < 2:
        return list(given)
    span = first[0].span.to(first[-1].span)
    together = syntax.Arg(span, None, syntax.Tuple(span, tuple(arg.value for arg in first)), span)
    return [together, *(arg for arg in given if arg.name is not None)]


def _value(x: Expander, card: type[Op], name: str, arg: syntax.Arg, place: Place) -> Any:
    """One argument: a word of the card, or a value in which every name is defined; lists become tuples."""
    evaluate = x.evaluator(place)
    value = evaluate(arg.value)
    if name == "act":
        return value
    if isinstance(value, Callee) and value.name in words(card, name):
        return value.name
    if isinstance(value, Word):
        choices = words(card, name)
        if value.name in choices:
            return value.name
        if choices:
            near = nearest(value.name, choices)
            hint = f"did you mean {near}?" if near else f"{name} takes {', '.join(choices)}"
            fail("A204", f"{card.name}'s {name} cannot be {value.name}", value.span, help=hint)
        evaluate.need(syntax.Ref(value.span, value.name))
    return _frozen(whole(value))


def _frozen(value: Any) -> Any:
    return tuple(map(_frozen, value)) if isinstance(value, list) else value


def _check_order(card: type[Op], given: tuple[syntax.Arg, ...], arguments: Arguments, rank: int) -> None:
    """Catches `CONV(3x3, 64)` and `CONV(3, 64)`, where kernel and channels are swapped."""
    if card.positional[:2] != ("channels", "kernel") or len(given) < 2 or given[0].name or given[1].name:
        return
    first, second = given[0].value, given[1].value
    if isinstance(first, syntax.Dims) and isinstance(second, syntax.Literal):
        whole_span = Span(first.span.source, first.span.start, second.span.end)
        swapped = f"{second.span.text}, {first.span.text}"
        fail(
            "A212",
            f"{card.name}'s channels come before its kernel",
            whole_span,
            help=f"write {card.name}({swapped})",
            fix=Fix(whole_span, swapped),
        )
    if isinstance(second, syntax.Literal) and isinstance(second.value, int) and rank >= 2:
        n = second.value
        fail(
            "A213",
            f"{card.name}'s second number is its kernel, and {n} alone is nearly always a slip",
            second.span,
            help=f"write {'x'.join([str(n)] * rank)} or kernel={n} for the kernel; {card.name}({n}, ...) for channels",
        )


def block_arguments(
    x: Expander, block: syntax.Block | syntax.Net, layer: syntax.Layer | syntax.Wire, place: Place, inner: Scope
) -> None:
    """Fills a block's scope: arguments evaluated at the call, defaults at entry from left to right."""
    given: dict[str, tuple[Any, Span]] = {}
    evaluate = x.evaluator(place)
    names = [formal.name for formal in block.formals]
    positions = iter(names)
    for arg in layer.args or ():
        name = arg.name if arg.name is not None else next(positions, None)
        if name is None or name not in names:
            near = nearest(name, names) if name else None
            message = f"{block.name} has no argument {name}" if name else f"{block.name} takes {len(names)} arguments"
            hint = f"did you mean {near}?" if near else f"{block.name} takes {', '.join(names) or 'none'}"
            fail("A201", message, arg.name_span if arg.name else arg.span, caption="unknown argument", help=hint)
        if name in given:
            fail("A215", f"{name} is given twice", arg.span)
        value = evaluate(arg.value)
        if isinstance(value, Word) and value.name in ("cin", "first", "last"):
            evaluate.need(arg.value)
        given[name] = whole(value), arg.span
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
                notes=(f"{block.name} is defined at {block.name_span.place}",),
            )


def frozen_arguments(block: syntax.Block | syntax.Net, scope: Scope) -> tuple[tuple[str, Any], ...]:
    """The formals and their values, hashable, for the frame that remembers them."""
    return tuple((f.name, _plain(scope.values[f.name])) for f in block.formals)


def _plain(value: Any) -> Any:
    if isinstance(value, Callee):
        return str(value)
    if isinstance(value, Word):
        return value.name
    return tuple(map(_plain, value)) if isinstance(value, list | tuple) else value


def word_of(x: Expander, arg: syntax.Arg, place: Place, choices: tuple[str, ...], owner: str) -> str:
    """An argument that is one of a combinator's words."""
    value = x.evaluator(place)(arg.value)
    name = value.name if isinstance(value, Word) else None
    if name not in choices:
        near = nearest(arg.value.span.text, choices)
        hint = f"did you mean {near}?" if near else f"it takes {', '.join(choices)}"
        given = name or kind(value)
        fail("A204", f"{owner}'s {arg.name} cannot be {given}", arg.value.span, help=hint)
    return name
