"""`archspec compare`: networks side by side."""

from __future__ import annotations

import json
import os
from typing import TYPE_CHECKING

import click

from archspec.commands.streams import deliver
from archspec.limits import Limits, parse_limits

if TYPE_CHECKING:
    from archspec.analyze import Analysis
    from archspec.compare import Table


@click.command("compare")
@click.argument("specs", nargs=-1, required=True, metavar="SPEC[:NET]...")
@click.option(
    "--table",
    "kind",
    type=click.Choice(["layers", "blocks", "modules", "totals"]),
    default="layers",
    help="Rows: layers (default), blocks, modules with their widths, or totals.",
)
@click.option("--transpose", is_flag=True, help="Networks as rows.")
@click.option("--format", "form", type=click.Choice(["table", "markdown", "csv", "json"]), default="table")
@click.option("--limit", "limits", multiple=True, metavar="NAME=N", help="Raise a limit of the language.")
@click.option("-o", "file", metavar="FILE", help="Write to FILE.")
def command(
    specs: tuple[str, ...], kind: str, transpose: bool, form: str, limits: tuple[str, ...], file: str | None
) -> int:
    """Networks side by side, as papers print them: one column each, rows aligned by the size of the maps.

    Markdown has in bold what the column to the left lacks.  With --table modules the networks stand one below the
    other, each as GoogLeNet's Table 1: K = 1024 parameters without biases, M = a million multiply-accumulates.

    \b
    Examples:
      archspec compare vgg11 vgg11_lrn vgg13 vgg16c vgg16 vgg19 --format markdown
      archspec compare resnet18 resnet34 resnet50 --table blocks
      archspec compare my.arch:Small my.arch:Large --table totals
    """
    try:
        allowed = parse_limits(limits)
    except ValueError as why:
        raise click.BadParameter(f"{why}.", param_hint="--limit") from None
    tables = _tables([_analyzed(spec, allowed) for spec in specs], kind)
    if transpose:
        tables = [table.turned() for table in tables]
    deliver(_told(tables, form), file, tuple(spec for spec in specs if os.path.lexists(spec)))
    return 0


def _analyzed(spec: str, limits: Limits) -> Analysis:
    from archspec.model import open_model
    from archspec.zoo import open_spec

    named, net = spec, None
    if ":" in spec and not os.path.lexists(spec):
        named, _, net = spec.rpartition(":")
    source, shipped = open_spec(named, limits.source_bytes)
    return open_model(source, net or shipped, limits=limits).analyze()


def _tables(analyses: list[Analysis], kind: str) -> list[Table]:
    from archspec import compare

    if kind == "modules":
        return [compare.modules(analysis) for analysis in analyses]
    make = {"layers": compare.layers, "blocks": compare.blocks, "totals": compare.totals}[kind]
    return [make(analyses)]


def _told(tables: list[Table], form: str) -> str:
    from archspec import compare

    if form == "json":
        documents = [compare.to_document(table) for table in tables]
        return json.dumps(documents[0] if len(documents) == 1 else documents, indent=2, ensure_ascii=False)
    write = {"table": compare.to_text, "markdown": compare.to_markdown, "csv": compare.to_csv}[form]
    return "\n".join(map(write, tables))
