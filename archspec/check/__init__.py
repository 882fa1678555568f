"""Everything that can be known of a spec without emitting: syntax, names, shapes, asserts, warnings, of every net."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import replace

from archspec.expand.choose import candidates
from archspec.expand.definitions import Definitions
from archspec.expand.holes import Hole, find_holes
from archspec.expand.lints import lints
from archspec.expand.nets import unknown_names
from archspec.limits import DEFAULT, Budget, Limits
from archspec.model import Model, define, open_net
from archspec.record import Record
from archspec.silence import heard, misspelt
from archspec.source import Diagnostic, Source, SpecError

ASSERT_FAILED = "A501"
# What is to be bound from outside is no mistake of the text.
_OPEN = ("A401", "A402", "A404")
# A value to try for each kind of hole; what depends on it is not reported.
_TRIED: dict[str, str | bool] = {"count": "1", "option": True, "argument": "64", "input": "3x224x224"}


class Checked(Record):
    """What was found in one spec.  `nets` were expanded; `skipped` need arguments that only a caller can give."""

    source: Source
    nets: tuple[str, ...]
    skipped: tuple[str, ...]
    findings: tuple[Diagnostic, ...]

    def count(self, severity: str) -> int:
        return sum(finding.severity == severity for finding in self.findings)

    @property
    def is_valid(self) -> bool:
        """Whether the text is a spec; an assert that fails says so of a valid one."""
        return all(f.severity != "error" or f.code == ASSERT_FAILED for f in self.findings)


def check(source: Source, net: str | None = None, limits: Limits = DEFAULT, *, advice: bool = False) -> Checked:
    """Checks every net that needs no arguments, or the one named `net`; with `advice` says what rules of thumb say too.

    Raises UsageError where there is none.
    """
    budget = Budget(limits)
    try:
        definitions = define(source, budget)
    except SpecError as error:
        return Checked(source, (), (), error.diagnostics)
    nets = [net] if net else candidates(definitions)
    skipped = () if net else tuple(name for name in definitions.nets if name not in nets)
    # of the text, whatever is expanded
    found = [("", finding) for finding in (*misspelt(source), *heard(lints(definitions)))]
    for name in nets:
        found += [(name, finding) for finding in _of_net(definitions, name, budget, advice)]
        if any(finding.code.startswith("A6") for _, finding in found):
            break  # the limits are of the whole text: nothing is left of them for the other nets
    if not definitions.nets and (definitions.statements or not definitions.blocks):
        found += [("", finding) for finding in _of_flow(definitions, budget, advice)]
    told = {finding.span for _, finding in found if finding.severity == "error"}
    names = unknown_names(definitions, budget, values=not told)
    found += [("", finding) for finding in names if finding.span not in told]
    return Checked(source, tuple(nets), skipped, tuple(_once(found, several=len(nets) > 1)))


def _of_net(definitions: Definitions, net: str | None, budget: Budget, advice: bool) -> Iterator[Diagnostic]:
    return of_model(lambda: open_net(definitions, net, {}, budget=budget), advice)


def of_model(opened: Callable[[], Model], advice: bool) -> Iterator[Diagnostic]:
    """What is found in one network as it is opened, and in what it asserts."""
    try:
        model = opened()
        yield from model.warnings
        yield from model.failures()
        if advice:
            yield from model.advice()
    except SpecError as error:
        yield from (_as_open(d) if d.code in _OPEN else d for d in error.diagnostics)


def _as_open(diagnostic: Diagnostic) -> Diagnostic:
    notes = (*diagnostic.notes, "what stands behind it is not checked")
    return replace(diagnostic, severity="note", notes=notes)


def _of_flow(definitions: Definitions, budget: Budget, advice: bool) -> Iterator[Diagnostic]:
    """A flow outside any net; where it leaves something open, at least the names in it are checked."""
    holes = find_holes(definitions)
    found = [*_of_net(definitions, None, budget, advice)]
    if holes and any(finding.code in _OPEN for finding in found):
        yield from _names(definitions, holes, budget)
    yield from found


def _names(definitions: Definitions, holes: tuple[Hole, ...], budget: Budget) -> Iterator[Diagnostic]:
    """What is wrong with names and arguments whatever is bound to the holes."""
    try:
        open_net(definitions, None, {hole.name: _TRIED[hole.kind] for hole in holes}, budget=budget)
    except SpecError as error:
        yield from (d for d in error.diagnostics if d.code.startswith("A1") or d.code == "A201")


def _once(found: list[tuple[str, Diagnostic]], *, several: bool) -> Iterator[Diagnostic]:
    """One cause is one finding, however many nets stamp the block it is in; asserts are each net's own."""
    seen: set[object] = set()
    for net, finding in found:
        span = finding.span
        place = (span.source.name, span.start, span.end) if span else None
        own = net if finding.code == ASSERT_FAILED else ""
        if (key := (finding.code, place, finding.message, own)) not in seen:
            seen.add(key)
            yield replace(finding, trace=(f"net: {own}", *finding.trace)) if own and several else finding
