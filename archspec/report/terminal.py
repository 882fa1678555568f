"""The table for a terminal, with rich's colours."""

from __future__ import annotations

from io import StringIO

from archspec.analyze import Analysis
from archspec.report.lines import TITLES, Count, Line, lines
from archspec.report.text import LEFT, footer, indented, layout, summary, title


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
    from rich.padding import Padding
    from rich.table import Table
    from rich.text import Text

    told = lines(analysis, expand=expand, depth=depth, count=count)
    stream = StringIO()
    console = Console(file=stream, width=width, force_terminal=color, no_color=not color, highlight=False)
    layers = Table(box=None, header_style="bold", pad_edge=False, padding=(0, 2, 0, 0))
    if width is None:  # a terminal that is too narrow wraps the lines; a number that is cut says something else
        console.width = max(console.width, sum(space + 2 for space in layout(told, None).values()))
    widths = layout(told, console.width)
    for number, space in widths.items():
        layers.add_column(TITLES[number], justify="left" if number in LEFT else "right", no_wrap=True, width=space)
    for line in told:
        cells = indented(line)
        layers.add_row(*(Text(cells[number], style=_style(line, cells[number])) for number in widths))
    totals = Table(box=None, show_header=False, pad_edge=False, padding=(0, 2, 0, 0))
    totals.add_column()
    totals.add_column(justify="right")
    for total in summary(analysis, count):
        totals.add_row(Text(total.name), Text(total.number, style="bold"), Text(total.remark, style="dim"))
    console.print(Text(title(analysis), style="bold"), Padding(layers, (1, 0)), totals, "", sep="\n")
    for text in footer(analysis, told, count):
        console.print(Text(text, style="cyan" if text.startswith("note[") else "dim"))
    return stream.getvalue()


def _style(line: Line, cell: str) -> str:
    """Blocks stand out, zeros step back."""
    return "dim" if cell == "0" else "bold cyan" if line.block else ""
