"""What the classes are called: after their block, and what tells the variants of one block apart."""

from __future__ import annotations

import re
from math import prod

from archspec.emit.torch.classes import Class
from archspec.emit.torch.steps import Step, label_of_scope
from archspec.emit.torch.terms import Runs
from archspec.emit.torch.tree import Scope, Tree
from archspec.op import lookup

_IMPORTED = {"Tensor", "OrderedDict", "F"}


def name_classes(classes: list[Class], tree: Tree) -> None:
    """Gives every class its name."""
    taken = set(_IMPORTED) | {leaf.lowering.module for leaf in tree.leaves.values() if leaf.lowering.source}
    net = classes[-1]
    net.name = _free(cap_words(net.scope.definition) or "Net", taken)
    families: dict[str, list[Class]] = {}
    for cls in classes[:-1]:
        families.setdefault(cap_words(cls.scope.definition) or _described(cls, tree), []).append(cls)
    for word, family in families.items():
        main = max(family, key=lambda cls: cls.stamps)
        main.name = _free(word, taken)
        for cls in family:
            if cls is not main:
                cls.name = _free(word + _difference(cls, main), taken)


def cap_words(text: str) -> str:
    """A name as a class's: conv_bn -> ConvBn; ResNet50 stays."""
    words = re.split(r"[^A-Za-z0-9]+", text.rpartition(".")[2] if "." in text else text)
    name = "".join(word[:1].upper() + word[1:] for word in words)
    return f"Net{name}" if name[:1].isdigit() else name


def _free(word: str, taken: set[str]) -> str:
    number, name = 1, word
    while name in taken:
        number += 1
        name = f"{word}{number}"
    taken.add(name)
    return name


def _difference(cls: Class, main: Class) -> str:
    """What a variant has, or lacks, beside the most used one."""
    here, there = ({step.name.partition(".")[0] for step in c.steps} for c in (cls, main))
    if "shortcut" in here - there:
        return "Proj"
    joins, others = ([step.word for step in c.steps if not step.module] for c in (cls, main))
    if others and not joins:
        return "Plain"
    return ""


def _described(cls: Class, tree: Tree) -> str:
    """A name for what has none: its label, its layers if they are few, or what it does to the map."""
    scope = cls.scope
    label = label_of_scope(scope)
    if label or scope.kind == "shared":
        return cap_words(label or scope.name)
    if cls.is_chain and len(cls.steps) <= 3 and not any(isinstance(step.term, Runs) for step in cls.steps):
        return "".join(map(_word, cls.steps))
    if scope.kind == "branch":
        return f"{_around(scope)}Branch"
    shapes = [tree.graph.nodes[value].shape[1:] for value in (*scope.inputs[:1], *scope.outputs[-1:])]
    before, after = (prod(shape) for shape in (shapes[0], shapes[-1]))
    if len(scope.outputs) > 1 or len(scope.inputs) > 1:
        return "Down" if len(scope.outputs) > 1 else "Up"
    if any(isinstance(step.term, Runs) for step in cls.steps):
        return "Stage"
    return "Down" if after < before else "Up" if after > before else "Layer"


def _word(step: Step) -> str:
    card = lookup(step.word)
    return cap_words(step.word if card is None else card.__name__)


def _around(scope: Scope) -> str:
    """The block that a branch belongs to."""
    return next((cap_words(outer.definition) for outer in scope.around() if outer.definition), "")
