"""How tensors lie in memory: strides, and which of PyTorch's reshapes need a copy.

Strides count values; the first is the batch's.  They are those of a batch of two: with one example more tensors lie in
order than with any other number.
"""

from __future__ import annotations

from math import prod

from archspec.op import Shape
from archspec.saved import Order, Read, Saved

BATCH = 2
Strides = tuple[int, ...]


def dense(shape: Shape, order: tuple[int, ...]) -> Strides:
    """The strides of values without gaps, axes (0 is the batch) from the slowest to the fastest."""
    sizes, strides, step = (BATCH, *shape), [0] * (len(shape) + 1), 1
    for axis in reversed(order):
        strides[axis] = step
        step *= sizes[axis]
    return tuple(strides)


def channels_first(shape: Shape) -> Strides:
    """The strides of PyTorch's contiguous tensors."""
    return dense(shape, tuple(range(len(shape) + 1)))


def channels_last(shape: Shape) -> Strides:
    """The strides of values that lie position by position."""
    return dense(shape, (0, *range(2, len(shape) + 1), 1))


def positions_first(shape: Shape) -> Strides:
    """The strides that attention leaves: positions, then examples, then channels."""
    return dense(shape, (*range(2, len(shape) + 1), 0, 1))


def same(shape: Shape, one: Strides, other: Strides) -> bool:
    """Whether two strides lead to the same places; an axis of one value has no say."""
    sizes = (BATCH, *shape)
    return all(n == 1 or a == b for n, a, b in zip(sizes, one, other, strict=True))


def looks_last(shape: Shape, strides: Strides) -> bool:
    """Whether PyTorch takes a map for channels last: by the strides' order, gaps or not."""
    least = 0
    for axis in (1, *range(len(shape), 1, -1), 0):
        size = (BATCH, *shape)[axis]
        if strides[axis] < least or (axis == 0 and least == strides[1]):
            return False
        least = strides[axis] * size if size > 1 else strides[axis]
    return True


def reshaped(sizes: tuple[int, ...], strides: Strides, target: tuple[int, ...]) -> Strides | None:
    """The strides of the same values under other sizes, batch included; None where that takes a copy."""
    chunks = _chunks([(n, stride) for n, stride in zip(sizes, strides, strict=True) if n > 1])
    found: list[int] = []
    room, step = chunks.pop() if chunks else (1, 1)
    for size in reversed(target):
        if size > 1 and room == 1 and chunks:
            room, step = chunks.pop()
        if room % size:
            return None
        found.append(step)
        room, step = room // size, step * size
    return tuple(reversed(found))


def _chunks(axes: list[tuple[int, int]]) -> list[tuple[int, int]]:
    """Neighbouring axes that can be counted as one, as its size and stride."""
    merged: list[tuple[int, int]] = []
    for size, stride in axes:
        if merged and merged[-1][1] == size * stride:
            merged[-1] = (merged[-1][0] * size, stride)
        else:
            merged.append((size, stride))
    return merged


def is_ready(read: Read, shape: Shape, strides: Strides) -> bool:
    """Whether an input lies as a layer reads it; if not, the layer copies it."""
    sizes = (BATCH, *shape)
    match read:
        case "flat":
            return reshaped(sizes, strides, (BATCH, prod(shape))) is not None
        case "first":
            return same(shape, strides, channels_first(shape))
        case "image":
            last = len(shape) > 2 and same(shape, strides, channels_last(shape))
            return last or same(shape, strides, channels_first(shape))
        case "last":
            order = (0, *range(2, len(sizes)), 1)
        case "attention":
            order = (*range(2, len(sizes)), 0, 1)
        case "matrices" if len(shape) > 2:
            return reshaped(sizes, strides, (BATCH * prod(shape[:-2]), *shape[-2:])) is not None
        case _:
            return True
    moved, steps = tuple(sizes[axis] for axis in order), tuple(strides[axis] for axis in order)
    return reshaped(moved, steps, (prod(moved[:-1]), moved[-1])) is not None


def output_strides(saved: Saved, y: Shape, inputs: list[tuple[Shape, Strides]]) -> tuple[Strides, bool]:
    """How a layer's output lies, and whether it lives in its first input's memory."""
    if saved.view is not None:
        steps = (1, *(saved.steps or (1,) * len(y)))
        strides = inputs[0][1]
        along = (strides[0], *(strides[axis + 1] for axis in saved.view))
        return tuple(stride * step for stride, step in zip(along, steps, strict=True)), True
    if saved.reshape:
        shape, strides = inputs[0]
        found = reshaped((BATCH, *shape), strides, (BATCH, *y))
        return (channels_first(y), False) if found is None else (found, True)
    return _ordered(saved.order, y, inputs), False


def _ordered(order: Order, y: Shape, inputs: list[tuple[Shape, Strides]]) -> Strides:
    """The strides of an output with memory of its own."""
    if order == "input":
        whole = next((strides for shape, strides in inputs if shape == y), channels_first(y))
        return dense(y, tuple(sorted(range(len(y) + 1), key=lambda axis: -whole[axis])))
    if order == "attention":
        return positions_first(y)
    if order in ("map", "image"):
        fits = len(y) > (1 if order == "map" else 2) and all(looks_last(*given) for given in inputs)
        return channels_last(y) if fits else channels_first(y)
    return channels_last(y) if order == "last" else channels_first(y)
