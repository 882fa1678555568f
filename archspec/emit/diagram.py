"""The network as a diagram in Graphviz's DOT language: boxes in the cards' colours, repeats and blocks as frames."""

from __future__ import annotations

from collections import Counter
from html import escape
from typing import Literal

from archspec.analyze import Analysis
from archspec.emit import extra
from archspec.emit.boxes import Box, Cluster, Picture, arrange, caption, tells
from archspec.emit.levels import levels, trunk
from archspec.fold import Group, unfold
from archspec.fold import fold as folded
from archspec.graph import Graph
from archspec.op import by
from archspec.source import Diagnostic, SpecError

with extra("drawing"):
    from graphviz import Digraph
    from graphviz import escape as literal

Direction = Literal["TB", "LR", "BT", "RL"]
LARGEST = 2_000  # boxes; Graphviz takes many seconds for more, and nobody can read them
_FONT = "Helvetica,Arial,sans-serif"
_INK, _QUIET, _LINE = "#222222", "#6b6b6b", "#555555"
_PLAIN = '<TABLE BORDER="0" CELLBORDER="0" CELLSPACING="0" CELLPADDING="0">'


def emit_dot(
    graph: Graph,
    analysis: Analysis | None = None,
    *,
    fold: bool = True,
    depth: int | None = None,
    rankdir: Direction = "TB",
    largest: int = LARGEST,
) -> str:
    """The DOT text of a network, equal for equal networks.

    Repeated iterations that are alike are drawn once (`fold`), frames nested more than `depth` levels stay closed, and
    `rankdir` is the direction of the flow (TB, LR, BT, RL).  With an analysis its totals stand under the name.
    Raises SpecError where the picture would have more than `largest` boxes.
    """
    # A dense block only widens from one iteration to the next: papers draw it once too.
    picture = arrange(graph, folded(graph, "sizes") if fold else unfold(graph), depth)
    count = len(picture.boxes)
    if count > largest:
        message = f"the diagram of {graph.name} would have {count:,} boxes, the limit is {largest:,}"
        raise SpecError((Diagnostic("A614", message, help="--depth 0 or --depth 1 closes the inner frames"),))
    text: str = _Drawing(graph, analysis, picture, rankdir).dot.source
    return text


