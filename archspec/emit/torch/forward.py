"""The lines of a forward: which values get a name, which stand inside another expression, and what they are called."""

from __future__ import annotations

import ast
import re
from collections import Counter
from dataclasses import dataclass, field
from typing import Any

from archspec.emit.torch.layout import WIDTH
from archspec.emit.torch.steps import Step

_SPARE = ("x", "y", "z", "u", "v")
_DEEPEST = 3  # calls within calls


@dataclass
class _Value:
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
    names: dict[int, str] = field(default_factory=dict)  # values that must have this name

    def lines(self) -> list[str]:
        """The statements, the last being the return."""
        inline = self._inlinable()
        while True:
            lines, long = self._write(inline)
            if not long & inline:
                return _loops(lines)
            inline -= long

    # ---------------------------------------------------------------- what to write inside what

    def _inlinable(self) -> set[int]:
        """Values that one later step alone reads, close enough to be written inside its call."""
        uses = Counter(value for step in self.steps for value in step.reads) + Counter(self.outputs)
        maker = {value: i for i, step in enumerate(self.steps) for value in step.gives}
        inline: set[int] = set()
        for i, step in enumerate(self.steps):
            operands = [v for v in dict.fromkeys(step.reads) if v in maker and self._fits(v, i, uses, maker)]
            inline.update(self._adjacent(operands, i, maker))
        if self._is_short():
            inline.update(step.gives[0] for step in self.steps[:-1])
        return inline

    def _fits(self, value: int, reader: int, uses: Counter[int], maker: dict[int, int]) -> bool:
        made = self.steps[maker[value]]
        step = self.steps[reader]
        if uses[value] != 1 or len(made.gives) != 1 or value in self.names:
            return False
        if self.calls[reader].count(f"{{{step.reads.index(value)}}}") > 1:
            return False
        joins = len(set(step.reads)) > 1
        return joins or len(set(made.reads)) > 1 or not step.module

    def _adjacent(self, operands: list[int], reader: int, maker: dict[int, int]) -> list[int]:
        """Of these operands the ones made by the steps just before, so that the order of the calls stays."""
        kept: list[int] = []
        at = reader - 1
        for value in reversed(operands):
            if maker[value] != at:
                break
            kept.append(value)
            at -= 1
        return kept

    def _is_short(self) -> bool:
        """Whether the forward is at most three calls in series, each of the one before."""
        flow = zip(self.steps, self.steps[1:], strict=False)
        series = all(b.reads == a.gives and self.calls[i + 1].count("{0}") == 1 for i, (a, b) in enumerate(flow))
        ends = bool(self.steps) and self.outputs == list(self.steps[-1].gives) and not self.names
        return series and ends and len(self.steps) <= 3

    # ---------------------------------------------------------------- writing

    def _write(self, inline: set[int]) -> tuple[list[str], set[int]]:
        """The lines with these values inline, and the values inline in lines that came out too long."""
        left = Counter(value for step in self.steps for value in step.reads) + Counter(self.outputs)
        values = {value: _Value(name, frozenset([name])) for value, name in self.inputs.items()}
        own = set(self.inputs.values()) - {"x"}  # the caller's names are not used again
        lines: list[str] = []
        long: set[int] = set()
        for i, step in enumerate(self.steps):
            made = self._expression(i, values)
            left.subtract(step.reads)
            lone = step.gives[0]
            if lone in inline and made.depth < _DEEPEST:
                values[lone] = made
                continue
            alive = {n for v, told in values.items() if left[v] > 0 for n in told.variables}
            names = []
            for value in step.gives:
                if not left[value]:
                    names.append("_")
                    continue
                name = self._name(value, step, values, alive | own | set(names), left)
                values[value] = _Value(name, frozenset([name]))
                names.append(name)
            line = f"{', '.join(names)} = {made.text}"
            if any(left[value] for value in step.gives):
                lines.append(line)
            if len(line) + 8 > WIDTH:
                long |= set(step.reads)
        last = f"return {', '.join(values[value].text for value in self.outputs)}"
        if len(last) + 8 > WIDTH:
            long |= set(self.outputs) | {v for step in self.steps[-1:] for v in step.reads}
        if len(self.outputs) == 1 and lines and lines[-1].startswith(f"{values[self.outputs[0]].text} = "):
            short = f"return {lines[-1].partition(' = ')[2]}"
            return [*lines[:-1], short], long
        return [*lines, last], long

    def _expression(self, index: int, values: dict[int, _Value]) -> _Value:
        step = self.steps[index]
        operands = [values[value] for value in step.reads]
        text = self.calls[index].replace("{all}", ", ".join(f"{{{i}}}" for i in range(len(operands))))
        pieces = re.split(r"\{(\d+)\}", text)
        for i in range(1, len(pieces), 2):
            pieces[i] = _fitted(operands[int(pieces[i])].text, pieces[i - 1], pieces[i + 1])
        variables = frozenset(name for operand in operands for name in operand.variables)
        called = 0 if text in ("{0}",) else 1
        return _Value("".join(pieces), variables, called + max((o.depth for o in operands), default=0))

    def _name(
        self, value: int, step: Step, values: dict[int, _Value], alive: set[str], left: Counter[int]
    ) -> str:
        """A name that no value still needed has: the given one, the first operand's, or a spare."""
        wanted = self.names.get(value) or (step.label if left[value] > 1 and len(step.gives) == 1 else "")
        freed = [name for read in step.reads for name in sorted(values[read].variables)]
        spare = [name for name in freed if name in _SPARE]
        for name in ([wanted] if wanted else []) + spare + list(_SPARE):
            if name not in alive:
                return name
        number = 1
        while f"{wanted or 'x'}{number}" in alive:
            number += 1
        return f"{wanted or 'x'}{number}"


def _fitted(text: str, before: str, after: str) -> str:
    """An operand with parentheses where the text around it would tear it apart."""
    if before.endswith(("(", "[", ", ")) and after.startswith((")", "]", ",")):
        return text
    tree: Any = ast.parse(text, mode="eval").body
    return f"({text})" if isinstance(tree, ast.BinOp | ast.UnaryOp | ast.Compare | ast.IfExp) else text


def _loops(lines: list[str]) -> list[str]:
    """Three or more equal lines in a row as a loop."""
    out: list[str] = []
    start = 0
    for i in range(1, len(lines) + 1):
        if i < len(lines) and lines[i] == lines[start]:
            continue
        count = i - start
        out += [f"for _ in range({count}):\n    {lines[start]}"] if count > 2 else lines[start:i]
        start = i
    return out
