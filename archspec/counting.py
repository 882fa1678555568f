"""Counts an analysed network as another tool does."""

from __future__ import annotations

from archspec.analyze import Analysis
from archspec.conventions import CONVENTIONS, Convention, Rule, Use
from archspec.op import Shape
from archspec.record import Record
from archspec.source import Diagnostic, SpecError


class Kind(Record):
    """What a convention makes of all nodes of one operator: its number or None, and the rule in words."""

    operator: str
    macs: int
    count: int | None
    why: str


class Tally(Record):
    """A network counted by a convention, for the whole batch: by node, and by operator in the order of first use.

    An operator that the convention has no number for has None, and so has a total that it would be part of.
    """

    convention: Convention
    total: int | None
    rows: tuple[int | None, ...]
    kinds: tuple[Kind, ...]


def tally(analysis: Analysis, convention: str) -> Tally:
    """Counts by the convention of this name.  Raises SpecError for a name that is none."""
    if convention not in CONVENTIONS:
        raise SpecError((Diagnostic("A204", f"no convention {convention}", expected=tuple(CONVENTIONS)),))
    chosen, graph = CONVENTIONS[convention], analysis.graph
    known: dict[tuple[int, tuple[Shape, ...]], int | None] = {}  # nodes of one call site hold one operator
    rows: list[int | None] = []
    for node, row in zip(graph.nodes, analysis.rows, strict=True):
        xs = graph.shapes_into(node)
        if (id(node.op), xs) not in known:
            rule = chosen.rule(node.op.name)
            each = (
                rule.number(Use(node.op, node.shape, xs, row.macs // analysis.batch, analysis.batch)) if rule else None
            )
            known[id(node.op), xs] = None if each is None else int(each * analysis.batch)
        rows.append(known[id(node.op), xs])
    return Tally(chosen, _sum(rows), tuple(rows), _kinds(analysis, chosen, rows))


def count(analysis: Analysis, convention: str) -> Tally:
    """As `tally`, for who needs the total.  Raises SpecError where the convention has no number for an operator."""
    counted = tally(analysis, convention)
    unknown: dict[str, Diagnostic] = {}
    for node, number in zip(analysis.graph.nodes, counted.rows, strict=True):
        if number is None and node.op.name not in unknown:
            message = f"{convention} has no number for {node.op.name}"
            rule = counted.convention.rule(node.op.name)
            help = "another convention, or see what is known: archspec reconcile"
            unknown[node.op.name] = Diagnostic(
                "A204", message, node.span, help=help, notes=(f"its rule: {rule.why if rule else 'not known'}",)
            )
    if unknown:
        raise SpecError(tuple(unknown.values()))
    return counted


def _sum(numbers: list[int | None]) -> int | None:
    known = [number for number in numbers if number is not None]
    return sum(known) if len(known) == len(numbers) else None


def _kinds(analysis: Analysis, convention: Convention, rows: list[int | None]) -> tuple[Kind, ...]:
    places: dict[str, list[int]] = {}
    for index, node in enumerate(analysis.graph.nodes):
        places.setdefault(node.op.name, []).append(index)
    kinds = []
    for operator, nodes in places.items():
        rule: Rule | None = convention.rule(operator)
        macs = sum(analysis.rows[index].macs for index in nodes)
        kinds.append(Kind(operator, macs, _sum([rows[index] for index in nodes]), rule.why if rule else "not known"))
    return tuple(kinds)
