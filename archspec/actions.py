"""The grammar's actions: one record for each rule that lark reduces, and what the grammar itself cannot check."""

from __future__ import annotations

from math import isfinite
from typing import Any, NamedTuple

from lark import Token, Transformer

from archspec import syntax
from archspec.source import Diagnostic, Source, Span

_SCALES = {"K": 10**3, "M": 10**6, "G": 10**9, "T": 10**12, "Ki": 2**10, "Mi": 2**20, "Gi": 2**30}

_DIGITS = 24  # of the largest number that any limit lets pass
# Words that stand in values and flows, so that a name spelt so could never be read again.
RESERVED = frozenset(("as", "if", "else", "in", "then", "and", "or", "not", "on", "off", "for", "where", "pick"))
# Values that repeats and blocks give; a label may be called so, a value of that name would be hidden by them.
GIVEN = frozenset(("first", "last", "cin"))


class _Args(NamedTuple):
    span: Span
    items: tuple[syntax.Arg, ...]


class _Branches(NamedTuple):
    span: Span
    items: tuple[syntax.Branch, ...]


class _Group(NamedTuple):
    """Several pieces that one parent takes apart again: formals, ports, loops, names."""

    span: Span | None
    items: tuple[Any, ...]


Children = list[Any]


def _of(children: Children, kind: type | tuple[type, ...]) -> Any:
    """The first child of a kind, or None."""
    return next((c for c in children if isinstance(c, kind)), None)


def _all(children: Children, kind: Any) -> tuple[Any, ...]:
    return tuple(c for c in children if isinstance(c, kind))


def _word(children: Children, kind: str = "NAME") -> Any:
    return next((c for c in children if isinstance(c, Token) and c.type == kind), None)


class _Checking(Transformer[Token, Any]):
    """What the actions say of a text that the grammar cannot see.

    `source` is the text being parsed, `found` what is wrong in it.
    """

    source: Source
    found: list[Diagnostic]

    def _token(self, token: Token) -> Span:
        return Span(self.source, token.start_pos or 0, token.end_pos or 0)

    def _named(self, token: Token, more: frozenset[str] = frozenset()) -> str:
        """A name that the author gives to something."""
        if token in RESERVED or token in more:
            message = f"{token} is a word of the language, so it cannot be a name"
            help = f"choose another name, such as {token}1 or my_{token}"
            self.found.append(Diagnostic("A026", message, self._token(token), help=help))
        return str(token)

    def _number(self, token: Token, digits: str, scale: int = 1) -> int | float:
        """A number; what is far too long is not even converted."""
        whole, _, _ = digits.partition(".")
        value = float(digits) * scale
        if len(whole.lstrip("0")) > _DIGITS or not isfinite(value):
            message = "this number is too large to hold"
            self.found.append(Diagnostic("A608", message, self._token(token), help="use a smaller number"))
            return 1
        return int(digits) * scale if digits.isdigit() else value


