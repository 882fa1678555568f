"""Classes as text: imports, sources of what torch.nn lacks, constructors, forwards."""

from __future__ import annotations

import re
from collections import Counter
from functools import partial
from math import prod
from textwrap import fill
from typing import Any

from archspec.emit.names import module_path, owned_weights
from archspec.emit.torch import layout
from archspec.emit.torch.classes import Class
from archspec.emit.torch.containers import NEST, Container, access, attribute, contained, place
from archspec.emit.torch.forward import Forward, Line
from archspec.emit.torch.parameters import literal
from archspec.emit.torch.signatures import REQUIRED
from archspec.emit.torch.steps import label_of
from archspec.emit.torch.terms import Affine, Chain, Make, Run, Runs, constants
from archspec.emit.torch.tree import Tree
from archspec.graph import Graph
from archspec.op import Shape, by


class Writer:
    """Writes the classes of one network."""

    def __init__(self, tree: Tree, classes: list[Class]) -> None:
        self.tree = tree
        self.classes = classes
        self.names = {cls.reference: cls.name for cls in classes}

    def module(self, doc: str) -> str:
        """The whole file."""
        sources = {leaf.lowering.source.strip(): None for leaf in self.tree.leaves.values() if leaf.lowering.source}
        parts = [*sources, *("\n".join(self.class_lines(cls)) for cls in self.classes)]
        if any(" = nest(" in part for part in parts):
            parts.insert(0, NEST)
        body = "\n\n\n".join(parts)
        head = [f'"""{doc}"""', "", *_imports(body)] if doc else _imports(body)
        return "\n".join(head) + "\n\n\n" + body + "\n"

    # ---------------------------------------------------------------- classes

    def class_lines(self, cls: Class) -> list[str]:
        is_net = cls is self.classes[-1]
        lines = [f"class {cls.name}(nn.Module):"]
        if is_net:
            lines += _docstring(cls.name, self.tree.graph)
        arguments = ["self", *(parameter.declaration for parameter in cls.parameters)]
        lines += layout.signature("__init__", arguments, "None", 4)
        lines += [" " * 8 + "super().__init__()"]
        modules = self._modules(cls)
        reach = access(modules)
        attributes = self._attributes(cls, modules)
        lines += [" " * 8 + f"self.{attribute} = {name}" for name, attribute in attributes.items()]
        for name, inner in modules.items():
            lines += layout.statement(f"self.{name} = {contained(inner)}", 8)
        lines += self._starts(cls, reach)
        return [*lines, "", *self._forward(cls, reach, attributes)]

    def _modules(self, cls: Class) -> Container:
        """The texts of the modules, nested as their paths are."""
        modules: Container = {}
        for step in cls.steps:
            if step.term is not None:
                place(modules, step, self.text(step.term))
        return modules

    def _attributes(self, cls: Class, modules: Container) -> dict[str, str]:
        """The parameters that forward reads, and the attributes that keep them."""
        texts = " ".join(slot.text for step in cls.steps for slot in constants(step.call))
        read = [p.name for p in cls.parameters if re.search(rf"\b{p.name}\b", texts)]
        return {name: f"{module_path(name)}_" if module_path(name) in modules else module_path(name) for name in read}

    def _starts(self, cls: Class, reach: dict[str, str]) -> list[str]:
        lines: list[str] = []
        for step in cls.steps:
            for start in step.starts:
                array = reach[step.name] + attribute(start.target[len(step.name) :])
                low = "-" if not start.value.text.startswith("-") else ""
                value = start.value.text
                bounds = f"{low}{value}, {value}" if start.kind == "uniform" else value
                bounds = f"std={value}" if start.kind == "normal" else bounds
                lines += layout.statement(f"nn.init.{start.kind}_({array}, {bounds})", 8)
        return lines

    # ---------------------------------------------------------------- forward

    def _forward(self, cls: Class, reach: dict[str, str], attributes: dict[str, str]) -> list[str]:
        is_net = cls is self.classes[-1]
        inputs = self._inputs(cls, is_net)
        calls = []
        for step in cls.steps:
            texts = [part if isinstance(part, str) else _owned(part.text, attributes) for part in step.call.parts]
            calls.append(layout.slices("".join(texts)).replace("{m}", reach.get(step.module, "")))
        outputs = self.tree.graph.outputs if is_net and len(self.tree.graph.outputs) > 1 else ()
        fixed = {output.node: re.sub(r"\W", "_", module_path(output.name)) for output in reversed(outputs)}
        fixed = {node: name for node, name in fixed.items() if node not in inputs}
        labels = self._labels(cls)
        forward = Forward(cls.steps, inputs, cls.scope.outputs, calls, fixed, labels, nested=not is_net)
        lines = layout.signature("forward", ["self", *(f"{n}: Tensor" for n in inputs.values())], _result(cls), 4)
        for line in forward.lines():
            lines += self._statement(line, is_net)
        return lines

    def _statement(self, line: Line, is_net: bool) -> list[str]:
        """A line of forward; in the network itself, where shapes are known, with the shape that it makes."""
        if line.times > 1:
            return [f"        for _ in range({line.times}):", *layout.statement(line.text, 12)]
        lines = layout.statement(line.text, 8)
        if is_net and line.values:
            comment = f"  # {', '.join(by(self.tree.graph.nodes[value].shape) for value in line.values)}"
            if len(lines[-1]) + len(comment) <= layout.WIDTH:
                lines[-1] += comment
        return lines

    def _labels(self, cls: Class) -> dict[int, str]:
        """The author's names for the values of a class; one that occurs often is numbered."""
        labels = {value: label_of(value, self.tree) for step in cls.steps for value in step.gives}
        often = Counter(labels.values())
        seen: Counter[str] = Counter()
        for step in cls.steps:
            iteration = re.search(r"\.(\d+)$", step.name)
            for value in step.gives:
                label = labels[value]
                if label and not label[-1].isdigit() and (iteration or often[label] > 1):
                    labels[value] = label + (iteration[1] if iteration else str(seen[label]))
                    seen[label] += 1
        return labels

    def _inputs(self, cls: Class, is_net: bool) -> dict[int, str]:
        """The names of forward's arguments: the spec's for the network, x and then the labels for the rest."""
        names: dict[int, str] = {}
        spare = iter("yzuvw")
        for i, value in enumerate(cls.scope.inputs):
            node = self.tree.graph.nodes[value]
            if is_net:
                name = re.sub(r"\W", "_", module_path(node.path))
                name = "x" if name == "input" else name
            else:
                labels = {label_of(scope.inputs[i], self.tree) for scope in cls.stamps}
                name = labels.pop() if i and len(labels) == 1 else "" if i else "x"
                name = "" if re.search(r"\d", name) else name
            if not name or name in names.values():
                name = next(spare, f"x{i}")
            names[value] = name
        return names

    # ---------------------------------------------------------------- terms

    def text(self, term: Any, index: str = "i") -> str:
        """A constructor call as code."""
        match term:
            case Make():
                return f"{self.names.get(term.function, term.function)}({', '.join(self._arguments(term, index))})"
            case Chain():
                layers = ", ".join(f"{name}={self.text(layer)}" for name, layer in term.layers)
                return f"nn.Sequential(OrderedDict({layers}))"
            case Runs():
                return f"nn.Sequential({', '.join(_run(run, self.text(run.term)) for run in term.runs)})"
            case Affine():
                return _affine(term.start.text, term.step.text, index)
        return str(term.text)

    def _arguments(self, term: Make, index: str) -> list[str]:
        written = []
        for key, value in term.arguments:
            text = self.text(value, index)
            default = value.start.default if isinstance(value, Affine) else value.default
            if key and default is not REQUIRED and text == literal(default):
                continue
            written.append(f"{key}={text}" if key else text)
        return written


