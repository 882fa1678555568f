"""A network as an ONNX model, written straight from the cards: nothing is traced and no framework is needed."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Mapping, Sequence
from math import prod
from pathlib import Path
from typing import Any, BinaryIO

import onnx
from onnx import NodeProto, TensorProto, checker, defs, helper

from archspec import __version__
from archspec.analyze import Analysis
from archspec.emit.names import owned_weights, weight_key
from archspec.emit.onnx_types import assemble, type_values
from archspec.emit.weight_files import check_names, float_array
from archspec.files import whole
from archspec.graph import Graph, Node
from archspec.op import Onnx, Weight
from archspec.ops.input import Input
from archspec.source import Diagnostic, SpecError

OPSETS = range(18, 27)  # older ones lack operators that several cards use; onnxruntime 1.31 refuses newer ones
OPSET = 20  # what torch.onnx itself writes
ONE_FILE = 1_800_000_000  # bytes of weights; a protobuf message ends at 2 GiB
COUNTING = (
    "params: trainable values, shared layers once; macs: multiply-accumulates of contractions, flops: 2 per mac and "
    "the per-element work of everything else, both for a batch of {batch}"
)
NAMESPACED = 21  # from this opset on the model format has metadata for nodes
PAGE = 4096  # arrays outside the model start on a page, so that they can be mapped

_Layout = dict[str, tuple[int, Weight]]


def emit_onnx(
    graph: Graph,
    weights: Mapping[str, Any],
    *,
    opset: int = OPSET,
    doc: str = "",
    metadata: Mapping[str, str] | None = None,
    location: str | None = None,
) -> onnx.ModelProto:
    """The network with its weights (float32 arrays by state_dict key) as an ONNX model; equal input gives equal bytes.

    Node names are node paths, initialisers have the keys of the state_dict, the batch is the open size `batch`.  With
    `location` the weights are left to a file of that name beside the model, which `save_onnx` writes.
    Raises SpecError for an opset that cannot express the network and for weights that do not fit.
    """
    newest = min(OPSETS[-1], defs.onnx_opset_version())
    if not OPSETS.start <= opset <= newest:
        message = f"ONNX models are written in opset {OPSETS.start} to {newest}, not {opset}"
        raise SpecError((Diagnostic("A733", message, help=f"the usual one is --opset {OPSET}"),))
    if location is None:
        check_names(graph, weights)
    layout = _layout(graph)
    lowered = _Lowering(graph, opset, layout)
    typed = [helper.make_tensor_value_info(key, TensorProto.FLOAT, weight.shape) for key, (_, weight) in layout.items()]
    infos = type_values(graph, lowered.nodes, lowered.values, typed, opset)
    inputs = [infos.pop(graph.nodes[i].path) for i in graph.inputs]
    outputs = [infos.pop(name) for name in lowered.outputs]
    model = assemble(lowered.nodes, [*inputs, *typed], outputs, opset, graph.name)
    model.graph.value_info.extend(infos.values())
    checker.check_model(model, full_check=True)  # weights that are inputs weigh nothing, and have the same types
    del model.graph.input[len(inputs) :]
    _hold(model, layout, weights, location)
    model.producer_name, model.producer_version = "archspec", __version__
    model.doc_string = doc or f"{graph.name}, written by archspec from its specification."
    helper.set_model_props(model, dict(sorted((metadata or {}).items())))
    return model


def describe(analysis: Analysis, spec: str = "") -> dict[str, str]:
    """The metadata of a model: its counts, what they mean, and the text of the spec with its hash."""
    totals = analysis.totals
    metadata = {f"archspec.{name}": str(getattr(totals, name)) for name in ("params", "buffers", "macs", "flops")}
    metadata |= {"archspec.net": analysis.graph.name, "archspec.counting": COUNTING.format(batch=analysis.batch)}
    if spec:
        metadata |= {"archspec.spec": spec, "archspec.spec_sha256": hashlib.sha256(spec.encode()).hexdigest()}
    return metadata


def save_onnx(
    graph: Graph,
    weights: Mapping[str, Any],
    path: str | Path,
    *,
    external: bool | None = None,
    spare: Iterable[str | Path] = (),
    **options: Any,
) -> tuple[Path, ...]:
    """Writes the model to `path`, and its weights beside it in `NAME.onnx.data` where one file cannot hold them.

    Returns the files written; they appear together or not at all.  `external` forces or forbids the second file,
    `spare` are files not to overwrite, `options` go to `emit_onnx`.
    """
    targets = onnx_files(graph, path, external)
    with whole(*targets, spare=spare) as drafts:
        fill_onnx(graph, weights, targets, drafts, **options)
    return targets


def onnx_files(graph: Graph, path: str | Path, external: bool | None = None) -> tuple[Path, ...]:
    """The files that a model takes: one, or a second one for its weights where one cannot hold them."""
    target = Path(path)
    if external is None:
        external = sum(4 * prod(weight.shape) for _, weight in owned_weights(graph).values()) > ONE_FILE
    return (target, target.with_name(f"{target.name}.data")) if external else (target,)


def fill_onnx(
    graph: Graph, weights: Mapping[str, Any], targets: Sequence[Path], drafts: Sequence[Path], **options: Any
) -> None:
    """Writes the model into drafts of its files, which refer to each other by their targets' names."""
    model = emit_onnx(graph, weights, location=targets[1].name if len(targets) > 1 else None, **options)
    if len(drafts) > 1:
        with open(drafts[1], "wb") as file:
            _write_arrays(graph, weights, file)
    drafts[0].write_bytes(model.SerializeToString(deterministic=True))


