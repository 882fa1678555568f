"""The ONNX model: valid, named as the network is, the same bytes every time, and what onnxruntime makes of it."""

from __future__ import annotations

import hashlib
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import onnx
import onnxruntime
import pytest
from onnx import TensorProto, checker, shape_inference

sys.path.insert(0, str(Path(__file__).parent))
from nets import Net
from op_cases import CASES

import archspec
from archspec.analyze import analyze
from archspec.emit import onnx_model
from archspec.emit.onnx_model import OPSETS, describe, emit_onnx, save_onnx
from archspec.graph import Graph
from archspec.source import SpecError
from archspec.weights import Draws, draw

QUIET = onnxruntime.SessionOptions()
QUIET.intra_op_num_threads = 1
QUIET.log_severity_level = 3


def run(model: onnx.ModelProto | str, **inputs: Any) -> list[np.ndarray]:
    source = model if isinstance(model, str) else model.SerializeToString()
    session = onnxruntime.InferenceSession(source, QUIET, providers=["CPUExecutionProvider"])
    results: list[np.ndarray] = session.run(None, inputs)
    return results


def noise(*shape: int, seed: int = 1) -> np.ndarray:
    return np.random.default_rng(seed).normal(0, 1, shape).astype(np.float32)


def dims(value: onnx.ValueInfoProto) -> tuple[int | str | None, ...]:
    return tuple(d.dim_value or d.dim_param or None for d in value.type.tensor_type.shape.dim)


def values(model: onnx.ModelProto) -> Iterator[onnx.ValueInfoProto]:
    yield from (*model.graph.input, *model.graph.value_info, *model.graph.output)


def residual() -> Net:
    net = Net("Residual")
    net("image", "INPUT", shape=(3, 16, 12))
    net("stem.conv1", "CONV", "image", channels=8, stride=2)
    net("stem.bn1", "BN", "stem.conv1")
    net("stem.relu1", "RELU", "stem.bn1")
    net("block.0.conv1", "CONV", "stem.relu1", channels=8, bias=False)
    net("block.0.add", "add", "block.0.conv1", "stem.relu1")
    net("block.0.l2norm1", "L2NORM", "block.0.add")
    net("gap1", "GAP", "block.0.l2norm1")
    net("fc1", "FC", "gap1", width=5)
    return net


def test_a_model_is_valid_and_named_as_the_network_is() -> None:
    graph = residual().graph()
    model = emit_onnx(graph, draw(graph, 0), doc="A residual block.", metadata=describe(analyze(graph)))
    checker.check_model(model, full_check=True)
    body = model.graph
    assert body.name == "Residual"
    assert [dims(value) for value in body.input] == [("batch", 3, 16, 12)]
    assert [value.name for value in body.input] == ["image"]
    assert [value.name for value in body.output] == ["output"]
    assert {node.path for node in graph.nodes if node.op.name != "INPUT"} <= {node.name for node in body.node}
    assert len({node.name for node in body.node}) == len(body.node)
    assert [tensor.name for tensor in body.initializer] == [*draw(graph, 0)]
    assert "stem.bn1.running_mean" in {tensor.name for tensor in body.initializer}
    assert (model.ir_version, model.opset_import[0].version) == (9, 20)
    assert (model.producer_name, model.doc_string) == ("archspec", "A residual block.")
    properties = {entry.key: entry.value for entry in model.metadata_props}
    stored = sum(int(np.prod(tensor.dims)) for tensor in body.initializer)
    assert int(properties["archspec.params"]) + int(properties["archspec.buffers"]) == stored
    assert "multiply-accumulates" in properties["archspec.counting"]


def test_the_spec_travels_with_its_hash() -> None:
    text = "INPUT(3x8x8) -> CONV(4) # größer\n"
    described = describe(analyze(residual().graph(), batch=3), text)
    assert described["archspec.spec"] == text and described["archspec.net"] == "Residual"
    assert described["archspec.spec_sha256"] == hashlib.sha256(text.encode()).hexdigest()
    assert "batch of 3" in described["archspec.counting"]


def test_every_value_has_the_type_that_onnx_infers() -> None:
    graph = residual().graph()
    model = emit_onnx(graph, draw(graph, 0))
    named = {value.name: value for value in values(model)}
    assert {name for node in model.graph.node for name in node.output} <= {*named}
    bare = onnx.ModelProto.FromString(model.SerializeToString())
    del bare.graph.value_info[:]
    for output in bare.graph.output:
        output.type.Clear()
    inferred = shape_inference.infer_shapes(bare, check_type=True, strict_mode=True, data_prop=True)
    for value in values(inferred):
        mine = named[value.name].type.tensor_type
        assert mine.elem_type == value.type.tensor_type.elem_type
        for own, found in zip(dims(named[value.name]), dims(value), strict=True):
            assert own == found or (isinstance(found, str) and found.startswith("unk__"))
    for node in graph.nodes:
        wanted = ("batch", *node.shape)
        assert dims(named["output" if node.path == "fc1" else node.path]) == wanted


