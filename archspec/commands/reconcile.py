"""`archspec reconcile`: what other tools count for a network, and why."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from archspec.commands.delivery import Delivery, delivers
from archspec.commands.spec import Request, identity, reads_spec
from archspec.commands.streams import tell

if TYPE_CHECKING:
    from archspec.model import Model


@click.command("reconcile")
@reads_spec
@click.option("--batch", type=click.IntRange(min=1), default=1, metavar="N", help="Examples in a batch (1).")
@delivers("table", "json", "csv", "markdown")
def command(request: Request, delivery: Delivery, batch: int) -> int:
    """What fvcore, ptflops, thop, torchinfo and the papers count, and the operators that make the difference.

    \b
    Examples:
      archspec reconcile resnet50
      archspec reconcile unet --format markdown
    """
    model = request.open()
    delivery.make(lambda form, width: _told(model, batch, form, width), request.spare(model))
    tell(model.warnings)
    return 0


def _told(model: Model, batch: int, form: str, width: int | None) -> str:
    from archspec.conventions import CONVENTIONS
    from archspec.counting import tally
    from archspec.report import reconcile as report

    analysis = model.analyze(batch=batch)
    tallies = [tally(analysis, name) for name in CONVENTIONS]
    if form == "json":
        return report.to_json(analysis, tallies, **identity(model.source))
    if form == "csv":
        return report.to_csv(tallies)
    if form == "markdown":
        return report.to_markdown(analysis, tallies)
    return report.table(analysis, tallies, width=width)
