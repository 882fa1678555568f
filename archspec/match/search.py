"""The search behind `match`: backtracking over a pattern, greedy, with an explicit stack.

A symbol or hole inside a repeat has one value per iteration of the outermost repeat around it, as when it is bound from
outside.  States that failed once are not entered again.
"""

from __future__ import annotations

from collections import Counter
from typing import Any, NamedTuple

from archspec.expand.free import UsageError
from archspec.graph import Graph, Node
from archspec.match.pattern import UNKNOWN, Again, Choose, Pattern, Repeat, Take, symbols
from archspec.op import Op, RuleError, Shape, lookup
from archspec.record import Record

Key = int | None  # the iteration of the outermost repeat; None outside any
_MOST_STEPS = 1_000_000


class Found(Record):
    """A match: the values of symbols and holes, how many stages each may have, and the instruction of every layer."""

    values: dict[tuple[str, Key], Any]
    stages: dict[str, int]
    takes: tuple[Take, ...]


class Miss(Record):
    """No match: the furthest layer that was reached, what the pattern had there, and why a layer of the right kind did
    not do."""

    at: int
    expected: tuple[str, ...]
    reasons: tuple[str, ...]


class _Links(NamedTuple):
    """A list that grows at its end and shares its beginning."""

    before: _Links | None
    item: Any


class _Loop(NamedTuple):
    """An open repeat: its head, which iteration runs, and the layer that this one began at."""

    head: int
    number: int
    began: int


class _State(NamedTuple):
    """Where one attempt stands: the next instruction, the next layer and the open repeats, outermost first.  `values`
    holds what binds later choices, `log` everything."""

    step: int
    at: int
    loops: tuple[_Loop, ...]
    values: tuple[tuple[tuple[str, Key], Any], ...]
    log: _Links | None
    takes: _Links | None


def search(pattern: Pattern, graph: Graph, layers: list[int], *, ends: bool) -> Found | Miss:
    """Matches `layers`, indices of the graph's nodes; `ends` is off where the chain goes on as something else."""
    return _Search(pattern, graph, layers, ends).run()


