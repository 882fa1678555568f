"""Memory: peaks against every order there is and against tensors that live, training against PyTorch's optimizers,
batches that fit, and the command."""

from __future__ import annotations

import json
import random
import sys
from collections.abc import Iterator, Sequence
from pathlib import Path
from subprocess import CompletedProcess
from typing import Any

import jsonschema
import pytest
import torch

import archspec
from archspec import UsageError, report
from archspec.memory import Memory, infer, largest_batch, read_bytes
from archspec.memory.lifetimes import Program, peak, program, replay
from archspec.memory.orders import orders
from archspec.model import load, loads
from archspec.report.memory import table
from archspec.source import SpecError

sys.path.insert(0, str(Path(__file__).parent))
from nets import Net
from test_ops import torch_module

MIB = 1 << 20


# ---------------------------------------------------------------- published figures


def test_vgg16_takes_what_the_lectures_say() -> None:
    """VGG16 at 224: outputs of convolutions, pools and FC and the input are 15,237,608 values, 58.1 MiB; kept apart,
    RELU's outputs make that 28,793,320 values.  Weights, gradients and momentum are three copies, 1,583.4 MiB."""
    model = archspec.load("VGG16")
    assert infer(model.analyze(), inplace=True).unfreed == 4 * 15_237_608
    assert round(4 * 15_237_608 / MIB, 1) == 58.1
    assert infer(model.analyze()).unfreed == 4 * 28_793_320
    memory = model.memory(train=True, optimizer="momentum")
    copies = memory.part("weights") + memory.part("gradients") + memory.part("optimizer")
    assert copies == 3 * 4 * 138_357_544
    assert round(copies / MIB, 1) == 1583.4


# ---------------------------------------------------------------- peaks


def random_net(seed: int) -> Net:
    """A few layers that widen, narrow, branch and join."""
    rng, net = random.Random(seed), Net()
    net("x", "INPUT", shape=(3, 4, 4))
    names = ["x"]
    for number in range(rng.randint(4, 7)):
        source = rng.choice(names[-3:])
        kind = rng.choice(["CONV", "CONV", "CONV", "RELU", "concat", "add", "FLATTEN"])
        shapes = {node.path: node.shape for node in net.nodes}
        if kind == "CONV" and len(shapes[source]) == 3:
            names.append(net(f"n{number}", "CONV", source, channels=rng.choice([1, 2, 4, 8, 16]), kernel=1))
        elif kind in ("concat", "add"):
            after = slice(kind == "concat", None)  # a concat minds the size of the maps alone
            alike = [n for n in names if n != source and len(shapes[n]) == len(shapes[source]) == 3]
            alike = [n for n in alike if shapes[n][after] == shapes[source][after]]
            if alike:
                names.append(net(f"n{number}", kind, source, rng.choice(alike)))
        elif kind in ("RELU", "FLATTEN"):
            names.append(net(f"n{number}", kind, source))
    return net


def every_order(passed: Program) -> Iterator[list[int]]:
    """All orders in which a step follows what it reads."""
    needs = [{passed.makers[t] for t in step.reads} - {-1} for step in passed.steps]

    def extend(done: list[int]) -> Iterator[list[int]]:
        if len(done) == len(needs):
            yield done
        for index, before in enumerate(needs):
            if index not in done and before <= set(done):
                yield from extend([*done, index])

    return extend([])


def plain_levels(passed: Program, order: Sequence[int]) -> list[int]:
    """Bytes in memory at every moment, each found by looking at the whole order."""
    levels = [sum(t.size for t in passed.tensors if t.given)]
    last = {t: max((order.index(s) for s in steps), default=-1) for t, steps in enumerate(passed.readers)}
    for now in range(len(order)):
        there = [
            t for t, maker in enumerate(passed.makers)
            if (maker < 0 or order.index(maker) <= now)
            and (t in passed.outputs or last[t] >= now or maker == order[now] or (maker < 0 and last[t] < 0))
        ]  # fmt: skip
        levels.append(sum(passed.tensors[t].size for t in there))
    return levels


