"""What was written: one frozen record per grammar rule, with no defaults filled in and nothing resolved."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator

from archspec.record import Record
from archspec.source import Span


class Syntax(Record):
    span: Span


# ---------------------------------------------------------------- values


class Literal(Syntax):
    """A number, on/off, or a text.  `5M` is the number 5000000."""

    value: int | float | bool | str


class Dims(Syntax):
    """Sizes with x between: 3x3, 3x224x224."""

    sizes: tuple[int, ...]


class Ref(Syntax):
    """A name in a value, maybe dotted: w, first, heads.Dense, RELU."""

    name: str


class Call(Syntax):
    """A function of the language, or an operator or block with arguments given as a value: ceil(x), GN(32)."""

    name: str
    args: tuple[Arg, ...]


class Tuple(Syntax):
    items: tuple[Expr, ...]


class List(Syntax):
    items: tuple[Expr, ...]


class Comp(Syntax):
    """[item for names in values if guard]."""

    item: Expr
    loops: tuple[Loop, ...]
    guard: Expr | None


class Item(Syntax):
    """w[i], w[1..3], rows[i, 0]."""

    target: Expr
    index: tuple[Expr | Star, ...]


class Unary(Syntax):
    """`-x` or `not x`."""

    op: str
    operand: Expr


class Binary(Syntax):
    """Arithmetic, comparison, and/or, `a..b`, `x then y`; `op` is the sign as written."""

    op: str
    left: Expr
    right: Expr


class IfElse(Syntax):
    yes: Expr
    condition: Expr
    no: Expr


class Star(Syntax):
    """`*` as an index: every entry."""


class Attr(Syntax):
    """.name after a tap."""

    name: str


class Index(Syntax):
    """[i, j] after a tap or a label."""

    items: tuple[Expr | Star, ...]


class Tap(Syntax):
    """@name, @e[i], @x.channels: a value, or a step that starts a flow there."""

    name: str
    access: tuple[Attr | Index, ...]


Expr = Literal | Dims | Ref | Call | Tuple | List | Comp | Item | Unary | Binary | IfElse | Tap


class Arg(Syntax):
    """One argument; `name` is None for a positional one, `name_span` where the name stands."""

    name: str | None
    value: Expr
    name_span: Span


class Loop(Syntax):
    """names in values; several names read rows."""

    names: tuple[str, ...]
    values: Expr


# ---------------------------------------------------------------- flows


class Layer(Syntax):
    """An operator, block, shared flow or input by name: CONV(64, 3x3).  `args` is None without brackets."""

    name: str
    args: tuple[Arg, ...] | None
    name_span: Span


class Short(Syntax):
    """The papers' shorthand: conv3-64, FC-4096, maxpool3/2."""

    text: str
    args: tuple[Arg, ...] | None
    name_span: Span


class Wire(Syntax):
    """NAME(args)[branch | branch]: a join, a combinator, or a block with ports."""

    name: str
    args: tuple[Arg, ...] | None
    branches: tuple[Branch, ...]
    name_span: Span


class Branch(Syntax):
    """One branch, stamped for each element of its loops, absent where its guard is off."""

    flow: Flow
    loops: tuple[Loop, ...] = ()
    guard: Expr | None = None


class Group(Syntax):
    """[flow].  Several branches without a join are parsed so that the message can be good."""

    branches: tuple[Branch, ...]


class Repeat(Syntax):
    """*3, *N, *(n-1), or a loop header *(w in [..], n in [..])."""

    count: Expr | None
    loops: tuple[Loop, ...] = ()


class Option(Syntax):
    """`?`: a switch bound from outside, or `?(condition)`."""

    condition: Expr | None


class Mark(Syntax):
    """`as name` or `as name[i, j]`."""

    name: str
    index: Index | None


Core = Layer | Short | Wire | Group | Tap


class Step(Syntax):
    core: Core
    repeats: tuple[Repeat, ...] = ()
    option: Option | None = None
    mark: Mark | None = None


class Flow(Syntax):
    steps: tuple[Step, ...]


# ---------------------------------------------------------------- statements


class Version(Syntax):
    number: int


class Import(Syntax):
    """import "x.arch" as x."""

    path: str
    name: str | None


class FromImport(Syntax):
    path: str
    names: tuple[str, ...]


class Default(Syntax):
    """default CONV(bias=off)."""

    name: str
    args: tuple[Arg, ...]
    name_span: Span


class Let(Syntax):
    name: str
    value: Expr


class Param(Syntax):
    """param N = 2 in 1..3; `switch` for `param POOL?`."""

    name: str
    switch: bool
    value: Expr | None
    domain: Expr | None


class Formal(Syntax):
    name: str
    default: Expr | None


class Port(Syntax):
    name: str
    rest: bool = False


class Body(Syntax):
    """{ statements }."""

    statements: tuple[Statement, ...]


class Block(Syntax):
    name: str
    formals: tuple[Formal, ...]
    ports: tuple[Port, ...]
    body: Flow | Body
    name_span: Span


class Net(Syntax):
    name: str
    formals: tuple[Formal, ...]
    body: Flow | Body
    name_span: Span


class Shared(Syntax):
    name: str
    flow: Flow


class Input(Syntax):
    """input image: 3x224x224, dtype=float32."""

    name: str | None
    index: Index | None
    shape: Expr
    options: tuple[Arg, ...]


class Output(Syntax):
    """output a, p2 = @p[2]."""

    items: tuple[OutputItem, ...]


class OutputItem(Syntax):
    name: str
    tap: Tap | None


class Assert(Syntax):
    condition: Expr
    message: str | None


class For(Syntax):
    """for j in 0..3 { statements }: the statements, once per element."""

    loops: tuple[Loop, ...]
    body: Body


Statement = (
    Version | Import | FromImport | Default | Let | Param | Block | Net | Shared | Input | Output | Assert | For | Flow
)


class File(Syntax):
    statements: tuple[Statement, ...]


def walk(
    roots: Iterable[Syntax], enter: Callable[[Syntax, str], bool] = lambda record, field: True
) -> Iterator[Syntax]:
    """Everything that was written below these, in order; `enter` says which fields of a record to look into.

    It has a stack of its own, since sums nest deeper than Python calls may.
    """
    waiting = [*roots][::-1]
    while waiting:
        record = waiting.pop()
        yield record
        fields: tuple[str, ...] = type(record).__match_args__
        for field in reversed(fields):
            value = getattr(record, field)
            if isinstance(value, Syntax) and enter(record, field):
                waiting.append(value)
            elif isinstance(value, tuple) and enter(record, field):
                waiting += [entry for entry in reversed(value) if isinstance(entry, Syntax)]
