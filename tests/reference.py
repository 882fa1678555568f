"""133 networks as node lists, and how each becomes a graph of settled cards.

The lists were computed by an independent calculator and agree layer by layer with PyTorch's modules in shapes and
parameters; 26 of the nets agree with torchvision's and timm's to the last parameter and multiply-accumulate.  A node is
`[name, op, inputs, attributes, output shape, params, macs, field]`, attributes that are defaults left out; `field` is
`[jump, first, last]` of output position 0 (per axis where axes differ), null where it depends on the phase.
"""

from __future__ import annotations

import json
from functools import cache
from pathlib import Path
from typing import Any, NamedTuple

from archspec.graph import Graph, Node, Output
from archspec.op import Op, lookup
from archspec.source import Source, Span

DATA = Path(__file__).parent / "data" / "reference_graphs.json"
Shape = tuple[int, ...]


class Layer(NamedTuple):
    """One row of a reference list."""

    name: str
    op: str
    inputs: tuple[int, ...]
    attributes: dict[str, Any]
    shape: Shape
    params: int
    macs: int
    field: tuple[tuple[int, int, int], ...] | None  # per axis: jump, first, last


@cache
def networks() -> dict[str, tuple[Layer, ...]]:
    """The rows of every network, by its name."""
    return {
        net["name"]: tuple(_layer(net["nodes"][0][4], *row) for row in net["nodes"])
        for net in json.loads(DATA.read_text(encoding="utf-8"))
    }


def _layer(
    entry: list[int], name: str, op: str, inputs: list[int], attributes: dict[str, Any], shape: list[int], params: int,
    macs: int, field: list[Any] | None,
) -> Layer:  # fmt: skip
    rank = len(entry) - 1
    if field is not None and field and isinstance(field[0], int):
        field = [field] * rank
    axes = None if field is None else tuple((jump, first, last) for jump, first, last in field)
    return Layer(name, op, tuple(inputs), attributes, tuple(shape), params, macs, axes)


def graph(name: str, *, global_pools: bool = False) -> tuple[Graph, dict[int, int]]:
    """A network as a graph, and the node that stands for each row.  With `global_pools` an average pool over the whole
    map is GAP, otherwise a window like any other."""
    layers = networks()[name]
    nodes: list[Node] = []
    place: dict[int, int] = {}
    text = Source(name, "\n".join(layer.name for layer in layers))
    for row, layer in enumerate(layers):
        if _sums_with_weights(layers, row):  # a weighted sum is two rows: the sum, then its weights
            place[row] = place[row - 1]
            continue
        inputs = tuple(place[i] for i in layer.inputs)
        shapes = tuple(nodes[i].shape for i in inputs)
        weighted = row + 1 < len(layers) and _sums_with_weights(layers, row + 1)
        whole = global_pools and layer.attributes.get("kind") == "avg" and _covers(layer, shapes[0])
        op = _card("wsum") if weighted else _card("GAP") if whole else card(layer, shapes)
        settled = op.settle(*shapes)
        start = text._line_starts[row]
        span = Span(text, start, start + len(layer.name))
        place[row] = len(nodes)
        path = f"{layer.name.replace('/', '.')}_{row}"
        nodes.append(Node(path=path, op=settled, inputs=inputs, shape=settled.infer(*shapes), scope=(), span=span))
    used = {i for node in nodes for i in node.inputs}
    ends = [i for i in range(len(nodes)) if i not in used]
    outputs = tuple(Output(name=nodes[i].path, node=i) for i in reversed(ends))
    return Graph(name=name, nodes=tuple(nodes), outputs=outputs), place


def _covers(layer: Layer, x: Shape) -> bool:
    """Whether a pool is one window over the whole map."""
    return _sizes(layer.attributes["k"]) * (len(x) - 1) == x[1:] or tuple(_sizes(layer.attributes["k"])) == x[1:]


def _sums_with_weights(layers: tuple[Layer, ...], row: int) -> bool:
    """Whether a row holds the weights of the sum before it, one per summand (RandWire)."""
    layer = layers[row]
    if layer.op != "scale" or not layer.params or layer.inputs != (row - 1,):
        return False
    return layers[row - 1].op == "add" and layer.params == len(layers[row - 1].inputs)


