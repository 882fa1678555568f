"""Arrows that an author has put under each other with extra blanks stay under each other."""

from __future__ import annotations

from archspec.format.layout import Line
from archspec.format.pieces import Piece

_Column = list[tuple[Line, Piece]]


def align(lines: list[Line]) -> None:
    """Pads arrows that stood in one column on consecutive lines, where at least one of them stood behind a gap."""
    led = {line.pieces[0]: line for line in lines if line.pieces}
    for column in _columns(lines):
        target = max(piece.column for _, piece in column)
        for line, piece in column:
            by = target - piece.column
            _move(line, piece, by)
            if piece.flow and piece.flow.aligned and piece is piece.flow.arrows[0]:
                for arrow in piece.flow.arrows:
                    if arrow in led and arrow is not piece:
                        _move(led[arrow], arrow, by)


def _columns(lines: list[Line]) -> list[_Column]:
    """The columns of arrows that an author made, from left to right: the first arrows of lines, the second ones, ..."""
    found: list[_Column] = []
    above: list[_Column] = []
    for line in lines:
        here: list[_Column] = []
        for number, piece in enumerate(p for p in line.pieces[1:] if p.kind == "_ARROW" and p.depth == 0):
            column = above[number] if number < len(above) else []
            if column and column[-1][1].source_column != piece.source_column:
                column = []
            if not column:
                found.append(column)
            column.append((line, piece))
            here.append(column)
        above = here
    made = [column for column in found if len(column) > 1 and any(piece.gap > 1 for _, piece in column)]
    return sorted(made, key=lambda column: column[0][1].source_column)


def _move(line: Line, piece: Piece, by: int) -> None:
    """Moves a word and those behind it to the right."""
    line.text = f"{line.text[: piece.column]}{' ' * by}{line.text[piece.column :]}"
    for moved in line.pieces[line.pieces.index(piece) :]:
        moved.column += by
