"""The arithmetic of receptive fields against brute force: sets of indices handed back position by position."""

from __future__ import annotations

from dataclasses import dataclass, field
from math import gcd

import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from archspec.field import PHASES, Axis, Field, TooManyPhases, meet, see, union
from archspec.op import Window

Reads = set[int]
kernels = st.integers(1, 5)
pads = st.tuples(st.integers(-3, 5), st.integers(-3, 5))


def windows(ups: st.SearchStrategy[int], strides: st.SearchStrategy[int]) -> st.SearchStrategy[Window]:
    return st.builds(Window, kernels, strides, pads, st.integers(1, 3), ups, st.just(False), st.just(False))


def tile(kernel: int, before: int) -> Window:
    return Window(kernel, 1, (before % kernel, kernel - 1 - before % kernel), tiled=True)


tiles = st.builds(tile, st.integers(1, 5), st.integers(0, 4))
any_window = windows(st.integers(1, 3), st.integers(1, 4)) | tiles


def steps(position: int, w: Window) -> Reads:
    """The positions that one output position of a window reads, by its definition."""
    if w.tiled:
        return {
            i
            for i in range(position - w.kernel, position + w.kernel)
            if (i + w.pad[0]) // w.kernel == (position + w.pad[0]) // w.kernel
        }
    taps = (position * w.stride - w.pad[0] + j * w.dilation for j in range(w.kernel))
    return {tap // w.up for tap in taps if tap % w.up == 0}


def reads(position: int, chain: list[Window]) -> Reads:
    """The input positions that one output position of a chain of windows reads, by following every tap."""
    found = {position}
    for w in reversed(chain):
        found = {i for o in found for i in steps(o, w)}
    return found


def ends(found: Reads) -> tuple[int, int] | None:
    return (min(found), max(found)) if found else None


def through(chain: list[Window]) -> Axis:
    axis = Axis()
    for window in chain:
        axis = see(axis, window)
    return axis


def positions(*axes: Axis) -> range:
    """Output positions on both sides of 0, over at least two periods."""
    longest = max(axis.period for axis in axes)
    return range(-2 * longest - 3, 2 * longest + 4)


@settings(max_examples=200, deadline=None)
@given(st.lists(any_window, max_size=4))
def test_a_chain_reads_what_following_every_tap_finds(chain: list[Window]) -> None:
    axis = through(chain)
    for position in positions(axis):
        assert axis.at(position) == ends(reads(position, chain))


@settings(max_examples=200, deadline=None)
@given(st.lists(any_window, min_size=1, max_size=4))
def test_the_period_is_the_smallest(chain: list[Window]) -> None:
    period, step, lo, hi = through(chain)
    for shorter in (d for d in range(1, period) if period % d == 0 and step * d % period == 0):
        move = step * shorter // period
        repeated = all(
            (later is None) if earlier is None else later == earlier + move
            for ends_ in (lo, hi)
            for earlier, later in zip(ends_, ends_[shorter:], strict=False)
        )
        assert not repeated


@settings(max_examples=100, deadline=None)
@given(st.lists(any_window, max_size=3), st.lists(any_window, max_size=3))
def test_a_join_on_one_grid_reads_the_union(left: list[Window], right: list[Window]) -> None:
    """Both branches are brought to one rate by a last pool or upsampling, as the shapes of a join make them."""
    a, b = through(left), through(right)
    stride, up = a.step * b.period, b.step * a.period
    shared = gcd(stride, up)
    right = [*right, Window(1, 1, (0, 0), 1, up // shared), Window(2, stride // shared)]
    assume(b.period * up // shared <= 300)
    b = through(right)
    joined, mismatch = union(a, b)
    assert mismatch != "strides"
    for position in positions(joined, a, b):
        assert joined.at(position) == ends(reads(position, left) | reads(position, right))


@dataclass
class Nodes:
    """A random net: windows of stride 1 and joins, each reading earlier nodes, under one resampling at the front."""

    steps: list[tuple[Window, tuple[int, ...]]] = field(default_factory=list)

    def reads(self, node: int, position: int) -> Reads:
        if node < 0:
            return {position}
        window, sources = self.steps[node]
        return {i for s in sources for tap in steps(position, window) for i in self.reads(s, tap)}

    def axis(self) -> tuple[Axis, list[str | None]]:
        axes = {-1: Axis()}
        odd: list[str | None] = []
        for node, (window, sources) in enumerate(self.steps):
            fields = [Field(0, (axes[s], axes[s])) for s in sources]
            met, mismatch = meet(fields)
            odd.append(mismatch)
            axes[node] = see(met.axes[0], window)
        return axes[len(self.steps) - 1], odd


@st.composite
def nets(draw: st.DrawFn) -> Nodes:
    front = draw(any_window)
    found: list[tuple[Window, tuple[int, ...]]] = [(front, (-1,))]
    for index in range(draw(st.integers(1, 5))):
        sources = draw(st.lists(st.integers(0, index), min_size=1, max_size=3))
        found.append((draw(windows(st.just(1), st.just(1)) | tiles), tuple(sources)))
    return Nodes(found)


@settings(max_examples=100, deadline=None)
@given(nets())
def test_a_net_of_joins_reads_what_following_every_path_finds(net: Nodes) -> None:
    axis, mismatches = net.axis()
    assert "strides" not in mismatches
    for position in positions(axis):
        assert axis.at(position) == ends(net.reads(len(net.steps) - 1, position))


def test_nearest_upsampling_reads_the_position_behind() -> None:
    axis = see(Axis(), Window(3, 1, (2, 2), 1, 3))
    assert [axis.at(o) for o in range(7)] == [(o // 3, o // 3) for o in range(7)]
    assert (axis.stride, axis.size, axis.start) == ("1/3", 1, 0)


def test_a_strided_transposed_convolution_leaves_holes() -> None:
    axis = see(Axis(), Window(1, 1, (0, 0), 1, 2))
    assert (axis.at(0), axis.at(1), axis.at(2)) == ((0, 0), None, (1, 1))
    assert (axis.sizes, axis.start) == ((1, 0), 0)
    late = see(Axis(), Window(1, 1, (1, 1), 1, 2))
    assert (late.at(0), late.start) == (None, 0)


def test_upsampling_undoes_a_pool() -> None:
    axis = through([Window(2, 2), Window(2, 1, (1, 1), 1, 2)])
    assert (axis.period, axis.step, axis.stride) == (2, 2, 1)
    assert [axis.at(o) for o in range(4)] == [(0, 1), (0, 1), (2, 3), (2, 3)]


def test_different_strides_take_the_union_at_output_0_and_the_larger_stride() -> None:
    fine, coarse = see(Axis(), Window(9, 2, (4, 4))), see(Axis(), Window(3, 4, (1, 1)))
    assert union(fine, coarse) == (Axis(1, 4, (-4,), (4,)), "strides")
    assert union(coarse, fine) == (Axis(1, 4, (-4,), (4,)), "strides")


def test_grids_that_are_half_a_pixel_apart_are_told() -> None:
    assert union(Axis(), see(Axis(), Window(3, 1, (1, 1))))[1] is None
    assert union(Axis(), see(Axis(), Window(2, 1, (0, 1)))) == (Axis(1, 1, (0,), (1,)), "grids")


def test_a_branch_off_the_grid_adds_no_extent() -> None:
    near, far = (see(Axis(), Window(k, 1, (k // 2, k // 2))) for k in (3, 31))
    met, mismatch = meet([Field(0, (near, near)), Field(0, (far, far), whole=True, grid=False)])
    assert (met, mismatch) == (Field(0, (near, near), whole=True, grid=True), None)


def test_vectors_that_meet_keep_their_extents() -> None:
    near, far = (Axis(1, 8, (0,), (k,)) for k in (3, 31))
    met, mismatch = meet([Field(0, (near,), True, False), Field(0, (far,), False, False)])
    assert (met, mismatch) == (Field(0, (Axis(1, 8, (0,), (31,)),), True, False), None)


def test_a_field_is_relative_to_the_first_input_that_is_reached() -> None:
    met, _ = meet([Field(1, (Axis(1, 2, (0,), (9,)),), whole=True), Field(0, (Axis(),))])
    assert met == Field(0, (Axis(),))


def test_a_window_of_attention_is_read_wherever_a_position_stands_in_it() -> None:
    axis = see(Axis(), tile(4, 2))
    assert [axis.at(o) for o in range(7)] == [(-2, 1)] * 2 + [(2, 5)] * 4 + [(6, 9)]
    assert (axis.size, axis.stride, axis.period, axis.start) == (4, 1, 4, -2)


def test_positions_laid_out_differently_do_not_meet() -> None:
    map_, tokens = Field(0, (Axis(), Axis())), Field(0, (Axis(), Axis()), rows=(4, 4))
    assert meet([tokens, tokens]) == (tokens, None)
    for other in (map_, tokens._replace(rows=(2, 8)), tokens._replace(front=1), Field(0, (), grid=False)):
        assert meet([tokens, other])[1] == "layouts"


def test_too_long_a_period_is_refused_not_guessed() -> None:
    assert see(Axis(), Window(PHASES, 1, (PHASES - 1,) * 2, 1, PHASES)).period == PHASES
    with pytest.raises(TooManyPhases):
        see(Axis(), Window(PHASES + 1, 1, (PHASES, PHASES), 1, PHASES + 1))
