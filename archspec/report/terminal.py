"""The table for a terminal, with rich's colours."""

from __future__ import annotations

from io import StringIO

from archspec.analyze import Analysis
from archspec.report.grid import cut, fit, left_out, wide
from archspec.report.lines import TITLES, Count, Line, lines
from archspec.report.text import GIVE, LEFT, footer, summary, table_rows, title


def rich_table(
    analysis: Analysis,
    *,
    expand: bool = False,
    depth: int | None = None,
    width: int | None = None,
    count: Count = "all",
    color: bool = True,
) -> str:
    """What `table` says, drawn for a terminal of `width` columns (its own when None); needs rich."""
    from rich.console import Console
    from rich.table import Table
    from rich.text import Text

    told = lines(analysis, expand=expand, depth=depth, count=count)
    stream = StringIO()
    console = Console(file=stream, width=width, force_terminal=color, no_color=not color, highlight=False)
    layers = Table(box=None, header_style="bold", pad_edge=False, padding=(0, 2, 0, 0))
    rows = table_rows(told)
    widths = fit(rows, console.width, GIVE)
    console.width = max(console.width, wide(widths))  # the terminal wraps what is wider
    for number, space in widths.items():
        layers.add_column(TITLES[number], justify="left" if number in LEFT else "right", no_wrap=True, width=space)
    for line, cells in zip(told, rows[1:], strict=True):
        layers.add_row(*(Text(cut(cells[n], w, n), style=_style(line, cells[n])) for n, w in widths.items()))
    totals = Table(box=None, show_header=False, pad_edge=False, padding=(0, 2, 0, 0))
    totals.add_column()
    totals.add_column(justify="right")
    for total in summary(analysis, count):
        totals.add_row(Text(total.name), Text(total.number, style="bold"), Text(total.remark, style="dim"))
    console.print(Text(title(analysis), style="bold"))
    console.print()
    console.print(layers, *left_out(TITLES, widths), sep="\n")
    console.print()
    console.print(totals)
    console.print()
    for text in footer(analysis, told, count):
        console.print(Text(text, style="cyan" if text.startswith("note[") else "dim"))
    return stream.getvalue()


def _style(line: Line, cell: str) -> str:
    """Blocks stand out, zeros step back."""
    return "dim" if cell == "0" else "bold cyan" if line.block else ""
