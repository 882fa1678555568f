"""What every card says its backward pass keeps, against what PyTorch's autograd keeps of the emitted module."""

from __future__ import annotations

import itertools
import sys
from pathlib import Path
from typing import Any

import pytest
import torch
from torch.utils.checkpoint import checkpoint

import archspec
from archspec import op
from archspec.memory import train
from archspec.memory.checkpoint import cut_at, runs
from archspec.memory.layout import BATCH, reshaped
from archspec.memory.tape import needed, record
from archspec.model import Model, loads

sys.path.insert(0, str(Path(__file__).parent))
sys.path.insert(0, str(Path(__file__).resolve().parent.parent / "benchmarks"))
from nets import Net
from op_cases import CASES, Case
from saved_tensors import BEGIN, END, PAGE, compare, networks, random_inputs, table, torch_saved


def built(net: Net) -> Model:
    """A hand-made graph as a model."""
    model = object.__new__(Model)
    model.graph, model._analyses = net.graph(), {}
    return model


# How the tensors that reach an operator lie in memory: channels first, channels last, as attention leaves them, with
# gaps, with the axes turned.  "none": they are the network's inputs, and need no gradient.
BEFORE = ("none", "first", "last", "attention", "slice", "crop", "turned")
# What reads the operator's output, and may have to copy it.
AFTER = ("", "LINEAR", "FLATTEN", "FC", "RELU", "CONV", "RESHAPE")


def lead(net: Net, name: str, x: op.Shape, before: str) -> str | None:
    """Puts what makes a tensor of the shape x lie so before an operator; None where that is not to be had."""
    match before:
        case "none":
            return name
        case "first":
            return net(f"{name}_", "FC", name, width=x[0]) if len(x) == 1 else conv(net, name, x[0])
        case "last":
            return net(f"{name}_", "LINEAR", name, width=x[0])
        case "attention" if len(x) == 2:
            return net(f"{name}_", "MHA", name, heads=1)
        case "slice":
            wide = net(f"{name}_w", "FC", name, width=2 * x[0]) if len(x) == 1 else conv(net, name, 2 * x[0])
            return net(f"{name}_s", "SLICE", wide, begin=0, end=x[0])
        case "crop" if len(x) > 1:
            return net(f"{name}_c", "CROP", conv(net, name, x[0], pad=2), sides=2)
        case "turned" if len(x) == 3:
            turned = net(f"{name}_r", "RELU", net(f"{name}_t", "PERMUTE", conv(net, name, x[0]), order=(2, 1, 0)))
            return net(f"{name}_b", "PERMUTE", turned, order=(2, 1, 0))
    return None


def conv(net: Net, name: str, channels: int, **arguments: Any) -> str:
    return net(f"{name}_conv", "CONV", name, channels=channels, kernel=1, **arguments)


def around(case: Case, before: str, after: str) -> Model | None:
    """A network of one operator with something before and after it; None where the shapes do not go together."""
    net, names = Net(), []
    for number, x in enumerate(case.shapes):
        kind = case.dtypes[number] if number < len(case.dtypes) else "float32"
        name = net(f"x{number}", "INPUT", shape=x, dtype="float32" if kind == "box" else kind)
        led = lead(net, name, x, before) if kind == "float32" else name
        if led is None:
            return None
        names.append(led)
    net("op", case.name, *names, **case.arguments)
    y = net.nodes[-1].shape
    arguments: dict[str, Any] = {"LINEAR": {"width": 3}, "FC": {"width": 3}, "CONV": {"channels": 3, "kernel": 1}}
    arguments["RESHAPE"] = {"shape": (y[0], 1, *y[1:])}
    if after == "CONV" and not 2 <= len(y) <= 4:
        return None
    if after:
        net("after", after, "op", **arguments.get(after, {}))
    if after in ("FLATTEN", "RESHAPE"):
        net("end", "RELU", "after")
    return built(net)


def check(model: Model, batch: int) -> None:
    kept = torch_saved(model.to_torch().train(), *random_inputs(model, batch))
    assert train(model.analyze(batch=batch)).part("saved") == sum(kept.values())


