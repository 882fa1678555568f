"""archspec: neural networks written as papers draw them, analysed exactly and compiled to PyTorch, ONNX and diagrams.

Every name here is imported when it is first used, so that `import archspec` costs nothing and cannot fail.
"""

from typing import TYPE_CHECKING, Any

__version__ = "0.1.0"

__all__ = [
    "Diagnostic", "Limits", "Model", "SpecError", "UsageError", "__version__", "build", "load", "loads", "render",
]  # fmt: skip

if TYPE_CHECKING:
    from archspec.limits import Limits
    from archspec.model import Model, UsageError, build, load, loads
    from archspec.source import Diagnostic, SpecError, render

_HOMES = {
    "Diagnostic": "archspec.source",
    "Limits": "archspec.limits",
    "Model": "archspec.model",
    "SpecError": "archspec.source",
    "UsageError": "archspec.model",
    "build": "archspec.model",
    "load": "archspec.model",
    "loads": "archspec.model",
    "render": "archspec.source",
}


def __getattr__(name: str) -> Any:
    if name not in _HOMES:
        raise AttributeError(f"module 'archspec' has no attribute {name!r}")
    from importlib import import_module

    value = getattr(import_module(_HOMES[name]), name)
    globals()[name] = value
    return value


def __dir__() -> list[str]:
    return sorted({*globals(), *__all__})
