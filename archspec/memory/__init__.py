"""How much memory a network takes to run and to train, part by part."""

from archspec.memory.breakdown import Held, Memory, Part
from archspec.memory.fit import Fit, largest_batch, read_bytes
from archspec.memory.inference import infer
from archspec.memory.training import Checkpoint, train

__all__ = ["Checkpoint", "Fit", "Held", "Memory", "Part", "infer", "largest_batch", "read_bytes", "train"]
