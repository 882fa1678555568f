"""Words and signs: a contextual lexer for lark with two scanners in place of one per parser state.

Only two things depend on where the parser stands: whether a word is a keyword or a name (`net` is a fine name for an
argument), and whether the papers' shorthand (conv3-64) is offered, which elsewhere would swallow a subtraction.  Lark's
own contextual lexer compiles a scanner for each set of acceptable terminals, which takes longer than a whole analysis.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Iterator
from typing import TYPE_CHECKING, Any

from lark import Token
from lark.exceptions import UnexpectedCharacters
from lark.lexer import Lexer, LexerState, PatternStr

if TYPE_CHECKING:
    from lark.common import LexerConf

_WORD = re.compile(r"[a-z]+\Z")
_OPENING, _CLOSING = ("LPAR", "LSQB"), ("RPAR", "RSQB")


class ArchLexer(Lexer):
    """Lark's lexer interface; it also drops the newlines that end no statement: those inside ( ) and [ ], and those
    after a trailing arrow or equals sign."""

    def __init__(
        self, conf: LexerConf, states: dict[int, Collection[str]], always_accept: Collection[str] = ()
    ) -> None:
        self._states = {state: frozenset(accepts) for state, accepts in states.items()}
        self._ignored = frozenset(conf.ignore)
        self._words: dict[str, str] = {}
        self._signs: list[tuple[str, str]] = []
        self._scanners: dict[bool, re.Pattern[str]] = {}
        order = sorted(conf.terminals, key=lambda t: (-t.priority, -t.pattern.max_width, -len(t.pattern.value), t.name))
        for terminal in order:
            if isinstance(terminal.pattern, PatternStr) and _WORD.match(terminal.pattern.value):
                self._words[terminal.pattern.value] = terminal.name
            else:
                self._signs.append((terminal.name, terminal.pattern.to_regexp()))

    def _scanner(self, shorthand: bool) -> re.Pattern[str]:
        if shorthand not in self._scanners:
            signs = (f"(?P<{name}>{regexp})" for name, regexp in self._signs if shorthand or name != "SHORT")
            self._scanners[shorthand] = re.compile("|".join(signs))
        return self._scanners[shorthand]

    def lex(self, lexer_state: LexerState, parser_state: Any) -> Iterator[Token]:
        """Yields the tokens one by one, since what a word is depends on what the parser did with those before."""
        text: str = lexer_state.text.text
        position, end = lexer_state.line_ctr.char_pos, len(text)  # not 0 where reading goes on behind a mistake
        depth, previous = 0, ""
        while position < end:
            accepts = self._states[parser_state.position]
            match = self._scanner("SHORT" in accepts).match(text, position)
            if match is None:
                raise self._unexpected(text, position, accepts, lexer_state, parser_state)
            kind, value, start = match.lastgroup or "", match.group(), position
            position = match.end()
            if kind in self._ignored or (kind == "_NL" and (depth > 0 or previous in ("_ARROW", "EQUAL"))):
                continue
            if kind == "NAME":
                word = self._words.get(value)
                if word is not None and (word in accepts or "NAME" not in accepts):
                    kind = word
            elif kind in _OPENING:
                depth += 1
            elif kind in _CLOSING:
                depth -= 1
            previous = kind
            token = Token(kind, value, start_pos=start, end_pos=position)
            lexer_state.last_token = token
            yield token

    def _unexpected(
        self, text: str, position: int, accepts: frozenset[str], lexer_state: LexerState, parser_state: Any
    ) -> UnexpectedCharacters:
        before = lexer_state.last_token
        line = text.count("\n", 0, position) + 1
        column = position - text.rfind("\n", 0, position)
        refuse: Any = UnexpectedCharacters  # lark leaves it without types
        fault: UnexpectedCharacters = refuse(
            text,
            position,
            line,
            column,
            allowed=set(accepts),
            state=parser_state,
            token_history=[before] if before is not None else None,
        )
        return fault
