"""What an argument in the wrong place was meant to be: habits of other frameworks, and slips of the hand."""

from __future__ import annotations

import re
from typing import NoReturn

from archspec import syntax
from archspec.expand.guess import argument_hint
from archspec.expand.lints import LARGEST_KERNEL
from archspec.expand.values import fail
from archspec.op import Op, lookup, words
from archspec.source import Fix, Span

# What other frameworks are told of the layer before, which is known here.
_INCOMING = (
    "in_channels",
    "in_ch",
    "in_features",
    "in_dim",
    "in_planes",
    "inplanes",
    "in_size",
    "input_channels",
    "input_dim",
    "input_shape",
    "input_size",
    "num_features",
    "num_parameters",
    "normalized_shape",
)


def unknown_argument(card: type[Op], name: str, arg: syntax.Arg, known: tuple[str, ...]) -> NoReturn:
    """Refuses an argument by a name that the card does not have."""
    meant, fix = argument_hint(name, known), None
    if name.lower() in _INCOMING:
        help = f"what flows in is known: leave {name} out"
    elif name.lower() == "keep_prob" and meant == "rate":
        help = "rate is the probability of dropping, 1 - keep_prob"
    else:
        help = f"did you mean {meant}?" if meant else ""
        fix = Fix(arg.name_span, meant) if meant else None
    takes = f"{card.name} takes {', '.join(known)}" if known else f"{card.name} takes no arguments"
    message = f"{card.name} has no argument {name}"
    fail("A201", message, arg.name_span, caption="unknown argument", help=help, fix=fix, notes=(takes,))


def too_many(card: type[Op], arg: syntax.Arg, given: tuple[syntax.Arg, ...], known: tuple[str, ...]) -> NoReturn:
    """Refuses an argument by position behind the last that has one."""
    order = ", ".join(card.positional)
    what = f"{len(card.positional)} argument{'s' * (len(card.positional) != 1)} by position: {order}"
    message = f"{card.name} takes {what if order else 'no argument by position'}"
    rest = ", ".join(name for name in known if name not in card.positional)
    help = f"leave it out: {card.name} takes {'no more' if known else 'no arguments'}"
    help = f"give the others by name: {rest}" if rest else help
    meant = _meant(card, arg, given)
    fail("A214", message, arg.span, help=meant[0] if meant else help, fix=meant[1] if meant else None)


def _meant(card: type[Op], arg: syntax.Arg, given: tuple[syntax.Arg, ...]) -> tuple[str, Fix | None] | None:
    """What an argument too many can only have been: help, and the edit where that is sure."""
    named = by_name(card, arg.value)
    if named is None and card.positional[-1:] == ("stride",) and "pad" in card.model_fields and _sizes(arg.value):
        named = f"pad={arg.span.text}"  # as in PyTorch
    if named is not None:
        return f"write {named}", Fix(arg.span, named) if arg is [a for a in given if a.name is None][-1] else None
    if not isinstance(arg.value, syntax.Literal) or type(arg.value.value) is not int:
        return None
    text, before = arg.span.text, next((a for a in reversed(given[: given.index(arg)]) if a.name is None), None)
    if before is None:
        if card.weights is Op.weights:
            return None
        source, brackets = arg.span.source, Span(arg.span.source, arg.span.start - 1, arg.span.end + 1)
        fix = Fix(brackets, "") if source.text[brackets.start : brackets.end] == f"({text})" else None
        return f"the channels that flow in are known: write {card.name}", fix
    both = before.span.to(arg.span)
    if re.fullmatch(r"\d{1,3},0\d\d", both.text):
        number = both.text.replace(",", "_")
        return f"write {number}", Fix(both, number)
    if card.positional == ("width",) and _sizes(before.value) and len(given) == 2:
        return f"what flows in is known: write {card.name}({text})", Fix(both, text)
    if card.positional == ("groups",):
        return f"the channels that flow in are known: write {card.name}({before.span.text})", Fix(
            both, before.span.text
        )
    return None


