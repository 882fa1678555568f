"""The card: one class holds everything archspec knows of one operator.

A card's fields are the operator's arguments.  `settle` turns an argument as written (`3x3`, `pad=same`) into one value
per axis once the input is known; every other rule is asked of the settled card, with the shapes of its inputs.
Shapes never hold the batch: `(channels, *spatial)`, a vector is `(features,)`.
"""

from __future__ import annotations

import importlib
import re
import typing
from collections.abc import Callable
from functools import cache
from math import prod, sqrt
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, ClassVar, Literal, NamedTuple, Self, TypeVar

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field

if TYPE_CHECKING:
    from archspec.formula import Formula
    from archspec.saved import Saved

Shape = tuple[int, ...]
Positive = Annotated[int, Field(gt=0)]
Natural = Annotated[int, Field(ge=0)]
# One number for every axis, or one per axis; `3` is stored as (3,) and spread over the axes by `per_axis`.
Sizes = Annotated[tuple[Positive, ...], BeforeValidator(lambda v: (v,) if type(v) is int else v)]


class RuleError(Exception):
    """A card refuses its arguments or inputs.  `argument` names the field at fault, `help` says what to type.

    `code` is the diagnostic's: A2xx for an argument, A3xx for shapes.
    """

    def __init__(self, message: str, argument: str = "", help: str = "", code: str = "A320") -> None:
        super().__init__(message)
        self.message, self.argument, self.help, self.code = message, argument, help, code


