"""Diagnostics' own text edits, applied one by one for as long as each makes the spec better."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import NamedTuple

from archspec.check import Checked
from archspec.source import Diagnostic, Fix, Source

_MOST_TRIED = 100

Check = Callable[[Source], Checked]


class Fixed(NamedTuple):
    """A spec after its fixes: what is left to say of it, and the findings that were fixed, where they stood then."""

    checked: Checked
    applied: tuple[Diagnostic, ...]


def fix(checked: Checked, check: Check) -> Fixed:
    """Applies the edits of findings until none is left that helps; each text is checked again, and kept if better."""
    applied: list[Diagnostic] = []
    tried: set[Fix] = set()
    while len(tried) + len(applied) < _MOST_TRIED:
        finding = next((f for f in checked.findings if _is_own(f, checked.source) and f.fix not in tried), None)
        if finding is None:
            break
        assert finding.fix is not None
        after = check(_edited(checked.source, finding.fix))
        if _is_better(checked, after, finding):
            checked = after
            applied.append(finding)
        else:
            tried.add(finding.fix)
    return Fixed(checked, tuple(applied))


def _is_own(finding: Diagnostic, source: Source) -> bool:
    """Whether a finding has an edit of this text, rather than of a file that it imports."""
    return finding.fix is not None and finding.fix.span.source.name == source.name


def _edited(source: Source, edit: Fix) -> Source:
    text = source.text[: edit.span.start] + edit.text + source.text[edit.span.end :]
    return replace(source, text=text)


def _is_better(before: Checked, after: Checked, finding: Diagnostic) -> bool:
    """Whether an edit brought a spec nearer to a good one.

    A mistake may hide others, so more may be wrong afterwards: but not earlier in a text that did not parse, and not
    where the edit was made.  An edit for a warning may cause nothing at all.
    """
    assert finding.fix is not None and finding.span is not None
    if finding.code.startswith("A0"):
        return _got_further(before, after, finding.span.start)
    if _syntax(after):
        return False
    if finding.severity != "error":
        return _counts(after) < _counts(before)
    start = finding.fix.span.start
    end = start + len(finding.fix.text)
    errors = [f for f in after.findings if f.severity == "error" and f.span and f.span.source.name == after.source.name]
    here = any(f.span.start <= end and f.span.end >= start for f in errors if f.span)
    return not here and _same(after, finding, end) <= _same(before, finding, start)


def _same(checked: Checked, finding: Diagnostic, end: int) -> int:
    """How often this very mistake stands up to a place; behind it may be another one, which this one hid."""
    kind = finding.code, finding.message
    return sum((f.code, f.message) == kind and f.span is not None and f.span.start < end for f in checked.findings)


def _got_further(before: Checked, after: Checked, at: int) -> bool:
    """Whether the mistakes before a place are the same, and those behind it farther from it."""
    ahead = [start for start in _syntax(before) if start < at]
    still, left = _syntax(after), len(before.source.text) - at
    behind = [len(after.source.text) - start for start in still[len(ahead) :]]
    return still[: len(ahead)] == ahead and all(rest < left for rest in behind)


def _syntax(checked: Checked) -> list[int]:
    """Where the syntax errors of a text are."""
    return sorted(f.span.start for f in checked.findings if f.code.startswith("A0") and f.span)


def _counts(checked: Checked) -> tuple[int, ...]:
    return tuple(checked.count(severity) for severity in ("error", "warning", "note"))
