"""`archspec holes`: what a spec leaves open."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING

import click

from archspec.commands.spec import Request, reads_text
from archspec.commands.streams import columns, deliver
from archspec.limits import Budget

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
    from archspec.expand.choose import choose
    from archspec.expand.holes import find_open
    from archspec.model import define

    source, _ = request.source()
    definitions = define(source, Budget(request.limits))
    if not definitions.nets:
        choose(definitions, None, set())  # which refuses a text without a network
    holes = find_open(definitions)
    if not holes:
        deliver(f"{source.name} leaves nothing open")
        return 0
    rows = [(hole.name, f"{source.name}:{hole.span.place}", hole.text, _binding(hole)) for hole in holes]
    from archspec.report.grid import aligned

    deliver(aligned(rows, range(4), width=columns(sys.stdout), give=((3, 16),), prose=True))
    return 0


def _binding(hole: Hole) -> str:
    """What to type on the command line."""
    match hole.kind:
        case "option":
            return f"--with {hole.name} or --without {hole.name}"
        case "input":
            return f"-D {hole.name}=3x224x224"
    return f"-D {hole.name}=..." + (", a list for one value per stage" if hole.staged else "")
