"""The parser's tables: built by lark from the grammar's text, kept in the user's own cache for the next start.

Building takes lark longer than everything else a small analysis does.  The cache holds plain data (marshal, never
pickle) in a directory that belongs to the user, under a name that changes with the grammar, lark and Python.
"""

from __future__ import annotations

import marshal
import os
import sys
import zlib
from pathlib import Path
from typing import Any

import lark
from lark import Lark

from archspec.lexer import ArchLexer
from archspec.resources import grammar_text


def cache_directory() -> Path | None:
    """Where this user's caches live, or None where there is no such place."""
    if sys.platform == "win32":
        root = os.environ.get("LOCALAPPDATA")
    else:
        root = os.environ.get("XDG_CACHE_HOME") or os.path.expanduser("~/.cache")
    return Path(root) / "archspec" if root and os.path.isabs(root) else None


def _cache_file(text: str) -> Path | None:
    directory = cache_directory()
    version = f"{lark.__version__} {sys.implementation.cache_tag} {text}"
    return directory / f"grammar-{zlib.crc32(version.encode()):08x}-{len(version)}.tables" if directory else None


def _read(path: Path) -> tuple[Any, Any] | None:
    """The cached tables, if the file is whole and nobody else could have written it."""
    try:
        with path.open("rb") as file:
            status = os.fstat(file.fileno())
            if hasattr(os, "getuid") and (status.st_uid != os.getuid() or status.st_mode & 0o022):
                return None
            check, payload = file.read(4), file.read()
        if zlib.crc32(payload).to_bytes(4, "big") != check:
            return None
        data, memo = marshal.loads(payload)
    except (OSError, ValueError, EOFError, TypeError):
        return None
    return data, memo


def _write(path: Path, tables: tuple[Any, Any]) -> None:
    """Keeps the tables for the next start; a cache that cannot be written is no one's problem."""
    import tempfile  # only the first run writes

    try:
        payload = marshal.dumps(tables)
        path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        handle, temporary = tempfile.mkstemp(dir=path.parent)
        with os.fdopen(handle, "wb") as file:
            file.write(zlib.crc32(payload).to_bytes(4, "big") + payload)
        os.replace(temporary, path)
    except (OSError, ValueError):
        pass


def load_parser(transformer: Any) -> Lark:
    """The parser with these actions, from the cache or from the grammar's text."""
    text = grammar_text()
    path = _cache_file(text)
    cached = _read(path) if path else None
    plugins = {"ContextualLexer": ArchLexer}
    if cached is None:
        built = Lark(text, parser="lalr", lexer="contextual", maybe_placeholders=True, _plugins=plugins)
        data, memo = built.memo_serialize([lark.lexer.TerminalDef, lark.grammar.Rule])
        data["options"].update(transformer=None, _plugins={})
        cached = data, memo
        if path:
            _write(path, cached)
    load: Any = Lark._load_from_dict  # what lark's own standalone parsers call
    parser: Lark = load(*cached, transformer=transformer, _plugins=plugins)
    return parser