def test_equal_input_gives_equal_bytes() -> None:
    first, second = residual().graph(), residual().graph()
    one = emit_onnx(first, draw(first, 3), metadata={"b": "2", "a": "1"}).SerializeToString(deterministic=True)
    other = emit_onnx(second, Draws(second, 3), metadata={"a": "1", "b": "2"}).SerializeToString(deterministic=True)
    assert one == other
    assert one != emit_onnx(first, draw(first, 4)).SerializeToString(deterministic=True)


def test_outputs_that_are_inputs_or_each_other_are_computed() -> None:
    net = Net()
    net("left", "INPUT", shape=(2, 4))
    net("right", "INPUT", shape=(2, 4))
    net("add1", "add", "left", "right")
    graph = net.graph(total="add1", again="add1", same="left")
    model = emit_onnx(graph, {})
    checker.check_model(model, full_check=True)
    x, y = noise(3, 2, 4), noise(3, 2, 4, seed=2)
    total, again, same = run(model, left=x, right=y)
    np.testing.assert_array_equal(total, x + y)
    np.testing.assert_array_equal(again, total)
    np.testing.assert_array_equal(same, x)
    assert [value.name for value in model.graph.output] == ["total", "again", "same"]


def test_names_that_meet_stay_apart() -> None:
    """An output called as an input, and a path that is another layer's weight or temporary."""
    net = Net()
    net("x", "INPUT", shape=(4, 6, 6))
    net("a", "CONV", "x", channels=4)
    net("a.weight", "RELU", "a")
    net("n", "SHUFFLE", "a.weight", groups=2)
    temporaries = emit_onnx(net.graph(), draw(net.graph(), 0))
    taken = next(node.output[0] for node in temporaries.graph.node if node.output[0].startswith("n."))
    net(taken, "TANH", "n")
    graph = net.graph(x="n", y=taken)
    model = emit_onnx(graph, draw(graph, 0))
    checker.check_model(model, full_check=True)
    defined = [tensor.name for tensor in model.graph.initializer] + [value.name for value in model.graph.input]
    defined += [name for node in model.graph.node for name in node.output]
    assert len(set(defined)) == len(defined)
    first, second = run(model, x=noise(2, 4, 6, 6))
    np.testing.assert_allclose(np.tanh(first), second, rtol=1e-5, atol=1e-6)


def test_a_shared_layer_is_stored_once() -> None:
    net = Net()
    net("x", "INPUT", shape=(4, 6, 6))
    net("tower.conv1", "CONV", "x", channels=4)
    net("tower.2.conv1", "CONV", "tower.conv1", channels=4, shares="tower.conv1")
    graph = net.graph()
    model = emit_onnx(graph, draw(graph, 0))
    assert [tensor.name for tensor in model.graph.initializer] == ["tower.conv1.weight", "tower.conv1.bias"]
    first, second = model.graph.node
    assert first.input[1:] == second.input[1:]
    run(model, x=noise(1, 4, 6, 6))


def test_half_precision_data_enters_and_indices_stay_whole() -> None:
    net = Net()
    net("x", "INPUT", shape=(2, 6), dtype="float16")
    net("conv1", "CONV", "x", channels=3)
    graph = net.graph()
    model = emit_onnx(graph, draw(graph, 0))
    assert model.graph.input[0].type.tensor_type.elem_type == TensorProto.FLOAT16
    x = noise(2, 2, 6).astype(np.float16)
    wide = Net()
    wide("x", "INPUT", shape=(2, 6))
    wide("conv1", "CONV", "x", channels=3)
    other = wide.graph()
    np.testing.assert_array_equal(run(model, x=x)[0], run(emit_onnx(other, draw(other, 0)), x=x.astype(np.float32))[0])


def test_a_type_that_onnx_refuses_is_told_at_its_layer() -> None:
    net = Net()
    net("x", "INPUT", shape=(2, 6), dtype="int64")
    net("stem.conv1", "CONV", "x", channels=3)
    graph = net.graph()
    with pytest.raises(SpecError) as error:
        emit_onnx(graph, draw(graph, 0))
    (diagnostic,) = error.value.diagnostics
    assert diagnostic.code == "A732" and "stem.conv1" in diagnostic.message and "int64" in diagnostic.message


