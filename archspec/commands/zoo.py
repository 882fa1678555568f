"""`archspec zoo`: the networks that ship."""

from __future__ import annotations

import click

from archspec.commands.streams import deliver


@click.command("zoo")
def command() -> int:
    """The networks that ship.  Each name works wherever SPEC does.

    \b
    Example:
      archspec analyze vgg16
    """
    from archspec.zoo import entries

    rows = [(entry.name, entry.path.name, entry.title) for entry in entries()]
    name, file = (max(len(row[column]) for row in rows) for column in (0, 1))
    deliver("\n".join(f"{row[0]:<{name}}  {row[1]:<{file}}  {row[2]}" for row in rows), None)
    return 0
