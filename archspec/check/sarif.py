"""Findings as SARIF 2.1.0, the format that code scanning services read."""

from __future__ import annotations

import json
from typing import Any
from urllib.parse import quote

import archspec
from archspec.check import Checked
from archspec.check.document import place
from archspec.pages import Page, find_page
from archspec.source import Diagnostic, Fix, Label, Span

_LEVELS = {"error": "error", "warning": "warning", "note": "note"}


def to_sarif(checked: list[Checked]) -> str:
    """One run, with a rule for every code that was found."""
    codes = sorted({finding.code for c in checked for finding in c.findings})
    driver = {
        "name": "archspec",
        "version": archspec.__version__,
        "rules": [_rule(code, find_page(code)) for code in codes],
    }
    run = {
        "tool": {"driver": driver},
        "columnKind": "unicodeCodePoints",
        "artifacts": [{"location": {"uri": _uri(c.source.name)}} for c in checked],
        "results": [_result(finding, c, codes) for c in checked for finding in c.findings],
    }
    document = {
        "$schema": "https://json.schemastore.org/sarif-2.1.0.json",
        "version": "2.1.0",
        "runs": [run],
    }
    return json.dumps(document, indent=2, ensure_ascii=False)


def _rule(code: str, page: Page | None) -> dict[str, Any]:
    level = {"A": "error", "W": "warning", "N": "note"}[code[0]]
    rule: dict[str, Any] = {"id": code, "defaultConfiguration": {"level": level}}
    if page is not None:
        rule["shortDescription"] = {"text": page.means}
        rule["help"] = {"text": page.why}
    return rule


def _result(finding: Diagnostic, checked: Checked, codes: list[str]) -> dict[str, Any]:
    told = [finding.message, *finding.trace, *finding.notes, *([f"help: {finding.help}"] if finding.help else [])]
    result: dict[str, Any] = {
        "ruleId": finding.code,
        "ruleIndex": codes.index(finding.code),
        "level": _LEVELS[finding.severity],
        "message": {"text": "\n".join(told)},
        "locations": [_location(finding.span, checked)],
    }
    if finding.labels:
        result["relatedLocations"] = [_related(i, label) for i, label in enumerate(finding.labels, 1)]
    if finding.fix is not None:
        result["fixes"] = [_fix(finding.fix, finding.help)]
    return result


def _location(span: Span | None, checked: Checked) -> dict[str, Any]:
    if span is None:
        return {"physicalLocation": {"artifactLocation": {"uri": _uri(checked.source.name)}}}
    return {"physicalLocation": {"artifactLocation": {"uri": _uri(span.source.name)}, "region": _region(span)}}


def _region(span: Span) -> dict[str, int]:
    at = place(span)
    return {
        "startLine": at["line"],
        "startColumn": at["column"],
        "endLine": at["end_line"],
        "endColumn": at["end_column"],
    }


def _related(number: int, label: Label) -> dict[str, Any]:
    where = {"artifactLocation": {"uri": _uri(label.span.source.name)}, "region": _region(label.span)}
    return {"id": number, "physicalLocation": where, "message": {"text": label.text}}


def _fix(fix: Fix, help: str) -> dict[str, Any]:
    replacement = {"deletedRegion": _region(fix.span), "insertedContent": {"text": fix.text}}
    change = {"artifactLocation": {"uri": _uri(fix.span.source.name)}, "replacements": [replacement]}
    return {"description": {"text": help or "mend it"}, "artifactChanges": [change]}


def _uri(file: str) -> str:
    return quote(file.replace("\\", "/"))
