"""The command line's commands, one module each, imported when it is the one that runs."""

from __future__ import annotations

from importlib import import_module
from typing import Any

import click

# name -> what the list of commands says of it; module `archspec.commands.NAME` (`_` for `-`) holds its `command`.
_COMMANDS = {
    "analyze": "shapes, receptive fields, parameters, FLOPs and memory of a network",
    "compile": "write a network as PyTorch, ONNX, a diagram or JSON",
    "rewrite": "another network from one by a rule: the fully convolutional twin",
    "memory": "what a network takes to run or to train, and the largest batch that fits",
    "work": "FLOPs of a training step, neurons and connections, layer by layer",
    "reconcile": "what fvcore, ptflops, thop, torchinfo and papers count for a network, and why",
    "verify": "run PyTorch and onnxruntime on the same weights and compare",
    "check": "syntax, names, shapes, asserts and warnings, without emitting anything",
    "fmt": "write specs in the one layout",
    "explain": "where a layer's numbers come from, what a unit reads; the page of a message's code",
    "check-answers": "mark the answers to an exercise sheet",
    "holes": "what a spec leaves open, and how to bind it",
    "match": "whether a network follows a blueprint, and with which counts",
    "compare": "networks side by side, as the papers' tables have them",
    "ops": "the operators, or one operator's page",
    "zoo": "the networks that ship",
}


class Commands(click.Group):
    """The group of all commands; asking for help loads none of them."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        return list(_COMMANDS)

    def get_command(self, ctx: click.Context, name: str) -> click.Command | None:
        if name not in _COMMANDS:
            return None
        command: click.Command = import_module(f"archspec.commands.{name.replace('-', '_')}").command
        return command

    def resolve_command(
        self, ctx: click.Context, args: list[str]
    ) -> tuple[str | None, click.Command | None, list[str]]:
        from archspec.source import nearest

        if args[0] in _COMMANDS or args[0].startswith("-"):
            return super().resolve_command(ctx, args)
        meant = nearest(args[0], _COMMANDS)
        hint = f"Did you mean {meant}?" if meant else f"There are {', '.join(_COMMANDS)}."
        raise click.UsageError(f"There is no command {args[0]}. {hint}", ctx)

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        with formatter.section("Commands"):
            formatter.write_dl(list(_COMMANDS.items()))

    def invoke(self, ctx: click.Context) -> Any:
        try:
            return super().invoke(ctx)
        except BrokenPipeError as error:  # click would end with 1, which says here that a check failed
            raise ReaderGone from error


class ReaderGone(Exception):
    """Whoever read standard output has closed it; there is nobody to tell."""