class Window(NamedTuple):
    """What one output position reads along one axis: output `o` reads `o*stride - pad[0] + j*dilation` for j < kernel,
    on the input stretched by `up` (position i of the input stands at i*up, zeros between: transposed convolution).
    `tiled`: tiles of `kernel`, the first from -pad[0] on, cover the input, and an output reads the one it stands in."""

    kernel: int = 1
    stride: int = 1
    pad: tuple[int, int] = (0, 0)
    dilation: int = 1
    up: int = 1
    ceil: bool = False
    tiled: bool = False

    @property
    def reach(self) -> int:
        """The extent of the dilated kernel: dilation*(kernel-1) + 1."""
        return self.dilation * (self.kernel - 1) + 1

    def size(self, n: int) -> int:
        """How many outputs fit an input of n positions (0 or less where the kernel does not fit)."""
        room = (n - 1) * self.up + 1 + self.pad[0] + self.pad[1] - self.reach
        if not self.ceil:
            return room // self.stride + 1 if room >= 0 else 0
        count = max(0, -(-room // self.stride) + 1)
        # The last window has to start inside the input or its left padding (the rule of Caffe and PyTorch).
        return count - 1 if (count - 1) * self.stride >= n + self.pad[0] else count


class Init(NamedTuple):
    """How a weight's first values are drawn: `kind` is uniform (bound `value`), constant (`value`) or normal (std)."""

    kind: Literal["uniform", "constant", "normal"]
    value: float


class Weight(NamedTuple):
    """One array that belongs to a layer.  `name` is PyTorch's (`weight`, `running_mean`); buffers are not trainable.

    `init` is what archspec draws for a seed.  `spec_init` is set where the spec itself asks for initial values, so that
    the emitted PyTorch has to set them too; None leaves PyTorch's own initialisation.
    """

    name: str
    shape: Shape
    init: Init
    trainable: bool = True
    spec_init: Init | None = None


def contraction_weights(shape: Shape, fan_in: int, bias: int, bias_init: float | None = None) -> tuple[Weight, ...]:
    """Weight and bias of a layer that multiplies and sums `fan_in` values.

    Drawn with He's bound sqrt(6/fan_in), which keeps the signal's size through ReLU layers (He et al. 2015), so that a
    comparison after 100 layers still sees it.  `bias_init` is the value the spec asks the bias to start from.
    """
    weights = [Weight("weight", shape, Init("uniform", sqrt(6 / fan_in)))]
    if bias:
        asked = None if bias_init is None else Init("constant", bias_init)
        weights.append(Weight("bias", (bias,), asked or Init("uniform", 1 / sqrt(fan_in)), spec_init=asked))
    return tuple(weights)


class Cost(NamedTuple):
    """One forward pass of one example: multiply-accumulates of contractions, and every other operation on floats."""

    macs: int = 0
    other: int = 0

    @property
    def flops(self) -> int:
        return 2 * self.macs + self.other


class Torch(NamedTuple):
    """How PyTorch computes a card: `module` is a class of torch.nn ("" when there is none) made from `args`, `kwargs`;
    `call` is the expression, with {m} the module, {0}, {1} ... the inputs and {all} all inputs separated by commas.

    `source` is the text of an nn.Module class called `module`, for what torch.nn lacks (it may use torch, nn and F).
    """

    module: str = ""
    args: tuple[Any, ...] = ()
    kwargs: dict[str, Any] = {}
    call: str = "{m}({0})"
    source: str = ""


class Onnx(NamedTuple):
    """One ONNX node of a card's lowering.  Input names: "0", "1" ... are the card's inputs, "y" its output, the name of
    a weight is that weight, "" an absent optional input, anything else a temporary of this card."""

    op: str
    inputs: tuple[str, ...] = ("0",)
    attrs: dict[str, Any] = {}
    outputs: tuple[str, ...] = ("y",)


def constant(name: str, *values: int) -> Onnx:
    """A temporary that holds these integers: axes, sizes, pads."""
    return Onnx("Constant", (), {"value_ints": values}, (name,))


class Style(NamedTuple):
    """How a card is drawn: a fill colour and a label over the card's fields; `{name}` is the operator's name."""

    fill: str = "#eeeeee"
    label: str = "{name}"


class Op(BaseModel):
    """The base card.  A subclass states its fields and the rules that differ from an elementwise operator's."""

    model_config = ConfigDict(frozen=True, strict=True, extra="forbid", defer_build=True)

    name: ClassVar[str]  # set by @register
    positional: ClassVar[tuple[str, ...]] = ()  # which fields may be given by position, in the paper's order
    variadic: ClassVar[bool] = False  # the last positional field takes every further argument: CROP((1,0), (1,0))
    arity: ClassVar[tuple[int, int | None]] = (1, 1)  # fewest and most inputs; None is any number
    view: ClassVar[bool] = False  # moves no data at inference: its output takes no memory
    rearranges: ClassVar[bool] = False  # its positions are not its input's, even where the sizes agree
    act: ClassVar[bool] = False  # takes act=: an activation that becomes a node of its own
    inplace: ClassVar[bool] = False  # at inference each value of the output may overwrite its own of an input
    style: ClassVar[Style] = Style()

    @property
    def whole(self) -> bool:
        """Whether every output reads the whole input: its field is passed on, marked global."""
        return False

    @property
    def loose(self) -> bool:
        """Whether it may read other positions than its windows say: learned offsets, a mirrored edge."""
        return False

    def settle(self, *xs: Shape) -> Self:
        """This card with every argument that depends on the input made explicit.  Raises RuleError."""
        return self

    def parts(self, *xs: Shape) -> tuple[Op, ...]:
        """For an operator that is a chain of others (SEPCONV): those cards in order; they are what the graph holds."""
        return ()

    def windows(self, *xs: Shape) -> tuple[Window, ...] | None:
        """Per spatial axis of the first input, what an output position reads; None where a position reads itself."""
        return None

    def reads(self, number: int, *xs: Shape) -> tuple[Window, ...] | None:
        """Per spatial axis of input `number`, what an output position reads: a join that crops has a window there."""
        return self.windows(*xs) if number == 0 else None

    def gathers(self, number: int) -> Literal["none", "all", "past"]:
        """Which positions of input `number` every output reads beside its own: past are those before its own."""
        return "all" if self.whole else "none"

    def infer(self, *xs: Shape) -> Shape:
        """Shape of the output.  Raises RuleError."""
        windows = self.windows(*xs)
        if windows is None:
            return xs[0]
        return (self.out_channels(*xs), *window_sizes(self, windows, xs[0][1:]))

    def out_channels(self, *xs: Shape) -> int:
        """Channels of the output of a windowed card."""
        return xs[0][0]

    def weights(self, *xs: Shape) -> tuple[Weight, ...]:
        """Every array of the layer: parameters, buffers, state_dict keys and ONNX initialisers all come from here."""
        return ()

    def cost(self, y: Shape, *xs: Shape) -> Cost:
        """Work of one forward pass, given the output shape and the input shapes.  Every card states its own rule."""
        raise TypeError(f"{type(self).__name__} states no cost")

    def formulas(self, y: Shape, *xs: Shape) -> tuple[Formula, ...]:
        """Textbook formulas of shape, params, MACs and other operations, where the other rules do not tell them."""
        return ()

    def connections(self, y: Shape, *xs: Shape) -> int:
        """Links with a weight, as LeCun et al. count them: per output unit the values it sums, and its bias."""
        macs, named = self.cost(y, *xs).macs, {weight.name for weight in self.weights(*xs) if weight.trainable}
        return macs + prod(y) * ("bias" in named) if macs and named else 0

    def gradient_macs(self, number: int, y: Shape, *xs: Shape) -> int:
        """MACs of the gradient of input `number`, which a first layer does without."""
        return self.cost(y, *xs).macs

    def saved(self, y: Shape, *xs: Shape) -> Saved:
        """What autograd keeps of the emitted PyTorch for the backward pass.  Every card states its own rule."""
        raise TypeError(f"{type(self).__name__} states no saved tensors")

    def torch(self, *xs: Shape) -> Torch:
        raise TypeError(f"{type(self).__name__} has no PyTorch lowering")

    def onnx(self, *xs: Shape) -> tuple[Onnx, ...]:
        raise TypeError(f"{type(self).__name__} has no ONNX lowering")


def window_sizes(op: Op, windows: tuple[Window, ...], spatial: Shape) -> Shape:
    """Output size per axis; a kernel that does not fit is the author's mistake, not a size of zero."""
    sizes = tuple(w.size(n) for w, n in zip(windows, spatial, strict=True))
    for axis, (w, n, size) in enumerate(zip(windows, spatial, sizes, strict=True)):
        if size < 1:
            padded = n + w.pad[0] + w.pad[1]
            raise RuleError(
                f"{op.name}'s kernel reaches {w.reach} and does not fit {padded} position{'s' * (padded != 1)}"
                f" (axis {axis + 1} of {by(spatial)})",
                "kernel",
                "use a smaller kernel, more padding, or drop a pool before it",
                "A310",
            )
    return sizes


def by(sizes: tuple[int, ...]) -> str:
    """Sizes as papers print them: 64x112x112."""
    return "x".join(str(n) for n in sizes)


def brief(sizes: tuple[int, ...]) -> int | tuple[int, ...]:
    """Sizes as a person writes them in PyTorch: 3 for (3, 3)."""
    return sizes[0] if len(set(sizes)) == 1 else sizes


def per_axis(value: tuple[int, ...], rank: int, argument: str) -> tuple[int, ...]:
    """One value per spatial axis from the sizes as written."""
    if len(value) == 1:
        return value * rank
    if len(value) != rank:
        raise RuleError(
            f"{argument} has {len(value)} sizes, the input has {rank} spatial ax{'i' if rank == 1 else 'e'}s",
            argument,
            f"write one size, or {rank}",
            "A205",
        )
    return value


def spatial_rank(op: Op, x: Shape) -> int:
    """The number of spatial axes of an input that needs one, two or three."""
    if len(x) < 2:
        message = f"{op.name} needs a map (channels x height x width), and gets a vector of {x[0]}"
        help = "a vector goes through FC; remove the FLATTEN or FC before it, or use FC here"
        raise RuleError(message, help=help, code="A305")
    if len(x) > 4:
        message = f"{op.name} works on one, two or three spatial axes, and gets {by(x)}"
        raise RuleError(message, help="merge axes first: RESHAPE(...)", code="A305")
    return len(x) - 1


# ---------------------------------------------------------------- registry

_CARDS: dict[str, type[Op]] = {}
_ALIASES: dict[str, str] = {}
_MARK = re.compile(r'^@register\(((?:"[A-Za-z0-9_]+"(?:, )?)+)\)$', re.MULTILINE)


_T = TypeVar("_T", bound=type[Op])


def register(*names: str) -> Callable[[_T], _T]:
    """Class decorator: the card of the operator `names[0]`; further names are other spellings of it."""

    def wrap(card: _T) -> _T:
        card.name = names[0]
        _CARDS[names[0]] = card
        _ALIASES.update({alias: names[0] for alias in names[1:]})
        return card

    return wrap


@cache
def _families() -> dict[str, str]:
    """Which module of archspec.ops holds which name, read from the `@register` lines, so that a lookup imports one
    family and no list has to be kept beside the cards."""
    found: dict[str, str] = {}
    for path in sorted((Path(__file__).parent / "ops").glob("*.py")):
        for names in _MARK.findall(path.read_text(encoding="utf-8")):
            found.update({name.strip('" '): path.stem for name in names.split(",")})
    return found


def names() -> list[str]:
    """Every registered operator name and spelling."""
    return sorted({*_families(), *_CARDS, *_ALIASES})


def lookup(name: str) -> type[Op] | None:
    """The card called `name`, or None; imports the family that holds it."""
    card = _CARDS.get(_ALIASES.get(name, name))
    if card is None and name in names():
        importlib.import_module(f"archspec.ops.{_families()[name]}")
        card = _CARDS.get(_ALIASES.get(name, name))
    return card


def words(card: type[Op], argument: str) -> tuple[str, ...]:
    """The words an argument accepts (`pad=same`): the strings of the Literals in its annotation."""

    def walk(annotation: Any) -> list[str]:
        if typing.get_origin(annotation) is Literal:
            return [v for v in typing.get_args(annotation) if isinstance(v, str)]
        return [w for part in typing.get_args(annotation) for w in walk(part)]

    info = card.model_fields.get(argument)
    return tuple(walk(info.annotation)) if info else ()
