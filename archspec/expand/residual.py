"""Residual patterns: res[F], its shortcuts, and the nodes that combinators insert."""

from __future__ import annotations

from math import ceil
from typing import NoReturn

from archspec import syntax
from archspec.expand.arguments import unknown_word, word_of
from archspec.expand.branches import branches, insert, join
from archspec.expand.draft import Arguments, way_in
from archspec.expand.place import Place, Site, Stream
from archspec.expand.session import Session
from archspec.expand.values import fail
from archspec.graph import Frame
from archspec.op import Shape, by
from archspec.source import Diagnostic, Fix, Label, SpecError

SHORTCUTS = ("none", "proj", "proj_all", "if_same", "pad")


def res(x: Session, wire: syntax.Wire, site: Site, place: Place, stream: Stream | None) -> Stream:
    """res[F] is x + F(x); `shortcut=` says what stands in for x where shapes differ; res[F | G] is F(x) + G(x)."""
    shortcut = "none"
    for arg in wire.args or ():
        if arg.name != "shortcut":
            unknown_word("res", arg, ("shortcut",), SHORTCUTS)
        shortcut = word_of(x, arg, place, SHORTCUTS, "res")
    if len(wire.branches) == 2:
        if shortcut != "none":
            message = "a second branch is the shortcut, so shortcut= has nothing to say"
            fail("A225", message, wire.args[0].span if wire.args else wire.span, help="leave out one of the two")
        streams, _ = branches(x, wire, place, stream)
        return join(x, "add", wire, None, site, place, streams)
    if len(wire.branches) != 1 or wire.branches[0].loops or wire.branches[0].guard is not None:
        fail("A225", "res takes F, or F | shortcut", wire.span, help="sum more branches with add[a | b | c]")
    assert stream is not None
    start = x.one(stream, wire.span)
    before = len(x.draft.nodes)
    end = x.one(x.flow(wire.branches[0].flow, place, stream), wire.span)
    given, wanted = x.draft.nodes[start].shape, x.draft.nodes[end].shape
    skip = start
    if shortcut == "proj_all" or (shortcut == "proj" and given != wanted):
        skip = _project(x, wire, place, start, end, before)
    elif shortcut == "pad" and given != wanted:
        skip = _pad(x, wire, place, start, end, before)
    elif given != wanted:
        if shortcut == "if_same":
            return end
        _unequal(x, wire, place, start, end)
    # F first, so that drawings and code read x = F(x) + shortcut.
    return join(x, "add", wire, None, site, place, [end, skip])


def _unequal(x: Session, wire: syntax.Wire, place: Place, start: int, end: int) -> NoReturn:
    """Refuses a sum of F with what it read, which has another shape."""
    bare = f"{wire.name}(shortcut=proj)"
    wanted, given = x.draft.nodes[end].shape, x.draft.nodes[start].shape
    message = f"{wire.name} needs equal shapes: {by(wanted)} and {by(given)}"
    help = f"write {bare}[...] to add a projection, or give one as the second branch"
    fix = Fix(wire.name_span, bare) if wire.args is None else None
    raise _refused(x, wire, place, start, wanted, message, help, fix)


def _misfit(x: Session, wire: syntax.Wire, place: Place, start: int, end: int, skip: int) -> NoReturn:
    """Refuses a shortcut that could not be brought to the shape of F: F does more to the map than strides."""
    wanted, given = x.draft.nodes[end].shape, x.draft.nodes[skip].shape
    message = f"the shortcut of {wire.name} can be {by(given)}, and its flow gives {by(wanted)}"
    help = "a shortcut follows strides, not lost edges: pad with same, or write the shortcut as the second branch"
    raise _refused(x, wire, place, start, wanted, message, help, None)


def _refused(
    x: Session, wire: syntax.Wire, place: Place, start: int, wanted: Shape, message: str, help: str, fix: Fix | None
) -> SpecError:
    trace = (*(f"in: {step}" for step in way_in(place)), f"trace: {x.draft.shapes_to(start)}")
    label = Label(wire.branches[0].span, by(wanted))
    return SpecError((Diagnostic("A307", message, wire.name_span, labels=(label,), help=help, fix=fix, trace=trace),))


def stride_along(x: Session, start: int, end: int, before: int) -> tuple[int, ...]:
    """The product of the strides from `start` to `end` along F, per spatial axis."""
    rank = len(x.draft.nodes[start].shape) - 1
    strides = [1] * rank
    at = end
    while at >= before:
        node = x.draft.nodes[at]
        shapes = tuple(x.draft.nodes[i].shape for i in node.inputs)
        windows = node.op.windows(*shapes)
        if windows is not None and len(windows) == rank:
            strides = [s * w.stride for s, w in zip(strides, windows, strict=True)]
        at = next((i for i in node.inputs if i >= before), node.inputs[0])
    if at == start:
        return tuple(strides)
    sizes = zip(x.draft.nodes[start].shape[1:], x.draft.nodes[end].shape[1:], strict=True)
    return tuple(ceil(a / b) for a, b in sizes)


def _shortcut(place: Place, wire: syntax.Wire) -> Place:
    """Where the nodes of a shortcut stand: a branch of that name, numbered from the second one in a scope on."""
    number = place.counter.taken["shortcut"] = place.counter.taken.get("shortcut", 0) + 1
    name = "shortcut" if number == 1 else f"shortcut{number}"
    return place.inside(Frame("branch", name, place.below(name), wire.span))


def _project(x: Session, wire: syntax.Wire, place: Place, start: int, end: int, before: int) -> int:
    """A 1x1 convolution with F's stride; without bias and with a BN when F has one.  No default reaches it."""
    inner = _shortcut(place, wire)
    normalised = any(node.op.name == "BN" for node in x.draft.nodes[before:])
    shape = x.draft.nodes[end].shape
    span = wire.name_span
    if len(shape) > 1 and len(x.draft.nodes[start].shape) == len(shape):
        strides = stride_along(x, start, end, before)
        given: Arguments = {
            "channels": (shape[0], span),
            "kernel": (1, span),
            "stride": (strides, span),
            "bias": (not normalised, span),
        }
        stream = insert(x, "CONV", given, inner, start, span)
    else:
        given = {"width": (shape[0], span), "bias": (not normalised, span)}
        stream = insert(x, "FC", given, inner, start, span)
    if normalised:
        stream = insert(x, "BN", {}, inner, stream, span)
    if x.draft.nodes[stream].shape != shape:
        _misfit(x, wire, place, start, end, stream)
    return stream


def _pad(x: Session, wire: syntax.Wire, place: Place, start: int, end: int, before: int) -> int:
    """ResNet's option A: every stride-th position, and zero channels behind."""
    inner = _shortcut(place, wire)
    shape, span = x.draft.nodes[end].shape, wire.name_span
    strides = stride_along(x, start, end, before)
    stream = insert(x, "ZEROPAD", {"channels": (shape[0], span), "stride": (strides, span)}, inner, start, span)
    if x.draft.nodes[stream].shape != shape:
        _misfit(x, wire, place, start, end, stream)
    return stream
