"""Misspelt names further on: a flow stops at its first fault, and slips that need no shape are told along with it."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator
from functools import cache

from archspec import syntax
from archspec.expand.arguments import check_names, takes
from archspec.expand.functions import FUNCTIONS
from archspec.expand.guess import unknown_value
from archspec.expand.joins import COMBINATORS, check_name
from archspec.expand.layers import exists, unknown_layer
from archspec.expand.place import Place
from archspec.expand.randwire import MODELS
from archspec.expand.residual import SHORTCUTS
from archspec.expand.session import Session, Stop
from archspec.expand.values import Word
from archspec.op import lookup, names, words
from archspec.source import Span, SpecError


def misspelt(
    x: Session, statements: Iterable[syntax.Statement], place: Place, *, values: bool = False
) -> Iterator[SpecError]:
    """Every unknown layer, join, block and argument of a layer, here and in the blocks that are used here.

    A name that anything in the file binds is taken for known, wherever it stands.  With `values` also unknown names in
    values, which are better left where something is wrong already: it may be that they are wrong.
    """
    bound = {name for record in syntax.walk(place.definitions.file.statements) for name in _bound(record)}
    bound |= place.definitions.nets.keys()
    kinds = (syntax.Layer, syntax.Wire, syntax.Ref) if values else (syntax.Layer, syntax.Wire)
    told: set[Span | None] = {d.span for d in x.found}
    words_or_values: set[Span] = set()  # a card looks at its arguments itself: they may be words of its own
    for record in _in_use(statements, place, told):
        if isinstance(record, syntax.Layer) and lookup(record.name) is not None:
            words_or_values |= {arg.value.span for arg in record.args or ()}
        if record.span in words_or_values or record.span in told:
            continue
        try:
            if isinstance(record, kinds) and record.name not in bound:
                _check(x, record, place)
        except Stop:
            continue
        except SpecError as error:
            yield error


def _check(x: Session, record: syntax.Layer | syntax.Wire | syntax.Ref, place: Place) -> None:
    if isinstance(record, syntax.Wire):
        check_name(x, record, place)
    elif isinstance(record, syntax.Ref):
        if not _has_meaning(record.name, place):
            unknown_value(Word(record.name, record.span), place.scope, FUNCTIONS)
    elif record.name != "INPUT":
        if not exists(record.name, place):
            unknown_layer(x, record, place)
        card = lookup(record.name)
        if card is not None and place.definitions.block(record.name) is None:
            check_names(card, record.args or ())


def _in_use(
    statements: Iterable[syntax.Statement], place: Place, told: Collection[Span | None]
) -> Iterator[syntax.Syntax]:
    """The records of the statements and of the blocks of this file that they name, each block once."""
    blocks, entered = place.definitions.blocks, set[str]()
    waiting: list[syntax.Statement] = [*statements]

    def enter(record: syntax.Syntax, field: str) -> bool:
        """Not into facts of the analysis, what may be open (sizes of an input, counts), and what was told of."""
        may_be_open = isinstance(record, syntax.Input) or getattr(record, "name", "") == "INPUT" or field == "count"
        return not (may_be_open or isinstance(record, syntax.Assert) or record.span in told)

    while waiting:
        for record in syntax.walk([waiting.pop()], enter):
            yield record
            if isinstance(record, syntax.Block):
                entered.add(record.name)
            name = getattr(record, "name", None)
            if name in blocks and name not in entered:
                entered.add(name)
                waiting.append(blocks[name])


def _has_meaning(name: str, place: Place) -> bool:
    """Whether a value may be spelt so somewhere: as a function, an operator, a block, a word of an argument."""
    if "." in name or name in ("cin", "first", "last") or name in FUNCTIONS or name in names():
        return True
    return place.definitions.block(name) is not None or name in COMBINATORS or name in _words()


@cache
def _words() -> frozenset[str]:
    """The words of every card's arguments, and of the combinators'."""
    cards = [card for name in names() if (card := lookup(name))]
    return frozenset(word for card in cards for argument in takes(card) for word in words(card, argument)).union(
        SHORTCUTS, MODELS, ("none",)
    )


def _bound(record: syntax.Syntax) -> tuple[str, ...]:
    """The names that a record gives a meaning to."""
    match record:
        case syntax.Loop(names=names):
            return names
        case (
            syntax.Formal(name=str(name))
            | syntax.Port(name=str(name))
            | syntax.Let(name=str(name))
            | syntax.Param(name=str(name))
            | syntax.Input(name=str(name))
            | syntax.Shared(name=str(name))
        ):
            return (name,)
    return ()
