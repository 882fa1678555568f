"""The lines of a statement; those that are too long are broken where the least is torn apart."""

from __future__ import annotations

from archspec.format.breaks import spread
from archspec.format.layout import Frame, Line, lay_line, remarks
from archspec.format.pieces import WIDTH, Bracket, Piece

_SHORT = WIDTH // 4  # what is no longer is never torn apart
_FAR = WIDTH * 3 // 5  # a bracket that opens behind this column leaves too little room for lines inside it
_WORDS = ("IF", "ELSE", "FOR", "AND", "OR", "THEN")


def fit(pieces: list[Piece], indent: int) -> list[Line]:
    """The lines of a statement that begins at column `indent`.

    A break that is added is one that an author could have made, so that formatting again changes nothing.
    """
    lines: list[Line] = []
    frames: list[Frame] = []
    start = 0
    while start < len(pieces):
        behind = list(frames)
        line, stop = lay_line(pieces, start, behind, indent, WIDTH)
        if len(line.text) > WIDTH:
            wanted = _breaks(line.pieces)
            for piece in wanted:
                piece.broken = True
                spread(piece)
            if wanted:
                continue
            behind = list(frames)
            line, stop = lay_line(pieces, start, behind, indent, None)
        if start:
            first = pieces[start]
            lines += remarks(first, frames[-1].inner if first.closer and frames else line.start)
        lines.append(line)
        frames, start = behind, stop
    return lines


def _breaks(pieces: list[Piece]) -> list[Piece]:
    """The pieces of a line, the last one over its end, that should begin lines of their own; none if nothing helps."""
    for depth in range(min(piece.depth for piece in pieces), max(piece.depth for piece in pieces) + 1):
        level = [piece for piece in pieces if piece.depth == depth]
        found = _last_that_fits(level, pieces[0], depth)
        if found is not None:
            return [found]
        bracket = _reaching_over(level, pieces[-1])
        if bracket is None:
            continue
        if bracket.bars is not None or bracket.opener.column > _FAR:
            return [bracket.first, *(bracket.bars or ())]
        pieces = [p for p in pieces if bracket.opener.index < p.index <= bracket.closer.index]
    return []


def _last_that_fits(level: list[Piece], first: Piece, depth: int) -> Piece | None:
    """Where to break at a depth: before the last arrow, or inside brackets behind the last comma, with a line that fits
    before it; failing that before a word such as `if`."""
    fitting = [p for p in level if p.column <= WIDTH + 1 and p is not first]
    arrows = [p for p in fitting if p.kind == "_ARROW"]
    entries = [p for p in fitting if depth and p.kind != "COMMA" and level[level.index(p) - 1].kind == "COMMA"]
    words = [p for p in fitting if depth and p.leads and p.kind in _WORDS]
    return next((found[-1] for found in (arrows, entries, words) if found), None)


def _reaching_over(level: list[Piece], last: Piece) -> Bracket | None:
    """The bracket that is open where the line gets too long; failing that the last one before."""
    brackets = [p.opener for p in level if p.opener and p.opener.width > _SHORT and p.kind != "LBRACE"]
    return next((b for b in brackets if b.closer.index >= last.index), brackets[-1] if brackets else None)
