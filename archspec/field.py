"""Receptive field arithmetic: which positions of the network's input an output position can read.

Along one axis the positions read repeat with a period: output `o` reads the input from `lo[o mod P] + S*(o div P)` to
`hi[o mod P] + S*(o div P)`.  Convolutions and pools have P = 1 and the stride S; transposed convolutions and upsampling
make the field depend on the phase.  All of it is on an endless map: positions in the padding count.
"""

from __future__ import annotations

from collections.abc import Sequence
from math import gcd, lcm
from typing import Literal, NamedTuple

from archspec.op import Shape, Window

PHASES = 4096  # a longer period is not followed: the field is then unknown, and the analysis says so
Ends = tuple[int | None, ...]
Mismatch = Literal["layouts", "strides", "grids"]


class TooManyPhases(Exception):
    """The field repeats only after more than PHASES output positions."""


class Axis(NamedTuple):
    """The field along one axis; `lo` and `hi` hold one entry per phase, None where a phase reads no input at all (a
    hole that a strided transposed convolution leaves)."""

    period: int = 1
    step: int = 1
    lo: Ends = (0,)
    hi: Ends = (0,)

    def at(self, position: int) -> tuple[int, int] | None:
        """First and last input position that this output position reads."""
        turn, phase = divmod(position, self.period)
        lo, hi = self.lo[phase], self.hi[phase]
        return None if lo is None or hi is None else (lo + self.step * turn, hi + self.step * turn)

    @property
    def sizes(self) -> tuple[int, ...]:
        """The extent of every phase in input positions; 0 for a hole."""
        pairs = zip(self.lo, self.hi, strict=True)
        return tuple(0 if lo is None or hi is None else hi - lo + 1 for lo, hi in pairs)

    @property
    def size(self) -> int:
        """The extent in input positions, of the largest phase."""
        return max(self.sizes)

    @property
    def stride(self) -> int | str:
        """Input positions from one output to the next: an integer, or a fraction as text, "1/2"."""
        shared = gcd(self.step, self.period)
        step, period = self.step // shared, self.period // shared
        return step if period == 1 else f"{step}/{period}"

    @property
    def start(self) -> int:
        """The first input position that output 0 reads (the first output that reads any), negative in the padding."""
        return next((lo for lo in self.lo if lo is not None), 0)


class Field(NamedTuple):
    """What one output position of a node reads of one input of the network, per spatial axis of that input.

    `whole`: it also depends on the whole input, by a global operation; without `axes` on nothing nearer than that.
    `grid`: the node's positions are the input's.  They lie along its own axes, or, in a sequence of tokens, are those
    of a map of the sizes `rows`, row by row, the first of them at `front`.  A vector's values and a global pool's are
    off the grid; `rows` is then the map whose positions were flattened into the values, if any was.
    """

    origin: int  # the index of the input node
    axes: tuple[Axis, ...]
    whole: bool = False
    grid: bool = True
    rows: Shape = ()
    front: int = 0


def see(axis: Axis, window: Window) -> Axis:
    """The field of a window over an axis whose positions have the field `axis`.  Raises TooManyPhases."""
    kernel, stride, (before, _), dilation, up, _, tiled = window
    period, step, lo, hi = axis
    first, last = lo[0], hi[0]
    if up != 1 or tiled or period != 1 or first is None or last is None:
        return _see_phases(axis, window)
    if kernel == 1 and stride == 1 and before == 0:
        return axis
    first -= step * before
    last += step * (dilation * (kernel - 1) - before)
    return Axis(1, step * stride, (first,), (last,))


def _see_phases(axis: Axis, window: Window) -> Axis:
    stride, up = window.stride, window.up
    cell = up * axis.period  # stretched positions after which what is read repeats, `axis.step` further on
    turn = lcm(cell, window.kernel if window.tiled else stride)
    period, step = turn // stride, axis.step * (turn // cell)
    if period > PHASES:
        raise TooManyPhases
    los: list[int | None] = []
    his: list[int | None] = []
    for output in range(period):
        read = taps(window, output)
        # Both ends grow by a step every period, so of the reads on one phase only the first and the last matter.
        head, tail = map(axis.at, read[: axis.period]), map(axis.at, read[-axis.period :])
        los.append(min((span[0] for span in head if span), default=None))
        his.append(max((span[1] for span in tail if span), default=None))
    return _shortest(Axis(period, step, tuple(los), tuple(his)))


