"""What an expression means where it stands: arithmetic, lists, and the loops that read them."""

from __future__ import annotations

import math
import operator
from collections.abc import Callable
from typing import Any, NoReturn

from archspec import syntax
from archspec.expand.functions import FUNCTIONS, apply
from archspec.expand.values import Callee, Scope, Value, Word, fail, kind, show, whole
from archspec.limits import Budget, over
from archspec.record import Record
from archspec.source import Fix, Label, nearest

_ARITHMETIC: dict[str, Callable[[Value, Value], Value]] = {
    "+": operator.add,
    "-": operator.sub,
    "*": operator.mul,
    "/": operator.truediv,
    "//": operator.floordiv,
    "%": operator.mod,
    "^": operator.pow,
    "<": operator.lt,
    "<=": operator.le,
    ">": operator.gt,
    ">=": operator.ge,
}


class Evaluator(Record):
    """Evaluates expressions in one scope.

    `tap` reads a tap used as a value (@x.channels); `callee` makes an operator or block of a name, or None;
    `free` supplies names that nothing defines (the free symbols of a blueprint), or None.
    """

    scope: Scope
    tap: Callable[[syntax.Tap], Value]
    callee: Callable[[syntax.Ref | syntax.Call], Callee | None]
    budget: Budget
    free: Callable[[syntax.Ref], Value] | None = None

    def __call__(self, expr: syntax.Expr) -> Value:
        """The value of an expression; an undefined name comes back as a Word.  Raises SpecError."""
        self.budget.spend(1, expr.span)
        return _HANDLERS[type(expr)](self, expr)

    def need(self, expr: syntax.Expr) -> Value:
        """The value of an expression in which every name is defined."""
        value = self(expr)
        if isinstance(value, Word):
            from archspec.expand.guess import unknown_value  # its many words are for those who need them

            unknown_value(value, self.scope, FUNCTIONS)
        return value

    def number(self, expr: syntax.Expr) -> int | float:
        value = self.need(expr)
        if not isinstance(value, int | float):
            help = "leave the quotes out" if isinstance(value, str) else "give it one number"
            fail("A202", f"this needs a number and is {kind(value)}", expr.span, help=help)
        return value

    def switch(self, expr: syntax.Expr) -> bool:
        value = self.need(expr)
        if not isinstance(value, bool | int):
            help = "write on, off or a comparison: n > 1"
            fail("A202", f"this needs a condition (on/off) and is {kind(value)}", expr.span, help=help)
        return bool(value)

    def items(self, expr: syntax.Expr) -> Any:  # a list
        value = self.need(expr)
        if not isinstance(value, list):
            help = "write [a, b] or 0..n-1"
            if isinstance(expr, syntax.Ref):  # which may be bound from outside
                help = f"a list of one is [{show(value)}]; from outside -D {expr.name}=[{show(value)}]"
            fail("A202", f"this needs a list and is {kind(value)}", expr.span, help=help)
        return value

    # ---- one method per kind of expression

    def literal(self, e: syntax.Literal) -> Value:
        return self.bounded(e.value, e)

    def dims(self, e: syntax.Dims) -> Value:
        for size in e.sizes:
            self.bounded(size, e)
        return e.sizes

    def ref(self, e: syntax.Ref) -> Value:
        found, value = self.scope.find(e.name)
        if found:
            return value
        made = self.callee(e)
        if made is not None:
            return made
        return self.free(e) if self.free else Word(e.name, e.span)

    def call(self, e: syntax.Call) -> Value:
        if e.name in FUNCTIONS:
            if named := next((a for a in e.args if a.name), None):
                fail("A201", f"{e.name} takes its arguments by position", named.name_span, help="leave the name out")
            return self.bounded(apply(e, [self.need(a.value) for a in e.args]), e)
        made = self.callee(e)
        if made is None:
            near = nearest(e.name, FUNCTIONS)
            hint = f"did you mean {near}?" if near else f"functions are {', '.join(FUNCTIONS)}"
            if e.name == "range":
                hint = "a range is written 0..2, both ends included"
            fail("A103", f"no function, operator or block is named {e.name}", e.span, help=hint)
        return made

    def tuple(self, e: syntax.Tuple) -> Value:
        return self.listed(tuple(whole(self(x)) for x in e.items), e)

    def list(self, e: syntax.List) -> Value:
        return self.listed([self(x) for x in e.items], e)

    def comp(self, e: syntax.Comp) -> Value:
        out: list[Value] = []
        for names in iterate(e.loops, self):
            inner = self.but(scope=Scope(self.scope, names))
            if e.guard is None or inner.switch(e.guard):
                out.append(inner.need(e.item))
        return self.listed(out, e)

    def item(self, e: syntax.Item) -> Value:
        value = self.need(e.target)
        for i in e.index:
            if isinstance(i, syntax.Star):
                fail("A203", "a list is whole already, [*] belongs to a tap", i.span, help="leave the [*] out")
            index = self.need(i)
            if not isinstance(value, list | tuple) or isinstance(value, Callee):
                fail("A203", f"{kind(value)} has no entries", e.target.span)
            if isinstance(index, list):
                value = self.listed([self._entry(value, k, i) for k in index], e)
            else:
                value = self._entry(value, index, i)
        return value

    def _entry(self, values: Any, index: Value, e: syntax.Expr) -> Value:
        index = whole(index)
        if isinstance(index, bool) or not isinstance(index, int) or not 0 <= index < len(values):
            there = f"has {len(values)}: 0..{len(values) - 1}" if values else "is empty"
            fail("A207", f"there is no entry {show(index)}, the list {there}", e.span, help="entries count from 0")
        return values[index]

    def unary(self, e: syntax.Unary) -> Value:
        return -self.number(e.operand) if e.op == "-" else not self.switch(e.operand)

    def binary(self, e: syntax.Binary) -> Value:
        if e.op in ("and", "or"):
            left = self.switch(e.left)
            return self.switch(e.right) if left == (e.op == "and") else left
        if e.op == "then":
            found, first = self.scope.find("first")
            if not found:
                message = "then chooses by the iteration of a repeat, and there is none around it in this block"
                fail("A105", message, e.span, help="use it inside [ ... ]*n, or hand the block the value: s then 1")
            return self.need(e.left if first else e.right)
        if e.op in ("==", "!="):
            same = self.need(e.left) == self.need(e.right)
            return same if e.op == "==" else not same
        a, b = self.number(e.left), self.number(e.right)
        if e.op == "..":
            return self.range(whole(a), whole(b), e)
        if e.op == "^" and abs(b) * math.log2(abs(a) + 1) > 1024:
            self._too_large(e)
        try:
            return self.bounded(_ARITHMETIC[e.op](a, b), e)
        except ZeroDivisionError:
            literal = isinstance(e.right, syntax.Literal)
            help = "divide by another number" if literal else f"{e.right.span.text} is 0 here"
            fail("A230", "nothing is divided by 0", e.right.span, help=help)
        except OverflowError:
            self._too_large(e)

    def range(self, a: Value, b: Value, e: syntax.Binary) -> Value:
        if not isinstance(a, int) or not isinstance(b, int):
            fail(
                "A202", "a range goes from one whole number to another", e.span, help="write 0..3, or round: 0..ceil(n)"
            )
        if b - a >= self.budget.limits.list_length:
            self._too_long(e)
        return self.listed(list(range(a, b + 1)), e)

    def listed(self, value: Value, e: syntax.Expr) -> Value:
        """A list or tuple that was just made, if it is not too long together with those inside it."""
        count, todo = 0, [value]
        while todo:
            entries = todo.pop()
            count += len(entries)
            self.budget.spend(len(entries), e.span)
            if count > self.budget.limits.list_length:
                self._too_long(e)
            todo += [x for x in entries if isinstance(x, list | tuple) and not isinstance(x, Callee | Word)]
        return value

    def _too_long(self, e: syntax.Expr) -> NoReturn:
        most = self.budget.limits.list_length
        over("A607", f"lists end at {most:,} entries", e.span, "list_length", "to repeat a flow, write *n")

    def bounded(self, value: Value, e: syntax.Expr) -> Value:
        if isinstance(value, list):
            return self.listed(value, e)
        if isinstance(value, int) and abs(value) > self.budget.limits.integer:
            self._too_large(e)
        if isinstance(value, complex) or (isinstance(value, float) and not math.isfinite(value)):
            fail("A203", "this has no value", e.span)
        return value

    def _too_large(self, e: syntax.Expr) -> NoReturn:
        most = self.budget.limits.integer
        end = "2^53" if most == 2**53 else f"{most:,}"
        over("A608", f"integers end at {end}", e.span, "integer", "use a smaller number")

    def ifelse(self, e: syntax.IfElse) -> Value:
        return self(e.yes if self.switch(e.condition) else e.no)

    def tapped(self, e: syntax.Tap) -> Value:
        return self.tap(e)


