"""Comments that silence: `# lint: off N401` in a statement for that statement, on a line of its own for the file."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from typing import NamedTuple

from archspec.source import Diagnostic, Fix, Source, Span, nearest

_COMMENT = re.compile(r"#\s*lint:\s*off\b(?P<codes>(?:[\s,]+[A-Za-z]\d{2,4}\b)*)")
_NO_CODE = re.compile(r'"[^"\n]*"|#.*')
_CARRIED, _CARRYING = ("->", "|", ")", "]"), ("->", "|", "=", ",")
_CODE = re.compile(r"[A-Za-z]\d+")


def heard(findings: Iterable[Diagnostic]) -> Iterator[Diagnostic]:
    """The findings that no comment silences; errors cannot be silenced."""
    known: dict[int, _Silence] = {}
    for finding in findings:
        span = finding.span
        if span is None or finding.severity == "error":
            yield finding
            continue
        silence = known.get(id(span.source)) or known.setdefault(id(span.source), _silence(span.source))
        rows = (span.row, span.source.position(max(span.start, span.end - 1))[0])
        places = {0, *(silence.starts[row - 1] for row in rows)} if silence.codes else ()
        if not any((place, finding.code) in silence.codes for place in places):
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


class _Silence(NamedTuple):
    """What a text silences: codes with the line on which their statement begins (0 is the whole file), and for each
    line of the text where its statement begins."""

    codes: set[tuple[int, str]]
    starts: list[int]


def _silence(source: Source) -> _Silence:
    comments = list(_comments(source))
    starts = _statements(source.text) if comments else []
    codes: set[tuple[int, str]] = set()
    for comment in comments:
        row, column = source.position(comment.start())
        alone = not source.line(row)[: column - 1].strip()
        codes |= {(0 if alone else starts[row - 1], span.text) for span in _spans(source, comment)}
    return _Silence(codes, starts)


def _statements(text: str) -> list[int]:
    """For each line the one that its statement begins on: an open bracket or an arrow carries it on."""
    starts: list[int] = []
    depth, before = 0, ""
    for row, line in enumerate(text.split("\n"), 1):
        code = _NO_CODE.sub("", line).strip()
        carried = depth > 0 or code.startswith(_CARRIED) or before.endswith(_CARRYING)
        starts.append(starts[-1] if carried and starts else row)
        depth = max(0, depth + sum(code.count(sign) for sign in "([") - sum(code.count(sign) for sign in ")]"))
        before = code or before
    return starts


def _comments(source: Source) -> Iterable[re.Match[str]]:
    return _COMMENT.finditer(source.text) if "lint:" in source.text else ()


def _spans(source: Source, comment: re.Match[str]) -> Iterator[Span]:
    for code in _CODE.finditer(source.text, *comment.span("codes")):
        yield Span(source, *code.span())
