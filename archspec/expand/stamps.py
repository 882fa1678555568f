"""Blocks, nets and shared flows: bodies that are stamped where they are called, and what their statements do."""

from __future__ import annotations

from typing import Any, NoReturn

from archspec import syntax
from archspec.expand import inputs, taps
from archspec.expand.definitions import Definitions, settle_param
from archspec.expand.evaluate import iterate
from archspec.expand.formals import block_arguments, frozen_arguments
from archspec.expand.place import Body, Bundle, Counter, Loop, Place, SharedFlow, Sharing, Site, Stream
from archspec.expand.session import Session
from archspec.expand.values import Scope, fail
from archspec.graph import Frame
from archspec.limits import over
from archspec.source import Label, Span

# ---------------------------------------------------------------- shared flows


def shared(x: Session, layer: syntax.Layer, tower: SharedFlow, place: Place, stream: Stream | None) -> Stream:
    """One more use of a shared flow: the first one owns the weights."""
    if stream is None:
        fail("A304", f"{layer.name} has nothing to read", layer.span, help=f"begin the flow: INPUT -> {layer.name}")
    if layer.args is not None:
        message = f"{layer.name} is a shared flow, it takes no arguments"
        fail("A223", message, layer.span, help=f"write {layer.name}; a block takes arguments, and makes new weights")
    if x.starts_itself(tower.flow, tower.place):
        message = "a shared flow reads what flows in, so it begins with a layer"
        fail("A306", message, tower.flow.steps[0].core.span, help="leave this step out")
    x.count_step(layer.span, place, 5)
    tower.uses += 1
    if tower.uses > 1:
        x.stop_if_broken()
    home = tower.place
    name = layer.name.lower()
    path = home.below(name) if tower.uses == 1 else f"{home.below(name)}.use{tower.uses}"
    frame = Frame("shared", name, path, layer.span, index=tower.uses - 1)
    sharing = Sharing(tower.path, path) if tower.uses > 1 else None
    if tower.uses == 1:
        tower.path = path
    # Names as where it was declared, nodes where it was declared, and the present frames so that errors tell the way.
    inner = home.but(path=path, frames=(*home.frames, frame), counter=Counter(), sharing=sharing, loops=())
    return x.flow(tower.flow, inner, stream)


# ---------------------------------------------------------------- blocks


def block(
    x: Session,
    found: tuple[Definitions, syntax.Block],
    call: syntax.Layer | syntax.Wire,
    site: Site,
    named: Place,
    place: Place,
    streams: list[Stream],
) -> Stream:
    """One stamp of a block on its ports."""
    definitions, what = found
    _check_depth(x, what, call, place)
    x.count_step(call.span, place, 5)
    ports = _ports(x, what, call, streams)
    scope = Scope(definitions.scope)
    first = x.one(streams[0], call.span) if streams else None
    if first is not None:
        scope.values["cin"] = x.draft.nodes[first].shape[0]
    block_arguments(x, what, call, named, scope)
    path = place.path if site.lent else place.named(site, what.name)
    name = "" if site.lent else path[len(place.path) :].lstrip(".")
    arguments = frozen_arguments(what, scope)
    frame = Frame(
        "block", name, path, call.span, what.name, arguments, labelled=site.mark is not None and not site.lent
    )
    body = Body(dict(ports) if what.ports else {}, first)
    inner = place.inside(frame).but(definitions=definitions, scope=scope, body=body, loops=(), free=False)
    if isinstance(what.body, syntax.Flow):
        body.statements = (what.body,)
        return x.flow(what.body, inner, first)
    outputs = run_body(x, what.body.statements, inner)
    return finish_block(x, what, outputs, inner)


def _check_depth(x: Session, what: syntax.Block, call: Any, place: Place) -> None:
    stamped = [frame.definition for frame in place.frames if frame.kind == "block"]
    most = x.budget.limits.block_depth
    if len(stamped) >= most:
        over("A611", f"blocks are stamped more than {most} deep, at {place.path}", call.span, "block_depth")
    if what.name in stamped and any(f.definition == what.name and _encloses(what, f, place) for f in place.frames):
        chain = " -> ".join([*stamped[stamped.index(what.name) :], what.name])
        fail(
            "A316",
            f"{what.name} stamps itself: {chain}",
            call.span,
            help="repeat with *n instead; blocks cannot recurse",
        )


def _encloses(what: syntax.Block, frame: Frame, place: Place) -> bool:
    """Whether a frame is a stamp of this very block rather than of one of the same name in another file."""
    found = place.definitions.block(what.name)
    return found is not None and found[1] is what


def _ports(x: Session, what: syntax.Block, call: syntax.Layer | syntax.Wire, streams: list[Stream]) -> dict[str, Any]:
    defined = (Label(what.name_span, f"{what.name} is defined here"),)
    if not what.ports:
        if len(streams) != 1:
            if not streams:
                fail("A304", f"{what.name} has nothing to read", call.span, help=f"begin: INPUT -> {what.name}")
            help = (
                f"write {what.name} behind a join, add[a | b] -> {what.name}; or give it ports: block {what.name}[a, b]"
            )
            fail(
                "A314", f"{what.name} has one input and gets {len(streams)}", call.name_span, help=help, labels=defined
            )
        return {"": x.one(streams[0], call.span)}
    names = [port.name for port in what.ports if not port.rest]
    rest = next((port.name for port in what.ports if port.rest), None)
    if len(streams) < len(names) or (rest is None and len(streams) > len(names)):
        wanted = f"{len(names)}{' or more' if rest else ''}"
        fail(
            "A314",
            f"{what.name} has {wanted} inputs and gets {len(streams)}",
            call.name_span,
            help=f"write {what.name}[{' | '.join([*names, *(['...'] if rest else [])])}] with a flow for each",
            labels=defined,
        )
    ports: dict[str, Any] = {name: x.one(s, call.span) for name, s in zip(names, streams, strict=False)}
    if rest is not None:
        ports[rest] = [x.one(s, call.span) for s in streams[len(names) :]]
    return ports


