"""Findings as data: JSON of a published schema."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import archspec
from archspec.check import Checked
from archspec.source import Diagnostic, Fix, Label, Span

SCHEMA = "archspec.diagnostics/1"


def schema() -> dict[str, Any]:
    """The JSON Schema of `to_json`'s documents."""
    path = Path(__file__).resolve().parent.parent / "data" / "diagnostics.schema.json"
    loaded: dict[str, Any] = json.loads(path.read_text(encoding="utf-8"))
    return loaded


def to_json(checked: list[Checked]) -> str:
    """Everything found in some specs."""
    document = {
        "schema": SCHEMA,
        "archspec": archspec.__version__,
        "specs": [
            {"file": c.source.name, "valid": c.is_valid, "nets": list(c.nets), "skipped": list(c.skipped)}
            for c in checked
        ],
        "totals": {
            f"{severity}s": sum(c.count(severity) for c in checked) for severity in ("error", "warning", "note")
        },
        "diagnostics": [_finding(finding, c) for c in checked for finding in c.findings],
    }
    return json.dumps(document, indent=2, ensure_ascii=False)


def _finding(finding: Diagnostic, checked: Checked) -> dict[str, Any]:
    return {
        "code": finding.code,
        "severity": finding.severity,
        "message": finding.message,
        "spec": checked.source.name,
        "place": place(finding.span) if finding.span else None,
        "caption": finding.caption,
        "labels": [_label(label) for label in finding.labels],
        "expected": list(finding.expected[:5]),
        "trace": list(finding.trace),
        "notes": list(finding.notes),
        "help": finding.help,
        "fix": _fix(finding.fix) if finding.fix else None,
    }


def place(span: Span) -> dict[str, Any]:
    """Where a span stands: lines and columns from 1, the end one column behind the last character."""
    (line, column), (end_line, end_column) = (
        span.source.position(at) for at in (span.start, max(span.start, span.end))
    )
    return {
        "file": span.source.name,
        "line": line,
        "column": column,
        "end_line": end_line,
        "end_column": end_column,
    }


def _label(label: Label) -> dict[str, Any]:
    return {"place": place(label.span), "text": label.text}


def _fix(fix: Fix) -> dict[str, Any]:
    return {"place": place(fix.span), "text": fix.text}
