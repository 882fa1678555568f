"""A scope as the steps of its forward: what each constructs, calls, reads and gives."""

from __future__ import annotations

import re
from collections import Counter
from dataclasses import dataclass
from typing import Any, NamedTuple

from archspec.emit.names import module_path
from archspec.emit.torch.parameters import role
from archspec.emit.torch.signatures import SIGNATURES, Signature, signature_of
from archspec.emit.torch.terms import Call, Chain, Const, Make, Repeat, form
from archspec.emit.torch.tree import FLATTENED, Leaf, Scope, Tree
from archspec.op import Init, Torch, lookup

PLAIN = Call(("{m}({0})",))
_NUMBER = re.compile(r"(?<![\w.{])(?<!e-)\d+(?![\w.}])")


class Start(NamedTuple):
    """Initial values that the spec asks for: `target` is the array below the class, `kind` how it is filled."""

    target: str
    kind: str
    value: Any  # Const, or Slot in a class


@dataclass(slots=True)
class Step:
    """One line of a forward, before names are chosen.  Values are told by the node that makes them."""

    name: str  # the module path below the class; "" where there is no module
    module: str  # the path of the module that is called: `name`, or another step's for a shared layer
    term: Any  # what constructs the module; None where nothing is constructed
    call: Call
    reads: tuple[int, ...]
    gives: tuple[int, ...]
    word: str  # what it is, for names of classes: conv, relu, Bottleneck
    starts: tuple[Start, ...] = ()

    @property
    def serial(self) -> bool:
        """Whether it could stand in an nn.Sequential."""
        if self.call == _FLATTEN:
            return True
        return (
            self.term is not None and self.call in (PLAIN, _FLATTENED) and len(self.gives) == 1 and "." not in self.name
        )


def lowering_call(template: str) -> Call:
    """The call of a card with its numbers apart, so that stamps which differ in them become one class."""
    parts: list[Any] = []
    at = 0
    for number in _NUMBER.finditer(template):
        what = (
            "end" if template[number.start() - 1] == ":" else "begin" if template[number.end() :][:1] == ":" else "size"
        )
        parts += [template[at : number.start()], Const(int(number.group()), what, "call")]
        at = number.end()
    return Call((*parts, template[at:]))


_FLATTEN, _FLATTENED = lowering_call("{0}.flatten(1)"), lowering_call(FLATTENED)


def lowering_term(lowering: Torch) -> Make | None:
    """The constructor of a card's module, with every default of torch spelled out."""
    if not lowering.module:
        return None
    signature: Signature = signature_of(lowering.source) if lowering.source else SIGNATURES.get(lowering.module, {})
    positional = list(signature)[: len(lowering.args)]
    positional += [f"value{i}" for i in range(len(positional), len(lowering.args))]
    given = dict(lowering.kwargs)
    if signature.get("stride", ...) is None and given.get("stride") == given.get("kernel_size"):
        given.pop("stride", None)  # a pool's default
    defaults = {name: default for name, default in signature.items() if name not in positional}
    keywords = {**{name: value for name, value in defaults.items() if value is not ...}, **given}
    ordered = sorted(keywords, key=lambda name: list(defaults).index(name) if name in defaults else len(defaults))
    arguments = [
        ("", Const(value, name, role(name), signature.get(name, ...)))
        for name, value in zip(positional, lowering.args, strict=True)
    ]
    arguments += [(name, Const(keywords[name], name, role(name), defaults.get(name, ...))) for name in ordered]
    return Make(lowering.module if lowering.source else f"nn.{lowering.module}", tuple(arguments))


Made = dict[Scope, tuple[Any, tuple[Start, ...]]]  # a scope's constructor, and the initial values left to its parent


def steps_of(scope: Scope, tree: Tree, made: Made) -> list[Step]:
    """The steps of a scope whose inner scopes are already made into constructor terms."""
    steps: list[Step] = []
    items = scope.items
    readers = _readers(scope, tree)
    whole = Counter(item.repeat for item in items)
    i = 0
    while i < len(items):
        size = _series(items, i, readers, tree)
        if size and size == whole[items[i].repeat]:
            steps.append(_repeat_step(items[i : i + size], tree, made))
            i += size
        else:
            steps.append(_step(items[i], tree, made))
            i += 1
    return steps


def chain_of(steps: list[Step], scope: Scope) -> bool:
    """Whether the steps are layers in series from the scope's one input to its one output."""
    if len(scope.inputs) != 1 or len(scope.outputs) != 1 or not all(step.serial for step in steps):
        return False
    flow = [scope.inputs[0], *(step.gives[0] for step in steps)]
    return all(step.reads == (value,) for step, value in zip(steps, flow, strict=False)) and (
        flow[-1] == scope.outputs[0]
    )


def chain_term(steps: list[Step]) -> Chain:
    """The steps as an nn.Sequential, in which flattening is a layer."""
    layers: list[tuple[str, Any]] = []
    for step in steps:
        if step.call != PLAIN:
            before = sum(name.startswith("flatten_") for name, _ in layers)
            layers.append((f"flatten_{before + 1}", Make("nn.Flatten", ())))
        if step.term is not None:
            layers.append((step.name, step.term))
    return Chain(tuple(layers))


def _gives(item: Leaf | Scope) -> tuple[int, ...]:
    return (item.node,) if isinstance(item, Leaf) else tuple(item.outputs)


def _readers(scope: Scope, tree: Tree) -> dict[int, int]:
    """How many items read each value; being an output of the scope counts."""
    count = dict.fromkeys(scope.outputs, 1)
    for item in scope.items:
        for value in set(tree.reads(item)):
            count[value] = count.get(value, 0) + 1
    return count


