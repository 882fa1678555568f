"""Emitted PyTorch: it runs, computes what the cards say node by node, has the graph's keys, and is formatted."""

from __future__ import annotations

import ast
import inspect
import os
import pickle
import re
import subprocess
import sys
from math import prod
from pathlib import Path
from typing import Any

import pytest
import torch
from torch import nn
from torch.nn import functional as F

import archspec
from archspec.emit.names import module_path, owned_weights
from archspec.emit.torch.layout import WIDTH, statement
from archspec.emit.torch.signatures import SIGNATURES, signature_of
from archspec.emit.torch_source import build, emit_torch, load_module, load_weights
from archspec.graph import Graph, Node
from archspec.weights import Draws, draw
from archspec.zoo import entries

sys.path.insert(0, str(Path(__file__).parent))
from nets import Net
from op_cases import CASES, Case


def spec(text: str) -> Graph:
    return archspec.loads(text).graph


def run_cards(graph: Graph, weights: dict[str, Any], inputs: list[torch.Tensor]) -> list[torch.Tensor]:
    """Every node by its own card's record, one after the other: what the emitted module has to compute."""
    values: dict[int, torch.Tensor] = dict(zip(graph.inputs, inputs, strict=True))
    for index, node in enumerate(graph.nodes):
        if index in values:
            continue
        record = node.op.torch(*graph.shapes_into(node))
        scope: dict[str, Any] = {"torch": torch, "nn": nn, "F": F}
        if record.source:
            exec("import torch\nimport torch.nn.functional as F\nfrom torch import Tensor, nn\n" + record.source, scope)
        if record.module:
            maker = scope[record.module] if record.source else getattr(nn, record.module)
            module = maker(*record.args, **record.kwargs).eval()
            owner = graph.nodes[node.shares] if node.shares is not None else node
            prefix = f"{module_path(owner.path)}."
            state = {k[len(prefix) :]: torch.from_numpy(v) for k, v in weights.items() if k.startswith(prefix)}
            missing = module.load_state_dict(state, strict=False)
            assert not missing.unexpected_keys and all("num_batches" in key for key in missing.missing_keys)
            scope["m"] = module
        operands = [values[i] for i in node.inputs]
        names = [f"_{i}" for i in range(len(operands))]
        scope.update(zip(names, operands, strict=True))
        call = record.call.replace("{all}", ", ".join(names)).replace("{m}", "m")
        for i, name in enumerate(names):
            call = call.replace(f"{{{i}}}", name)
        with torch.no_grad():
            values[index] = eval(call, scope)
    return [values[output.node] for output in graph.outputs]


def draw_input(node: Node, top: int) -> torch.Tensor:
    """Two examples of an input, integers below `top` where the spec says so."""
    generator = torch.Generator().manual_seed(0)
    if node.op.dtype.startswith("int"):  # type: ignore[attr-defined]
        return torch.randint(0, top, (2, *node.shape), generator=generator)
    return torch.rand(2, *node.shape, generator=generator)


def check(graph: Graph, top: int = 2) -> str:
    """Builds the emitted module and holds it to the graph: keys, shapes, number of values, results."""
    source = emit_torch(graph)
    module = build(graph, seed=3, statistics=True).eval()
    weights = draw(graph, 3, statistics=True)
    state = {k: tuple(v.shape) for k, v in module.state_dict().items() if not k.endswith("num_batches_tracked")}
    assert state == {key: value.shape for key, value in weights.items()}
    trainable = sum(prod(w.shape) for _, w in owned_weights(graph).values() if w.trainable)
    assert sum(p.numel() for p in module.parameters()) == trainable
    inputs = [draw_input(graph.nodes[i], top) for i in graph.inputs]
    with torch.no_grad():
        results = module(*inputs)
    results = results if isinstance(results, tuple) else (results,)
    expected = run_cards(graph, weights, inputs)
    for result, value, output in zip(results, expected, graph.outputs, strict=True):
        assert tuple(result.shape[1:]) == graph.nodes[output.node].shape
        torch.testing.assert_close(result, value)
    return source


