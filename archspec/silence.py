"""Comments that silence: `# lint: off N401` behind a line for what stands there, on a line of its own for the file."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator

from archspec.source import Diagnostic, Fix, Source, Span, nearest

_COMMENT = re.compile(r"#\s*lint:\s*off\b(?P<codes>(?:[\s,]+[A-Za-z]\d{2,4}\b)*)")
_CODE = re.compile(r"[A-Za-z]\d+")


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


def misspelt(source: Source) -> Iterator[Diagnostic]:
    """A warning for every comment that silences nothing, since what it names is no code of a warning or a note."""
    for comment in _comments(source):
        codes = list(_spans(source, comment))
        if not codes:
            help = "name the codes: # lint: off N404"
            span = Span(source, *comment.span())
            yield Diagnostic("W103", "the comment silences nothing", span, help=help, severity="warning")
        for span in codes:
            if found := _misspelt(span):
                yield found


def _misspelt(span: Span) -> Diagnostic | None:
    from archspec.pages import pages

    known = [code for code in pages() if code[0] != "A"]
    if span.text in known:
        return None
    if span.text in pages():
        message, near, help = (
            f"{span.text} is an error, which cannot be silenced",
            None,
            f"archspec explain {span.text}",
        )
    else:
        near = nearest(span.text, known)
        message = f"there is no code {span.text}"
        help = f"did you mean {near}?" if near else "`archspec explain` lists the codes"
    fix = Fix(span, near) if near else None
    return Diagnostic("W103", message, span, help=help, fix=fix, severity="warning")


def _silenced(source: Source) -> set[tuple[int, str]]:
    """Line and code of every comment that silences; line 0 is the whole file."""
    found: set[tuple[int, str]] = set()
    for comment in _comments(source):
        row, column = source.position(comment.start())
        alone = not source.line(row)[: column - 1].strip()
        found |= {(0 if alone else row, span.text) for span in _spans(source, comment)}
    return found


def _comments(source: Source) -> Iterable[re.Match[str]]:
    return _COMMENT.finditer(source.text) if "lint:" in source.text else ()


def _spans(source: Source, comment: re.Match[str]) -> Iterator[Span]:
    for code in _CODE.finditer(source.text, *comment.span("codes")):
        yield Span(source, *code.span())
