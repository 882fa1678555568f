"""The branches of a join, the join's node, and the nodes that combinators insert."""

from __future__ import annotations

from dataclasses import replace

from archspec import syntax
from archspec.expand import layers, taps
from archspec.expand.draft import Arguments
from archspec.expand.evaluate import iterate
from archspec.expand.place import Bundle, Loop, Place, Site, Stream
from archspec.expand.session import Session
from archspec.expand.values import Scope, fail
from archspec.graph import Frame
from archspec.op import by, lookup
from archspec.source import Diagnostic, Label, Span, SpecError


def join(
    x: Session,
    name: str,
    wire: syntax.Wire,
    args: tuple[syntax.Arg, ...] | None,
    site: Site,
    place: Place,
    streams: list[Stream],
) -> int:
    """A join's node on its streams."""
    x.count_step(wire.span, place, 4)
    card = lookup(name)
    assert card is not None
    layer = syntax.Layer(wire.span, name, args, wire.name_span)
    inputs = tuple(x.one(s, wire.span) for s in streams)
    site = Site() if site.lent else site
    try:
        return layers.apply(x, card, layer, site, place, place, inputs)
    except SpecError as error:
        shapes = [by(x.draft.nodes[index].shape) for index in inputs]
        raise SpecError(tuple(_labelled(d, wire, shapes) for d in error.diagnostics)) from None


def _labelled(d: Diagnostic, wire: syntax.Wire, shapes: list[str]) -> Diagnostic:
    """A complaint about a join as a whole, with the shape of each branch under it."""
    if d.span != wire.span or d.code != "A307":
        return d
    if wire.name == "dense":  # concat[ID | F]
        shapes = shapes[1:]
    labels = [Label(branch.span, shape) for branch, shape in zip(wire.branches, shapes, strict=False)]
    help = "the flow has to keep the size: stride 1 and pad=same" if wire.name == "dense" else d.help
    alone = not any(branch.loops or branch.guard for branch in wire.branches)
    return replace(d, span=wire.name_span, labels=tuple(labels) if alone else (), help=help)


def branches(x: Session, wire: syntax.Wire, place: Place, stream: Stream | None) -> tuple[list[Stream], bool]:
    """The streams of a join's branches, and whether any came from `for`, `if` or a spreading tap."""
    streams: list[Stream] = []
    stamped = False
    for branch in wire.branches:
        rows = iterate(branch.loops, x.evaluator(place)) if branch.loops else [{}]
        stamped = stamped or bool(branch.loops) or branch.guard is not None
        run = object()
        for i, values in enumerate(rows):
            x.count_step(branch.span, place)
            inner = branch_place(place, branch.span, place.scope)
            if branch.loops:
                values = {**values, "first": i == 0, "last": i == len(rows) - 1}
                loops = (*place.loops, Loop(run, i, len(rows)))
                inner = inner.but(scope=Scope(place.scope, values), loops=loops)
            if branch.guard is None or x.evaluator(inner).switch(branch.guard):
                found = _spread(x, branch.flow, inner)
                stamped = stamped or found is not None
                streams += [x.flow(branch.flow, inner, stream)] if found is None else found
                x.count_step(branch.span, place, len(found or ()))  # a tap with [*] may stand for very many
    return streams, stamped


def branch_place(place: Place, span: Span, scope: Scope) -> Place:
    """The next branch of a scope: b1, b2, ... in text order, whether or not it holds a node."""
    name = place.counter.next("b")
    return place.inside(Frame("branch", name, place.below(name), span), scope=scope)


def _spread(x: Session, flow: syntax.Flow, place: Place) -> list[Stream] | None:
    """A branch that is one tap with a list or `*` as index stands for several branches."""
    step = flow.steps[0]
    if len(flow.steps) > 1 or not isinstance(step.core, syntax.Tap) or step.repeats or step.option or step.mark:
        return None
    found = taps.streams(x, step.core, place)
    x.draft.read.update(s for s in found if not isinstance(s, Bundle))
    return found if len(found) != 1 or any(isinstance(a, syntax.Index) for a in step.core.access) else None


# ---------------------------------------------------------------- the other combinators


def one_flow(wire: syntax.Wire) -> syntax.Flow:
    """The single flow that a combinator such as dense[F] takes."""
    if len(wire.branches) != 1 or wire.branches[0].loops or wire.branches[0].guard is not None:
        fail("A225", f"{wire.name} takes one flow", wire.span, help=f"write {wire.name}[F]")
    return wire.branches[0].flow


def insert(x: Session, name: str, given: Arguments, place: Place, read: int, span: Span) -> int:
    """A node that a combinator inserts: exactly these arguments, whatever the file's defaults say."""
    card = lookup(name)
    assert card is not None
    op = x.draft.card(card, given, span, place)
    settled = x.draft.settle(op, (read,), given, span, place)
    return x.draft.add(settled[0], (read,), place.below(place.counter.next(name)), place, span)