def _series(items: list[Leaf | Scope], start: int, readers: dict[int, int], tree: Tree) -> int:
    """How many items from `start` are iterations of one repeat in series (0: no such repeat begins here)."""
    repeat, size = items[start].repeat, 0
    if not repeat:
        return 0
    while start + size < len(items) and items[start + size].repeat == repeat:
        item = items[start + size]
        reads, gives = tree.reads(item), _gives(item)
        calls_own = (item.owner if isinstance(item, Leaf) else item.original) is None
        if item.index != size or not calls_own or len(reads) != 1 or len(gives) != 1:
            return 0
        if isinstance(item, Leaf) and not _serial(item):
            return 0
        if size and (reads[0] != _gives(items[start + size - 1])[0] or readers[reads[0]] != 1):
            return 0
        size += 1
    return size


def _serial(leaf: Leaf) -> bool:
    return bool(leaf.lowering.module) and leaf.lowering.call in ("{m}({0})", *([FLATTENED] if not leaf.index else []))


def _repeat_step(items: list[Leaf | Scope], tree: Tree, made: Made) -> Step:
    steps = [_step(item, tree, made) for item in items]
    name = items[0].repeat
    flattens = steps[0].call != PLAIN
    return Step(
        name,
        name,
        Repeat(tuple(step.term for step in steps)),
        _FLATTENED if flattens else PLAIN,
        steps[0].reads,
        steps[-1].gives,
        steps[0].word,
        tuple(
            Start(f"{name}.{i}.{start.target.partition('.')[2]}", start.kind, start.value)
            for i, step in enumerate(steps)
            for start in step.starts
        ),
    )


def _step(item: Leaf | Scope, tree: Tree, made: Made) -> Step:
    reads, gives = tree.reads(item), _gives(item)
    if isinstance(item, Scope):
        original = item.original
        call = PLAIN if len(reads) == 1 else Call(("{m}({all})",))
        if item.flattens:
            call = _FLATTENED
        term, starts = (None, ()) if original else made[item]
        name = "" if original else item.name
        module = original.name if original else item.name
        below = tuple(start._replace(target=f"{item.name}.{start.target}") for start in starts)
        return Step(name, module, term, call, reads, gives, item.definition or item.kind, below)
    term, call = _lowered(item, tree)
    word = _word(item)
    if item.owner is not None and (item.weights or item.loose):
        return Step("", item.owner.name, None, call, reads, gives, word)
    starts = tuple(
        Start(f"{item.name}.{weight.name}", weight.spec_init.kind, _start_value(weight.spec_init))
        for weight in item.weights
        if weight.spec_init is not None
    )
    name = item.name if term else ""
    return Step(name, name, term, call, reads, gives, word, starts)


def _lowered(leaf: Leaf, tree: Tree) -> tuple[Make | None, Call]:
    """The constructor and call of a layer, found once for all layers that are lowered alike."""
    found = tree.lowered.get(id(leaf.lowering))
    if found is None:
        found = tree.lowered[id(leaf.lowering)] = lowering_term(leaf.lowering), lowering_call(leaf.lowering.call)
    return found


def _start_value(init: Init) -> Const:
    return Const(init.value, "init", "init")


def _word(leaf: Leaf) -> str:
    """What a class made of this layer would be named after: Conv for nn.Conv2d, Add for a sum."""
    card = lookup(leaf.op)
    return re.sub(r"\dd$", "", leaf.lowering.module) or (card.__name__ if card else leaf.op)


def label_of(value: int, tree: Tree) -> str:
    """The author's name for a value, x_0_1 for x[0, 1]: the layer's, or that of the innermost scope that gives it."""
    leaf = tree.leaves.get(value)
    if leaf is None:
        return ""
    label = _label(tree.graph.nodes[value].path, leaf.op.lower(), bool(leaf.repeat))
    for scope in leaf.parent.around():
        if label or scope.parent is None or value not in scope.outputs:
            break
        if not scope.repeat or scope.labelled:
            label = _label(scope.path, scope.definition.lower(), bool(scope.repeat))
    return label


def _label(path: str, word: str, repeated: bool) -> str:
    """The name at the end of a path with its indices, without the iteration's own; "" where the numbering is ours."""
    *_, name = (part for part in path.split(".") if not part.isdigit())
    indices = path.split(".")[len(path.rpartition(name)[0].split(".")) :]
    indices = indices[:-1] if repeated else indices
    if re.fullmatch(rf"(?:{re.escape(word)}|r|b|for)_?\d+", name):
        return ""
    return module_path("_".join([name, *indices]))


def wiring(steps: list[Step], scope: Scope) -> tuple[Any, ...]:
    """How values flow between the steps, told by positions, so that two stamps can be compared."""
    place: dict[int, tuple[int, int]] = {value: (-1, i) for i, value in enumerate(scope.inputs)}
    told = []
    for i, step in enumerate(steps):
        told.append(tuple(place[value] for value in step.reads))
        place.update({value: (i, j) for j, value in enumerate(step.gives)})
    return tuple(told), tuple(place[value] for value in scope.outputs)


def kind_of(steps: list[Step], scope: Scope) -> tuple[Any, ...]:
    """What has to agree for two scopes to be stamps of one class."""
    layers = tuple(
        (step.name, step.module, form(step.term), form(step.call), tuple((s.target, s.kind) for s in step.starts))
        for step in steps
    )
    return scope.definition, layers, wiring(steps, scope)
