"""Pieces to lines: how far each line is indented, and the lines as text."""

from __future__ import annotations

from typing import NamedTuple

from archspec.format.pieces import WIDTH, Bracket, Flow, Piece

STEP = 2


class Line:
    """One line of text, its comment apart; `pieces` are what stands on it."""

    __slots__ = ("column", "pieces", "side", "start", "text")

    def __init__(self, column: int, text: str = "") -> None:
        self.start = self.column = column  # `column` is what a bracket opened on this line is indented from
        self.text = " " * column + text
        self.side = ""
        self.pieces: list[Piece] = []

    def add(self, piece: Piece, gap: str) -> None:
        self.text += gap
        piece.column = len(self.text)
        self.text += piece.text
        self.side = piece.side
        self.pieces.append(piece)


class Frame(NamedTuple):
    """Where lines inside an open bracket begin."""

    inner: int
    bar: int
    close: int


def frame(bracket: Bracket, base: int) -> Frame:
    """The frame of a bracket that was opened on a line of column `base`."""
    if not bracket.first.broken:
        return Frame(bracket.opener.column + 1, bracket.opener.column + 1, bracket.opener.column)
    return Frame(base + (2 * STEP if bracket.bars else STEP), base + STEP, base)


def lay_line(pieces: list[Piece], start: int, frames: list[Frame], indent: int, most: int | None) -> tuple[Line, int]:
    """The line that begins with a piece, and the index of the next line's first; says each piece's column.

    `frames` are those of the brackets open there, and afterwards those open behind the line.  With `most` columns the
    line stops behind the first piece over them.
    """
    line = Line(_column(pieces[start], frames, indent) if start else indent)
    for i in range(start, len(pieces)):
        piece, before = pieces[i], pieces[i - 1]
        if i > start and (piece.broken or (most is not None and len(line.text) > most)):
            return line, i
        line.add(piece, "" if i == start else _gap(before, piece))
        if i == start and piece.kind == "VBAR":
            line.column += STEP  # where the branch behind it begins
        if piece.closer and piece.kind != "RBRACE":
            frames.pop()
        if piece.opener and piece.kind != "LBRACE":
            frames.append(frame(piece.opener, line.column))
    return line, len(pieces)


def remarks(piece: Piece, column: int, *, apart: bool = True) -> list[Line]:
    """The comments above a piece, and blank lines; none before the first of them unless `apart`."""
    lines: list[Line] = []
    for remark in piece.above:
        if remark.apart and (lines or apart):
            lines.append(Line(0))
        lines.append(Line(column, remark.text))
    if piece.apart and (lines or apart):
        lines.append(Line(0))
    return lines


def _column(piece: Piece, frames: list[Frame], indent: int) -> int:
    """Where a line begins that this piece leads."""
    if piece.flow is not None:
        return _arrow_column(piece.flow, indent)
    if not frames:
        return indent + STEP
    if piece.closer:
        return frames[-1].close
    return frames[-1].bar if piece.kind == "VBAR" else frames[-1].inner


def _arrow_column(flow: Flow, indent: int) -> int:
    if flow.aligned and not flow.arrows[0].broken:
        return flow.arrows[0].column
    return (indent if flow.first.depth == 0 else flow.first.column) + STEP


def _gap(before: Piece, piece: Piece) -> str:
    if before.kind == "LBRACE" and piece.kind == "RBRACE":
        return ""
    hangs = piece.closer is not None and piece.closer.bars is not None and piece.closer.first.broken
    return "" if before.tight_after or (piece.tight_before and not hangs) else " "


def join_lines(lines: list[Line]) -> str:
    """The text, comments beside consecutive lines in one column."""
    out: list[str] = []
    run: list[Line] = []
    for line in [*lines, Line(0)]:
        if run and (not line.side or "{" in (line.text[-1], run[-1].text[-1])):
            out += _beside(run)
            run = []
        if line.side:
            run.append(line)
        else:
            out.append(line.text.rstrip())
    return "\n".join(out[:-1]).strip("\n") + "\n" if any(out) else ""


def _beside(run: list[Line]) -> list[str]:
    """Lines with their comments; a column too far right for one of them is none."""
    column = max(len(line.text) for line in run)
    fits = all(column + 2 + len(line.side) <= max(WIDTH, len(line.text) + 2 + len(line.side)) for line in run)
    return [f"{line.text:<{column if fits else 0}}  {line.side}" for line in run]
