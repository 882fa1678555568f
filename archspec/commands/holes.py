"""`archspec holes`: what a spec leaves open."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from archspec.commands.spec import Request, reads_text
from archspec.commands.streams import deliver

if TYPE_CHECKING:
    from archspec.expand.holes import Hole


@click.command("holes")
@reads_text
def command(request: Request) -> int:
    """What a spec leaves open: counts, options and arguments, where they stand, and how to bind them.

    \b
    Example:
      archspec holes -e 'INPUT -> [CONV -> RELU]*N -> FC'
    """
    from archspec.model import open_holes

    source, _ = request.source()
    holes = open_holes(source, request.limits)
    if not holes:
        deliver(f"{source.name} leaves nothing open", None)
        return 0
    rows = [(hole.name, f"{source.name}:{hole.span.place}", hole.text, _binding(hole)) for hole in holes]
    widths = [max(len(row[column]) for row in rows) for column in range(3)]
    lines = [
        "  ".join([*(f"{cell:<{width}}" for cell, width in zip(row, widths, strict=False)), row[3]]) for row in rows
    ]
    deliver("\n".join(lines), None)
    return 0


def _binding(hole: Hole) -> str:
    """What to type on the command line."""
    match hole.kind:
        case "option":
            return f"--with {hole.name} or --without {hole.name}"
        case "input":
            return f"-D {hole.name}=3x224x224"
    return f"-D {hole.name}=..." + (", a list for one value per stage" if hole.staged else "")