# ---------------------------------------------------------------- open sizes


def strided(**symbols: Any) -> Graph:
    net = Net()
    net("x", "INPUT", shape=(3, 32, 32), **symbols)
    net("conv1", "CONV", "x", channels=4)
    net("conv2", "CONV", "conv1", channels=4, stride=2)
    net("up", "UPCONV", "conv2", channels=4)
    net("add1", "add", "up", "conv1")
    net("gap1", "GAP", "add1")
    net("fc1", "FC", "gap1", width=5)
    return net.graph(scores="fc1", map="add1", half="conv2")


def test_named_sizes_stay_open() -> None:
    graph = strided(symbols=("", "H", "W"))
    model = emit_onnx(graph, draw(graph, 0))
    checker.check_model(model, full_check=True)
    named = {value.name: dims(value) for value in values(model)}
    assert named["x"] == ("batch", 3, "H", "W")
    assert named["conv1"] == named["map"] == ("batch", 4, "H", "W")
    assert named["half"] == ("batch", 4, None, None)
    assert named["scores"] == ("batch", 5)
    closed = strided()
    assert dims(emit_onnx(closed, draw(closed, 0)).graph.output[2]) == ("batch", 4, 16, 16)
    scores, full, half = run(model, x=noise(3, 3, 20, 48))
    assert (scores.shape, full.shape, half.shape) == ((3, 5), (3, 4, 20, 48), (3, 4, 10, 24))


def test_one_name_is_one_size() -> None:
    graph = strided(symbols=("", "S", "S"))
    assert dims(emit_onnx(graph, draw(graph, 0)).graph.output[1]) == ("batch", 4, "S", "S")


@pytest.mark.parametrize(
    "layers, blamed",
    [
        ([("fc1", "FC", {"width": 5})], "fc1"),
        ([("conv1", "CONV", {"channels": 4}), ("out", "RESHAPE", {"shape": (16, 256)})], "out"),
        ([("ln1", "LN", {})], "ln1"),
    ],
)
def test_a_layer_made_for_one_size_cannot_leave_it_open(
    layers: list[tuple[str, str, dict[str, Any]]], blamed: str
) -> None:
    net = Net()
    last = net("x", "INPUT", shape=(3, 32, 32), symbols=("", "T", "T"))
    for path, op, arguments in layers:
        last = net(path, op, last, **arguments)
    graph = net.graph()
    with pytest.raises(SpecError) as error:
        emit_onnx(graph, draw(graph, 0))
    (diagnostic,) = error.value.diagnostics
    assert diagnostic.code == "A731"
    assert diagnostic.message.startswith(f"T cannot stay open in an ONNX model, because of {blamed}: ")
    assert diagnostic.help == "bind the size: -D T=..."


# ---------------------------------------------------------------- opsets


@pytest.mark.parametrize("opset", OPSETS)
def test_every_opset_gives_the_same_values(opset: int) -> None:
    graph = residual().graph()
    weights = draw(graph, 0, statistics=True)
    model = emit_onnx(graph, weights, opset=opset)
    checker.check_model(model, full_check=True)
    assert model.ir_version == {18: 8, 19: 9, 20: 9, 21: 10, 22: 10, 23: 11, 24: 12, 25: 13, 26: 13}[opset]
    x = noise(2, 3, 16, 12)
    np.testing.assert_allclose(run(model, image=x)[0], run(emit_onnx(graph, weights), image=x)[0], rtol=1e-5, atol=1e-6)


def test_nodes_say_where_they_stand() -> None:
    """As torch.onnx does, where the format has a place for it: IR version 10, which opset 21 brings."""
    model = archspec.load("resnet50").to_onnx(opset=21)
    namespaces = {node.name: {e.key: e.value for e in node.metadata_props}["namespace"] for node in model.graph.node}
    first = next(value for name, value in namespaces.items() if ".conv2" not in name and "bottleneck" in value.lower())
    assert first.split("/")[-1].endswith(": CONV") and ": Bottleneck/" in first
    assert not any(
        node.metadata_props for node in emit_onnx(residual().graph(), Draws(residual().graph(), 0)).graph.node
    )


@pytest.mark.parametrize("opset", [-1, 0, 17, 27, 1000])
def test_other_opsets_are_refused(opset: int) -> None:
    graph = residual().graph()
    with pytest.raises(SpecError) as error:
        emit_onnx(graph, draw(graph, 0), opset=opset)
    (diagnostic,) = error.value.diagnostics
    assert diagnostic.message == f"ONNX models are written in opset 18 to 26, not {opset}"
    assert "--opset 20" in diagnostic.help


