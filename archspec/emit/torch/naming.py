"""What the classes are called: after their block, and what tells the variants of one block apart."""

from __future__ import annotations

import re
from math import prod

from archspec.emit.torch.classes import Class
from archspec.emit.torch.terms import Chain, Runs
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
        main, *others = sorted(family, key=lambda cls: (_has_shortcut(cls), not _joins(cls), -len(cls.stamps)))
        main.name = _free(word, taken)
        for cls in others:
            cls.name = _free(word + _difference(cls, main), taken)


def cap_words(text: str) -> str:
    """A name as a class's: conv_bn -> ConvBn; ResNet50 and WRN_28_10 stay."""
    text = text.rpartition(".")[2]
    if text.isidentifier() and text[0].isupper():
        return text
    words = re.split(r"[^A-Za-z0-9]+", text)
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
    if _has_shortcut(cls) and not _has_shortcut(main):
        return "Proj"
    return "Plain" if _joins(main) and not _joins(cls) else ""


def _has_shortcut(cls: Class) -> bool:
    return any(step.name == "shortcut" for step in cls.steps)


def _joins(cls: Class) -> bool:
    return any(len(step.reads) > 1 for step in cls.steps)


def _described(cls: Class, tree: Tree) -> str:
    """A name for what has none: its layers if they are few, its label, or what it does to the map."""
    scope = cls.scope
    if scope.kind == "shared":
        return cap_words(scope.name)
    lent = re.sub(r"_?\d+$", "", scope.repeat)
    if lent not in ("", "r") and not scope.labelled and not cls.is_chain:
        return f"{cap_words(lent)}Layer"  # a repeated join: dense[...]*6
    words = [step.word for step in cls.steps if not isinstance(step.term, Chain | Runs)]
    told = "".join(map(cap_words, words)) if len(words) == len(cls.steps) <= 3 else ""
    if told and (len(scope.inputs) == len(scope.outputs) == 1 or scope.kind == "branch"):
        return told
    if scope.labelled:
        return cap_words(scope.repeat)
    if scope.kind == "branch":
        return f"{_around(scope)}Branch"
    return _way(cls, tree) or told or "Layer"


def _way(cls: Class, tree: Tree) -> str:
    """What an iteration does to the map: Down, Up, or a Stage of several layers."""
    if len(cls.scope.inputs) == len(cls.scope.outputs) == 1 and any(isinstance(step.term, Runs) for step in cls.steps):
        return "Stage"
    ends = (*cls.scope.inputs[:1], *cls.scope.outputs[-1:])
    before, *after = (prod(tree.graph.nodes[value].shape[1:]) for value in ends)
    return "" if [before] == after else "Down" if [before] > after else "Up"


def _around(scope: Scope) -> str:
    """The block that a branch belongs to."""
    return next((cap_words(outer.definition) for outer in scope.around() if outer.definition), "")
