"""The fully convolutional twin: the same on the network's own input, and its answers on every crop of a larger one."""

from __future__ import annotations

import json
from pathlib import Path

import onnxruntime
import pytest
import torch

import archspec
from archspec.emit.onnx_model import save_onnx
from archspec.emit.torch_source import load_weights
from archspec.model import Model
from archspec.rewrite import FullyConvolutional
from archspec.source import SpecError
from archspec.weights import draw

ALEXNET = """\
net A {
  input 3x67x67
  INPUT -> CONV(6, 11x11, stride=4, pad=0) -> RELU -> LRN -> MAXPOOL(3x3, stride=2)
    -> CONV(8, 3x3, pad=0, groups=2) -> BN -> RELU -> MAXPOOL(2x2, stride=2)
    -> FLATTEN -> RELU -> DROPOUT -> FC(12) -> RELU -> DROPOUT -> FC(12, bias=off) -> BN -> RELU -> FC(5) -> SOFTMAX
}
"""
SEQUENCE = "INPUT(4x30) -> CONV(6, 5, pad=0) -> POOL(2, stride=2) -> FC(7) -> TANH -> LINEAR(3)"
VOLUME = "INPUT(1x9x9x9) -> CONV(3, 3x3x3, pad=0) -> RELU -> FC(6) as a -> RELU -> FC(4)"


def pair(model: Model, shape: tuple[int, ...] | None = None) -> tuple[torch.nn.Module, torch.nn.Module]:
    """The network and its twin, with the same weights and statistics that are not 0 and 1."""
    weights = draw(model.graph, 3, statistics=True)
    twin = model.fc_to_conv(shape)
    mine, theirs = model.to_torch().eval(), twin.to_torch().eval()
    load_weights(mine, weights)
    load_weights(theirs, FullyConvolutional().weights(twin.graph, weights))
    return mine, theirs


def opened(text: str) -> Model:
    return archspec.load(text) if text.isidentifier() else archspec.loads(text)


@pytest.mark.parametrize("text", ["lenet5", ALEXNET, SEQUENCE, VOLUME, "resnet18"])
def test_equal_on_the_networks_own_input(text: str) -> None:
    model = opened(text)
    mine, theirs = pair(model)
    x = torch.randn(2, *model.graph.nodes[0].shape)
    with torch.no_grad():
        said, twin = mine(x), theirs(x)
    assert twin.shape[2:] == (1,) * (x.dim() - 2 if text != SEQUENCE else 1)
    torch.testing.assert_close(twin.flatten(1), said, atol=1e-4, rtol=1e-3)
    params = [m.analyze().totals.params for m in (model, model.fc_to_conv())]
    macs = [m.analyze().totals.macs for m in (model, model.fc_to_conv())]
    assert params[0] == params[1] and macs[0] == macs[1]


@pytest.mark.parametrize(
    ("text", "stride", "more"),
    [("lenet5", 4, (2, 1)), (ALEXNET, 16, (2, 3)), (SEQUENCE, 2, (4,)), (VOLUME, 1, (1, 2, 0))],
)
def test_every_place_of_the_map_is_the_network_on_its_crop(text: str, stride: int, more: tuple[int, ...]) -> None:
    model = opened(text)
    channels, *sizes = model.graph.nodes[0].shape
    shape = (channels, *(n + stride * m for n, m in zip(sizes, more, strict=True)))
    mine, theirs = pair(model, shape)
    x = torch.randn(1, *shape)
    with torch.no_grad():
        heat = theirs(x)[0]
        assert heat.shape[1:] == tuple(m + 1 for m in more)
        for place in torch.cartesian_prod(*(torch.arange(m + 1) for m in more)).reshape(-1, len(more)).tolist():
            crop = x
            for axis, (at, n) in enumerate(zip(place, sizes, strict=True)):
                crop = crop.narrow(axis + 2, at * stride, n)
            torch.testing.assert_close(heat[(slice(None), *place)], mine(crop)[0], atol=1e-5, rtol=1e-4)


def test_onnxruntime_agrees(tmp_path: Path) -> None:
    model = archspec.loads(ALEXNET)
    twin = model.fc_to_conv((3, 99, 83))
    weights = draw(model.graph, 3, statistics=True)
    save_onnx(twin.graph, FullyConvolutional().weights(twin.graph, weights), tmp_path / "twin.onnx")
    session = onnxruntime.InferenceSession(str(tmp_path / "twin.onnx"), providers=["CPUExecutionProvider"])
    x = torch.randn(1, 3, 99, 83)
    (found,) = session.run(None, {session.get_inputs()[0].name: x.numpy()})
    with torch.no_grad():
        wanted = pair(model, (3, 99, 83))[1](x)
    assert found.shape == (1, 5, 3, 2)
    torch.testing.assert_close(torch.from_numpy(found), wanted, atol=1e-5, rtol=1e-4)


