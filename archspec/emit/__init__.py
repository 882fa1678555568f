"""What a network is written as: PyTorch source, ONNX, diagrams.  Each module here is imported when it is asked for."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

_EXTRAS = {
    "torch": "torch",
    "numpy": "runtime",
    "onnx": "runtime",
    "onnxruntime": "runtime",
    "graphviz": "viz",
    "pygraphviz": "viz",
}


class MissingExtra(Exception):
    """A library of an optional extra is not installed; the text is one sentence with the command to type."""


@contextmanager
def extra(purpose: str) -> Iterator[None]:
    """Around imports: a library that is not installed becomes a MissingExtra that says what `purpose` needs."""
    try:
        yield
    except ModuleNotFoundError as error:
        library = (error.name or "").partition(".")[0]
        if library not in _EXTRAS:
            raise
        raise MissingExtra(f"{purpose} needs {library}: pip install 'archspec-nn[{_EXTRAS[library]}]'") from error
