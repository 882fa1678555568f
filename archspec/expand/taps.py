"""Labels and taps: `as e`, `@e[i]`, `@x.channels`."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from itertools import islice
from typing import Any

from archspec import syntax
from archspec.expand.place import Body, Bundle, Entry, Place, Stream
from archspec.expand.session import Session
from archspec.expand.values import Value, fail, show, whole
from archspec.op import Shape
from archspec.source import Label, Span, nearest

_AXES = ("height", "width")


def check_label(mark: syntax.Mark, place: Place) -> None:
    """Refuses a label that another step has, before the step runs and its nodes take the name."""
    body = place.body
    entries = body.labels.get(mark.name, [])
    first = next((e.span for e in entries), None)
    first = first or next((e.span for e in body.indexed.get(mark.name, {}).values()), None)
    clash = bool(entries) if mark.index is not None else mark.name in body.indexed
    if clash or (mark.index is None and first is not None and first != mark.span):
        assert first is not None
        fail(
            "A109",
            f"the label {mark.name} is given in two places",
            mark.span,
            labels=(Label(first, "first here"),),
            help=f"use another name, or an index in both places: as {mark.name}[0]",
        )
    if mark.name in body.streams:
        help = f"use another name: as {mark.name}1"
        fail("A109", f"{mark.name} is already an input here", mark.span, help=help)


def place_of(x: Session, index: syntax.Index, place: Place) -> tuple[int, ...]:
    """The numbers at which a label, or an input, is written."""
    evaluate = x.evaluator(place)
    numbers = []
    for item in index.items:
        if isinstance(item, syntax.Star):
            fail("A207", "a label has one place, it cannot be written at [*]", item.span)
        value = evaluate.number(item)
        if value != int(value) or value < 0:
            fail("A207", f"an index is a whole number from 0, this is {show(value)}", item.span)
        numbers.append(int(value))
    return tuple(numbers)


def write(x: Session, mark: syntax.Mark, index: tuple[int, ...], stream: Stream, place: Place) -> None:
    """Gives a stream its label."""
    body = place.body
    entry = Entry(stream, place.loops, mark.span)
    if mark.index is not None:
        x.count_step(mark.span, place)
        entries = body.indexed.setdefault(mark.name, {})
        if index in entries:
            message = f"{indexed(mark.name, index)} is written twice"
            help = "an indexed label has one place for each index; in a repeat use its variable: as x[i]"
            first = entries[index].span
            labels = (Label(first, "first here"),) if first != mark.span else ()
            fail("A111", message, mark.span, labels=labels, help=help)
        entries[index] = entry
        return
    body.labels.setdefault(mark.name, []).append(entry)


def indexed(name: str, index: tuple[int, ...]) -> str:
    """A label with its index as it is written: x[0, 2]."""
    return f"{name}[{', '.join(map(str, index))}]"


def streams(x: Session, tap: syntax.Tap, place: Place) -> list[Stream]:
    """What a tap reads: one stream, or several where an index spreads (`@z[*]`, `@x[i, 0..2]`)."""
    body, access = place.body, list(tap.access)
    index = access[0] if access and isinstance(access[0], syntax.Index) else None
    access = access[1:] if index is not None else access
    if tap.name in body.streams:
        stream = body.streams[tap.name]
        found = [*stream] if isinstance(stream, list) else [stream]
        if index is not None:
            found = [found[n] for n in _picked(x, tap, len(found), index, place)]
    elif tap.name in body.indexed:
        found = _by_index(x, tap, body.indexed[tap.name], index, place)
    elif tap.name in body.labels:
        entries = body.labels[tap.name]
        if not entries:
            found = _none(x, tap, index, place)
        elif index is not None:
            found = [entries[n].stream for n in _picked(x, tap, len(entries), index, place)]
        else:
            found = [_current(tap, entries, place)]
    else:
        _unknown(x, tap, body)
    for attr in access:
        found = [_member(tap, attr, stream) for stream in found]
    return found


def leave_out(step: syntax.Step, place: Place) -> None:
    """Knows the labels in a step that does not run, so that `@e[*]` is an empty list of them."""
    for name in labels_in((step.core,)):
        if name not in place.body.indexed:
            place.body.labels.setdefault(name, [])


def _none(x: Session, tap: syntax.Tap, index: syntax.Index | None, place: Place) -> list[Stream]:
    """The streams of a label whose repeat ran 0 times, or whose option is off."""
    x.stop_if_broken()
    if index is None or not all(numbers in (None, []) for numbers in _numbers(x, index, place)):
        help = f"@{tap.name}[*] is all there are, be it none; or give the tap's branch the same condition"
        fail(
            "A112",
            f"no step labelled {tap.name} is there: its repeat ran 0 times, or an option is off",
            tap.span,
            help=help,
        )
    return []


def _current(tap: syntax.Tap, entries: list[Entry], place: Place) -> Stream:
    """A label without index: the one of the present iteration, or the only one there is."""
    last = entries[-1]
    if len(entries) == 1 or last.loops == place.loops[: len(last.loops)]:
        return last.stream
    fail(
        "A218",
        f"@{tap.name} names {len(entries)} streams here",
        tap.span,
        labels=(Label(last.span, "written in a repeat"),),
        help=f"choose one, @{tap.name}[0] .. @{tap.name}[{len(entries) - 1}], or all as a branch: @{tap.name}[*]",
    )


def _numbers(x: Session, index: syntax.Index, place: Place) -> list[list[int] | None]:
    """Per position of an index the numbers it names; None is `*`."""
    evaluate = x.evaluator(place)
    out: list[list[int] | None] = []
    for item in index.items:
        if isinstance(item, syntax.Star):
            out.append(None)
            continue
        value = whole(evaluate.need(item))
        numbers = value if isinstance(value, list) else [value]
        if not all(isinstance(n, int) and not isinstance(n, bool) for n in numbers):
            fail("A207", f"an index is a whole number, this is {show(value)}", item.span, help="write @e[0], @e[0..2]")
        out.append(numbers)
    return out


def _picked(x: Session, tap: syntax.Tap, count: int, index: syntax.Index, place: Place) -> Sequence[int]:
    """Which of a label's `count` streams an index names."""
    if len(index.items) != 1:
        message = f"@{tap.name} takes one index, for the iterations of its repeat"
        fail("A207", message, index.span, help=f"write @{tap.name}[0]")
    numbers = _numbers(x, index, place)[0]
    picked = range(count) if numbers is None else numbers
    for n in picked:
        if not 0 <= n < count:
            x.stop_if_broken()
            there = f"are {count}: @{tap.name}[0] .. @{tap.name}[{count - 1}]"
            only = f"is only one stream of this name: @{tap.name}"
            message = f"there is no @{tap.name}[{n}], there {there if count > 1 else only}"
            fail("A207", message, index.span, help="they count from 0")
    return picked


