"""The lines of a forward: which values get a name, which stand inside another expression, and what they are called."""

from __future__ import annotations

import ast
import re
from collections import Counter
from dataclasses import dataclass, field
from typing import NamedTuple

from archspec.emit.torch.layout import WIDTH
from archspec.emit.torch.steps import Step

_SPARE = ("x", "y", "z", "u", "v")
_DEEPEST = 3  # calls within calls


class Line(NamedTuple):
    """A statement, how often it stands in a row, and the values that it makes."""

    text: str
    times: int = 1
    values: tuple[int, ...] = ()


class _Value(NamedTuple):
    """What is known of a value while the lines are written: its text, and the variables that the text needs."""

    text: str
    variables: frozenset[str]
    depth: int = 0


@dataclass
class Forward:
    """What a class's forward reads and gives: `inputs` by name, `outputs` by value."""

    steps: list[Step]
    inputs: dict[int, str]
    outputs: list[int]
    calls: list[str]  # per step: the call with {m} filled in
    fixed: dict[int, str]  # values that must have this name
    labels: dict[int, str]  # what to call values that live for a while
    nested: bool = True  # whether a short forward may be one expression
    _maker: dict[int, int] = field(default_factory=dict)
    _uses: Counter[int] = field(default_factory=Counter)
    _last: dict[int, int] = field(default_factory=dict)  # the last step that reads a value

    def lines(self) -> list[Line]:
        """The statements, the last being the return."""
        self._uses = Counter(value for step in self.steps for value in step.reads) + Counter(self.outputs)
        self._maker = {value: i for i, step in enumerate(self.steps) for value in step.gives}
        self._last = {value: i for i, step in enumerate(self.steps) for value in step.reads}
        self._last.update(dict.fromkeys(self.outputs, len(self.steps)))
        inline = self._inlinable()
        while True:
            lines, long = self._write(inline)
            if not long & inline:
                return _counted(lines)
            inline -= long

    # ---------------------------------------------------------------- what to write inside what

    def _inlinable(self) -> set[int]:
        """Values that one later step alone reads, close enough to be written inside its call."""
        inline: set[int] = set()
        for i, step in enumerate(self.steps):
            operands = [value for value in dict.fromkeys(step.reads) if self._fits(value, i)]
            inline.update(self._adjacent(operands, i))
        if self.nested and self._is_short():
            inline.update(step.gives[0] for step in self.steps[:-1])
        return inline

    def _fits(self, value: int, reader: int) -> bool:
        if value not in self._maker or self._uses[value] != 1 or value in self.fixed:
            return False
        made, step = self.steps[self._maker[value]], self.steps[reader]
        if len(made.gives) != 1 or self.calls[reader].count(f"{{{step.reads.index(value)}}}") > 1:
            return False
        return not step.module or (not made.module and len(set(made.reads)) > 1 and len(step.reads) == 1)

    def _adjacent(self, operands: list[int], reader: int) -> list[int]:
        """Of these operands the ones made by the steps just before, so that the order of the calls stays."""
        kept: list[int] = []
        at = reader - 1
        for value in reversed(operands):
            if self._maker[value] != at:
                break
            kept.append(value)
            at -= 1
        return kept

    def _is_short(self) -> bool:
        """Whether the forward is at most three calls in series, each of the one before."""
        flow = zip(self.steps, self.steps[1:], strict=False)
        series = all(b.reads == a.gives and self.calls[i + 1].count("{0}") == 1 for i, (a, b) in enumerate(flow))
        ends = bool(self.steps) and self.outputs == list(self.steps[-1].gives) and not self.fixed
        return series and ends and len(self.steps) <= 3

    # ---------------------------------------------------------------- writing

    def _write(self, inline: set[int]) -> tuple[list[Line], set[int]]:
        """The lines with these values inline, and the values inline in lines that came out too long."""
        left = self._uses.copy()
        values = {value: _Value(name, frozenset([name])) for value, name in self.inputs.items()}
        lines: list[Line] = []
        long: set[int] = set()
        for i, step in enumerate(self.steps):
            made = self._expression(i, values)
            left.subtract(step.reads)
            if step.gives[0] in inline and made.depth < _DEEPEST:
                values[step.gives[0]] = made
                continue
            names = self._names(i, values, left)
            values.update({v: _Value(n, frozenset([n])) for v, n in zip(step.gives, names, strict=True)})
            text = f"{', '.join(names)} = {made.text}"
            if any(left[value] for value in step.gives):
                lines.append(Line(text, values=step.gives))
            if len(text) + 8 > WIDTH:
                long |= set(step.reads)
        last = Line(f"return {', '.join(values[value].text for value in self.outputs)}")
        if len(last.text) + 8 > WIDTH:
            long |= set(self.outputs) | {value for step in self.steps[-1:] for value in step.reads}
        name = values[self.outputs[0]].text
        if len(self.outputs) == 1 and lines and lines[-1].text.startswith(f"{name} = "):
            return [*lines[:-1], Line(f"return {lines[-1].text[len(name) + 3 :]}")], long
        return [*lines, last], long

    def _expression(self, index: int, values: dict[int, _Value]) -> _Value:
        step = self.steps[index]
        operands = [values[value] for value in step.reads]
        text = self.calls[index].replace("{all}", ", ".join(f"{{{i}}}" for i in range(len(operands))))
        pieces = re.split(r"\{(\d+)\}", text)
        for i in range(1, len(pieces), 2):
            pieces[i] = _fitted(operands[int(pieces[i])].text, pieces[i - 1], pieces[i + 1])
        variables = frozenset(name for operand in operands for name in operand.variables)
        called = 0 if text == "{0}" else 1
        return _Value("".join(pieces), variables, called + max((o.depth for o in operands), default=0))

    # ---------------------------------------------------------------- names

    def _names(self, index: int, values: dict[int, _Value], left: Counter[int]) -> list[str]:
        """Names for what a step gives, none of which a value still needed has."""
        step = self.steps[index]
        busy = {name for value, told in values.items() if left[value] > 0 for name in told.variables}
        busy |= set(self.inputs.values()) - {"x"}  # the caller's names are not used again
        freed = [name for read in step.reads for name in sorted(values[read].variables) if name in _SPARE]
        names: list[str] = []
        for value in step.gives:
            label = self.labels.get(value, "") if self._last.get(value, 0) > index + 1 or len(step.gives) > 1 else ""
            wanted = self.fixed.get(value) or label
            name = _unused([wanted] if wanted else [*freed, *_SPARE], busy) if left[value] else "_"
            names.append(name)
            busy.add(name)
        return names


def _unused(choices: list[str], busy: set[str]) -> str:
    for name in choices:
        if name not in busy:
            return name
    number = 1
    while f"{choices[0]}{number}" in busy:
        number += 1
    return f"{choices[0]}{number}"


def _fitted(text: str, before: str, after: str) -> str:
    """An operand with parentheses where the text around it would tear it apart."""
    if before.endswith(("(", "[", ", ")) and after.startswith((")", "]", ",")):
        return text
    tree = ast.parse(text, mode="eval").body
    return f"({text})" if isinstance(tree, ast.BinOp | ast.UnaryOp | ast.Compare | ast.IfExp) else text


def _counted(lines: list[Line]) -> list[Line]:
    """Three or more equal lines in a row as one that stands so often."""
    out: list[Line] = []
    start = 0
    for i in range(1, len(lines) + 1):
        if i < len(lines) and lines[i].text == lines[start].text:
            continue
        out += [lines[start]._replace(times=i - start)] if i - start > 2 else lines[start:i]
        start = i
    return out
