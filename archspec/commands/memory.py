"""`archspec memory`: what a network takes to run or to train, part by part."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import click

from archspec.commands.spec import Request, reads_spec
from archspec.commands.streams import deliver, ending, tell
from archspec.optimizers import OPTIMIZERS
from archspec.source import SpecError

if TYPE_CHECKING:
    from archspec.memory import Fit, Memory
    from archspec.source import Source

_FORMATS = {".txt": "table", ".json": "json", ".csv": "csv", ".md": "markdown"}
_DTYPES = {"fp32": "float32", "bf16": "bfloat16", "fp16": "float16", "fp64": "float64"}
_NAMES = (*_DTYPES, "int8", *_DTYPES.values())


def _read(context: click.Context, parameter: click.Parameter, text: str | None) -> int | None:
    """An amount of memory as the command line says it."""
    from archspec.memory import read_bytes

    try:
        return None if text is None else read_bytes(text)
    except SpecError as error:
        wrong = error.diagnostics[0]
        raise click.BadParameter(f"{wrong.message}; {wrong.help}", context, parameter) from error


@click.command("memory")
@reads_spec
@click.option("--batch", type=click.IntRange(min=1), metavar="N", help="Examples in a batch (1).")
@click.option("--dtype", type=click.Choice(_NAMES), default="fp32", metavar="TYPE", help="fp32, bf16, fp16, int8.")
@click.option("--train", is_flag=True, help="A training step in place of inference.")
@click.option("--optimizer", type=click.Choice(tuple(OPTIMIZERS)), help="With --train (adamw).")
@click.option(
    "--checkpoint", type=click.Choice(["none", "blocks"]), help="With --train: compute blocks again to keep less."
)
@click.option("--inplace", is_flag=True, help="Inference: let elementwise layers write over inputs nobody else reads.")
@click.option("--fit", "limit", callback=_read, metavar="SIZE", help="The largest batch that fits: 24GB, 24GiB, 512MB.")
@click.option("--all", "every", is_flag=True, help="Show every tensor, not the largest alone.")
@click.option("--format", "form", type=click.Choice([*_FORMATS.values()]), help="Otherwise FILE's ending says it.")
@click.option("-o", "file", metavar="FILE", help="Write to FILE (.txt .json .csv .md).")
def command(
    request: Request,
    batch: int | None,
    dtype: str,
    train: bool,
    optimizer: str | None,
    checkpoint: str | None,
    inplace: bool,
    limit: int | None,
    every: bool,
    form: str | None,
    file: str | None,
) -> int:
    """The memory that a network takes, part by part: to run, or with --train to train.

    \b
    Examples:
      archspec memory resnet50
      archspec memory resnet50 --train --optimizer adamw --batch 32 --dtype bf16
      archspec memory vgg16 --train --checkpoint blocks --fit 24GB
    """
    _check(train, optimizer, checkpoint, inplace)
    if limit and batch:
        raise click.UsageError("--fit finds the batch: drop --batch.")
    model = request.open()
    options: dict[str, Any] = {"dtype": _DTYPES.get(dtype, dtype), "train": train, "inplace": inplace}
    options |= {"optimizer": optimizer or "adamw", "checkpoint": checkpoint or "none"}
    found = None if limit is None else model.largest_batch(limit, **options)
    memory = model.memory(batch or 1, **options) if found is None else found.memory
    deliver(_told(memory, found, form or _form(file), every, model.source), file, request.spare)
    tell(model.warnings)
    return 1 if found is not None and not found.batch else 0


def _check(train: bool, optimizer: str | None, checkpoint: str | None, inplace: bool) -> None:
    """Refuses options that say nothing in this mode."""
    for name, given in (("--optimizer", optimizer), ("--checkpoint", checkpoint)):
        if given and not train:
            raise click.UsageError(f"{name} is about training: add --train.")
    if inplace and train:
        raise click.UsageError("--inplace is about inference: drop it, or --train.")


def _form(file: str | None) -> str:
    if file is None or file == "-":
        return "table"
    if ending(file) not in _FORMATS:
        raise click.UsageError(f"{file}: use one of the endings {' '.join(_FORMATS)}, or say --format.")
    return _FORMATS[ending(file)]


def _told(memory: Memory, fit: Fit | None, form: str, every: bool, source: Source) -> str:
    from archspec.report import memory as report

    if form == "json":
        from hashlib import sha256

        digest = sha256(source.text.encode("utf-8", "surrogatepass")).hexdigest()
        return report.to_json(memory, fit, spec_file=source.name, spec_sha256=digest)
    if form == "csv":
        return report.to_csv(memory)
    write = report.to_markdown if form == "markdown" else report.table
    return write(memory, fit, every=every)
