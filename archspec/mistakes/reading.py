"""A parse that goes on behind each fault, so that one run reports every mistake."""

from __future__ import annotations

from copy import copy
from typing import Any

from lark import Lark, Token
from lark.exceptions import UnexpectedCharacters, UnexpectedToken
from lark.parsers.lalr_interactive_parser import InteractiveParser

from archspec.mistakes.words import STATEMENTS, Fault, Word, locate, scan
from archspec.source import Source


def _behind(words: list[Word]) -> list[int]:
    """For each word its own place, or that of the first word after the ends of lines there."""
    out = list(range(len(words)))
    for i in reversed(out[:-1]):
        if words[i].kind == "line":
            out[i] = out[i + 1]
    return out


class Reading:
    """One pass over a text, without building a tree."""

    def __init__(self, source: Source, parser: Lark) -> None:
        self.source = source
        self.words = scan(source.text)
        self.parser: InteractiveParser = parser.parse_interactive(source.text)
        # The grammar's actions would build trees of statements that are not whole.
        self.parser.parser_state.parse_conf = copy(self.parser.parser_state.parse_conf)
        self.parser.parser_state.parse_conf.callbacks = {}
        self.behind = _behind(self.words)
        self.start = 0  # the word at which the present stretch begins
        self.braces: tuple[int, ...] = ()  # the bodies open there

    def next_fault(self) -> Fault | None:
        """Reads on to the next fault; None at a good end."""
        state = self.parser.parser_state
        stack = list(state.state_stack)
        try:
            for token in self.parser.lexer_thread.lex(state):  # type: ignore[no-untyped-call]
                stack = list(state.state_stack)
                state.feed_token(token)
            stack = list(state.state_stack)
            size = len(self.source.text)
            state.feed_token(Token("$END", "", size, end_pos=size), True)
        except UnexpectedCharacters as fault:
            return self._fault(fault.pos_in_stream or 0, list(state.state_stack))
        except UnexpectedToken as fault:
            return self._fault(_offset(fault.token), stack)
        return None

    def _fault(self, offset: int, stack: list[Any]) -> Fault:
        # The parser may have reduced before it noticed, and would then know less of what could have followed.
        state = self.parser.parser_state
        state.state_stack[:] = stack
        state.value_stack[:] = [None] * (len(stack) - 1)
        at = locate(self.words, offset)
        openers, first = self._surroundings(at)
        accepts: set[str] = self.parser.accepts()  # type: ignore[no-untyped-call]
        return Fault(self.source, self.words, at, offset, frozenset(accepts), openers, first)

    def _surroundings(self, at: int) -> tuple[tuple[int, ...], int]:
        """The brackets open at a word, and the first word of its statement."""
        openers, first = list(self.braces), self.start
        fresh, before = True, ""
        for i in range(self.start, at):
            word = self.words[i]
            if word.kind == "line":
                inside = openers and self.words[openers[-1]].text != "{"
                joined = before in ("->", "=") or self._next(i).text == "->"
                fresh = fresh or not (inside or joined)
                continue
            before = word.text
            if fresh:
                first, fresh = i, False
            if word.kind == "sign" and word.text in "([{":
                openers.append(i)
                fresh = word.text == "{"
            elif word.kind == "sign" and word.text in ")]}" and openers:
                openers.pop()
        # A '}' at the beginning of its line is met where the statement before it should have gone on.
        return tuple(openers), at if fresh and self.words[at].text != "}" else first

    def _next(self, i: int) -> Word:
        """The word at i, or the first one after the ends of lines there."""
        return self.words[self.behind[i]]

    # ---- behind a fault

    def resume(self, fault: Fault, code: str) -> bool:
        """Goes on behind the broken statement; False where the text ends.  `code` is what was said of the fault.

        Where a bracket is not closed, brackets do not tell where the statement ends: the next keyword does, or the '{'
        that a head opens.
        """
        opens = fault.keyword in ("block", "net", "for") and any(w.text == "{" for w in fault.rest())
        if code == "A012" and not opens:
            to = self._keyword_line(fault.at)
        else:
            begin = fault.at + (code == "A056" and self._next(fault.at).text != "{")
            if fault.word.text == "/*":
                begin = locate(self.words, max(self.source.text.find("*/", fault.word.end), fault.word.start))
            to = self._end_of_statement(fault, begin)
        if to is None:
            return False
        openers, _ = self._surroundings(to)
        self.braces = tuple(i for i in openers if self.words[i].text == "{")
        self.start = to
        state, lexer = self.parser.parser_state, self.parser.lexer_thread.state
        if "_NL" in fault.accepts:  # what stands so far is a whole statement
            state.feed_token(Token("_NL", "\n", 0, end_pos=0))
        while "LET" not in self.parser.choices():  # type: ignore[no-untyped-call]
            state.state_stack.pop()
            state.value_stack.pop()
        # In place of the broken statement a step, or the head of a net whose body is read on.
        for kind in ("NET", "NAME") if self.words[to].text == "{" else ("NAME",):
            state.feed_token(Token(kind, "_", 0, end_pos=0))
        assert lexer is not None
        lexer.line_ctr.char_pos, lexer.last_token = self.words[to].start, None
        return True

    def _end_of_statement(self, fault: Fault, begin: int) -> int | None:
        """Where to go on: the line's end or '}' that ends the statement, or the '{' that its head opens."""
        brackets = sum(self.words[i].text != "{" for i in fault.openers)
        head = fault.keyword in ("block", "net", "for")
        bodies = 0
        for i in range(begin, len(self.words) - 1):
            word = self.words[i]
            if word.kind == "line" and not brackets and not bodies:
                if self._next(i).text == "{":
                    return self.behind[i]
                if self.words[i - 1].text != "->" and self._next(i).text != "->":
                    return i
            opens = head or (not brackets and self.words[i + 1].kind in ("line", "end"))
            closes = not bodies and fault.openers
            if (word.text == "{" and opens) or (word.text == "}" and closes):
                return i
            if word.kind == "sign":
                brackets = max(0, brackets + (word.text in ("(", "[")) - (word.text in (")", "]")))
                bodies = max(0, bodies + (word.text == "{") - (word.text == "}"))
        return self._keyword_line(fault.at) if brackets else None

    def _keyword_line(self, at: int) -> int | None:
        """The end of the line before the next statement's keyword or '}'; the '}' itself where it is the fault."""
        if self.words[at].text == "}":
            return at
        if at and self.words[at - 1].kind == "line":
            at -= 1
        for i in range(at, len(self.words) - 1):
            if self.words[i].kind == "line" and self._next(i).text in (*STATEMENTS, "}"):
                return i
        return None


def _offset(token: Token) -> int:
    """Where the text of a token begins, behind the ends of lines that it swallows."""
    end = token.end_pos or 0
    if token.type == "_ARROW":
        return end - 2
    return end - 1 if token.type == "RBRACE" else token.start_pos or 0