def test_an_opset_without_the_operator_is_refused() -> None:
    net = Net()
    net("x", "INPUT", shape=(4,))
    net("gelu1", "GELU", "x")
    graph = net.graph()
    with pytest.raises(SpecError) as error:
        emit_onnx(graph, {}, opset=19)
    assert error.value.diagnostics[0].message == "GELU needs ONNX opset 20 or newer, and 19 was asked for"


@pytest.mark.slow
@pytest.mark.parametrize("case", [c for c in CASES if c.name != "INPUT"], ids=lambda c: c.name)
def test_every_operator_means_the_same_in_every_opset(case: Any) -> None:
    net, data = Net(), {}
    rng = np.random.default_rng(7)
    for i, shape in enumerate(case.shapes):
        dtype = case.dtypes[i] if i < len(case.dtypes) else "float32"
        net(f"x{i}", "INPUT", shape=tuple(shape), dtype=dtype)
        whole = rng.integers(0, case.top, (2, *shape))
        data[f"x{i}"] = whole if dtype == "int64" else rng.normal(0, 1, (2, *shape)).astype(np.float32)
    net("op", case.name, *data, **case.arguments)
    graph = net.graph()
    weights = draw(graph, 0, statistics=True)
    wanted = run(emit_onnx(graph, weights), **data)[0]
    for opset in OPSETS:
        try:
            model = emit_onnx(graph, weights, opset=opset)
        except SpecError as error:
            assert opset < 20 and error.diagnostics[0].code == "A733"
            continue
        np.testing.assert_allclose(run(model, **data)[0], wanted, rtol=1e-4, atol=1e-5)


# ---------------------------------------------------------------- files


def test_one_file_and_two_files_compute_the_same(tmp_path: Path) -> None:
    graph = residual().graph()
    weights = draw(graph, 0)
    assert save_onnx(graph, weights, tmp_path / "one.onnx") == (tmp_path / "one.onnx",)
    written = save_onnx(graph, Draws(graph, 0), tmp_path / "two.onnx", external=True)
    assert written == (tmp_path / "two.onnx", tmp_path / "two.onnx.data")
    assert sorted(path.name for path in tmp_path.iterdir()) == ["one.onnx", "two.onnx", "two.onnx.data"]
    for path in ("one.onnx", "two.onnx"):
        checker.check_model(str(tmp_path / path), full_check=True)
    loaded = onnx.load(tmp_path / "two.onnx")
    for tensor in loaded.graph.initializer:
        np.testing.assert_array_equal(onnx.numpy_helper.to_array(tensor), weights[tensor.name])
    x = noise(2, 3, 16, 12)
    one, two = (run(str(tmp_path / name), image=x)[0] for name in ("one.onnx", "two.onnx"))
    np.testing.assert_array_equal(one, two)


def test_large_weights_go_beside_the_model(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    graph = residual().graph()
    size = 4 * sum(array.size for array in draw(graph, 0).values())
    monkeypatch.setattr(onnx_model, "ONE_FILE", size)
    assert len(save_onnx(graph, Draws(graph, 0), tmp_path / "fits.onnx")) == 1
    monkeypatch.setattr(onnx_model, "ONE_FILE", size - 1)
    assert len(save_onnx(graph, Draws(graph, 0), tmp_path / "large.onnx")) == 2


@pytest.mark.parametrize("external", [False, True])
def test_a_failure_leaves_the_old_model(tmp_path: Path, external: bool) -> None:
    graph = residual().graph()
    save_onnx(graph, Draws(graph, 0), tmp_path / "net.onnx", external=external)
    before = {path.name: path.read_bytes() for path in tmp_path.iterdir()}

    class Broken(Draws):
        def __getitem__(self, key: str) -> Any:
            if key.startswith("fc1"):
                raise KeyboardInterrupt
            return super().__getitem__(key)

    with pytest.raises(KeyboardInterrupt):
        save_onnx(graph, Broken(graph, 1), tmp_path / "net.onnx", external=external)
    assert {path.name: path.read_bytes() for path in tmp_path.iterdir()} == before


def test_weights_that_do_not_fit_are_refused() -> None:
    graph = residual().graph()
    weights = draw(graph, 0)
    del weights["fc1.bias"]
    with pytest.raises(SpecError, match="fc1.bias"):
        emit_onnx(graph, weights)
