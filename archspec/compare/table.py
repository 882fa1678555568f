"""A comparison as rows of cells, and how it is written down."""

from __future__ import annotations

import csv
import io
from typing import Any, NamedTuple

from archspec.record import Record
from archspec.report.grid import pipes, stacked


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


def to_text(table: Table, width: int | None = None) -> str:
    """Aligned columns; those for which `width` characters have no room stand below."""
    rows = [table.head, *[[cell.text for cell in row] for row in table.rows]]
    return stacked(rows, range(len(table.head)), width=width) + "\n"


def to_markdown(table: Table) -> str:
    """A GitHub table; what is new is bold."""
    rows = [table.head, *[[f"**{c.text}**" if c.new and c.text else c.text for c in row] for row in table.rows]]
    return pipes(rows, range(len(table.head))) + "\n"


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