def tidy(*sources: str, folder: Path) -> None:
    """Formatter and linter have nothing to say."""
    for i, source in enumerate(sources):
        (folder / f"net{i}.py").write_text(source)
    options = ["--isolated", "--no-cache", f"--line-length={WIDTH}", "--target-version=py311"]
    for command in (["format", "--diff"], ["check", "--select=E,F,W,I,B,UP,C4,SIM,RET", "--ignore=B905"]):
        run = subprocess.run(
            [sys.executable, "-m", "ruff", *command, *options, str(folder)], capture_output=True, text=True
        )
        assert run.returncode == 0, run.stdout + run.stderr


# ---------------------------------------------------------------- small nets, one for each thing that code can be

SMALL = {
    "chain": "INPUT -> CONV(4) -> BN -> RELU -> POOL -> FC(3)",
    "repeat": "INPUT -> [CONV(8) -> RELU]*3 -> FC(3)",
    "repeat_of_layer": "INPUT -> [CONV(8)]*3 -> [RELU]*2 -> FC(3)",
    "activation_of_repeat": "default CONV(act=RELU)\nINPUT -> [CONV(8)]*3 -> FC(3)",
    "stages": "INPUT -> [[CONV(c) -> RELU]*n -> POOL]*(c in [4, 6, 6], n in [1, 2, 3]) -> [FC(9) -> RELU]*2 -> FC(3)",
    "inception": """
        block Inception(a, b, c) =
          concat[CONV(a, 1x1) | CONV(b, 1x1) -> CONV(c, 3x3) | MAXPOOL(3, 1, pad=1) -> CONV(b, 1x1)]
        INPUT -> Inception(3, 4, 5) -> Inception(2, 3, 7) -> FC(3)""",
    "residual": """
        default CONV(bias=off)
        block Cbr(c, k, s=1) = CONV(c, k, stride=s) -> BN -> RELU
        block Neck(w, s=1) = res(shortcut=proj)[Cbr(w, 1x1) -> Cbr(w, 3x3, s) -> CONV(4*w, 1x1) -> BN] -> RELU
        INPUT -> [[Neck(w, s then 1)]*n]*(w in [4, 8], n in [2, 3], s in [1, 2]) -> GAP -> FC(3)""",
    "unet": """
        block Double(c) = [CONV(c, 3x3) -> RELU]*2
        INPUT -> [Double(c) as e -> POOL]*(c in [4, 8]) -> Double(16)
          -> [UPCONV(c, 2x2) -> concat[@e[i] | ID] -> Double(c)]*(c in [8, 4], i in rev(0..1)) -> CONV(2, 1x1)""",
    "unet_cropped": """
        block Double(c) = [CONV(c, 3x3, pad=valid) -> RELU]*2
        INPUT -> [Double(c) as e -> POOL]*(c in [4, 8]) -> CONV(9, 3x3)
          -> [UPCONV(c, 2x2) -> concat(crop=center)[@e[i] | ID] -> CONV(c, 3x3)]*(c in [8, 4], i in rev(0..1))
          -> CONV(2, 1x1)""",
    "shared": """
        net Pair {
          input left: 2x12x12
          input right: 2x12x12
          shared tower = [CONV(c, 3x3) -> RELU]*(c in [3, 4]) -> FC(5) -> SIGMOID
          @left -> tower as a
          @right -> tower as b
          absdiff[@a | @b] -> FC(1)
        }""",
    "shared_in_repeat": """
        net Loop {
          input 2x8x8
          shared step = CONV(2, 3x3) -> BN -> RELU
          INPUT -> [step -> POOL]*3 -> FC(2)
        }""",
    "shared_many_times": """
        net Loop {
          input 2x8x8
          shared step = CONV(2, 3x3) -> RELU
          INPUT -> [step]*5 -> FC(2)
        }""",
    "shared_without_weights": """
        net Loop {
          input 2x8x8
          shared norm = LCN(3)
          INPUT -> norm -> CONV(3, 3x3) -> norm -> FC(2)
        }""",
    "dense": """
        default CONV(bias=off)
        block Layer(k) = BN -> RELU -> CONV(4*k, 1x1) -> BN -> RELU -> CONV(k, 3x3)
        block Transition = BN -> RELU -> CONV(cin // 2, 1x1) -> AVGPOOL(2x2)
        INPUT -> CONV(8, 3x3) -> [dense[Layer(4)]*n -> Transition?(not last)]*(n in [3, 4, 2]) -> BN -> GAP -> FC(3)""",
    "squeeze": """
        block SE(r=4) = mul[ID | GAP -> FC(cin // r) -> RELU -> FC(cin) -> SIGMOID]
        INPUT -> CONV(8) -> SE -> CONV(16) -> SE -> FC(3)""",
    "inline_squeeze": "INPUT -> CONV(8) -> mul[ID | GAP -> FC(2) -> RELU -> FC(8) -> SIGMOID] -> FC(3)",
    "inverted": """
        default CONV(bias=off)
        block Inv(t, c, s=1) = res(shortcut=if_same)[
          [CONV(t * cin, 1x1) -> BN -> RELU6]?(t > 1)
          -> DWCONV(3x3, stride=s, bias=off) -> BN -> RELU6 -> CONV(c, 1x1) -> BN]
        INPUT -> CONV(8)
          -> [[Inv(t, c, s then 1)]*n]*(t, c, n, s in [[1, 4, 1, 1], [6, 6, 2, 2], [6, 8, 3, 2], [6, 10, 1, 1]])
          -> GAP -> FC(3)""",
    "for": """
        net Nest {
          input 3x8x8
          INPUT -> [CONV(w, 3x3) as x[i, 0] -> POOL?(not last)]*(w in [4, 6, 8], i in 0..2)
          for j in 1..2 {
            for i in 0..2-j { concat[@x[i, 0..j-1] | @x[i+1, j-1] -> UPSAMPLE(2)] -> CONV(4, 3x3) as x[i, j] }
          }
          @x[0, 2] -> CONV(1, 1x1)
        }""",
    "outputs": """
        block Enc(c) {
          INPUT -> [CONV(c, 3x3) -> BN -> RELU]*2 as skip
          @skip -> POOL as down
          output skip, down
        }
        net Two {
          input image: 3x8x8
          @image -> Enc(4) as a
          @a.down -> Enc(6) as b
          @b.down -> FC(3) as logits
          @a.skip -> GAP as pooled
          output logits, pooled
        }""",
    "reversible": """
        block F(c) = BN -> RELU -> CONV(c, 3x3)
        net Rev {
          input 3x8x8
          INPUT -> CONV(4, 3x3) as a[0]
          @a[0] as b[0]
          for k in 1..3 {
            add[@a[k-1] | @b[k-1] -> F(4)] as a[k]
            add[@b[k-1] | @a[k] -> F(4)] as b[k]
          }
          concat[@a[3] | @b[3]] -> GAP -> FC(2)
        }""",
    "nested_joins": "INPUT -> concat[add[CONV(4) | CONV(4) -> RELU -> mul[ID | CONV(4) -> SIGMOID]] | ID] -> FC(3)",
    "highway": """
        block Hwy = highway(gate_bias=-1)[CONV(cin, 3x3) -> RELU | CONV(cin, 3x3)]
        INPUT -> CONV(4) -> [Hwy]*2 -> FC(3)""",
    "split": """
        block Branch(c) = CONV(c, 1x1) -> BN -> RELU
        block Shuffle = split[ID | Branch(cin // 2)] -> SHUFFLE(2)
        INPUT -> CONV(4) -> Shuffle -> CONV(8) -> Shuffle -> FC(3)""",
    "cropped": """
        block Crop(n) = CONV(8) -> CROP((n, n), (n, 0)) -> CROP((0, n), (1, n))
        INPUT -> Crop(1) -> Crop(2) -> FC(3)""",
    "sep": "INPUT -> SEPCONV(8, 3x3) -> RELU -> SEPCONV(12, 5x5, stride=2) -> FC(3)",
    "uneven": "INPUT -> CONV(4, 2x2) -> CONV(4, 4x4, stride=2) -> FC(3)",
    "reserved": "INPUT -> CONV(4) as type -> [CONV(4) -> RELU]*2 as half -> FC(3) as lambda",
    "taps": "INPUT -> CONV(4) as a -> [CONV(4) as b -> RELU]*3 -> concat[ID | @a | @b[0] | @b[2]] -> FC(3)",
    "randwire": "INPUT -> CONV(4) -> randwire(ws, nodes=8, k=4, p=0.75, seed=1)[RELU -> CONV(4) -> BN] -> FC(3)",
    "one_dimensional": "INPUT -> [CONV(c, 5) -> BN -> RELU -> MAXPOOL(2)]*(c in [4, 8]) -> GAP -> FC(3)",
    "three_dimensional": "INPUT -> [CONV(c, 3x3x3) -> BN -> RELU]*(c in [4, 8]) -> MAXPOOL(2x2x2) -> GAP -> FC(3)",
    "mean": "INPUT -> CONV(8, 3x3) -> mean[CONV(8) | CONV(8, 1x1) | ID | CONV(8, 5x5)] -> FC(3)",
    "growing": "INPUT -> [dense[CONV(4)]*5]*4 -> FC(3)",
    "nothing_to_learn": "INPUT -> [RELU -> POOL]*2 -> concat[ID | TANH]",
    "two_heads_of_one": """
        net Heads {
          input 3x8x8
          INPUT -> CONV(4) as a -> RELU as b
          output a, b, again = @a
        }""",
    "formals_of_all_kinds": """
        block Layer(c, k=3x3, s=1, rate=0.5, norm=BN) = CONV(c, k, stride=s) -> norm -> RELU -> DROPOUT(rate)
        INPUT -> Layer(4) -> Layer(6, 5x5, 2, 0.25) -> Layer(8, 1x3, rate=0) -> Layer(8, norm=GN(4)) -> FC(3)""",
    "shuffled_widths": """
        block Half(c) = CONV(c // 2, 1x1) -> RELU -> CONV(2 * c, 3x3) -> RELU -> CONV(c, 1x1)
        INPUT -> Half(8) -> Half(12) -> Half(20) -> FC(3)""",
    "nested_once": "INPUT -> [[[[CONV(4) -> RELU]*2]*1]*1]*1 -> FC(3)",
}
SHAPES = {"one_dimensional": "3x32", "three_dimensional": "3x8x8x8", "unet_cropped": "3x36x36"}