def taps(window: Window, output: int) -> range:
    """The positions that one output position reads; the taps between two stretched positions fall on zeros."""
    kernel, stride, (before, _), dilation, up, _, tiled = window
    if tiled:
        begin = (output + before) // kernel * kernel - before
        return range(begin, begin + kernel)
    first = output * stride - before
    shared = gcd(up, dilation)
    if first % shared:
        return range(0)
    every = up // shared  # one tap in this many falls on a position; the first is number `tap`
    tap = -first // shared * pow(dilation // shared, -1, every) % every
    count = max(0, -(-(kernel - tap) // every))
    begin, jump = (first + tap * dilation) // up, dilation // shared
    return range(begin, begin + count * jump, jump)


def _shortest(axis: Axis) -> Axis:
    """The same field with its smallest period."""
    period, step, lo, hi = axis
    factor = 2
    while factor <= gcd(period, step):
        part, move = period // factor, step // factor
        if gcd(period, step) % factor == 0 and _repeats(lo, part, move) and _repeats(hi, part, move):
            period, step, lo, hi = part, move, lo[:part], hi[:part]
        else:
            factor += 1
    return Axis(period, step, lo, hi)


def _repeats(ends: Ends, part: int, move: int) -> bool:
    """Whether every entry comes again `part` later, `move` further on."""
    pairs = zip(ends, ends[part:], strict=False)
    return all(b is None if a is None else b == a + move for a, b in pairs)


def _spread(axis: Axis, times: int) -> Axis:
    """The same field with a period `times` as long."""
    period, step, lo, hi = axis
    los, his = (
        tuple(None if end is None else end + step * turn for turn in range(times) for end in ends) for ends in (lo, hi)
    )
    return Axis(period * times, step * times, los, his)


def union(a: Axis, b: Axis) -> tuple[Axis, Mismatch | None]:
    """The field of a join of two branches, and what does not fit: their strides, or the centres of what they read.

    Where strides differ no common grid exists: the branch with the larger stride is widened to hold both at output 0.
    Raises TooManyPhases.
    """
    if a == b:
        return a, None
    if a.step * b.period != b.step * a.period:
        return _widened(a, b), "strides"
    p, q, r, s = a.lo[0], a.hi[0], b.lo[0], b.hi[0]
    if a.period == b.period == 1 and p is not None and q is not None and r is not None and s is not None:
        return Axis(1, a.step, (min(p, r),), (max(q, s),)), None if p + q == r + s else "grids"
    period = lcm(a.period, b.period)
    if period > PHASES:
        raise TooManyPhases
    a, b = _spread(a, period // a.period), _spread(b, period // b.period)
    lo, hi = tuple(map(_lower, a.lo, b.lo)), tuple(map(_upper, a.hi, b.hi))
    return _shortest(Axis(period, a.step, lo, hi)), None if _centred(a, b) else "grids"


def _centred(a: Axis, b: Axis) -> bool:
    """Whether two fields of one period have, on average over the phases that both read, one centre."""
    twice = 0
    for p, q, r, s in zip(a.lo, a.hi, b.lo, b.hi, strict=True):
        if p is not None and q is not None and r is not None and s is not None:
            twice += p + q - r - s
    return twice == 0


def _lower(a: int | None, b: int | None) -> int | None:
    return b if a is None else a if b is None else min(a, b)


def _upper(a: int | None, b: int | None) -> int | None:
    return b if a is None else a if b is None else max(a, b)


def _widened(a: Axis, b: Axis) -> Axis:
    wide, other = (a, b) if a.step * b.period > b.step * a.period else (b, a)
    ours, theirs = wide.at(0), other.at(0)
    if ours is None or theirs is None:
        return wide
    before, after = min(0, theirs[0] - ours[0]), max(0, theirs[1] - ours[1])
    lo = tuple(None if end is None else end + before for end in wide.lo)
    hi = tuple(None if end is None else end + after for end in wide.hi)
    return Axis(wide.period, wide.step, lo, hi)


def meet(fields: Sequence[Field]) -> tuple[Field, Mismatch | None]:
    """The field of a join, relative to the first input that any branch reaches; `fields` is not empty.

    Beside branches on the input's grid, one that has left it (a vector, or 1x1 by a global operation) adds no extent
    but makes the result depend on the whole input.  Raises TooManyPhases.
    """
    origin = min(field.origin for field in fields)
    fields = [field for field in fields if field.origin == origin]
    placed = [field for field in fields if field.grid] or [field for field in fields if field.axes] or fields
    whole = len(placed) < len(fields) or any(field.whole for field in fields)
    first, *rest = placed
    mismatch: Mismatch | None = "layouts" if any(not field.grid and not field.whole for field in fields) else None
    axes, rows = first.axes, first.rows
    for field in rest:
        if field.axes != axes:
            axes, odd = _unions(axes, field.axes)
            mismatch = _graver(mismatch, odd)
        if (field.rows, field.front) != (first.rows, first.front):
            rows, mismatch = rows or field.rows, "layouts"
    return Field(origin, axes, whole, first.grid, rows, first.front), mismatch if first.grid else None


def _unions(a: tuple[Axis, ...], b: tuple[Axis, ...]) -> tuple[tuple[Axis, ...], Mismatch | None]:
    """The union along every axis; on square maps, the usual case, it is computed once."""
    first, mismatch = union(a[0], b[0])
    axes = [first]
    for one, other in zip(a[1:], b[1:], strict=True):
        axis, odd = (first, None) if one == a[0] and other == b[0] else union(one, other)
        axes.append(axis)
        mismatch = _graver(mismatch, odd)
    return tuple(axes), mismatch


def _graver(a: Mismatch | None, b: Mismatch | None) -> Mismatch | None:
    """Of two mismatches the one to tell: unequal strides make the field a union at output 0 only, layouts none."""
    return "layouts" if "layouts" in (a, b) else "strides" if "strides" in (a, b) else a or b
