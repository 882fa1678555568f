"""What stands around a syntax error: the text as words, as a reader sees it, and the fault among them."""

from __future__ import annotations

import re
from bisect import bisect_right
from collections.abc import Callable
from dataclasses import dataclass
from typing import NamedTuple

from archspec.source import Diagnostic, Fix, Label, Source, Span

STATEMENTS = (
    "archspec", "import", "from", "default", "let", "param", "block", "net", "shared", "input", "output", "assert",
    "for",
)  # fmt: skip
CLOSER = {"(": ")", "[": "]", "{": "}"}
_BETWEEN_STEPS = ("|", ",", "=", ":", "+", "<-", "&", ";", "for", "if")

_WORD = re.compile(
    r"""(?P<skip>[ \t]+|\r(?=\n)|\#[^\n]*)
      | (?P<line>\n)
      | (?P<text>"[^"\n]*"?)
      | (?P<arrow>->)
      | (?P<name>[A-Za-z_][A-Za-z0-9_]*)
      | (?P<number>[0-9][A-Za-z0-9_]*(?:\.[0-9][A-Za-z0-9_]*)*(?:(?<=[eE])[+-][0-9]+)?)
      | (?P<sign>\.\.\.|\.\.|-{2,}>|=+>|===|==|!=|[<>]=|=<|<->?|~>|>>|\|>|//|/\*|\*\*|&&|\|\||[-+*:]=|\+\+|--|<>|.)""",
    re.VERBOSE | re.DOTALL,
)


class Word(NamedTuple):
    """A piece of text.  `kind` is name, number, text (in quotes), arrow, sign, line (its end) or end (of the file)."""

    kind: str
    text: str
    start: int
    end: int


def scan(text: str) -> list[Word]:
    """The words of a text, without blanks and comments; the last one is its end."""
    words = [
        Word(m.lastgroup or "", m.group(), m.start(), m.end()) for m in _WORD.finditer(text) if m.lastgroup != "skip"
    ]
    return [*words, Word("end", "", len(text), len(text))]


@dataclass(frozen=True, slots=True)
class Fault:
    """A place where the parser can go no further.

    `words[at]` is the word it stumbled over, at `position` inside it; `accepts` names the terminals that it could go on
    with; `openers` are the brackets open here, as indices into `words`; `first` is the first word of the statement.
    """

    source: Source
    words: list[Word]
    at: int
    position: int
    accepts: frozenset[str]
    openers: tuple[int, ...]
    first: int

    @property
    def word(self) -> Word:
        return self.words[self.at]

    @property
    def after_step(self) -> bool:
        return "_ARROW" in self.accepts

    @property
    def wants_step(self) -> bool:
        return "SHORT" in self.accepts

    @property
    def after_value(self) -> bool:
        return "PLUS" in self.accepts

    @property
    def wants_value(self) -> bool:
        return "FLOAT" in self.accepts and not self.wants_step

    @property
    def keyword(self) -> str:
        """The word the statement begins with."""
        return self.words[self.first].text

    @property
    def starts_line(self) -> bool:
        return self.at == 0 or self.words[self.at - 1].kind == "line"

    @property
    def ends_line(self) -> bool:
        """Whether the author's line, body or file ends where something else was wanted."""
        return self.word.kind in ("line", "end") or (self.word.text == "}" and self.starts_line)

    @property
    def opener(self) -> Word | None:
        """The innermost open bracket."""
        return self.words[self.openers[-1]] if self.openers else None

    def inside(self, bracket: str) -> bool:
        return self.opener is not None and self.opener.text == bracket

    def back(self, count: int = 1) -> Word:
        """The word `count` before this one, ends of lines left out; the file's end where there is none."""
        return self._walk(-1, count)

    def ahead(self, count: int = 1) -> Word:
        """The word `count` after this one, ends of lines left out."""
        return self._walk(1, count)

    def _walk(self, step: int, count: int) -> Word:
        i = self.at
        while count:
            i += step
            if not 0 <= i < len(self.words):
                return self.words[-1]
            count -= self.words[i].kind != "line"
        return self.words[i]

    def step(self, way: int) -> str:
        """The text of the step before (-1) or behind (1) this word, up to the next arrow, bar or bracket's end."""
        depth, i, end = 0, self.at, self.at
        while 0 < i < len(self.words) - 1:
            i += way
            word = self.words[i]
            depth += way * ((word.text in CLOSER) - (word.text in CLOSER.values()))
            if depth < 0 or (not depth and (word.kind in ("arrow", "line", "end") or word.text in _BETWEEN_STEPS)):
                break
            end = i
        first, last = sorted((end, self.at + way))
        text = self.text(self.words[first], self.words[last]) if end != self.at else ""
        return re.sub(r"\s+", " ", text)

    def joined(self, at: int) -> Fix | None:
        """The edit that puts a word on the line of the one before it; None where a comment stands between."""
        before = at - 1
        while before and self.words[before].kind == "line":
            before -= 1
        span = Span(self.source, self.words[before].end, self.words[at].start)
        return None if "#" in span.text else Fix(span, " ")

    def is_known(self, name: str) -> bool:
        """Whether a name stands anywhere but at this word and the one behind it."""
        here = (self.at, self.at + 1)
        return any(w.kind == "name" and w.text == name and i not in here for i, w in enumerate(self.words))

    def before_bracket(self) -> Word:
        """The word before the innermost open bracket."""
        return self.words[self.openers[-1] - 1] if self.openers and self.openers[-1] else self.words[-1]

    def span(self, start: Word, end: Word | None = None) -> Span:
        return Span(self.source, start.start, (end or start).end)

    def gap(self) -> Span:
        """The empty place right behind the word before this one."""
        at = self.back().end
        return Span(self.source, at, at)

    def text(self, start: Word, end: Word) -> str:
        return self.source.text[start.start : end.end]

    def rest(self, at: int | None = None) -> list[Word]:
        """The words from here, or from another one, to the end of the line."""
        out = []
        for word in self.words[self.at if at is None else at :]:
            if word.kind in ("line", "end"):
                break
            out.append(word)
        return out

    def line(self, at: int) -> str:
        """The text from a word to the end of its line."""
        words = self.rest(at)
        return self.text(words[0], words[-1]) if words else ""

    def line_above(self, at: int) -> Word:
        """The first word of the line above that of a word."""
        while at and self.words[at - 1].kind == "line":
            at -= 1
        while at and self.words[at - 1].kind != "line":
            at -= 1
        return self.words[at]

    def statement(self) -> list[Word]:
        """The words of the statement, with lines that begin with an arrow."""
        out = []
        for i in range(self.first, len(self.words)):
            word = self.words[i]
            if word.kind == "end" or (word.kind == "line" and self.words[i + 1].kind != "arrow"):
                break
            out.append(word)
        return out

    def error(
        self,
        code: str,
        message: str,
        *,
        span: Span | None = None,
        caption: str | None = None,
        help: str = "",
        fix: Fix | None = None,
        labels: tuple[Label, ...] = (),
        expected: bool = False,
    ) -> Diagnostic:
        """The diagnostic of this fault; without a span it stands at the word."""
        place = span or self._here()
        if caption is None:
            end = self.word.kind != "end" and self.ends_line
            caption = "" if span else f"found {'the end of the line' if end else found(self.word)}"
        listed = wording(self.accepts) if expected else ()
        return Diagnostic(code, message, place, caption, labels, listed, help, fix)

    def _here(self) -> Span:
        """The word itself; the end of a line or file is shown behind the last word on it."""
        if not self.ends_line:
            return self.span(self.word)
        at = self.back().end if self.back().kind != "end" else 0
        return Span(self.source, at, at + 1)


