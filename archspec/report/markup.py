"""The table as Markdown and as HTML."""

from __future__ import annotations

from collections.abc import Sequence
from html import escape

from archspec.analyze import Analysis
from archspec.report.grid import pipes
from archspec.report.lines import TITLES, Count, lines
from archspec.report.text import LEFT, footer, summary, title

_STYLE = (
    ".archspec td,.archspec th{text-align:right;padding:1px 8px;white-space:nowrap}"
    ".archspec .l{text-align:left}.archspec .b{font-weight:600}.archspec p{margin:4px 0}"
)


def to_markdown(analysis: Analysis, *, expand: bool = False, depth: int | None = None, count: Count = "all") -> str:
    """The layers and the totals as two GitHub tables; layers are named by their full paths."""
    told = lines(analysis, expand=expand, depth=depth, count=count)
    rows: list[Sequence[str]] = [TITLES]
    for line in told:
        _, operator, *numbers = line.cells
        times = f" x{line.times}" if line.times > 1 else ""
        rows.append([f"`{line.path}`{times}", f"`{operator}`" if operator else "", *numbers])
    totals = pipes([("Total", "", ""), *summary(analysis, count)], (0, 2))
    parts = [f"# {title(analysis)}", pipes(rows, LEFT), totals, *footer(analysis, told, count)]
    return "\n\n".join(parts) + "\n"


def to_html(analysis: Analysis, *, expand: bool = False, depth: int | None = None, count: Count = "all") -> str:
    """The layers and the totals as HTML for a notebook, without scripts."""
    told = lines(analysis, expand=expand, depth=depth, count=count)
    head = "".join(_cell("th", name, number in LEFT) for number, name in enumerate(TITLES))
    body = []
    for line in told:
        cells = ("\u2003" * line.level + line.cells[0], *line.cells[1:])
        row = "".join(_cell("td", cell, number in LEFT) for number, cell in enumerate(cells))
        body.append(f'<tr class="b">{row}</tr>' if line.block else f"<tr>{row}</tr>")
    totals = "".join(
        f"<tr>{_cell('td', t.name, True)}{_cell('td', t.number, False)}{_cell('td', t.remark, True)}</tr>"
        for t in summary(analysis, count)
    )
    notes = "".join(f"<p>{escape(text)}</p>" for text in footer(analysis, told, count))
    return (
        f'<div class="archspec"><style>{_STYLE}</style><p class="b">{escape(title(analysis))}</p>\n'
        f"<table><thead><tr>{head}</tr></thead>\n<tbody>{chr(10).join(body)}</tbody></table>\n"
        f"<table>{totals}</table>\n{notes}</div>\n"
    )


def _cell(tag: str, text: str, left: bool) -> str:
    return f'<{tag} class="l">{escape(text)}</{tag}>' if left else f"<{tag}>{escape(text)}</{tag}>"
