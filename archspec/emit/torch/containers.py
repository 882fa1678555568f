"""Modules that their parent calls one by one: lists, dictionaries, and how the code reaches what is in them."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import groupby
from typing import Any

from archspec.emit.torch.steps import Step

Container = dict[str, Any]  # segment -> the text of a module, or what is nested there
_DEEPEST = 2  # containers within each other, before they are told by paths

NEST = '''def nest(modules: dict[str, nn.Module]) -> nn.ModuleDict:
    """The modules under their dotted paths."""
    tree = nn.ModuleDict()
    for path, module in modules.items():
        *outer, name = path.split(".")
        place = tree
        for segment in outer:
            if segment not in place:
                place[segment] = nn.ModuleDict()
            place = place[segment]
        place[name] = module
    return tree'''


def place(modules: Container, step: Step, text: str) -> None:
    """Puts a module where its path says."""
    *outer, last = step.name.split(".")
    for segment in outer:
        modules = modules.setdefault(segment, {})
    modules[last] = text


def contained(inner: Any) -> str:
    """A module, or modules that their parent calls one by one."""
    if isinstance(inner, str):
        return inner
    if _depth(inner) > _DEEPEST:
        return f"nest({{{', '.join(f'{chr(34)}{path}{chr(34)}: {text}' for path, text in _flat(inner))}}})"
    texts = {name: contained(value) for name, value in inner.items()}
    if _is_list(inner):
        ordered = [texts[str(i)] for i in range(len(texts))]
        runs = [(text, len(list(same))) for text, same in groupby(ordered)]
        items = [text if n == 1 else f"*[{text} for _ in range({n})]" for text, n in runs]
        if len(runs) == 1 and len(ordered) > 1:
            return f"nn.ModuleList({items[0][1:]})"
        return f"nn.ModuleList([{', '.join(items)}])"
    items = [f'"{name}": {text}' for name, text in texts.items()]
    return f"nn.ModuleDict({{{', '.join(items)}}})"


def _depth(inner: Any) -> int:
    return 1 + max(map(_depth, inner.values())) if isinstance(inner, dict) else 0


def _flat(inner: Container) -> Iterator[tuple[str, str]]:
    """The modules of a container by their dotted paths."""
    for name, value in inner.items():
        if isinstance(value, str):
            yield name, value
        else:
            yield from ((f"{name}.{path}", text) for path, text in _flat(value))


def _is_list(inner: Container) -> bool:
    return set(inner) == {str(i) for i in range(len(inner))}


def access(modules: Container) -> dict[str, str]:
    """How the code reaches the module at each path: self.down[0].conv1."""
    found: dict[str, str] = {}

    def walk(inner: Container, path: str, text: str, nested: bool) -> None:
        listed = bool(path) and _is_list(inner) and not nested
        for name, value in inner.items():
            here = f"{path}.{name}" if path else name
            step = f"[{name}]" if listed else f'["{name}"]' if name.isdigit() else f".{name}"
            if isinstance(value, dict):
                walk(value, here, text + step, nested or (not path and _depth(value) > _DEEPEST))
            else:
                found[here] = text + step

    walk(modules, "", "self", nested=False)
    return found


def attribute(path: str) -> str:
    """How the code reaches what stands below a module: .0.conv1.bias is [0].conv1.bias."""
    return "".join(f"[{name}]" if name.isdigit() else f".{name}" for name in path.lstrip(".").split("."))
