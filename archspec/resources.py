"""Where the grammar and the specs that ship are: inside an installed package, beside it in a checkout."""

from __future__ import annotations

from pathlib import Path

_PACKAGE = Path(__file__).resolve().parent


def directory(name: str) -> Path:
    """The resource folder `name` ("grammar" or "specs")."""
    inside = _PACKAGE / name
    return inside if inside.is_dir() else _PACKAGE.parent / name


def grammar_text() -> str:
    """The language's reference grammar."""
    return (directory("grammar") / "archspec.lark").read_text(encoding="utf-8")
