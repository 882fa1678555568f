"""The layers that a random network may have behind a shape, as text: what does not fit after all is dropped there."""

from __future__ import annotations

from math import prod
from random import Random

from archspec.op import Shape, by

PLAIN = ["RELU", "RELU6", "LRELU", "PRELU", "ELU", "SELU", "GELU", "SILU", "HSWISH", "HSIGMOID", "SIGMOID", "TANH"]
PLAIN += ["SOFTPLUS", "MISH"]


class Layers:
    """What may stand behind a vector, a sequence, a map or a volume.

    Norms of one value, and of two (which leave a sign), are left out: behind them every network is the same number.
    """

    def __init__(self, dice: Random, shape: Shape) -> None:
        self.pick, self.randint, self.shape = dice.choice, dice.randint, shape
        self.c, self.rank = shape[0], max(1, len(shape) - 1)
        self.groups = self.pick([g for g in range(1, self.c + 1) if self.c % g == 0])

    def switch(self) -> str:
        return self.pick(["on", "off"])

    def odd(self) -> str:
        return by(tuple(self.pick([1, 3, 3, 5]) for _ in range(self.rank)))

    def size(self, least: int = 1, most: int = 4) -> str:
        return by(tuple(self.randint(least, most) for _ in range(self.rank)))

    def pads(self) -> str:
        pairs = ", ".join(f"({self.randint(0, 2)}, {self.randint(0, 2)})" for _ in range(self.rank))
        return f"({pairs},)" if self.rank == 1 else f"({pairs})"

    def activation(self) -> str:
        across = ["SOFTMAX", "LOGSOFTMAX"] * (self.c > 1)
        return self.pick([*PLAIN, *across, "PRELU(channel_shared=on)", "GELU(approximate=tanh)", "LRELU(0.2)"])

    def norms(self) -> list[str]:
        c, places = self.c, prod(self.shape[1:])
        found = ["BN", "BN(gamma=off)"]
        found += ["LN(axis=channel)", "RMSNORM", "L2NORM"] * (c > 2)
        found += [f"GN({g})" for g in {1, self.groups} if c // g * places > 2]
        found += ["LN(axis=all)", "LN(affine=off)"] * (c * places > 2 and c > 2)
        if len(self.shape) > 1:
            found += ["LRN(n=3)"] + ["IN", "IN(affine=on)"] * (places > 2) + ["LCN(3)", "LCN(5)"] * (c * places > 2)
        return found

    def keeping(self) -> str:
        """A layer that keeps the shape."""
        kinds = [self.activation, self.activation, self.plain, lambda: self.pick(self.norms())]
        if len(self.shape) > 1:
            kinds += [self.convolution, self.convolution, self.window]
        if len(self.shape) == 2:
            kinds += [self.token_layer]
        return self.pick(kinds)()

    def plain(self) -> str:
        found = ["DROPOUT", "DROPPATH", "SCALE(0.17)", "SCALE(1.0, learned=on)", "SCALE(1.0, learned=on, bias=on)"]
        found += ["LAYERSCALE(0.5)", f"SHUFFLE({self.groups})", f"LINEAR({self.c})", f"LINEAR({self.c}, bias=off)"]
        found += ["ID", "SIGN", "SIGN"]
        return self.pick(found + ["SPATIALDROPOUT", "POSEMBED"] * (len(self.shape) > 1))

    def convolution(self) -> str:
        c, odd = self.c, self.odd()
        plain = f"CONV({c}, {odd}, dilation={self.pick([1, 1, 2])}, groups={self.groups}, bias={self.switch()})"
        found = [plain, plain, f"CONV({c}, {odd}, pad_value={self.pick([-1.5, 0.5])})", f"CONV({c}, {odd}, bias=unit)"]
        found += [f"DWCONV({odd})", f"SEPCONV({c}, {odd})", f"SSEPCONV({c}, {odd})", f"BINCONV({c}, {odd})"]
        found += [f"LOCAL({c}, kernel=3)", f"DIRACCONV({c}, {odd})"]
        return self.pick(found + [f"DEFCONV({c}, kernel=3)", self.windowed_attention()] * (self.rank == 2))

    def window(self) -> str:
        return self.pick(["MAXPOOL(3, 1, pad=1)", "AVGPOOL(3, 1, pad=same)", "AVGPOOL(3, 1, pad=1, count_pad=off)"])

    def windowed_attention(self) -> str:
        tiles = [self.pick([k for k in range(1, n + 1) if n % k == 0]) for n in self.shape[1:]]
        shift = ", ".join(str(self.randint(0, k - 1)) for k in tiles)
        return f"WMHA({self.groups}, window={by(tuple(tiles))}, shift=({shift}))"

    def token_layer(self) -> str:
        """A layer of a transformer: the shape is a width and a length."""
        width, norm = self.c, self.pick(["LN", "RMSNORM", "BN"] if self.c > 2 else ["BN"])
        heads = f"{self.groups}{self.pick(['', '', ', mask=causal', ', bias=off'])}"
        found = [f"res[{norm} -> MHA({heads})]", f"res[MHA({heads})] -> {norm}"]
        found += [f"res[{norm} -> LINEAR({2 * width}) -> {self.activation()} -> LINEAR({width})]"]
        return self.pick(found + ["POSEMBED", "SINUSOID" if width % 2 == 0 else "POSEMBED"])

    def changing(self) -> str:
        """A layer that may change the shape."""
        if len(self.shape) == 1:
            return self.of_vector()
        kinds = [self.strided, self.strided, self.unusual, self.pooled, self.pooled, self.rearranged, self.reduced]
        return self.pick(kinds)()

    def of_vector(self) -> str:
        width = self.randint(2, 8)
        found = [f"FC({width})", f"FC({width}, bias=off)", f"LINEAR({width})", f"SLICE(0, {max(2, self.c - 1)})"]
        return self.pick(found + ["MAXOUT(2)"] * (self.c > 2) + [f"RESHAPE({self.c}, 1)"])

    def strided(self) -> str:
        out, k, s, odd = self.randint(1, 6), self.size(), self.size(1, 3), self.odd()
        inside = self.randint(0, min(map(int, k.split("x"))) - 1)  # no window of padding alone
        found = [
            f"CONV({out}, {k}, {s}, pad={inside}, dilation={self.pick([1, 2])})",
            f"CONV({out}, {k}, stride={s}, pad={self.pick(['same_upper', 'same_lower', 'valid'])})",
            f"CONV({out}, {k}, pad={self.pads()})",
            f"CONV({self.groups * self.randint(1, 2)}, {odd}, stride={s}, groups={self.groups})",
            f"DWCONV({k}, {s}, pad={inside}, multiplier={self.pick([1, 2])})",
            f"UPCONV({out}, {k}, {s})",
            f"UPCONV({self.groups * self.randint(1, 2)}, kernel=4, stride=2, pad=1, groups={self.groups})",
            f"UPCONV({out}, kernel=3, stride=2, pad=1, out_pad=1, dilation={self.pick([1, 2])})",
        ]
        return self.pick(found)

    def unusual(self) -> str:
        out, s, odd = self.randint(1, 6), self.size(1, 3), self.odd()
        table = ", ".join(f"[{i % self.c}]" if i % 2 else f"[{', '.join(map(str, range(self.c)))}]" for i in range(out))
        found = [
            f"CONV({out}, kernel=3, pad=causal)",
            f"CONV({out}, {odd}, table=[{table}])",
            *(f"{name}({out}, {odd}, {s})" for name in ("SEPCONV", "SSEPCONV", "DIRACCONV", "BINCONV")),
            f"LOCAL({out}, {self.size(2)}, stride=2, pad={self.pick([0, 1])}, bias={self.pick(['map', 'unit'])})",
            f"LINEAR({out})",
        ]
        return self.pick(found + [f"DEFCONV({out}, kernel=3, stride=2, pad=1, modulated={self.switch()})"] * 2)

    def pooled(self) -> str:
        k, s, pad, ceil = self.size(2, 3), self.size(1, 3), self.pick([0, 1]), self.switch()
        found = [f"MAXPOOL({k}, {s}, pad={pad}, ceil={ceil})", f"POOL(2, {s})"]
        found += [f"AVGPOOL({k}, {s}, pad={pad}, ceil={ceil}, count_pad={self.switch()})"]
        found += [f"{name}({k}, {s}, ceil={ceil})" for name in ("SUMPOOL", "L2POOL", "SUBSAMPLE")]
        return self.pick(found + [f"{name}({self.size(1, 6)})" for name in ("AAVGPOOL", "AMAXPOOL")])

    def rearranged(self) -> str:
        s, c = self.size(1, 3), self.c
        found = ["PAD(1)", f"PAD({self.pads()})", f"PAD(1, mode={self.pick(['reflect', 'replicate'])})", "CROP(1)"]
        found += ["UPSAMPLE(2)", f"UPSAMPLE({s}, mode=bilinear)", f"UPSAMPLE(size={self.size(3, 9)})"]
        found += [f"ZEROPAD({c + 2}, stride=2)", "COORDS", "COORDS(r=on)", f"SLICE(0, {max(1, c - 1)})"]
        if self.rank == 2:
            found += [f"REORG({f})" for f in (2, 3) if not any(n % f for n in self.shape[1:])] * 2
            found += [f"PIXELSHUFFLE({f})" for f in (2, 3) if self.c % f**2 == 0]
            found += [f"CONV({4 * self.randint(1, 2)}, kernel=1) -> PIXELSHUFFLE"]
        if self.rank == 1:
            found += ["CLSTOKEN", "PERMUTE(1, 0)"]
        return self.pick(found)

    def reduced(self) -> str:
        found = ["MAXOUT(2)", f"REDUCE({self.pick(['mean', 'max', 'sum'])}, channel)"] * (self.c > 1)
        if self.rank == 2:
            found += [f"matmul[ID | PERMUTE(0, 2, 1)] -> CONV({self.randint(1, 6)}, kernel=1)"]
        return self.pick(found + [f"dot[{self.keeping()} | {self.keeping()}] -> CONV({self.c}, kernel=1)"])