class _Lowering:
    """The graph as ONNX nodes: `values` are the names of the graph nodes' outputs, `outputs` those of the results."""

    def __init__(self, graph: Graph, opset: int, initialisers: Iterable[str]) -> None:
        self._graph, self._opset = graph, opset
        self._taken = {*initialisers, *(graph.nodes[i].path for i in graph.inputs)}
        self._named: set[str] = set()
        self._checked: set[tuple[str, int, tuple[str, ...]]] = set()
        self.outputs = [_fresh(output.name, self._taken) for output in graph.outputs]
        self.values: list[str] = []
        self.nodes: list[NodeProto] = []
        result = dict(reversed([(o.node, name) for o, name in zip(graph.outputs, self.outputs, strict=True)]))
        for index, node in enumerate(graph.nodes):
            if isinstance(node.op, Input):
                self.values.append(self._enter(node, node.op))
            else:
                self.values.append(result.get(index) or _fresh(node.path, self._taken))
                self._lower(node)
        for output, name in zip(graph.outputs, self.outputs, strict=True):
            if self.values[output.node] != name:  # an input, or a node that is two outputs
                self._add(Onnx("Identity"), [self.values[output.node]], [name], name)

    def _enter(self, node: Node, op: Input) -> str:
        """The value to compute with: half-precision data is widened, as the weights are float32."""
        if op.dtype not in ("float16", "bfloat16"):
            return node.path
        widened = _fresh(f"{node.path}.float32", self._taken)
        self._add(Onnx("Cast", attrs={"to": TensorProto.FLOAT}), [node.path], [widened], node.path)
        return widened

    def _lower(self, node: Node) -> None:
        shapes = self._graph.shapes_into(node)
        owner = node if node.shares is None else self._graph.nodes[node.shares]
        names = {str(i): self.values[source] for i, source in enumerate(node.inputs)}
        names |= {weight.name: weight_key(owner, weight) for weight in node.op.weights(*shapes)}
        names |= {"": "", "y": self.values[-1]}
        for record in node.op.onnx(*shapes):
            self._check(node, record)
            for output in record.outputs:
                if output not in names:
                    names[output] = _fresh(f"{node.path}.{output}", self._taken)
            name = node.path if "y" in record.outputs else f"{node.path}.{record.outputs[0]}"
            self._add(record, [names[i] for i in record.inputs], [names[o] for o in record.outputs], name)
            if self._opset >= NAMESPACED:  # as torch.onnx writes it; viewers group nodes by it
                steps = [f"{frame.path}: {frame.definition or frame.kind}" for frame in node.scope]
                namespace = "/".join((*steps, f"{node.path}: {node.op.name}"))
                self.nodes[-1].metadata_props.add(key="namespace", value=namespace)

    def _add(self, record: Onnx, inputs: list[str], outputs: list[str], name: str) -> None:
        self.nodes.append(helper.make_node(record.op, inputs, outputs, _fresh(name, self._named), **record.attrs))

    def _check(self, node: Node, record: Onnx) -> None:
        """Refuses an opset that lacks the operator, or had it with other inputs or attributes."""
        kind = record.op, len(record.inputs), tuple(record.attrs)
        if kind in self._checked:
            return
        self._checked.add(kind)
        fitting = [opset for opset in OPSETS if _knows(record, opset)]
        if self._opset not in fitting:
            message = f"{node.op.name} needs ONNX opset {fitting[0]} or newer, and {self._opset} was asked for"
            raise SpecError((Diagnostic("A733", message, node.span, help=f"use --opset {max(OPSET, fitting[0])}"),))


def _fresh(wish: str, taken: set[str]) -> str:
    """`wish`, or `wish_2` and so on where it is taken; marks it taken."""
    name, number = wish, 1
    while name in taken:
        number += 1
        name = f"{wish}_{number}"
    taken.add(name)
    return name


def _knows(record: Onnx, opset: int) -> bool:
    """Whether ONNX's own schema of that opset has the operator with these attributes and so many inputs."""
    if not defs.has(record.op, opset):
        return False
    schema = defs.get_schema(record.op, opset)
    return len(record.inputs) <= schema.max_input and set(record.attrs) <= set(schema.attributes)


def _layout(graph: Graph) -> _Layout:
    """Every array, and where it starts when they stand in a file of their own."""
    layout: _Layout = {}
    end = 0
    for key, (_, weight) in owned_weights(graph).items():
        layout[key] = end, weight
        end += -(-4 * prod(weight.shape) // PAGE) * PAGE
    return layout


def _hold(model: onnx.ModelProto, layout: _Layout, weights: Mapping[str, Any], location: str | None) -> None:
    """Adds every weight to the model, or where it stands in the file `location`."""
    for key, (start, weight) in layout.items():
        # Filled in place: appending a finished tensor would copy its data.
        tensor = model.graph.initializer.add(name=key, data_type=TensorProto.FLOAT, dims=weight.shape)
        if location is None:
            tensor.raw_data = float_array(weights, key, weight.shape).tobytes()
            continue
        tensor.data_location = TensorProto.EXTERNAL
        place = {"location": location, "offset": start, "length": 4 * prod(weight.shape)}
        for word, value in place.items():
            tensor.external_data.add(key=word, value=str(value))


def _write_arrays(graph: Graph, weights: Mapping[str, Any], file: BinaryIO) -> None:
    for key, (start, weight) in _layout(graph).items():
        file.seek(start)
        file.write(float_array(weights, key, weight.shape).data)
