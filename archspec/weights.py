"""Seeded initial values: what a seed gives every weight of a network, the same for PyTorch and ONNX."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING, Any

from archspec.emit.names import owned_weights
from archspec.graph import Graph
from archspec.op import Init, Shape

if TYPE_CHECKING:
    from numpy import float32
    from numpy.typing import NDArray

    Array = NDArray[float32]


def draw(graph: Graph, seed: int, *, statistics: bool = False) -> dict[str, Array]:
    """Every weight of the network as float32, by state_dict key.  See Draws."""
    return dict(Draws(graph, seed, statistics=statistics))


class Draws(Mapping[str, Any]):
    """The weights a seed gives, by state_dict key; each is drawn anew when it is read, so that none has to be kept.

    A value depends on the seed and the weight's own path, never on the rest of the network.  With `statistics` a
    constant c becomes a uniform draw from [c - 0.5, c + 0.5]: a batch norm at mean 0 and variance 1 would hide that two
    of its arrays were swapped.
    """

    def __init__(self, graph: Graph, seed: int, *, statistics: bool = False) -> None:
        self._seed, self._statistics = seed, statistics
        self._weights = owned_weights(graph)

    def __getitem__(self, key: str) -> Array:
        node, weight = self._weights[key]
        init = weight.spec_init or weight.init
        if self._statistics and init.kind == "constant":
            return _values(f"{node.path}.{weight.name}", self._seed, weight.shape, Init("uniform", 0.5), init.value)
        return _values(f"{node.path}.{weight.name}", self._seed, weight.shape, init)

    def __iter__(self) -> Iterator[str]:
        return iter(self._weights)

    def __len__(self) -> int:
        return len(self._weights)


def _values(path: str, seed: int, shape: Shape, init: Init, centre: float = 0.0) -> Array:
    """One array, from NumPy's PCG64 keyed by a hash that is the same on every machine (Python's own is not)."""
    import numpy as np

    if init.kind == "constant":
        return np.full(shape, init.value, np.float32)
    key = int.from_bytes(hashlib.sha256(f"{seed}:{path}".encode()).digest()[:16], "little")
    stream = np.random.Generator(np.random.PCG64(key))
    if init.kind == "normal":
        return stream.standard_normal(shape, np.float32) * np.float32(init.value)
    unit = stream.random(shape, np.float32)  # [0, 1)
    return (unit * np.float32(2) - np.float32(1)) * np.float32(init.value) + np.float32(centre)
