"""What was written: one frozen dataclass per grammar rule, with no defaults filled in and nothing resolved."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Union

from archspec.source import Span


@dataclass(frozen=True, slots=True)
class Syntax:
    span: Span


# ---------------------------------------------------------------- values


@dataclass(frozen=True, slots=True)
class Literal(Syntax):
    """A number, on/off, or a text.  `5M` is the number 5000000."""

    value: int | float | bool | str


@dataclass(frozen=True, slots=True)
class Dims(Syntax):
    """Sizes with x between: 3x3, 3x224x224."""

    sizes: tuple[int, ...]


@dataclass(frozen=True, slots=True)
class Ref(Syntax):
    """A name in a value, maybe dotted: w, first, heads.Dense, RELU."""

    name: str


@dataclass(frozen=True, slots=True)
class Call(Syntax):
    """A function of the language, or an operator or block with arguments given as a value: ceil(x), GN(32)."""

    name: str
    args: tuple[Arg, ...]


@dataclass(frozen=True, slots=True)
class Tuple(Syntax):
    items: tuple[Expr, ...]


@dataclass(frozen=True, slots=True)
class List(Syntax):
    items: tuple[Expr, ...]


@dataclass(frozen=True, slots=True)
class Comp(Syntax):
    """[item for names in values if guard]."""

    item: Expr
    loops: tuple[Loop, ...]
    guard: Expr | None


@dataclass(frozen=True, slots=True)
class Item(Syntax):
    """w[i], w[1..3], rows[i, 0]."""

    target: Expr
    index: tuple[Expr | Star, ...]


@dataclass(frozen=True, slots=True)
class Unary(Syntax):
    """`-x` or `not x`."""

    op: str
    operand: Expr


@dataclass(frozen=True, slots=True)
class Binary(Syntax):
    """Arithmetic, comparison, and/or, `a..b`, `x then y`; `op` is the sign as written."""

    op: str
    left: Expr
    right: Expr


@dataclass(frozen=True, slots=True)
class IfElse(Syntax):
    yes: Expr
    condition: Expr
    no: Expr


@dataclass(frozen=True, slots=True)
class Star(Syntax):
    """`*` as an index: every entry."""


@dataclass(frozen=True, slots=True)
class Attr(Syntax):
    """.name after a tap."""

    name: str


@dataclass(frozen=True, slots=True)
class Index(Syntax):
    """[i, j] after a tap or a label."""

    items: tuple[Expr | Star, ...]


@dataclass(frozen=True, slots=True)
class Tap(Syntax):
    """@name, @e[i], @x.channels: a value, or a step that starts a flow there."""

    name: str
    access: tuple[Attr | Index, ...]


Expr = Union[Literal, Dims, Ref, Call, Tuple, List, Comp, Item, Unary, Binary, IfElse, Tap]


@dataclass(frozen=True, slots=True)
class Arg(Syntax):
    """One argument; `name` is None for a positional one, `name_span` where the name stands."""

    name: str | None
    value: Expr
    name_span: Span


@dataclass(frozen=True, slots=True)
class Loop(Syntax):
    """names in values; several names read rows."""

    names: tuple[str, ...]
    values: Expr


# ---------------------------------------------------------------- flows


@dataclass(frozen=True, slots=True)
class Layer(Syntax):
    """An operator, block, shared flow or input by name: CONV(64, 3x3).  `args` is None without brackets."""

    name: str
    args: tuple[Arg, ...] | None
    name_span: Span


@dataclass(frozen=True, slots=True)
class Short(Syntax):
    """The papers' shorthand: conv3-64, FC-4096, maxpool3/2."""

    text: str
    args: tuple[Arg, ...] | None
    name_span: Span


@dataclass(frozen=True, slots=True)
class Wire(Syntax):
    """NAME(args)[branch | branch]: a join, a combinator, or a block with ports."""

    name: str
    args: tuple[Arg, ...] | None
    branches: tuple[Branch, ...]
    name_span: Span