class _Drawing:
    """One picture, written into a Digraph."""

    def __init__(self, graph: Graph, analysis: Analysis | None, picture: Picture, rankdir: Direction) -> None:
        self.graph, self.nodes, self.picture = graph, graph.nodes, picture
        self.sideways = rankdir in ("LR", "RL")
        self.last_copy = list(range(len(graph.nodes)))  # of a layer that stands for several, the last
        for index, shown in enumerate(picture.shown):
            self.last_copy[shown] = index
        self.frame_of: dict[str, str] = {}  # the innermost frame of each box, "" for none
        self.dot = Digraph(graph.name)
        self.dot.attr("graph", rankdir=rankdir, label=self.title(analysis), labelloc="t", newrank="true")
        self.dot.attr("graph", fontname=_FONT, fontcolor=_INK, nodesep="0.25", ranksep="0.25", pad="0.2")
        self.dot.attr("node", shape="plain", fontname=_FONT, fontsize="11", fontcolor=_INK, color=_LINE)
        self.dot.attr("edge", fontname=_FONT, fontsize="9", fontcolor=_QUIET, color=_LINE, arrowsize="0.6")
        self.fill(self.dot, picture.root, 0)
        for number, output in enumerate(graph.outputs):
            self.end(self.dot, f"o{number}", output.name, by(self.nodes[output.node].shape))
        self.edges()

    def title(self, analysis: Analysis | None) -> str:
        rows = f'<TR><TD><FONT POINT-SIZE="16"><B>{_text(self.graph.name)}</B></FONT></TD></TR>'
        if analysis is not None:
            facts = f"{analysis.totals.params:,} parameters, {_si(analysis.totals.macs)} MACs"
            rows += f'<TR><TD><FONT POINT-SIZE="11" COLOR="{_QUIET}">{facts}</FONT></TD></TR><TR><TD> </TD></TR>'
        return f"<{_PLAIN}{rows}</TABLE>>"

    # ------------------------------------------------------------ boxes

    def fill(self, into: Digraph, cluster: Cluster, level: int) -> str:
        """Writes the boxes and frames of one frame and gives the name of the first, of a frame that of its title.

        A title is a node beside the first box, where no edge crosses it; Graphviz writes a frame's own label over them.
        """
        names: list[str] = []
        for item in cluster.items:
            if isinstance(item, Box):
                self.box(into, item, cluster.group.path)
                self.frame_of[item.name] = cluster.name
                names.append(item.name)
                continue
            group, title = item.group, f"t{item.name}"
            with into.subgraph(name=f"cluster_{item.name}") as frame:
                frame.attr(style="rounded,filled", color="#bdbdbd", fillcolor=("#f6f6f6", "#ececec")[level % 2])
                frame.attr(label="", margin="6", penwidth="2" if group.count > 1 else "1", tooltip=literal(group.label))
                frame.node(title, _heading(group, cluster.group.path))
                first = self.fill(frame, item, level + 1)
            with self.dot.subgraph() as row:
                row.attr(rank="same")
                row.edge(title, first, style="invis")
            names.append(title)
        return names[0]

    def box(self, into: Digraph, box: Box, prefix: str) -> None:
        if box.closed is not None:
            look = {"shape": "box", "style": "rounded,filled", "fillcolor": "#e4e4e4", "color": _LINE}
            into.node(box.name, _heading(box.closed, prefix), tooltip=literal(box.closed.label), **look)
            return
        first = self.nodes[box.layers[0]]
        tip = literal("\n".join(f"{self.nodes[i].path}: {by(self.nodes[i].shape)}" for i in box.layers))
        if not first.inputs:
            self.end(into, box.name, first.path, by(first.shape))
        elif len(box.layers) == 1 and len(first.inputs) > 1:
            # A join: a sign in a small circle, or a word in a flat bar.
            text = caption(first.op)
            sign = {"shape": "circle", "width": "0.24", "fixedsize": "true"}
            look = sign if len(text) == 1 else {"shape": "box", "width": "0.9", "height": "0.22"}
            style = "filled" if len(text) == 1 else "rounded,filled"
            fill = first.op.style.fill
            into.node(box.name, f"<{_text(text)}>", style=style, fillcolor=fill, margin="0.05,0", tooltip=tip, **look)
        else:
            cells = [self.cell(i) for i in box.layers]
            # Side by side across the flow; behind a join along it, so that what it joins meets it and not the rest.
            along = self.sideways != (len(first.inputs) > 1)
            rows = "".join(f"<TR>{cell}</TR>" for cell in cells) if along else f"<TR>{''.join(cells)}</TR>"
            into.node(box.name, f"<{_PLAIN}{rows}</TABLE>>", tooltip=tip)

    def cell(self, index: int) -> str:
        """A layer in a box of several; a join's sign in a circle."""
        op = self.nodes[index].op
        text = caption(op)
        if len(self.nodes[index].inputs) < 2 or len(text) > 1:
            port = ' PORT="j"' if len(self.nodes[index].inputs) > 1 else ""
            return f'<TD{port} BORDER="1" CELLPADDING="4" BGCOLOR="{op.style.fill}">{_text(text)}</TD>'
        table = _PLAIN.replace('BORDER="0"', f'STYLE="ROUNDED" BGCOLOR="{op.style.fill}" BORDER="1"', 1)
        return (
            f'<TD PORT="j">{table}<TR><TD FIXEDSIZE="TRUE" WIDTH="18" HEIGHT="18">{_text(text)}</TD></TR></TABLE></TD>'
        )

    def end(self, into: Digraph, name: str, title: str, shape: str) -> None:
        """An input or an output."""
        label = f'<{_text(title)}<BR/><FONT POINT-SIZE="9" COLOR="{_QUIET}">{shape}</FONT>>'
        into.node(name, label, shape="box", style="rounded", height="0.36", margin="0.12,0.05")

    # ------------------------------------------------------------ edges

    def edges(self) -> None:
        """Every edge between two boxes once."""
        wires = self.wires()
        labels = self.labels(wires)
        level, way = levels(list(wires), self.frame_of), trunk(list(wires))
        leaving, entering = Counter(tail for tail, _ in wires), Counter(head for _, head in wires)
        for (tail, head), (source, index) in wires.items():
            # Every box has its level, so that branches of different lengths stand in rows; the trunk is straight, and
            # within a branch the way on nearly so.
            look = {"minlen": str(level[head] - level[tail])}
            if (tail, head) in way:
                look["weight"] = "200"
            elif leaving[tail] == entering[head] == 1:
                look["weight"] = "20"
            if (tail, head) in labels:
                look["label"] = f"  {labels[tail, head]}"
            if index is not None and self.is_shortcut(source, index):
                look["style"] = "dashed"
            self.dot.edge(tail, self.port(head, index), **look)

    def port(self, head: str, index: int | None) -> str:
        """The end of an edge: a box, or in a box of several layers the join that is meant."""
        if index is None or len(self.nodes[index].inputs) < 2 or len(self.picture.box_of[index].layers) == 1:
            return head
        return f"{head}:j"

    def wires(self) -> dict[tuple[str, str], tuple[int, int | None]]:
        """The edges between boxes, in the order of their heads, with the nodes that they join (None: an output)."""
        box_of, shown = self.picture.box_of, self.picture.shown
        wires: dict[tuple[str, str], tuple[int, int | None]] = {}
        for index, node in enumerate(self.nodes):
            for source in node.inputs:
                tail, head = box_of[source].name, box_of[index].name
                if shown[index] == index and tail != head:
                    wires.setdefault((tail, head), (source, index))
        for number, output in enumerate(self.graph.outputs):
            wires[box_of[output.node].name, f"o{number}"] = (output.node, None)
        return wires

    def labels(self, wires: dict[tuple[str, str], tuple[int, int | None]]) -> dict[tuple[str, str], str]:
        """The shapes to write: each where it first differs from what stands on the way to its box."""
        known = {box.name: {self.shape(i)} for i, box in self.picture.box_of.items() if not self.nodes[i].inputs}
        labels: dict[tuple[str, str], str] = {}
        for (tail, head), (source, index) in wires.items():
            shape = self.shape(source)
            # An output's node states its shape; the equal streams of a sum are told after it.
            silent = index is None or self.is_sum(index)
            if shape not in known[tail] and not silent:
                labels[tail, head] = shape
                known[tail] = {shape}
            known.setdefault(head, set()).update(known[tail])
        return labels

    def shape(self, index: int) -> str:
        """The shape of a layer's output; of one that stands for several, growing channels as first..last."""
        shape, last = self.nodes[index].shape, self.nodes[self.last_copy[index]].shape
        return by(shape) if shape == last else f"{shape[0]}..{by(last)}"

    def is_sum(self, index: int) -> bool:
        """Whether a layer joins streams of one shape into that shape."""
        node = self.nodes[index]
        return len(node.inputs) > 1 and {*self.graph.shapes_into(node)} == {node.shape}

    def is_shortcut(self, source: int, index: int) -> bool:
        """Whether an edge belongs to the projection around a residual branch, which papers draw dashed."""
        frames = self.nodes[source].scope[-1:] + self.nodes[index].scope[-1:]
        return any(frame.kind == "branch" and frame.name == "shortcut" for frame in frames)


