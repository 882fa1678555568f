"""`archspec ops`: the operators, and the page of one, both read from the cards."""

from __future__ import annotations

import re
import sys
import types
import typing
from collections.abc import Iterator
from typing import TYPE_CHECKING, Annotated, Any, Literal, Union

import click

from archspec.commands.streams import columns, deliver

if TYPE_CHECKING:
    from archspec.op import Op, Shape, Torch


_READABLE = 100  # characters of a line, where that is no terminal's business


@click.command("ops")
@click.argument("name", required=False)
def command(name: str | None) -> int:
    """The operators by family, or the page of one: its arguments, weights and lowerings.

    \b
    Example:
      archspec ops CONV
    """
    from archspec import op
    from archspec.source import nearest

    if name is None:
        deliver("\n\n".join(_listing(columns(sys.stdout) or _READABLE)))
        return 0
    spelt = next((known for known in op.names() if known.lower() == name.lower()), None)
    card = op.lookup(spelt) if spelt else None
    if card is None:
        meant = nearest(name, op.names())
        hint = f" Did you mean {meant}?" if meant else " `archspec ops` lists them."
        raise click.UsageError(f"There is no operator {name}.{hint}")
    deliver("\n".join(_page(card, columns(sys.stdout) or _READABLE)))
    return 0


def _cards() -> Iterator[tuple[type[Op], tuple[str, ...]]]:
    """Every card with its other spellings, by family."""
    from archspec import op

    spellings: dict[type[Op], list[str]] = {}
    for name in op.names():
        card = op.lookup(name)
        assert card is not None
        spellings.setdefault(card, []).append(name)
    for card in sorted(spellings, key=lambda card: (card.__module__, card.name)):
        yield card, tuple(name for name in spellings[card] if name != card.name)


def _listing(width: int) -> Iterator[str]:
    """The families, an operator with its first sentence to a line."""
    from itertools import groupby

    from archspec.report.grid import aligned

    listed = [(card.__module__, f"  {' '.join((card.name, *others))}", _sentence(card)) for card, others in _cards()]
    widest = max(len(names) for _, names, _ in listed)
    for family, group in groupby(listed, key=lambda line: line[0]):
        rows = [(names.ljust(widest), sentence) for _, names, sentence in group]
        told = aligned(rows, (0, 1), width=width, give=((1, 24),), prose=True)
        yield f"{family.rpartition('.')[2]}\n{told}"


def _sentence(card: type[Op]) -> str:
    """The first sentence of what a card says of itself; in its text two spaces or a new line follow a sentence."""
    from inspect import cleandoc

    paragraph = cleandoc(card.__doc__ or "").partition("\n\n")[0]
    return " ".join(re.split(r"(?<=\.)(?:  |\n)", paragraph)[0].split())


def _page(card: type[Op], width: int) -> Iterator[str]:
    from inspect import cleandoc

    from archspec.report.grid import aligned, prose

    others = next(others for known, others in _cards() if known is card)
    branches = card.arity != (1, 1) and card.arity != (0, 0)
    arguments = f"({', '.join(card.positional)})" if card.positional else ""
    yield card.name + arguments + ("[... | ...]" if branches else "")
    if others:
        yield f"also written {', '.join(others)}"
    yield ""
    yield "\n\n".join(prose([said], width) for said in cleandoc(card.__doc__ or "").split("\n\n"))
    rows = [(name, *_argument(card, name)) for name in (*card.positional, *_named(card))]
    if card.act:
        rows.append(("act", "none", "an activation, which becomes a layer of its own"))
    if rows:
        yield ""
        cells = [(f"  {argument}", default, takes) for argument, default, takes in rows]
        yield aligned(cells, (0, 1, 2), width=width, give=((2, 24),), prose=True)
    yield from _example(card)


def _named(card: type[Op]) -> list[str]:
    return [name for name in card.model_fields if name not in card.positional]


def _argument(card: type[Op], name: str) -> tuple[str, str]:
    """An argument's default, and what it takes."""
    from archspec.op import words

    info = card.model_fields[name]
    accepted = words(card, name)
    if sample(card):
        accepted = tuple(word for word in accepted if sample(card, **{name: word}))
    several = card.variadic and name == card.positional[-1]
    return _default(card, name), _takes(info.annotation, tuple(info.metadata), accepted, several)


def _default(card: type[Op], name: str) -> str:
    """The default, or what an argument that was left empty is settled to."""
    info = card.model_fields[name]
    if info.is_required():
        return "required"
    found = sample(card)
    if info.get_default() != () or found is None:
        return _value(info.get_default())
    op, shapes = found
    settled = op.settle(*shapes)
    for other in card.model_fields:
        if other != name and getattr(settled, other) == getattr(settled, name) != ():
            return f"as {other}"
    return _value(getattr(settled, name))


def _value(value: Any) -> str:
    if isinstance(value, bool):
        return "on" if value else "off"
    if isinstance(value, tuple):
        return "x".join(map(_value, value)) or "none"
    return "none" if value is None else str(value)


