"""A file to lines: statements, and bodies in braces."""

from __future__ import annotations

from archspec.format.columns import align
from archspec.format.fit import fit
from archspec.format.layout import STEP, Line, remarks
from archspec.format.pieces import WIDTH, Bracket, Piece


def lay_out_file(pieces: list[Piece]) -> list[Line]:
    """The lines of a whole file; the last piece is its end."""
    for piece in pieces:
        if piece.kind == "LBRACE" and piece.opener and _is_on_one_line(piece.opener, pieces):
            for end in (piece.opener.first, piece.opener.closer):
                end.starts = end.broken = False
    lines: list[Line] = []
    level = 0
    for statement in _statements(pieces[:-1]):
        level -= statement[0].kind == "RBRACE"
        lines += _statement(statement, level, apart=not (not lines or lines[-1].text.endswith("{")))
        level += statement[-1].kind == "LBRACE"
    lines += remarks(pieces[-1], 0, apart=bool(lines))
    align(lines)
    return lines


def _is_on_one_line(body: Bracket, pieces: list[Piece]) -> bool:
    """Whether a body stands behind its head: the author has it there, or it is empty."""
    within = pieces[body.opener.index : body.closer.index + 1]
    if any(piece.side for piece in within[:-1]) or any(piece.above for piece in within[1:]):
        return False
    return body.first is body.closer or not any(piece.broken for piece in within[1:])


def _statements(pieces: list[Piece]) -> list[list[Piece]]:
    found: list[list[Piece]] = []
    for piece in pieces:
        if piece.starts or not found:
            found.append([])
        found[-1].append(piece)
    return found


def _statement(pieces: list[Piece], level: int, *, apart: bool) -> list[Line]:
    """One statement's lines with the comments above it; a body that does not fit behind its head goes below it."""
    first, indent = pieces[0], level * STEP
    closes = first.kind == "RBRACE"
    above = remarks(first, indent + closes * STEP, apart=apart)
    if closes and above and not above[-1].text:
        above.pop()  # no blank line before a brace
    lines = fit(pieces, indent)
    body = next((piece.opener for piece in pieces[:-1] if piece.kind == "LBRACE"), None)
    if body is None or body.first is body.closer or (len(lines) == 1 and len(lines[0].text) <= WIDTH):
        return above + lines
    start, end = body.first.index - first.index, body.closer.index - first.index
    inner = _statement(pieces[start:end], level + 1, apart=False)
    return above + fit(pieces[:start], indent) + inner + fit(pieces[end:], indent)
