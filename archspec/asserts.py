"""What a spec asserts of itself, checked against its analysis."""

from __future__ import annotations

from dataclasses import replace
from heapq import nlargest
from typing import TYPE_CHECKING, Any, NoReturn

from archspec import syntax
from archspec.analyze import Analysis, Row
from archspec.expand.evaluate import Evaluator
from archspec.expand.lints import COUNTS as COUNTS
from archspec.expand.nets import Requirement
from archspec.expand.taps import shape_fact
from archspec.expand.values import Scope, Value, Word, fail, kind, show
from archspec.field import Field
from archspec.limits import deep
from archspec.source import Diagnostic, Fix, Span, SpecError, nearest

if TYPE_CHECKING:
    from archspec.memory import Memory
    from archspec.work import Work

_SHAPES = ("channels", "height", "width", "length", "depth", "shape")
_COMPARE = ("==", "!=", "<", "<=", ">", ">=")
_KINDS: tuple[tuple[type, ...], ...] = ((tuple,), (list,), (str,), (int, float, bool))
_HEAVIEST = 3
_PEAKS = ("peak_memory", "peak_activations")  # what inference takes with its weights, and without
_LOOKS = 2  # rows that are looked through in the time of one tick


def failures(requirements: tuple[Requirement, ...], analysis: Analysis) -> tuple[Diagnostic, ...]:
    """A diagnostic for every assert that does not hold.  Raises SpecError for one that makes no sense."""
    facts, found = _totals(analysis), []
    budget = requirements[0].evaluate.budget.renewed() if requirements else None
    for requirement in requirements:
        assert budget is not None
        evaluate = requirement.evaluate.but(budget=budget)
        with deep(requirement.statement.span):
            found.append(_check(replace(requirement, evaluate=evaluate), facts, analysis))
    return tuple(d for d in found if d is not None)


class _Facts(dict[str, Any]):
    """Facts by name; one that takes an analysis of its own is a function until somebody asks for it."""

    def __getitem__(self, name: str) -> Any:
        value = super().__getitem__(name)
        if callable(value):
            value = self[name] = value()
        return value

    def beside(self, scope: Scope) -> _Facts:
        """Those that hide no name of the spec: what came into the language later gives way to it."""
        return _Facts({name: fact for name, fact in self.items() if not callable(fact) or not scope.find(name)[0]})


def _totals(analysis: Analysis) -> _Facts:
    """What an assert can name without a tap: totals, and the first output's shape."""
    totals = analysis.totals
    first = analysis.graph.nodes[analysis.graph.outputs[0].node]
    facts = _Facts({name: getattr(totals, name) for name in (*COUNTS, "depth")})
    extent = _extent(totals.field)
    if extent is not None:
        facts["receptive_field"] = extent
    for name in _SHAPES:
        try:
            facts[f"output.{name}"] = shape_fact(first.shape, name, first.span)
        except SpecError:
            continue  # a vector has no height; an assert that asks for one is told so
    facts["peak_memory"] = lambda: _memory(analysis).total
    facts["peak_activations"] = lambda: _memory(analysis).part("activations")
    facts["connections"] = lambda: _work(analysis).connections
    facts["neurons"] = lambda: _work(analysis).neurons
    return facts


def _memory(analysis: Analysis) -> Memory:
    from archspec.memory import infer  # few specs ask for it

    return infer(analysis)


def _work(analysis: Analysis) -> Work:
    from archspec.work import count_work  # few specs ask for it

    return count_work(analysis)


def _extent(field: Field | None) -> int | None:
    """The size of a receptive field on its longest axis; None where it is not known, or global and nothing else."""
    return max((axis.size for axis in field.axes), default=None) if field is not None else None


def _no_extent(span: Span) -> NoReturn:
    help = "the Field column of archspec analyze says as much: global, or ?"
    fail("A114", "there is no local receptive field here", span, help=help)