def small(name: str) -> Graph:
    text = "\n".join(line for line in SMALL[name].splitlines() if line.strip())
    if "net " not in text:
        *head, flow = re.split(r"(?m)^\s*(?=INPUT ->)", text)
        text = "\n".join(head) + f"\nnet Small {{\n input {SHAPES.get(name, '3x16x16')}\n {flow}\n}}"
    return spec(text)


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("emitted")


@pytest.mark.parametrize("name", SMALL)
def test_a_small_net_computes_what_its_cards_say(name: str) -> None:
    check(small(name))


def test_small_nets_need_no_formatter(folder: Path) -> None:
    tidy(*(emit_torch(small(name)) for name in SMALL), folder=folder)


def test_a_network_that_does_nothing() -> None:
    net = Net("Nothing")
    net("image", "INPUT", shape=(3, 8, 8))
    check(net.graph())


def test_paths_that_no_frame_explains() -> None:
    net = Net("Bare")
    net("image", "INPUT", shape=(3, 8, 8))
    for path, before in (("a.0", "image"), ("a.1", "a.0"), ("b.3.c", "a.1"), ("b.1.c", "b.3.c"), ("d.type", "b.1.c")):
        net(path, "CONV", before, channels=3)
    assert set(build(net.graph()).state_dict()) >= {"b.3.c.weight", "d.type_.weight", "a.1.bias"}
    check(net.graph())


