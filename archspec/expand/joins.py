"""Wiring: joins of branches, and the combinators that build residual, dense, split and gated patterns from a flow."""

from __future__ import annotations

from collections.abc import Callable
from math import ceil
from typing import TYPE_CHECKING

from archspec import syntax
from archspec.expand import stamps, taps
from archspec.expand.arguments import word_of
from archspec.expand.draft import Arguments, way_in
from archspec.expand.place import Bundle, Place, Site, Stream
from archspec.expand.randwire import randwire
from archspec.expand.values import Scope, fail, iterate
from archspec.graph import Frame
from archspec.op import Shape, by, lookup, names
from archspec.source import Diagnostic, Fix, Label, Span, SpecError, nearest

if TYPE_CHECKING:
    from archspec.expand.flow import Expander

SHORTCUTS = ("none", "proj", "proj_all", "if_same", "pad")


def wire(x: Expander, wire: syntax.Wire, site: Site, place: Place, stream: Stream | None) -> Stream:
    """NAME(args)[branches]: a combinator, a join, or a block with ports."""
    combine = COMBINATORS.get(wire.name)
    if combine is not None:
        if stream is None and not all(x.starts_itself(b.flow, place) for b in wire.branches):
            fail("A304", f"{wire.name} has nothing to read", wire.name_span, help="start the flow from INPUT or a tap")
        return combine(x, wire, site, place, stream)
    found = place.definitions.block(wire.name)
    if found is not None:
        streams, _ = branches(x, wire, place, stream)
        return stamps.block(x, found, wire, site, place, place, streams)
    card = lookup(wire.name)
    if card is None or not wire.name.islower():
        _no_join(wire, card is not None, place)
    streams, stamped = branches(x, wire, place, stream)
    if len(streams) < 2:
        return _lone(wire, streams, stamped)
    return join(x, wire.name, wire, wire.args, site, place, streams)


def _no_join(wire: syntax.Wire, is_layer: bool, place: Place) -> None:
    if is_layer:
        fail("A301", f"{wire.name} is a layer, it takes no branches", wire.name_span, help="put a join around it")
    known = {n for n in names() if n.islower()} | COMBINATORS.keys() | place.definitions.block_names()
    near = nearest(wire.name, known)
    help = f"did you mean {near}?" if near else "joins are add, concat, mul, max, mean ...; `archspec ops` lists them"
    fix = Fix(wire.name_span, near) if near else None
    fail("A101", f"no join or block is named {wire.name}", wire.name_span, caption="unknown", help=help, fix=fix)


def _lone(wire: syntax.Wire, streams: list[Stream], stamped: bool) -> Stream:
    if streams and stamped:
        return streams[0]
    if not streams:
        fail("A315", f"no branch of {wire.name} is there", wire.span, help="every `if` is off, or the list is empty")
    hint = "write res[F] for x + F(x)" if wire.name == "add" else "give it another branch, or leave the join out"
    fix = Fix(wire.name_span, "res") if wire.name == "add" else None
    return fail("A315", f"{wire.name} has one branch, so there is nothing to join", wire.name_span, help=hint, fix=fix)


def join(
    x: Expander,
    name: str,
    wire: syntax.Wire,
    args: tuple[syntax.Arg, ...] | None,
    site: Site,
    place: Place,
    streams: list[Stream],
) -> int:
    """A join's node on its streams."""
    card = lookup(name)
    assert card is not None
    layer = syntax.Layer(wire.span, name, args, wire.name_span)
    inputs = tuple(x.one(s, wire.span) for s in streams)
    site = Site() if site.lent else site
    return x.apply(card, layer, site, place, place, inputs)


# ---------------------------------------------------------------- branches


def branches(x: Expander, wire: syntax.Wire, place: Place, stream: Stream | None) -> tuple[list[Stream], bool]:
    """The streams of a join's branches, and whether any came from `for`, `if` or a spreading tap."""
    streams: list[Stream] = []
    stamped = False
    for branch in wire.branches:
        rows = iterate(branch.loops, x.evaluator(place)) if branch.loops else [{}]
        stamped = stamped or bool(branch.loops) or branch.guard is not None
        for values in rows:
            x.count_step(branch.span, place)
            inner = branch_place(place, branch.span, Scope(place.scope, values) if values else place.scope)
            if branch.guard is None or x.evaluator(inner).switch(branch.guard):
                found = _spread(x, branch.flow, inner)
                stamped = stamped or found is not None
                streams += [x.flow(branch.flow, inner, stream)] if found is None else found
    return streams, stamped


def branch_place(place: Place, span: Span, scope: Scope) -> Place:
    """The next branch of a scope: b1, b2, ... in text order, whether or not it holds a node."""
    name = place.counter.next("b")
    return place.inside(Frame("branch", name, place.below(name), span), scope=scope)