def test_the_papers_fcn() -> None:
    """VGG-16 as FCN-32s reads it: 7x7x512x4096 and two 1x1 convolutions; each place a step of 32 (Long et al. 2015)."""
    twin = archspec.load("vgg16").fc_to_conv((3, 416, 416))
    shapes = [
        node.op.weights(*twin.graph.shapes_into(node))[0].shape for node in twin.graph.nodes[-7:] if "fc" in node.path
    ]
    assert shapes == [(4096, 512, 7, 7), (4096, 4096, 1, 1), (1000, 4096, 1, 1)]
    analysis = twin.analyze()
    assert twin.graph.nodes[-1].shape == (1000, 7, 7) and analysis.totals.params == 138_357_544
    assert analysis.totals.field is not None and [axis.stride for axis in analysis.totals.field.axes] == [32, 32]
    assert analysis.totals.field.axes[0].size == 404  # fc6 in Long et al.'s table


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("INPUT(20) -> FC(10)", "no FC layer reads a map"),
        ("INPUT(3x8x8) -> FLATTEN -> BN -> FC(10)", "BN reads a flattened map"),
        ("INPUT(3x8x8) -> FLATTEN -> SOFTMAX -> FC(10)", "SOFTMAX reads a flattened map"),
        ("INPUT(3x8x8) -> FC(12) -> LN -> FC(4)", "LN has a weight for every position"),
    ],
)
def test_what_has_no_twin(text: str, said: str) -> None:
    with pytest.raises(SpecError) as raised:
        archspec.loads(text).fc_to_conv()
    (found,) = raised.value.diagnostics
    assert found.code == "A751" and said in found.message


def test_a_layout_of_the_vector_that_only_its_own_size_has() -> None:
    model = archspec.loads("INPUT(3x8x8) -> FC(12) -> RESHAPE(3x2x2) -> CONV(4)")
    assert model.fc_to_conv().graph.nodes[-1].shape == (4, 2, 2)
    with pytest.raises(SpecError) as raised:
        model.fc_to_conv((3, 9, 9))
    assert raised.value.diagnostics[0].code == "A752"


@pytest.mark.parametrize("shape", [(3, 28, 28), (1, 28), (1, 8, 8)])
def test_what_cannot_be_the_input(shape: tuple[int, ...]) -> None:
    with pytest.raises(SpecError) as raised:
        archspec.load("lenet5").fc_to_conv(shape)
    assert raised.value.diagnostics[0].code == "A752"


def test_the_option(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    from archspec.__main__ import main

    assert main(["analyze", "vgg16", "--fc-to-conv", "--input", "3x500x500", "--format", "csv"]) == 0
    assert "1000x9x9" in capsys.readouterr().out  # (500/32 = 15) - 7 + 1
    assert main(["compile", "lenet5", "--fc-to-conv", "-o", str(tmp_path / "net.py")]) == 0
    assert "nn.Linear" not in (tmp_path / "net.py").read_text()
    assert main(["analyze", "lenet5", "--input", "1x64x64"]) == 2
    assert main(["analyze", "lenet5", "--fc-to-conv", "--input", "1x0x64"]) == 2
    assert main(["verify", "lenet5", "--fc-to-conv", "--input", "1x40x40"]) == 0


def test_the_command_analyses_the_twin_or_writes_it(tmp_path: Path) -> None:
    from archspec.__main__ import main

    assert main(["rewrite", "--fc-to-conv", "lenet5", "--input", "1x64x64"]) == 0
    assert main(["rewrite", "lenet5", "--fc-to-conv", "-o", str(tmp_path / "twin.json")]) == 0
    layers = json.loads((tmp_path / "twin.json").read_text())["layers"]
    assert not any(layer["op"] == "FC" for layer in layers)
    assert main(["rewrite", "lenet5"]) == 2


def test_an_input_where_there_are_several() -> None:
    text = "input a: 1x8x8\ninput b: 1x8x8\nadd[@a -> FC(4) | @b -> FC(4)]"
    with pytest.raises(SpecError) as raised:
        archspec.loads(text).fc_to_conv((1, 9, 9))
    (found,) = raised.value.diagnostics
    assert "several inputs" in found.message and "drop --input" in found.help