def test_the_text_does_not_depend_on_the_process() -> None:
    script = (
        "import sys; sys.path[:0] = sys.argv[1:]; import test_torch_source as t;"
        "print(*(t.emit_torch(t.small(name)) for name in t.SMALL))"
    )
    here = Path(__file__).parent
    texts = {
        subprocess.run(
            [sys.executable, "-c", script, str(here), str(here.parent)],
            capture_output=True,
            text=True,
            check=True,
            env={**os.environ, "PYTHONHASHSEED": seed},
        ).stdout
        for seed in ("1", "2")
    }
    assert len(texts) == 1 and "class " in texts.pop()


# ---------------------------------------------------------------- what a person would write


def lines_of(source: str, cls: str) -> str:
    """One class of emitted source."""
    return next(part for part in source.split("\n\n\n") if part.startswith(f"class {cls}("))


def test_stamps_become_one_class_and_their_widths_its_parameters() -> None:
    source = emit_torch(small("inception"))
    assert source.count("class ") == 2
    assert "def __init__(self, in_channels: int, a: int, b: int, c: int) -> None:" in source
    assert "self.inception1 = Inception(3, 3, 4, 5)\n        self.inception2 = Inception(12, 2, 3, 7)\n" in source


def test_a_projection_makes_a_variant_and_the_rest_a_comprehension() -> None:
    source = emit_torch(small("residual"))
    assert re.findall(r"^class (\w+)", source, re.M) == ["Cbr", "NeckProj", "Neck", "Stage", "Small"]
    assert "self.conv1 = nn.Conv2d(w, 4 * w, kernel_size=1, bias=False)" in lines_of(source, "Neck")
    assert "padding=k // 2" in lines_of(source, "Cbr")
    assert "*[Neck(w) for _ in range(depth - 1)]," in lines_of(source, "Stage")
    assert "nn.Sequential(Stage(3, 4, 2), Stage(16, 8, 3, s=2))" in source