def _spread(x: Expander, flow: syntax.Flow, place: Place) -> list[Stream] | None:
    """A branch that is one tap with a list or `*` as index stands for several branches."""
    step = flow.steps[0]
    if len(flow.steps) > 1 or not isinstance(step.core, syntax.Tap) or step.repeats or step.option or step.mark:
        return None
    found = taps.streams(x, step.core, place)
    found = [s for f in found for s in (f if isinstance(f, list) else [f])]
    x.draft.read.update(s for s in found if not isinstance(s, Bundle))
    return found if len(found) != 1 or any(isinstance(a, syntax.Index) for a in step.core.access) else None


# ---------------------------------------------------------------- residual


def res(x: Expander, wire: syntax.Wire, site: Site, place: Place, stream: Stream | None) -> Stream:
    """res[F] is x + F(x); `shortcut=` says what stands in for x where shapes differ; res[F | G] is F(x) + G(x)."""
    shortcut = "none"
    for arg in wire.args or ():
        if arg.name != "shortcut":
            near = nearest(arg.name or "", ("shortcut",))
            fail(
                "A201",
                f"res has no argument {arg.name or arg.span.text}",
                arg.span,
                help=f"did you mean {near}?" if near else "res takes shortcut",
            )
        shortcut = word_of(x, arg, place, SHORTCUTS, "res")
    if len(wire.branches) == 2:
        if shortcut != "none":
            fail("A225", "a second branch is the shortcut, so shortcut= has nothing to say", wire.span)
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
        _unequal(x, wire, place, given, wanted)
    # F first, so that drawings and code read x = F(x) + shortcut.
    return join(x, "add", wire, None, site, place, [end, skip])


def _unequal(x: Expander, wire: syntax.Wire, place: Place, given: Shape, wanted: Shape) -> None:
    bare = f"{wire.name}(shortcut=proj)"
    raise SpecError(
        (
            Diagnostic(
                "A307",
                f"{wire.name} needs equal shapes: {by(wanted)} and {by(given)}",
                wire.name_span,
                labels=(Label(wire.branches[0].span, by(wanted)),),
                help=f"write {bare}[...] to add a projection, or give one as the second branch",
                fix=Fix(wire.name_span, bare) if wire.args is None else None,
                trace=tuple(f"in: {step}" for step in way_in(place)),
            ),
        )
    )


def stride_along(x: Expander, start: int, end: int, before: int) -> tuple[int, ...]:
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


def _number(span: Span, value: int | bool) -> syntax.Literal:
    return syntax.Literal(span, value)


def _shortcut(place: Place, wire: syntax.Wire) -> Place:
    """Where the nodes of a shortcut stand: a branch of that name, numbered from the second one in a scope on."""
    number = place.counter.taken["shortcut"] = place.counter.taken.get("shortcut", 0) + 1
    name = "shortcut" if number == 1 else f"shortcut{number}"
    return place.inside(Frame("branch", name, place.below(name), wire.span))


def _arguments(span: Span, **values: int | bool | tuple[int, ...]) -> tuple[syntax.Arg, ...]:
    made = []
    for name, value in values.items():
        expr = (
            syntax.Tuple(span, tuple(_number(span, v) for v in value))
            if isinstance(value, tuple)
            else _number(span, value)
        )
        made.append(syntax.Arg(span, name, expr, span))
    return tuple(made)


def _project(x: Expander, wire: syntax.Wire, place: Place, start: int, end: int, before: int) -> int:
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
        stream = _plain(x, "CONV", given, inner, start, span)
    else:
        given = {"width": (shape[0], span), "bias": (not normalised, span)}
        stream = _plain(x, "FC", given, inner, start, span)
    if normalised:
        stream = _plain(x, "BN", {}, inner, stream, span)
    if x.draft.nodes[stream].shape != shape:
        _unequal(x, wire, place, x.draft.nodes[stream].shape, shape)
    return stream


def _pad(x: Expander, wire: syntax.Wire, place: Place, start: int, end: int, before: int) -> int:
    """ResNet's option A: every stride-th position, and zero channels behind."""
    inner = _shortcut(place, wire)
    shape, span = x.draft.nodes[end].shape, wire.name_span
    strides = stride_along(x, start, end, before)
    stream = _plain(x, "ZEROPAD", {"channels": (shape[0], span), "stride": (strides, span)}, inner, start, span)
    if x.draft.nodes[stream].shape != shape:
        _unequal(x, wire, place, x.draft.nodes[stream].shape, shape)
    return stream


def _plain(x: Expander, name: str, given: Arguments, place: Place, read: int, span: Span) -> int:
    """A node that a combinator inserts: exactly these arguments, whatever the file's defaults say."""
    card = lookup(name)
    assert card is not None
    op = x.draft.card(card, given, span, place)
    settled = x.draft.settle(op, (read,), given, span, place)
    return x.draft.add(settled[0], (read,), place.below(place.counter.next(name)), place, span)


# ---------------------------------------------------------------- the other combinators


