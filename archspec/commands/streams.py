"""Standard output carries the product, standard error everything that is said about it."""

from __future__ import annotations

import os
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


def deliver(product: str | bytes, file: str | None, spare: tuple[str, ...] = ()) -> None:
    """The product to a file, whole or not at all, or to standard output (None or "-").

    `spare` are files that must not be overwritten.
    """
    if isinstance(product, str) and not product.endswith("\n"):
        product += "\n"
    if file is not None and file != "-":
        from archspec import files

        files.write(file, product, spare=spare)
    elif isinstance(product, bytes):
        if sys.stdout.isatty():
            raise click.UsageError("This is no text for a terminal: name a file with -o, or send it on with > or |.")
        sys.stdout.flush()
        sys.stdout.buffer.write(product)
    else:
        sys.stdout.write(product)


def ending(file: str) -> str:
    """A file name's ending with its dot, in lower case."""
    return os.path.splitext(file)[1].lower()
