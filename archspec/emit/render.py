"""A diagram's DOT text as a picture, by Graphviz: the `dot` program where it runs, the pygraphviz wheel otherwise."""

from __future__ import annotations

import re
import shutil
import subprocess
import sys
from importlib.util import find_spec

from archspec.emit import MissingExtra
from archspec.source import Diagnostic, SpecError

FORMATS = ("svg", "png", "pdf")
_SETTINGS = {"png": ("-Gdpi=144",)}  # Graphviz's own 96 blurs small type in print
_DATE = re.compile(rb"(?<=/CreationDate \(D:)[0-9]{14}")  # it would make equal networks' files differ
# Run by a second Python: Graphviz as a library writes to the terminal, cannot be stopped and may end the process.
_LIBRARY = """
import sys, pygraphviz
picture = pygraphviz.AGraph(string=sys.stdin.buffer.read().decode())
sys.stdout.buffer.write(picture.draw(format=sys.argv[1], prog="dot", args=" ".join(sys.argv[2:])))
"""


def render(dot_text: str, format: str, *, timeout: float = 120) -> bytes:
    """The picture of a DOT text as svg, png or pdf; equal texts give equal bytes.

    Raises MissingExtra where nothing can draw, SpecError for another format and for a picture not laid out within
    `timeout` seconds.
    """
    if format not in FORMATS:
        raise SpecError((Diagnostic("A741", f"a diagram is not drawn as .{format}", expected=("dot", *FORMATS)),))
    program = shutil.which("dot")
    if program is None and find_spec("pygraphviz") is None:
        raise MissingExtra(
            f"drawing .{format} needs Graphviz: pip install 'archspec-nn[viz]', or your system's package graphviz"
        )
    told = ""
    for command in _commands(program, format):
        try:
            done = subprocess.run(command, input=dot_text.encode(), capture_output=True, timeout=timeout, check=False)
        except subprocess.TimeoutExpired:
            message = f"Graphviz did not lay out the diagram within {timeout:g} seconds"
            raise SpecError((Diagnostic("A742", message, help="--depth 0 or --depth 1 draws less"),)) from None
        except OSError as error:  # a `dot` on PATH that cannot be run
            told = str(error)
            continue
        if done.returncode == 0 and done.stdout:
            return _DATE.sub(b"19700101000000", done.stdout) if format == "pdf" else done.stdout
        told = done.stderr.decode(errors="replace").strip().rpartition("\n")[2] or f"it ended with {done.returncode}"
    raise SpecError((Diagnostic("A743", f"Graphviz could not draw the diagram: {told}", help="write it as .dot"),))


def _commands(program: str | None, format: str) -> list[list[str]]:
    """What to try in turn; each reads DOT and writes the picture."""
    commands = [[program, f"-T{format}", *_SETTINGS.get(format, ())]] if program else []
    if find_spec("pygraphviz") is not None:
        # -P: a pygraphviz.py in the user's folder is not the library.
        commands.append([sys.executable, "-P", "-c", _LIBRARY, format, *_SETTINGS.get(format, ())])
    return commands
