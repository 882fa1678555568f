"""The table as plain aligned text."""

from __future__ import annotations

from typing import NamedTuple

from archspec.analyze import Analysis
from archspec.report.grid import Give, aligned, prose
from archspec.report.lines import TITLES, Count, Line, flops_by_node, lines
from archspec.report.wording import bytes_text, count_text, each, field_text, rounded
from archspec.source import Diagnostic

LEFT = (0, 1, 6)  # columns of words; the others hold numbers
# Arguments of operators go first, then the FLOPs, of which the MACs tell most.
GIVE: Give = ((1, 12), (5, 0), (0, 24), (1, 8), (6, 0), (2, 0))

MEANINGS = {
    "MACs": "contractions alone",
    "FLOPs": "2 x MACs + biases + per-element work",
    "Field": "local, size /stride",
}


def table(
    analysis: Analysis,
    *,
    expand: bool = False,
    depth: int | None = None,
    width: int | None = None,
    count: Count = "all",
) -> str:
    """The layers, the totals and what the numbers mean, as text of at most `width` columns where that is possible.

    See `lines` for `expand` and `depth`.
    """
    told = lines(analysis, expand=expand, depth=depth, count=count)
    layers = aligned(table_rows(told), LEFT, ruled=True, width=width, give=GIVE)
    totals = aligned(summary(analysis, count), (0, 2))
    return "\n\n".join([title(analysis), layers, totals, prose(footer(analysis, told, count), width)]) + "\n"


def title(analysis: Analysis) -> str:
    """The net and what it was analysed for."""
    return f"{analysis.graph.name}  (batch {analysis.batch}, {analysis.dtype})"


def table_rows(told: list[Line]) -> list[tuple[str, ...]]:
    """The head and the lines of the table, names moved in below the block that they stand in."""
    return [TITLES, *(("  " * line.level + line.cells[0], *line.cells[1:]) for line in told)]


class Total(NamedTuple):
    """One of the totals: its name, the number and a word on it."""

    name: str
    number: str
    remark: str


def summary(analysis: Analysis, count: Count = "all") -> list[Total]:
    """The totals, worded."""
    totals = analysis.totals
    flops, name = sum(flops_by_node(analysis, count)), "FLOPs" if count in ("all", "2mac") else f"FLOPs ({count})"
    counts = {"parameters": totals.params, "buffers": totals.buffers, "MACs": totals.macs, name: flops}
    remark = ""
    if totals.field is not None and totals.field.axes:
        remark = f"output 0 reads from {each([str(axis.start) for axis in totals.field.axes])}"
    return [
        *(Total(name, count_text(number), rounded(number)) for name, number in counts.items()),
        Total("weights", bytes_text(totals.weight_bytes), f"{analysis.dtype}, with buffers"),
        Total("activations", bytes_text(totals.activation_bytes), f"every layer's output, batch {analysis.batch}"),
        Total("receptive field", field_text(totals.field), remark),
        Total("depth", str(totals.depth), "weight layers on the longest path"),
    ]


def footer(analysis: Analysis, told: list[Line], count: Count = "all") -> list[str]:
    """What the numbers mean, and the notes."""
    meanings = MEANINGS | _counted(count)
    texts = ["; ".join(f"{name}: {meaning}" for name, meaning in meanings.items()) + "."]
    if any(line.times > 1 for line in told):
        texts.append("A line with xN sums N iterations that are alike; the lines under it show the first of them.")
    return texts + [note_text(note) for note in analysis.notes]


def _counted(count: Count) -> dict[str, str]:
    if count == "all":
        return {}
    from archspec.conventions import CONVENTIONS

    return {"FLOPs": CONVENTIONS[count].title}


def note_text(note: Diagnostic) -> str:
    """A note on one line."""
    place = f" {note.span.source.name}:{note.span.place}:" if note.span else ""
    details = "; ".join([label.text for label in note.labels] + list(note.notes))
    return f"note[{note.code}]{place} {note.message}" + (f" ({details})" if details else "")
