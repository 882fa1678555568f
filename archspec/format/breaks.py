"""Which line breaks of the author's stay.

Breaks stand before an arrow, the `|` of a branch, a closing bracket and the signs and words inside a value; and behind
an opening bracket, a comma and the `=` of a definition.  Others go, unless a comment forces them.
"""

from __future__ import annotations

from archspec.format.pieces import CLOSERS, Bracket, Flow, Node, Piece, Remark


def keep_breaks(pieces: list[Piece], root: Node) -> None:
    """Decides which pieces begin a line, and moves comments that would part a sign from its word."""
    flows, joins = _find_structure(root)
    _find_brackets(pieces, joins)
    _move_comments(pieces)
    for before, piece in zip(pieces, pieces[1:], strict=False):
        if not piece.starts:
            defines = before.kind == "EQUAL" and not before.tight_after
            stays = piece.leads or piece.closer or before.opener or before.kind == "COMMA" or defines
            piece.broken = bool(before.side or piece.above or (piece.broken and stays))
            piece.apart = piece.apart and piece.broken and before.opener is None and piece.closer is None
            if piece.broken:
                spread(piece)
    for flow in flows:
        flow.aligned = _is_aligned(flow)


def spread(piece: Piece) -> None:
    """Gives every branch of the joins around a broken piece a line of its own."""
    bracket = piece.around or piece.closer
    while bracket is not None:
        if bracket.bars and not (bracket.first.broken and bracket.bars[0].broken):
            for branch in (bracket.first, *bracket.bars):
                branch.broken = True
        bracket = bracket.opener.around


def _find_structure(root: Node) -> tuple[list[Flow], dict[Piece, list[Piece]]]:
    """The flows, and the `|` signs of each [ around flows; marks the signs and words that lead a line."""
    flows: list[Flow] = []
    joins: dict[Piece, list[Piece]] = {}
    nodes = [root]
    while nodes:
        node = nodes.pop()
        signs = [child for child in node.children if isinstance(child, Piece)]
        nodes.extend(child for child in node.children if isinstance(child, Node))
        if node.rule == "branches":
            joins[signs[0]] = signs = signs[1:-1]
        elif node.rule == "flow" and signs:
            flows.append(Flow(node.first(), signs))
        elif node.rule not in ("binary", "ifelse", "each", "guard"):
            continue
        for sign in signs:
            sign.leads = sign.kind != "COMMA"
    for flow in flows:
        for arrow in flow.arrows:
            arrow.flow = flow
    return flows, joins


def _find_brackets(pieces: list[Piece], joins: dict[Piece, list[Piece]]) -> None:
    """Pairs the brackets, and says of every piece which one it stands in."""
    braces: list[Piece] = []
    around: list[Piece] = []
    for piece in pieces:
        stack = braces if piece.kind in ("LBRACE", "RBRACE") else around
        if piece.kind in CLOSERS.values():
            opener = stack.pop()
            opener.opener = piece.closer = Bracket(opener, pieces[opener.index + 1], piece, joins.get(opener))
        piece.depth = len(around)
        if piece.kind in CLOSERS:
            stack.append(piece)
    _set_around(pieces)


def _set_around(pieces: list[Piece]) -> None:
    """Says of each piece which bracket it stands in, and of each bracket how wide it is."""
    open_now: list[Bracket] = []
    width = 0
    for piece in pieces:
        width += len(piece.text) + (not piece.tight_before)
        if piece.kind in ("RPAR", "RSQB"):
            bracket = open_now.pop()
            bracket.width += width
        piece.around = open_now[-1] if open_now else None
        if piece.opener and piece.kind != "LBRACE":
            open_now.append(piece.opener)
            piece.opener.width = -width


def _move_comments(pieces: list[Piece]) -> None:
    for i, piece in enumerate(pieces):
        if piece.starts or i == 0:
            continue
        before = pieces[i - 1]
        if before.leads:
            _move_back(piece, before, pieces[i - 2])
        elif piece.kind == "COMMA" and (before.side or piece.above):
            _move_on(before, piece, pieces[i + 1])


def _move_back(piece: Piece, sign: Piece, before: Piece) -> None:
    """`A -> # why` and a line end become `A # why`, a line end, and the arrow; so do other leading signs."""
    if sign.side and (before.side or sign.above):
        sign.above.append(Remark(sign.side, False))
    elif sign.side:
        before.side = sign.side
    sign.above += piece.above
    sign.broken |= piece.broken
    sign.apart |= piece.apart
    sign.side, piece.above, piece.broken, piece.apart = "", [], False, False


def _move_on(before: Piece, comma: Piece, after: Piece) -> None:
    """`a # why` with the comma on the next line becomes `a, # why`."""
    above = [*comma.above, *([Remark(comma.side, False)] if comma.side else []), *after.above]
    comma.side, before.side = before.side, ""
    comma.above, after.above = [], above
    after.broken = True


def _is_aligned(flow: Flow) -> bool:
    """Whether the arrows of a statement's later lines stand under its first arrow."""
    first, *others = flow.arrows
    lower = next((arrow for arrow in others if arrow.broken), None)
    if not flow.first.starts or first.broken or lower is None:
        return False
    return lower.source_column == first.source_column
