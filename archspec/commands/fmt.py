"""`archspec fmt`: specs in the one layout."""

from __future__ import annotations

import os
import sys
from difflib import unified_diff

import click

from archspec.commands.streams import tell
from archspec.source import Diagnostic, Source, SpecError


@click.command("fmt")
@click.option("--check", "checking", is_flag=True, help="Write nothing; exit 1 if a file would change.")
@click.option("--diff", "differing", is_flag=True, help="Write nothing; show what would change.")
@click.argument("files", nargs=-1, required=True, metavar="FILE...")
def command(files: tuple[str, ...], checking: bool, differing: bool) -> int:
    """Writes specs in the one layout: two-space bodies, flows broken before `->`, a long join one branch to a line.

    Line breaks between steps, branches and rows of a table stay where the author has them, and so do comments; no name
    of a layer changes.  FILE may be - for standard input, which is written to standard output.

    \b
    Examples:
      archspec fmt net.arch
      archspec fmt --check --diff specs/*.arch
    """
    return max([_format(file, checking, differing) for file in files])


def _format(file: str, checking: bool, differing: bool) -> int:
    """Formats one file and returns its part of the exit code; what is wrong with it keeps no other from its turn."""
    from archspec.format import format_text

    try:
        source = _read(file)
        text = format_text(source)
        if differing:
            sys.stdout.write(_difference(source, text))
        elif not checking:
            _write(file, source, text)
    except SpecError as error:
        tell(error.diagnostics)
        return 3 if any(d.span is not None for d in error.diagnostics) else 2
    changes = text != source.text
    if changes and not differing and file != "-":
        print(f"{'would reformat' if checking else 'reformatted'} {file}", file=sys.stderr)
    return int(checking and changes)


def _read(file: str) -> Source:
    """A file's text; the networks that ship are nobody's to format by name."""
    from archspec.zoo import open_spec

    if file != "-" and not os.path.lexists(file):
        help = "name a spec file, or - for standard input"
        raise SpecError((Diagnostic("A701", f"there is no file {file}", help=help),))
    return open_spec(file)[0]


def _write(file: str, source: Source, text: str) -> None:
    """Puts the text into its file, which is left alone where that changes nothing."""
    from archspec import files

    if file == "-":
        sys.stdout.write(text)
    elif text != source.text:
        files.write(file, text)


def _difference(source: Source, text: str) -> str:
    before, after = source.text.splitlines(keepends=True), text.splitlines(keepends=True)
    lines = unified_diff(before, after, source.name, f"{source.name} (formatted)")
    return "".join(line if line.endswith("\n") else f"{line}\n\\ No newline at end of file\n" for line in lines)