def _by_index(
    x: Session, tap: syntax.Tap, entries: dict[tuple[int, ...], Entry], index: syntax.Index | None, place: Place
) -> list[Stream]:
    if index is None:
        fail("A207", f"@{tap.name} needs an index", tap.span, notes=_written(tap, entries))
    wanted = _numbers(x, index, place)
    width = len(next(iter(entries)))
    if len(wanted) != width:
        fail("A207", f"@{tap.name} takes {width} indices, this has {len(wanted)}", index.span)
    if None in wanted:
        x.budget.spend(len(entries), tap.span, place.path)
        return [entries[key].stream for key in _matching(entries, wanted)]
    keys: list[tuple[int, ...]] = [()]
    for numbers in wanted:
        x.budget.spend(len(keys) * len(numbers or ()), tap.span, place.path)
        keys = [(*key, n) for key in keys for n in numbers or ()]
    for key in keys:
        if key not in entries:
            x.stop_if_broken()
            fail("A207", f"there is no @{indexed(tap.name, key)} yet", index.span, notes=_written(tap, entries))
    return [entries[key].stream for key in keys]


def _matching(entries: Iterable[tuple[int, ...]], wanted: list[list[int] | None]) -> list[tuple[int, ...]]:
    """The keys that an index with `*` names, in the order of its lists, and of the numbers where it has a `*`."""
    places = [{n: i for i, n in reversed([*enumerate(numbers)])} if numbers is not None else None for numbers in wanted]
    ranked = []
    for key in entries:
        rank = [n if at is None else at.get(n) for n, at in zip(key, places, strict=True)]
        if None not in rank:
            ranked.append((rank, key))
    return [key for _, key in sorted(ranked)]