def test_taps_out_of_repeats_are_returned_by_them() -> None:
    net = lines_of(emit_torch(small("unet")), "Small")
    assert [line.partition("  #")[0].strip() for line in net.partition("def forward")[2].splitlines()[1:]] == [
        "e0, x = self.r1[0](x)",
        "e1, x = self.r1[1](x)",
        "x = self.double1(x)",
        "x = self.r2[0](x, e1)",
        "x = self.r2[1](x, e0)",
        "return self.conv1(x)",
    ]


def test_shared_flows_are_called_again() -> None:
    assert "(self.tower(left) - self.tower(right)).abs()" in emit_torch(small("shared"))
    assert "for _ in range(5):\n            x = self.step(x)\n" in emit_torch(small("shared_many_times"))


def test_outputs_in_their_declared_order() -> None:
    source = emit_torch(small("outputs"))
    assert "-> tuple[Tensor, Tensor]:" in source and "return logits, pooled" in source
    assert "Returns logits (N, 3), pooled (N, 4, 1, 1)." in source


def test_initial_values_of_the_spec_are_set() -> None:
    module = build(small("highway"))
    biases = [value for key, value in module.state_dict().items() if key.endswith("b2.conv1.bias")]
    assert len(biases) == 2 and all((bias == -1).all() for bias in biases)


def test_growing_channels_are_a_comprehension() -> None:
    assert "nn.Sequential(*[Stage(3 + 20 * i) for i in range(4)])" in emit_torch(small("growing"))


def test_a_docstring_names_the_network_and_its_size() -> None:
    source = emit_torch(spec("net N {\n input 3x8x8\n INPUT -> FC(2)\n}"), doc="A classifier.")
    assert source.startswith('"""A classifier."""\n\nfrom torch import Tensor, nn\n')
    assert '"""N: (N, 3, 8, 8) -> (N, 2), 386 parameters."""' in source


def test_a_chain_of_20000_layers_is_a_few_lines() -> None:
    graph = spec("net Long {\n input 4x4x4\n INPUT -> [CONV(4) -> RELU]*10000 -> FC(3)\n}")
    source = emit_torch(graph)
    assert len(graph.nodes) == 20_002 and len(source.splitlines()) < 30
    with torch.device("meta"):
        module = load_module(source, "Long")()
    assert set(module.state_dict()) == set(owned_weights(graph))


