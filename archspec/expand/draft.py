"""The graph while it grows: cards are settled once per call site and shape, and nodes are appended."""

from __future__ import annotations

import re
from typing import Any, NamedTuple

from pydantic import ValidationError

from archspec import syntax
from archspec.expand.place import Place
from archspec.expand.values import fail, show
from archspec.graph import Graph, Node, Output
from archspec.limits import TICKS, Budget, over
from archspec.op import Op, RuleError, Shape, by, words
from archspec.record import Record
from archspec.source import Diagnostic, Label, Span, SpecError, nearest

Arguments = dict[str, tuple[Any, Span]]  # value and where it was written


class Plan(Record):
    """What a call gives a card, so far as its text tells: a block that is stamped a thousand times reads it once.

    `constants` are values already; `computed` are names and arguments to evaluate at every use, and whether they stand
    in the file's default rather than in the call; `missing` are required.
    """

    given: tuple[syntax.Arg, ...]  # kept, for a plan is found by its id
    constants: Arguments
    computed: tuple[tuple[str, syntax.Arg, bool], ...]
    missing: tuple[str, ...]


class Settled(NamedTuple):
    """One card made explicit for the shapes it reads, and the shape it gives."""

    op: Op
    shape: Shape


class Draft:
    """Nodes so far.  An operator used again with the same arguments and shapes is one object, so that what is known
    of it need not be computed again."""

    def __init__(self, budget: Budget) -> None:
        self.budget = budget
        self.nodes: list[Node] = []
        self.read: set[int] = set()  # nodes that some other node or a tap reads
        self._at: dict[str, int] = {}  # path -> index
        self._cards: dict[Any, Op] = {}
        self._settled: dict[tuple[int, tuple[Shape, ...]], tuple[Settled, ...]] = {}

    def card(self, card: type[Op], arguments: Arguments, span: Span, place: Place) -> Op:
        """The card with its arguments, validated.  Raises SpecError at the argument's own text."""
        values = {name: value for name, (value, _) in arguments.items()}
        key = (card, *((name, type(value), value) for name, value in values.items()))
        found = self._cards.get(key)
        if found is None:
            try:
                found = self._cards[key] = card(**values)
            except ValidationError as why:
                raise _refused(card, arguments, why, span) from None
        return found

    def settle(
        self, op: Op, inputs: tuple[int, ...], arguments: Arguments, span: Span, place: Place
    ) -> tuple[Settled, ...]:
        """What the card comes to here: itself settled, or its parts in order.  Raises SpecError with trace."""
        shapes = tuple(self.nodes[i].shape for i in inputs)
        key = (id(op), shapes)
        found = self._settled.get(key)
        if found is None:
            self.budget.spend(4 * TICKS, span, place.path)
            fewest, most = op.arity
            if len(shapes) < fewest or (most is not None and len(shapes) > most):
                wanted = (
                    f"{fewest}" if most == fewest else f"at least {fewest}" if most is None else f"{fewest} to {most}"
                )
                message = f"{op.name} reads {wanted} stream{'s' * (wanted != '1')} and gets {len(shapes)}"
                fail("A308", message, span, help=f"write {op.name}[{' | '.join('abcd'[:fewest])}]")
            try:
                found = self._settled[key] = tuple(_settle(op, shapes))
            except RuleError as why:
                raise self._broken(op, why, inputs, arguments, span, place) from None
            end = self.budget.limits.integer
            if any(max(settled.shape, default=0) > end for settled in found):
                message = f"{op.name} would give more than {end:,} channels or positions"
                over("A608", message, span, "integer", "use smaller sizes")
        return found

    def add(
        self,
        settled: Settled,
        inputs: tuple[int, ...],
        path: str,
        place: Place,
        span: Span,
    ) -> int:
        """Appends a node and returns its index."""
        limits = self.budget.limits
        if len(self.nodes) >= limits.nodes:
            over("A604", f"more than {limits.nodes:,} nodes, at {path}", span, "nodes")
        if len(path) > limits.path_length:
            message = f"a node's path has more than {limits.path_length:,} characters: {path[:60]}..."
            over("A613", message, span, "path_length", "give shorter names")
        self.budget.spend(3 * TICKS, span, path)
        if path in self._at:
            fail(
                "A110",
                f"two things are named {path}",
                span,
                help="give one of them another label: as NAME",
                labels=(Label(self.nodes[self._at[path]].span, "the other one"),),
            )
        shares = None
        if place.sharing is not None:
            owner = place.sharing.owner + path[len(place.sharing.here) :]
            shares = self._owner(owner, settled, inputs, span, place)
        node = Node(
            path=path,
            op=settled.op,
            inputs=inputs,
            shape=settled.shape,
            scope=place.frames,
            span=span,
            shares=shares,
        )
        self._at[path] = len(self.nodes)
        self.nodes.append(node)
        self.read.update(inputs)
        return len(self.nodes) - 1

    def _owner(self, path: str, settled: Settled, inputs: tuple[int, ...], span: Span, place: Place) -> int:
        index = self._at.get(path)
        if index is None:  # an `if` or a shortcut that depends on the shape decides otherwise there
            message = f"{path} is shared, and the first use has no such layer"
            fail("A309", message, span, help="give every use inputs of one shape, or write a block")
        owner = self.nodes[index]
        mine = settled.op.weights(*(self.nodes[i].shape for i in inputs))
        theirs = owner.op.weights(*(self.nodes[i].shape for i in owner.inputs))
        if [w.shape for w in mine] != [w.shape for w in theirs]:
            sizes = " and ".join(by(w[0].shape) for w in (theirs, mine))
            message = f"{path} is shared, and its weights would have two shapes: {sizes}"
            labels = (Label(place.frames[-1].span, "the use that differs"),) if place.frames else ()
            help = "every use of a shared flow reads the same channels; a block makes new weights at each use"
            fail("A309", message, span, labels=labels, help=help)
        if mine and settled.op != owner.op:  # one module cannot pad in two ways
            message = f"{path} is shared, and its padding would differ between its uses"
            fail("A309", message, span, help="give every use inputs of one size, or write the padding as numbers")
        return index

    def change(self, index: int, argument: str, value: Any) -> None:
        """Gives a node's card another value of an argument that no shape depends on."""
        node = self.nodes[index]
        key = id(node.op), argument, value
        changed = self._cards.get(key)
        if changed is None:
            changed = self._cards[key] = node.op.model_copy(update={argument: value})
        self.nodes[index] = node.model_copy(update={"op": changed})

    def graph(self, name: str, outputs: tuple[Output, ...]) -> Graph:
        return Graph(name=name, nodes=tuple(self.nodes), outputs=outputs)

    def _broken(
        self, op: Op, why: RuleError, inputs: tuple[int, ...], arguments: Arguments, span: Span, place: Place
    ) -> SpecError:
        """A card's refusal, at the argument it names, with the way in and the shapes on the way."""
        at = arguments[why.argument][1] if why.argument in arguments else span
        trace = [f"in: {step}" for step in way_in(place)]
        if inputs:
            trace.append(f"trace: {self.shapes_to(inputs[0])}")
        found = Diagnostic(why.code, why.message, at, help=why.help, trace=tuple(trace))
        return SpecError((found,))

    def shapes_to(self, index: int, most: int = 6) -> str:
        """The chain of shapes that leads to a node, block by block."""
        steps: list[str] = []
        at: int | None = index
        previous: object = None
        while at is not None:
            node = self.nodes[at]
            frame = next((f for f in node.scope if f.kind == "block" or (f.kind == "repeat" and f.labelled)), None)
            if frame is None or frame is not previous:
                name = frame.definition or frame.name if frame else node.op.name
                steps.append(f"{name} {by(node.shape)}")
            previous = frame
            at = node.inputs[0] if node.inputs else None
        steps.reverse()
        shown = steps if len(steps) <= most else [steps[0], "...", *steps[1 - most :]]
        return " -> ".join(shown)


