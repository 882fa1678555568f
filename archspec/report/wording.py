"""How facts are worded for people: operators as the language spells them, counts, bytes, receptive fields."""

from __future__ import annotations

from typing import Any

from archspec.field import Field
from archspec.graph import Frame
from archspec.op import Op, RuleError, Shape

# Sizes that are written out per axis, 3x3; a second number in a call would be read as one of them.
_SPELLED_OUT = ("kernel", "size", "shape")


def spelled(op: Op, *xs: Shape) -> str:
    """A settled card as the language writes it, every argument that the defaults would not give: `CONV(64, 7x7, 2)`."""
    fields = type(op).model_fields
    shown = [name for name in fields if fields[name].is_required() or _is_told(op, name, xs)]
    last = max((number for number, name in enumerate(op.positional) if name in shown), default=-1)
    placed = op.positional[: last + 1]
    texts = [value_text(getattr(op, name), name) for name in placed]
    if op.variadic and placed and placed[-1] not in _SPELLED_OUT:
        texts[-1:] = _spread(getattr(op, placed[-1]))
    texts += [f"{name}={value_text(getattr(op, name), name)}" for name in shown if name not in placed]
    return f"{op.name}({', '.join(texts)})" if texts else op.name


def _spread(entries: tuple[Any, ...]) -> list[str]:
    """Further arguments each on its own; a single pair keeps its parentheses."""
    return [str(entry) for entry in entries] if len(entries) == 1 else [value_text(entry) for entry in entries]


def _is_told(op: Op, name: str, xs: tuple[Shape, ...]) -> bool:
    """Whether a reader has to see an argument: a kernel, padding that is there, whatever is not the default."""
    value = getattr(op, name)
    if name == "kernel" or (name == "pad" and any(map(any, value))):
        return True
    default = type(op).model_fields[name].default
    try:
        return bool(value != getattr(op.model_copy(update={name: default}).settle(*xs), name))
    except RuleError:  # it does not go with what another argument was settled to
        return bool(value != default)


def value_text(value: Any, name: str = "") -> str:
    """A value as the language writes it."""
    if isinstance(value, bool):
        return "on" if value else "off"
    if isinstance(value, float):
        return f"{value:g}"
    if hasattr(value, "name"):  # an operator or a block
        return str(value.name)
    if not isinstance(value, tuple | list):
        return str(value)
    if isinstance(value, list) or any(isinstance(part, tuple) and len(part) != 2 for part in value):
        return f"[{', '.join(value_text(list(part) if isinstance(part, tuple) else part) for part in value)}]"
    if value and all(type(part) is int for part in value) and name in _SPELLED_OUT:
        return "x".join(map(str, value))
    if value and all(isinstance(part, tuple) and len(set(part)) == 1 for part in value):
        value = tuple(part[0] for part in value)  # both sides of an axis alike
    if value and all(part == value[0] and type(part) is int for part in value):
        return str(value[0])
    return f"({', '.join(map(value_text, value))})"


def call_text(frame: Frame) -> str:
    """A stamp of a block as a call: `Bottleneck(w=64, s=2)`."""
    arguments = ", ".join(f"{name}={value_text(value)}" for name, value in frame.arguments)
    return f"{frame.definition}({arguments})" if arguments else frame.definition


def shape_text(shape: Shape) -> str:
    """A shape as papers print it: 64x112x112."""
    return "x".join(map(str, shape))


def count_text(count: int) -> str:
    """A count to the last digit: 25,557,032."""
    return f"{count:,}"


def rounded(count: int) -> str:
    """A count in decimal thousands, to four digits: 25.56 M."""
    for power, unit in ((12, "T"), (9, "G"), (6, "M"), (3, "K")):
        if count >= 10**power:
            return f"{count / 10**power:.4g} {unit}"
    return ""


def bytes_text(size: int) -> str:
    """Bytes in binary thousands: 97.49 MiB."""
    for power, unit in ((40, "TiB"), (30, "GiB"), (20, "MiB"), (10, "KiB")):
        if size >= 1 << power:
            return f"{size / (1 << power):,.2f} {unit}"
    return f"{size} B"


def field_text(field: Field | None) -> str:
    """A receptive field as size /stride: `427 /32`, `188..204 /1` where it depends on the phase, `1 /0.5`
    where the map is larger than the input, `?` where unknown."""
    if field is None:
        return "?"
    sizes = [f"{min(a.sizes)}..{a.size}" if min(a.sizes) < a.size else str(a.size) for a in field.axes]
    strides = [f"{axis.step / axis.period:.3g}" for axis in field.axes]
    words = [each(sizes), f"/{each(strides)}"] if field.axes else []
    return " ".join([*words, "global"] if field.whole else words) or "-"


def each(texts: list[str]) -> str:
    """One text per axis, or one for all where they are the same."""
    return texts[0] if len(set(texts)) == 1 else " x ".join(texts)