def test_deep_nesting_needs_no_deep_recursion() -> None:
    flow = "[" * 40 + "CONV(3) -> RELU" + "]*1" * 40
    source = emit_torch(spec(f"net Deep {{\n input 3x4x4\n INPUT -> {flow} -> FC(3)\n}}"))
    with torch.device("meta"):
        assert load_module(source, "Deep")()(torch.empty(1, 3, 4, 4)).shape == (1, 3)


# ---------------------------------------------------------------- every card


def lone(case: Case) -> Graph:
    """A network of one layer."""
    net = Net("Lone")
    for i, shape in enumerate(case.shapes):
        net(f"in{i}", "INPUT", shape=shape, dtype="int64" if "int64" in case.dtypes[i : i + 1] else "float32")
    net("layer", case.name, *(f"in{i}" for i in range(len(case.shapes))), **case.arguments)
    return net.graph()


@pytest.mark.parametrize("case", CASES, ids=lambda case: f"{case.name}-{case.arguments}-{case.shapes}".replace(" ", ""))
def test_every_card_is_emitted_as_it_says(case: Case) -> None:
    check(lone(case), case.top)


def test_the_signature_of_every_module_of_the_cards_is_known() -> None:
    for case in CASES:
        graph = lone(case)
        records = [node.op.torch(*graph.shapes_into(node)) for node in graph.nodes if node.op.name != "INPUT"]
        for record in records:
            if record.module and not record.source and (record.args or record.kwargs):
                known = SIGNATURES[record.module]
                assert len(record.args) <= len(known) and set(record.kwargs) <= set(known), record


def test_no_card_needs_a_formatter(folder: Path) -> None:
    tidy(*(emit_torch(lone(case)) for case in CASES), folder=folder)


# ---------------------------------------------------------------- the zoo

RUN = ["lenet5", "alexnet", "resnet18", "mobilenet_v2", "siamese", "two_outputs", "revnet", "googlenet"]
SHOWN = ["resnet50", "googlenet", "unet", "densenet121", "mobilenet_v2", "unetpp", "vgg16", "darts", "randwire"]


@pytest.mark.parametrize("name", RUN)
def test_a_published_net_computes_what_its_cards_say(name: str) -> None:
    check(archspec.load(name).graph)


@pytest.mark.slow
def test_every_net_of_the_zoo_has_its_keys_and_shapes(folder: Path) -> None:
    sources = []
    for entry in entries():
        try:
            graph = archspec.load(entry.path, entry.net).graph
        except archspec.SpecError:
            continue  # a blueprint, open until it is bound
        sources.append(emit_torch(graph))
        # RoI pooling looks at the boxes, so it cannot run without data as the others do.
        device = "cpu" if any(node.op.name.startswith("roi") for node in graph.nodes) else "meta"
        with torch.device(device):
            module = load_module(sources[-1], re.findall(r"^class (\w+)", sources[-1], re.M)[-1])().eval()
        with torch.no_grad():
            results = module(*(draw_input(graph.nodes[i], 2).to(device) for i in graph.inputs))
        results = results if isinstance(results, tuple) else (results,)
        state = {k: tuple(v.shape) for k, v in module.state_dict().items() if not k.endswith("num_batches_tracked")}
        assert state == {key: weight.shape for key, (_, weight) in owned_weights(graph).items()}, entry.name
        for result, output in zip(results, graph.outputs, strict=True):
            assert tuple(result.shape[1:]) == graph.nodes[output.node].shape, entry.name
    assert len(sources) > 100
    tidy(*sources, folder=folder)


@pytest.mark.parametrize("name", SHOWN)
def test_published_nets_need_no_formatter_and_read_as_approved(name: str, tmp_path: Path) -> None:
    source = emit_torch(archspec.load(name).graph)
    tidy(source, folder=tmp_path)
    golden = Path(__file__).parent / "golden" / "torch" / f"{name}.txt"
    if os.environ.get("ARCHSPEC_APPROVE"):
        golden.parent.mkdir(parents=True, exist_ok=True)
        golden.write_text(source)
    assert source == golden.read_text()


# ---------------------------------------------------------------- parts


