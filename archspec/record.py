"""Frozen records that are cheap to define and to make.

A frozen dataclass with slots compiles half a dozen methods when its class is defined; archspec has some seventy of them
on the way from a spec to a table, which would be a sixth of the whole run.  A Record compiles one.
"""

from __future__ import annotations

from typing import Any, ClassVar, NoReturn, Self, dataclass_transform


class _Defining(type):
    """Turns the annotations of a class into slots and an `__init__`; fields of the base class come first."""

    def __new__(meta, name: str, bases: tuple[type, ...], namespace: dict[str, Any]) -> _Defining:
        own = tuple(f for f, kind in namespace.get("__annotations__", {}).items() if not kind.startswith("ClassVar"))
        defaults = {field: namespace.pop(field) for field in own if field in namespace}
        cls = super().__new__(meta, name, bases, {**namespace, "__slots__": own})
        fields = (*(field for base in bases for field in getattr(base, "__match_args__", ())), *own)
        inherited = {f: d for base in bases for f, d in getattr(base, "_defaults", {}).items()}
        type.__setattr__(cls, "_defaults", inherited | defaults)
        type.__setattr__(cls, "__match_args__", fields)
        if fields:
            type.__setattr__(cls, "__init__", _initialiser(cls, fields, inherited | defaults))
        return cls


def _initialiser(cls: type, fields: tuple[str, ...], defaults: dict[str, Any]) -> Any:
    """`__init__` with the slots' own setters, which `__setattr__` cannot stop."""
    arguments = ", ".join(f"{field}=default_{field}" if field in defaults else field for field in fields)
    scope = {f"set_{field}": getattr(cls, field).__set__ for field in fields}
    scope.update({f"default_{field}": value for field, value in defaults.items()})
    exec(f"def __init__(self, {arguments}):\n " + "; ".join(f"set_{f}(self, {f})" for f in fields), scope)
    return scope["__init__"]


def _changer(cls: type) -> Any:
    """`but` for one class, which names its fields."""
    fields: tuple[str, ...] = cls.__match_args__  # type: ignore[attr-defined]
    arguments = ", ".join(f"{field}=same" for field in fields)
    values = ", ".join(f"self.{field} if {field} is same else {field}" for field in fields)
    scope = {"same": object(), "cls": cls}
    exec(f"def but(self, *, {arguments}):\n return cls({values})", scope)
    return scope["but"]


@dataclass_transform(frozen_default=True)
class Record(metaclass=_Defining):
    """The base: compares and prints by its fields, hashes by them, and cannot be changed."""

    __match_args__: ClassVar[tuple[str, ...]]

    def __setattr__(self, name: str, value: Any) -> NoReturn:
        raise AttributeError(f"{type(self).__name__} is frozen")

    __delattr__ = __setattr__  # type: ignore[assignment]

    def _values(self) -> tuple[Any, ...]:
        return tuple(getattr(self, field) for field in type(self).__match_args__)

    def __eq__(self, other: object) -> bool:
        return type(other) is type(self) and self._values() == other._values()

    def __hash__(self) -> int:
        return hash((type(self), *self._values()))

    def __repr__(self) -> str:
        fields = ", ".join(f"{field}={getattr(self, field)!r}" for field in type(self).__match_args__)
        return f"{type(self).__name__}({fields})"

    def __reduce__(self) -> tuple[Any, ...]:
        return type(self), self._values()

    def but(self, **changes: Any) -> Self:
        """The same record with some fields changed."""
        cls = type(self)
        type.__setattr__(cls, "but", _changer(cls))  # from here on the class has one of its own, five times as fast
        return self.but(**changes)