@dataclass(frozen=True, slots=True)
class Branch(Syntax):
    """One branch, stamped for each element of its loops, absent where its guard is off."""

    flow: Flow
    loops: tuple[Loop, ...] = ()
    guard: Expr | None = None


@dataclass(frozen=True, slots=True)
class Group(Syntax):
    """[flow].  Several branches without a join are parsed so that the message can be good."""

    branches: tuple[Branch, ...]


@dataclass(frozen=True, slots=True)
class Repeat(Syntax):
    """*3, *N, *(n-1), or a loop header *(w in [..], n in [..])."""

    count: Expr | None
    loops: tuple[Loop, ...] = ()


@dataclass(frozen=True, slots=True)
class Option(Syntax):
    """`?`: a switch bound from outside, or `?(condition)`."""

    condition: Expr | None


@dataclass(frozen=True, slots=True)
class Mark(Syntax):
    """`as name` or `as name[i, j]`."""

    name: str
    index: Index | None


Core = Union[Layer, Short, Wire, Group, Tap]


@dataclass(frozen=True, slots=True)
class Step(Syntax):
    core: Core
    repeats: tuple[Repeat, ...] = ()
    option: Option | None = None
    mark: Mark | None = None


@dataclass(frozen=True, slots=True)
class Flow(Syntax):
    steps: tuple[Step, ...]


# ---------------------------------------------------------------- statements


@dataclass(frozen=True, slots=True)
class Version(Syntax):
    number: int


@dataclass(frozen=True, slots=True)
class Import(Syntax):
    """import "x.arch" as x."""

    path: str
    name: str | None


@dataclass(frozen=True, slots=True)
class FromImport(Syntax):
    path: str
    names: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Default(Syntax):
    """default CONV(bias=off)."""

    name: str
    args: tuple[Arg, ...]
    name_span: Span


@dataclass(frozen=True, slots=True)
class Let(Syntax):
    name: str
    value: Expr


@dataclass(frozen=True, slots=True)
class Param(Syntax):
    """param N = 2 in 1..3; `switch` for `param POOL?`."""

    name: str
    switch: bool
    value: Expr | None
    domain: Expr | None


@dataclass(frozen=True, slots=True)
class Formal(Syntax):
    name: str
    default: Expr | None


@dataclass(frozen=True, slots=True)
class Port(Syntax):
    name: str
    rest: bool = False


@dataclass(frozen=True, slots=True)
class Body(Syntax):
    """{ statements }."""

    statements: tuple[Statement, ...]


@dataclass(frozen=True, slots=True)
class Block(Syntax):
    name: str
    formals: tuple[Formal, ...]
    ports: tuple[Port, ...]
    body: Flow | Body
    name_span: Span


@dataclass(frozen=True, slots=True)
class Net(Syntax):
    name: str
    formals: tuple[Formal, ...]
    body: Flow | Body
    name_span: Span


@dataclass(frozen=True, slots=True)
class Shared(Syntax):
    name: str
    flow: Flow


@dataclass(frozen=True, slots=True)
class Input(Syntax):
    """input image: 3x224x224, dtype=float32."""

    name: str | None
    index: Index | None
    shape: Expr
    options: tuple[Arg, ...]


@dataclass(frozen=True, slots=True)
class Output(Syntax):
    """output a, p2 = @p[2]."""

    items: tuple[OutputItem, ...]


@dataclass(frozen=True, slots=True)
class OutputItem(Syntax):
    name: str
    tap: Tap | None


@dataclass(frozen=True, slots=True)
class Assert(Syntax):
    condition: Expr
    message: str | None


@dataclass(frozen=True, slots=True)
class For(Syntax):
    """for j in 0..3 { statements }: the statements, once per element."""

    loops: tuple[Loop, ...]
    body: Body


Statement = Union[
    Version, Import, FromImport, Default, Let, Param, Block, Net, Shared, Input, Output, Assert, For, Flow
]


@dataclass(frozen=True, slots=True)
class File(Syntax):
    statements: tuple[Statement, ...]
