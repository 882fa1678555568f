"""What the classes are called: after their block, and what tells the variants of one block apart."""

from __future__ import annotations

import re
from math import prod

from archspec.emit.torch.classes import Class
from archspec.emit.torch.terms import Runs
from archspec.emit.torch.tree import Scope, Tree

def name_classes(classes: list[Class], tree: Tree) -> None:
    """Gives every class its name."""
    taken = {"Tensor", "OrderedDict"} | {leaf.lowering.module for leaf in tree.leaves.values() if leaf.lowering.source}
    if any("F." in leaf.lowering.call or "F." in leaf.lowering.source for leaf in tree.leaves.values()):
        taken.add("F")
    net = classes[-1]
    net.name = _free(cap_words(net.scope.definition) or "Net", taken)
    families: dict[str, list[Class]] = {}
    for cls in classes[:-1]:
        families.setdefault(cap_words(cls.scope.definition) or _described(cls, tree), []).append(cls)
    for word, family in families.items():
        main, *others = sorted(family, key=lambda cls: -cls.stamps)
        main.name = _free(word, taken)
        for cls in others:
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
    """A name for what has none: its layers if they are few, its label, or what it does to the map."""
    scope = cls.scope
    if scope.kind == "shared":
        return cap_words(scope.name)
    if len(cls.steps) <= 3 and not any(isinstance(step.term, Runs) for step in cls.steps):
        if len(scope.inputs) == len(scope.outputs) == 1 or scope.kind == "branch":
            return "".join(cap_words(step.word) for step in cls.steps)
    if scope.labelled:
        return cap_words(scope.repeat)
    if scope.kind == "branch":
        return f"{_around(scope)}Branch"
    if len(scope.outputs) > 1 or len(scope.inputs) > 1:
        return "Down" if len(scope.outputs) > 1 else "Up"
    if any(isinstance(step.term, Runs) for step in cls.steps):
        return "Stage"
    before, after = (prod(tree.graph.nodes[value].shape[1:]) for value in (scope.inputs[0], scope.outputs[0]))
    return "Down" if after < before else "Up" if after > before else "Layer"


def _around(scope: Scope) -> str:
    """The block that a branch belongs to."""
    return next((cap_words(outer.definition) for outer in scope.around() if outer.definition), "")
