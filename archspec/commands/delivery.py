"""Where a product goes and in what form: --format and -o, the same for every command that has them."""

from __future__ import annotations

import os
import sys
from collections.abc import Callable, Iterable, Mapping
from functools import wraps
from typing import Any, NamedTuple

import click

from archspec.commands.streams import columns, deliver

# What a file name's ending says; a command's plain text is its `table` or its `text`.
_ENDINGS = (
    (".txt", "table"), (".txt", "text"), (".json", "json"), (".csv", "csv"), (".md", "markdown"), (".tex", "latex"),
)  # fmt: skip


class Delivery(NamedTuple):
    """The form of the product at each place; None is standard output."""

    forms: Mapping[str | None, str]

    def make(self, tell: Callable[[str, int | None], str], spare: tuple[str, ...] = ()) -> None:
        """Makes the product for every place by `tell`, which takes the form and the columns of a terminal, None where
        it goes to no terminal.  All files appear, or none; none takes the place of a file in `spare`."""
        from archspec.files import whole

        texts = {file: tell(form, columns(sys.stdout) if file is None else None) for file, form in self.forms.items()}
        files = [file for file in texts if file is not None]
        with whole(*files, spare=spare) as drafts:
            for file, draft in zip(files, drafts, strict=True):
                draft.write_bytes(f"{texts[file].removesuffix(chr(10))}\n".encode())
            if None in texts:
                deliver(texts[None])


def delivers(*forms: str) -> Callable[[Callable[..., int]], Callable[..., int]]:
    """Decorator of a command: adds --format, one of `forms`, and -o, and hands them over as `delivery`.

    The first of `forms` is what standard output gets unless --format says otherwise.
    """
    endings = {ending: form for ending, form in _ENDINGS if form in forms}

    def decorate(function: Callable[..., int]) -> Callable[..., int]:
        @wraps(function)
        def command(*request: Any, form: str | None, files: tuple[str, ...], **options: Any) -> int:
            placed = {file: form or _by_ending(file, endings, forms[0]) for file in places(files or ("-",))}
            return function(*request, delivery=Delivery(placed), **options)

        known = " ".join(endings)
        to_file = click.option(
            "-o", "files", multiple=True, metavar="FILE", help=f"Write to FILE ({known}); may be repeated."
        )
        said = f"Otherwise FILE's ending says it; {forms[0]} without FILE."
        return click.option("--format", "form", type=click.Choice(forms), help=said)(to_file(command))

    return decorate


def places(files: Iterable[str]) -> list[str | None]:
    """The places that -o names: `-` is standard output, None.  Raises UsageError where two are one."""
    found: dict[str, str | None] = {}
    for file in files:
        key = "-" if file == "-" else os.path.realpath(file)
        if key in found:
            raise click.UsageError(f"-o {file} is named twice.")
        found[key] = None if file == "-" else file
    return [*found.values()]


def ending(file: str) -> str:
    """A file name's ending with its dot, in lower case."""
    return os.path.splitext(file)[1].lower()


def _by_ending(file: str | None, endings: Mapping[str, str], plain: str) -> str:
    if file is None:
        return plain
    if ending(file) not in endings:
        raise click.UsageError(f"{file}: use one of the endings {' '.join(endings)}, or say --format.")
    return endings[ending(file)]