def one_flow(wire: syntax.Wire) -> syntax.Flow:
    """The single flow that a combinator such as dense[F] takes."""
    if len(wire.branches) != 1 or wire.branches[0].loops or wire.branches[0].guard is not None:
        fail("A225", f"{wire.name} takes one flow", wire.span, help=f"write {wire.name}[F]")
    return wire.branches[0].flow


def dense(x: Expander, wire: syntax.Wire, site: Site, place: Place, stream: Stream | None) -> Stream:
    """dense[F] is concat[ID | F]."""
    assert stream is not None
    new = x.flow(one_flow(wire), place, stream)
    return join(x, "concat", wire, wire.args, site, place, [stream, new])


def split(x: Expander, wire: syntax.Wire, site: Site, place: Place, stream: Stream | None) -> Stream:
    """split[a | b]: cuts the channels evenly (or into `sizes`), runs a branch on each piece, and stacks the results."""
    assert stream is not None
    start = x.one(stream, wire.span)
    channels, parts = x.draft.nodes[start].shape[0], len(wire.branches)
    sizes = _split_sizes(x, wire, place, channels, parts)
    out: list[Stream] = []
    begin = 0
    for size, branch in zip(sizes, wire.branches, strict=True):
        if branch.loops or branch.guard is not None:
            fail("A225", "the branches of split are fixed: for and if do not belong here", branch.span)
        span = wire.name_span
        given: Arguments = {"begin": (begin, span), "end": (begin + size, span)}
        piece = _plain(x, "SLICE", given, place, start, span)
        inner = branch_place(place, branch.span, place.scope)
        out.append(x.flow(branch.flow, inner, piece))
        begin += size
    return join(x, "concat", wire, None, site, place, out)


def _split_sizes(x: Expander, wire: syntax.Wire, place: Place, channels: int, parts: int) -> list[int]:
    for arg in wire.args or ():
        if arg.name != "sizes":
            fail("A201", f"split has no argument {arg.name or arg.span.text}", arg.span, help="split takes sizes")
        sizes = x.evaluator(place).items(arg.value)
        if len(sizes) != parts or any(type(n) is not int or n < 1 for n in sizes) or sum(sizes) != channels:
            fail("A226", f"sizes are {parts} numbers that add up to {channels} channels", arg.value.span)
        return list(sizes)
    if parts < 2 or channels % parts:
        fail("A226", f"{channels} channels do not divide into {parts} pieces", wire.name_span, help="give sizes=[a, b]")
    return [channels // parts] * parts


def highway(x: Expander, wire: syntax.Wire, site: Site, place: Place, stream: Stream | None) -> Stream:
    """highway[F | G] is F(x)*sigmoid(G(x)) + x*(1 - sigmoid(G(x))); gate_bias is the first value of G's last bias."""
    assert stream is not None
    if len(wire.branches) != 2:
        fail("A225", "highway takes F | gate", wire.span, help="write highway[F | CONV(cin, 3x3)]")
    bias = None
    for arg in wire.args or ():
        if arg.name != "gate_bias":
            fail("A201", f"highway has no argument {arg.name or arg.span.text}", arg.span, help="it takes gate_bias")
        bias = float(x.evaluator(place).number(arg.value))
    start = x.one(stream, wire.span)
    value = x.flow(wire.branches[0].flow, branch_place(place, wire.branches[0].span, place.scope), stream)
    before = len(x.draft.nodes)
    gate = x.flow(wire.branches[1].flow, branch_place(place, wire.branches[1].span, place.scope), stream)
    if bias is not None:
        _set_bias(x, before, bias, wire)
    return join(x, "highway", wire, None, site, place, [value, gate, start])


def _set_bias(x: Expander, before: int, bias: float, wire: syntax.Wire) -> None:
    for index in range(len(x.draft.nodes) - 1, before - 1, -1):
        op = x.draft.nodes[index].op
        if "bias_init" in type(op).model_fields and getattr(op, "bias", False):
            x.draft.replace(index, op.model_copy(update={"bias_init": bias}))
            return
    fail(
        "A225", "the gate has no bias to set", wire.branches[1].span, help="let the gate end in FC or CONV with a bias"
    )


def pick(x: Expander, wire: syntax.Wire, site: Site, place: Place, stream: Stream | None) -> Stream:
    """pick[A if c | B]: the first branch that is there; the others are not built."""
    for branch in wire.branches:
        if branch.loops:
            fail("A225", "pick chooses one branch, `for` does not belong here", branch.span)
        if branch.guard is None or x.evaluator(place).switch(branch.guard):
            return x.flow(branch.flow, place, stream)
    return fail("A315", "no branch of pick is there", wire.span, help="give a last branch without `if`")


Combine = Callable[["Expander", syntax.Wire, Site, Place, Stream | None], Stream]
COMBINATORS: dict[str, Combine] = {
    "res": res,
    "dense": dense,
    "split": split,
    "highway": highway,
    "pick": pick,
    "randwire": randwire,
}
