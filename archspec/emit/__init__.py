"""What a network is written as: PyTorch source, ONNX, diagrams.  Each module here is imported when it is asked for."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from importlib import import_module
from typing import Any, NamedTuple

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


class Target(NamedTuple):
    """One kind of output file: its ending, and the module and function that write it."""

    ending: str
    module: str
    function: str

    def load(self) -> Callable[..., Any]:
        """The function.  Raises MissingExtra."""
        with extra(f"writing {self.ending}"):
            function: Callable[..., Any] = getattr(import_module(self.module), self.function)
        return function


TARGETS: dict[str, Target] = {
    "onnx": Target(".onnx", "archspec.emit.onnx_model", "save_onnx"),
}


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