def _written(tap: syntax.Tap, entries: dict[tuple[int, ...], Entry]) -> tuple[str, ...]:
    shown = [indexed(tap.name, key) for key in islice(entries, 6)]
    return (f"written so far: {', '.join(shown)}{' ...' if len(entries) > 6 else ''}",)


def _unknown(x: Session, tap: syntax.Tap, body: Body) -> Any:
    if tap.name in labels_in(body.statements):
        x.stop_if_broken()
        fail("A112", f"@{tap.name} is read before it is written", tap.span, help="move the flow that writes it up")
    near = nearest(tap.name, body.labels.keys() | body.indexed.keys() | body.streams.keys())
    hint = f"did you mean @{near}?" if near else f"label a step with `as {tap.name}` first"
    fail("A113", f"no step is labelled {tap.name}", tap.span, caption="unknown", help=hint)


def _member(tap: syntax.Tap, attr: syntax.Attr | syntax.Index, stream: Stream) -> Stream:
    if isinstance(attr, syntax.Index):
        help = f"the rounds of nested repeats count on: @{tap.name}[0], @{tap.name}[1] ..."
        fail("A207", f"@{tap.name} has no further index", attr.span, help=help)
    if not isinstance(stream, Bundle):
        fail("A114", f"@{tap.name} is one stream, it has no output {attr.name}", attr.span)
    if attr.name not in stream.outputs:
        near = nearest(attr.name, stream.outputs)
        hint = f"did you mean {near}?" if near else f"its outputs are {', '.join(stream.outputs)}"
        fail("A114", f"{stream.block} has no output {attr.name}", attr.span, help=hint)
    return stream.outputs[attr.name]


def value(x: Session, tap: syntax.Tap, place: Place) -> Value:
    """A tap in an expression: @x.channels, @x.height."""
    if not tap.access or not isinstance(tap.access[-1], syntax.Attr):
        fail(
            "A219",
            f"@{tap.name} is a stream, and this needs a value",
            tap.span,
            help=f"write @{tap.name}.channels, .height, .width or .shape",
        )
    last = tap.access[-1]
    found = streams(x, syntax.Tap(tap.span, tap.name, tap.access[:-1]), place)
    if len(found) != 1:
        fail("A219", f"@{tap.name} names {len(found)} streams", tap.span)
    index = x.one(found[0], tap.span)
    return shape_fact(x.draft.nodes[index].shape, last.name, last.span)


def shape_fact(shape: Shape, name: str, span: Span) -> Value:
    """channels, height, width, depth, length or shape of a stream."""
    spatial = shape[1:]
    facts: dict[str, Value] = {"channels": shape[0], "shape": shape}
    if len(spatial) == 1:
        facts["length"] = spatial[0]
    elif spatial:
        facts.update(zip(reversed(("depth", *_AXES)[-len(spatial) :]), reversed(spatial), strict=True))
    if name not in facts:
        near = nearest(name, facts)
        hint = f"did you mean {near}?" if near else f"there are {', '.join(facts)}"
        fail("A114", f"a stream of {show(shape) if len(shape) > 1 else shape[0]} has no {name}", span, help=hint)
    return facts[name]


def labels_in(statements: tuple[Any, ...]) -> frozenset[str]:
    """Every label that stands in these statements, at any depth."""
    within = ("steps", "core", "branches", "flow", "body", "statements")
    written = syntax.walk(statements, lambda record, field: field in within)
    return frozenset(record.mark.name for record in written if isinstance(record, syntax.Step) and record.mark)