@pytest.mark.parametrize("name", SIGNATURES)
def test_signatures_are_those_of_torch(name: str) -> None:
    theirs = inspect.signature(getattr(nn, name)).parameters
    ours = SIGNATURES[name]
    assert list(ours) == [argument for argument in theirs if argument in ours]
    for argument, default in ours.items():
        expected = theirs[argument].default
        assert default == (... if expected is inspect.Parameter.empty else expected), argument
    assert list(ours)[: len([d for d in ours.values() if d is ...])] == list(theirs)[: list(ours.values()).count(...)]


def test_the_signature_of_a_source() -> None:
    source = "class A(nn.Module):\n    def __init__(self, a: int, b=2, *, c=(1, 2), d):\n        super().__init__()\n"
    assert signature_of(source) == {"a": ..., "b": 2, "c": (1, 2), "d": ...}
    assert signature_of("class A(nn.Module):\n    pass\n") == {}


@pytest.mark.parametrize(
    "text",
    [
        "x = (" + " + ".join(f"self.branch{i}(x)" for i in range(9)) + ") / 9",
        "return " + " + ".join(f"self.branch{i}(x)" for i in range(9)),
        "return " + " + ".join(f"self.branch{i}(x) * (y{i} + 1)" for i in range(9)),
        "self.a = nn.Sequential(*[nn.Sequential(OrderedDict(conv1=nn.Conv2d(8, 8, kernel_size=3, padding=1),"
        " relu1=nn.ReLU())) for _ in range(3)])",
        "self.a = nn.ModuleDict({" + ", ".join(f'"{i}": Block({i}, {i + 1})' for i in range(9)) + "})",
        "self.a = nn.Conv2d(6 * in_channels, 6 * in_channels, kernel_size=3, groups=6 * in_channels, bias=False)",
        "x = self.mha1(query.mT, key.mT, value.mT, attn_mask=nn.Transformer.generate_square_subsequent_mask(9),"
        " need_weights=False)[0].mT",
        "x = torch.cat([" + ", ".join(f"self.branch{i}(x)" for i in range(9)) + "], dim=1)",
    ],
)
def test_long_statements_keep_their_meaning_and_the_formatter_quiet(text: str, tmp_path: Path) -> None:
    lines = statement(text, 8)
    assert len(lines) > 1 and all(len(line) <= WIDTH for line in lines)
    block = "def f(self, x, y):\n    if x:\n" + "\n".join(lines)
    flat = "def f(self, x, y):\n    if x:\n        " + text
    assert ast.dump(ast.parse(block)) == ast.dump(ast.parse(flat))
    (tmp_path / "a.py").write_text(block + "\n")
    run = subprocess.run(
        [sys.executable, "-m", "ruff", "format", "--isolated", "--diff", f"--line-length={WIDTH}", str(tmp_path)],
        capture_output=True,
        text=True,
    )
    assert run.returncode == 0, run.stdout


def test_a_loaded_class_can_be_pickled_and_inspected() -> None:
    graph = small("residual")
    module = build(graph, seed=1)
    again = pickle.loads(pickle.dumps(module))
    assert all(torch.equal(a, b) for a, b in zip(module.parameters(), again.parameters(), strict=True))
    assert "def forward(self, x: Tensor)" in inspect.getsource(type(module))


def test_without_a_seed_torch_initialises() -> None:
    torch.manual_seed(0)
    one, two = build(small("chain")), build(small("chain"))
    assert not torch.equal(one.conv1.weight, two.conv1.weight)
    assert abs(one.conv1.weight).max() <= 1 / (27**0.5)  # kaiming_uniform(a=sqrt(5)) of 27 inputs


def test_weights_of_another_network_are_refused() -> None:
    module = build(small("chain"))
    with pytest.raises(KeyError, match="keys differ"):
        load_weights(module, Draws(small("repeat"), 0))
    wider = spec("net Small {\n input 3x16x16\n INPUT -> CONV(5) -> BN -> RELU -> POOL -> FC(3)\n}")
    with pytest.raises(ValueError, match="conv1.weight is"):
        load_weights(module, Draws(wider, 0))
