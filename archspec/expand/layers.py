"""Steps by name: formals, inputs, shared flows, blocks and operators."""

from __future__ import annotations

from typing import NoReturn

from archspec import syntax
from archspec.expand import inputs, lints, stamps
from archspec.expand.arguments import card_arguments
from archspec.expand.place import Place, Site, Stream
from archspec.expand.session import Session, is_layer
from archspec.expand.values import Callee, Scope, Value, Word, fail, kind
from archspec.graph import Frame
from archspec.op import Op, lookup
from archspec.source import Fix, Label


def step_of(x: Session, callee: Callee, place: Place, stream: Stream) -> Stream:
    """An operator or block handed over as an argument, as a step here."""
    result = run_layer(x, callee.layer, Site(), callee.place, place, stream)
    assert result is not None
    return result


def known(name: str, place: Place) -> bool:
    """Whether a layer or block has this name; a switch of that name (`param POOL?`) does not hide it."""
    return place.definitions.block(name) is not None or is_layer(name)


def run_layer(
    x: Session, layer: syntax.Layer, site: Site, named: Place, place: Place, stream: Stream | None
) -> Stream | None:
    """A step by name: formal, INPUT or an input, shared flow, block, operator.

    `named` is where the name and its arguments are looked up, `place` where the step stands.
    """
    found, value = named.scope.find(layer.name)
    if found and (isinstance(value, Callee) or not known(layer.name, named)):
        return _formal(x, layer, value, site, named, place, stream)
    if layer.name == "INPUT" or layer.name in named.body.streams:
        return inputs.begin(x, layer, named)
    if layer.name in named.body.shared:
        return stamps.shared(x, layer, named.body.shared[layer.name], place, stream)
    block = named.definitions.block(layer.name)
    if block is not None:
        streams = [] if stream is None else [stream]
        return stamps.block(x, block, layer, site, named, place, streams)
    card = _card_of(x, layer, named)
    if stream is None:
        fail("A304", f"{layer.name} has nothing to read", layer.span)
    return apply(x, card, layer, site, named, place, (x.one(stream, layer.span),))


def _formal(
    x: Session, layer: syntax.Layer, value: Value, site: Site, named: Place, place: Place, stream: Stream | None
) -> Stream | None:
    """An operator or block that came as an argument; the step may add arguments of its own."""
    if isinstance(value, Word):
        unknown_layer(x, syntax.Layer(value.span, value.name, None, value.span), named)
    if not isinstance(value, Callee):
        message = f"{layer.name} is {kind(value)}, and a step is a layer or block"
        origin, help = named.scope.origin(layer.name), "hand over a layer or block, such as RELU or Bottleneck"
        labels = (Label(origin, "handed over here"),) if origin else ()
        fail("A115", message, layer.name_span, help=help, labels=labels)
    inner, home = handed_over(x, value, layer.args, named)
    return run_layer(x, inner, site, home, place, stream)


def handed_over(
    x: Session, value: Callee, args: tuple[syntax.Arg, ...] | None, named: Place
) -> tuple[syntax.Layer, Place]:
    """An operator or block that came as an argument, with the arguments that its step adds, and where to look it up."""
    inner, home = value.layer, value.place
    if args is not None:
        handed, values = _handed(x, args, named)
        key = id(inner.args), id(args)
        _, _, merged = x.merged.setdefault(key, (inner.args, args, (*(inner.args or ()), *handed)))
        inner = inner.but(args=merged)
        home = home.but(scope=Scope(home.scope, values))
    return inner, home


def _handed(x: Session, args: tuple[syntax.Arg, ...], named: Place) -> tuple[tuple[syntax.Arg, ...], dict[str, Value]]:
    """A step's own arguments, evaluated where the step is written, as references to their values: what came with the
    operator is looked up where that was written."""
    evaluate = x.evaluator(named)
    values: dict[str, Value] = {}
    handed = []
    for number, arg in enumerate(args):
        if not isinstance(arg.value, syntax.Literal | syntax.Dims):
            name = f"argument {number}"  # no name of the language is spelt so
            values[name] = evaluate(arg.value)
            arg = arg.but(value=syntax.Ref(arg.value.span, name))
        handed.append(arg)
    return tuple(handed), values


def _card_of(x: Session, layer: syntax.Layer, place: Place) -> type[Op]:
    card = lookup(layer.name) or (lookup(layer.name.upper()) if layer.name.islower() else None)
    if card is not None and not card.name.islower():
        return card
    if card is not None:
        inside = " | ".join(arg.span.text for arg in layer.args or ()) or "a | b"
        fail("A301", f"{layer.name} joins branches", layer.name_span, help=f"write {layer.name}[{inside}]")
    unknown_layer(x, layer, place)


def exists(name: str, place: Place) -> bool:
    """Whether a step may be called so here, in any spelling."""
    found, _ = place.scope.find(name)
    spelt = lookup(name) is not None or (name.islower() and lookup(name.upper()) is not None)
    return found or spelt or name in place.body.shared or known(name, place)


def unknown_layer(x: Session, layer: syntax.Layer, place: Place) -> NoReturn:
    """Says that nobody knows a step's name, and what it may have been meant to be."""
    if layer.name in x.missing:
        x.stop_if_broken()

    if x.combines(layer.name):
        fail("A301", f"{layer.name} takes a flow", layer.name_span, help=f"write {layer.name}[CONV(64) -> RELU]")
    if layer.name in place.definitions.nets:
        help = f"make a block of what both need: block {layer.name}Body = ..."
        fail("A101", f"{layer.name} is a net, and a net cannot be a step", layer.name_span, help=help)
    from archspec.expand.guess import layer_hint  # its many words are for those who need them

    help, meant = layer_hint(layer.name, place)
    message = f"no layer or block is named {layer.name}"
    fix = Fix(layer.name_span, meant) if meant else None
    fail("A101", message, layer.name_span, caption="unknown", help=help, fix=fix)


def apply(
    x: Session,
    card: type[Op],
    layer: syntax.Layer,
    site: Site,
    named: Place,
    place: Place,
    inputs: tuple[int, ...],
) -> int:
    """An operator on its inputs: one node, its parts, and its activation."""
    rank = len(x.draft.nodes[inputs[0]].shape) - 1 if inputs else 0
    arguments, act = card_arguments(x, card, layer, named, place, rank)
    if card.name == "ID":
        return inputs[0]
    op = x.draft.card(card, arguments, layer.span, place)
    settled = x.draft.settle(op, inputs, arguments, layer.span, place)
    if "kernel" in arguments and x.is_new(settled, layer.span):
        lints.kernel(x, settled[0].op, x.draft.nodes[inputs[0]].shape, arguments)
        lints.even(x, settled[0].op, arguments)
    if act is not None and site.lent:
        site = Site()  # the iteration holds two nodes, so neither can have its path
    path = place.named(site, card.name)
    if len(settled) == 1:
        stream = x.draft.add(settled[0], inputs, path, place, layer.span)
    else:
        frame = Frame("block", path[len(place.path) :].lstrip("."), path, layer.span, card.name)
        inner = place.inside(frame)
        for part in settled:
            stream = x.draft.add(part, inputs, inner.below(inner.counter.next(part.op.name)), inner, layer.span)
            inputs = (stream,)
    if act is not None:
        stream = x.one(step_of(x, act, place, stream), layer.span)
    return stream