_HANDLERS: dict[type, Callable[[Evaluator, Any], Value]] = {
    syntax.Literal: Evaluator.literal,
    syntax.Dims: Evaluator.dims,
    syntax.Ref: Evaluator.ref,
    syntax.Call: Evaluator.call,
    syntax.Tuple: Evaluator.tuple,
    syntax.List: Evaluator.list,
    syntax.Comp: Evaluator.comp,
    syntax.Item: Evaluator.item,
    syntax.Unary: Evaluator.unary,
    syntax.Binary: Evaluator.binary,
    syntax.IfElse: Evaluator.ifelse,
    syntax.Tap: Evaluator.tapped,
}


def iterate(loops: tuple[syntax.Loop, ...], evaluate: Evaluator) -> list[dict[str, Value]]:
    """The values of a loop header, one dict per iteration: columns are read in step, several names read rows."""
    columns: list[tuple[syntax.Loop, list[Value]]] = []
    for loop in loops:
        values = evaluate.items(loop.values)
        if len(values) == 1 and isinstance(values[0], list) and isinstance(loop.values, syntax.List):
            inner = loop.values.items[0]
            if isinstance(inner, syntax.Binary) and inner.op == "..":
                fail(
                    "A208",
                    f"a range is a list already: [{inner.span.text}] is a list with one list in it",
                    loop.values.span,
                    help=f"write {inner.span.text}",
                    fix=Fix(loop.values.span, inner.span.text),
                )
        columns.append((loop, values))
    _check_names(loops)
    first, length = columns[0][0], len(columns[0][1])
    for loop, values in columns[1:]:
        if len(values) != length:
            fail(
                "A209",
                f"{', '.join(loop.names)} has {len(values)} entries and {', '.join(first.names)} has {length}",
                loop.span,
                labels=(Label(first.span, f"{length} entries"),),
                help="the columns of a loop header are read in step, so they need one length",
            )
    evaluate.budget.spend(length, first.span)
    rows: list[dict[str, Value]] = [{} for _ in range(length)]
    for loop, values in columns:
        for row, value in zip(rows, values, strict=True):
            row.update(_unpack(loop, value))
    return rows


def _check_names(loops: tuple[syntax.Loop, ...]) -> None:
    """Refuses a name that two columns, or two entries of a row, would both set."""
    seen: set[str] = set()
    for loop in loops:
        for name in loop.names:
            if name in seen:
                fail("A109", f"{name} stands twice in this loop header", loop.span, help="use another name")
            seen.add(name)


def _unpack(loop: syntax.Loop, value: Value) -> dict[str, Value]:
    if len(loop.names) == 1:
        return {loop.names[0]: value}
    entries = value if isinstance(value, list) else [value]
    if len(entries) != len(loop.names):
        fail(
            "A210",
            f"{', '.join(loop.names)} are {len(loop.names)} names and a row is {show(value)}",
            loop.span,
            help="several names read rows, [[a, b], [c, d]]; for columns write (a in [..], b in [..])",
        )
    return dict(zip(loop.names, entries, strict=True))
