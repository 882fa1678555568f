"""Element type and sizes of every value of an ONNX graph: the cards' shapes, and ONNX's own inference between them."""

from __future__ import annotations

import re
from collections.abc import Sequence

import onnx
from onnx import NodeProto, TensorProto, ValueInfoProto, helper, shape_inference

from archspec.emit.open_sizes import Sizing, fixed, name_sizes, sizings
from archspec.graph import Graph, Node
from archspec.op import Shape
from archspec.ops.input import Input
from archspec.source import Diagnostic, SpecError

_ELEMENTS = {
    "float32": TensorProto.FLOAT,
    "float16": TensorProto.FLOAT16,
    "bfloat16": TensorProto.BFLOAT16,
    "int64": TensorProto.INT64,
    "int32": TensorProto.INT32,
    "int8": TensorProto.INT8,
    "bool": TensorProto.BOOL,
}
_Types = dict[str, tuple[int, Shape | None]]  # element type and, where ONNX can tell it, the shape


def type_values(
    graph: Graph,
    nodes: Sequence[NodeProto],
    values: Sequence[str],
    weights: Sequence[ValueInfoProto],
    opset: int,
) -> dict[str, ValueInfoProto]:
    """The type of every input and every value that a node computes; `values` are the names of the graph's own.

    Raises SpecError at the node that ONNX refuses.
    """
    choices = sizings(graph)
    runs = []
    for choice in choices:
        run = _infer(graph, nodes, choice, weights, opset)
        for index, value in enumerate(values):
            element, shape = run[value]
            if shape not in (None, choice.full(index)):
                raise _disagreed(graph.nodes[index], choice, f"ONNX infers {shape}, its card {choice.full(index)}")
            run[value] = element, choice.full(index)
        runs.append(run)
    described = {}
    for value, (element, _) in runs[0].items():
        across = [shape for run in runs if (shape := run[value][1]) is not None]
        dims = name_sizes(across, choices) if len(across) == len(runs) and len({*map(len, across)}) == 1 else None
        described[value] = helper.make_tensor_value_info(value, element, dims)
    return described


def assemble(
    nodes: Sequence[NodeProto],
    inputs: Sequence[ValueInfoProto],
    outputs: Sequence[ValueInfoProto],
    opset: int,
    name: str = "net",
) -> onnx.ModelProto:
    """A model of these parts, of the smallest IR version for its opset: runtimes refuse those newer than they are."""
    opsets = [helper.make_opsetid("", opset)]
    body = helper.make_graph(nodes, name, inputs, outputs)
    return helper.make_model(body, opset_imports=opsets, ir_version=helper.find_min_ir_version_for(opsets))


def _infer(
    graph: Graph, nodes: Sequence[NodeProto], choice: Sizing, weights: Sequence[ValueInfoProto], opset: int
) -> _Types:
    """Types by ONNX's strict inference from inputs of known sizes."""
    types: _Types = {}
    for index in graph.inputs:
        node = graph.nodes[index]
        assert isinstance(node.op, Input)
        types[node.path] = _ELEMENTS[node.op.dtype], choice.full(index)
    inputs = [helper.make_tensor_value_info(name, *typed) for name, typed in types.items()]
    computed = [ValueInfoProto(name=name) for node in nodes for name in node.output]
    model = assemble(nodes, [*inputs, *weights], computed, opset)
    try:
        inferred = shape_inference.infer_shapes(model, check_type=True, strict_mode=True, data_prop=True)
    except shape_inference.InferenceError as error:
        raise _refused(graph, str(error), choice) from error
    for value in inferred.graph.output:
        tensor = value.type.tensor_type
        known = tensor.HasField("shape") and all(d.HasField("dim_value") for d in tensor.shape.dim)
        types[value.name] = tensor.elem_type, tuple(d.dim_value for d in tensor.shape.dim) if known else None
    return types


def _refused(graph: Graph, text: str, choice: Sizing) -> Exception:
    """ONNX's refusal, told at the node that it names."""
    match = re.search(r"node name: (.*?)\): (.*)", text, re.DOTALL)
    name, reason = match.groups() if match else (graph.name, text)
    node = next((n for n in graph.nodes if name == n.path or name.startswith(f"{n.path}.")), None)
    if node and choice.grown:
        return _disagreed(node, choice, reason)
    message = f"ONNX cannot compute {name}: {' '.join(reason.split())}"
    help = "check the dtype of the inputs: indices are int64, everything else float32"
    return SpecError((Diagnostic("A732", message, node.span if node else None, help=help),))


def _disagreed(node: Node, choice: Sizing, reason: str) -> Exception:
    """At sizes that are not the network's own its author has left too much open; at its own a card is wrong."""
    return fixed(node, choice.grown, reason) if choice.grown else AssertionError(f"{node.path}: {reason}")
