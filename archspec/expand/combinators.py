"""Combinators that build a pattern from flows: dense, split, highway, pick."""

from __future__ import annotations

from archspec import syntax
from archspec.expand.arguments import unknown_word
from archspec.expand.branches import branch_place, insert, join, one_flow
from archspec.expand.draft import Arguments
from archspec.expand.place import Place, Site, Stream
from archspec.expand.session import Session
from archspec.expand.values import fail


def dense(x: Session, wire: syntax.Wire, site: Site, place: Place, stream: Stream | None) -> Stream:
    """dense[F] is concat[ID | F]."""
    assert stream is not None
    new = x.flow(one_flow(wire), place, stream)
    return join(x, "concat", wire, wire.args, site, place, [stream, new])


def split(x: Session, wire: syntax.Wire, site: Site, place: Place, stream: Stream | None) -> Stream:
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
        piece = insert(x, "SLICE", given, place, start, span)
        inner = branch_place(place, branch.span, place.scope)
        out.append(x.flow(branch.flow, inner, piece))
        begin += size
    return join(x, "concat", wire, None, site, place, out)


def _split_sizes(x: Session, wire: syntax.Wire, place: Place, channels: int, parts: int) -> list[int]:
    for arg in wire.args or ():
        if arg.name != "sizes":
            unknown_word("split", arg, ("sizes",))
        sizes = x.evaluator(place).items(arg.value)
        if len(sizes) != parts or any(type(n) is not int or n < 1 for n in sizes) or sum(sizes) != channels:
            message = f"sizes are {parts} numbers that add up to the {channels} channels"
            fail("A226", message, arg.value.span, help=f"write sizes={_example(channels, parts)}")
        return list(sizes)
    if parts < 2 or channels % parts:
        message = f"{channels} channels do not divide into {parts} pieces"
        fail("A226", message, wire.name_span, help=f"write split(sizes={_example(channels, parts)})[...]")
    return [channels // parts] * parts


def _example(channels: int, parts: int) -> list[int]:
    """Sizes that would do."""
    even = max(1, channels // parts)
    return [even] * (parts - 1) + [channels - even * (parts - 1)]


def highway(x: Session, wire: syntax.Wire, site: Site, place: Place, stream: Stream | None) -> Stream:
    """highway[F | G] is F(x)*sigmoid(G(x)) + x*(1 - sigmoid(G(x))); gate_bias is the first value of G's last bias."""
    assert stream is not None
    if len(wire.branches) != 2:
        fail("A225", "highway takes F | gate", wire.span, help="write highway[F | CONV(cin, 3x3)]")
    bias = None
    for arg in wire.args or ():
        if arg.name != "gate_bias":
            unknown_word("highway", arg, ("gate_bias",))
        bias = float(x.evaluator(place).number(arg.value))
    start = x.one(stream, wire.span)
    value = x.flow(wire.branches[0].flow, branch_place(place, wire.branches[0].span, place.scope), stream)
    before = len(x.draft.nodes)
    gate = x.flow(wire.branches[1].flow, branch_place(place, wire.branches[1].span, place.scope), stream)
    if bias is not None:
        _set_bias(x, before, bias, wire)
    return join(x, "highway", wire, None, site, place, [value, gate, start])


def _set_bias(x: Session, before: int, bias: float, wire: syntax.Wire) -> None:
    for index in range(len(x.draft.nodes) - 1, before - 1, -1):
        op = x.draft.nodes[index].op
        if "bias_init" in type(op).model_fields and getattr(op, "bias", False):
            x.draft.change(index, "bias_init", bias)
            return
    fail(
        "A225", "the gate has no bias to set", wire.branches[1].span, help="let the gate end in FC or CONV with a bias"
    )


def pick(x: Session, wire: syntax.Wire, site: Site, place: Place, stream: Stream | None) -> Stream:
    """pick[A if c | B]: the first branch that is there; the others are not built."""
    for branch in wire.branches:
        if branch.loops:
            fail("A225", "pick chooses one branch, `for` does not belong here", branch.span)
        if branch.guard is None or x.evaluator(place).switch(branch.guard):
            return x.flow(branch.flow, place, stream)
    return fail("A319", "no branch of pick is there", wire.span, help="give a last branch without `if`")