# ---------------------------------------------------------------- words


def _heading(group: Group, prefix: str) -> str:
    """What stands in a frame's corner: what it is, how often it stands there, and its path below `prefix`."""
    shared = [frame for frame in group.frames if frame.kind == "shared"]
    what = group.block.definition if group.block else shared[-1].name if shared else ""
    count = f"x{group.count}" if group.count > 1 else ""
    lines = [f"<B>{_text(' '.join(filter(None, (what, count))))}</B>"] if what or count else []
    name = group.label.removeprefix(f"{prefix}.") if prefix else group.label
    if name != what and any(map(tells, group.frames)):
        name += ", same weights" if shared and shared[-1].index else ""
        lines.append(f'<FONT POINT-SIZE="9" COLOR="{_QUIET}">{_text(name)}</FONT>')
    return "<" + "".join(f'{line}<BR ALIGN="LEFT"/>' for line in lines) + ">"


def _text(text: str) -> str:
    """Text for a label that Graphviz reads as HTML."""
    return escape(text, quote=False)


def _si(count: int) -> str:
    """A count with three digits and its decimal prefix: 4.09 G."""
    for size, prefix in ((10**12, "T"), (10**9, "G"), (10**6, "M"), (10**3, "k")):
        if count >= size:
            return f"{count / size:.3g} {prefix}"
    return str(count)
