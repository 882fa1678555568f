"""Which constants of a class become constructor parameters, and how the code writes each of them."""

from __future__ import annotations

import keyword
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

from archspec.emit.torch.signatures import REQUIRED
from archspec.emit.torch.terms import UNKNOWN, Slot

_CHANNELS = "in_channels out_channels num_features num_channels in_features out_features embed_dim num_parameters"
_ROLES = {name: "channels" for name in _CHANNELS.split()} | {
    "kernel_size": "kernel",
    "padding": "padding",
    "groups": "groups",
    "num_groups": "groups",
}
# What a new parameter is called after the argument that it feeds.
_NAMES = {"num_features": "channels", "num_channels": "channels", "num_parameters": "channels", "p": "rate"}
_TAKEN = frozenset(["self", "torch", "nn", "F", "Tensor", "OrderedDict", "range", "super", "x", *keyword.kwlist])


def role(argument: str) -> str:
    """What kind of number an argument of torch.nn is: channels are multiplied, padding follows the kernel."""
    return _ROLES.get(argument, argument)


@dataclass(eq=False)
class Parameter:
    """A constructor parameter, with its value in every stamp."""

    name: str
    values: tuple[Any, ...]
    role: str
    default: Any = REQUIRED

    @property
    def annotation(self) -> str:
        kinds = dict.fromkeys(_annotation(value) for value in self.values)
        if "float" in kinds:
            kinds.pop("int", None)  # every int is a float to a type checker
        return " | ".join(kinds)

    @property
    def declaration(self) -> str:
        given = "" if self.default is REQUIRED else f" = {literal(self.default)}"
        return f"{self.name}: {self.annotation}{given}"


def _annotation(value: Any) -> str:
    if isinstance(value, tuple):
        return "tuple[int, ...]"
    return "None" if value is None else type(value).__name__


def literal(value: Any) -> str:
    """A constant as code."""
    if isinstance(value, str):
        return '"' + value.replace("\\", "\\\\").replace('"', '\\"') + '"'
    if isinstance(value, tuple):
        inner = ", ".join(map(literal, value))
        return f"({inner},)" if len(value) == 1 else f"({inner})"
    return repr(value)


def square(value: Any) -> Any:
    """A size that is the same on every axis as one number, as people write it."""
    if isinstance(value, tuple) and value and all(v == value[0] for v in value):
        return value[0]
    return value


def _whole(values: tuple[Any, ...]) -> tuple[Any, ...]:
    """A formal's values as the constructors want them: sizes that came out of a division are floats."""
    if all(isinstance(value, float) and value.is_integer() or type(value) is int for value in values):
        return tuple(int(value) for value in values)
    return tuple(map(square, values))


