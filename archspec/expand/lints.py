"""What is allowed and yet nearly always a slip: warnings."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from archspec import syntax
from archspec.expand.definitions import Definitions
from archspec.expand.draft import Arguments
from archspec.expand.session import Session
from archspec.op import Op, Shape, by, lookup
from archspec.source import Diagnostic, Fix, Span

LARGEST_KERNEL = 11  # AlexNet's; a larger number is a width in the wrong place, or a patch


def warning(code: str, message: str, span: Span, help: str, fix: Fix | None = None) -> Diagnostic:
    return Diagnostic(code, message, span, help=help, fix=fix, severity="warning")


def kernel(x: Session, op: Op, shape: Shape, arguments: Arguments) -> None:
    """A kernel that is larger than the map it reads, or larger than anybody's."""
    span, sizes, strides = arguments["kernel"][1], getattr(op, "kernel", ()), getattr(op, "stride", ())
    if not sizes or len(sizes) != len(shape) - 1 or max(sizes) < 2 or not op.weights(shape):
        return
    if any(window.up > 1 for window in op.windows(shape) or ()):
        return
    # 3 on 2 is what deep nets come to; a kernel of 2n or more has taps that never meet the map.
    if any(k > n and (k > 3 or k >= 2 * n) for k, n in zip(sizes, shape[1:], strict=True)):
        message = f"{op.name}'s kernel of {by(sizes)} is larger than the map, {by(shape[1:])}"
        x.warn("W203", message, span, "a smaller kernel sees as much: the rest of it reads nothing but padding")
    elif len(sizes) > 1 and max(sizes) > LARGEST_KERNEL and max(sizes) > 2 * max(strides):
        # Waves are read with kernels of a hundred samples; patches and upsampling have strides as large.
        message = f"{op.name}'s kernel of {by(sizes)} is unusually large"
        x.warn("W202", message, span, f"the channels come first: CONV({max(sizes)}, 3x3) has {max(sizes)} channels")


def even(x: Session, op: Op, arguments: Arguments) -> None:
    """`same` around an even kernel, which cannot be the same on both sides."""
    field, pad = type(op).model_fields.get("pad"), getattr(op, "pad", ())
    asked = arguments["pad"][0] if "pad" in arguments else field.default if field else None
    kernel = getattr(op, "kernel", ())
    if asked != "same" or max(kernel) > LARGEST_KERNEL or not any(begin != end for begin, end in pad):
        return
    message = f"{op.name}'s kernel of {by(kernel)} is even, so `same` pads the end by one more than the beginning"
    sides = ", ".join(f"({begin}, {end})" for begin, end in pad)
    help = f"say which side gets it: pad=({sides}{',' * (len(pad) == 1)}), or TensorFlow's same_upper"
    x.warn("W206", message, arguments["kernel"][1], help)


def square(x: Session, loops: tuple[syntax.Loop, ...]) -> None:
    """A table of as many rows as names, which could have been meant as columns."""
    for loop in loops:
        names, table = loop.names, loop.values
        if len(names) < 2 or not isinstance(table, syntax.List) or len(table.items) != len(names):
            continue
        rows = [row.items if isinstance(row, syntax.List) else () for row in table.items]
        if any(len(row) != len(names) for row in rows):
            continue
        first = ", ".join(f"{name} = {value.span.text}" for name, value in zip(names, rows[0], strict=True))
        columns = ", ".join(f"{name} in {row.span.text}" for name, row in zip(names, table.items, strict=True))
        message = f"a square table is read by rows: at first {first}"
        x.warn("W204", message, table.span, f"for columns write ({columns})")


def lints(definitions: Definitions) -> Iterator[Diagnostic]:
    """Warnings about a file as it is written."""
    for block in definitions.blocks.values():
        if len(block.name) > 1 and block.name.isupper() and block.name.isalpha():
            what = "hides the layer of that name" if lookup(block.name) else "looks like a layer"
            help = f"write it as {block.name.capitalize()}: layers are in capitals, blocks begin with one"
            yield warning("W101", f"the block {block.name} {what}", block.name_span, help)
    if " then " in definitions.source.text:
        for statement in definitions.file.statements:
            yield from _first_strides(statement, ())


def _first_strides(piece: Any, levels: tuple[frozenset[str], ...]) -> Iterator[Diagnostic]:
    """`s then 1` two or more repeats inside the one that gives s: it would be s in the first iteration of each."""
    match piece:
        case syntax.Binary(op="then", left=syntax.Ref(name=name)):
            depth = next((i for i, names in enumerate(reversed(levels)) if name in names), 0)
            if depth > 1:
                message = (
                    f"`{piece.span.text}` follows the innermost repeat; {name} changes {depth} repeats further out"
                )
                help = f"it is {name} in the first of each of them; write it just inside the repeat that gives {name}"
                yield warning("W205", message, piece.span, help)
        case syntax.Step():
            inner = levels
            for repeat in reversed(piece.repeats):
                inner = (*inner, frozenset(name for loop in repeat.loops for name in loop.names))
            yield from _first_strides(piece.core, inner)
        case syntax.Block() | syntax.Net():
            yield from _first_strides(piece.body, ())
        case syntax.Syntax():
            for field in type(piece).__match_args__:
                yield from _first_strides(getattr(piece, field), levels)
        case tuple():
            for item in piece:
                yield from _first_strides(item, levels)
