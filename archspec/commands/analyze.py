"""`archspec analyze`: what a network costs and sees, layer by layer."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING, Any, NamedTuple

import click

from archspec.commands.delivery import Delivery, delivers
from archspec.commands.spec import Request, identity, reads_spec
from archspec.commands.streams import columns, is_colored, tell
from archspec.source import Source, SpecError

if TYPE_CHECKING:
    from archspec.analyze import Analysis
    from archspec.report import Count

_COUNTS = ("all", "2mac", "paper", "fvcore", "ptflops", "thop", "torchinfo", "calflops")


class _View(NamedTuple):
    """How the layers are told."""

    expand: bool
    depth: int | None
    counting: Count


@click.command("analyze")
@reads_spec
@click.option("--batch", type=click.IntRange(min=1), default=1, metavar="N", help="Examples in a batch (1).")
@click.option("--expand", is_flag=True, help="Show every iteration of a repeat.")
@click.option(
    "--depth", type=click.IntRange(min=0), metavar="N", help="Show blocks this deep; deeper ones are one row."
)
@click.option(
    "--count",
    type=click.Choice(_COUNTS),
    default="all",
    help="What FLOPs are: all, 2 x MACs, or what papers or another tool count; JSON and CSV say it beside them.",
)
@delivers("table", "json", "csv", "markdown")
def command(request: Request, delivery: Delivery, batch: int, expand: bool, depth: int | None, count: Count) -> int:
    """Shapes, receptive fields, parameters, MACs, FLOPs and memory, without running anything.

    \b
    Examples:
      archspec analyze resnet50
      archspec analyze vgg.arch VGG16 --batch 32 --format json
      archspec analyze blueprint -D N=2,2 -D M=2 -D K=0 --with POOL \\
          -D INPUT=3x32x32 -D CONV=32,64 -D FC.2=10
    """
    forms = {*delivery.forms.values()}
    if depth is not None and not forms & {"table", "markdown"}:
        raise click.UsageError(f"--depth is for tables: {forms.pop()} has every layer.")
    view = _View(expand, depth, count)
    try:
        model = request.open()
    except SpecError as error:
        # What could be built is shown beside the diagnostics; standard output carries a whole answer or none.
        if error.partial is not None and forms & {"table", "markdown"}:
            from archspec import report
            from archspec.analyze import analyze

            # All FLOPs: a convention that does not know an operator would hide what is wrong with the spec.
            partial = analyze(error.partial, batch=batch)
            print(report.table(partial, expand=expand, depth=depth, width=columns(sys.stderr)), file=sys.stderr)
        raise
    analysis = model.analyze(batch=batch)
    failures = model.failures()  # before anything is written: an assert that makes no sense is a wrong spec
    source = model.source
    delivery.make(lambda form, width: _told(analysis, source, view, form, width), request.spare(model))
    tell([*model.warnings, *failures])
    return 1 if failures else 0


def _told(analysis: Analysis, source: Source, view: _View, form: str, width: int | None) -> str:
    from archspec import report

    if form == "json":
        return json_text(analysis, source, view.counting)
    if form == "csv":
        return report.to_csv(analysis, view.counting)
    if form == "markdown":
        return report.to_markdown(analysis, expand=view.expand, depth=view.depth, count=view.counting)
    options: dict[str, Any] = {"expand": view.expand, "depth": view.depth, "count": view.counting, "width": width}
    if width is not None:  # it goes to a terminal
        try:
            return report.rich_table(analysis, color=is_colored(sys.stdout), **options)
        except ModuleNotFoundError:
            pass  # rich is an optional extra; the plain table says the same
    return report.table(analysis, **options)


def json_text(analysis: Analysis, source: Source, count: Count = "all") -> str:
    """The analysis as the document that programs read."""
    from archspec.report import to_json

    return to_json(analysis, **identity(source), count=count)
