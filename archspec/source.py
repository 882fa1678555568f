"""Where text came from, and what to say about it: sources, spans, diagnostics and their rendering."""

from __future__ import annotations

from bisect import bisect_right
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any, Literal, NamedTuple

Severity = Literal["error", "warning", "note"]


@dataclass(frozen=True)
class Source:
    """One text to read: a file, standard input or `-e`.  `name` is what messages call it."""

    name: str
    text: str
    directory: str | None = None  # where its imports are looked up; None for text without a file

    @cached_property
    def _line_starts(self) -> list[int]:
        starts = [0]
        at = self.text.find("\n")
        while at >= 0:
            starts.append(at + 1)
            at = self.text.find("\n", at + 1)
        return starts

    def position(self, offset: int) -> tuple[int, int]:
        """Line and column of an offset, both counted from 1."""
        row = bisect_right(self._line_starts, offset) - 1
        return row + 1, offset - self._line_starts[row] + 1

    def line(self, number: int) -> str:
        """The text of line `number` (from 1), without its end."""
        start = self._line_starts[number - 1]
        end = self.text.find("\n", start)
        return self.text[start : end if end >= 0 else len(self.text)].rstrip("\r")


class Span(NamedTuple):
    """A piece of a source, as offsets; rows and columns are computed when a message is rendered."""

    source: Source
    start: int
    end: int

    @property
    def text(self) -> str:
        return self.source.text[self.start : self.end]

    @property
    def row(self) -> int:
        """The line of the first character, from 1."""
        return self.source.position(self.start)[0]

    @property
    def place(self) -> str:
        """`line:column` of the first character."""
        line, column = self.source.position(self.start)
        return f"{line}:{column}"

    def to(self, other: Span) -> Span:
        """From the start of this span to the end of another one."""
        return Span(self.source, self.start, other.end)


class Label(NamedTuple):
    """A secondary place of a diagnostic with a word about it."""

    span: Span
    text: str


class Fix(NamedTuple):
    """A text edit that mends the mistake: replace `span` by `text`."""

    span: Span
    text: str


@dataclass(frozen=True, slots=True)
class Diagnostic:
    """One thing to tell the author of a spec.

    `code` is stable (A3xx ...; W and N for warnings and notes).  `caption` stands under the carets, `expected` holds at
    most five items in human words, `trace` the way to the fault (`in: ...` and `trace: ...`), `help` what to type.
    """

    code: str
    message: str
    span: Span | None = None
    caption: str = ""
    labels: tuple[Label, ...] = ()
    expected: tuple[str, ...] = ()
    help: str = ""
    fix: Fix | None = None
    trace: tuple[str, ...] = ()
    notes: tuple[str, ...] = ()
    severity: Severity = "error"


MOST_ERRORS = 10  # reported of one run


@dataclass
class SpecError(Exception):
    """What is wrong with a spec: every diagnostic found in one run.

    `partial` is whatever could still be built (a Graph up to the fault), so that a report can show it.
    """

    diagnostics: tuple[Diagnostic, ...]
    partial: Any = field(default=None)

    def __str__(self) -> str:
        return "\n\n".join(render(d) for d in self.diagnostics)


_STYLES = {"error": "31;1", "warning": "33;1", "note": "36;1", "caret": "31;1", "label": "36", "dim": "2"}
_LONGEST = 600  # of a sentence
_WIDEST = 160  # of a line of source; of a longer one the neighbourhood is shown


def _paint(text: str, style: str, color: bool) -> str:
    return f"\x1b[{_STYLES[style]}m{text}\x1b[0m" if color and text else text


def _printable(text: str) -> str:
    """The text with a dot for whatever would not show, or would command the terminal."""
    return text if text.isprintable() else "".join(c if c.isprintable() or c == "\t" else "\u00b7" for c in text)


def _column_width(text: str) -> str:
    """Blank text as wide as `text`, so that carets stay under a line that holds tabs."""
    return "".join("\t" if c == "\t" else " " for c in text)