def _sizes(value: syntax.Expr) -> bool:
    """Whether a value is a whole number or sizes, as it is written."""
    return isinstance(value, syntax.Dims | syntax.Tuple) or (
        isinstance(value, syntax.Literal) and type(value.value) is int
    )


def by_name(card: type[Op], value: syntax.Expr) -> str | None:
    """A word or a layer with the argument that knows it: pad=same, act=RELU."""
    match value:
        case syntax.Ref(name=str(name)) | syntax.Call(name=str(name)) | syntax.Literal(value=str(name)):
            pass
        case _:
            return None
    knows = next((argument for argument in card.model_fields if name in words(card, argument)), None)
    if knows is not None:
        return f"{knows}={name}"
    layer = lookup(name.upper()) if card.act else None
    if layer is None or layer.name.islower():
        return None
    return f"act={name.upper()}{value.span.text[len(name) :] if isinstance(value, syntax.Call) else ''}"


def misplaced(card: type[Op], name: str, arg: syntax.Arg) -> None:
    """Refuses a word or a layer by position that belongs to another argument than the one that stands there."""
    named = by_name(card, arg.value) if arg.name is None else None
    if named is not None:
        message = f"{card.name}'s {name} cannot be {arg.span.text}"
        fail("A204", message, arg.span, help=f"write {named}", fix=Fix(arg.span, named))


def text(card: type[Op], name: str, value: str, arg: syntax.Arg) -> NoReturn:
    """Refuses `pad="same"`: the words of arguments stand without quotes."""
    literal = isinstance(arg.value, syntax.Literal)
    named = by_name(card, arg.value) if literal else None
    help = f"leave the quotes out: {named or f'{name}={value}'}"
    fix = Fix(arg.span, named) if named else None
    fail("A204", f"{card.name}'s {name} cannot be a text", arg.value.span, help=help, fix=fix)


def swapped(
    card: type[Op], given: tuple[syntax.Arg, ...], first: syntax.Expr, second: syntax.Literal, rank: int
) -> NoReturn:
    """Refuses `CONV(3x3, 64)`, `CONV(3, 64)`, and `CONV(3, 64, 3)`, which is PyTorch's order."""
    if isinstance(first, syntax.Dims):
        span, turned = first.span.to(second.span), f"{second.span.text}, {first.span.text}"
        message = f"{card.name}'s channels come before its kernel"
        fail("A212", message, span, help=f"write {card.name}({turned})", fix=Fix(span, turned))
    n, m = int(second.value), first.value if isinstance(first, syntax.Literal) else None
    message = f"{card.name}'s second number is its kernel, and {n} alone is nearly always a slip"
    third = given[2].value if len(given) > 2 and given[2].name is None else None
    if n > LARGEST_KERNEL and isinstance(third, syntax.Dims | syntax.Literal):
        size = third.span.text if isinstance(third, syntax.Dims) else "x".join([third.span.text] * rank)
        help = f"the channels that flow in are known: write {card.name}({n}, {size})"
        fail("A213", message, second.span, help=help)
    kernel = "x".join([str(n)] * rank)
    if isinstance(m, int) and m < n:
        turned = f"{card.name}({n}, {'x'.join([str(m)] * rank)})"
        help = f"for {n} channels write {turned}; for a kernel of {n} write {kernel} or kernel={n}"
        fail("A213", message, second.span, help=help)
    fail("A213", message, second.span, help=f"write {kernel}, or kernel={n}", fix=Fix(second.span, kernel))


def channels_of_none(card: type[Op], first: syntax.Expr, second: syntax.Expr | None, rank: int) -> NoReturn:
    """Refuses `DWCONV(64, 3x3)`: a layer that keeps the channels that flow in is given some."""
    n, also = first.span.text, ""
    kernel = "x".join("3" * rank)
    if isinstance(second, syntax.Dims):
        kernel, also = second.span.text, f" and {second.span.text} its stride"
    message = f"{card.name} keeps the channels that flow in: {n} would be its kernel{also}"
    meant = f"kernel={n}" if not also else f"kernel={n}, stride={kernel}"
    fail("A212", message, first.span, help=f"write {card.name}({kernel}); for that kernel write {meant}")
