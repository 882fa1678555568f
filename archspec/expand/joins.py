"""NAME(args)[branch | branch]: which combinator, join or block with ports a wire is."""

from __future__ import annotations

from collections.abc import Callable
from typing import NamedTuple, NoReturn

from archspec import syntax
from archspec.expand import layers, stamps
from archspec.expand.branches import branches, join
from archspec.expand.combinators import dense, highway, pick, split
from archspec.expand.place import Place, Site, Stream
from archspec.expand.randwire import randwire
from archspec.expand.residual import res
from archspec.expand.session import Session
from archspec.expand.values import Callee, Word, fail
from archspec.op import lookup, names
from archspec.source import Fix, Span, is_slip, nearest


class Combinator(NamedTuple):
    """What builds a pattern from flows.  It reads the stream beside them, but with `alone` branches (or more) it reads
    only what they do, so that they may begin by themselves."""

    build: Callable[[Session, syntax.Wire, Site, Place, Stream | None], Stream]
    alone: int | None = None


COMBINATORS = {
    "res": Combinator(res, alone=2),
    "dense": Combinator(dense),
    "split": Combinator(split),
    "highway": Combinator(highway),
    "pick": Combinator(pick, alone=1),
    "randwire": Combinator(randwire),
}


def wire(x: Session, wire: syntax.Wire, site: Site, place: Place, stream: Stream | None) -> Stream:
    """NAME(args)[branches]: a formal, a block with ports, a combinator or a join."""
    named = place
    _, value = place.scope.find(wire.name)
    if isinstance(value, Callee):
        layer, named = layers.handed_over(x, value, wire.args, place)
        wire = wire.but(name=layer.name, args=layer.args)
    elif isinstance(value, Word):
        wire = wire.but(name=value.name)  # a join or combinator: Fuse(add)
    found = named.definitions.block(wire.name)
    if found is not None:
        streams, _ = branches(x, wire, place, stream)
        return stamps.block(x, found, wire, site, named, place, streams)
    combinator = COMBINATORS.get(wire.name)
    if combinator is not None:
        alone = combinator.alone is not None and len(wire.branches) >= combinator.alone
        if stream is None and not (alone and all(x.starts_itself(b.flow, place) for b in wire.branches)):
            fail("A304", f"{wire.name} has nothing to read", wire.name_span, help="start the flow from INPUT or a tap")
        return combinator.build(x, wire, site, place, stream)
    check_name(x, wire, named)
    streams, stamped = branches(x, wire, place, stream)
    if len(streams) < 2:
        return _lone(wire, streams, stamped)
    return join(x, wire.name, wire, wire.args, site, place, streams)


def check_name(x: Session, wire: syntax.Wire, place: Place) -> None:
    """Refuses what is no join, combinator or block."""
    card = lookup(wire.name)
    if x.combines(wire.name) or (card is not None and wire.name.islower()) or place.definitions.block(wire.name):
        return
    if card is not None:
        _layer_before_bracket(wire)
    from archspec.expand.guess import elsewhere  # its many words are for those who need them

    known = {n for n in names() if n.islower()} | COMBINATORS.keys() | place.definitions.block_names()
    meant = elsewhere(wire.name)
    near = meant if meant in known else nearest(wire.name, known)
    help = f"did you mean {near}?" if near else "joins are add, concat, mul, max, mean ...; `archspec ops` lists them"
    fix = Fix(wire.name_span, near) if near and (near == meant or is_slip(wire.name, near)) else None
    fail("A101", f"no join or block is named {wire.name}", wire.name_span, caption="unknown", help=help, fix=fix)


def _layer_before_bracket(wire: syntax.Wire) -> NoReturn:
    """`CONV(64) [RELU]` lost an arrow; `CONV[a | b]` wants a join."""
    message = f"{wire.name} is a layer, it takes no branches"
    if len(wire.branches) > 1:
        help = "join the branches: add[...] sums them, concat[...] stacks their channels"
        fail("A301", message, wire.name_span, help=help)
    source, start = wire.span.source, wire.span.text.index("[") if wire.args is None else None
    at = wire.span.start + start if start is not None else wire.branches[0].span.start
    at = source.text.rindex("[", wire.span.start, at + 1)
    help = f"did it lose its '->'? write {source.text[wire.span.start : at].rstrip()} -> [...]"
    fail("A301", message, wire.name_span, help=help, fix=Fix(Span(source, at, at), "-> "))


def _lone(wire: syntax.Wire, streams: list[Stream], stamped: bool) -> Stream:
    if streams and stamped:
        return streams[0]
    if not streams:
        help = "every `if` is off, or the list is empty: give it a branch without them"
        fail("A319", f"no branch of {wire.name} is there", wire.span, help=help)
    hint = "write res[F] for x + F(x)" if wire.name == "add" else "give it another branch, or leave the join out"
    fix = Fix(wire.name_span, "res") if wire.name == "add" else None
    return fail("A315", f"{wire.name} has one branch, so there is nothing to join", wire.name_span, help=hint, fix=fix)
