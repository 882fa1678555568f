"""Writes the flows of a random network: layers, branches, joins, skips, repeats, blocks and further outputs."""

from __future__ import annotations

from math import prod
from random import Random

from random_layers import Layers

import archspec
from archspec.graph import Graph
from archspec.op import Shape

LARGEST, MOST_NODES, MOST_PARAMS = 2500, 50, 30_000


class Writer:
    """Appends one step after the other to a spec, and drops a step that does not fit what is there."""

    def __init__(self, dice: Random) -> None:
        self.dice, self.pick = dice, dice.choice
        self.blocks: list[str] = []  # definitions, in front of everything
        self.head: list[str] = []  # inputs, shared flows, and the flows that are ended
        self.steps: list[str] = []  # of the flow that is being written
        self.ends: list[str] = []  # labels that are outputs
        self.labels: list[str] = []
        self.extras: list[str] = []  # branches that start at another input
        self.region = 0  # the side that a box is on, 0 where there is none
        self.shape: Shape = ()

    # ------------------------------------------------------------ writing

    def write(self) -> str:
        wanted = self.dice.randint(3, 10)
        for _ in range(3 * wanted):
            if len(self.steps) > wanted:
                break
            self.append(self.element())
        for step in self.tail():
            self.append(step)
        if self.labels and self.dice.random() < 0.3:
            self.branch_off()
        return self.text()

    def branch_off(self) -> None:
        """A second output, which starts at a label."""
        kept = self.head, self.steps, self.ends, self.shape
        end = self.label()
        self.head, self.ends = [*self.head, flow(self.steps, end)], [*self.ends, end]
        self.steps = [f"@{self.pick(self.labels)}"]
        self.append("ID")
        for _ in range(3):
            self.append(self.layers().changing())
        if len(self.steps) < 3:
            self.head, self.steps, self.ends, self.shape = kept

    def text(self, step: str = "") -> str:
        """The whole spec with one more step."""
        steps = [*self.steps, step] if step else self.steps
        if not self.ends:
            return "\n".join([*self.blocks, *self.head, flow(steps)])
        ends = f"output {', '.join([*self.ends, 'end'])}"
        return "\n".join([*self.blocks, "net Random {", *self.head, flow(steps, "end"), ends, "}"])

    def label(self) -> str:
        """A label that nothing else has."""
        return f"t{1 + sum(text.count(' as ') for text in [*self.head, *self.steps])}_{len(self.blocks)}"

    def append(self, step: str, *, block: str = "") -> bool:
        """Adds a step, and the block that it stamps, if the spec then loads and stays small."""
        label = self.label() if " as " not in step and self.dice.random() < 0.2 else ""
        step = f"{step} as {label}" if label else step
        self.blocks += [block] if block else []
        try:
            model = archspec.loads(self.text(step))
        except archspec.SpecError:
            fits = False
        else:
            largest = max(prod(node.shape) for node in model.graph.nodes)
            fits = len(model.graph.nodes) <= MOST_NODES and largest <= LARGEST
            # Signs of sums of signs are signs of rounding.
            fits = fits and sum(node.op.name == "SIGN" for node in model.graph.nodes) <= 1
            fits = fits and model.analyze().totals.params <= MOST_PARAMS
        if fits:
            self.steps.append(step)
            self.shape = last_shape(model.graph)
            self.labels += [label] if label else []
        elif block:
            self.blocks.pop()
        return fits

    # ------------------------------------------------------------ what may come next

    def layers(self) -> Layers:
        return Layers(self.dice, self.shape)

    def branch(self) -> str:
        """One or two layers that keep the shape."""
        return " -> ".join(self.layers().keeping() for _ in range(self.dice.randint(1, 2)))

    def element(self) -> str:
        """A layer, or a combination of flows."""
        kinds = [self.layers().changing] * 5 + [self.layers().keeping] * 2
        kinds += [self.join, self.join, self.combined, self.combined, self.skip, self.repeated, self.stamped]
        if self.extras:
            kinds += [self.extra] * 4
        if self.region and len(self.shape) == 3:
            kinds += [self.pooled_region]
        return self.pick(kinds)()

    def join(self) -> str:
        """Two or three branches that keep the shape."""
        first = self.layers().changing() if self.dice.random() < 0.2 else self.branch()
        branches = [first, *[self.branch() for _ in range(self.dice.randint(0, 1))], self.pick(["ID", self.branch()])]
        name = self.pick(["add", "mul", "mean", "max", "wsum", "concat", "concat(crop=center)"])
        if len(self.shape) == 2:
            attend = f"attend({self.layers().groups})"
            name = self.pick([name, attend, attend])
        if self.dice.random() < 0.2:
            # Less what only passes its input on, nothing would be left.
            learned = f"{self.pick(['LINEAR', 'LINEAR', 'FC'][: 3 - (len(self.shape) > 1)])}({self.shape[0]})"
            return f"{self.pick(['sub', 'absdiff'])}[{learned} -> {self.branch()} | {branches[-1]}]"
        return f"{name}[{' | '.join(branches)}]"

    def combined(self) -> str:
        """A combinator, or one of the joins that papers gate with."""
        c, layers = self.shape[0], self.layers()
        inner = f"CONV({c}, {layers.odd()})" if len(self.shape) > 1 else f"FC({c})"
        half = inner.replace(f"({c}", f"({max(1, c // 2)}", 1)
        found = [
            f"res[{self.branch()}]",
            f"res(shortcut={self.pick(['proj', 'pad', 'proj_all', 'if_same'])})[{layers.changing()}]",
            f"split[{half} | ID]",
            f"highway(gate_bias={self.pick([-1, 1])})[{inner} | {inner}]",
            f"pick[{inner} if {self.pick(['on', 'off'])} | {self.branch()}]",
            f"{self.branch()} -> {layers.keeping()}?({self.pick(['on', 'off'])})",
        ]
        if len(self.shape) > 1:
            found += [
                f"dense[CONV({self.dice.randint(1, 3)}) -> {layers.activation()}]*{self.dice.randint(1, 3)}",
                f"mul[ID | GAP -> FC({c}) -> {self.pick(['SIGMOID', 'HSIGMOID', 'SOFTMAX'])}]",
                f"mul[ID | REDUCE({self.pick(['mean', 'max'])}, channel) -> SIGMOID]",
                f"add(broadcast=on)[ID | {self.pick(['GAP', 'GMP', 'REDUCE(sum, spatial)'])}]",
                f"concat[AVGPOOL(k, 1, pad=same) for k in [1, 3, {self.pick([5, 7])}] | ID if {layers.switch()}]",
                self.wired(),
            ]
        return self.pick(found)

    def wired(self) -> str:
        """A random graph of copies of a layer."""
        nodes, seed = self.dice.randint(4, 7), self.dice.randint(1, 99)
        kind = self.pick([f"ws, nodes={nodes}, k=2, p=0.5", f"er, nodes={nodes}, p=0.6", f"ba, nodes={nodes}, m=2"])
        entry = self.pick(["", f", entry={self.pick(['RELU', 'BN'])}"])
        return f"randwire({kind}, seed={seed}{entry})[{self.branch()}]"

    def skip(self) -> str:
        """A join with what a label names."""
        if not self.labels:
            return self.unet() if len(self.shape) > 1 else self.branch()
        tap = f"@{self.pick(self.labels)}"
        found = [f"{self.pick(['add', 'concat', 'mul', 'dot'])}[{tap} | ID]"] * 3
        found += [f"concat[UPSAMPLE(like={tap}.shape) | {tap}]", f"concat(crop=center)[{tap} | ID]"]
        return self.pick([*found, f"attend({self.layers().groups})[ID | {tap}]", self.unet()])

    def unet(self) -> str:
        """Down and up again, each level read where its size comes back."""
        e, a, b = self.label(), self.dice.randint(1, 3), self.dice.randint(1, 3)
        up = " -> ".join(f"UPSAMPLE(like=@{e}[{i}].shape) -> concat[ID | @{e}[{i}]]" for i in (1, 0))
        return f"[CONV(c) as {e} -> {self.pick(['MAXPOOL', 'AVGPOOL'])}]*(c in [{a}, {b}]) -> {up}"

    def repeated(self) -> str:
        """Rounds of layers, with values of their own or all alike."""
        one, e = self.layers(), self.label()
        found = [f"[{self.branch()}]*2", f"[{one.keeping()}]*{self.pick([0, 1, 3])}"]
        found += [f"[{one.keeping()} as {e}]*2\n{self.pick(['concat', 'mean', 'max'])}[@{e}[0] | @{e}[1]]"]
        if len(self.shape) > 1:
            found += [f"[CONV(c, kernel=k) -> {one.activation()}]*(c, k in [[2, 3], [3, 1]])"]
            found += [f"[CONV({self.shape[0]}, stride=2 then 1)]*2"]
        return self.pick(found)

    def stamped(self) -> str:
        """A use of a block that is written for it: with arguments, with ports, or with several outputs."""
        name, e, c = f"B{len(self.blocks) + 1}", self.label(), self.dice.randint(2, 4)
        layer = "CONV(c, kernel=k)" if len(self.shape) > 1 else "FC(c)"
        unit = f"block {name}(c, k=1, act=RELU, norm=BN) = {layer} -> norm -> act"
        ports = f"block {name}(c)[a, b] = {self.pick(['add', 'max', 'concat'])}[@a -> LINEAR(c) | @b -> LINEAR(c)]"
        rest = f"block {name}[x, more...] = {self.pick(['add', 'mean', 'concat'])}[@x | @more[*]]"
        two = f"block {name}(c) {{\n  LINEAR(c) as skip\n  @skip -> LINEAR(cin) as main\n  output skip, main\n}}"
        act = self.pick(["RELU", "TANH", "LRELU(0.2)"])
        block, use = self.pick(
            [
                (unit, f"{name}({c}, act={act}, norm={self.pick(['BN', 'ID'])})*{self.pick([1, 2])} -> {name}({c})"),
                (ports, f"{name}({c})[ID | {self.branch()}]"),
                (rest, f"{name}[ID | {self.branch()} | {self.branch()}]"),
                (two, f"{name}({c}) as {e}\nconcat[@{e}.skip | @{e}.main]"),
                (f"block {name} = {self.branch()}", f"{name} -> {name}"),
            ]
        )
        self.append(use, block=block)
        return "ID"

    def extra(self) -> str:
        """A join with a branch from another input."""
        return self.pick(self.extras)

    def pooled_region(self) -> str:
        """What a region, which lies inside the input, covers of the present map."""
        scale = min(self.shape[1:], default=1) / self.region
        size = f"{self.dice.randint(2, 4)}x{self.dice.randint(2, 4)}"
        return f"{self.pick(['roialign', 'roipool'])}({size}, scale={scale:.3f})[@region | ID]"

    def tail(self) -> list[str]:
        """What a network may end with: a classifier, tokens under attention, or values in another order."""
        pick, c, width = self.pick, self.shape[0], self.pick([4, 6])
        if len(self.shape) == 1:
            return pick([[], [f"FC({width})", self.layers().activation(), "FC(3)"]])
        tokens = "ID" if len(self.shape) == 2 else "TOKENS"
        block = [Layers(self.dice, (width, 9)).token_layer() for _ in range(2)]
        places = pick(["POSEMBED", "SINUSOID"])
        return pick(
            [
                [],
                [],
                [pick(["GAP", "GMP", "FLATTEN"]), f"FC({width})", self.layers().activation(), f"FC({pick([2, 3])})"],
                ["REDUCE(sum, spatial)", "BN", f"FC({width}, bias=off)", "DROPOUT"],
                [tokens, f"LINEAR({width})", "CLSTOKEN", places, "res[LN -> MHA(2)]", block[0], "TOKEN(0)", "FC(3)"],
                [
                    tokens,
                    f"LINEAR({width})",
                    places,
                    *block,
                    pick(["REDUCE(mean, spatial)", "GAP", "TOKEN(-1)"]),
                    "FC(2)",
                ],
                [tokens, f"LINEAR({width})", f"attend({pick([1, 2])})[ID | LINEAR({width})]", "TOKEN(-1)"],
                ["PERMUTE(2, 0, 1)", "CONV(2, kernel=1)", "RELU"],
                [f"RESHAPE({prod(self.shape)})", f"FC({width})"],
                [f"RESHAPE({c}, -1)", "PERMUTE(1, 0)", f"LINEAR({width})", "TANH"],
                ["dot[CONV(3) | CONV(3, kernel=1)]"],
            ]
        )


def flow(steps: list[str], label: str = "") -> str:
    """A flow of steps; the label stands behind the last, or names it again where it has one."""
    text = "\n  -> ".join(steps)
    return f"{text} -> ID as {label}" if label else text


def last_shape(graph: Graph) -> Shape:
    return graph.nodes[graph.outputs[-1].node].shape
