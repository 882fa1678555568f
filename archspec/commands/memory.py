"""`archspec memory`: what a network takes to run or to train, part by part."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import click

from archspec.commands.delivery import Delivery, delivers
from archspec.commands.spec import Request, identity, reads_spec
from archspec.commands.streams import tell
from archspec.optimizers import OPTIMIZERS

if TYPE_CHECKING:
    from archspec.memory import Fit, Memory
    from archspec.source import Source


@click.command("memory")
@reads_spec
@click.option("--batch", type=click.IntRange(min=1), metavar="N", help="Examples in a batch (1).")
@click.option("--dtype", default="fp32", metavar="TYPE", help="fp32, fp64, fp16, bf16 or int8.")
@click.option("--train", is_flag=True, help="A training step in place of inference.")
@click.option("--optimizer", type=click.Choice(tuple(OPTIMIZERS)), help="With --train (adamw).")
@click.option(
    "--checkpoint",
    type=click.Choice(["none", "blocks"]),
    default="none",
    help="With --train: compute blocks again to keep less.",
)
@click.option("--inplace", is_flag=True, help="Inference: let elementwise layers write over inputs nobody else reads.")
@click.option("--fit", "limit", metavar="SIZE", help="The largest batch that fits: 24GB, 24GiB, 512MB.")
@click.option("--all", "every", is_flag=True, help="Show every tensor, not the largest alone.")
@delivers("table", "json", "csv", "markdown")
def command(
    request: Request,
    delivery: Delivery,
    batch: int | None,
    dtype: str,
    train: bool,
    optimizer: str | None,
    checkpoint: str,
    inplace: bool,
    limit: str | None,
    every: bool,
) -> int:
    """The memory that a network takes, part by part: to run, or with --train to train.

    \b
    Examples:
      archspec memory resnet50
      archspec memory resnet50 --train --optimizer adamw --batch 32 --dtype bf16
      archspec memory vgg16 --train --checkpoint blocks --fit 24GB
    """
    if limit is not None and batch is not None:
        raise click.UsageError("--fit finds the batch: drop --batch.")
    model = request.open()
    options: dict[str, Any] = {"dtype": dtype, "train": train, "inplace": inplace}
    options |= {"optimizer": optimizer, "checkpoint": checkpoint}
    found = None if limit is None else model.largest_batch(limit, **options)
    memory = model.memory(batch or 1, **options) if found is None else found.memory
    delivery.make(lambda form, width: _told(memory, found, form, width, every, model.source), request.spare(model))
    tell(model.warnings)
    return 1 if found is not None and found.batch == 0 else 0


def _told(memory: Memory, fit: Fit | None, form: str, width: int | None, every: bool, source: Source) -> str:
    from archspec.report import memory as report

    if form == "json":
        return report.to_json(memory, fit, **identity(source))
    if form == "csv":
        return report.to_csv(memory, fit)
    if form == "markdown":
        return report.to_markdown(memory, fit, every=every)
    return report.table(memory, fit, every=every, width=width)
