"""What a network is written as: PyTorch source, ONNX, diagrams.  Each module here is imported when it is asked for."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from importlib import import_module

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
        raise _missing(purpose, [_library(error)]) from error


def need(purpose: str, *libraries: str) -> None:
    """Imports libraries.  Raises MissingExtra, which names all that are not installed."""
    missing: list[str] = []
    for library in libraries:
        try:
            import_module(library)
        except ModuleNotFoundError as error:
            missing.append(_library(error))
    if missing:
        raise _missing(purpose, [*dict.fromkeys(missing)])


def _library(error: ModuleNotFoundError) -> str:
    """The library of an extra that an import lacks; raises the error again where it lacks another."""
    library = (error.name or "").partition(".")[0]
    if library not in _EXTRAS:
        raise error
    return library


def _missing(purpose: str, libraries: list[str]) -> MissingExtra:
    extras = ",".join(sorted({_EXTRAS[library] for library in libraries}))
    return MissingExtra(f"{purpose} needs {' and '.join(libraries)}: pip install 'archspec-nn[{extras}]'")