@pytest.mark.parametrize("seed", range(40))
def test_the_peak_is_that_of_the_best_order_tried(seed: int) -> None:
    passed = program(random_net(seed).graph(), "float32")
    tried = dict(orders(passed))
    for order in tried.values():
        assert sorted(order) == list(range(len(passed.steps)))
        place = {step: number for number, step in enumerate(order)}
        for index, step in enumerate(passed.steps):
            assert all(passed.makers[t] < 0 or place[passed.makers[t]] < place[index] for t in step.reads)
        levels = [moment.level for moment in replay(passed, order, inplace=False)]
        assert levels == plain_levels(passed, list(order))
        found = peak(passed, order)
        assert found.size == max(levels) == sum(passed.tensors[t].size for t in found.tensors)
    least = min(max(plain_levels(passed, order)) for order in every_order(passed))
    assert least <= min(peak(passed, order).size for order in tried.values()) <= peak(passed, tried["file"]).size


def test_few_small_networks_have_an_order_that_was_missed() -> None:
    missed = 0
    for seed in range(100, 160):
        passed = program(random_net(seed).graph(), "float32")
        least = min(max(plain_levels(passed, order)) for order in every_order(passed))
        missed += least < min(peak(passed, order).size for _, order in orders(passed))
    assert missed <= 3


def test_the_branch_that_needs_most_goes_first() -> None:
    """The file's order holds the 64 channels of the first branch while the second one has 256."""
    memory = loads("INPUT(8x4x4) -> concat[CONV(64, 1x1) | CONV(256, 1x1) -> CONV(8, 1x1)]").memory()
    tried = dict(memory.tried)
    assert tried["file"] == 64 * (8 + 64 + 256)  # 16 places of 4 bytes; the input is there until the second reads it
    assert memory.part("activations") == 64 * (8 + 256 + 8)
    assert memory.order in ("depth first, last branch first", "heaviest branch first", "least growth")
    assert sum(held.bytes for held in memory.tensors) == memory.part("activations")


@pytest.mark.parametrize("seed", range(12))
def test_the_peak_is_what_torch_holds(seed: int) -> None:
    """The graph run layer by layer in the order of the file, every tensor dropped after its last reader."""
    graph = random_net(seed).graph()
    passed = program(graph, "float32")
    readers = {
        index: {i for i, node in enumerate(graph.nodes) if index in node.inputs} for index in range(len(graph.nodes))
    }
    stay = {output.node for output in graph.outputs} | {i for i in graph.inputs if not readers[i]}
    held: dict[int, torch.Tensor] = {}
    most = 0
    with torch.no_grad():
        for index, node in enumerate(graph.nodes):
            if node.inputs:
                held[index] = torch_module(node.op, graph.shapes_into(node))(*(held[i] for i in node.inputs))
            else:
                held[index] = torch.randn(1, *node.shape)
            live = {tensor.untyped_storage().data_ptr(): tensor.untyped_storage().nbytes() for tensor in held.values()}
            most = max(most, sum(live.values()))
            held = {i: tensor for i, tensor in held.items() if i in stay or max(readers[i], default=0) > index}
    assert peak(passed, range(len(passed.steps))).size == most


def test_in_place_needs_a_reader_alone_and_never_touches_inputs_and_outputs() -> None:
    def activations(text: str, **options: bool) -> int:
        return loads(text).memory(**options).part("activations") // 4

    chain = "INPUT(4x8x8) -> CONV(4, 1x1) -> RELU -> BN -> RELU -> CONV(1, 1x1)"
    assert activations(chain) == 2 * 256
    assert activations(chain, inplace=True) == 2 * 256  # the first convolution and its input
    assert activations("INPUT(256) -> RELU", inplace=True) == 2 * 256  # the input is the caller's
    fork = "INPUT(1x8x8) -> CONV(4, 1x1) -> concat[RELU | TANH] -> CONV(1, 1x1)"
    assert activations(fork) == 3 * 256 + 256  # what both read, or one of them, with the other and their concat
    assert activations(fork, inplace=True) == 2 * 256 + 512  # the second writes over it


