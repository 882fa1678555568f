"""`archspec rewrite`: another network made from one by a rule."""

from __future__ import annotations

from importlib import import_module

import click

_REWRITES = ("--fc-to-conv",)
_WRITES = ("-o", "--to")


@click.command("rewrite", context_settings={"ignore_unknown_options": True})
@click.argument("arguments", nargs=-1, type=click.UNPROCESSED, metavar="--fc-to-conv SPEC [NET] [-o OUT]")
def command(arguments: tuple[str, ...]) -> int:
    """Makes another network from one: --fc-to-conv gives the fully convolutional twin, --input its input.

    The twin is analysed, or written where -o says so: every option of `analyze` and of `compile` is one here.

    \b
    Examples:
      archspec rewrite --fc-to-conv vgg16 --input 3x500x500
      archspec rewrite --fc-to-conv alexnet --input 3x500x500 -o fcn.onnx
    """
    if not any(rewrite in arguments for rewrite in _REWRITES):
        raise click.UsageError(f"Say what to make of it: {' or '.join(_REWRITES)}.")
    writes = any(word.startswith(_WRITES) for word in arguments)
    name = "compile" if writes else "analyze"
    run: click.Command = import_module(f"archspec.commands.{name}").command
    return int(run.main(list(arguments), prog_name="archspec rewrite", standalone_mode=False) or 0)
