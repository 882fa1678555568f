"""What SPEC means: a file, `-` for standard input, or the name of a network that ships."""

from __future__ import annotations

import os
import re
import sys
from pathlib import Path
from typing import NamedTuple

from archspec.resources import directory
from archspec.source import Diagnostic, Source, Span, SpecError, nearest

# More than any limit of the language; a device that never ends is not read to its end.
_MOST_BYTES = 16 * 2**20
_COMMENT = re.compile(r"^# *(.*)", re.MULTILINE)
_NET = re.compile(r"^net[ \t]+([A-Za-z_][A-Za-z0-9_]*)[ \t]*", re.MULTILINE)


class Entry(NamedTuple):
    """A network that ships: the name it is called by, where it stands, and the file's first comment."""

    name: str
    path: Path
    net: str | None
    title: str


def entries() -> list[Entry]:
    """Every network that ships and needs no arguments, sorted by file and place in it."""
    return [entry for path in sorted(directory("specs").glob("*.arch")) for entry in _entries(path)]


def find(name: str) -> Entry | None:
    """The network that ships under this name; case, `-` and `_` do not matter.  A file's name stands for the file."""
    wanted = _key(name)
    paths = sorted(directory("specs").glob("*.arch"), key=lambda path: not wanted.startswith(_key(path.stem)))
    for path in paths:  # resnet.arch first for resnet50, so that nearly always one file is read
        for entry in _entries(path):
            if _key(entry.name) == wanted:
                return entry
    for path in paths:
        if wanted in (_key(path.stem), _key(path.name)):
            return Entry(path.stem, path, None, "")
    return None


def open_spec(spec: str, most: int = _MOST_BYTES) -> tuple[Source, str | None]:
    """The text that SPEC names, and the net of it where a zoo name says which.  Raises SpecError.

    A file comes before a zoo name.  More than `most` bytes are not read (16 MiB if it is less).
    """
    most = max(most, _MOST_BYTES)
    if spec == "-":
        return _decoded("<stdin>", sys.stdin.buffer.read(most + 1), None, most), None
    if not os.path.lexists(spec):
        entry = find(spec)
        if entry is None:
            raise missing(spec)
        return _decoded(f"specs/{entry.path.name}", entry.path.read_bytes(), str(entry.path.parent)), entry.net
    try:
        with open(spec, "rb") as file:
            data = file.read(most + 1)
    except IsADirectoryError:
        raise _refused("A701", f"{spec} is a directory", "name a spec file in it") from None
    except OSError as error:
        reason = (error.strerror or str(error)).lower()
        raise _refused("A701", f"cannot read {spec}: {reason}", "name a file that you may read") from None
    return _decoded(spec, data, os.path.dirname(os.path.abspath(spec)), most), None


def _entries(path: Path) -> list[Entry]:
    text = path.read_text(encoding="utf-8")
    title = comment[1] if (comment := _COMMENT.search(text)) else ""
    heads = list(_NET.finditer(text))
    if not heads:
        return [Entry(path.stem, path, None, title)]
    ready = [head[1] for head in heads if not _needs_arguments(text, head.end())]
    return [Entry(net, path, net, title) for net in ready]


def _needs_arguments(text: str, at: int) -> bool:
    """Whether the formals that start at `at` have one without a default."""
    if not text.startswith("(", at):
        return False
    depth, formal = 0, ""
    for char in text[at:]:
        depth += (char in "([") - (char in ")]")
        if depth == 0 or (depth == 1 and char == ","):
            if formal.strip("( ") and "=" not in formal:
                return True
            formal = ""
        else:
            formal += char
        if depth == 0:
            return False
    return False


def _key(name: str) -> str:
    return name.lower().replace("_", "").replace("-", "")


def _decoded(name: str, data: bytes, folder: str | None, most: int = _MOST_BYTES) -> Source:
    if len(data) > most:
        raise _refused("A601", f"{name} has more than {most:,} bytes", "is this the file you meant?")
    try:
        return Source(name, data.decode("utf-8-sig"), folder)
    except UnicodeDecodeError as fault:
        before = data[: fault.start].decode("utf-8-sig", errors="replace")
        source = Source(name, data.decode("utf-8-sig", errors="replace"), folder)
        message = f"{name} is not UTF-8 text: byte 0x{data[fault.start]:02x}"
        span = Span(source, len(before), len(before) + 1)
        raise SpecError((Diagnostic("A702", message, span, help="save the file as UTF-8"),)) from None


def missing(spec: str) -> SpecError:
    """What to raise where neither a file nor a network has this name."""
    meant = nearest(spec, [entry.name for entry in entries()])
    if meant is not None:
        help = f"did you mean {meant}, a network that ships?"
    elif "->" in spec:
        help = f"to give the text of a spec, write -e '{spec}'"
    else:
        help = "name a spec file, or one of `archspec zoo`"
    return _refused("A701", f"there is no file {spec or repr(spec)}, and no network of that name ships", help)


def _refused(code: str, message: str, help: str) -> SpecError:
    return SpecError((Diagnostic(code, message, help=help),))
