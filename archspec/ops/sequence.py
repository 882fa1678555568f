"""Sequences of tokens, laid out channels first as everything else: (width, length)."""

from __future__ import annotations

from math import cos, prod, sin
from typing import Any, Self

from archspec.formula import Formula, along, formula, over
from archspec.op import (
    Cost,
    Init,
    Onnx,
    Op,
    Positive,
    RuleError,
    Shape,
    Style,
    Torch,
    Weight,
    Window,
    by,
    constant,
    register,
    spatial_rank,
)
from archspec.ops.reshape import Moving
from archspec.saved import Saved, seen

_FILL = "#fff2cc"


def tokens(op: Op, x: Shape) -> tuple[int, int]:
    """Width and length of a sequence of tokens."""
    if len(x) != 2:
        raise RuleError(
            f"{op.name} needs a sequence of tokens (width x length), and gets {by(x)}",
            help="TOKENS makes a sequence of a map, EMBED of token numbers",
            code="A305",
        )
    return x[0], x[1]


@register("EMBED")
class Embed(Op):
    """Looks every token number of a sequence up in a table of `vocabulary` learned vectors of `width`."""

    vocabulary: Positive
    width: Positive
    positional = ("vocabulary", "width")
    style = Style(_FILL, "embed {vocabulary} x {width}")

    def infer(self, *xs: Shape) -> Shape:
        if len(xs[0]) != 1:
            raise RuleError(
                f"EMBED needs a vector of token numbers, and gets {by(xs[0])}",
                help="declare it so: input text: 128, dtype=int64",
                code="A305",
            )
        return (self.width, xs[0][0])

    def formulas(self, y: Shape, *xs: Shape) -> tuple[Formula, ...]:
        width = Formula("shape", "c_out", str(self.width), self.width, "c")
        return width, formula("shape", "n", {"n": xs[0][0]}, "l")

    def weights(self, *xs: Shape) -> tuple[Weight, ...]:
        return (Weight("weight", (self.vocabulary, self.width), Init("normal", 1.0)),)

    def cost(self, y: Shape, *xs: Shape) -> Cost:
        return Cost()  # a table is read, not multiplied

    def saved(self, y: Shape, *xs: Shape) -> Saved:
        return Saved((0,), order="last")

    def torch(self, *xs: Shape) -> Torch:
        return Torch("Embedding", (self.vocabulary, self.width), {}, "{m}({0}).movedim(-1, 1)")

    def onnx(self, *xs: Shape) -> tuple[Onnx, ...]:
        return (
            Onnx("Gather", ("weight", "0"), {"axis": 0}, ("rows",)),
            Onnx("Transpose", ("rows",), {"perm": (0, 2, 1)}),
        )


_POSITIONS = '''class PositionEmbedding(nn.Module):
    """Adds a learned vector to every position."""

    def __init__(self, *shape: int) -> None:
        super().__init__()
        self.weight = nn.Parameter(torch.empty(shape))
        nn.init.normal_(self.weight, std=0.02)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return x + self.weight
'''


@register("POSEMBED")
class PositionEmbedding(Op):
    """Adds a learned vector to every position of a sequence or map."""

    style = Style(_FILL, "position embedding")
    inplace = True

    def infer(self, *xs: Shape) -> Shape:
        spatial_rank(self, xs[0])
        return xs[0]

    def weights(self, *xs: Shape) -> tuple[Weight, ...]:
        return (Weight("weight", xs[0], Init("normal", 0.02)),)

    def cost(self, y: Shape, *xs: Shape) -> Cost:
        return Cost(0, prod(y))

    def saved(self, y: Shape, *xs: Shape) -> Saved:
        return Saved(order="input")

    def torch(self, *xs: Shape) -> Torch:
        return Torch("PositionEmbedding", xs[0], source=_POSITIONS)

    def onnx(self, *xs: Shape) -> tuple[Onnx, ...]:
        return (Onnx("Add", ("0", "weight")),)


_SINUSOID = '''class Sinusoid(nn.Module):
    """Adds sines and cosines of the position, with wavelengths from 2*pi to `base`*2*pi."""

    def __init__(self, width: int, length: int, base: float = 10000.0) -> None:
        super().__init__()
        rate = base ** (-torch.arange(0, width, 2, dtype=torch.float64) / width)
        angle = rate[:, None] * torch.arange(length, dtype=torch.float64)
        table = torch.stack([angle.sin(), angle.cos()], dim=1).flatten(0, 1).float()
        self.register_buffer("table", table, persistent=False)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return x + self.table
'''


