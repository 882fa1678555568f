"""Rules of thumb about layers, their neighbours and their widths."""

from __future__ import annotations

from collections.abc import Iterator

from archspec.analyze import Analysis
from archspec.graph import Graph, Node
from archspec.lint.note import note, readers, strides, windows
from archspec.source import Diagnostic

_MOST_CONVS = 3  # of the blueprint's N
_MOST_FC = 2  # of its K: FC layers before the last
_SILENT = ("DROPOUT", "SPATIALDROPOUT", "FLATTEN", "ID")  # what is no operation at inference
_MATRICES = ("CONV", "FC", "LINEAR")
_ACTIVATIONS = (
    *("RELU", "RELU6", "LRELU", "PRELU", "ELU", "SELU", "GELU", "SILU", "MISH", "SOFTPLUS", "SIGMOID", "HSIGMOID"),
    *("HSWISH", "TANH", "SIGN", "SOFTMAX", "LOGSOFTMAX"),
)


def biases_before_norms(analysis: Analysis) -> Iterator[Diagnostic]:
    """A bias whose only reader subtracts the mean."""
    graph = analysis.graph
    heard = readers(graph)
    for node in graph.nodes:
        if node.op.name != "BN" or len(heard[node.inputs[0]]) > 1:
            continue
        before = graph.nodes[node.inputs[0]]
        weights = before.op.weights(*graph.shapes_into(before))
        if analysis.rows[node.inputs[0]].macs and any(weight.name == "bias" for weight in weights):
            message = f"{before.op.name} has a bias that the batch normalisation behind it takes away again"
            yield note("N404", message, before, "bias=off: the normalisation's own shift does its work")


def dropout_before_norms(analysis: Analysis) -> Iterator[Diagnostic]:
    """Dropout whose output reaches a batch normalisation."""
    graph = analysis.graph
    normed: list[bool] = [False] * len(graph.nodes)
    heard = readers(graph)
    for index in reversed(range(len(graph.nodes))):
        normed[index] = any(graph.nodes[i].op.name == "BN" or normed[i] for i in heard[index])
        node = graph.nodes[index]
        if node.op.name in ("DROPOUT", "SPATIALDROPOUT") and normed[index]:
            message = f"a batch normalisation follows {node.op.name}: its running variance is that of training alone"
            yield note("N405", message, node, "put the dropout behind the last normalisation")


def weights_in_fc(analysis: Analysis) -> Iterator[Diagnostic]:
    """Fully connected layers over a flattened map that hold more than half of a convolutional network's parameters,
    with those behind them."""
    graph, rows = analysis.graph, analysis.rows
    convolves, flat = list[bool](), list[bool]()
    for node, row in zip(graph.nodes, rows, strict=True):
        xs = graph.shapes_into(node)
        convolves.append(bool(row.macs and windows(graph, node)) or any(convolves[i] for i in node.inputs))
        opens = node.op.name == "FC" and max(xs[0][1:], default=1) > 1 and convolves[node.inputs[0]]
        flat.append(opens or any(flat[i] for i in node.inputs))
    held = [i for i, node in enumerate(graph.nodes) if node.op.name == "FC" and flat[i]]
    params = sum(rows[i].params for i in held)
    if 2 * params > analysis.totals.params:
        share = f"{params:,} of {analysis.totals.params:,}, {params / analysis.totals.params:.1%}"
        message = "the fully connected layers hold most of the parameters"
        largest = graph.nodes[max(held, key=lambda i: rows[i].params)]
        yield note("N407", message, largest, "GAP before the last FC needs none of the wide ones", share)


def counts_beyond_the_blueprint(analysis: Analysis) -> Iterator[Diagnostic]:
    """More convolutions between two pools, or more FC layers before the last, than
    INPUT -> [[CONV]*N -> POOL]*M -> [FC]*K usually has; of chains with pools alone."""
    graph = analysis.graph
    pools = any(node.op.name.endswith("POOL") for node in graph.nodes)
    if not pools or any(len(node.inputs) > 1 for node in graph.nodes) or any(len(r) > 1 for r in readers(graph)):
        return
    run = 0
    for node in graph.nodes:
        along = windows(graph, node)
        slides = node.op.name == "CONV" and any(w.kernel > 1 and w.dilation == 1 for w in along)
        run = slides + (0 if any(window.stride > 1 for window in along) else run)
        if slides and run == _MOST_CONVS + 1:
            message = f"more than {_MOST_CONVS} convolutions stand at one size of the map"
            yield note("N408", message, node, "a pool, or shortcuts around so many (res[...])")
    last = [node for node in graph.nodes if node.op.name == "FC" and node.shares is None]
    if len(last) > _MOST_FC + 1:
        message = f"{len(last) - 1} FC layers stand before the last, and {_MOST_FC} are usual at most"
        yield note("N408", message, last[_MOST_FC], "fewer: each is quadratic in its width")


