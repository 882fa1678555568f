"""A comparison as rows of cells, and how it is written down."""

from __future__ import annotations

import csv
import io
from typing import Any, NamedTuple

from archspec.record import Record


class Cell(NamedTuple):
    """A text; `new` where the column to the left has nothing like it."""

    text: str = ""
    new: bool = False


class Table(Record):
    """`head` names the columns; the first column says what a row is about, and is empty where the row goes on."""

    head: tuple[str, ...]
    rows: tuple[tuple[Cell, ...], ...]

    def turned(self) -> Table:
        """Rows as columns."""
        columns = list(zip(*[[Cell(name) for name in self.head], *self.rows], strict=True))
        return Table(tuple(cell.text for cell in columns[0]), tuple(columns[1:]))


def to_text(table: Table) -> str:
    """Aligned columns."""
    rows = [table.head, *[[cell.text for cell in row] for row in table.rows]]
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
    return "\n".join("  ".join(f"{c:<{w}}" for c, w in zip(row, widths, strict=True)).rstrip() for row in rows) + "\n"


def to_markdown(table: Table) -> str:
    """A GitHub table; what is new is bold."""
    rows = [table.head, [":---"] * len(table.head), *[[_marked(cell) for cell in row] for row in table.rows]]
    return "\n".join(f"| {' | '.join(row)} |" for row in rows) + "\n"


def _marked(cell: Cell) -> str:
    text = cell.text.replace("|", "\\|")
    return f"**{text}**" if cell.new and text else text


def to_csv(table: Table) -> str:
    file = io.StringIO()
    writer = csv.writer(file, lineterminator="\n")
    writer.writerow(table.head)
    writer.writerows([cell.text for cell in row] for row in table.rows)
    return file.getvalue()


def to_document(table: Table) -> dict[str, Any]:
    """What programs read: `new` lists the columns whose cell is new."""
    rows = [
        {
            "cells": [cell.text for cell in row],
            "new": [name for name, cell in zip(table.head, row, strict=True) if cell.new],
        }
        for row in table.rows
    ]
    return {"schema": "archspec.comparison/1", "columns": list(table.head), "rows": rows}
