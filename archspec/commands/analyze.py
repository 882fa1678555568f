"""`archspec analyze`: what a network costs and sees, layer by layer."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING, NamedTuple

import click

from archspec.commands.spec import Request, reads_spec
from archspec.commands.streams import deliver, ending, is_colored, tell
from archspec.source import Source, SpecError

if TYPE_CHECKING:
    from archspec.analyze import Analysis
    from archspec.report import Count

_FORMATS = {".txt": "table", ".json": "json", ".csv": "csv", ".md": "markdown"}

_COUNTS = ("all", "2mac", "paper", "fvcore", "ptflops", "thop", "torchinfo", "calflops")


class _View(NamedTuple):
    """How the layers are told."""

    form: str
    file: str | None
    expand: bool
    depth: int | None
    counting: Count


@click.command("analyze")
@reads_spec
@click.option("--batch", type=click.IntRange(min=1), default=1, metavar="N", help="Examples in a batch (1).")
@click.option("--format", "form", type=click.Choice([*_FORMATS.values()]), help="Otherwise FILE's ending says it.")
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
@click.option("-o", "file", metavar="FILE", help="Write to FILE (.txt .json .csv .md).")
def command(
    request: Request, batch: int, form: str | None, expand: bool, depth: int | None, count: Count, file: str | None
) -> int:
    """Shapes, receptive fields, parameters, MACs, FLOPs and memory, without running anything.

    \b
    Examples:
      archspec analyze resnet50
      archspec analyze vgg.arch VGG16 --batch 32 --format json
      archspec analyze blueprint -D N=2,2 -D M=2 -D K=0 --with POOL \\
          -D INPUT=3x32x32 -D CONV=32,64 -D FC.2=10
    """
    view = _View(form or _form(file), file, expand, depth, count)
    try:
        model = request.open()
    except SpecError as error:
        # What could be built is shown beside the diagnostics; standard output carries a whole answer or none.
        if error.partial is not None and view.form in ("table", "markdown"):
            from archspec.analyze import analyze

            # All FLOPs: a convention that does not know an operator would hide what is wrong with the spec.
            shown = view._replace(file="", counting="all")
            print(_told(analyze(error.partial, batch=batch), shown, None), file=sys.stderr)
        raise
    analysis = model.analyze(batch=batch)
    failures = model.failures()  # before anything is written: an assert that makes no sense is a wrong spec
    deliver(_told(analysis, view, model.source), file, (*request.spare, *map(str, model.files)))
    tell([*model.warnings, *failures])
    return 1 if failures else 0


def _form(file: str | None) -> str:
    if file is None or file == "-":
        return "table"
    if ending(file) not in _FORMATS:
        raise click.UsageError(f"{file}: use one of the endings {' '.join(_FORMATS)}, or say --format.")
    return _FORMATS[ending(file)]


def _told(analysis: Analysis, view: _View, source: Source | None) -> str:
    from archspec import report

    if view.form == "json":
        assert source is not None
        return json_text(analysis, source, view.counting)
    if view.form == "csv":
        return report.to_csv(analysis, view.counting)
    if view.form == "markdown":
        return report.to_markdown(analysis, expand=view.expand, depth=view.depth, count=view.counting)
    if view.file in (None, "-") and sys.stdout.isatty():
        try:
            return report.rich_table(
                analysis, expand=view.expand, depth=view.depth, count=view.counting, color=is_colored(sys.stdout)
            )
        except ModuleNotFoundError:
            pass  # rich is an optional extra; the plain table says the same
    return report.table(analysis, expand=view.expand, depth=view.depth, count=view.counting)


def json_text(analysis: Analysis, source: Source, count: Count = "all") -> str:
    """The analysis as the document that programs read."""
    from hashlib import sha256

    from archspec.report import to_json

    digest = sha256(source.text.encode("utf-8", "surrogatepass")).hexdigest()
    return to_json(analysis, spec_file=source.name, spec_sha256=digest, count=count)
