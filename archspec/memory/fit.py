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
    """The largest batch whose memory is at most `limit` bytes (0 where not one example fits, None where any does,
    because nothing grows with it), and what it and one example more take."""

    limit: int
    batch: int | None
    bytes: int
    more: int
    memory: Memory  # of the batch, or of one example


def largest_batch(measure: Callable[[int], Memory], limit: int) -> Fit:
    """The largest batch that `measure` says fits.

    Memory is a fixed part and one per example, so that one division finds the batch; it and the next are measured.
    """
    one = measure(1)
    slope = sum(part.per_example for part in one.parts)
    if not slope:
        fits = one.total <= limit
        return Fit(limit, None if fits else 0, one.total if fits else 0, one.total, one)
    batch = max(0, (limit - sum(part.fixed for part in one.parts)) // slope)
    while batch and measure(batch).total > limit:
        batch -= 1  # another cut into blocks can be the best for another batch
    while measure(batch + 1).total <= limit:
        batch += 1
    memory = measure(max(batch, 1))
    return Fit(limit, batch, memory.total if batch else 0, measure(batch + 1).total, memory)


def read_bytes(text: str) -> int:
    """Bytes as people write them: 24GB is 24 * 10^9, 24GiB 24 * 2^30, 500M 500 * 10^6, 64B 64.  Raises SpecError, also
    for a number alone, which hardly ever means bytes."""
    match = re.fullmatch(r"(\d+(?:\.\d+)?)\s*(?:([kmgt])(i?)b?|b)", text.strip().lower())
    if not match:
        unit = " without a unit" if re.fullmatch(r"[\d.]+", text.strip()) else ""
        help = f"write {text.strip()}GB or {text.strip()}GiB" if unit else "write 24GB, 24GiB or 500MB"
        raise SpecError((Diagnostic("A204", f"{text or repr(text)} is no amount of memory{unit}", help=help),))
    scale: int = (1024 if match[3] else 1000) ** _UNITS[match[2] or ""]
    return int(Decimal(match[1]) * scale)
