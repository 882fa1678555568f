"""Findings as GitHub's workflow commands, which it shows beside the lines of a pull request."""

from __future__ import annotations

import os
from pathlib import Path

from archspec.check import Checked
from archspec.check.document import place
from archspec.source import Diagnostic

_COMMANDS = {"error": "error", "warning": "warning", "note": "notice"}


def to_annotations(checked: list[Checked]) -> str:
    """One line for each finding: ::error file=net.arch,line=4,col=28,...,title=A307::message"""
    return "\n".join(_annotation(finding, c) for c in checked for finding in c.findings)


def _annotation(finding: Diagnostic, checked: Checked) -> str:
    properties: dict[str, str | int] = {"file": _in_repository(checked.source.name)}
    if finding.span is not None:
        at = place(finding.span)
        properties = {
            "file": _in_repository(at["file"]),
            "line": at["line"],
            "col": at["column"],
            "endLine": at["end_line"],
            "endColumn": at["end_column"],
        }
    properties["title"] = finding.code
    named = ",".join(f"{name}={_escaped(str(value), property=True)}" for name, value in properties.items())
    told = [finding.message, *finding.trace, *(f"note: {note}" for note in finding.notes)]
    told += [f"help: {finding.help}"] if finding.help else []
    return f"::{_COMMANDS[finding.severity]} {named}::{_escaped(chr(10).join(told))}"


def _in_repository(file: str) -> str:
    """A file as GitHub knows it: relative to the checkout."""
    workspace = os.environ.get("GITHUB_WORKSPACE")
    whole = Path(os.path.abspath(file))
    if workspace and os.path.exists(whole) and whole.is_relative_to(workspace):
        return whole.relative_to(workspace).as_posix()
    return file


def _escaped(text: str, *, property: bool = False) -> str:
    text = text.replace("%", "%25").replace("\r", "%0D").replace("\n", "%0A")
    return text.replace(":", "%3A").replace(",", "%2C") if property else text
