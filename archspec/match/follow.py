"""Whether a network follows a blueprint: a pattern over the chain of its layers, with counters.

A blueprint is a flow outside any net: layers, groups, repeats, options; free counts, free options and missing arguments
are what the match finds.  FLATTEN, DROPOUT and ID are passed over where the blueprint does not name them, and so is a
softmax at the end: none of them is part of what a blueprint says.
"""

from __future__ import annotations

from typing import Any

from archspec.expand.free import UsageError
from archspec.graph import Graph, Node
from archspec.limits import DEFAULT, Limits
from archspec.match.pattern import Pattern, Take, read_pattern
from archspec.match.search import Found, Key, Miss, search
from archspec.model import Model, open_model
from archspec.op import by
from archspec.record import Record
from archspec.source import Source, SpecError

_PASSED_OVER = {"FLATTEN", "DROPOUT", "ID"}
_AT_THE_END = {"SOFTMAX", "LOGSOFTMAX"}


class Departure(Record):
    """Where a network leaves the pattern; `node` is None where it ends too early."""

    node: Node | None
    after: Node
    expected: tuple[str, ...]
    reason: str


class Difference(Record):
    """A setting that the blueprint does not state and that its defaults would give another value."""

    path: str
    argument: str
    value: Any
    built: Any


class Match(Record):
    """What was found.  `bindings` are texts for -D; with no `differences` they rebuild the network."""

    departure: Departure | None
    bindings: dict[str, str]
    differences: tuple[Difference, ...]
    join: Node | None  # the first place where several streams meet, which no chain has

    @property
    def follows(self) -> bool:
        return self.departure is None


def match(blueprint: Source, graph: Graph, limits: Limits = DEFAULT) -> Match:
    """Matches a network against a blueprint.

    Raises SpecError for a blueprint that cannot be read, UsageError for one that is no chain of layers.
    """
    pattern = read_pattern(blueprint, limits)
    chain, join = _chain(graph)
    layers = _told(graph, chain, pattern)
    result = search(pattern, graph, layers, ends=join is None)
    if isinstance(result, Miss):
        return Match(_departure(result, graph, layers, join), {}, (), join)
    bindings = _bindings(pattern, result, graph.nodes[chain[0]])
    try:
        built = open_model(blueprint, None, bindings, limits=limits)
    except (SpecError, UsageError) as error:
        reason = error.diagnostics[0].message if isinstance(error, SpecError) else error.message
        node = graph.nodes[layers[-1]]
        return Match(Departure(node, node, (), f"what it would need does not fit: {reason}"), bindings, (), join)
    return _compared(built, graph, layers, result, bindings)


def _chain(graph: Graph) -> tuple[list[int], Node | None]:
    """The nodes up to the first that does not read just the one before it, and where streams meet from there on."""
    for index, node in enumerate(graph.nodes):
        if index and node.inputs != (index - 1,):
            joins = (later for later in graph.nodes[index:] if len(later.inputs) > 1)
            return list(range(index)), next(joins, node)
    return list(range(len(graph.nodes))), None


def _told(graph: Graph, chain: list[int], pattern: Pattern) -> list[int]:
    """The nodes of the chain that a blueprint speaks of."""
    names = [graph.nodes[index].op.name for index in chain]
    if chain[-1] == len(graph.nodes) - 1 and names[-1] in _AT_THE_END - pattern.names:
        chain = chain[:-1]
    passed = _PASSED_OVER - pattern.names
    return [index for index in chain if graph.nodes[index].op.name not in passed]


def _departure(miss: Miss, graph: Graph, layers: list[int], join: Node | None) -> Departure:
    after = graph.nodes[layers[max(miss.at - 1, 0)]]
    node = graph.nodes[layers[miss.at]] if miss.at < len(layers) else join
    if node is not None and node is join and not miss.reasons:
        sources = len(node.inputs)
        reason = f"{sources} streams meet here" if sources > 1 else "it reads another layer than the one before it"
        return Departure(node, after, miss.expected, f"{reason}, and the blueprint is a chain")
    return Departure(node, after, miss.expected, "; ".join(miss.reasons))


# ---------------------------------------------------------------- what to bind


def _bindings(pattern: Pattern, found: Found, entry: Node) -> dict[str, str]:
    """A text for every symbol and hole that the match needed, in the blueprint's order."""
    texts: dict[str, str] = {}
    for hole in pattern.holes:
        if hole.kind == "input":
            texts[hole.name] = by(entry.shape)
        if hole.kind == "input" or hole.name not in pattern.symbols:
            continue
        values = {key: value for (name, key), value in found.values.items() if name == hole.name}
        stages = found.stages.get(hole.name, 0)
        if not values and hole.kind != "count":
            continue  # nothing that is there needs it
        texts[hole.name] = _text(values, stages, 0 if hole.kind == "count" else None)
    return texts


def _text(values: dict[Key, Any], stages: int, unseen: Any) -> str:
    """One value, or one for each iteration of the outermost repeat; what an absent part would take does not matter."""
    if None in values:
        return _spelt(values[None])
    listed = [values.get(stage, unseen) for stage in range(stages)]
    known = [value for value in listed if value is not None] or [0]
    texts = [_spelt(known[0] if value is None else value) for value in listed] or [_spelt(known[0])]
    return texts[0] if len(set(texts)) == 1 else ",".join(texts)


def _spelt(value: Any) -> str:
    if isinstance(value, bool):
        return "on" if value else "off"
    return by(value) if isinstance(value, tuple) else str(value)


# ---------------------------------------------------------------- what they build


def _compared(built: Model, graph: Graph, layers: list[int], found: Found, bindings: dict[str, str]) -> Match:
    """The network beside what the bindings build: a stated argument has to agree, another may differ and is told."""
    differences: list[Difference] = []
    entry, ours = graph.nodes[layers[0]], built.graph.nodes[0]
    if entry.shape != ours.shape:
        reason = f"it takes {by(entry.shape)}, the blueprint {by(ours.shape)}"
        return Match(Departure(entry, entry, ("INPUT",), reason), bindings, (), None)
    for index, node, take in zip(layers[1:], built.graph.nodes[1:], found.takes[1:], strict=True):
        theirs, told = graph.nodes[index], set[str]()
        for argument in type(theirs.op).model_fields:
            value, ours = getattr(theirs.op, argument), getattr(node.op, argument)
            if value == ours or (argument == "pad" and "kernel" in told):
                continue  # another kernel needs another padding; once is enough
            if _states(take, argument):
                reason = f"{argument}={_worded(value)}, the blueprint says {_worded(ours)}"
                departure = Departure(theirs, graph.nodes[index - 1], (take.name,), reason)
                return Match(departure, bindings, (), None)
            told.add(argument)
            differences.append(Difference(theirs.path, argument, value, ours))
    return Match(None, bindings, tuple(differences), None)


def _states(take: Take, argument: str) -> bool:
    return any(argument == name for name, _ in take.stated)


def _worded(value: Any) -> str:
    from archspec.report.wording import value_text

    return value_text(value, "kernel") if isinstance(value, tuple) else value_text(value)


def worded(difference: Difference) -> str:
    """A difference as a phrase: `conv2: kernel 5x5, not 3x3`."""
    return f"{difference.path}: {difference.argument} {_worded(difference.value)}, not {_worded(difference.built)}"
