"""Constructor calls as terms, and what several of them have in common (anti-unification)."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import groupby
from typing import Any, NamedTuple

from archspec.emit.torch.signatures import REQUIRED

UNKNOWN: Any = object()  # what a slot would be in a stamp that never uses it


class Const(NamedTuple):
    """A value handed to a constructor.  `what` is the argument's name, `role` what may be derived from it."""

    value: Any
    what: str
    role: str
    default: Any = REQUIRED


class Slot:
    """The place of a constant, with its value in every stamp; `text` is how the code writes it, once that is known."""

    __slots__ = ("default", "offset", "role", "text", "values", "what")

    def __init__(self, values: tuple[Any, ...], what: str, role: str, default: Any = REQUIRED, offset: int = 0) -> None:
        self.values, self.what, self.role, self.default = values, what, role, default
        self.offset = offset  # a count of iterations after this many others
        self.text = ""


class Make(NamedTuple):
    """`function(arguments)`; a positional argument has the key ""."""

    function: str
    arguments: tuple[tuple[str, Any], ...]  # (key, Const or Slot)


class Chain(NamedTuple):
    """Layers in series, by name: nn.Sequential(OrderedDict(...))."""

    layers: tuple[tuple[str, Any], ...]


class Repeat(NamedTuple):
    """The iterations of a repeat that form a series; every one a term."""

    steps: tuple[Any, ...]


class Affine(NamedTuple):
    """start + step * i in iteration i."""

    start: Any
    step: Any


class Run(NamedTuple):
    """Consecutive iterations written once: `term` for i in range(times)."""

    term: Any
    times: Slot


class Runs(NamedTuple):
    """A repeat, told by runs: nn.Sequential(first, *[then for _ in range(n)])."""

    runs: tuple[Run, ...]


class Call(NamedTuple):
    """A template of a forward call: text and constants in turn."""

    parts: tuple[Any, ...]  # str, or Const or Slot


class Differ(Exception):
    """Stamps have no common form."""


def form(term: Any) -> Any:
    """What has to agree for two terms to become one class: everything but the constants and the lengths of repeats."""
    match term:
        case Const():
            return term.what
        case Make():
            return term.function, tuple((key, form(value)) for key, value in term.arguments)
        case Chain():
            return "chain", tuple((name, form(layer)) for name, layer in term.layers)
        case Repeat():
            return Forms(key for key, _ in groupby(map(form, term.steps)))
        case Call():
            return tuple(part if isinstance(part, str) else form(part) for part in term.parts)
    return term


class Forms(tuple[Any, ...]):
    """The forms of a repeat's iterations, each once in a row."""


def begins(short: Any, long: Any) -> bool:
    """Whether `short` is `long` but for repeats that stop earlier: their last groups of iterations are missing."""
    if short == long:
        return True
    if not isinstance(short, tuple) or type(short) is not type(long):
        return False
    if isinstance(short, Forms):
        return len(short) < len(long) and all(map(begins, short, long))
    return len(short) == len(long) and all(map(begins, short, long))


def lengths(term: Any) -> Any:
    """The lengths of the repeats in a term: what is added to its form where stamps differ too much to be one class."""
    if isinstance(term, Repeat):
        return tuple(len(list(same)) for _, same in groupby(map(form, term.steps)))
    if isinstance(term, Chain):
        return tuple(lengths(layer) for _, layer in term.layers)
    return 0


def generalize(rows: list[Any]) -> Any:
    """The common term of several of one form, one row per stamp (None: unknown there), with slots for the constants.

    Raises Differ where the iterations of a repeat follow no common rule.
    """
    known = next(row for row in rows if row is not None)
    match known:
        case Const():
            values = tuple(UNKNOWN if row is None else row.value for row in rows)
            return Slot(values, known.what, known.role, known.default)
        case Make():
            return Make(known.function, _arguments(rows, known.arguments))
        case Chain():
            return Chain(_arguments(rows, known.layers))
        case Affine():
            return Affine(*(generalize([None if row is None else row[i] for row in rows]) for i in (0, 1)))
        case Repeat():
            return _runs(rows)
        case Call():
            parts = range(len(known.parts))
            columns = [[None if row is None else row.parts[i] for row in rows] for i in parts]
            return Call(tuple(c if isinstance(c, str) else generalize(columns[i]) for i, c in enumerate(known.parts)))
    return known


def _arguments(rows: list[Any], known: tuple[tuple[str, Any], ...]) -> tuple[tuple[str, Any], ...]:
    return tuple(
        (key, generalize([None if row is None else row[-1][i][1] for row in rows])) for i, (key, _) in enumerate(known)
    )


def _runs(rows: list[Any]) -> Runs:
    """The iterations of a repeat in every stamp, by groups of one form, as runs."""
    groups = [[] if row is None else [list(same) for _, same in groupby(row.steps, key=form)] for row in rows]
    totals = tuple(UNKNOWN if row is None else len(row.steps) for row in rows)
    runs: list[Run] = []
    for g in range(max(map(len, groups))):
        stamps = [group[g] if g < len(group) else [] for group in groups]
        runs += _constant(stamps, totals) or _growing(stamps, totals) or _after_first(stamps, totals) or _listed(stamps)
    return Runs(tuple(runs))


