"""`archspec explain`: what a message's code means."""

from __future__ import annotations

import re

import click

from archspec.commands.streams import deliver

_CODE = re.compile(r"[A-Za-z][0-9]{3}\Z")


@click.command("explain")
@click.argument("code", required=False, metavar="[CODE]")
def command(code: str | None) -> int:
    """The page of a message's code: what it means, why, a wrong example with its message, and the right one.

    Without CODE, every code with what it means.

    \b
    Example:
      archspec explain A307
    """
    from archspec.pages import explain_code, pages

    if code is None:
        deliver("\n".join(f"{page.code}  {page.means}" for page in pages().values()), None)
        return 0
    if not _CODE.match(code):
        raise click.UsageError(f"{code} is no code: one letter and three digits, such as A307, or nothing for a list.")
    try:
        deliver(explain_code(code), None)
    except LookupError as why:
        raise click.UsageError(f"{why.args[0]}.") from None
    return 0
