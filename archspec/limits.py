"""Bounds that keep any text whatever from running away; each with its own code."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from typing import NoReturn

from archspec.record import Record
from archspec.source import Diagnostic, Source, Span, SpecError, nearest


class Limits(Record):
    """What one run may use; every field can be raised (or lowered) from outside."""

    source_bytes: int = 256 * 1024  # of a file and what it imports, together
    tokens: int = 50_000  # words and signs, likewise
    brackets: int = 64  # open at once
    files: int = 64  # imported
    import_depth: int = 16
    block_depth: int = 64  # stamps inside stamps
    nodes: int = 100_000
    steps: int = 500_000  # of expansion; see Budget
    list_length: int = 4_096  # with the entries of the lists inside
    integer: int = 2**53
    random_nodes: int = 512  # of one randwire
    path_length: int = 1_024  # characters of a node's path


DEFAULT = Limits()
TICKS = 4  # of work in a step

# Roughly the lexer's tokens; a count before the parser runs, so that a flood of text costs nothing.
_PIECE = re.compile(r"[A-Za-z0-9_.]+|->|[^\s\w]")
_SKIPPED = re.compile(r'#[^\n]*|"[^"\n]*"')


def parse_limits(changes: Iterable[str]) -> Limits:
    """The defaults with changes such as `nodes=200000`.  Raises ValueError, with a sentence, for a wrong one."""
    known = Limits.__match_args__
    values: dict[str, int] = {}
    for change in changes:
        name, _, number = (part.strip() for part in change.partition("="))
        if name not in known:
            near = nearest(name, known)
            raise ValueError(f"there is no limit {name}; {f'did you mean {near}?' if near else ', '.join(known)}")
        if not re.fullmatch(r"[0-9_]{1,24}", number) or not int(number):
            raise ValueError(f"{change} is no limit; write {name}={2 * getattr(DEFAULT, name)}")
        values[name] = int(number)
    return Limits(**values)


class Budget:
    """What one run has used of its limits: text read, and work done.

    Work is counted in steps, of at most 4 microseconds: a step of a flow, an iteration, a branch, an input of a join
    and a label with an index are one each, a node three, a join and an operator on shapes that it did not meet before
    four more, a stamp of a block or shared flow five.  What is cheaper counts in ticks, TICKS to the step: a piece of
    an expression, an entry of a list.  That stops what makes no node and would run to the end:
    `[RELU?(off)]*1000000`, or lists of lists.
    """

    __slots__ = ("_most", "_read_bytes", "_read_tokens", "limits", "ticks")

    def __init__(self, limits: Limits = DEFAULT) -> None:
        self.limits = limits
        self.ticks = 0
        self._most = limits.steps * TICKS
        self._read_bytes = self._read_tokens = 0

    def renewed(self) -> Budget:
        """The same limits with nothing used: what checks a network once more has them whole."""
        return Budget(self.limits)

    def spend(self, ticks: int, span: Span | None, path: str = "") -> None:
        """Counts work, and refuses what goes over the limit of steps."""
        self.ticks += ticks
        if self.ticks > self._most:
            at = f", at {path if len(path) < 80 else path[:77] + '...'}" if path else ""
            over("A605", f"more than {self.limits.steps:,} steps of expansion{at}", span, "steps")

    def read(self, source: Source) -> None:
        """Refuses a text too long, with too many tokens or brackets too deep, before anything walks it."""
        limits, together = self.limits, " with what imports it" if self._read_bytes else ""
        size = len(source.text.encode("utf-8", "surrogatepass"))
        self._read_bytes += size
        if self._read_bytes > limits.source_bytes:
            count = f"{self._read_bytes:,} bytes{together}, the limit is {limits.source_bytes:,}"
            over("A601", f"{source.name} has {count}", None, "source_bytes")
        text = _SKIPPED.sub(lambda found: " " * len(found.group()), source.text)
        self._read_tokens += sum(1 for _ in _PIECE.finditer(text))
        if self._read_tokens > limits.tokens:
            over("A602", f"{source.name} has more than {limits.tokens:,} words and signs{together}", None, "tokens")
        depth = 0
        if sum(map(text.count, "([{")) <= limits.brackets:
            return
        for match in re.finditer(r"[(\[{)\]}]", text):
            depth = depth + 1 if match.group() in "([{" else max(0, depth - 1)
            if depth > limits.brackets:
                span = Span(source, match.start(), match.end())
                over("A603", f"brackets are nested more than {limits.brackets} deep", span, "brackets")


def over(
    code: str, message: str, span: Span | None, limit: str, help: str = "split the spec, or use blocks"
) -> NoReturn:
    """Raises the diagnostic of a limit that is reached."""
    raise SpecError((Diagnostic(code, message, span, help=f"{help}; or raise the limit: --limit {limit}=..."),))


@contextmanager
def deep(span: Span | None) -> Iterator[None]:
    """Says of what is nested deeper than Python can walk that it is, rather than failing."""
    try:
        yield
    except RecursionError:
        message = "this is nested too deeply: too many operators, repeats or stamps inside each other"
        raise SpecError(
            (Diagnostic("A612", message, span, help="split it: let for values, block for flows"),)
        ) from None