def _window(line: str, focus: int) -> tuple[int, str]:
    """Where the shown part of a line begins, and that part: all of it, or the neighbourhood of `focus`."""
    if len(line) <= _WIDEST:
        return 0, line
    begin = max(0, min(focus - _WIDEST // 2, len(line) - _WIDEST))
    head, tail = "..." if begin else "", "..." if begin + _WIDEST < len(line) else ""
    return begin, head + line[begin + len(head) : begin + _WIDEST - len(tail)] + tail


def _row(number: int, d: Diagnostic, source: Source, color: bool) -> list[str]:
    """One line of source with what is marked on it, the primary place first."""
    spans = [(d.span, d.caption, "caret")] + [(label.span, label.text, "label") for label in d.labels]
    here = [(s, text, style) for s, text, style in spans if s and s.source is source and s.row == number]
    start, line = source._line_starts[number - 1], source.line(number)
    begin, shown = _window(line, here[0][0].start - start)
    marks: list[tuple[int, str]] = []  # rows so far: how wide each is, and its text
    for span, text, style in here:
        offset = min(max(span.start - start - begin, 0), len(shown))
        width = max(1, min(span.end - start - begin, len(shown)) - offset)
        mark = ("^" if style == "caret" else "-") * width + (f" {_sentence(text)}" if text else "")
        row = next((i for i, (used, _) in enumerate(marks) if used < offset), len(marks))
        used, before = marks[row] if row < len(marks) else (0, "")
        gap = _column_width(shown[used:offset]).ljust(offset - used)
        marks[row : row + 1] = [(offset + len(mark), before + gap + _paint(mark, style, color))]
    return [_printable(shown).rstrip(), *(text for _, text in marks)]


def _sentence(text: str) -> str:
    """A text of the message, which may quote a name of any length."""
    return _printable(text if len(text) <= _LONGEST else f"{text[: _LONGEST - 3]}...")


def render(d: Diagnostic, *, color: bool = False) -> str:
    """A diagnostic as text: file:line:column, the author's own line, carets, what was expected and what to type."""
    out = [f"{_paint(f'{d.severity}[{d.code}]', d.severity, color)}: {_sentence(d.message)}"]
    gutter = ""
    if d.span is not None:
        source = d.span.source
        numbers = sorted({d.span.row} | {label.span.row for label in d.labels if label.span.source is source})
        gutter = " " * len(str(numbers[-1]))
        out += [f"{gutter}--> {_printable(source.name)}:{d.span.place}", f"{gutter} |"]
        for previous, number in zip([numbers[0], *numbers], numbers, strict=False):
            out += ["..."] if number > previous + 1 else []
            text, *marks = _row(number, d, source, color)
            out += [f"{number:>{len(gutter)}} | {text}".rstrip(), *(f"{gutter} | {mark}" for mark in marks)]
        for label in d.labels:
            if label.span.source is not source:
                out.append(f"{gutter} = {label.text}: {label.span.source.name}:{label.span.place}")
    rest = [*d.trace]
    rest += [f"expected: {', '.join(d.expected[:5])}"] if d.expected else []
    rest += [f"note: {text}" for text in d.notes]
    rest += [f"help: {d.help}"] if d.help else []
    return "\n".join([*out, *(f"{gutter} = {_sentence(line)}" for line in rest)])


_MOST_COMPARISONS = 400_000  # of letters; a word with that many candidates had better be looked up


def nearest(word: str, known: Any) -> str | None:
    """The known word closest to `word` by Damerau-Levenshtein distance, if it is close enough to be what was meant."""
    most, room = max(1, len(word) // 3), _MOST_COMPARISONS
    best: tuple[int, str] | None = None
    for candidate in sorted(known):
        if abs(len(candidate) - len(word)) > most:
            continue
        room -= len(candidate) * len(word)
        if room < 0:
            break
        distance = _distance(word.lower(), candidate.lower())
        if distance <= most and (best is None or distance < best[0]):
            best = (distance, candidate)
    return best[1] if best else None


def is_slip(word: str, meant: str) -> bool:
    """Whether `word` can hardly be anything else than `meant` mistyped, so that an edit may put it right unasked: other
    capitals, two letters exchanged, or one letter wrong in a word of five."""
    a, b = word.lower(), meant.lower()
    return a == b or (_distance(a, b) == 1 and (len(a) > 4 or sorted(a) == sorted(b)))


def _distance(a: str, b: str) -> int:
    """Damerau-Levenshtein distance with adjacent swaps (optimal string alignment)."""
    before: list[int] = []
    row = list(range(len(b) + 1))
    for i, x in enumerate(a, 1):
        last, before, row = before, row, [i]
        for j, y in enumerate(b, 1):
            cost = min(before[j] + 1, row[j - 1] + 1, before[j - 1] + (x != y))
            if i > 1 and j > 1 and x == b[j - 2] and a[i - 2] == y:
                cost = min(cost, last[j - 2] + 1)
            row.append(cost)
    return row[-1]
