"""A network by every convention side by side, and which operators make the differences."""

from __future__ import annotations

import json
from collections.abc import Sequence

from archspec import __version__
from archspec.analyze import Analysis
from archspec.counting import Tally
from archspec.report.grid import aligned, pipes, prose, stacked
from archspec.report.wording import count_text

SCHEMA = "archspec.reconcile/1"
_DIFFERENCES = ("Convention", "Operator", "Difference", "What it counts")
_RULE = (
    "MACs: multiply-accumulates of contractions, as archspec counts them; 2mac: twice that; paper: layers with weights "
    "alone. The others are what each tool says of the PyTorch module that archspec emits, whether it calls them FLOPs "
    "or MACs. Differences are to the MACs, calflops' to twice the MACs."
)


def table(analysis: Analysis, tallies: Sequence[Tally], *, width: int | None = None) -> str:
    """Counts by operator and convention, then every difference to the MACs, as aligned text of at most `width` columns
    where that is possible."""
    counts, differences = _counts(analysis, tallies), _differences(tallies)
    blocks = [_title(analysis), stacked(counts, (0,), ruled=True, width=width)]
    if len(differences) > 1:
        blocks.append(aligned(differences, (0, 1, 3), ruled=True, width=width, give=((3, 24),), prose=True))
    return "\n\n".join([*blocks, prose([_RULE], width)]) + "\n"


def to_markdown(analysis: Analysis, tallies: Sequence[Tally]) -> str:
    """The same as GitHub tables."""
    counts, differences = _counts(analysis, tallies), _differences(tallies)
    blocks = [f"# {_title(analysis)}", pipes(counts, (0,))]
    if len(differences) > 1:
        blocks.append(pipes(differences, (0, 1, 3)))
    return "\n\n".join([*blocks, _RULE]) + "\n"


def to_csv(tallies: Sequence[Tally]) -> str:
    """A row for every convention and operator; what a convention does not know is empty."""
    import csv
    import io

    out = io.StringIO()
    writer = csv.writer(out, lineterminator="\n")
    writer.writerow(("convention", "op", "macs", "count", "rule"))
    for tally in tallies:
        writer.writerows((tally.convention.name, k.operator, k.macs, k.count, k.why) for k in tally.kinds)
    return out.getvalue()


def to_json(analysis: Analysis, tallies: Sequence[Tally], *, spec_file: str, spec_sha256: str) -> str:
    """One JSON document, keys always in the same order; what a convention does not know is null."""
    document = {
        "schema": SCHEMA,
        "archspec": __version__,
        "spec": {"file": spec_file, "sha256": spec_sha256},
        "net": analysis.graph.name,
        "batch": analysis.batch,
        "macs": analysis.totals.macs,
        "conventions": [
            {
                "name": tally.convention.name,
                "counts": tally.convention.title,
                "total": tally.total,
                "operators": [
                    {"op": kind.operator, "macs": kind.macs, "count": kind.count, "rule": kind.why}
                    for kind in tally.kinds
                ],
            }
            for tally in tallies
        ],
    }
    return json.dumps(document, indent=2, ensure_ascii=False) + "\n"


def _title(analysis: Analysis) -> str:
    return f"{analysis.graph.name}  (batch {analysis.batch}, by convention)"


def _counts(analysis: Analysis, tallies: Sequence[Tally]) -> list[tuple[str, ...]]:
    """One column per convention; operators that all of them leave out have no row."""
    rows = [("Operator", "MACs", *(tally.convention.name for tally in tallies))]
    for kinds in zip(*(tally.kinds for tally in tallies), strict=True):
        numbers = (kinds[0].macs, *(kind.count for kind in kinds))
        if any(number != 0 for number in numbers):
            rows.append((kinds[0].operator, *map(_number, numbers)))
    totals = (analysis.totals.macs, *(tally.total for tally in tallies))
    return [*rows, ("total", *map(_number, totals))]


def _differences(tallies: Sequence[Tally]) -> list[tuple[str, ...]]:
    """The operators that a convention counts otherwise than as their MACs, or has no number for."""
    rows: list[tuple[str, ...]] = [_DIFFERENCES]
    for tally in tallies:
        for kind in tally.kinds:
            expected = kind.macs * tally.convention.per_mac
            if kind.count != expected:
                difference = "unknown" if kind.count is None else f"{kind.count - expected:+,}"
                rows.append((tally.convention.name, kind.operator, difference, kind.why))
    return rows


def _number(number: int | None) -> str:
    return "unknown" if number is None else count_text(number)
