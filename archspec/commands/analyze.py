"""`archspec analyze`: what a network costs and sees, layer by layer."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING, Any

import click

from archspec.commands.spec import Request, reads_spec
from archspec.commands.streams import deliver, ending, tell
from archspec.source import SpecError

if TYPE_CHECKING:
    from archspec.analyze import Analysis

_FORMATS = {".txt": "table", ".json": "json", ".csv": "csv", ".md": "markdown"}


@click.command("analyze")
@reads_spec
@click.option("--batch", type=click.IntRange(min=1), default=1, metavar="N", help="Examples in a batch (1).")
@click.option("--format", "form", type=click.Choice(sorted({*_FORMATS.values()})), help="Otherwise by FILE's ending.")
@click.option("--expand", is_flag=True, help="Show every iteration of a repeat.")
@click.option("--depth", type=click.IntRange(min=0), metavar="N", help="Show blocks this deep, deeper ones as one row.")
@click.option("--count", type=click.Choice(["all", "2mac"]), default="all", help="FLOPs: all, or 2 x MACs.")
@click.option("-o", "file", metavar="FILE", help="Write to FILE (.txt .json .csv .md).")
def command(
    request: Request, batch: int, form: str | None, expand: bool, depth: int | None, count: str, file: str | None
) -> int:
    """Shapes, receptive fields, parameters, MACs, FLOPs and memory, without running anything.

    \b
    Examples:
      archspec analyze resnet50
      archspec analyze vgg.arch VGG16 --batch 32 --format json
      archspec analyze blueprint -D N=2,2 -D M=2 -D K=0 --with POOL -D INPUT=3x32x32 -D CONV=32,64 -D FC.2=10
    """
    form = form or _format(file)
    options = {"expand": expand, "depth": depth, "count": count}
    try:
        model = request.open()
    except SpecError as error:
        if error.partial is not None and form in ("table", "markdown"):
            _show_partial(error, batch, form, options)
        raise
    analysis = model.analyze(batch=batch)
    deliver(_written(analysis, form, options, file), file, request.spare)
    failures = model.failures(analysis)
    tell([*model.warnings, *failures])
    return 1 if failures else 0