def _result(cls: Class) -> str:
    """The type that forward returns."""
    count = len(cls.scope.outputs)
    if count == 1:
        return "Tensor"
    return f"tuple[{', '.join(['Tensor'] * count)}]" if count <= 4 else "tuple[Tensor, ...]"


def _affine(start: str, step: str, index: str) -> str:
    if step == "0":
        return start
    less = step.startswith("-")
    size = step.lstrip("-")
    grown = index if size == "1" else f"{size} * {index}"
    if start == "0" and not less:
        return grown
    return f"{start} {'-' if less else '+'} {grown}"


def _run(run: Run, text: str) -> str:
    """A run inside brackets: the module itself, or a comprehension."""
    if run.times.text == "1":
        return re.sub(r" \+ (\w+ \* )?i\b", "", text) if _moves(run.term) else text
    index = "i" if _moves(run.term) else "_"
    return f"*[{text} for {index} in range({run.times.text})]"


def _moves(term: Any) -> bool:
    match term:
        case Affine():
            return bool(term.step.text != "0")
        case Make() | Chain():
            return any(_moves(inner) for _, inner in term[-1])
    return False


def _owned(text: str, attributes: dict[str, str]) -> str:
    """A parameter expression as forward writes it."""
    return re.sub(r"[A-Za-z_]\w*", lambda word: f"self.{attributes.get(word[0], word[0])}", text)


def _imports(body: str) -> list[str]:
    lines = ["from collections import OrderedDict", ""] if "OrderedDict(" in body else []
    lines += ["import torch"] if re.search(r"\btorch\.", body) else []
    lines += ["import torch.nn.functional as F"] if re.search(r"\bF\.", body) else []
    return [*lines, "from torch import Tensor, nn"]


def _docstring(name: str, graph: Graph) -> list[str]:
    """What the network takes, gives and weighs."""
    count = sum(prod(weight.shape) for _, weight in owned_weights(graph).values() if weight.trainable)
    takes = " and ".join(_batched(graph.nodes[i].shape) for i in graph.inputs)
    gives = [_batched(graph.nodes[output.node].shape) for output in graph.outputs]
    several = len(gives) > 1
    text = f"{name}: {takes} -> {f'{len(gives)} outputs' if several else gives[0]}, {count:,} parameters."
    wrap = partial(
        fill, width=layout.WIDTH - 4, initial_indent="    ", subsequent_indent="    ", break_long_words=False
    )
    lines = wrap(f'"""{text}').splitlines()
    if not several:
        return [*lines[:-1], f'{lines[-1]}"""', ""]
    told = ", ".join(f"{output.name} {shape}" for output, shape in zip(graph.outputs, gives, strict=True))
    return [*lines, "", *wrap(f"Returns {told}.").splitlines(), '    """', ""]


def _batched(shape: Shape) -> str:
    return f"(N, {', '.join(map(str, shape))})"