class Naming:
    """Chooses the parameters of one class, given what its author called things.

    `formals` are the block's own, `ends` the channels that enter and leave; both are used only where a constant needs
    them.  `closed`: this is a block, which can compute with its formals and the channels that enter, and nothing else.
    """

    def __init__(self, formals: dict[str, tuple[Any, ...]], ends: dict[str, tuple[Any, ...]], closed: bool) -> None:
        self._closed = closed
        self._formals = {
            name: Parameter(_free(name, ()), _whole(values), "")
            for name, values in formals.items()
            if all(isinstance(value, int | float | tuple) for value in values)
        }
        self._ends = {name: Parameter(name, values, "channels") for name, values in ends.items()}
        self.used: list[Parameter] = []
        self._slots: list[Slot] = []

    def resolve(self, slots: Iterable[Slot]) -> list[Parameter]:
        """Writes the text of every slot; returns the parameters in the order of the constructor."""
        self._slots = varying = [slot for slot in slots if UNKNOWN in slot.values or not _settle_constant(slot)]
        self._give_roles(varying)
        for slot in varying:
            slot.text = self._text(slot)
        for parameter in self.used:
            parameter.default = self._default(parameter, varying)
        return self._ordered()

    def _give_roles(self, slots: list[Slot]) -> None:
        """A formal has the role of the arguments that it is handed to as it is."""
        for formal in self._formals.values():
            roles = [slot.role for slot in slots if _same(slot.values, formal.values)]
            formal.role = roles[0] if roles else ""

    def _text(self, slot: Slot) -> str:
        known = [*self._formals.values(), *(p for p in self.used if p not in self._formals.values())]
        ends = [p for p in self._ends.values() if p not in self.used and slot.role == "channels"]
        entering = [p for name, p in self._ends.items() if self._closed and name.startswith("in_")]
        entering = entering if slot.role == "channels" else []
        for choice in (self._formals.values(), entering, [*known, *ends]):
            for parameter in choice:
                if _alike(slot.role, parameter.role) and _same(slot.values, parameter.values):
                    return self._use(parameter)
            for parameter in choice:
                guessed = slot.role == "channels" and not self._closed
                text = "" if guessed or parameter in ends and choice is not entering else _derived(slot, parameter)
                if text:
                    self._use(parameter)
                    return text
        if _settle_constant(slot):
            return slot.text
        parameter = self._new(slot)
        name = self._use(parameter)
        return name if _same(slot.values, parameter.values) else _derived(slot, parameter)

    def _use(self, parameter: Parameter) -> str:
        if parameter not in self.used:
            if parameter.name in {p.name for p in self.used}:
                parameter.name = _free(parameter.name, {p.name for p in self.used})
            self.used.append(parameter)
        return parameter.name

    def _new(self, slot: Slot) -> Parameter:
        first = next(value for value in slot.values if value is not UNKNOWN)
        values = tuple(first if value is UNKNOWN else value for value in slot.values)
        if slot.role == "count" and 0 < slot.offset <= 2:
            values = tuple(value + slot.offset for value in values)
        meant = [s for s in self._slots if slot.role == "padding" and s.role == "dilation" and s.values == slot.values]
        name = (meant or [slot])[0].what
        name = _NAMES.get(name, name)
        taken = {p.name for p in self.used} | set(self._formals)
        if slot.role == "channels" and name in (taken | set(self._ends)):
            name = name.replace("in_", "mid_").replace("out_", "mid_")
        return Parameter(_free(name, taken), values, slot.role)

    def _default(self, parameter: Parameter, slots: list[Slot]) -> Any:
        """torch's own default, where some stamp has it and nothing else would be understood by it."""
        exact = [slot for slot in slots if slot.text == parameter.name]
        defaults = {repr(slot.default): slot.default for slot in exact}
        if len(defaults) != 1 or not exact:
            return REQUIRED
        default = next(iter(defaults.values()))
        return default if default is not REQUIRED and default in parameter.values else REQUIRED

    def _ordered(self) -> list[Parameter]:
        formals = list(self._formals.values())

        def place(parameter: Parameter) -> tuple[bool, int, int]:
            late = parameter.default is not REQUIRED
            if parameter.name.startswith("in_"):
                return late, 0, 0
            if parameter in formals:
                return late, 1, formals.index(parameter)
            return late, 2, self.used.index(parameter)

        return sorted(self.used, key=place)


def _settle_constant(slot: Slot) -> bool:
    """Writes a slot that has one value in every stamp."""
    known = [value for value in slot.values if value is not UNKNOWN]
    if known and any(type(value) is not type(known[0]) or value != known[0] for value in known):
        return False
    slot.text = literal(known[0]) if known else "0"
    return True


def _alike(role: str, other: str) -> bool:
    """Whether equal numbers of these two roles are equal for a reason."""
    if role == other or not other:
        return True
    if role == "padding":
        return other == "dilation"
    widths = ("channels", "groups", "call")
    return "count" not in (role, other) and (role in widths) == (other in widths)


def _same(values: tuple[Any, ...], other: tuple[Any, ...]) -> bool:
    pairs = zip(values, other, strict=True)
    return all(a is UNKNOWN or (a == b and isinstance(a, bool) == isinstance(b, bool)) for a, b in pairs)


def _derived(slot: Slot, parameter: Parameter) -> str:
    """The slot's values as a multiple or a fraction of a parameter, where such a relation makes sense."""
    pairs = [(a, b) for a, b in zip(slot.values, parameter.values, strict=True) if a is not UNKNOWN]
    if any(type(a) is not int or type(b) is not int for a, b in pairs):
        return ""
    if slot.role == "count":
        less = pairs[0][1] - pairs[0][0]
        alike = parameter.role in ("", "count") and all(b - a == less for a, b in pairs)
        return f"{parameter.name} - {less}" if alike and 0 < less <= 2 else ""
    if slot.role == "padding" and parameter.role == "kernel":
        return f"{parameter.name} // 2" if all(b // 2 == a for a, b in pairs) else ""
    if slot.role not in ("channels", "groups", "call") or parameter.role not in ("channels", ""):
        return ""
    if min(b for _, b in pairs) < 4:
        return ""  # a small number divides everything
    for factor in range(2, 9):
        if all(b * factor == a for a, b in pairs):
            return f"{factor} * {parameter.name}"
    for divisor in range(2, 65):
        if all(a > 0 and b == a * divisor for a, b in pairs) or (
            divisor <= 4 and all(a > 1 and b // divisor == a for a, b in pairs)
        ):
            return f"{parameter.name} // {divisor}"
    return ""


def _free(name: str, taken: Iterable[str]) -> str:
    """A name that is not yet taken, with a number where needed."""
    base = name if name not in _TAKEN else f"{name}_"
    number, free = 1, base
    while free in taken:
        number += 1
        free = f"{base}{number}"
    return free
