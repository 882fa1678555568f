"""`archspec reconcile`: what other tools count for a network, and why."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from archspec.commands.spec import Request, reads_spec
from archspec.commands.streams import deliver, tell

if TYPE_CHECKING:
    from archspec.model import Model


@click.command("reconcile")
@reads_spec
@click.option("--batch", type=click.IntRange(min=1), default=1, metavar="N", help="Examples in a batch (1).")
@click.option("--format", "form", type=click.Choice(["table", "json", "markdown"]), default="table")
@click.option("-o", "file", metavar="FILE", help="Write to FILE.")
def command(request: Request, batch: int, form: str, file: str | None) -> int:
    """What fvcore, ptflops, thop, torchinfo and the papers count, and the operators that make the difference.

    \b
    Examples:
      archspec reconcile resnet50
      archspec reconcile unet --format markdown
    """
    model = request.open()
    deliver(_told(model, batch, form), file, (*request.spare, *map(str, model.files)))
    tell(model.warnings)
    return 0


def _told(model: Model, batch: int, form: str) -> str:
    from archspec.conventions import CONVENTIONS
    from archspec.counting import tally
    from archspec.report import reconcile as report

    analysis = model.analyze(batch=batch)
    tallies = [tally(analysis, name) for name in CONVENTIONS]
    if form == "json":
        from hashlib import sha256

        digest = sha256(model.source.text.encode("utf-8", "surrogatepass")).hexdigest()
        return report.to_json(analysis, tallies, spec_file=model.source.name, spec_sha256=digest)
    return (report.to_markdown if form == "markdown" else report.table)(analysis, tallies)
