"""The memory of a training step: weights, gradients, the optimizer's copies, and what autograd keeps."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from math import prod
from typing import Literal, get_args

from archspec.analyze import Analysis
from archspec.memory.breakdown import Held, Memory, Part
from archspec.memory.checkpoint import Checkpointed, checkpoint, without
from archspec.memory.tape import WIDTHS, Tape, record
from archspec.optimizers import find_optimizer
from archspec.source import Diagnostic, SpecError

Checkpoint = Literal["none", "blocks"]


def train(analysis: Analysis, *, optimizer: str = "adamw", cut: Checkpoint = "none") -> Memory:
    """What a step holds between the forward and the backward pass, once the gradients are there.

    float16 and bfloat16 mean mixed precision: weights, gradients and the optimizer's copies stay float32, weights have
    a half copy, activations are half.  `cut="blocks"` computes blocks again instead of keeping their insides.
    Raises SpecError for an unknown optimizer or cut, and a type that nobody trains in.
    """
    if cut not in get_args(Checkpoint):
        raise SpecError((Diagnostic("A204", f"no checkpointing {cut}", expected=get_args(Checkpoint)),))
    dtype, batch = analysis.dtype, analysis.batch
    if dtype == "int8":
        help = "train in bfloat16, and count inference in int8"
        raise SpecError((Diagnostic("A204", "int8 has no gradients", help=help),))
    tape = record(analysis.graph, dtype)
    whole = without(tape)
    saved = (checkpoint(analysis.graph, tape, batch) or whole) if cut == "blocks" else whole
    parts = (*_weights(analysis, optimizer), *_saved(tape, saved))
    again = (held._replace(what=f"{held.what}, recomputed") for held in _held(tape, saved.inside, batch))
    tensors = (*_held(tape, saved.kept, batch), *again)
    return Memory(
        analysis.graph.name, True, batch, dtype, parts, tensors, "", "", (), 0, tuple(_rules(dtype, cut, saved))
    )


def _weights(analysis: Analysis, optimizer: str) -> Iterator[Part]:
    """The parts that do not depend on the batch."""
    totals, copies = analysis.totals, find_optimizer(optimizer).copies
    wide = max(4, WIDTHS[analysis.dtype])
    yield Part("weights", totals.params * wide, 0, f"{totals.params:,} parameters")
    if WIDTHS[analysis.dtype] < wide:
        copied = WIDTHS[analysis.dtype] * _matrices(analysis)
        yield Part("half weights", copied, 0, f"{analysis.dtype} copies of what multiplies activations")
    yield Part("buffers", totals.buffers * wide, 0, "running means and variances")
    yield Part("gradients", totals.params * wide, 0, "one per parameter")
    kept = f"{copies} per parameter" if copies else "nothing"
    yield Part("optimizer", totals.params * wide * copies, 0, f"{optimizer}: {kept}")


def _matrices(analysis: Analysis) -> int:
    """How many parameters are kernels and matrices of contractions, which mixed precision copies; biases and the
    parameters of norms are read as they are."""
    graph = analysis.graph
    own = [graph.nodes[row.index] for row in analysis.rows if row.macs and graph.nodes[row.index].shares is None]
    weights = (weight for node in own for weight in node.op.weights(*graph.shapes_into(node)) if weight.trainable)
    return sum(prod(weight.shape) for weight in weights if len(weight.shape) > 1)


def _saved(tape: Tape, saved: Checkpointed) -> Iterator[Part]:
    """The parts that grow with the batch."""
    count = len(saved.kept)
    inputs = f", inputs of {saved.blocks} blocks among them" if saved.blocks else ""
    yield _summed("saved", tape, saved.kept, f"{count} tensor{'s' * (count != 1)} that the backward pass needs{inputs}")
    if saved.blocks:
        yield _summed("recomputed", tape, saved.inside, f"inside {saved.block}, the largest block")


def _summed(name: str, tape: Tape, storages: tuple[int, ...], remark: str) -> Part:
    found = [tape.storages[storage] for storage in storages]
    return Part(name, sum(s.fixed for s in found), sum(s.per_example for s in found), remark)


def _held(tape: Tape, storages: Iterable[int], batch: int) -> Iterator[Held]:
    for index in storages:
        storage = tape.storages[index]
        yield Held(storage.path, storage.what, storage.shape, storage.dtype, storage.bytes(batch))


def _rules(dtype: str, cut: Checkpoint, saved: Checkpointed) -> Iterator[str]:
    yield "saved is what PyTorch's autograd keeps, each piece of memory once"
    yield "gradients of activations, work space and the allocator's rounding are not counted"
    if dtype in ("float16", "bfloat16"):
        yield "mixed precision: float32 weights, gradients and optimizer, half activations; statistics stay float32"
    if cut == "blocks":
        found = f"{saved.blocks} blocks at level {saved.level} keep their inputs" if saved.blocks else "no block to cut"
        yield f"checkpointing: {found}"
