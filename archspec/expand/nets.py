"""The expansion of a net from statements to a graph."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from itertools import islice

from archspec import syntax
from archspec.expand import taps
from archspec.expand.choose import choose
from archspec.expand.definitions import Definitions, settle_names
from archspec.expand.draft import way_in
from archspec.expand.evaluate import Evaluator
from archspec.expand.flow import Expander
from archspec.expand.formals import block_arguments
from archspec.expand.free import Bindings, UsageError
from archspec.expand.layers import exists
from archspec.expand.lints import lints
from archspec.expand.place import Body, Bundle, Counter, Place
from archspec.expand.session import Stop
from archspec.expand.spelling import misspelt
from archspec.expand.stamps import run_body, run_statement
from archspec.expand.values import Scope, Value, fail
from archspec.graph import Graph, Output, prune
from archspec.limits import Budget, deep
from archspec.source import MOST_ERRORS, Diagnostic, Span, SpecError, nearest

MOST_SHOWN = 2_000  # nodes; more of a network that is wrong is nothing to read


@dataclass(frozen=True)
class Requirement:
    """One `assert`, with what it needs to be evaluated once the analysis is there."""

    statement: syntax.Assert
    evaluate: Evaluator  # sees the names of the net; the facts of the analysis go into its scope
    path_of: Callable[[syntax.Tap], str]  # the path of the node that a tap names
    way: tuple[str, ...] = ()  # the stamps and iterations around it, innermost first


@dataclass(frozen=True)
class Expansion:
    """A net expanded: its graph, its asserts, and what to tell about it."""

    graph: Graph
    requirements: tuple[Requirement, ...]
    warnings: tuple[Diagnostic, ...]


def expand(
    definitions: Definitions, net: str | None, bindings: Bindings, budget: Budget, outputs: tuple[str, ...] = ()
) -> Expansion:
    """The graph of one net of a file.  Raises SpecError with all that is wrong, or UsageError for a wrong request."""
    definitions.scope = Scope()  # what was expanded before keeps its values
    x = Expander(definitions, bindings, budget)
    top = Place(definitions, definitions.scope, Body({}), Counter(), free=definitions.free)
    bindings.read = x.evaluator(top)
    try:
        settle_names(definitions, lambda s, e: x.values_in(s, top).need(e), bindings.get)
    except SpecError as error:
        _report(x, error)
        _give_up(x, definitions.file.statements, top)
    chosen = choose(definitions, net, set(bindings.given))
    if chosen is None:
        statements = definitions.statements
        place = Place(definitions, Scope(definitions.scope), Body({}), Counter(), free=True)
        name, here = "net", statements[0].span
    else:
        statements, place = _enter(x, chosen, bindings, top)
        name, here = chosen.name, chosen.name_span
    x.name = name
    found = _run(x, statements, place, here)
    bindings.check_all_used()
    results = tuple(Output(name=n, node=i) for n, i in found)
    graph = x.draft.graph(name, results)
    graph, notes = _select(graph, outputs, place)
    if x.asserts and (x.resized or (outputs and notes)):
        x.asserts.clear()  # they speak of the whole net, at its own size
        why = "another input" if x.resized else "--output"
        notes += (Diagnostic("N306", f"with {why}, the asserts of the net are not checked", severity="note"),)
    if len(x.draft.nodes) == len(place.body.streams):
        help = "write a layer behind it: INPUT -> FC(10)"
        fail("A117", f"{name} has an input and no layer", statements[-1].span, help=help)
    requirements = tuple(_requirement(x, statement, where) for statement, where in x.asserts)
    return Expansion(graph, requirements, (*lints(definitions), *x.warnings.values(), *notes))


def unknown_names(definitions: Definitions, budget: Budget, *, values: bool) -> Iterator[Diagnostic]:
    """What can be said of a file's names without expanding anything: of blocks that no net uses, of nets in want of
    arguments.  `values` as for `misspelt`."""
    x = Expander(definitions, Bindings(), budget)
    top = Place(definitions, definitions.scope, Body({}), Counter())
    for slip in islice(misspelt(x, definitions.file.statements, top, values=values), MOST_ERRORS):
        yield from slip.diagnostics


def _requirement(x: Expander, statement: syntax.Assert, place: Place) -> Requirement:
    def path_of(tap: syntax.Tap) -> str:
        found = taps.streams(x, tap, place)
        if len(found) != 1:
            fail("A219", f"@{tap.name} names {len(found)} streams", tap.span)
        return x.draft.nodes[x.one(found[0], tap.span)].path

    return Requirement(statement, x.evaluator(place), path_of, tuple(way_in(place)))


def _enter(x: Expander, net: syntax.Net, bindings: Bindings, top: Place) -> tuple[tuple[syntax.Statement, ...], Place]:
    """The statements of a net with its formals in scope; a variant (`net B = A(..)`) leads to the net it calls."""
    definitions = top.definitions
    call = syntax.Layer(net.name_span, net.name, None, net.name_span)
    caller = top
    for _ in range(len(definitions.nets) + 1):
        scope = Scope(definitions.scope)
        call, given = _bind(net, call, bindings)
        block_arguments(x, net, call, caller.but(scope=Scope(caller.scope, given)), scope)
        if isinstance(net.body, syntax.Body):
            return net.body.statements, Place(definitions, scope, Body({}), Counter())
        target = _variant(net, definitions)
        if target is None:
            _check_begins(net, caller)
            return (net.body,), Place(definitions, scope, Body({}), Counter())
        core = net.body.steps[0].core
        assert isinstance(core, syntax.Layer)
        caller = Place(definitions, scope, Body({}), Counter())
        net, call = target, core
    return fail("A316", f"{net.name} is a variant of itself", net.name_span)


def _check_begins(net: syntax.Net, place: Place) -> None:
    """Refuses a net that is a flow without braces: there is no line for its input."""
    assert isinstance(net.body, syntax.Flow)
    core = net.body.steps[0].core
    if isinstance(core, syntax.Layer) and core.name not in place.definitions.nets and exists(core.name, place):
        lines = "input 3x224x224 and INPUT -> CONV(64) on lines of their own"
        help = f"write net {net.name} {{ here, {lines}, and '}}' below"
        fail("A313", f"{net.name} declares no input", core.span, help=help)


def _variant(net: syntax.Net, definitions: Definitions) -> syntax.Net | None:
    """The net that `net B = A(args)` calls, or None."""
    if not isinstance(net.body, syntax.Flow) or len(net.body.steps) != 1:
        return None
    step = net.body.steps[0]
    if not isinstance(step.core, syntax.Layer) or step.repeats or step.option or step.mark:
        return None
    return definitions.nets.get(step.core.name)


def _bind(net: syntax.Net, call: syntax.Layer, bindings: Bindings) -> tuple[syntax.Layer, dict[str, Value]]:
    """The call with formals bound from outside in place of its own arguments, and the values it then refers to."""
    named = [f.name for f in net.formals]
    positional = iter(named)
    args = {a.name or next(positional, ""): a for a in call.args or ()}
    given: dict[str, Value] = {}
    for name in named:
        bound, value = bindings.get(name)
        if bound:
            given[f"-D {name}"] = value  # no name of the language is spelt so
            args[name] = syntax.Arg(call.span, name, syntax.Ref(call.span, f"-D {name}"), call.span)
    return call.but(args=tuple(_as_named(n, a) for n, a in args.items())), given


def _as_named(name: str, arg: syntax.Arg) -> syntax.Arg:
    return syntax.Arg(arg.span, name or arg.name, arg.value, arg.name_span)


def _run(x: Expander, statements: tuple[syntax.Statement, ...], place: Place, here: Span) -> list[tuple[str, int]]:
    """Runs the statements one by one; a fault in one does not hide those in the others.  `here` names the net."""
    place.body.statements = statements
    declared: list[syntax.Output] = []
    for statement in statements:
        try:
            with deep(statement.span):
                run_statement(x, statement, place, declared)
        except SpecError as error:
            x.missing.add(getattr(statement, "name", None) or "")
            _report(x, error)
        except Stop:
            pass
    if not x.found:
        try:
            found = run_body(x, tuple(declared), place)
            if found:
                return found
            fail("A117", "nothing flows here", here, help="write a flow: INPUT -> CONV(64) -> RELU -> FC(10)")
        except SpecError as error:
            _report(x, error)
    return _give_up(x, statements, place)


def _give_up(x: Expander, statements: Iterable[syntax.Statement], place: Place) -> list[tuple[str, int]]:
    """Raises what was found, and which names further on are misspelt."""
    for slip in misspelt(x, statements, place):
        _report(x, slip)
    return _raise(x)


def _report(x: Expander, error: SpecError) -> None:
    try:
        x.report(error)
    except SpecError:
        _raise(x)


def _raise(x: Expander) -> list[tuple[str, int]]:
    """Every error found, with the graph up to the fault."""
    partial = None
    if 1 < len(x.draft.nodes) <= MOST_SHOWN:
        partial = x.draft.graph(f"{x.name}, up to the fault", (Output(name="fault", node=len(x.draft.nodes) - 1),))
    raise SpecError(tuple(sorted(x.found[:MOST_ERRORS], key=_in_text)), partial)


def _in_text(found: Diagnostic) -> tuple[str, int]:
    return (found.span.source.name, found.span.start) if found.span else ("", 0)


def _select(graph: Graph, outputs: tuple[str, ...], place: Place) -> tuple[Graph, tuple[Diagnostic, ...]]:
    """The graph with the outputs asked for, and a note on what that leaves out."""
    chosen = graph.outputs
    if outputs:
        known = {o.name: o for o in graph.outputs}
        picked = []
        for name in outputs:
            if name in known:
                picked.append(known[name])
                continue
            stream = place.body.streams.get(name)
            entries = place.body.labels.get(name)
            node = entries[0].stream if entries and len(entries) == 1 else stream
            if node is None or isinstance(node, Bundle):
                near = nearest(name, known.keys() | place.body.labels.keys())
                listed = f"the outputs are {', '.join(known)}"
                raise UsageError(f"no output is named {name}", f"did you mean {near}? {listed}" if near else listed)
            picked.append(Output(name=name, node=node))
        chosen = tuple(picked)
    pruned = prune(graph, chosen)
    dropped = len(graph.nodes) - len(pruned.nodes)
    if not dropped:
        return pruned, ()
    kept = ", ".join(output.name for output in chosen)
    left = "1 node is" if dropped == 1 else f"{dropped} nodes are"
    text = (
        f"{left} left out, as {kept} {'does' if len(chosen) == 1 else 'do'} not need {'it' if dropped == 1 else 'them'}"
    )
    return pruned, (Diagnostic("N305", text, severity="note"),)