def labelled(case: Case) -> str:
    arguments = ",".join(f"{key}={value}" for key, value in case.arguments.items())
    return f"{case.name}({arguments}){' '.join(op.by(x) for x in case.shapes)}".replace(" ", "")[:80]


OPERATORS = [case for case in CASES if case.name != "INPUT"]


def test_every_operator_states_what_it_keeps() -> None:
    cards = {op.lookup(name) for name in op.names()}
    tested = {op.lookup(case.name) for case in CASES}
    assert cards == tested


@pytest.mark.parametrize("case", OPERATORS, ids=labelled)
def test_an_operator_keeps_what_autograd_keeps(case: Case) -> None:
    """As a first layer, behind a convolution, and where values come and go channels last."""
    for before, after in (("none", ""), ("first", ""), ("last", "LINEAR"), ("attention", "FC")):
        model = around(case, before, after)
        if model is not None:
            check(model, batch=3)


@pytest.mark.slow
@pytest.mark.parametrize("case", OPERATORS, ids=labelled)
def test_an_operator_keeps_what_autograd_keeps_wherever_it_stands(case: Case) -> None:
    for before, after in itertools.product(BEFORE, AFTER):
        model = around(case, before, after)
        if model is not None:
            check(model, batch=2)


def test_networks_keep_what_autograd_keeps_and_the_page_says_so() -> None:
    torch.manual_seed(0)
    rows = [compare(name, model) for name, model in networks().items()]
    assert len(rows) >= 20
    assert [row for row in rows if row.archspec != row.torch] == []
    told = PAGE.read_text(encoding="utf-8").partition(BEGIN)[2].partition(END)[0]
    assert told == table(rows), "run python benchmarks/saved_tensors.py"


@pytest.mark.parametrize("net", ["VGG16", "ResNet18", "MobileNetV2", "DenseNet121", "ShuffleNetV2", "LeNet5"])
def test_mixed_precision_keeps_what_autocast_keeps(net: str) -> None:
    """Half activations, and half copies of kernels and matrices; LRN would stay float32."""
    model = networks()[net]
    with torch.autocast("cpu", torch.bfloat16):
        kept = torch_saved(model.to_torch().train(), *random_inputs(model))
    memory = train(model.analyze(batch=BATCH, dtype="bfloat16"))
    assert memory.part("saved") + memory.part("half weights") == sum(kept.values())


# ---------------------------------------------------------------- by hand


def saved(text: str, batch: int = 1) -> list[tuple[str, str, int]]:
    memory = train(loads(text).analyze(batch=batch))
    return [(held.path, held.what, held.bytes) for held in memory.tensors]


def test_what_two_layers_keep_counts_once() -> None:
    """RELU keeps its output, which the next convolution keeps as its input."""
    assert saved("INPUT(3x8x8) -> CONV(4) -> RELU -> CONV(5)") == [
        ("input", "input", 4 * 3 * 64),
        ("relu1", "output", 4 * 4 * 64),
    ]


def test_a_view_keeps_all_that_it_looks_at() -> None:
    """SLICE moves nothing in PyTorch: the convolution behind it keeps the whole map."""
    assert saved("INPUT(3x8x8) -> CONV(6) -> SLICE(0, 2) -> CONV(5)")[1:] == [("conv1", "output", 4 * 6 * 64)]


def test_statistics_and_indices() -> None:
    assert saved("INPUT(3x8x8) -> CONV(4) -> BN -> MAXPOOL -> DROPOUT", batch=2) == [
        ("input", "input", 2 * 4 * 3 * 64),
        ("conv1", "output", 2 * 4 * 4 * 64),
        ("bn1", "means", 4 * 4),
        ("bn1", "inverse deviations", 4 * 4),
        ("bn1", "output", 2 * 4 * 4 * 64),
        ("maxpool1", "indices", 2 * 8 * 4 * 16),
        ("dropout1", "mask", 2 * 4 * 4 * 16),
    ]


def test_what_no_parameter_precedes_keeps_nothing() -> None:
    assert saved("INPUT(3x8x8) -> RELU -> MAXPOOL -> LRN -> FLATTEN -> SOFTMAX") == []