def test_views_take_nothing_and_inputs_keep_their_type() -> None:
    memory = loads("input text: 24, dtype=int64\ntext -> EMBED(10, 4) -> FLATTEN -> DROPOUT -> FC(2)").memory(
        3, "float16"
    )
    assert [(held.path, held.dtype, held.bytes) for held in memory.tensors] == [
        ("text", "int64", 3 * 24 * 8),
        ("embed1", "float16", 3 * 96 * 2),
    ]


def test_a_network_of_many_branches_takes_n_log_n() -> None:
    """20,000 layers in a second or so; quadratic time would be minutes."""
    from time import process_time

    model = loads("INPUT(4x2x2) -> [add[CONV(4, 1x1) | RELU]]*7000")
    analysis, start = model.analyze(), process_time()
    memory = infer(analysis)
    assert len(model.graph.nodes) > 20_000
    assert memory.part("activations") == 3 * 64  # what both branches read, and what they make
    assert process_time() - start < 20


# ---------------------------------------------------------------- training


@pytest.mark.parametrize("name", ["sgd", "momentum", "adam", "adamw"])
def test_optimizers_keep_what_pytorchs_keep(name: str) -> None:
    """Adam keeps a step counter of 4 bytes beside every parameter's tensors; it is not counted."""
    model = archspec.load("LeNet5")
    module = model.to_torch().train()
    makers: dict[str, Any] = {
        "sgd": lambda p: torch.optim.SGD(p, lr=0.1),
        "momentum": lambda p: torch.optim.SGD(p, lr=0.1, momentum=0.9),
        "adam": torch.optim.Adam,
        "adamw": torch.optim.AdamW,
    }
    optimizer = makers[name](module.parameters())
    module(torch.randn(2, 1, 32, 32)).sum().backward()
    gradients = sum(p.grad.nbytes for p in module.parameters() if p.grad is not None)
    optimizer.step()
    state = [value for kept in optimizer.state.values() for value in kept.values() if torch.is_tensor(value)]
    memory = model.memory(2, train=True, optimizer=name)
    assert memory.part("gradients") == gradients
    assert memory.part("optimizer") == sum(value.nbytes for value in state if value.dim())
    assert memory.part("weights") == sum(p.nbytes for p in module.parameters())


def test_mixed_precision_keeps_float32_weights() -> None:
    memory = archspec.load("ResNet18").memory(4, "bfloat16", train=True, optimizer="adam")
    parts = {part.name: part.bytes(4) for part in memory.parts}
    assert parts["weights"] == parts["gradients"] == parts["optimizer"] / 2 == 4 * 11_689_512
    assert 0.99 < parts["half weights"] / (2 * 11_689_512) < 1  # but for biases and norms
    whole = archspec.load("ResNet18").memory(4, train=True)
    for half, full in zip(memory.tensors, whole.tensors, strict=True):
        kept = {"int64": 1, "float32": 1, "bfloat16": 2}[half.dtype]  # indices and statistics stay as they are
        assert (half.path, half.what, half.bytes * kept) == (full.path, full.what, full.bytes)


def test_what_cannot_be_trained_is_refused() -> None:
    with pytest.raises(SpecError, match="int8 has no gradients"):
        archspec.load("MLP").memory(1, "int8", train=True)
    with pytest.raises(SpecError, match="no optimizer lion"):
        archspec.load("MLP").memory(train=True, optimizer="lion")


# ---------------------------------------------------------------- batches that fit


@pytest.mark.parametrize("options", [{}, {"train": True}, {"train": True, "checkpoint": "blocks", "dtype": "float16"}])
@pytest.mark.parametrize("net", ["ResNet18", "DenseNet121", "UNet"])
def test_the_largest_batch_fits_and_one_more_does_not(net: str, options: dict[str, Any]) -> None:
    model = archspec.load(net)
    for limit in (3 * 10**9, 24 << 30):
        fit = model.largest_batch(limit, **options)
        assert fit.batch > 0
        assert model.memory(fit.batch, **options).total == fit.bytes <= limit
        assert model.memory(fit.batch + 1, **options).total == fit.more > limit


def test_memory_is_a_line_in_the_batch() -> None:
    model = archspec.load("ResNet18")
    for train_it in (False, True):
        one = model.memory(1, train=train_it)
        for batch in (2, 7):
            other = model.memory(batch, train=train_it)
            assert other.total == sum(part.bytes(batch) for part in one.parts)


