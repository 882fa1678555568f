"""Rows of texts as an aligned table and as a GitHub table."""

from __future__ import annotations

from collections.abc import Collection, Sequence

Rows = Sequence[Sequence[str]]


def aligned(rows: Rows, left: Collection[int], *, ruled: bool = False) -> str:
    """Columns of words (`left`) begin at one place, of numbers end at one; `ruled` underlines the head."""
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
    lines = [
        "  ".join(
            cell.ljust(w) if i in left else cell.rjust(w) for i, (cell, w) in enumerate(zip(row, widths, strict=True))
        )
        for row in rows
    ]
    if ruled:
        lines.insert(1, "-" * (sum(widths) + 2 * (len(widths) - 1)))
    return "\n".join(line.rstrip() for line in lines)


def pipes(rows: Rows, left: Collection[int]) -> str:
    """A GitHub table; the first row is its head."""
    rules = [":---" if column in left else "---:" for column in range(len(rows[0]))]
    return "\n".join(
        f"| {' | '.join(cell.replace('|', chr(92) + '|') for cell in row)} |" for row in (rows[0], rules, *rows[1:])
    )