def _takes(kind: Any, limits: tuple[Any, ...] = (), words: tuple[str, ...] = (), several: bool = False) -> str:
    """What an argument of this type takes, in words; `words` are those of its words that the card accepts, `several`
    that it takes one value after the other."""
    origin, inner = typing.get_origin(kind), typing.get_args(kind)
    if origin is Annotated:
        return _takes(inner[0], inner[1:], words)
    if origin in (Union, types.UnionType):
        return "; ".join(text for text in dict.fromkeys(_takes(part, (), words) for part in inner) if text)
    if origin is Literal:
        return ", ".join(_value(word) for word in inner if not isinstance(word, str) or word in words)
    if origin is tuple:
        if several:
            return f"one or more {_many(inner[0])}"
        for_all = any(type(limit).__name__ == "BeforeValidator" for limit in limits)
        return "one for all axes, or one per axis" if for_all else f"a list of {_many(inner[0])}"
    known = {bool: "on, off", int: "a whole number", float: "a number", str: "a word", type(None): "none"}
    return known.get(kind, "a value") + _bounds(limits)


def _many(kind: Any) -> str:
    """Values of a type, in words."""
    origin, inner = typing.get_origin(kind), typing.get_args(kind)
    if origin is Annotated:
        return _many(inner[0]) + _bounds(inner[1:])
    if origin in (Union, types.UnionType):
        return " or ".join(map(_many, inner))
    if origin is tuple:
        return f"{'lists' if inner[-1] is Ellipsis else 'pairs'} of {_many(inner[0])}"
    return {int: "whole numbers", str: "words"}[kind]


def _bounds(limits: tuple[Any, ...]) -> str:
    named = (("gt", "above"), ("ge", "from"), ("lt", "below"), ("le", "to"))
    parts = [limit for limits in limits for limit in (getattr(limits, "metadata", None) or (limits,))]
    said = [f"{word} {getattr(part, name)}" for part in parts for name, word in named if hasattr(part, name)]
    return " " + " ".join(said) if said else ""


# ---------------------------------------------------------------- a worked example

_SHAPES: tuple[Shape, ...] = ((64, 32, 32), (64,), (64, 32), (64, 28, 28), (64, 8, 8, 8), (4,))
_VALUES: tuple[Any, ...] = (8, 16, 2, 128, (2,), 0.5, ((1, 1),), (8, 8), (1, 2, 0))


def _example(card: type[Op]) -> Iterator[str]:
    """The card at work on the first shapes that it accepts."""
    from archspec.op import by

    found = sample(card)
    if found is None:
        return
    op, shapes = found
    given = ", ".join(
        f"{name}={_value(getattr(op, name))}" for name in card.model_fields if name in op.model_fields_set
    )
    of = f"{card.name}({given})" if given else card.name
    yield f"\nFor example {of} on {' and '.join(map(by, shapes))}:"
    parts = op.parts(*shapes)
    if parts:
        yield f"  layers   {', '.join(part.name for part in parts)}"
        return
    settled = op.settle(*shapes)
    output = settled.infer(*shapes)
    yield f"  output   {by(output)}"
    weights = settled.weights(*shapes)
    if weights:
        yield f"  weights  {', '.join(f'{weight.name} {by(weight.shape)}' for weight in weights)}"
    cost = settled.cost(output, *shapes)
    yield f"  work     {cost.macs:,} MACs, {cost.flops:,} FLOPs"
    yield f"  PyTorch  {_torch(settled.torch(*shapes), len(shapes))}"
    yield f"  ONNX     {', '.join(dict.fromkeys(node.op for node in settled.onnx(*shapes)))}"


def sample(card: type[Op], **given: Any) -> tuple[Op, tuple[Shape, ...]] | None:
    """A card of this class with plain arguments besides those given, and shapes of inputs that it accepts."""
    from itertools import product

    from pydantic import ValidationError

    from archspec.op import RuleError, words

    count = card.arity[0]
    if count == 0:
        return None
    required = [name for name, info in card.model_fields.items() if info.is_required() and name not in given]
    candidates = [words(card, name) or _VALUES for name in required]
    alike = [(shape,) * count for shape in _SHAPES]
    others = [*product(_SHAPES, repeat=count)] if count == 2 else []
    for values, shapes in product(product(*candidates), alike + others):
        try:
            op = card(**dict(zip(required, values, strict=True)), **given)
            if not op.parts(*shapes):
                op.settle(*shapes).infer(*shapes)
        except (RuleError, ValidationError):
            continue
        return op, shapes
    return None


def _torch(record: Torch, count: int) -> str:
    given = [*map(repr, record.args), *(f"{name}={value!r}" for name, value in record.kwargs.items())]
    module = f"{'' if record.source else 'nn.'}{record.module}({', '.join(given)})" if record.module else ""
    inputs = [chr(ord("a") + i) for i in range(count)]
    return record.call.format(*inputs, m=module, all=", ".join(inputs))
