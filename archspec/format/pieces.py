"""The words of a spec with the comments around them, and the rules of the grammar they belong to."""

from __future__ import annotations

from collections.abc import Callable
from copy import copy
from functools import partial
from typing import Any

from lark import Token

from archspec.parse import parser

WIDTH = 128  # columns; an author may break lines before, and those breaks stay
CLOSERS = {"LPAR": "RPAR", "LSQB": "RSQB", "LBRACE": "RBRACE"}


class Remark:
    """A comment on a line of its own; `apart` where a blank line stands before it."""

    __slots__ = ("apart", "text")

    def __init__(self, text: str, apart: bool) -> None:
        self.text = text
        self.apart = apart


class Piece:
    """One word or sign, with what the layout needs to know of it."""

    __slots__ = (
        "above", "apart", "around", "broken", "closer", "column", "depth", "flow", "gap", "index", "kind", "leads",
        "opener", "side", "source_column", "spaced", "starts", "text", "tight_after", "tight_before",
    )  # fmt: skip

    def __init__(self, kind: str, text: str) -> None:
        self.kind = kind
        self.text = text
        self.index = 0  # among the pieces of the file
        self.above: list[Remark] = []  # comments on lines of their own, before it
        self.side = ""  # the comment behind it on its line
        self.starts = False  # whether it begins a statement
        self.broken = False  # whether it begins a line
        self.apart = False  # whether a blank line stands before it
        self.spaced = False  # whether the author left room before it
        self.gap = 0  # blanks before it, on its line
        self.leads = False  # whether a break belongs before it rather than behind it
        self.tight_before = self.tight_after = False
        self.opener: Bracket | None = None  # the brackets that it opens
        self.closer: Bracket | None = None  # the brackets that it closes
        self.around: Bracket | None = None  # the innermost ( ) or [ ] that it stands in
        self.depth = 0  # how many of them it stands in
        self.flow: Flow | None = None  # of an arrow
        self.column = self.source_column = 0


class Bracket:
    """A pair of brackets; `bars` are the signs between branches where it stands around flows, otherwise None."""

    __slots__ = ("bars", "closer", "first", "opener", "width")

    def __init__(self, opener: Piece, first: Piece, closer: Piece, bars: list[Piece] | None) -> None:
        self.opener, self.first, self.closer, self.bars = opener, first, closer, bars
        self.width = 0  # on one line, or a little more


class Flow:
    """Steps with arrows between them.  `aligned` where the author put the arrows of later lines under the first one."""

    __slots__ = ("aligned", "arrows", "first")

    def __init__(self, first: Piece, arrows: list[Piece]) -> None:
        self.first, self.arrows, self.aligned = first, arrows, False


class Node:
    """A rule of the grammar and everything it was made of, signs included."""

    __slots__ = ("children", "rule")

    def __init__(self, rule: str, children: list[Node | Piece]) -> None:
        self.rule = rule
        self.children = children

    def first(self) -> Piece:
        node: Node | Piece = self
        while isinstance(node, Node):
            node = node.children[0]
        return node


class _Rules(dict[Any, Any]):
    """Lark's actions: a rule becomes a Node, a token its Piece; rules that only help or pass one on dissolve."""

    piece: Piece  # of the token that is being read

    def __missing__(self, key: Any) -> Callable[[Any], Any]:
        if isinstance(key, str):
            action: Callable[[Any], Any] = self._piece
        elif key.origin.name.startswith("_") and not key.alias:
            action = _joined
        elif key.options.expand1 and not key.alias:
            action = _passed
        else:
            action = partial(_made, str(key.alias or key.origin.name))
        self[key] = action
        return action

    def _piece(self, _: Token) -> Piece:
        return self.piece

    def __contains__(self, key: object) -> bool:
        return True

    def __bool__(self) -> bool:
        return True


def _made(rule: str, children: list[Any]) -> Node:
    return Node(rule, _joined(children))


def _joined(children: list[Any]) -> list[Any]:
    """One list of the children, those of helper rules among them; a long row grows in place."""
    if children and isinstance(children[0], list):
        joined, rest = children[0], children[1:]
    else:
        joined, rest = [], children
    for child in rest:
        if isinstance(child, list):
            joined.extend(child)
        else:
            joined.append(child)
    return joined


def _passed(children: list[Any]) -> Any:
    joined = _joined(children)
    return joined[0] if len(joined) == 1 else joined


def read_pieces(text: str) -> tuple[list[Piece], Node]:
    """The words of a text that parses, comments attached, the last one its end; and the tree over them."""
    reading = parser().parse_interactive(text)
    state, rules = reading.parser_state, _Rules()
    state.parse_conf = copy(state.parse_conf)
    state.parse_conf.callbacks = rules
    pieces: list[Piece] = []
    at, starts = 0, True
    for token in reading.lexer_thread.lex(state):  # type: ignore[no-untyped-call]
        if token.type == "_NL":
            rules.piece, starts = Piece("_NL", ""), True
        else:
            start, end = _place(token)
            rules.piece = _piece(text, token.type, start, end, at, pieces)
            rules.piece.starts, starts, at = starts or token.type == "RBRACE", token.type == "LBRACE", end
            pieces.append(rules.piece)
        state.feed_token(token)
    size = len(text)
    pieces.append(_piece(text, "$END", size, size, at, pieces))
    pieces[-1].starts = True
    root = state.feed_token(Token("$END", "", size, end_pos=size), True)
    assert isinstance(root, Node)
    return pieces, root


def _place(token: Token) -> tuple[int, int]:
    """Where the word of a token stands, without the ends of lines that it swallows."""
    start, end = token.start_pos or 0, token.end_pos or 0
    if token.type in ("_ARROW", "RBRACE"):
        start = end - (2 if token.type == "_ARROW" else 1)
    return start, start + 1 if token.type == "LBRACE" else end


def _piece(text: str, kind: str, start: int, end: int, after: int, pieces: list[Piece]) -> Piece:
    """The piece of a word; `after` is where the one before it ended."""
    piece = Piece(kind, text[start:end])
    piece.index = len(pieces)
    piece.source_column = start - text.rfind("\n", 0, start) - 1
    _attach(text[after:start], piece, pieces[-1] if pieces else None)
    return piece


def _attach(gap: str, piece: Piece, before: Piece | None) -> None:
    """Reads the room between two words: a comment beside the first, comments above the second, line breaks."""
    first, *others = gap.split("\n")
    remark = first.strip()
    if remark and before is not None:
        before.side = remark
    elif remark:
        piece.above.append(Remark(remark, False))
    blank = False
    for number, line in enumerate(others, 1):
        remark = line.strip()
        if remark:
            piece.above.append(Remark(remark, blank))
        blank = not remark and (blank or number < len(others))
    piece.spaced, piece.broken, piece.apart = bool(gap), bool(others), blank
    piece.gap = 0 if others else len(gap)