def widths_that_fall(analysis: Analysis) -> Iterator[Diagnostic]:
    """A larger stride at which every layer is narrower than the map that shrank.

    Of strides with layers that slide, since a 1x1 convolution alone narrows a map on purpose, as in front of
    GoogLeNet's auxiliary classifiers; and of networks whose map never grows again, since a narrow middle is what
    autoencoders are for.
    """
    graph = analysis.graph
    stride, learned, layered = list[int](), list[bool](), list[bool]()  # layered: behind weights of its own stride
    entering: dict[int, int] = {}  # per stride the fewest learned channels that shrink to it
    width: dict[int, int] = {}  # and the most that its layers, or joins behind them, write
    first: dict[int, Node] = {}
    for node, row in zip(graph.nodes, analysis.rows, strict=True):
        here = max(strides(row.field.axes), default=1) if row.field and row.field.grid and not row.field.whole else 0
        if any(stride[i] > here > 0 for i in node.inputs):
            return
        for i in node.inputs:
            if 0 < stride[i] < here and learned[i]:
                entering[here] = min(entering.get(here, graph.nodes[i].shape[0]), graph.nodes[i].shape[0])
        learned.append(row.macs > 0 or any(learned[i] for i in node.inputs))
        layered.append(row.macs > 0 or any(layered[i] and stride[i] == here for i in node.inputs))
        stride.append(here)
        if layered[-1]:
            width[here] = max(width.get(here, 0), node.shape[0])
        if row.macs and any(window.kernel > 1 for window in windows(graph, node)):
            first.setdefault(here, node)
    for here, node in first.items():
        if width[here] < entering.get(here, 0):
            message = f"the map shrinks and so do its channels: {entering[here]} before, {width[here]} here"
            help = f"{2 * entering[here]} where each side is half as long keeps the work the same"
            yield note("N409", message, node, help)


def matrices_in_a_row(analysis: Analysis) -> Iterator[Diagnostic]:
    """A convolution or FC layer that reads another with no nonlinearity between.

    Unless that one is read elsewhere too, is narrower than both ends (a factorised matrix, a linear bottleneck), is
    grouped or flat (3x1, then 1x3), or smooths a join (a feature pyramid has no activations).
    """
    graph = analysis.graph
    heard = readers(graph)
    for node in graph.nodes:
        if node.op.name not in _MATRICES or not _mixes(graph, node):
            continue
        index = node.inputs[0]
        while graph.nodes[index].op.name in (*_SILENT, "BN") and len(heard[index]) == 1:
            index = graph.nodes[index].inputs[0]
        before = graph.nodes[index]
        if before.op.name not in _MATRICES or len(heard[index]) > 1 or not _mixes(graph, before):
            continue
        narrow = before.shape[0] < min(graph.shapes_into(before)[0][0], node.shape[0])
        smooths = len(graph.nodes[before.inputs[0]].inputs) > 1
        if not narrow and not smooths:
            message = f"{node.op.name} reads {before.op.name} with no activation between: the two are one linear map"
            help = f"{before.op.name}(..., act=RELU), or one of the two"
            yield note("N410", message, node, help, f"the other is {before.path}")


def _mixes(graph: Graph, node: Node) -> bool:
    """Whether every input channel reaches every output channel, by a window that is as wide along each axis."""
    return getattr(node.op, "groups", 1) == 1 and len({window.kernel for window in windows(graph, node)}) < 2


def activations_in_a_row(analysis: Analysis) -> Iterator[Diagnostic]:
    """An activation that reads an activation."""
    nodes = analysis.graph.nodes
    for node in nodes:
        if node.op.name not in _ACTIVATIONS:
            continue
        before = nodes[node.inputs[0]]
        while before.op.name in _SILENT:
            before = nodes[before.inputs[0]]
        if before.op.name in _ACTIVATIONS:
            message = f"{node.op.name} reads {before.op.name}: two activations with no weights between"
            yield note("N412", message, node, "one of the two", f"the other is {before.path}")


RULES = (
    biases_before_norms,
    dropout_before_norms,
    weights_in_fc,
    counts_beyond_the_blueprint,
    widths_that_fall,
    matrices_in_a_row,
    activations_in_a_row,
)
