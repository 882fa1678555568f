"""Random networks as specs: branches, joins, skips, repeats and every family of layers, on one to three axes."""

from __future__ import annotations

from math import prod
from random import Random

import archspec
from archspec.graph import Graph
from archspec.op import Shape, by

LARGEST, MOST_NODES, MOST_PARAMS = 2500, 40, 30_000
ACTIVATIONS = "RELU RELU6 LRELU PRELU ELU SELU GELU SILU HSWISH HSIGMOID SIGMOID TANH SOFTPLUS SOFTMAX LOGSOFTMAX MISH"


def draw(dice: Random) -> str:
    """A random spec, which loads."""
    rank = dice.choice([1, 2, 2, 2, 2, 3])
    longest = {1: 23, 2: 13, 3: 7}[rank]
    shape = (dice.choice([1, 2, 3, 4, 6]), *(dice.randint(3, longest) for _ in range(rank)))
    return Writer(dice, shape).write()


class Writer:
    """Appends one step after the other to a spec, and drops a step that does not fit what is there."""

    def __init__(self, dice: Random, shape: Shape) -> None:
        self.dice, self.steps, self.labels = dice, [f"INPUT({by(shape)})"], list[str]()
        self.shape = shape

    def write(self) -> str:
        wanted = self.dice.randint(3, 10)
        for _ in range(3 * wanted):
            if len(self.steps) > wanted:
                break
            self.append(self.element())
        for step in self.tail():
            self.append(step)
        if len(self.steps) == 1:
            self.steps.append("ID")
        return text(self.steps)

    def append(self, step: str) -> None:
        label = ""
        if self.dice.random() < 0.2:
            label = f"t{len(self.labels) + 1}"
            step = f"{step} as {label}"
        try:
            model = archspec.loads(text([*self.steps, step]))
        except archspec.SpecError:
            return
        graph = model.graph
        sizes = max(prod(node.shape) for node in graph.nodes)
        if len(graph.nodes) <= MOST_NODES and sizes <= LARGEST and model.analyze().totals.params <= MOST_PARAMS:
            self.steps.append(step)
            self.shape = last_shape(graph)
            self.labels += [label] if label else []

    def element(self) -> str:
        """A layer, or a combination of flows that may hold such elements."""
        kind, pick = self.dice.random(), self.dice.choice
        if kind < 0.5:
            return self.layer()
        if kind < 0.62:
            return self.keeping() if kind < 0.56 else f"[{self.keeping()} -> {self.keeping()}]*2"
        branches = " | ".join([self.branch() for _ in range(self.dice.randint(1, 2))] + [pick(["ID", self.branch()])])
        skip = f"@{self.dice.choice(self.labels)}" if self.labels else "ID"
        channels = self.shape[0]
        return pick(
            [
                *(f"{join}[{branches}]" for join in ("add", "mul", "mean", "max", "wsum")),
                f"{pick(['sub', 'absdiff'])}[{self.branch()} | {pick(['ID', self.branch()])}]",
                f"concat[{branches}]",
                f"concat(crop=center)[{self.layer()} | {self.layer()}]",
                *[f"{pick(['add', 'concat', 'mul'])}[{skip} | ID]"] * 3,
                f"concat[UPSAMPLE(like={skip}.shape) | {skip}]",
                f"res[{self.branch()}]",
                f"res(shortcut={pick(['proj', 'pad', 'proj_all', 'if_same'])})[{self.layer()}]",
                f"dense[CONV({self.dice.randint(1, 3)}) -> {pick(ACTIVATIONS.split())}]*{self.dice.randint(1, 3)}",
                f"split[{self.inner(channels // 2)} | ID]",
                f"highway[{self.inner(channels)} | {self.inner(channels)}]",
                f"mul[ID | GAP -> FC({channels}) -> SIGMOID]",
                f"add(broadcast=on)[ID | {pick(['GAP', 'GMP'])}]",
                "mul[ID | REDUCE(mean, channel) -> SIGMOID]",
            ]
        )

    def branch(self) -> str:
        return " -> ".join(self.keeping() for _ in range(self.dice.randint(1, 2)))

    def inner(self, channels: int) -> str:
        return f"CONV({max(1, channels)}, {self.odd()})"

    def odd(self) -> str:
        rank = max(1, len(self.shape) - 1)
        return by(tuple(self.dice.choice([1, 3, 3, 5]) for _ in range(rank)))

    def any_size(self, least: int = 1, most: int = 4) -> str:
        rank = max(1, len(self.shape) - 1)
        return by(tuple(self.dice.randint(least, most) for _ in range(rank)))

    def pads(self) -> str:
        rank = max(1, len(self.shape) - 1)
        pairs = ", ".join(f"({self.dice.randint(0, 2)}, {self.dice.randint(0, 2)})" for _ in range(rank))
        return f"({pairs},)" if rank == 1 else f"({pairs})"

    def keeping(self) -> str:
        """A layer that keeps the shape."""
        pick, c, odd = self.dice.choice, self.shape[0], self.odd()
        groups = pick([g for g in range(1, c + 1) if c % g == 0])
        return pick(
            [
                *[f"CONV({c}, {odd}, dilation={pick([1, 1, 2])}, groups={groups}, bias={pick(['on', 'off'])})"] * 4,
                f"CONV({c}, {odd}, pad_value={pick([-1.5, 0.5])})",
                f"CONV({c}, {odd}, bias=unit)",
                *[f"DWCONV({odd})", f"SEPCONV({c}, {odd})", f"SSEPCONV({c}, {odd})", f"BINCONV({c}, {odd})"],
                *[f"LOCAL({c}, kernel=3)", f"DIRACCONV({c}, {odd})", f"DEFCONV({c}, kernel=3)", f"LINEAR({c})"],
                *["MAXPOOL(3, 1, pad=1)", "AVGPOOL(3, 1, pad=same)", "AVGPOOL(3, 1, pad=1, count_pad=off)"],
                *["BN", "BN", "LN", "LN(axis=all)", "IN", "IN(affine=on)", f"GN({groups})"],
                # By the norm of one channel nothing is left but a sign.
                *(["LRN(n=3)", "L2NORM", "RMSNORM", "LCN(3)", "LN(axis=channel)"] if c > 1 else ["LRN(n=3)"]),
                *[pick(ACTIVATIONS.split()) for _ in range(6)],
                *["DROPOUT", "DROPPATH", "SPATIALDROPOUT", "SCALE(0.17)", "SCALE(1.0, learned=on)", "LAYERSCALE"],
                *[f"SHUFFLE({groups})", "POSEMBED", "ID", "SINUSOID"],
            ]
        )

    def layer(self) -> str:
        """A layer that may change the shape."""
        pick, c, k, odd = self.dice.choice, self.shape[0], self.any_size(), self.odd()
        out, s = self.dice.randint(1, 6), self.any_size(1, 3)
        groups = pick([g for g in range(1, c + 1) if c % g == 0])
        grouped = groups * self.dice.randint(1, 2)
        side = pick(["on", "off"])
        table = ", ".join(f"[{i % c}]" if i % 2 else f"[{', '.join(map(str, range(c)))}]" for i in range(out))
        return pick(
            [
                f"CONV({out}, {k}, {s}, pad={pick([0, 1, 2])}, dilation={pick([1, 2])})",
                f"CONV({out}, {k}, stride={s}, pad={pick(['same_upper', 'same_lower', 'valid'])})",
                f"CONV({out}, {k}, pad={self.pads()})",
                f"CONV({grouped}, {odd}, stride={s}, groups={groups})",
                *[f"CONV({out}, kernel=3, pad=causal)", f"CONV({out}, {odd}, table=[{table}])"],
                f"DWCONV({k}, {s}, pad={pick([0, 1])}, multiplier={pick([1, 2])})",
                *[f"SEPCONV({out}, {odd}, {s})", f"SSEPCONV({out}, {odd}, {s})"],
                f"UPCONV({out}, {k}, {s})",
                f"UPCONV({grouped}, kernel=4, stride=2, pad=1, groups={groups})",
                f"UPCONV({out}, kernel=3, stride=2, pad=1, out_pad=1, dilation={pick([1, 2])})",
                f"LOCAL({out}, {self.any_size(2)}, stride=2, pad={pick([0, 1])}, bias={pick(['map', 'unit'])})",
                f"DEFCONV({out}, kernel=3, stride=2, pad=1, modulated={side})",
                *[f"DIRACCONV({out}, {odd}, stride={s})", f"BINCONV({out}, {odd}, stride={s})"],
                f"MAXPOOL({self.any_size(2, 3)}, {s}, pad={pick([0, 1])}, ceil={side})",
                f"AVGPOOL({self.any_size(2, 3)}, {s}, pad={pick([0, 1])}, "
                f"ceil={side}, count_pad={pick(['on', 'off'])})",
                *[f"{name}({self.any_size(2, 3)}, {s}, ceil={side})" for name in ("SUMPOOL", "L2POOL", "SUBSAMPLE")],
                *[f"{name}({self.any_size(1, 6)})" for name in ("AAVGPOOL", "AMAXPOOL")],
                *["PAD(1)", f"PAD({self.pads()})", f"PAD(1, mode={pick(['reflect', 'replicate'])})", "CROP(1)"],
                *["UPSAMPLE(2)", f"UPSAMPLE({s}, mode=bilinear)", f"UPSAMPLE(size={self.any_size(3, 9)})"],
                *["REORG", "PIXELSHUFFLE", f"ZEROPAD({c + 2}, stride=2)", "COORDS", "COORDS(r=on)"],
                *[f"SLICE(0, {max(1, c - 1)})", "MAXOUT(2)", "REDUCE(max, channel)", f"LINEAR({out})"],
                f"WMHA({groups}, window={self.any_size(1, 3)})",
                f"matmul[ID | PERMUTE(0, 2, 1)] -> CONV({out}, kernel=1)",
            ]
        )

    def tail(self) -> list[str]:
        """What a network may end with: a classifier, tokens under attention, or values in another order."""
        pick, c, width = self.dice.choice, self.shape[0], self.dice.choice([2, 4, 6])
        tokens = "ID" if len(self.shape) == 2 else "TOKENS"
        block = [
            f"res[LN(axis=channel) -> MHA({pick([1, 2])}{pick(['', ', mask=causal'])})]",
            f"res[LN(axis=channel) -> LINEAR({2 * width}) -> GELU -> LINEAR({width})]",
        ]
        return pick(
            [
                [],
                [],
                [pick(["GAP", "GMP", "FLATTEN"]), f"FC({width})", pick(ACTIVATIONS.split()), f"FC({pick([2, 3])})"],
                ["REDUCE(sum, spatial)", "BN", f"FC({width}, bias=off)", "DROPOUT"],
                [tokens, f"LINEAR({width})", "CLSTOKEN", "SINUSOID", *block, "TOKEN(0)", "FC(3)"],
                [tokens, f"LINEAR({width})", "POSEMBED", *block, pick(["REDUCE(mean, spatial)", "GAP"]), "FC(2)"],
                [
                    tokens,
                    f"LINEAR({width})",
                    f"attend({pick([1, 2])})[ID | LINEAR({width})]",
                    f"TOKEN({pick([0, -1])})",
                ],
                ["PERMUTE(2, 0, 1)", "CONV(2, kernel=1)", "RELU"],
                [f"RESHAPE({prod(self.shape)})", f"FC({width})"],
                [f"RESHAPE({c}, -1)", "PERMUTE(1, 0)", f"LINEAR({width})", "TANH"],
                ["dot[CONV(3) | CONV(3, kernel=1)]"],
            ]
        )


def text(steps: list[str]) -> str:
    return "\n  -> ".join(steps)


def last_shape(graph: Graph) -> Shape:
    return graph.nodes[graph.outputs[0].node].shape
