"""A blueprint as a program for the search: take a layer, run a repeat, choose whether an option is there."""

from __future__ import annotations

from typing import Any, NamedTuple, NoReturn

from archspec import syntax
from archspec.expand.definitions import Definitions, settle_names
from archspec.expand.flow import Expander
from archspec.expand.free import Bindings, UsageError
from archspec.expand.holes import Hole, find_holes
from archspec.expand.place import Body, Counter, Place
from archspec.expand.shorthand import layer as longhand
from archspec.limits import Budget, Limits
from archspec.model import define
from archspec.op import Op, lookup
from archspec.record import Record
from archspec.source import Source, Span


class Take(NamedTuple):
    """One layer.  `stated` are the arguments that the blueprint writes, with their values where those are plain;
    `hole` names the missing argument `argument`."""

    name: str
    stated: tuple[tuple[str, Any], ...]
    hole: str
    argument: str
    span: Span


class Repeat(NamedTuple):
    """The head of a repeat: `times` is a number, or the name of a symbol; its body ends before `after`."""

    times: int | str
    after: int


class Again(NamedTuple):
    """The end of a repeat's body."""

    head: int


class Choose(NamedTuple):
    """An option: on goes to the next instruction, off to `after`."""

    name: str
    after: int


Instruction = Take | Repeat | Again | Choose


def symbols(step: Instruction) -> tuple[str, ...]:
    """The symbols that an instruction binds."""
    if isinstance(step, Take):
        return (step.hole,) if step.hole else ()
    if isinstance(step, Repeat):
        return (step.times,) if isinstance(step.times, str) else ()
    return (step.name,) if isinstance(step, Choose) else ()


UNKNOWN = object()  # an argument whose value depends on more than the text beside it


class Pattern(Record):
    """The instructions, what they leave open, and every operator that they name."""

    instructions: tuple[Instruction, ...]
    holes: tuple[Hole, ...]

    @property
    def names(self) -> frozenset[str]:
        return frozenset(step.name for step in self.instructions if isinstance(step, Take))

    @property
    def symbols(self) -> frozenset[str]:
        """What a match gives a value."""
        return frozenset(name for step in self.instructions for name in symbols(step))


def read_pattern(blueprint: Source, limits: Limits) -> Pattern:
    """The pattern that a blueprint states.  Raises SpecError, and UsageError where it is no chain of layers."""
    budget = Budget(limits)
    definitions = define(blueprint, budget)
    flows = [statement for statement in definitions.statements if isinstance(statement, syntax.Flow)]
    if definitions.nets or len(flows) != 1:
        found = f"the nets {', '.join(definitions.nets)}" if definitions.nets else f"{len(flows)} flows"
        raise UsageError(
            f"{blueprint.name} holds {found}; a blueprint is one flow outside any net",
            "write INPUT -> [[CONV -> RELU]*N -> POOL?]*M -> [FC -> RELU]*K -> FC",
        )
    reader = _Reader(definitions, budget)
    reader.flow(flows[0])
    return Pattern(tuple(reader.made), reader.holes)


class _Reader:
    """Compiles a flow into instructions."""

    def __init__(self, definitions: Definitions, budget: Budget) -> None:
        self.definitions = definitions
        self.made: list[Instruction] = []
        params = definitions.params.values()
        knobs = (Hole(p.name, "option" if p.switch else "count", "a param", p.span, True) for p in params)
        self.holes = (*find_holes(definitions), *knobs)
        self.expander = Expander(definitions, Bindings({}), budget)
        self.place = Place(definitions, definitions.scope, Body({}), Counter())
        settle_names(definitions, lambda s, e: self.expander.values_in(s, self.place).need(e), Bindings({}).get)

    def flow(self, flow: syntax.Flow) -> None:
        for step in flow.steps:
            self.step(step)

    def step(self, step: syntax.Step) -> None:
        option = self.option(step) if step.option else None
        at = len(self.made)
        if option:
            self.made.append(option)
        heads = []
        for repeat in reversed(step.repeats):  # the last one written is the outermost
            heads.append(len(self.made))
            self.made.append(Repeat(self.count(repeat), 0))
        self.core(step)
        for head in reversed(heads):
            self.made.append(Again(head))
            self.made[head] = self.made[head]._replace(after=len(self.made))  # type: ignore[call-arg]
        if option:
            self.made[at] = option._replace(after=len(self.made))

    def option(self, step: syntax.Step) -> Choose:
        assert step.option is not None
        if step.option.condition is not None:
            _refuse(step.option.span, "an option with a condition")
        named = step.mark.name if step.mark else getattr(step.core, "name", "")
        if not named:
            _refuse(step.span, "an option without a name")
        return Choose(named, 0)

    def count(self, repeat: syntax.Repeat) -> int | str:
        if repeat.count is None:
            evaluator = self.expander.evaluator(self.place)
            return min(len(evaluator.items(loop.values)) for loop in repeat.loops)
        if isinstance(repeat.count, syntax.Ref):
            name = repeat.count.name
            if any(hole.name == name for hole in self.holes):
                return name
        elif not isinstance(repeat.count, syntax.Literal):
            _refuse(repeat.span, "a computed count")
        value = self.expander.evaluator(self.place).need(repeat.count)
        return int(value)

    def core(self, step: syntax.Step) -> None:
        core = longhand(step.core) if isinstance(step.core, syntax.Short) else step.core
        if isinstance(core, syntax.Group) and len(core.branches) == 1:
            self.flow(core.branches[0].flow)
        elif isinstance(core, syntax.Layer) and self.definitions.block(core.name) is None:
            self.layer(core)
        else:
            _refuse(step.span, "a block, a join or a tap")

    def layer(self, layer: syntax.Layer) -> None:
        card = lookup(layer.name)
        if card is None or card.parts is not Op.parts:
            _refuse(layer.span, "an operator that stands for several layers" if card else f"{layer.name}")
        stated: dict[str, Any] = {}
        default = self.definitions.defaults.get(card.name)
        for args in (default.args if default else (), layer.args or ()):
            names = iter(card.positional)
            stated |= {arg.name or next(names, ""): _plain(arg.value) for arg in args}
        hole = next((h for h in self.holes if h.kind == "argument" and h.span == layer.name_span), None)
        argument = hole.text.partition(" of ")[0] if hole else ""
        after = stated.pop("act", None)
        self.made.append(Take(card.name, tuple(stated.items()), hole.name if hole else "", argument, layer.span))
        if isinstance(after, str) and (activation := lookup(after)):
            self.made.append(Take(activation.name, (), "", "", layer.span))


def _plain(value: syntax.Expr) -> Any:
    """A value that is what it says; UNKNOWN for the others, which are compared once everything is bound."""
    if isinstance(value, syntax.Literal):
        return value.value
    if isinstance(value, syntax.Dims):
        return value.sizes
    return value.name if isinstance(value, syntax.Ref) else UNKNOWN


def _refuse(span: Span, what: str) -> NoReturn:
    raise UsageError(
        f"{span.source.name}:{span.place}: {what} cannot be matched: {span.text}",
        "a blueprint to match is a chain of layers, groups, repeats and options",
    )
