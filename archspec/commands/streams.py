"""Standard output carries the product, standard error everything that is said about it."""

from __future__ import annotations

import os
import shutil
import sys
from collections.abc import Iterable
from typing import TextIO

import click

from archspec.source import Diagnostic, render


def is_colored(stream: TextIO) -> bool:
    """Whether to colour what goes to a stream: terminals only, unless NO_COLOR or FORCE_COLOR says otherwise."""
    if os.environ.get("NO_COLOR"):
        return False
    if os.environ.get("FORCE_COLOR"):
        return True
    return stream.isatty() and os.environ.get("TERM") != "dumb"


def tell(diagnostics: Iterable[Diagnostic]) -> None:
    """Diagnostics on standard error, a blank line between them."""
    text = "\n\n".join(render(d, color=is_colored(sys.stderr)) for d in diagnostics)
    if text:
        sys.stdout.flush()  # the product first, where both streams are one terminal
        print(text, file=sys.stderr)


def columns(stream: TextIO) -> int | None:
    """How wide the terminal is that a stream goes to; None where it goes to none."""
    return shutil.get_terminal_size().columns if stream.isatty() else None


def deliver(product: str | bytes) -> None:
    """The product to standard output."""
    if isinstance(product, str):
        sys.stdout.write(product if product.endswith("\n") else f"{product}\n")
    elif sys.stdout.isatty():
        raise click.UsageError("This is no text for a terminal: name a file with -o, or send it on with > or |.")
    else:
        sys.stdout.flush()
        sys.stdout.buffer.write(product)