def test_not_even_one_example() -> None:
    fit = archspec.load("VGG16").largest_batch(100 * MIB)
    assert (fit.batch, fit.bytes) == (0, 0) and fit.more > fit.limit


@pytest.mark.parametrize(
    ("text", "size"),
    [
        ("24GB", 24 * 10**9),
        ("24GiB", 24 << 30),
        ("24g", 24 * 10**9),
        ("1.5 MiB", 3 << 19),
        ("100B", 100),
        ("0.3kB", 300),
    ],
)
def test_amounts_of_memory(text: str, size: int) -> None:
    assert read_bytes(text) == size


@pytest.mark.parametrize("text", ["", "lots", "GB", "-3GB", "3iB", "3 PB", "24", "1.5"])
def test_what_is_no_amount_of_memory(text: str) -> None:
    with pytest.raises(SpecError, match="no amount of memory"):
        read_bytes(text)


def test_any_batch_fits_where_nothing_grows_with_it() -> None:
    model = loads("INPUT(3x32x32) -> RELU")  # which has nothing to train, and keeps nothing
    fit = model.largest_batch("1GB", train=True)
    assert (fit.batch, fit.bytes, fit.more) == (None, 0, 0)
    assert "Any batch fits in 1,000,000,000 bytes" in table(fit.memory, fit)


def test_the_api_refuses_what_the_command_refuses() -> None:
    model = loads("INPUT(3x32x32) -> CONV(8) -> FC(10)")
    assert model.memory(4, "bf16") == model.memory(4, "bfloat16")
    assert model.largest_batch("1GB") == model.largest_batch(10**9) == model.largest_batch(torch.tensor(10**9))  # type: ignore[arg-type]
    for limit in (-5, 0, 1.5e9, "24", None, True):
        with pytest.raises(SpecError, match="no amount of memory"):
            model.largest_batch(limit)  # type: ignore[arg-type]
    for batch in (2.5, "2", None, True):
        with pytest.raises(SpecError, match="a batch is a whole number of examples"):
            model.analyze(batch=batch)  # type: ignore[arg-type]
    for options in ({"checkpoint": "blocks"}, {"optimizer": "sgd"}, {"train": True, "inplace": True}):
        with pytest.raises(UsageError, match="is about"):
            model.memory(**options)
    with pytest.raises(SpecError, match="no checkpointing block"):
        model.memory(train=True, checkpoint="block")  # type: ignore[arg-type]


def test_the_errors_that_the_api_raises_are_the_apis() -> None:
    with pytest.raises(UsageError, match="is a library of blocks"):
        loads("block B = CONV(4)")
    assert UsageError is archspec.UsageError and "UsageError" in archspec.__all__


def test_measured_again_where_the_best_cut_changes() -> None:
    """`largest_batch` trusts its division only where measuring agrees."""

    def measure(batch: int) -> Memory:
        memory = archspec.load("MLP").memory(batch)
        parts = tuple(part._replace(fixed=part.fixed + (10**6 if batch > 50 else 0)) for part in memory.parts)
        return memory.but(parts=parts)

    fit = largest_batch(measure, 10**6)
    assert fit.batch == 50 and fit.bytes <= 10**6 < fit.more


# ---------------------------------------------------------------- asserts


def failed(condition: str) -> list[str]:
    text = f"INPUT(3x32x32) -> CONV(64) -> RELU -> GAP -> FC(10)\nassert {condition}"
    return [str(archspec.render(d)) for d in loads(text).failures()]


def test_asserts_over_peaks_and_units() -> None:
    assert failed("peak_activations == 2*64*1024*4 and peak_memory == peak_activations + weight_bytes") == []
    assert failed("neurons == 64*1024 + 10 and connections == 64*1024*28 + 650") == []
    (told,) = failed("peak_memory < 64Ki")
    assert "peak_memory is 534,056, not < 65,536" in told
    assert "in memory while relu1 runs: conv1 262,144, relu1 262,144" in told


def test_a_specs_own_name_is_not_hidden() -> None:
    model = loads("let neurons = 7\nINPUT(neurons) -> FC(3)\nassert neurons == 7")
    assert model.failures() == ()


