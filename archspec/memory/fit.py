"""The largest batch that fits into a memory."""

from __future__ import annotations

import re
from collections.abc import Callable
from decimal import Decimal

from archspec.memory.breakdown import Memory
from archspec.record import Record
from archspec.source import Diagnostic, SpecError

_UNITS = {"": 0, "k": 1, "m": 2, "g": 3, "t": 4}


class Fit(Record):
    """The largest batch whose memory is at most `limit` bytes (0 where not one example fits), and what it and one
    example more take."""

    limit: int
    batch: int
    bytes: int
    more: int
    memory: Memory  # of the batch, or of one example where none fits


def largest_batch(measure: Callable[[int], Memory], limit: int) -> Fit:
    """The largest batch that `measure` says fits.

    Memory is a fixed part and one per example, so that one division finds the batch; it and the next are measured.
    """
    one = measure(1)
    slope = sum(part.per_example for part in one.parts)
    batch = max(0, (limit - sum(part.fixed for part in one.parts)) // slope) if slope else 1
    while batch and measure(batch).total > limit:
        batch -= 1  # another cut into blocks can be the best for another batch
    while slope and measure(batch + 1).total <= limit:
        batch += 1
    memory = measure(max(batch, 1))
    return Fit(limit, batch, memory.total if batch else 0, measure(batch + 1).total, memory)


def read_bytes(text: str) -> int:
    """Bytes as people write them: 24GB is 24 * 10^9, 24GiB 24 * 2^30, 500M 500 * 10^6.  Raises SpecError."""
    match = re.fullmatch(r"(\d+(?:\.\d+)?)\s*([kmgt]?)(i?)b?", text.strip().lower())
    if not match or (match[3] and not match[2]):
        raise SpecError((Diagnostic("A204", f"{text} is no amount of memory", help="write 24GB, 24GiB or 500MB"),))
    scale: int = (1024 if match[3] else 1000) ** _UNITS[match[2]]
    return int(Decimal(match[1]) * scale)