def _count(stamps: list[list[Any]], totals: tuple[Any, ...], less: int = 0) -> Slot:
    """How long a run is; `offset`: by how much it is shorter than the whole repeat, where that is always the same."""
    counts = tuple(len(steps) - less for steps in stamps)
    short = {total - count for total, count in zip(totals, counts, strict=True) if total is not UNKNOWN}
    return Slot(counts, "depth", "count", offset=short.pop() if len(short) == 1 else -1)


def _constant(stamps: list[list[Any]], totals: tuple[Any, ...]) -> list[Run]:
    if any(step != steps[0] for steps in stamps for step in steps):
        return []
    return [Run(generalize([steps[0] if steps else None for steps in stamps]), _count(stamps, totals))]


def _growing(stamps: list[list[Any]], totals: tuple[Any, ...]) -> list[Run]:
    """Iterations whose constants grow by equal steps, as the inputs of a dense block do.  Two show no rule."""
    if max(map(len, stamps)) < 3 or any(_has_repeat(step) for steps in stamps for step in steps):
        return []
    columns = [[list(constants(step)) for step in steps] for steps in stamps]
    width = max(len(rows[0]) for rows in columns if rows)
    moving = {i for i in range(width) if any(row[i] != rows[0][i] for rows in columns for row in rows)}
    if not all(_grows([[row[i].value for row in rows] for rows in columns]) for i in moving):
        return []
    terms = [_moving_term(steps, moving) if steps else None for steps in stamps]
    return [Run(generalize(terms), _count(stamps, totals))]


def _grows(series: list[list[Any]]) -> bool:
    """Whether every stamp's numbers rise or fall by equal steps, and three of one stamp show it."""
    shown = False
    for values in series:
        if any(type(value) is not int for value in values):
            return False
        steps = {b - a for a, b in zip(values, values[1:], strict=False)}
        if len(steps) > 1:
            return False
        shown = shown or (len(values) > 2 and steps != {0})
    return shown


def _moving_term(steps: list[Any], moving: set[int]) -> Any:
    """The first iteration with Affine in place of the constants that move."""
    first = list(constants(steps[0]))
    second = list(constants(steps[1])) if len(steps) > 1 else first
    places = iter(range(len(first)))

    def rebuild(term: Any) -> Any:
        match term:
            case Const():
                i = next(places)
                if i not in moving:
                    return term
                step = UNKNOWN if len(steps) == 1 else second[i].value - term.value
                return Affine(term, Const(step, "growth", "channels" if term.role == "channels" else "other"))
            case Make():
                return Make(term.function, tuple((key, rebuild(value)) for key, value in term.arguments))
            case Chain():
                return Chain(tuple((key, rebuild(value)) for key, value in term.layers))
        return term

    return rebuild(steps[0])


def _after_first(stamps: list[list[Any]], totals: tuple[Any, ...]) -> list[Run]:
    """A first iteration, and the rest alike: it takes in another number of channels."""
    if any(not steps or any(step != steps[1] for step in steps[2:]) for steps in stamps):
        return []
    if all(len(steps) == 2 for steps in stamps):
        return _listed(stamps)
    once = Slot((1,) * len(stamps), "depth", "count")
    first = Run(generalize([steps[0] if steps else None for steps in stamps]), once)
    if max(map(len, stamps)) == 1:
        return [first]
    rest = generalize([steps[1] if len(steps) > 1 else None for steps in stamps])
    return [first, Run(rest, _count(stamps, totals, less=1))]


def _listed(stamps: list[list[Any]]) -> list[Run]:
    """One run for every iteration, or for several alike in all stamps."""
    size = len(stamps[0])
    if any(len(steps) != size for steps in stamps):
        raise Differ
    runs: list[Run] = []
    start = 0
    for i in range(1, size + 1):
        if i < size and all(steps[i] == steps[start] for steps in stamps):
            continue
        count = Slot((i - start,) * len(stamps), "depth", "count")
        runs.append(Run(generalize([steps[start] for steps in stamps]), count))
        start = i
    return runs


def constants(term: Any) -> Iterator[Any]:
    """Every Const or Slot of a term, from left to right."""
    match term:
        case Const() | Slot():
            yield term
        case Make() | Chain():
            for _, inner in term[-1]:
                yield from constants(inner)
        case Affine():
            yield from constants(term.start)
            yield from constants(term.step)
        case Runs():
            for run in term.runs:
                yield from constants(run.term)
                yield run.times
        case Call():
            for part in term.parts:
                if not isinstance(part, str):
                    yield part


def _has_repeat(term: Any) -> bool:
    if isinstance(term, Repeat):
        return True
    return isinstance(term, Chain) and any(_has_repeat(layer) for _, layer in term.layers)
