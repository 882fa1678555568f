"""What a verification found, and when two values count as the same."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from archspec.op import Shape, by

if TYPE_CHECKING:
    from numpy.typing import NDArray

    Array = NDArray[Any]

RELATIVE, ABSOLUTE = 1e-4, 1e-6  # of the largest value; float32 sums in another order differ by less


@dataclass(frozen=True, slots=True)
class Count:
    """How many trainable values and how many others one of the three has, by its own count."""

    what: str
    params: int
    buffers: int


@dataclass(frozen=True, slots=True)
class Comparison:
    """One output for one seed: the largest difference, what is allowed, and what is wrong ("" where nothing is)."""

    seed: int
    output: str
    shape: Shape  # with the batch
    difference: float
    allowed: float
    problem: str

    @property
    def verdict(self) -> str:
        """In a word or two, for the table."""
        if not self.problem:
            return "same"
        return "no proof" if self.difference <= self.allowed else "different"


@dataclass(frozen=True, slots=True)
class Report:
    """What a verification found."""

    net: str
    batch: int
    opset: int
    counts: tuple[Count, ...]
    comparisons: tuple[Comparison, ...]
    cause: str = ""  # of a difference: the layer to look at, or a network that magnifies rounding

    @property
    def problems(self) -> tuple[str, ...]:
        """Everything that is wrong, a sentence each."""
        found = []
        own = self.counts[0]
        for other in self.counts[1:]:
            if (other.params, other.buffers) != (own.params, own.buffers):
                found.append(
                    f"{other.what} has {other.params:,} parameters and {other.buffers:,} buffer values, "
                    f"{own.what} {own.params:,} and {own.buffers:,}"
                )
        found += [f"seed {c.seed}, {c.output}: {c.problem}" for c in self.comparisons if c.problem]
        return (*found, self.cause) if self.cause else tuple(found)

    @property
    def passed(self) -> bool:
        return not self.problems

    def _verdict(self) -> str:
        if self.passed:
            return "agree"
        counts = {(count.params, count.buffers) for count in self.counts}
        seen = {c.verdict for c in self.comparisons}
        return "agree where it proves nothing" if len(counts) == 1 and "different" not in seen else "DO NOT agree"

    def __str__(self) -> str:
        lines = [f"{self.net}: PyTorch and ONNX (opset {self.opset}) {self._verdict()}, batch {self.batch}", ""]
        rows: list[tuple[str, ...]] = [("", "parameters", "buffers")]
        rows += [(count.what, f"{count.params:,}", f"{count.buffers:,}") for count in self.counts]
        lines += _table(rows, "<>>") + [""]
        rows = [("seed", "output", "shape", "difference", "allowed", "")]
        for c in self.comparisons:
            rows.append((str(c.seed), c.output, by(c.shape), f"{c.difference:.2e}", f"{c.allowed:.2e}", c.verdict))
        lines += _table(rows, "><<>><")
        if self.problems:
            lines += ["", *(f"- {problem}" for problem in self.problems)]
        return "\n".join(lines)


def compare(seed: int, output: str, shape: Shape, mine: Array, theirs: Array) -> Comparison:
    """PyTorch's value of an output and ONNX's, against each other and against the shape that the analysis states."""
    import numpy as np

    for what, value in (("PyTorch", mine), ("ONNX", theirs)):
        if value.shape != shape:
            problem = f"{what} gives {by(value.shape)}, the analysis says {by(shape)}"
            return Comparison(seed, output, shape, float("nan"), 0.0, problem)
    difference, allowed = largest_difference(mine, theirs), allowed_difference(theirs)
    spread = largest_difference(theirs, theirs.min())
    between = largest_difference(theirs[1:], theirs[:1])
    problem = ""
    if not (np.isfinite(mine).all() and np.isfinite(theirs).all()):
        problem = "there are values that are no finite numbers, so nothing can be compared"
    elif difference > allowed:
        problem = f"the values differ by {difference:.2e}, {allowed:.2e} is allowed"
    elif theirs.size > 1 and spread <= allowed:
        problem = "it is the same number everywhere: the drawn weights let the signal die, and agreeing proves nothing"
    elif len(theirs) > 1 and between <= allowed:
        problem = "it is the same for every example: the drawn weights let the signal die, and agreeing proves nothing"
    return Comparison(seed, output, shape, difference, allowed, problem)


def is_same(mine: Array, theirs: Array) -> bool:
    """Whether two values have one shape and differ by no more than the order of float32 sums makes them differ."""
    return mine.shape == theirs.shape and largest_difference(mine, theirs) <= allowed_difference(theirs)


def largest_difference(a: Array, b: Array) -> float:
    import numpy as np

    with np.errstate(invalid="ignore"):
        return float(np.abs(a - b).max(initial=0.0))


def allowed_difference(value: Array) -> float:
    import numpy as np

    return RELATIVE * float(np.abs(value).max()) + ABSOLUTE


def _table(rows: list[tuple[str, ...]], alignment: str) -> list[str]:
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
    return [
        "  ".join(f"{cell:{side}{width}}" for cell, side, width in zip(row, alignment, widths, strict=True)).rstrip()
        for row in rows
    ]
