"""Rows of texts as an aligned table, in the room that a terminal has, and as a GitHub table."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence
from textwrap import wrap

Rows = Sequence[Sequence[str]]
# What a table that is wider than its room gives, in this order: (column, characters that it keeps), none to go.
Give = Sequence[tuple[int, int]]

_READABLE = 100  # characters of a line of prose
_GAP = "  "


def aligned(
    rows: Rows,
    left: Collection[int],
    *,
    ruled: bool = False,
    width: int | None = None,
    give: Give = (),
    prose: bool = False,
) -> str:
    """Columns of words (`left`) begin at one place, of numbers end at one; `ruled` underlines the head.

    In less room than it needs (`width` characters; None is all it needs) the table gives what `give` says, and names
    the columns that it leaves out; the terminal wraps what is wider still.  A last column of `prose` is wrapped where
    others are cut.
    """
    widths = fit(rows, width, give)
    last = len(rows[0]) - 1
    lines: list[str] = []
    for row in rows:
        cells = {i: wrap(row[i], w) or [""] if prose and i == last else [row[i]] for i, w in widths.items()}
        for number in range(max(map(len, cells.values()), default=0)):
            texts = {i: cell[number] if number < len(cell) else "" for i, cell in cells.items()}
            lines.append(_line(texts, widths, left))
    if ruled:
        lines.insert(1, "-" * wide(widths))
    return "\n".join([*lines, *left_out(rows[0], widths)])


def fit(rows: Rows, width: int | None, give: Give) -> dict[int, int]:
    """The columns that a table of `width` characters shows, and how wide each is."""
    needed = {i: max(map(len, column)) for i, column in enumerate(zip(*rows, strict=True))}
    if width is None:
        return needed
    widths = needed
    for number in range(len(give) + 1):
        given = give[:number]
        widths = {i: w for i, w in needed.items() if (i, 0) not in given}
        for column, fewest in given:
            if column in widths:
                widths[column] -= max(0, min(wide(widths) - width, widths[column] - fewest))
        if wide(widths) <= width:
            break
    return widths


def left_out(head: Sequence[str], widths: Collection[int]) -> list[str]:
    """A line that names the columns which are not shown, where there are any."""
    names = [name for column, name in enumerate(head) if column not in widths]
    return [f"(no room for {', '.join(names)})"] if names else []


def cut(text: str, width: int, column: int = 1) -> str:
    """A text in so many characters.  The first column has names, which differ at their ends; others lose theirs."""
    if len(text) <= width:
        return text
    if column:
        return text[: width - 3] + "..."
    indent = " " * (len(text) - len(text.lstrip()))
    return indent + "..." + text[len(text) - (width - len(indent) - 3) :]


def _line(texts: Mapping[int, str], widths: Mapping[int, int], left: Collection[int]) -> str:
    cells = (cut(texts[i], w, i).ljust(w) if i in left else texts[i].rjust(w) for i, w in widths.items())
    return _GAP.join(cells).rstrip()


def wide(widths: Mapping[int, int]) -> int:
    """How wide a table of such columns is."""
    return sum(widths.values()) + len(_GAP) * (len(widths) - 1)


def stacked(rows: Rows, left: Collection[int], *, ruled: bool = False, width: int | None = None) -> str:
    """As `aligned`; columns for which there is no room stand below, the first column again beside them.

    A column that has no room even there is wrapped.
    """
    widths = fit(rows, None, ())
    groups: list[list[int]] = [[0]]
    for column in range(1, len(widths)):
        together = {i: widths[i] for i in (*groups[-1], column)}
        if width is not None and len(groups[-1]) > 1 and wide(together) > width:
            groups.append([0])
        groups[-1].append(column)
    tables = []
    for group in groups:
        words = [place for place, column in enumerate(group) if column in left]
        cells = [[row[column] for column in group] for row in rows]
        if len(groups) > 1:
            cells = [row for row in cells if any(row[1:])]  # what the columns beside have is no row here
        tables.append(aligned(cells, words, ruled=ruled, width=width, give=((len(group) - 1, 24),), prose=True))
    return "\n\n".join(tables)


def prose(texts: Iterable[str], width: int | None = None) -> str:
    """Sentences in lines that can be read; each text begins one."""
    return "\n".join(line for text in texts for line in wrap(text, min(width or _READABLE, _READABLE)))


def pipes(rows: Rows, left: Collection[int]) -> str:
    """A GitHub table; the first row is its head."""
    rules = [":---" if column in left else "---:" for column in range(len(rows[0]))]
    return "\n".join(
        f"| {' | '.join(cell.replace('|', chr(92) + '|') for cell in row)} |" for row in (rows[0], rules, *rows[1:])
    )
