"""Misspelt names further on: a flow stops at its first fault, and slips that need no shape are told along with it."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from archspec import syntax
from archspec.expand.arguments import check_names
from archspec.expand.joins import check_name
from archspec.expand.layers import exists, unknown_layer
from archspec.expand.place import Place
from archspec.expand.session import Session, Stop
from archspec.op import lookup
from archspec.record import Record
from archspec.source import SpecError


def misspelt(x: Session, statements: Iterable[syntax.Statement], place: Place) -> Iterator[SpecError]:
    """Every unknown layer, join, block and argument of a layer in these statements and in the blocks that they use.

    A name that anything in the file binds is taken for known, wherever it stands.
    """
    bound = {name for record in _records(place.definitions.file.statements) for name in _bound(record)}
    for record in _in_use(statements, place):
        try:
            if isinstance(record, syntax.Wire) and record.name not in bound:
                check_name(x, record, place)
            elif isinstance(record, syntax.Layer) and record.name not in bound:
                if not exists(record.name, place) and record.name != "INPUT":
                    unknown_layer(x, record, place)
                card = lookup(record.name)
                if card is not None and place.definitions.block(record.name) is None:
                    check_names(card, record.args or ())
        except Stop:
            continue
        except SpecError as error:
            yield error


def _in_use(statements: Iterable[syntax.Statement], place: Place) -> Iterator[Record]:
    """The records of the statements and of the blocks of this file that they name, each block once."""
    blocks, entered = place.definitions.blocks, set[str]()
    waiting: list[syntax.Statement] = [*statements]
    while waiting:
        for record in _records([waiting.pop()]):
            yield record
            name = getattr(record, "name", None)
            if name in blocks and name not in entered:
                entered.add(name)
                waiting.append(blocks[name])


def _records(roots: Iterable[Record]) -> Iterator[Record]:
    """Everything that was written, in order; a stack of its own, since sums nest deeper than Python calls may."""
    waiting: list[Record] = [*roots][::-1]
    while waiting:
        record = waiting.pop()
        yield record
        for name in reversed(type(record).__match_args__):
            value = getattr(record, name)
            if isinstance(value, Record):
                waiting.append(value)
            elif isinstance(value, tuple):
                waiting += [entry for entry in reversed(value) if isinstance(entry, Record)]


def _bound(record: Record) -> tuple[str, ...]:
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
