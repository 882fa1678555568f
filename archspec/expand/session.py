"""What every part of the expander shares: the draft, the bindings, the diagnostics, and how values are looked up."""

from __future__ import annotations

from abc import ABC, abstractmethod
from typing import Any, NoReturn

from archspec import syntax
from archspec.expand.definitions import Definitions
from archspec.expand.draft import Draft, Plan, Settled
from archspec.expand.evaluate import Evaluator
from archspec.expand.free import Bindings, Free
from archspec.expand.functions import FUNCTIONS
from archspec.expand.place import Bundle, Place, Stream
from archspec.expand.values import Callee, Scope, Value, fail
from archspec.limits import TICKS, Budget
from archspec.op import Shape, names
from archspec.source import MOST_ERRORS, Diagnostic, Span, SpecError

Given = tuple[syntax.Arg, ...] | None


class Stop(Exception):
    """Ends a statement without a word: its cause is already reported."""


class Session(ABC):
    """One net being expanded: the draft, what is bound from outside, and what was found wrong."""

    def __init__(self, definitions: Definitions, bindings: Bindings, budget: Budget) -> None:
        self.draft = Draft(budget)
        self.budget = budget
        self.definitions = definitions
        self.bindings = bindings
        self.free = Free(definitions, bindings)
        # What the text of a call comes to, by the ids of its parts, which each entry keeps alive.
        self.plans: dict[tuple[str, int, int], Plan] = {}
        self.shorthands: dict[int, syntax.Layer] = {}
        self.merged: dict[tuple[int, int], tuple[Given, Given, tuple[syntax.Arg, ...]]] = {}
        self.name = "net"
        self.resized = False  # whether the command line gives an input another shape
        self.found: list[Diagnostic] = []
        self.warnings: dict[Any, Diagnostic] = {}
        self.looked_at: set[tuple[int, str, int]] = set()
        self.missing: set[str] = set()  # names whose own statement failed
        self.asserts: list[tuple[syntax.Assert, Place]] = []

    # ---------------------------------------------------------------- diagnostics

    def stop_if_broken(self) -> None:
        """Says nothing more of a label that is missing because the line that writes it failed."""
        if self.found:
            raise Stop

    def report(self, error: SpecError) -> None:
        """Keeps an error once, however many iterations meet it; a limit that is reached is the last."""
        seen = {(d.code, d.span) for d in self.found}
        self.found += [d for d in error.diagnostics if (d.code, d.span) not in seen]
        if len(self.found) >= MOST_ERRORS or any(d.code.startswith("A6") for d in error.diagnostics):
            self.raise_found()

    def raise_found(self) -> NoReturn:
        raise SpecError(tuple(self.found[:MOST_ERRORS]))

    def warn(self, code: str, message: str, span: Span, help: str = "") -> None:
        found = Diagnostic(code, message, span, help=help, severity="warning")
        self.warnings.setdefault((code, span), found)

    def is_new(self, settled: tuple[Settled, ...], span: Span) -> bool:
        """Whether a card so settled stands at a place of the text for the first time: a repeat says nothing again."""
        seen = len(self.looked_at)
        self.looked_at.add((id(settled), span.source.name, span.start))
        return len(self.looked_at) > seen

    # ---------------------------------------------------------------- values

    def values_in(self, scope: Scope, place: Place) -> Evaluator:
        def callee(expr: syntax.Ref | syntax.Call) -> Callee | None:
            return self.callee(expr, place)

        return Evaluator(scope, lambda tap: self.tapped(tap, place), callee, self.budget)

    def evaluator(self, place: Place) -> Evaluator:
        return self.values_in(place.scope, place)

    def callee(self, expr: syntax.Ref | syntax.Call, place: Place) -> Callee | None:
        """The operator or block an expression names, or None."""
        args = expr.args if isinstance(expr, syntax.Call) else None
        joins = args is not None and expr.name not in FUNCTIONS and (self.combines(expr.name) or expr.name in names())
        if place.definitions.block(expr.name) is None and not is_layer(expr.name) and not joins:
            return None
        return Callee(syntax.Layer(expr.span, expr.name, args, expr.span), place, expr.name)

    def one(self, stream: Stream, span: Span) -> int:
        """The node of a stream that has to be single."""
        if isinstance(stream, Bundle):
            choices = ", ".join(f".{name}" for name in stream.outputs)
            fail(
                "A311",
                f"{stream.block} has {len(stream.outputs)} outputs, and one is needed here",
                span,
                help=f"label it and read one of {choices}: @label.{next(iter(stream.outputs))}",
            )
        return stream

    def shape(self, stream: Stream, span: Span) -> Shape:
        return self.draft.nodes[self.one(stream, span)].shape

    # ---------------------------------------------------------------- flows

    def count_step(self, span: Span, place: Place, count: int = 1) -> None:
        """Steps count even where they make no node, so that nothing runs on without an end."""
        self.budget.spend(count * TICKS, span, place.path)

    def starts_itself(self, flow: syntax.Flow, place: Place) -> bool:
        """Whether a flow begins at INPUT, an input or a tap, rather than with what flows in."""
        core = flow.steps[0].core
        if isinstance(core, syntax.Tap):
            return True
        if isinstance(core, syntax.Layer):
            found, _ = place.scope.find(core.name)
            return core.name == "INPUT" or (core.name in place.body.streams and not found)
        if isinstance(core, syntax.Wire | syntax.Group):
            return all(self.starts_itself(branch.flow, place) for branch in core.branches)
        return False

    @abstractmethod
    def flow(self, flow: syntax.Flow, place: Place, incoming: Stream | None) -> Stream:
        """Runs a flow on a stream, or on nothing where it starts by itself."""

    @abstractmethod
    def combines(self, name: str) -> bool:
        """Whether a name is a combinator's, such as res or dense, which takes a flow in brackets."""

    @abstractmethod
    def tapped(self, tap: syntax.Tap, place: Place) -> Value:
        """What a tap is as a value: @x.channels."""


def is_layer(name: str) -> bool:
    """Whether a name is an operator's, as a value (`norm=GN`): joins are none."""
    return not name.islower() and name in names()
