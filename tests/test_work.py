"""Connections and neurons as published, and backward passes as PyTorch's flop counter sees them."""

from __future__ import annotations

import json
from typing import Any

import pytest
import torch
from torch.utils.flop_counter import FlopCounterMode

import archspec
from archspec.model import Model, loads
from archspec.optimizers import OPTIMIZERS


def test_lenet5_has_the_connections_of_its_paper() -> None:
    """LeCun et al. 1998: 340,908, of which 840 are the RBF layer's, which learns nothing and is not in the net."""
    model = archspec.load("LeNet5_1998")
    work = model.work()
    layers = [(model.graph.nodes[layer.node].shape, layer.connections) for layer in work.layers if layer.connections]
    assert layers == [
        ((6, 28, 28), 122_304),
        ((6, 14, 14), 5_880),
        ((16, 10, 10), 151_600),
        ((16, 5, 5), 2_000),
        ((120, 1, 1), 48_120),
        ((84,), 10_164),
    ]
    assert work.connections == 340_908 - 840


def test_alexnet_has_the_neurons_of_its_paper() -> None:
    """Krizhevsky et al. 2012 say 650,000; its caption's 253,440 for the first layer is a slip for 290,400."""
    model = archspec.load("AlexNet")
    work = model.work()
    assert [layer.neurons for layer in work.layers if layer.neurons] == [
        *(290_400, 186_624, 64_896, 64_896, 43_264),
        *(4096, 4096, 1000),
    ]
    assert work.neurons == 659_272


def counted(model: Model, batch: int) -> tuple[int, int]:
    """FLOPs of contractions, forward and backward, by PyTorch on tensors without data."""
    module = model.to_torch().to("meta").train()
    inputs = []
    for index in model.graph.inputs:
        node = model.graph.nodes[index]
        kind = torch.int64 if getattr(node.op, "dtype", "") == "int64" else torch.float32
        inputs.append(torch.empty(batch, *node.shape, device="meta", dtype=kind))
    with FlopCounterMode(display=False) as counter:
        outputs = module(*inputs)
        forward = counter.get_total_flops()
        torch.stack([y.sum() for y in (outputs if isinstance(outputs, tuple) else (outputs,))]).sum().backward()
    return forward, counter.get_total_flops() - forward


def contractions(model: Model, batch: int) -> int:
    """FLOPs of the backward pass that are contractions': what is left of every layer without its other work."""
    analysis, work = model.analyze(batch), model.work(batch)
    other = [row.flops - 2 * row.macs for row in analysis.rows]
    return sum(layer.backward - other[layer.node] for layer in work.layers if layer.backward)


ZOO = ["MLP", "LeNet5", "VGG16", "ResNet18", "ResNet50", "DenseNet121", "GoogLeNet", "UNet", "SqueezeNet"]
ZOO += ["SEResNet50", "HighwayMLP", "DeformableConvolution", "CoordConvPainter"]
TEXTS = [
    "INPUT(6x9) -> MHA(2) -> FC(3)",
    "INPUT(6x9) -> LINEAR(6) -> MHA(2, causal) -> LINEAR(4)",
    "INPUT(6x8x8) -> WMHA(2, window=4) -> FC(3)",
    "INPUT(6x8x8) -> CONV(6) -> WMHA(2, window=4, shift=2) -> FC(3)",
    "INPUT(3x8x8) -> RELU -> UPCONV(4) -> LOCAL(3) -> DEFCONV(4, modulated=on) -> FC(2)",
    "INPUT(3x8x8) -> BINCONV(4) -> DIRACCONV(4) -> FC(2)",
    "input a: 4x6\ninput b: 6x3\nmatmul[a | b] -> LINEAR(3)",
    "input a: 4x6\ninput b: 6x3\nmatmul[a -> LINEAR(4) | b] -> LINEAR(3)",
    "input a: 4x6\ninput b: 4x3\nattend(2)[a -> LINEAR(4) | b] -> LINEAR(3)",
    "input text: 9, dtype=int64\ntext -> EMBED(10, 4) -> LINEAR(3) -> FC(2)",
]


@pytest.mark.parametrize("spec", ZOO + TEXTS)
def test_the_backward_pass_is_pytorchs(spec: str) -> None:
    model = archspec.load(spec) if spec in ZOO else loads(spec)
    forward, backward = counted(model, 2)
    assert forward == 2 * model.analyze(2).totals.macs
    assert contractions(model, 2) == backward


def test_grouped_convolutions_count_once() -> None:
    """PyTorch's counter takes a grouped convolution's weight gradient for that of `groups` times the work."""
    model = loads("INPUT(8x6x6) -> CONV(8, 3x3, groups=4) -> FC(2)")
    macs = model.analyze().rows[1].macs
    assert counted(model, 1)[1] - contractions(model, 1) == 2 * macs * 3


def test_a_first_layer_does_without_the_gradient_of_its_input() -> None:
    model = loads("INPUT(3x8x8) -> CONV(4, bias=off) -> CONV(5, bias=off)")
    first, second = model.work().layers[1:]
    assert (first.forward, first.backward) == (2 * 64 * 4 * 27, 2 * 64 * 4 * 27)
    assert (second.forward, second.backward) == (2 * 64 * 5 * 36, 4 * 64 * 5 * 36)


@pytest.mark.parametrize(("name", "flops"), [("sgd", 2), ("momentum", 4), ("adam", 13), ("adamw", 14)])
def test_the_update_counts_what_its_rule_says(name: str, flops: int) -> None:
    """Signs of the rule as PyTorch computes it: what is the same for all parameters is counted by nobody."""
    work = archspec.load("LeNet5").work(optimizer=name)
    assert work.update == flops * 61_706 == OPTIMIZERS[name].flops * 61_706
    assert work.step == work.forward + work.backward + work.update


def test_shared_layers_work_and_connect_every_time() -> None:
    model = archspec.load("Siamese")
    work = model.work()
    again = [layer for layer in work.layers if model.graph.nodes[layer.node].shares is not None]
    assert sum(layer.connections for layer in again) > 0
    for layer in again:
        first = work.layers[model.graph.nodes[layer.node].shares]
        assert (layer.connections, layer.neurons) == (first.connections, first.neurons)
    assert work.update == OPTIMIZERS["adamw"].flops * model.analyze().totals.params


def test_the_command(archspec: Any) -> None:
    done = archspec("work", "LeNet5_1998", "--optimizer", "momentum")
    assert done.returncode == 0 and done.stderr == ""
    assert "connections       340,068" in done.stdout and "4 per parameter (v = m*v + g" in done.stdout
    document = json.loads(archspec("work", "AlexNet", "--batch", "2", "--format", "json").stdout)
    assert document["totals"]["neurons"] == 659_272
    assert sum(layer["forward"] for layer in document["layers"]) == document["totals"]["forward"]
    rows = archspec("work", "MLP", "--format", "csv").stdout.splitlines()
    assert rows[2] == f"r1.0.fc1,FC,{2 * 256 * 200 + 200},{2 * 256 * 200 + 200},{257 * 200},200"
    assert "| forward FLOPs |" in archspec("work", "MLP", "--format", "markdown").stdout
    assert archspec("work", "MLP", "--optimizer", "lion").returncode == 2
