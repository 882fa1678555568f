"""`archspec compare`: networks side by side."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import click

from archspec.commands.delivery import Delivery, delivers
from archspec.commands.spec import Request, reads_specs
from archspec.commands.streams import tell

if TYPE_CHECKING:
    from archspec.analyze import Analysis
    from archspec.compare import Table


@click.command("compare")
@reads_specs
@click.option(
    "--table",
    "kind",
    type=click.Choice(["layers", "blocks", "modules", "totals"]),
    default="layers",
    help="Rows: layers (default), blocks, modules with their widths, or totals.",
)
@click.option("--transpose", is_flag=True, help="Networks as rows.")
@delivers("table", "json", "csv", "markdown")
def command(requests: list[Request], delivery: Delivery, kind: str, transpose: bool) -> int:
    """Networks side by side, as papers print them: one column each, rows aligned by the size of the maps.

    Markdown has in bold what the column to the left lacks.  With --table modules the networks stand one below the
    other, each as GoogLeNet's Table 1: K = 1024 parameters without biases, M = a million multiply-accumulates.

    \b
    Examples:
      archspec compare vgg11 vgg11_lrn vgg13 vgg16c vgg16 vgg19 --format markdown
      archspec compare resnet18 resnet34 resnet50 --table blocks
      archspec compare my.arch:Small my.arch:Large --table totals -o sizes.csv
    """
    models = [request.open() for request in requests]
    tables = _tables([model.analyze() for model in models], kind)
    if transpose:
        tables = [table.turned() for table in tables]
    spare = [file for request, model in zip(requests, models, strict=True) for file in request.spare(model)]
    delivery.make(lambda form, width: _told(tables, form, width), tuple(spare))
    tell(warning for model in models for warning in model.warnings)
    return 0


def _tables(analyses: list[Analysis], kind: str) -> list[Table]:
    from archspec import compare

    if kind == "modules":
        return [compare.modules(analysis) for analysis in analyses]
    make = {"layers": compare.layers, "blocks": compare.blocks, "totals": compare.totals}[kind]
    return [make(analyses)]


def _told(tables: list[Table], form: str, width: int | None) -> str:
    from archspec import compare

    if form == "json":
        documents = [compare.to_document(table) for table in tables]
        return json.dumps(documents[0] if len(documents) == 1 else documents, indent=2, ensure_ascii=False)
    if form == "table":
        return "\n".join(compare.to_text(table, width) for table in tables)
    return "\n".join(map(compare.to_csv if form == "csv" else compare.to_markdown, tables))