class _Search:
    def __init__(self, pattern: Pattern, graph: Graph, layers: list[int], ends: bool) -> None:
        self.pattern, self.graph, self.layers, self.ends = pattern, graph, layers, ends
        self.furthest = 0
        self.expected: dict[str, None] = {}
        self.reasons: dict[str, None] = {}
        self.around = _around(pattern)
        uses: dict[str, list[tuple[int, ...]]] = {}
        for step, around in zip(pattern.instructions, self.around, strict=True):
            for name in symbols(step):
                uses.setdefault(name, []).append(around)
        # Bound once in each stage, so that no other choice depends on the value.
        self.single = {name for name, places in uses.items() if len(places) == 1 and len(places[0]) <= 1}
        # Read by stages of several repeats, so that a value stays of interest when its stage is over.
        self.lasting = {name for name, places in uses.items() if len({place[:1] for place in places}) > 1}

    def run(self) -> Found | Miss:
        seen: set[Any] = set()
        stack = [_State(0, 0, (), (), None, None)]
        while stack:
            state = stack.pop()
            known = self.future(state)
            if known in seen:
                continue
            seen.add(known)
            if len(seen) > _MOST_STEPS:
                raise UsageError("the blueprint can be read in too many ways to try them all", "say more in it")
            if state.step == len(self.pattern.instructions):
                if state.at == len(self.layers) and self.ends:
                    return self.found(state)
                self.miss(state.at, "the end")
                continue
            stack += reversed(self.next(state))
        return Miss(self.furthest, tuple(self.expected), tuple(self.reasons))

    def future(self, state: _State) -> Any:
        """All of a state that decides what can come after it: two states alike in this succeed or fail together."""
        if self.lasting:
            return state[:4]
        loops = [(0 if self.counts_freely(loop.head) else loop.number, state.at > loop.began) for loop in state.loops]
        values = [(name, stage is None, value) for (name, stage), value in state.values]
        return state.step, state.at, tuple(loops), tuple(values)

    def counts_freely(self, head: int) -> bool:
        repeat = self.pattern.instructions[head]
        return isinstance(repeat, Repeat) and repeat.times in self.single

    def next(self, state: _State) -> list[_State]:
        """The states to try from here, the preferred one first."""
        step = self.pattern.instructions[state.step]
        if isinstance(step, Take):
            return self.take(state, step)
        if isinstance(step, Choose):
            return self.choose(state, step)
        if isinstance(step, Repeat):
            return self.head(state._replace(loops=(*state.loops, _Loop(state.step, 0, state.at))), step)
        loop = state.loops[-1]
        repeat = self.pattern.instructions[step.head]
        assert isinstance(repeat, Repeat)
        if loop.began == state.at and isinstance(repeat.times, str):
            return []  # an empty iteration says nothing
        loops = (*state.loops[:-1], _Loop(step.head, loop.number + 1, state.at))
        return self.head(self.forget(state._replace(loops=loops)), repeat)

    def head(self, state: _State, repeat: Repeat) -> list[_State]:
        """One more iteration, and the end of the repeat with the count so far."""
        head, done, _ = state.loops[-1]
        outside = state.loops[:-1]
        more = state._replace(step=head + 1)
        left = state._replace(step=repeat.after, loops=outside)
        if isinstance(repeat.times, int):
            return [more] if done < repeat.times else [self.forget(left)]
        ended = self.bind(left, repeat.times, done)
        return [more, *([self.forget(ended)] if ended else [])]

    def choose(self, state: _State, step: Choose) -> list[_State]:
        on = self.bind(state._replace(step=state.step + 1), step.name, True)
        off = self.bind(state._replace(step=step.after), step.name, False)
        return [way for way in (on, off) if way]

    def take(self, state: _State, step: Take) -> list[_State]:
        if state.at == len(self.layers):
            self.miss(state.at, step.name)
            return []
        index = self.layers[state.at]
        node = self.graph.nodes[index]
        if node.op.name != step.name:
            self.miss(state.at, step.name)
            return []
        if reason := _unlike(step, node, self.graph.shapes_into(node)):
            self.miss(state.at, step.name, reason)
            return []
        taken: _State | None = state._replace(step=state.step + 1, at=state.at + 1, takes=_Links(state.takes, step))
        assert taken is not None
        if step.hole:
            value = getattr(node.op, step.argument)
            taken = self.bind(taken, step.hole, value)
            if taken is None:
                reason = f"{step.argument}={value}, and {step.hole} has one value per stage"
                self.miss(state.at, step.name, reason)
        return [taken] if taken else []

    def bind(self, state: _State, name: str, value: Any) -> _State | None:
        """The state in which a symbol has this value; None where it has another one already."""
        key = (name, state.loops[0].number if state.loops else None)
        for known, other in state.values:
            if known == key:
                return state if (other, type(other)) == (value, type(value)) else None
        values = state.values if name in self.single else (*state.values, (key, value))
        return state._replace(values=values, log=_Links(state.log, (key, value)))

    def forget(self, state: _State) -> _State:
        """The state without the values that no later choice can meet again."""
        stage = state.loops[0].number if state.loops else None
        kept = tuple(pair for pair in state.values if pair[0][1] in (None, stage) or pair[0][0] in self.lasting)
        return state._replace(values=kept)

    def miss(self, at: int, expected: str, reason: str = "") -> None:
        if at > self.furthest:
            self.furthest, self.expected, self.reasons = at, {}, {}
        if at == self.furthest:
            self.expected[expected] = None
            if reason:
                self.reasons[reason] = None

    def found(self, state: _State) -> Found:
        values = dict(_listed(state.log))
        stages: Counter[str] = Counter()
        for step, around in zip(self.pattern.instructions, self.around, strict=True):
            for name in symbols(step):
                if around:
                    repeat = self.pattern.instructions[around[0]]
                    assert isinstance(repeat, Repeat)
                    count = repeat.times if isinstance(repeat.times, int) else values.get((repeat.times, None), 0)
                    stages[name] = max(stages[name], count)
        return Found(values, dict(stages), tuple(_listed(state.takes)))


def _listed(links: _Links | None) -> list[Any]:
    items = []
    while links:
        items.append(links.item)
        links = links.before
    return items[::-1]


def _around(pattern: Pattern) -> list[tuple[int, ...]]:
    """Per instruction the heads of the repeats around it, outermost first."""
    found: list[tuple[int, ...]] = []
    heads: tuple[int, ...] = ()
    for number, step in enumerate(pattern.instructions):
        if isinstance(step, Again):
            heads = heads[:-1]
        found.append(heads)
        if isinstance(step, Repeat):
            heads = (*heads, number)
    return found


def _unlike(step: Take, node: Node, xs: tuple[Shape, ...]) -> str:
    """Why a layer of the right kind does not have the arguments that the blueprint writes; "" where it has."""
    plain = {name: value for name, value in step.stated if value is not UNKNOWN and name in type(node.op).model_fields}
    if not plain:
        return ""
    given = {name: getattr(node.op, name) for name in type(node.op).model_fields} | plain
    from archspec.report.wording import value_text

    card = lookup(step.name)
    assert card is not None
    try:
        built: Op = card(**given).settle(*xs)
    except (RuleError, ValueError):
        return ""  # said with the others, once everything is bound
    for name in plain:
        if getattr(built, name) != getattr(node.op, name):
            return (
                f"{name}={value_text(getattr(node.op, name), name)}, the blueprint says {value_text(plain[name], name)}"
            )
    return ""