def _card(name: str, **arguments: Any) -> Op:
    made = lookup(name)
    assert made is not None, name
    return made(**arguments)


def card(layer: Layer, shapes: tuple[Shape, ...]) -> Op:
    """The operator of a row."""
    build = globals()[f"_{layer.op}"]
    made: Op = build(layer, *shapes)
    return made


def _sizes(value: int | list[int]) -> tuple[int, ...]:
    return (value,) if isinstance(value, int) else tuple(value)


def _pad(value: Any) -> Any:
    return value if isinstance(value, int) else tuple(p if isinstance(p, int) else tuple(p) for p in value)


def _window(attributes: dict[str, Any]) -> dict[str, Any]:
    return {
        "kernel": _sizes(attributes["k"]),
        "stride": _sizes(attributes.get("s", 1)),
        "pad": _pad(attributes.get("p", 0)),
    }


def _input(layer: Layer) -> Op:
    return _card("INPUT", shape=layer.shape)


def _conv(layer: Layer, x: Shape) -> Op:
    a = layer.attributes
    shared = _window(a) | {"dilation": _sizes(a.get("d", 1)), "bias": a.get("b", True)}
    groups = a.get("g", 1)
    if groups == x[0] > 1 and a["co"] % x[0] == 0:
        return _card("DWCONV", multiplier=a["co"] // x[0], **shared)
    return _card("CONV", channels=a["co"], groups=groups, **shared)


def _convT(layer: Layer, x: Shape) -> Op:
    a = layer.attributes
    return _card("UPCONV", channels=a["co"], bias=a.get("b", True), groups=a.get("g", 1), **_window(a))


def _local(layer: Layer, x: Shape) -> Op:
    a = layer.attributes
    return _card("LOCAL", channels=a["co"], **_window(a))


def _pool(layer: Layer, x: Shape) -> Op:
    a = layer.attributes
    name = {"max": "MAXPOOL", "avg": "AVGPOOL"}[a["kind"]]
    more = {"count_pad": a.get("cip", True)} if name == "AVGPOOL" else {}
    return _card(name, ceil=a.get("ceil", False), **_window(a), **more)


def _roipool(layer: Layer, x: Shape) -> Op:
    return _card("AMAXPOOL", size=_sizes(layer.attributes["size"]))  # of one region, the whole map


def _fc(layer: Layer, x: Shape) -> Op:
    return _card("FC", width=layer.attributes["co"], bias=layer.attributes.get("b", True))


def _bn(layer: Layer, x: Shape) -> Op:
    return _card("BN", gamma=layer.attributes.get("scale", True))


def _act(layer: Layer, x: Shape) -> Op:
    return _card({"relu": "RELU", "sigmoid": "SIGMOID", "tanh": "TANH", "leaky": "LRELU"}[layer.attributes["kind"]])


def _scale(layer: Layer, x: Shape) -> Op:
    """A constant factor, or one or two learned numbers per channel."""
    return _card("SCALE", learned=layer.params > 0, bias=layer.params == 2 * x[0])


def _lrn(layer: Layer, x: Shape) -> Op:
    return _card("LRN", n=layer.attributes["n"])


def _drop(layer: Layer, x: Shape) -> Op:
    return _card("DROPOUT")


def _flat(layer: Layer, x: Shape) -> Op:
    return _card("FLATTEN")


def _shuffle(layer: Layer, x: Shape) -> Op:
    return _card("SHUFFLE", groups=layer.attributes["g"])


def _chslice(layer: Layer, x: Shape) -> Op:
    return _card("SLICE", begin=layer.attributes["a"], end=layer.attributes["b"])


def _padch(layer: Layer, x: Shape) -> Op:
    return _card("ZEROPAD", channels=layer.attributes["co"], stride=_sizes(layer.attributes["s"]))


def _crop(layer: Layer, x: Shape) -> Op:
    begins, sizes = (_sizes(layer.attributes[name]) * 2 for name in ("off", "size"))
    sides = tuple((b, n - b - m) for b, m, n in zip(begins, sizes, x[1:], strict=False))
    return _card("CROP", sides=sides)


def _add(layer: Layer, *xs: Shape) -> Op:
    return _card("add")


def _cat(layer: Layer, *xs: Shape) -> Op:
    return _card("concat")


def _gate(layer: Layer, *xs: Shape) -> Op:
    return _card("mul")