def _check(requirement: Requirement, facts: _Facts, analysis: Analysis) -> Diagnostic | None:
    """The failure of one assert, saying by how much and which layers weigh most, or None."""
    statement, condition = requirement.statement, requirement.statement.condition
    scope = requirement.evaluate.scope
    evaluate = requirement.evaluate.but(
        scope=Scope(scope, facts.beside(scope)),
        tap=lambda tap: _tapped(tap, requirement, analysis),
        free=lambda ref: _unknown(ref, requirement, facts, analysis),
    )
    if _holds(condition, evaluate):
        return None
    notes: list[str] = []
    for part in _comparisons(condition):
        if not evaluate.switch(part):
            left, right = evaluate(part.left), evaluate(part.right)
            off = f", off by {_grouped(abs(left - right))}" if _numbers(left, right) and left != right else ""
            notes.append(f"{part.left.span.text} is {_grouped(left)}, not {part.op} {_grouped(right)}{off}")
            evaluate.budget.spend(len(analysis.rows) // _LOOKS, part.span)
            notes += _heaviest(part, analysis)
    message = f"assert failed: {statement.message}" if statement.message else "assert failed"
    trace = tuple(f"in: {step}" for step in requirement.way)
    return Diagnostic("A501", message, condition.span, notes=tuple(dict.fromkeys(notes)), trace=trace)


def _holds(condition: syntax.Expr, evaluate: Evaluator) -> bool:
    """Whether a condition is on.  Numbers are none: `params == 5 or 6` would hold whatever there is."""
    compared: syntax.Binary | None = None
    for part in _parts(condition):
        if isinstance(part, syntax.Literal) and _numbers(part.value):
            before = f"{compared.left.span.text} {compared.op}" if compared else "params =="
            _no_condition(part, f"compare it: {before} {part.span.text}")
        compared = part if isinstance(part, syntax.Binary) and part.op in _COMPARE else compared
    return _decide(condition, evaluate)


def _decide(condition: syntax.Expr, evaluate: Evaluator) -> bool:
    if isinstance(condition, syntax.Binary) and condition.op in ("and", "or"):
        left = _decide(condition.left, evaluate)
        return _decide(condition.right, evaluate) if left == (condition.op == "and") else left
    if isinstance(condition, syntax.Binary) and condition.op in ("==", "!="):
        _check_kinds(condition, evaluate.need(condition.left), evaluate.need(condition.right))
    value = evaluate.need(condition)
    if _numbers(value):
        written = condition.span.text
        written = f"({written})" if isinstance(condition, syntax.IfElse) else written
        _no_condition(condition, f"compare it: {written} == {value:_}")
    return value if isinstance(value, bool) else evaluate.switch(condition)


def _check_kinds(condition: syntax.Binary, left: Value, right: Value) -> None:
    """Refuses to compare sizes, a list, a text or a number with another of these: they are never equal."""
    first, second = (next((k for k in _KINDS if type(value) in k), ()) for value in (left, right))
    if not first or not second or first == second:
        return
    help = "leave the quotes out" if str in (type(left), type(right)) else f"{condition.left.span.text} is {show(left)}"
    fail("A202", f"{kind(left)} and {kind(right)} are never equal", condition.span, help=help)


def _no_condition(part: syntax.Expr, help: str) -> NoReturn:
    fail("A202", "an assert needs a condition (on/off) and this is a number", part.span, help=help)


# What a fact is called elsewhere.
_CALLED = {
    "params": ("parameters", "num_params", "n_params", "num_parameters", "total_params", "trainable_params"),
    "macs": ("mac", "madds", "mult_adds", "multadds"),
    "peak_memory": ("memory", "ram"),
    "depth": ("layers", "num_layers", "n_layers"),
    "receptive_field": ("rf", "field"),
    "output.shape": ("output", "shape", "output_shape", "out_shape"),
} | {f"output.{name}": (name,) for name in _SHAPES if name not in ("depth", "shape")}


def _unknown(ref: syntax.Ref, requirement: Requirement, facts: _Facts, analysis: Analysis) -> Value:
    """Says what a name that nothing defines is in an assert, or leaves it to be told as anywhere else."""
    first, _, last = ref.name.partition(".")
    nodes, message = analysis.graph.nodes, f"nothing is named {ref.name}"
    if ref.name == "receptive_field":
        _no_extent(ref.span)
    if first == "output" and last:
        shape = nodes[analysis.graph.outputs[0].node].shape
        what = ("a vector of", "a sequence of", "a map of", "a volume of")[min(len(shape), 4) - 1]
        there = [name for name in facts if name.startswith("output.")]
        near = nearest(ref.name, there)
        help = f"did you mean {near}?" if near else f"there are {', '.join(there)}"
        help = f"{last} alone is the network's" if last in facts else help
        written = show(shape) if len(shape) > 1 else shape[0]
        fail("A114", f"the output is {what} {written}, it has no {last}", ref.span, help=help)
    if last and _is_labelled(first, requirement):
        fix = Fix(Span(ref.span.source, ref.span.start, ref.span.start), "@")
        fail("A102", message, ref.span, help=f"{first} is a label: write @{ref.name}", fix=fix)
    meant = next((fact for fact, names in _CALLED.items() if ref.name.lower() in names), None)
    if meant is not None:
        fail("A102", message, ref.span, caption="unknown", help=f"did you mean {meant}?")
    if last and any(node.path == first for node in nodes):
        fail("A102", message, ref.span, help=f"give the step a label, as {first}, and write @{ref.name}")
    return Word(ref.name, ref.span)


def _is_labelled(name: str, requirement: Requirement) -> bool:
    try:
        requirement.path_of(syntax.Tap(requirement.statement.span, name, ()))
    except SpecError as error:
        return error.diagnostics[0].code != "A113"  # one of many has a name too
    return True


def _tapped(tap: syntax.Tap, requirement: Requirement, analysis: Analysis) -> Value:
    """@x.channels, @x.receptive_field, @x.macs: facts of a labelled step, a block's counts being its layers' sum."""
    last = tap.access[-1] if tap.access else None
    if not isinstance(last, syntax.Attr) or last.name in _SHAPES:
        return requirement.evaluate.tap(tap)
    path = requirement.path_of(syntax.Tap(tap.span, tap.name, tap.access[:-1]))
    requirement.evaluate.budget.spend(len(analysis.rows) // _LOOKS, tap.span)
    rows = [row for row in analysis.rows if analysis.graph.nodes[row.index].path == path]
    if not rows:
        fail("A502", f"@{tap.name} is not in this network", tap.span, help="it was left out with an output")
    if last.name == "receptive_field":
        extent = _extent(rows[0].field)
        return _no_extent(last.span) if extent is None else extent
    if last.name not in COUNTS:
        known = (*COUNTS, *_SHAPES, "receptive_field")
        near = nearest(last.name, known)
        hint = f"did you mean {near}?" if near else f"there are {', '.join(known)}"
        fail("A114", f"a step has no {last.name}", last.span, help=hint)
    return sum(getattr(row, last.name) for row in _under(path, tap.name.lower(), rows, analysis))


def _under(path: str, label: str, rows: list[Row], analysis: Analysis) -> list[Row]:
    """The rows of a labelled step: the node, or everything below the level of that name."""
    segments = path.split(".")
    if label not in segments:
        return rows
    level = ".".join(segments[: len(segments) - segments[::-1].index(label)])
    nodes = analysis.graph.nodes
    return [r for r in analysis.rows if nodes[r.index].path == level or nodes[r.index].path.startswith(f"{level}.")]


def _heaviest(part: syntax.Binary, analysis: Analysis) -> list[str]:
    """The layers with most of what a failed budget counts."""
    name = part.left.name if isinstance(part.left, syntax.Ref) else ""
    if part.op not in ("<", "<="):
        return []
    if name in _PEAKS:
        memory = _memory(analysis)
        held = (f"{held.path} {_grouped(held.bytes)}" for held in memory.tensors)
        return [f"in memory while {memory.peak_at} runs: {', '.join(held)}"]
    if name not in COUNTS:
        return []
    rows = nlargest(_HEAVIEST, analysis.rows, key=lambda row: getattr(row, name))
    told = (f"{analysis.graph.nodes[row.index].path} {_grouped(getattr(row, name))}" for row in rows)
    return [f"most of it: {', '.join(told)}"]


def _numbers(*values: Value) -> bool:
    return all(isinstance(v, int | float) and not isinstance(v, bool) for v in values)


def _grouped(value: Value) -> str:
    return f"{value:,}" if _numbers(value) else show(value)


def _comparisons(condition: syntax.Expr) -> list[syntax.Binary]:
    """The comparisons that an assert's `and`s and `or`s connect."""
    return [part for part in _parts(condition) if isinstance(part, syntax.Binary) and part.op in _COMPARE]


def _parts(condition: syntax.Expr) -> list[syntax.Expr]:
    """What an assert's `and`s and `or`s connect."""
    if isinstance(condition, syntax.Binary) and condition.op in ("and", "or"):
        return _parts(condition.left) + _parts(condition.right)
    return [condition]
