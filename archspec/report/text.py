"""The table as plain aligned text."""

from __future__ import annotations

from textwrap import wrap
from typing import NamedTuple

from archspec.analyze import Analysis
from archspec.report.lines import TITLES, Count, Line, flops_by_node, lines
from archspec.report.wording import bytes_text, count_text, each, field_text, rounded
from archspec.source import Diagnostic

LEFT = (0, 1, 6)  # columns of words; the others hold numbers
_FLOPS = TITLES.index("FLOPs")
_SHORTEST = 12  # characters that a narrow table leaves of an operator

_READABLE = 100  # characters of a line of prose

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

    A narrow table drops the FLOPs and shortens the operators.  See `lines` for `expand` and `depth`.
    """
    told = lines(analysis, expand=expand, depth=depth, count=count)
    closing = [line for text in footer(analysis, told, count) for line in wrap(text, width or _READABLE)]
    return "\n".join([title(analysis), "", _grid(told, width), "", *_totals(analysis, count), "", *closing]) + "\n"


def title(analysis: Analysis) -> str:
    """The net and what it was analysed for."""
    return f"{analysis.graph.name}  (batch {analysis.batch}, {analysis.dtype})"


def layout(told: list[Line], width: int | None) -> dict[int, int]:
    """Which of TITLES a table of `width` columns shows, and how wide each is."""
    rows = [TITLES, *(indented(line) for line in told)]
    widths = {number: max(map(len, column)) for number, column in enumerate(zip(*rows, strict=True))}
    if width is not None and _sum(widths) > width:
        del widths[_FLOPS]
        widths[1] = min(widths[1], max(_SHORTEST, widths[1] - (_sum(widths) - width)))
    return widths


def _sum(widths: dict[int, int]) -> int:
    return sum(widths.values()) + 2 * (len(widths) - 1)


def indented(line: Line) -> tuple[str, ...]:
    """The cells of a line, the name moved in below the block that it stands in."""
    name, *rest = line.cells
    return ("  " * line.level + name, *rest)


def _grid(told: list[Line], width: int | None) -> str:
    widths = layout(told, width)
    rows = [TITLES, *(indented(line) for line in told)]
    texts = ["  ".join(_fit(row[c], space, c) for c, space in widths.items()).rstrip() for row in rows]
    return "\n".join([texts[0], "-" * _sum(widths), *texts[1:]])


def _fit(text: str, width: int, column: int) -> str:
    text = text if len(text) <= width else text[: width - 3] + "..."
    return text.ljust(width) if column in LEFT else text.rjust(width)


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


def _totals(analysis: Analysis, count: Count) -> list[str]:
    totals = summary(analysis, count)
    names, numbers = (max(map(len, column)) for column in list(zip(*totals, strict=True))[:2])
    return [f"{t.name:<{names}}  {t.number:>{numbers}}  {t.remark}".rstrip() for t in totals]


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