# ---------------------------------------------------------------- the command


def test_the_command_says_what_takes_the_memory(archspec: Any) -> None:
    done: CompletedProcess[str] = archspec("memory", "AlexNet", "--train", "--optimizer", "momentum", "--batch", "128")
    assert done.returncode == 0 and done.stderr == ""
    assert "AlexNet  (training, batch 128, float32)" in done.stdout
    assert "optimizer    243,860,896  232.56 MiB  momentum: 1 per parameter" in done.stdout
    assert "padded squares" in done.stdout and "and 14 more" in done.stdout
    everything = archspec("memory", "AlexNet", "--train", "--all").stdout
    assert "more," not in everything and everything.count("lrn1") == 4


@pytest.mark.parametrize(
    "options", [(), ("--train",), ("--fit", "1GB"), ("--train", "--fit", "1kB", "--checkpoint", "blocks")]
)
def test_the_document_keeps_to_its_schema(archspec: Any, options: tuple[str, ...]) -> None:
    schema = report.schema("memory")
    jsonschema.Draft202012Validator.check_schema(schema)
    document = json.loads(archspec("memory", "lenet5", *options, "--format", "json").stdout)
    jsonschema.validate(document, schema, cls=jsonschema.Draft202012Validator)
    for where in (document, document["spec"], document["parts"][0], document["tensors"][0]):
        where["more"] = 1
        with pytest.raises(jsonschema.ValidationError):
            jsonschema.validate(document, schema, cls=jsonschema.Draft202012Validator)
        del where["more"]


def test_the_help_names_every_type(archspec: Any) -> None:
    told = " ".join(archspec("memory", "--help").stdout.split())
    for name in ("fp64", "fp32", "fp16", "bf16", "int8"):
        assert name in told.partition("--dtype TYPE ")[2].partition("--")[0]
        assert archspec("memory", "lenet5", "--dtype", name).returncode == 0


def test_the_command_writes_data(archspec: Any) -> None:
    document = json.loads(
        archspec("memory", "ResNet18", "--fit", "24GiB", "--train", "--dtype", "bf16", "--format", "json").stdout
    )
    assert document["schema"] == "archspec.memory/1" and document["mode"] == "training"
    assert sum(part["bytes"] for part in document["parts"]) == document["total"] == document["fit"]["bytes"]
    assert document["fit"]["bytes"] <= 24 << 30 < document["fit"]["one_more"]
    rows = archspec("memory", "MLP", "--format", "csv").stdout.splitlines()
    assert rows[0] == "kind,name,what,shape,dtype,batch,bytes"
    assert rows[-1] == "tensor,r1.0.fc1,output,200,float32,1,800"
    rows = archspec("memory", "MLP", "--fit", "1GB", "--format", "csv").stdout.splitlines()
    fit = load("MLP").largest_batch(10**9)
    assert rows[1:4] == [
        "fit,limit,,,float32,,1000000000",
        f"fit,largest,,,float32,{fit.batch},{fit.bytes}",
        f"fit,more,,,float32,{fit.batch + 1},{fit.more}",
    ]
    assert "| weights | 292,060 |" in archspec("memory", "MLP", "--format", "markdown").stdout


@pytest.mark.parametrize(
    ("arguments", "code", "told"),
    [
        (("--optimizer", "adam"), 2, "--train on the command line"),
        (("--checkpoint", "blocks"), 2, "checkpoint is about training"),
        (("--train", "--inplace"), 2, "inplace is about inference"),
        (("--dtype", "fp8"), 2, "expected: float64"),
        (("--fit", "1GB", "--batch", "4"), 2, "--fit finds the batch"),
        (("--train", "--optimizer", "lion"), 2, "'lion' is not one of"),
        (("--fit", "lots"), 2, "no amount of memory"),
        (("--fit", "1kB"), 1, ""),
    ],
)
def test_what_the_command_refuses(archspec: Any, arguments: tuple[str, ...], code: int, told: str) -> None:
    done = archspec("memory", "MLP", *arguments)
    assert done.returncode == code
    assert told in done.stderr
