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


def _paint(text: str, style: str, color: bool) -> str:
    return f"\x1b[{_STYLES[style]}m{text}\x1b[0m" if color and text else text


def _column_width(text: str) -> str:
    """Blank text as wide as `text`, so that carets stay under a line that holds tabs."""
    return "".join("\t" if c == "\t" else " " for c in text)


def _marks(source: Source, number: int, primary: Span, labels: tuple[Label, ...], caption: str) -> list[tuple[str, bool]]:
    """The lines of carets under one line of source; each with whether it holds the primary mark."""
    line = source.line(number)
    start = source._line_starts[number - 1]
    rows: list[tuple[str, bool]] = []
    spans = [(primary, caption, "^")] + [(label.span, label.text, "-") for label in labels]
    for span, text, mark in spans:
        if span.source is not source or source.position(span.start)[0] != number:
            continue
        offset = min(span.start - start, len(line))
        width = max(1, min(span.end - start, len(line)) - offset)
        row = _column_width(line[:offset]) + mark * width + (f" {text}" if text else "")
        rows.append((row, mark == "^"))
    return rows


def render(d: Diagnostic, *, color: bool = False) -> str:
    """A diagnostic as text: file:line:column, the author's own line, carets, what was expected and what to type."""
    out = [f"{_paint(f'{d.severity}[{d.code}]', d.severity, color)}: {d.message}"]
    if d.span is not None:
        source, number = d.span.source, d.span.source.position(d.span.start)[0]
        shown = {number} | {
            label.span.source.position(label.span.start)[0] for label in d.labels if label.span.source is source
        }
        gutter = " " * len(str(max(shown)))
        out += [f"{gutter}--> {source.name}:{d.span.place}", f"{gutter} |"]
        previous = None
        for row in sorted(shown):
            if previous is not None and row > previous + 1:
                out.append("...")
            out.append(f"{row:>{len(gutter)}} | {source.line(row)}".rstrip())
            for text, is_primary in _marks(source, row, d.span, d.labels, d.caption):
                out.append(f"{gutter} | {_paint(text, 'caret' if is_primary else 'label', color)}")
            previous = row
        for label in d.labels:
            if label.span.source is not source:
                out.append(f"{gutter} = {label.text}: {label.span.source.name}:{label.span.place}")
    else:
        gutter = ""
    out += [f"{gutter} = {step}" for step in d.trace]
    if d.expected:
        out.append(f"{gutter} = expected: {', '.join(d.expected[:5])}")
    out += [f"{gutter} = note: {text}" for text in d.notes]
    if d.help:
        out.append(f"{gutter} = help: {d.help}")
    return "\n".join(out)


def nearest(word: str, known: Any) -> str | None:
    """The known word closest to `word` by Damerau-Levenshtein distance, if it is close enough to be what was meant."""
    best: tuple[int, str] | None = None
    for candidate in sorted(known):
        distance = _distance(word.lower(), candidate.lower())
        if best is None or distance < best[0]:
            best = (distance, candidate)
    return best[1] if best and best[0] <= max(1, len(word) // 3) else None


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
