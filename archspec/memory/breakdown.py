"""What a network's memory consists of."""

from __future__ import annotations

from typing import NamedTuple

from archspec.op import Shape
from archspec.record import Record


class Part(NamedTuple):
    """One part of the whole: bytes whatever the batch, and bytes for each example."""

    name: str
    fixed: int
    per_example: int
    remark: str

    def bytes(self, batch: int) -> int:
        return self.fixed + batch * self.per_example


class Held(NamedTuple):
    """One tensor in memory: the layer that made it, what it is there, one example's shape, and the batch's bytes."""

    path: str
    what: str
    shape: Shape
    dtype: str
    bytes: int


class Memory(Record):
    """The memory that a network takes for a batch: `parts` that add up to the total, and the tensors of the part that
    depends on the batch (alive at the peak; kept for the backward pass)."""

    net: str
    training: bool
    batch: int
    dtype: str
    parts: tuple[Part, ...]
    tensors: tuple[Held, ...]
    peak_at: str  # the layer that runs while most is in memory; "" in training, and where it is the input
    order: str  # the order of the layers; "" in training
    tried: tuple[tuple[str, int], ...]  # every order that was tried, and its peak's bytes
    unfreed: int  # bytes of inputs and outputs of layers if none were ever freed; 0 in training
    rules: tuple[str, ...]  # what was assumed, in words

    @property
    def total(self) -> int:
        return sum(part.bytes(self.batch) for part in self.parts)

    def part(self, name: str) -> int:
        """The bytes of the part called so; 0 where there is none."""
        return sum(part.bytes(self.batch) for part in self.parts if part.name == name)
