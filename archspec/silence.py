"""Comments that silence: `# lint: off N401` behind a line for what stands there, on a line of its own for the file."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator

from archspec.source import Diagnostic, Source

_COMMENT = re.compile(r"#\s*lint:\s*off\b((?:[\s,]+[WN]\d{3}\b)+)")


def heard(findings: Iterable[Diagnostic]) -> Iterator[Diagnostic]:
    """The findings that no comment silences; errors cannot be silenced."""
    known: dict[int, set[tuple[int, str]]] = {}
    for finding in findings:
        span = finding.span
        if span is None or finding.severity == "error":
            yield finding
            continue
        silenced = known.get(id(span.source))
        if silenced is None:
            silenced = known[id(span.source)] = _silenced(span.source)
        rows = (0, span.row, span.source.position(max(span.start, span.end - 1))[0])
        if not any((row, finding.code) in silenced for row in rows):
            yield finding


def _silenced(source: Source) -> set[tuple[int, str]]:
    """Line and code of every comment that silences; line 0 is the whole file."""
    found: set[tuple[int, str]] = set()
    for match in _COMMENT.finditer(source.text) if "lint:" in source.text else ():
        row, column = source.position(match.start())
        alone = not source.line(row)[: column - 1].strip()
        found |= {(0 if alone else row, code) for code in re.findall(r"[WN]\d{3}", match[1])}
    return found
