"""`archspec work`: FLOPs of a training step, neurons and connections."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from archspec.commands.spec import Request, reads_spec
from archspec.commands.streams import deliver, ending, tell
from archspec.optimizers import OPTIMIZERS

if TYPE_CHECKING:
    from archspec.model import Model
    from archspec.work import Work

_FORMATS = {".txt": "table", ".json": "json", ".csv": "csv", ".md": "markdown"}


@click.command("work")
@reads_spec
@click.option("--batch", type=click.IntRange(min=1), default=1, metavar="N", help="Examples in a batch (1).")
@click.option("--optimizer", type=click.Choice(tuple(OPTIMIZERS)), default="adamw", help="What updates (adamw).")
@click.option("--format", "form", type=click.Choice([*_FORMATS.values()]), help="Otherwise FILE's ending says it.")
@click.option("-o", "file", metavar="FILE", help="Write to FILE (.txt .json .csv .md).")
def command(request: Request, batch: int, optimizer: str, form: str | None, file: str | None) -> int:
    """The FLOPs of a training step, forward, backward and update; neurons and connections.

    \b
    Examples:
      archspec work lenet5
      archspec work resnet50 --batch 256 --optimizer momentum --format csv
    """
    if form is None and file not in (None, "-"):
        if ending(str(file)) not in _FORMATS:
            raise click.UsageError(f"{file}: use one of the endings {' '.join(_FORMATS)}, or say --format.")
        form = _FORMATS[ending(str(file))]
    model = request.open()
    deliver(_told(model, model.work(batch, optimizer=optimizer), form or "table"), file, request.spare)
    tell(model.warnings)
    return 0


def _told(model: Model, work: Work, form: str) -> str:
    from archspec.report import work as report

    if form == "json":
        from hashlib import sha256

        digest = sha256(model.source.text.encode("utf-8", "surrogatepass")).hexdigest()
        return report.to_json(work, model.graph, spec_file=model.source.name, spec_sha256=digest)
    if form == "csv":
        return report.to_csv(work, model.graph)
    return (report.to_markdown if form == "markdown" else report.table)(work, model.graph)