@register("SINUSOID")
class Sinusoid(Op):
    """Adds the sinusoidal position encoding of the Transformer: sine and cosine in turn (Vaswani et al. 2017)."""

    base: float = 10000.0
    style = Style(_FILL, "sinusoid")
    inplace = True

    def infer(self, *xs: Shape) -> Shape:
        width, _ = tokens(self, xs[0])
        if width % 2:
            raise RuleError(
                f"SINUSOID needs an even width, and gets {width}", help="embed to an even width", code="A320"
            )
        return xs[0]

    def cost(self, y: Shape, *xs: Shape) -> Cost:
        return Cost(0, prod(y))  # the table is a constant

    def saved(self, y: Shape, *xs: Shape) -> Saved:
        return Saved(order="input")

    def torch(self, *xs: Shape) -> Torch:
        kwargs: dict[str, Any] = {} if self.base == 10000 else {"base": self.base}
        return Torch("Sinusoid", xs[0], kwargs, source=_SINUSOID)

    def onnx(self, *xs: Shape) -> tuple[Onnx, ...]:
        # As numbers: angles of thousands of positions, computed in the model's float32, would lose digits.
        width, length = xs[0]
        rates = [self.base ** (-(i - i % 2) / width) for i in range(width)]
        table = [(cos if i % 2 else sin)(rate * t) for i, rate in enumerate(rates) for t in range(length)]
        return (
            Onnx("Constant", (), {"value_floats": table}, ("flat",)),
            constant("shape", width, length),
            Onnx("Reshape", ("flat", "shape"), {}, ("table",)),
            Onnx("Add", ("0", "table")),
        )


_CLASS_TOKEN = '''class ClassToken(nn.Module):
    """Puts a learned token before the sequence."""

    def __init__(self, width: int) -> None:
        super().__init__()
        self.weight = nn.Parameter(torch.empty(width))
        nn.init.normal_(self.weight, std=0.02)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return torch.cat([self.weight.expand(x.shape[0], 1, -1).mT, x], dim=2)
'''


@register("CLSTOKEN")
class ClassToken(Op):
    """Puts a learned token before the sequence; TOKEN(0) reads it again."""

    style = Style(_FILL, "class token")

    def infer(self, *xs: Shape) -> Shape:
        width, length = tokens(self, xs[0])
        return (width, length + 1)

    def reads(self, number: int, *xs: Shape) -> tuple[Window, ...]:
        return (Window(pad=(1, 0)),)

    def formulas(self, y: Shape, *xs: Shape) -> tuple[Formula, ...]:
        return (formula("shape", "n + 1", {"n": xs[0][1]}, "l"),)

    def weights(self, *xs: Shape) -> tuple[Weight, ...]:
        return (Weight("weight", (xs[0][0],), Init("normal", 0.02)),)

    def cost(self, y: Shape, *xs: Shape) -> Cost:
        return Cost()

    def saved(self, y: Shape, *xs: Shape) -> Saved:
        return Saved()

    def torch(self, *xs: Shape) -> Torch:
        return Torch("ClassToken", (xs[0][0],), source=_CLASS_TOKEN)

    def onnx(self, *xs: Shape) -> tuple[Onnx, ...]:
        return (
            *(constant(name, value) for name, value in (("from", 0), ("to", 1), ("last", 2))),
            Onnx("Slice", ("0", "from", "to", "last"), {}, ("first",)),
            Onnx("Shape", ("first",), {}, ("size",)),  # with the batch
            constant("column", xs[0][0], 1),
            Onnx("Reshape", ("weight", "column"), {}, ("token",)),
            Onnx("Expand", ("token", "size"), {}, ("tokens",)),
            Onnx("Concat", ("tokens", "0"), {"axis": 2}),
        )


@register("TOKENS")
class Tokens(Moving):
    """A map as a sequence of tokens, one per position, row by row."""

    view = True
    style = Style(_FILL, "tokens")

    def infer(self, *xs: Shape) -> Shape:
        spatial_rank(self, xs[0])
        return (xs[0][0], prod(xs[0][1:]))

    def formulas(self, y: Shape, *xs: Shape) -> tuple[Formula, ...]:
        return (formula("shape", over("n_in", len(xs[0]) - 1), along("n_in", xs[0][1:]), "l"),)

    def saved(self, y: Shape, *xs: Shape) -> Saved:
        return Saved(reshape=True)

    def torch(self, *xs: Shape) -> Torch:
        return Torch(call="{0}.flatten(2)")

    def onnx(self, *xs: Shape) -> tuple[Onnx, ...]:
        return constant("shape", 0, xs[0][0], -1), Onnx("Reshape", ("0", "shape"))


@register("TOKEN")
class Token(Moving):
    """One token of a sequence, counted from 0 or, with a negative number, from the end."""

    index: int = 0
    positional = ("index",)
    style = Style(_FILL, "token {index}")

    def settle(self, *xs: Shape) -> Self:
        _, length = tokens(self, xs[0])
        if not -length <= self.index < length:
            raise RuleError(f"no token {self.index} in {length}", "index", f"write 0 to {length - 1}", "A204")
        return self.model_copy(update={"index": self.index % length})

    def infer(self, *xs: Shape) -> Shape:
        return xs[0][:1]

    def reads(self, number: int, *xs: Shape) -> tuple[Window, ...]:
        return (Window(pad=(-self.index, self.index + 1 - xs[0][1])),)

    def formulas(self, y: Shape, *xs: Shape) -> tuple[Formula, ...]:
        return (formula("shape", "c_in", {"c_in": xs[0][0]}, "c"),)

    def saved(self, y: Shape, *xs: Shape) -> Saved:
        return seen(y)

    def torch(self, *xs: Shape) -> Torch:
        return Torch(call=f"{{0}}[:, :, {self.index}]")

    def onnx(self, *xs: Shape) -> tuple[Onnx, ...]:
        index = Onnx("Constant", (), {"value_int": self.index}, ("index",))
        return index, Onnx("Gather", ("0", "index"), {"axis": 2})