def finish_block(x: Session, what: syntax.Block, outputs: list[tuple[str, int]], place: Place) -> Stream:
    """What a block with a body returns: its only end, or its outputs by name."""
    if len(outputs) == 1:
        return outputs[0][1]
    if outputs:
        return Bundle(dict(outputs), what.name)
    return fail("A317", f"{what.name} has no end to return", what.name_span, help="write a flow, or output NAME")


# ---------------------------------------------------------------- bodies


def run_body(x: Session, statements: tuple[syntax.Statement, ...], place: Place) -> list[tuple[str, int]]:
    """Runs the statements of a block or net and returns its outputs: those declared, else its only unread end."""
    body = place.body
    body.statements = statements
    declared: list[syntax.Output] = []
    for statement in statements:
        run_statement(x, statement, place, declared)
    if declared:
        return _declared(x, declared, place)
    ends = {x.one(stream, span): span for stream, span in body.ends if not _is_read(x, stream)}
    if len(ends) > 1:
        _several_ends(list(ends.values()))
    return [(_label_of(body, node) or "output", node) for node in ends]


def _several_ends(spans: list[Span]) -> NoReturn:
    """Several flows whose ends nobody reads: a lost arrow, a join that was forgotten, or outputs to name."""
    last = spans[-1]
    ends = tuple(Label(_tail(span), "nobody reads this end") for span in spans[:-1])
    help = "say what is returned, output NAME, ..., or join the ends"
    if last.text.split("[")[0].isidentifier():
        help += f"; did the line before '{last.text.split('[')[0]}' lose its '->'?"
    fail("A318", f"{len(spans)} flows end unread", _tail(last), caption="nor this one", labels=ends, help=help)


def _tail(span: Span) -> Span:
    """The last line of what a span holds, where a flow ends."""
    start = span.start + span.text.rfind("\n") + 1
    start += len(span.source.text[start : span.end]) - len(span.source.text[start : span.end].lstrip())
    return Span(span.source, start, span.end)


def _is_read(x: Session, stream: Stream) -> bool:
    return isinstance(stream, Bundle) or stream in x.draft.read


def _label_of(body: Body, node: int) -> str | None:
    """The label of a stream, if it has exactly one place."""
    for name, entries in body.labels.items():
        if len(entries) == 1 and entries[0].stream == node:
            return name
    return None


def _declared(x: Session, declared: list[syntax.Output], place: Place) -> list[tuple[str, int]]:
    outputs: dict[str, int] = {}
    for item in (item for statement in declared for item in statement.items):
        tap = item.tap or syntax.Tap(item.span, item.name, ())
        found = taps.streams(x, tap, place)
        if len(found) != 1:
            fail("A221", f"{item.name} names {len(found)} streams", item.span, help=f"{item.name} = @{item.name}[0]")
        if item.name in outputs:
            fail("A109", f"the output {item.name} is named twice", item.span, help="leave one out")
        outputs[item.name] = x.one(found[0], item.span)
    kept = set(outputs.values())
    for stream, span in place.body.ends:
        if not isinstance(stream, Bundle) and stream not in kept and not _is_read(x, stream):
            x.warn(
                "W301", "this flow's end is no output and nobody reads it, so it is dropped", span, "name it in output"
            )
    return list(outputs.items())


def run_statement(x: Session, statement: syntax.Statement, place: Place, declared: list[syntax.Output]) -> None:
    """One statement of a body."""
    match statement:
        case syntax.Flow():
            stream = x.flow(statement, place, None)
            place.body.ends.append((stream, statement.span))
        case syntax.Input():
            inputs.declare(x, statement, place)
        case syntax.Output():
            declared.append(statement)
        case syntax.Let(name=name, value=value):
            place.scope.values[name] = x.evaluator(place).need(value)
        case syntax.Param() if any(frame.kind == "block" for frame in place.frames):
            help = f"give the block an argument: block B({statement.name}=...)"
            fail("A116", "param belongs to a file or net, not to a block", statement.span, help=help)
        case syntax.Param():
            settle_param(place.scope, statement, lambda s, e: x.values_in(s, place).need(e), x.bindings.get)
        case syntax.Shared(name=name, flow=flow):
            place.body.shared[name] = SharedFlow(flow, place)
        case syntax.Assert():
            x.asserts.append((statement, place))
        case syntax.For():
            _stamp_for(x, statement, place, declared)
        case _:
            word = statement.span.text.split()[0]
            x.missing.add(getattr(statement, "name", ""))
            message = f"{word} belongs to the file, not inside a block or net"
            fail("A116", message, statement.span, help="move it out of the { }")


def _stamp_for(x: Session, statement: syntax.For, place: Place, declared: list[syntax.Output]) -> None:
    """`for`: the statements once per element; no stream runs through."""
    rows = iterate(statement.loops, x.evaluator(place))
    name = place.counter.next("for")
    run = object()
    for i, values in enumerate(rows):
        x.count_step(statement.span, place)
        values = {**values, "first": i == 0, "last": i == len(rows) - 1}
        frame = Frame("repeat", name, f"{place.below(name)}.{i}", statement.span, index=i, count=len(rows))
        loops = (*place.loops, Loop(run, i, len(rows)))
        inner = place.inside(frame, scope=Scope(place.scope, values), loops=loops)
        for inside in statement.body.statements:
            run_statement(x, inside, inner, declared)
