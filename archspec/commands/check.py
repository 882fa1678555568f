"""`archspec check`: what can be known of specs without emitting anything."""

from __future__ import annotations

import os
import sys
from collections.abc import Callable
from typing import TYPE_CHECKING

import click

from archspec.commands.spec import Request, reads_specs
from archspec.commands.streams import deliver, is_colored
from archspec.source import Diagnostic, Source, render

if TYPE_CHECKING:
    from archspec.check import Checked


@click.command("check")
@reads_specs
@click.option("--net", metavar="NET", help="Check this net; otherwise every one that needs no arguments.")
@click.option("--strict", is_flag=True, help="Exit 1 where there is a warning.")
@click.option("--advice", is_flag=True, help="Also say where a net leaves the literature's rules of thumb.")
@click.option("--fix", "fixing", is_flag=True, help="Apply the edits that messages propose to the files.")
@click.option(
    "--format",
    "form",
    type=click.Choice(["text", "json", "sarif", "github"]),
    help="Otherwise text, with annotations where GITHUB_ACTIONS is set.",
)
def command(
    requests: list[Request], net: str | None, strict: bool, advice: bool, fixing: bool, form: str | None
) -> int:
    """Checks syntax, names, shapes and asserts, and warns of what is likely a slip, without emitting anything.

    Exit 0; 1 where an assert fails, or with --strict where there is a warning; 3 where a spec is invalid.  With -D and
    the options like it, what is checked is the network that `analyze` would open.

    \b
    Examples:
      archspec check net.arch
      archspec check specs/*.arch --strict --format github
      archspec check net.arch --fix
      archspec check vgg16 --advice
    """
    for request in requests if fixing else ():
        if request.spec in (None, "-"):
            raise click.UsageError("--fix changes files: name them.")
        if not os.path.lexists(str(request.spec)):
            raise click.UsageError(f"--fix changes files, and there is no file {request.spec}.")
    loaded = [request.load() for request in requests]
    checked = [_check(request._replace(net=net or request.net), fixing, advice) for request in loaded]
    _tell(checked, form)
    if not all(c.is_valid for c in checked):
        return 3
    return int(any(c.count("error") or (strict and c.count("warning")) for c in checked))


def _check(request: Request, fixing: bool, advice: bool) -> Checked:
    from archspec.check import check

    source, net = request.source()

    def once(text: Source) -> Checked:
        if request.chooses:
            return _bound(request._replace(loaded=(text, net)), advice)
        return check(text, net, request.limits, advice=advice)

    checked = once(source)
    return _fix(checked, once) if fixing else checked


def _bound(request: Request, advice: bool) -> Checked:
    """What is found in the one network that the options make of a spec."""
    from archspec.check import Checked, of_model

    source, _ = request.source()
    return Checked(source, (), (), tuple(of_model(request.open, advice)))


def _fix(checked: Checked, check: Callable[[Source], Checked]) -> Checked:
    """Writes the text with the fixes that help, says what they were, and returns what is left."""
    from archspec.check.fixes import fix
    from archspec.files import write

    after, applied = fix(checked, check)
    if applied:
        write(checked.source.name, after.source.text)
    for finding in applied:
        assert finding.fix is not None
        where, edit = finding.fix.span, finding.fix.text
        change = f"{where.text!r} -> {edit!r}" if where.text else f"inserted {edit!r}"
        print(f"fixed {where.source.name}:{where.place} {finding.code}: {change}", file=sys.stderr)
    return after


def _tell(checked: list[Checked], form: str | None) -> None:
    if form == "json":
        from archspec.check.document import to_json

        deliver(to_json(checked))
    elif form == "sarif":
        from archspec.check.sarif import to_sarif

        deliver(to_sarif(checked))
    else:
        if form != "github":
            deliver(_text(checked))
        if form == "github" or os.environ.get("GITHUB_ACTIONS") == "true":
            from archspec.check.annotations import to_annotations

            if annotations := to_annotations(checked):
                deliver(annotations)


def _text(checked: list[Checked]) -> str:
    """Every finding, the grave ones last, and one line that sums up."""
    order = ("note", "warning", "error")
    findings = sorted((f for c in checked for f in c.findings), key=lambda f: order.index(f.severity))
    parts = [render(finding, color=is_colored(sys.stdout)) for finding in findings]
    return "\n\n".join([*parts, _summary(checked, findings)])


def _summary(checked: list[Checked], findings: list[Diagnostic]) -> str:
    nets = sum(len(c.nets) for c in checked)
    skipped = [name for c in checked for name in c.skipped]
    found = [
        f"{number} {severity}{'s' if number > 1 else ''}"
        for severity in ("error", "warning", "note")
        if (number := sum(finding.severity == severity for finding in findings))
    ]
    where = checked[0].source.name if len(checked) == 1 else f"{len(checked)} specs"
    told = f"{where}: {', '.join(found) or 'nothing wrong'}"
    if nets > 1:
        told += f" in {nets} nets"
    if skipped:
        few = len(skipped) < 5
        told += f"; not expanded, for want of arguments: {', '.join(skipped) if few else f'{len(skipped)} nets'}"
    return told