# ---------------------------------------------------------------- layout and checkpoints


def test_reshapes_are_views_where_pytorch_makes_them_views() -> None:
    """Every order of three axes, cut or not, under every other size."""
    for order in itertools.permutations(range(4)):
        for cut in (0, 1):
            sizes = (2, 2, 3, 4)
            tensor = torch.empty([sizes[axis] for axis in order]).permute(*(order.index(axis) for axis in range(4)))
            tensor = tensor[:, :, cut:]
            given, strides = tuple(tensor.shape), tensor.stride()
            for target in ((2, -1), (-1, 4), (2, 2, -1), (4, -1), (2, 2, 2, -1), (2, 1, -1, 4), (2, -1, 2)):
                try:
                    view = (
                        tensor.reshape(target) if tensor.numel() % abs(int(torch.tensor(target).prod())) == 0 else None
                    )
                except RuntimeError:
                    view = None
                if view is None:
                    continue
                alike = view.untyped_storage().data_ptr() == tensor.untyped_storage().data_ptr()
                found = reshaped(given, strides, tuple(view.shape))
                assert (found is not None) == alike, (given, strides, target)
                if found is not None:
                    big = [(n, a, b) for n, a, b in zip(view.shape, found, view.stride(), strict=True) if n > 1]
                    assert all(a == b for _, a, b in big)


@pytest.mark.parametrize(("net", "level"), [("ResNet20", 1), ("ResNet20", 2), ("MobileNetV2", 1), ("DenseNet121", 2)])
def test_checkpointed_blocks_keep_what_pytorch_keeps(net: str, level: int) -> None:
    """Every block of the emitted module wrapped in torch.utils.checkpoint: its inputs stay, and what no block holds."""
    model = networks()[net]
    tape, module = record(model.graph, "float32"), model.to_torch().train()
    cut, names = cut_at(model.graph, tape, level, BATCH), dict(module.named_modules())
    blocks = [path for path, _ in runs(model.graph, tape, level) if path]
    assert cut.blocks == len(blocks) > 3
    inputs: dict[str, torch.Tensor] = {}
    plain = {path: names[path].forward for path in blocks}
    for path in blocks:
        names[path].forward = wrapped(path, plain[path], inputs)
    kept = torch_saved(module, *random_inputs(model))
    assert sum(tape.storages[s].bytes(BATCH) for s in cut.kept) == sum(kept.values())
    block = Remembering(plain[cut.block], names[cut.block])
    inside = torch_saved(block, inputs[cut.block])
    for boundary in (inputs[cut.block], block.output):  # the next block keeps the output as its input
        inside.pop(boundary.untyped_storage().data_ptr(), None)
    assert sum(tape.storages[s].bytes(BATCH) for s in cut.inside) == sum(inside.values())


class Remembering(torch.nn.Module):
    """A block that holds on to its output."""

    def __init__(self, forward: Any, block: torch.nn.Module) -> None:
        super().__init__()
        self.block, self.run = block, forward

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        self.output: torch.Tensor = self.run(x)
        return self.output


def wrapped(path: str, forward: Any, inputs: dict[str, torch.Tensor]) -> Any:
    def run(x: torch.Tensor) -> torch.Tensor:
        inputs[path] = x.detach().requires_grad_()
        result: torch.Tensor = checkpoint(forward, x, use_reentrant=False)
        return result

    return run


def test_the_best_level_is_chosen() -> None:
    model = archspec.load("ResNet50")
    tape = record(model.graph, "float32")
    memory = train(model.analyze(batch=8), cut="blocks")
    size = {
        level: sum(tape.storages[s].bytes(8) for s in (*c.kept, *c.inside)) for level, c in cuts(model, tape).items()
    }
    assert memory.part("saved") + memory.part("recomputed") == min(size.values())
    assert min(size.values()) < sum(tape.storages[s].bytes(8) for s in needed(tape)) / 2


def cuts(model: Model, tape: Any) -> dict[int, Any]:
    return {level: cut_at(model.graph, tape, level, 8) for level in range(1, 6)}
