"""Multi-head attention over sequences laid out (width, length)."""

from __future__ import annotations

from math import sqrt
from typing import Any, Literal, Self

from archspec.formula import Formula, contraction
from archspec.op import Cost, Init, Onnx, Op, Positive, RuleError, Shape, Style, Torch, Weight, by, constant, register
from archspec.ops.sequence import tokens
from archspec.saved import Kept, Saved

_FILL = "#cfe2f3"


class Attention(Op):
    """Scaled dot-product attention in `heads` parallel heads, with projections in and out (Vaswani et al. 2017).

    `mask=causal` lets a token attend to itself and what precedes it.  Names and layout of the weights are those of
    PyTorch's MultiheadAttention.
    """

    heads: Positive
    mask: Literal["none", "causal"] = "none"
    bias: bool = True
    positional = ("heads", "mask")

    @property
    def whole(self) -> bool:
        return True

    def gathers(self, number: int) -> Literal["none", "all", "past"]:
        return "past" if self.mask == "causal" else "all"

    def streams(self, *xs: Shape) -> tuple[Shape, Shape, Shape]:
        """The shapes of queries, keys and values."""
        raise TypeError(f"{type(self).__name__} states no streams")

    def settle(self, *xs: Shape) -> Self:
        for x in xs:
            tokens(self, x)
        q, k, v = self.streams(*xs)
        if q[0] % self.heads:
            raise RuleError(
                f"{q[0]} channels do not divide into {self.heads} heads",
                "heads",
                "write a number that divides the width",
                "A206",
            )
        if k[1] != v[1]:
            raise RuleError(
                f"{self.name} needs one value per key: {by(k)} and {by(v)}", code="A307", help="give both of one length"
            )
        if self.mask == "causal" and q[1] != k[1]:
            raise RuleError(
                f"a causal mask needs as many keys as queries: {q[1]} and {k[1]}", "mask", "drop the mask", "A204"
            )
        return self

    def infer(self, *xs: Shape) -> Shape:
        return xs[0]

    def split(self, *xs: Shape) -> bool:
        """Whether queries, keys and values have matrices of their own, as unequal widths need."""
        return len({x[0] for x in self.streams(*xs)}) > 1

    def weights(self, *xs: Shape) -> tuple[Weight, ...]:
        d = xs[0][0]
        drawn, zero = Init("uniform", sqrt(3 / d)), Init("constant", 0.0)
        if self.split(*xs):
            into = [Weight(f"{n}_proj_weight", (d, x[0]), drawn) for n, x in zip("qkv", self.streams(*xs), strict=True)]
        else:
            into = [Weight("in_proj_weight", (3 * d, d), drawn)]
        out = Weight("out_proj.weight", (d, d), drawn)
        if not self.bias:
            return (*into, out)
        return (*into, Weight("in_proj_bias", (3 * d,), zero), out, Weight("out_proj.bias", (d,), zero))

    def cost(self, y: Shape, *xs: Shape) -> Cost:
        q, k, v = self.streams(*xs)
        d, t, s = q[0], q[1], k[1]
        projections = d * d * t + d * k[0] * s + d * v[0] * s + d * d * t
        biases = (2 * d * t + 2 * d * s) * self.bias
        return Cost(projections + 2 * d * t * s, biases + 5 * self.heads * t * s)  # a scale and a softmax per pair

    def formulas(self, y: Shape, *xs: Shape) -> tuple[Formula, ...]:
        q, k, v = self.streams(*xs)
        values = {"c": q[0], "c_keys": k[0], "c_values": v[0], "l_queries": q[1], "l_keys": k[1], "heads": self.heads}
        params = ("c*c + c*c_keys + c*c_values" if self.split(*xs) else "3*c*c") + " + 3*c" * self.bias + " + c*c"
        macs = "c*c*l_queries + c*c_keys*l_keys + c*c_values*l_keys + c*c*l_queries + 2*c*l_queries*l_keys"
        other = "2*c*l_queries + 2*c*l_keys + " * self.bias + "5*heads*l_queries*l_keys"
        return contraction(params + " + c" * self.bias, macs, values, other)

    def gradient_macs(self, number: int, y: Shape, *xs: Shape) -> int:
        last = len(xs) - 1  # queries, keys and values may be one stream
        return sum(y[0] * x[0] * x[1] for i, x in enumerate(self.streams(*xs)) if min(i, last) == number)

    def connections(self, y: Shape, *xs: Shape) -> int:
        q, k, v = self.streams(*xs)
        return sum((x[0] + self.bias) * y[0] * x[1] for x in (q, k, v, q))

    def saved(self, y: Shape, *xs: Shape) -> Saved:
        (d, t), (_, s), _ = self.streams(*xs)
        made = Kept("queries", (d, t)), Kept("keys", (d, s)), Kept("values", (d, s)), Kept("read values", (d, t))
        logarithms = Kept("logarithms of the sums", (self.heads, t), "float32")
        inputs = tuple(min(i, len(xs) - 1) for i in range(3))
        return Saved(inputs, made=(*made, logarithms), read="attention", order="attention")

    def torch(self, *xs: Shape) -> Torch:
        q, k, v = self.streams(*xs)
        kwargs: dict[str, Any] = {} if self.bias else {"bias": False}
        kwargs |= {"kdim": k[0], "vdim": v[0]} if self.split(*xs) else {}
        kwargs["batch_first"] = True
        names = [f"{{{min(i, len(xs) - 1)}}}.mT" for i in range(3)]
        if self.mask == "causal":
            mask = f"nn.Transformer.generate_square_subsequent_mask({q[1]}, device={{0}}.device)"
            names += [f"attn_mask={mask}", "is_causal=True"]
        call = f"{{m}}({', '.join(names)}, need_weights=False)[0].mT"
        return Torch("MultiheadAttention", (q[0], self.heads), kwargs, call)

    def onnx(self, *xs: Shape) -> tuple[Onnx, ...]:
        d, t = xs[0]
        return (
            *self.projected(xs),
            Onnx("Transpose", ("q",), {"perm": (0, 1, 3, 2)}, ("rows",)),
            Onnx("MatMul", ("rows", "k"), {}, ("products",)),
            Onnx("Constant", (), {"value_float": sqrt(d // self.heads)}, ("root",)),
            Onnx("Div", ("products", "root"), {}, ("scores",)),
            *(self.causal(t) if self.mask == "causal" else ()),
            Onnx("Softmax", ("masked" if self.mask == "causal" else "scores",), {"axis": -1}, ("attention",)),
            Onnx("Transpose", ("attention",), {"perm": (0, 1, 3, 2)}, ("columns",)),
            Onnx("MatMul", ("v", "columns"), {}, ("heads",)),
            constant("shape", 0, d, t),
            Onnx("Reshape", ("heads", "shape"), {}, ("read",)),
            Onnx("MatMul", ("out_proj.weight", "read"), {}, ("out" if self.bias else "y",)),
            *((Onnx("Reshape", ("out_proj.bias", "column"), {}, ("shift",)),) if self.bias else ()),
            *((Onnx("Add", ("out", "shift")),) if self.bias else ()),
        )

    def projected(self, xs: tuple[Shape, ...]) -> tuple[Onnx, ...]:
        """ONNX nodes for q, k and v, each (batch, heads, width/heads, length): channels first, so no transposition."""
        d, parts = xs[0][0], ("q", "k", "v")
        nodes = [constant("per_head", 0, self.heads, d // self.heads, -1), constant("column", d, 1)]
        if not self.split(*xs):
            names = tuple(f"{part}_proj_weight" for part in parts)
            nodes.append(Onnx("Split", ("in_proj_weight",), {"axis": 0, "num_outputs": 3}, names))
        if self.bias:
            names = tuple(f"{part}_bias" for part in parts)
            nodes.append(Onnx("Split", ("in_proj_bias",), {"axis": 0, "num_outputs": 3}, names))
        for i, part in enumerate(parts):
            source, flat = str(min(i, len(xs) - 1)), f"{part}_flat"
            nodes.append(Onnx("MatMul", (f"{part}_proj_weight", source), {}, (f"{part}_sums" if self.bias else flat,)))
            if self.bias:
                nodes.append(Onnx("Reshape", (f"{part}_bias", "column"), {}, (f"{part}_shift",)))
                nodes.append(Onnx("Add", (f"{part}_sums", f"{part}_shift"), {}, (flat,)))
            nodes.append(Onnx("Reshape", (flat, "per_head"), {}, (part,)))
        return tuple(nodes)

    def causal(self, length: int) -> tuple[Onnx, ...]:
        """ONNX nodes that set what lies after a token to minus infinity."""
        return (
            Onnx("Constant", (), {"value_floats": [float("-inf")]}, ("never",)),
            constant("pairs", length, length),
            Onnx("Expand", ("never", "pairs"), {}, ("all",)),
            Onnx("Constant", (), {"value_int": 1}, ("above",)),
            Onnx("Trilu", ("all", "above"), {"upper": 1}, ("future",)),
            Onnx("Add", ("scores", "future"), {}, ("masked",)),
        )


@register("MHA")
class MultiHeadAttention(Attention):
    """Multi-head self-attention: every token attends to every token of its own sequence."""

    style = Style(_FILL, "attention, {heads} heads")

    def streams(self, *xs: Shape) -> tuple[Shape, Shape, Shape]:
        return xs[0], xs[0], xs[0]


@register("attend")
class Attend(Attention):
    """Multi-head cross-attention of the first stream: to the second, or to keys and values given apart."""

    arity = (2, 3)
    style = Style(_FILL, "attend, {heads} heads")

    def gathers(self, number: int) -> Literal["none", "all", "past"]:
        return super().gathers(number) if number else "none"  # a query is read at its own place

    def streams(self, *xs: Shape) -> tuple[Shape, Shape, Shape]:
        return xs[0], xs[1], xs[-1]
