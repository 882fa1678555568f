"""`archspec zoo`: the networks that ship."""

from __future__ import annotations

import click

from archspec.commands.streams import deliver


@click.command("zoo")
def command() -> int:
    """The networks that ship, by file.  Each name works wherever SPEC does, in any case.

    \b
    Example:
      archspec analyze vgg16
    """
    from itertools import groupby
    from textwrap import fill

    from archspec.zoo import entries

    lines: list[str] = []
    for path, group in groupby(entries(), key=lambda entry: entry.path):
        nets = [*group]
        lines.append(f"{path.name}: {nets[0].title}" if nets[0].title else path.name)
        lines.append(fill(" ".join(net.name for net in nets), 100, initial_indent="  ", subsequent_indent="  "))
    deliver("\n".join(lines), None)
    return 0
