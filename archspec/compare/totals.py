"""The totals of networks side by side."""

from __future__ import annotations

from collections.abc import Sequence

from archspec.analyze import Analysis
from archspec.compare.table import Cell, Table
from archspec.report.wording import bytes_text, field_text, shape_text


def totals(analyses: Sequence[Analysis]) -> Table:
    """What each network takes, has and costs; millions and billions are rounded as papers round them."""
    rows = [
        ("input", [", ".join(shape_text(a.graph.nodes[i].shape) for i in a.graph.inputs) for a in analyses]),
        ("weight layers", [str(a.totals.depth) for a in analyses]),
        ("parameters", [f"{a.totals.params:,}" for a in analyses]),
        ("in millions", [_rounded(a.totals.params, 6) for a in analyses]),
        ("MACs", [f"{a.totals.macs:,}" for a in analyses]),
        ("in billions", [_rounded(a.totals.macs, 9) for a in analyses]),
        ("weights", [bytes_text(a.totals.weight_bytes) for a in analyses]),
        ("field", [field_text(a.totals.field) for a in analyses]),
    ]
    head = ("", *(a.graph.name for a in analyses))
    return Table(head, tuple(tuple(map(Cell, (name, *texts))) for name, texts in rows))


def _rounded(count: int, power: int) -> str:
    """A count in millions or billions: whole from 100 on, otherwise to two digits after the point."""
    value = count / 10**power
    return f"{value:.0f}" if value >= 100 else f"{value:.1f}" if value >= 10 else f"{value:.2f}"
