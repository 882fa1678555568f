"""The expander: flows, repeats, options and layers become nodes."""

from __future__ import annotations

from typing import NoReturn

from archspec import syntax
from archspec.expand import joins, layers, lints, shorthand, taps
from archspec.expand.evaluate import iterate
from archspec.expand.free import staged, whole_count
from archspec.expand.place import Bundle, Loop, Place, Site, Stream, lowered
from archspec.expand.session import Session
from archspec.expand.values import Callee, Scope, Value, Word, fail, kind
from archspec.graph import Frame
from archspec.op import lookup
from archspec.source import Fix, Label, Span


class Expander(Session):
    """Runs flows: steps, repeats, options and groups."""

    def tapped(self, tap: syntax.Tap, place: Place) -> Value:
        return taps.value(self, tap, place)

    def combines(self, name: str) -> bool:
        return name in joins.COMBINATORS

    # ---------------------------------------------------------------- flows

    def flow(self, flow: syntax.Flow, place: Place, incoming: Stream | None) -> Stream:
        """Runs a flow on a stream, or on nothing where it starts by itself."""
        starts = self.starts_itself(flow, place)
        stream = None if starts else incoming
        if stream is None and not starts:
            self._nothing_to_read(flow, place)
        for position, step in enumerate(flow.steps):
            if position and not isinstance(step.core, syntax.Layer | syntax.Short):
                self._check_reads(step, place)
            elif (
                position
                and isinstance(step.core, syntax.Layer)
                and self.starts_itself(syntax.Flow(step.span, (step,)), place)
            ):
                self._drops(step)
            stream = self.step(step, place, stream)
        assert stream is not None
        return stream

    def _check_reads(self, step: syntax.Step, place: Place) -> None:
        if not self.starts_itself(syntax.Flow(step.span, (step,)), place):
            return
        if isinstance(step.core, syntax.Wire):
            fail(
                "A306",
                f"no branch of {step.core.name} reads the stream that flows in, so it would be lost",
                step.core.name_span,
                help="let one branch be ID, or start a new line with this join",
            )
        self._drops(step)

    def _drops(self, step: syntax.Step) -> NoReturn:
        fail(
            "A306",
            f"{step.core.span.text} in the middle of a flow would drop the stream that flows in",
            step.core.span,
            help="start a new line with it, or join: concat[ID | @name]",
        )

    def _nothing_to_read(self, flow: syntax.Flow, place: Place) -> NoReturn:
        core = flow.steps[0].core
        branches = core.branches if isinstance(core, syntax.Wire | syntax.Group) else ()
        for begins in (core, *(branch.flow.steps[0].core for branch in branches)):
            if isinstance(begins, syntax.Layer) and not layers.exists(begins.name, place):
                layers.unknown_layer(self, begins, place)
        name = core.name if isinstance(core, syntax.Layer | syntax.Wire) else core.span.text
        before = place.body.ends[-1][1] if place.body.ends else None
        labels = (Label(Span(before.source, before.end, before.end + 1), "this flow ends here"),) if before else ()
        fix = Fix(Span(core.span.source, core.span.start, core.span.start), "-> ") if before else None
        start = "or start the flow from INPUT or a tap '@name'"
        fail(
            "A304",
            f"{name} has nothing to read",
            core.name_span if isinstance(core, syntax.Wire) else core.span,
            caption="a new flow starts here",
            labels=labels,
            help=f"did the line above lose its '->'? write '-> {name}'; {start}"
            if before
            else f"begin the flow: INPUT -> {name}",
            fix=fix,
        )

    # ---------------------------------------------------------------- steps

    def step(self, step: syntax.Step, place: Place, stream: Stream | None) -> Stream:
        self.count_step(step.span, place)
        index = taps.place_of(self, step.mark.index, place) if step.mark and step.mark.index else ()
        if step.mark is not None:
            taps.check_label(step.mark, place)
        if step.option is not None and not self._is_on(step, place):
            self._reserve(step, place)
            result = stream
        else:
            result = self._repeated(step, step.repeats, Site(step.mark, index), place, stream)
        if result is None:
            help = "a flow begins with INPUT, an input or a tap that is always there"
            fail("A321", "this option is off, so the flow has no beginning", step.span, help=help)
        if step.mark is not None:
            taps.write(self, step.mark, index, result, place)
        return result

    def _is_on(self, step: syntax.Step, place: Place) -> bool:
        assert step.option is not None
        if step.option.condition is not None:
            return self.evaluator(place).switch(step.option.condition)
        name = step.mark.name if step.mark else getattr(step.core, "name", "")
        if not name:
            fail("A220", "an option on a group needs a name", step.option.span, help="label it: [ ... ]? as extra")
        found, value = place.scope.find(name)
        if found:
            value = staged(value, name, step.span, place)
        elif place.free:
            value = self.free.symbol(name, step.option.span, place, "whether it is there")
        else:
            fail(
                "A403",
                f"{name}? is a switch that nothing declares",
                step.option.span,
                help=f"declare it, param {name}? = on, or bind it here: {name}?(not last)",
            )
        if not isinstance(value, bool):
            fail("A202", f"{name}? is on or off, this is {kind(value)}", step.option.span)
        return value

    def _reserve(self, step: syntax.Step, place: Place) -> None:
        """An option that is off keeps its number, so that switching it renames nothing else."""
        self.count_step(step.span, place)
        taps.leave_out(step, place)
        if step.mark is None or isinstance(step.core, syntax.Group):
            name = self._single_name(step, place)
            if name and step.mark is None:
                place.counter.next(name)
            elif step.repeats:
                place.counter.next("r")
            elif isinstance(step.core, syntax.Group):
                for inner in step.core.branches[0].flow.steps:
                    self._reserve(inner, place)

    def _single_name(self, step: syntax.Step, place: Place) -> str | None:
        """What a step is named after: its layer or join; a group of one plain step counts as that step."""
        core = step.core
        if isinstance(core, syntax.Layer | syntax.Wire):
            return self._word(core.name, place)
        if isinstance(core, syntax.Short):
            return shorthand.operator(core)
        if isinstance(core, syntax.Group) and len(core.branches) == 1 and len(core.branches[0].flow.steps) == 1:
            inner = core.branches[0].flow.steps[0]
            if not inner.repeats and inner.option is None and inner.mark is None:
                return self._single_name(inner, place)
        return None

    def _word(self, name: str, place: Place) -> str:
        """What a layer or join called `name` is named after: the operator or block itself, whatever its spelling."""
        _, value = place.scope.find(name)
        if isinstance(value, Callee):
            return self._word(value.name, value.place)
        card = lookup(name) if place.definitions.block(name) is None else None
        return card.name if card is not None else name.rpartition(".")[2]

    def _repeated(
        self, step: syntax.Step, repeats: tuple[syntax.Repeat, ...], site: Site, place: Place, stream: Stream | None
    ) -> Stream | None:
        """The step, run as often as its outermost remaining repeat says."""
        if not repeats:
            return self.core(step.core, site, place, stream)
        repeat = repeats[-1]
        single = self._single_name(step, place) if len(repeats) == 1 else None
        name = lowered(site.mark, site.index) if site.mark else place.counter.next(single or "r")
        rows = self._iterations(repeat, place)
        if not rows:
            taps.leave_out(step, place)
        run = object()
        for i, values in enumerate(rows):
            self.count_step(step.span, place)
            values = {**values, "first": i == 0, "last": i == len(rows) - 1}
            path = f"{place.below(name)}.{i}"
            frame = Frame("repeat", name, path, step.span, index=i, count=len(rows), labelled=site.mark is not None)
            inner = place.inside(frame, scope=Scope(place.scope, values), loops=(*place.loops, Loop(run, i, len(rows))))
            stream = self._repeated(step, repeats[:-1], Site(lent=single is not None), inner, stream)
        return stream

    def _iterations(self, repeat: syntax.Repeat, place: Place) -> list[dict[str, Value]]:
        if repeat.loops:
            lints.square(self, repeat.loops)
            return iterate(repeat.loops, self.evaluator(place))
        assert repeat.count is not None
        self.count_step(repeat.span, place)
        evaluate = self.evaluator(place)

        def symbol(ref: syntax.Ref) -> Value:
            if place.free and ref.name not in ("first", "last", "cin"):
                return self.free.symbol(ref.name, ref.span, place, "how often the repeat runs")
            return Word(ref.name, ref.span)

        value = evaluate.but(free=symbol).need(repeat.count)
        name = repeat.count.name if isinstance(repeat.count, syntax.Ref) else "the count"
        count = whole_count(staged(value, name, repeat.span, place), repeat.count.span)
        if count > self.budget.limits.steps:
            self.count_step(repeat.span, place, count)
        return [{}] * count

    # ---------------------------------------------------------------- cores

    def core(self, core: syntax.Core, site: Site, place: Place, stream: Stream | None) -> Stream | None:
        match core:
            case syntax.Layer():
                return layers.run_layer(self, core, site, place, place, stream)
            case syntax.Short():
                layer = self.shorthands.get(id(core))
                if layer is None:
                    layer = self.shorthands[id(core)] = shorthand.layer(core)
                return layers.run_layer(self, layer, site, place, place, stream)
            case syntax.Wire():
                return joins.wire(self, core, site, place, stream)
            case syntax.Tap():
                found = taps.streams(self, core, place)
                if len(found) != 1:
                    help = f"join them: concat[{core.span.text}]"
                    fail("A221", f"{core.span.text} names {len(found)} streams", core.span, help=help)
                if not isinstance(found[0], Bundle):
                    self.draft.read.add(found[0])
                return found[0]
            case syntax.Group():
                return self._group(core, site, place, stream)

    def _group(self, group: syntax.Group, site: Site, place: Place, stream: Stream | None) -> Stream:
        if len(group.branches) > 1:
            fail(
                "A303",
                "parallel branches need a join",
                Span(group.span.source, group.span.start, group.span.start + 1),
                caption="which join?",
                help="write add[...] to sum, concat[...] to stack channels, mul[...] to gate",
            )
        branch = group.branches[0]
        if branch.loops or branch.guard is not None:
            help = "write STEP?(condition) for a step that may be absent, [ ... ]*(x in xs) for a repeat"
            fail("A302", "for and if belong to a branch of a join", branch.span, help=help)
        if site.lent:  # the repeat around took its name from the one step in here
            return self.core(branch.flow.steps[0].core, site, place, stream)  # type: ignore[return-value]
        return self.flow(branch.flow, place, stream)