def _settle(op: Op, shapes: tuple[Shape, ...]) -> list[Settled]:
    parts = op.parts(*shapes)
    out = []
    for part in parts or (op,):
        settled = part.settle(*shapes)
        shape = settled.infer(*shapes)
        out.append(Settled(settled, shape))
        shapes = (shape,)
    return out


def way_in(place: Place) -> list[str]:
    """The frames around a place, innermost first, as `Bottleneck(64, 1), iteration 1 of 3 at 7:8`."""
    lines: list[str] = []
    pending = ""
    for frame in reversed(place.frames):
        if frame.kind == "block":
            if pending:
                lines.append(pending)
            given = ", ".join(_shown(value) for _, value in frame.arguments)
            pending = f"{frame.definition}({given})" if given else frame.definition
        elif frame.kind == "repeat":
            step = f"iteration {frame.index + 1} of {frame.count} at {frame.span.place}"
            lines.append(f"{pending}, {step}" if pending else step)
            pending = ""
    return [*lines, pending] if pending else lines


def _shown(value: Any) -> str:
    if isinstance(value, str):
        return value  # a word, or an operator with its arguments
    return show(list(value)) if isinstance(value, tuple) and any(isinstance(v, tuple) for v in value) else show(value)


def _refused(card: type[Op], arguments: Arguments, why: ValidationError, span: Span) -> SpecError:
    """pydantic's complaint in the author's words; its location starts with the argument's name."""
    found: dict[str, Diagnostic] = {}  # a union complains once per member; the first is enough
    for error in why.errors(include_url=False):
        argument = str(error["loc"][0]) if error["loc"] else ""
        if argument in found:
            continue
        value, at = arguments.get(argument, (None, span))
        choices = words(card, argument)
        near = nearest(value, choices) if isinstance(value, str) else None
        help = f"did you mean {near}?" if near else f"{argument} takes {wanted(card, argument, choices)}"
        written = at.text if at.text.startswith("[") or at.text == value else show(value)
        if written.startswith("["):
            help += f"; one for each repeat is [ ... ]*(x in {written})"
        message = f"{card.name}'s {argument} cannot be {written}"
        found[argument] = Diagnostic("A204", message, at, help=help)
    return SpecError(tuple(found.values()))


