"""Bounds that keep any text whatever from running away; each with its own code."""

from __future__ import annotations

import re
from dataclasses import dataclass

from archspec.source import Diagnostic, Source, Span, SpecError


@dataclass(frozen=True, slots=True)
class Limits:
    """What one run may use; every field can be raised from outside."""

    source_bytes: int = 256 * 1024
    tokens: int = 50_000
    brackets: int = 64
    files: int = 64
    import_depth: int = 16
    block_depth: int = 64
    nodes: int = 100_000
    steps: int = 500_000
    list_length: int = 4_096
    integer: int = 2**53
    random_nodes: int = 512


DEFAULT = Limits()

# Roughly the lexer's tokens; a count before the parser runs, so that a flood of text costs nothing.
_PIECE = re.compile(r'[A-Za-z0-9_.]+|"[^"\n]*"|->|[^\s\w]')
_SKIPPED = re.compile(r'#[^\n]*|"[^"\n]*"')


def check_text(source: Source, limits: Limits = DEFAULT) -> None:
    """Refuses a text too long, with too many tokens or brackets too deep, before anything walks it."""
    size = len(source.text.encode("utf-8", "surrogatepass"))
    if size > limits.source_bytes:
        raise _over("A601", f"{source.name} has {size:,} bytes, the limit is {limits.source_bytes:,}", None)
    text = _SKIPPED.sub(lambda m: " " * len(m.group()), source.text)
    if len(text) > limits.tokens and sum(1 for _ in _PIECE.finditer(source.text)) > limits.tokens:
        raise _over("A602", f"{source.name} has more than {limits.tokens:,} words and signs", None)
    if sum(map(text.count, "([{")) <= limits.brackets:
        return
    depth = 0
    for match in re.finditer(r"[(\[{)\]}]", text):
        depth += 1 if match.group() in "([{" else -1
        if depth > limits.brackets:
            span = Span(source, match.start(), match.end())
            raise _over("A603", f"brackets are nested more than {limits.brackets} deep", span)


def _over(code: str, message: str, span: Span | None) -> SpecError:
    return SpecError((Diagnostic(code, message, span, help="split the spec, or use blocks and repeats"),))
