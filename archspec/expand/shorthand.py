"""The papers' shorthand: conv3-64, conv3x1-64, conv7-64/2, FC-4096, maxpool3/2."""

from __future__ import annotations

import re

from archspec import syntax
from archspec.expand.lints import LARGEST_KERNEL
from archspec.expand.values import fail
from archspec.op import lookup, names
from archspec.source import Fix, nearest

_FORM = re.compile(r"([A-Za-z]+)(\d+(?:x\d+)?)?(?:-(\d+))?(?:/(\d+))?\Z")


def operator(short: syntax.Short) -> str:
    """The name of the operator, in capitals."""
    match = _FORM.match(short.text)
    assert match is not None
    return match[1].upper()


def layer(short: syntax.Short) -> syntax.Layer:
    """The layer a shorthand stands for: kernel behind the name, width behind the dash, stride behind the slash."""
    match = _FORM.match(short.text)
    assert match is not None
    word, kernel, width, stride = match.groups()
    name = word.upper()
    card = lookup(name)
    if card is None or name.islower():
        near = nearest(name, {n for n in names() if n.isupper()})
        fail(
            "A101",
            f"no layer is named {word}",
            short.name_span,
            caption="unknown",
            help=f"did you mean {near}?" if near else "shorthand looks like conv3-64, FC-4096, maxpool3/2",
        )
    sizes = tuple(int(n) for n in kernel.split("x")) if kernel else ()
    if width and sizes and max(sizes) > LARGEST_KERNEL >= int(width):
        swapped = f"{word}{width}-{kernel}"
        fail(
            "A222",
            f"{short.text} asks for a kernel of {kernel}: the kernel comes first, then the width",
            short.name_span,
            help=f"write {swapped}",
            fix=Fix(short.name_span, swapped),
        )
    given: list[syntax.Arg] = []

    def give(argument: str, value: syntax.Expr) -> None:
        if argument not in card.model_fields:
            help = f"write {name}"
            if "kernel" in card.model_fields:
                help = f"the kernel stands without a dash: {word}{width}"
            message = f"{card.name} has no {argument}, which {short.text} gives"
            fail("A201", message, short.name_span, help=help)
        given.append(syntax.Arg(short.name_span, argument, value, short.name_span))

    span = short.name_span
    if width:
        give("channels" if "channels" in card.model_fields else "width", syntax.Literal(span, int(width)))
    if sizes:
        give("kernel", syntax.Literal(span, sizes[0]) if len(sizes) == 1 else syntax.Dims(span, sizes))
    if stride:
        give("stride", syntax.Literal(span, int(stride)))
    return syntax.Layer(short.span, name, (*given, *(short.args or ())), short.name_span)