class Builder(_Checking):
    """The rules' actions, called by lark as it reduces."""

    def _span(self, children: Children) -> Span:
        """From the first child to the last; tokens and built pieces both know where they stand."""
        present = [c for c in children if c is not None]
        first, last = present[0], present[-1]
        start: int = first.start_pos if isinstance(first, Token) else first.span.start  # type: ignore[assignment]
        end: int = last.end_pos if isinstance(last, Token) else last.span.end  # type: ignore[assignment]
        return Span(self.source, start, end)

    # ---- statements

    def start(self, c: Children) -> syntax.File:
        return syntax.File(Span(self.source, 0, len(self.source.text)), tuple(x for x in c if x is not None))

    def version(self, c: Children) -> syntax.Version:
        return syntax.Version(self._span(c), int(self._number(c[1], c[1].replace("_", ""))))

    def import_stmt(self, c: Children) -> syntax.Import:
        return syntax.Import(self._span(c), c[1][1:-1], self._named(c[2]) if c[2] is not None else None)

    def from_stmt(self, c: Children) -> syntax.FromImport:
        return syntax.FromImport(self._span(c), c[1][1:-1], tuple(str(n) for n in c[2:]))

    def default_stmt(self, c: Children) -> syntax.Default:
        return syntax.Default(self._span(c), c[1].name, c[2].items, c[1].span)

    def let_stmt(self, c: Children) -> syntax.Let:
        return syntax.Let(self._span(c), self._named(c[1], GIVEN), c[2])

    def param_stmt(self, c: Children) -> syntax.Param:
        return syntax.Param(self._span(c), self._named(c[1], GIVEN), c[2] is not None, c[3], c[4])

    def block_stmt(self, c: Children) -> syntax.Block:
        _, name, formals, ports, body = c
        return syntax.Block(
            self._span(c),
            self._named(name),
            formals.items if formals else (),
            ports.items if ports else (),
            body,
            self._token(name),
        )

    def net_stmt(self, c: Children) -> syntax.Net:
        _, name, formals, body = c
        return syntax.Net(self._span(c), self._named(name), formals.items if formals else (), body, self._token(name))

    def shared_stmt(self, c: Children) -> syntax.Shared:
        return syntax.Shared(self._span(c), self._named(c[1]), c[2])

    def input_stmt(self, c: Children) -> syntax.Input:
        _, name, index, shape, *options = c
        return syntax.Input(self._span(c), self._named(name) if name else None, index, shape, _all(options, syntax.Arg))

    def output_stmt(self, c: Children) -> syntax.Output:
        return syntax.Output(self._span(c), _all(c, syntax.OutputItem))

    def out_name(self, c: Children) -> syntax.OutputItem:
        return syntax.OutputItem(self._span(c), str(c[0]), None)

    def out(self, c: Children) -> syntax.OutputItem:
        return syntax.OutputItem(self._span(c), str(c[0]), c[1])

    def for_stmt(self, c: Children) -> syntax.For:
        return syntax.For(self._span(c), _all(c, syntax.Loop), c[-1])

    def assert_stmt(self, c: Children) -> syntax.Assert:
        return syntax.Assert(self._span(c), c[1], c[2][1:-1] if c[2] is not None else None)

    def body(self, c: Children) -> syntax.Body:
        return syntax.Body(self._span(c), tuple(x for x in c[1:-1] if x is not None))

    def formals(self, c: Children) -> _Group:
        return _Group(None, _all(c, syntax.Formal))

    def formal(self, c: Children) -> syntax.Formal:
        return syntax.Formal(self._span(c), self._named(c[0], GIVEN), c[1])

    def ports(self, c: Children) -> _Group:
        return _Group(None, _all(c, syntax.Port))

    def port(self, c: Children) -> syntax.Port:
        return syntax.Port(self._span(c), self._named(c[0]))

    def rest(self, c: Children) -> syntax.Port:
        return syntax.Port(self._span(c), self._named(c[0]), True)

    # ---- flows

    def flow(self, c: Children) -> syntax.Flow:
        return syntax.Flow(self._span(c), tuple(c))

    def step(self, c: Children) -> syntax.Step:
        return syntax.Step(self._span(c), c[0], _all(c, syntax.Repeat), _of(c, syntax.Option), _of(c, syntax.Mark))

    def layer(self, c: Children) -> syntax.Layer:
        return syntax.Layer(self._span(c), c[0].name, c[1].items if c[1] else None, c[0].span)

    def short(self, c: Children) -> syntax.Short:
        return syntax.Short(self._span(c), str(c[0]), c[1].items if c[1] else None, self._token(c[0]))

    def wire(self, c: Children) -> syntax.Wire:
        path, args, branches = c
        return syntax.Wire(self._span(c), path.name, args.items if args else None, branches.items, path.span)

    def group(self, c: Children) -> syntax.Group:
        return syntax.Group(c[0].span, c[0].items)

    def branches(self, c: Children) -> _Branches:
        items = tuple(
            syntax.Branch(x.span, x) if isinstance(x, syntax.Flow) else x
            for x in c
            if isinstance(x, syntax.Flow | syntax.Branch)
        )
        return _Branches(self._span(c), items)

    def branch(self, c: Children) -> syntax.Branch:
        loops = _of(c[1:], _Group)
        guard = next((x for x in c[1:] if isinstance(x, _Guard)), None)
        return syntax.Branch(self._span(c), c[0], loops.items if loops else (), guard.condition if guard else None)

    def each(self, c: Children) -> _Group:
        loops = _all(c, syntax.Loop)
        return _Group(loops[0].span.to(loops[-1].span), loops)

    def guard(self, c: Children) -> _Guard:
        return _Guard(c[0].span, c[0])

    def tap(self, c: Children) -> syntax.Tap:
        return syntax.Tap(self._span(c), str(c[1]), tuple(c[2:]))

    tapref = tap

    def attr(self, c: Children) -> syntax.Attr:
        return syntax.Attr(self._span(c), str(c[0]))

    def index(self, c: Children) -> syntax.Index:
        return syntax.Index(self._span(c), tuple(c[1:-1]))

    def star(self, c: Children) -> syntax.Star:
        return syntax.Star(self._span(c))

    def repeat(self, c: Children) -> syntax.Repeat:
        loops = _of(c, _Group)
        if loops:
            return syntax.Repeat(self._span(c), None, loops.items)
        return syntax.Repeat(self._span(c), _of(c, syntax.Syntax))

    def count_name(self, c: Children) -> syntax.Ref:
        return syntax.Ref(self._span(c), str(c[0]))

    def loops(self, c: Children) -> _Group:
        return _Group(self._span(c), _all(c, syntax.Loop))

    def loop(self, c: Children) -> syntax.Loop:
        return syntax.Loop(Span(self.source, c[0].span.start, c[1].span.end), c[0].items, c[1])

    cloop = loop

    def names(self, c: Children) -> _Group:
        return _Group(self._span(c), tuple(self._named(x, GIVEN) for x in c))

    def option(self, c: Children) -> syntax.Option:
        return syntax.Option(self._span(c), _of(c, syntax.Syntax))

    def label(self, c: Children) -> syntax.Mark:
        return syntax.Mark(self._span(c), self._named(c[0]), c[1])

    # ---- values

    def args(self, c: Children) -> _Args:
        return _Args(self._span(c), _all(c, syntax.Arg))

    def arg(self, c: Children) -> syntax.Arg:
        return syntax.Arg(c[0].span, None, c[0], c[0].span)

    def kwarg(self, c: Children) -> syntax.Arg:
        return syntax.Arg(self._span(c), str(c[0]), c[1], self._token(c[0]))

    def binary(self, c: Children) -> syntax.Binary:
        return syntax.Binary(self._span(c), str(c[1]), c[0], c[2])

    def unary(self, c: Children) -> syntax.Unary:
        return syntax.Unary(self._span(c), str(c[0]), c[1])

    def ifelse(self, c: Children) -> syntax.IfElse:
        return syntax.IfElse(self._span(c), *c)

    def paren(self, c: Children) -> syntax.Expr:
        inner: syntax.Expr = c[1]
        return inner

    def item(self, c: Children) -> syntax.Item:
        return syntax.Item(self._span(c), c[0], c[1].items)

    def comp(self, c: Children) -> syntax.Comp:
        guard = next((x for x in c if isinstance(x, _Guard)), None)
        return syntax.Comp(self._span(c), c[1], _of(c, _Group).items, guard.condition if guard else None)

    def int(self, c: Children) -> syntax.Literal:
        return syntax.Literal(self._span(c), self._number(c[0], c[0].replace("_", "")))

    def float(self, c: Children) -> syntax.Literal:
        return syntax.Literal(self._span(c), self._number(c[0], c[0]))

    def scaled(self, c: Children) -> syntax.Literal:
        number = c[0].rstrip("KMGTi")
        value = self._number(c[0], number, _SCALES[c[0][len(number) :]])
        return syntax.Literal(self._span(c), int(value) if value == int(value) else value)

    def string(self, c: Children) -> syntax.Literal:
        return syntax.Literal(self._span(c), str(c[0][1:-1]))

    def true(self, c: Children) -> syntax.Literal:
        return syntax.Literal(self._span(c), True)

    def false(self, c: Children) -> syntax.Literal:
        return syntax.Literal(self._span(c), False)

    def dims(self, c: Children) -> syntax.Dims:
        return syntax.Dims(self._span(c), tuple(int(self._number(c[0], n)) for n in c[0].split("x")))

    def ref(self, c: Children) -> syntax.Ref:
        ref: syntax.Ref = c[0]
        return ref

    def path(self, c: Children) -> syntax.Ref:
        return syntax.Ref(self._span(c), ".".join(c))

    def call(self, c: Children) -> syntax.Call:
        return syntax.Call(self._span(c), c[0].name, c[1].items)

    def tuple(self, c: Children) -> syntax.Tuple:
        return syntax.Tuple(self._span(c), _all(c, syntax.Syntax))

    def list(self, c: Children) -> syntax.List:
        return syntax.List(self._span(c), _all(c, syntax.Syntax))


class _Guard(NamedTuple):
    span: Span
    condition: syntax.Expr