def wanted(card: type[Op], argument: str, choices: tuple[str, ...]) -> str:
    """What an argument accepts, in human words, from its annotation and its words."""
    annotation = str(card.model_fields[argument].annotation) if argument in card.model_fields else ""
    kinds = []
    if "bool" in annotation:
        kinds.append("on or off")
    if "tuple" in annotation:
        kinds.append(f"a size{' from 1,' if 'gt=0' in annotation else ''} such as 3 or 3x3")
    elif "int" in annotation:
        kinds.append("a whole number" + _bounds(card, argument, 1))
    elif "float" in annotation:
        kinds.append("a number" + _bounds(card, argument, 0))
    return ", or ".join([*kinds, *([", ".join(choices)] if choices else [])]) or "another value"


def _bounds(card: type[Op], argument: str, step: int) -> str:
    """` from 1 to 5`: what the field's constraints leave; `step` is 1 for whole numbers, whose limits can be named."""
    field = card.model_fields[argument]
    limits = dict(re.findall(r"\b(gt|ge|lt|le)=(-?[0-9.]+)", f"{field.annotation} {field.metadata}"))
    low = f" from {limits['ge']}" if "ge" in limits else ""
    high = f" to {limits['le']}" if "le" in limits else ""
    if "gt" in limits:
        low = f" from {int(limits['gt']) + 1}" if step else f" above {limits['gt']}"
    if "lt" in limits:
        high = (" to" if low else "") + f" below {limits['lt']}"
    return low + high
