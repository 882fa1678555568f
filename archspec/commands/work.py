"""`archspec work`: FLOPs of a training step, neurons and connections."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from archspec.commands.delivery import Delivery, delivers
from archspec.commands.spec import Request, identity, reads_spec
from archspec.commands.streams import tell
from archspec.optimizers import OPTIMIZERS

if TYPE_CHECKING:
    from archspec.model import Model
    from archspec.work import Work


@click.command("work")
@reads_spec
@click.option("--batch", type=click.IntRange(min=1), default=1, metavar="N", help="Examples in a batch (1).")
@click.option("--optimizer", type=click.Choice(tuple(OPTIMIZERS)), default="adamw", help="What updates (adamw).")
@delivers("table", "json", "csv", "markdown")
def command(request: Request, delivery: Delivery, batch: int, optimizer: str) -> int:
    """The FLOPs of a training step, forward, backward and update; neurons and connections.

    \b
    Examples:
      archspec work lenet5
      archspec work resnet50 --batch 256 --optimizer momentum --format csv
    """
    model = request.open()
    work = model.work(batch, optimizer=optimizer)
    delivery.make(lambda form, width: _told(model, work, form, width), request.spare(model))
    tell(model.warnings)
    return 0


def _told(model: Model, work: Work, form: str, width: int | None) -> str:
    from archspec.report import work as report

    if form == "json":
        return report.to_json(work, model.graph, **identity(model.source))
    if form == "table":
        return report.table(work, model.graph, width=width)
    return (report.to_csv if form == "csv" else report.to_markdown)(work, model.graph)