Rule = Callable[[Fault], Diagnostic | None]


def found(word: Word) -> str:
    """A word as a message names it."""
    if word.kind == "line":
        return "the end of the line"
    return "the end of the file" if word.kind == "end" else f"'{word.text}'"


def locate(words: list[Word], offset: int) -> int:
    """The index of the word at an offset, or of the next one."""
    i = bisect_right(words, offset, key=lambda w: w.start) - 1
    return i if i >= 0 and words[i].end > offset else min(i + 1, len(words) - 1)


_STEP = (
    ("_ARROW", "'->'"),
    ("STAR", "'*' (repeat)"),
    ("QMARK", "'?' (optional)"),
    ("AS", "'as NAME'"),
    ("LPAR", "'('"),
    ("LSQB", "'['"),
    ("_NL", "the end of the line"),
    ("RBRACE", "'}'"),
)
_OTHER = (
    ("LET", "a statement"),
    ("SHORT", "a layer or block"),
    ("NAME", "a name"),
    ("FLOAT", "a number"),
    ("INT", "a number"),
    ("DIMS", "a size such as 3x3"),
    ("EQUAL", "'='"),
    ("COLON", "':'"),
    ("IN", "'in'"),
    ("ELSE", "'else'"),
    ("LPAR", "'('"),
    ("LSQB", "'['"),
    ("LBRACE", "'{'"),
    ("PLUS", "an operator such as + or *"),
    ("STAR", "'*'"),
    ("IF", "'if'"),
    ("IMPORT", "'import'"),
    ("AT", "'@'"),
    ("STRING", 'a text in "quotes"'),
    ("_NL", "the end of the line"),
    ("RBRACE", "'}'"),
    ("$END", "the end of the file"),
)
_CLOSE = (("RPAR", "')'"), ("RSQB", "']'"), ("COMMA", "','"), ("VBAR", "'|'"))


def wording(accepts: frozenset[str]) -> tuple[str, ...]:
    """What the parser could go on with, in human words, at most five."""
    table = _CLOSE + (_STEP if "_ARROW" in accepts else _OTHER)
    hidden = {"NAME"} if "SHORT" in accepts else set()
    hidden |= {"STAR"} if "PLUS" in accepts else set()
    hidden |= {"$END"} if "_NL" in accepts else set()
    words = [text for terminal, text in table if terminal in accepts - hidden]
    return tuple(dict.fromkeys(words))[:5]
