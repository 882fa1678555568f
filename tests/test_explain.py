"""Every printed formula against the analysis, and what a unit reads against gradients in torch."""

from __future__ import annotations

import re
import shlex
import sys
from collections import Counter
from math import prod
from pathlib import Path
from random import Random
from typing import Any

import pytest
import torch

sys.path.insert(0, str(Path(__file__).parent))
from op_cases import CASES, Case

import archspec
from archspec import op
from archspec.__main__ import main
from archspec.explain import NoLayer, choose, explain_layer, read_unit
from archspec.explain.layer import counted
from archspec.formula import Formula, evaluate, formula, tex
from archspec.model import Model

ZOO = ["lenet5", "alexnet", "resnet18", "googlenet", "unet", "mobilenetv2", "densenet121", "fcn8s", "siamese", "tdnn"]


def holds(said: Formula) -> None:
    if said.substituted:
        assert evaluate(said.substituted) == said.result, said
    assert tex(said.symbols).count("{") == tex(said.symbols).count("}")


@pytest.mark.parametrize("case", CASES, ids=lambda c: f"{c.name}-{c.arguments}-{c.shapes}")
def test_formulas_come_to_what_the_card_says(case: Case) -> None:
    card = op.lookup(case.name)
    assert card is not None
    ready, xs = card(**case.arguments).settle(*case.shapes), case.shapes
    for part in ready.parts(*xs) or (ready,):
        part = part if part is ready else part.settle(*xs)
        y = part.infer(*xs)
        told = counted(part, y, xs)
        for said in told:
            holds(said)
        results = {said.quantity: said.result for said in told if said.quantity != "shape"}
        cost = part.cost(y, *xs)
        trained = sum(prod(weight.shape) for weight in part.weights(*xs) if weight.trainable)
        assert results == {"params": trained, "MACs": cost.macs, "FLOPs": cost.flops}
        shape = [said.result for said in told if said.quantity == "shape"]
        assert shape in ([y], list(y))
        if cost.macs:  # whoever contracts says how
            assert any(said.quantity == "MACs" and said.substituted for said in told)
        xs = (y,)


_ARGUMENTS = {"width": "c_out", "channels": "c_out", "multiplier": "c_in*m"}  # what the channels of the output are


@pytest.mark.parametrize("case", CASES, ids=lambda c: f"{c.name}-{c.arguments}-{c.shapes}")
def test_a_formula_follows_from_the_card_not_from_its_numbers(case: Case) -> None:
    """An output has as many channels as an argument says even where that are the input's, and what a letter means for
    windows (k, s, d, n, p) it means in all formulas of a layer."""
    card = op.lookup(case.name)
    assert card is not None
    ready, xs = card(**case.arguments).settle(*case.shapes), case.shapes
    if ready.parts(*xs):
        return
    told = counted(ready, ready.infer(*xs), xs)
    given = [_ARGUMENTS[name] for name in _ARGUMENTS if name in card.model_fields]
    channels = [said.symbols for said in told if (said.quantity, said.part) == ("shape", "c")]
    if given and case.name != "SLICE":
        assert channels == given[:1]
    assert not any("by the rule" in said.symbols for said in told if said.quantity == "shape")
    for said in told:
        names = set(re.findall(r"[A-Za-z_]+", said.symbols)) if said.substituted else set()
        assert said.quantity == "shape" or not names & {"k", "s", "d", "n", "p", "u", "o", "r", "j"}, said


@pytest.mark.parametrize("name", ZOO)
def test_receptive_fields_and_bytes_come_to_what_the_analysis_says(name: str) -> None:
    analysis = archspec.load(name).analyze()
    for index, row in enumerate(analysis.rows):
        told = explain_layer(analysis, index)
        for said in told.formulas:
            holds(said)
        if row.field is None:
            assert "unknown" in told.remarks[0]
            continue
        assert row.field.whole == any("whole input" in remark for remark in told.remarks)
        by = {(q, part): [s.result for s in told.formulas if (s.quantity, s.part) == (q, part)] for q, part in
              {(s.quantity, s.part) for s in told.formulas}}  # fmt: skip
        letters = ("", "l", "hw", "thw")[len(row.field.axes)]
        for letter, axis in zip(letters, row.field.axes, strict=True):
            assert by["RF", letter] == [axis.size] and by["start", letter] == [axis.start]
            assert by["jump", letter] == [axis.stride if isinstance(axis.stride, int) else None]
        assert by["params", ""] == [row.params] and by["MACs", ""] == [row.macs] and by["FLOPs", ""] == [row.flops]
        assert by["bytes", ""] == [row.weight_bytes, row.activation_bytes]


# ---------------------------------------------------------------- what one unit reads

NETS = {
    "strided and dilated": "INPUT(2x17x15) -> CONV(3, 3x3, 2) -> CONV(3, 3x3, dilation=2) -> MAXPOOL(2)",
    "even kernels": "INPUT(1x16x16) -> CONV(2, 4x4, pad=(1, 2)) -> AVGPOOL(3, 2, pad=1) -> CONV(2, 5x3, pad=0)",
    "an edge that a stride leaves": "INPUT(1x8x8) -> CONV(2, 3x3, 2, pad=0) -> CONV(2, 3x3)",
    "padding of its own": "INPUT(1x8x8) -> CONV(2, 3x3, pad=0) -> CONV(2, 3x3, pad=3)",
    "transposed": "INPUT(1x9x9) -> CONV(2, 3x3, 2) -> UPCONV(2, 3x3, 2, pad=1, out_pad=1) -> CONV(2, 3x3)",
    "holes": "INPUT(1x5x5) -> UPCONV(2, 2x1, 3)",
    "holes closed": "INPUT(1x5x5) -> UPCONV(2, 2x1, 3) -> CONV(2, 2x2, pad=valid)",
    "bins": "INPUT(1x11x7) -> CONV(2, 3x3) -> AAVGPOOL(4x3)",
    "residual": "INPUT(2x12x12) -> CONV(4, 3x3, 2) -> add[CONV(4, 3x3) -> CONV(4, 3x3) | ID] -> CONV(4, 3x3)",
    "encoder and decoder": (
        "INPUT(1x12x12) -> CONV(2, 3x3) as skip -> AVGPOOL(2) -> CONV(2, 3x3) -> UPCONV(2, 2x2, 2) -> "
        "concat[@skip | ID] -> CONV(2, 3x3)"
    ),
    "sequence": "INPUT(2x20) -> CONV(3, 3, 2, pad=causal) -> UPCONV(2, 3, 2) -> CONV(2, 3)",
}


def opened(text: str) -> Model:
    return archspec.loads(text)


def support(model: Model, unit: tuple[int, ...]) -> tuple[Any, ...]:
    """The box around the input positions with a gradient, all weights positive; inputs positive and equal, and a
    max pool's gradient would choose one of its window, so it is replaced by its mean."""
    module = model.to_torch(seed=0).double().eval()
    with torch.no_grad():
        for weight in module.parameters():
            weight.abs_().add_(0.1)
    for parent in list(module.modules()):
        for name, child in parent.named_children():
            if isinstance(child, torch.nn.MaxPool2d):
                setattr(parent, name, torch.nn.AvgPool2d(child.kernel_size, child.stride, child.padding))
    shape = model.graph.nodes[model.graph.inputs[0]].shape
    x = torch.ones(1, *shape, dtype=torch.float64, requires_grad=True)
    y = module(x)[(0, slice(None), *unit)].sum()
    (gradient,) = torch.autograd.grad(y, x)
    hit = gradient[0].abs().sum(0) > 1e-12
    if not hit.any():
        return (None,) * len(unit)
    places = hit.nonzero()
    return tuple((int(column.min()), int(column.max())) for column in places.T)


@pytest.mark.parametrize("text", NETS.values(), ids=NETS)
def test_a_unit_reads_what_gradients_reach(text: str) -> None:
    model = opened(text)
    analysis = model.analyze()
    last = len(model.graph.nodes) - 1
    sizes = model.graph.nodes[last].shape[1:]
    units = list(zip(*[[i * (n - 1) // 7 for i in range(8)] for n in sizes], strict=True))
    units += [(u[0], *(n - 1 - o for o, n in zip(u[1:], sizes[1:], strict=True))) for u in units]
    for unit in dict.fromkeys(units):
        told = read_unit(analysis, last, unit)
        assert told.read == support(model, unit), unit
        for read, clipped, endless in zip(told.read, told.clipped, told.endless, strict=True):
            if read:
                assert clipped and clipped[0] <= read[0] and read[1] <= clipped[1]
                assert endless and endless[0] <= clipped[0] and clipped[1] <= endless[1]


def step(draw: Random) -> str:
    """A random layer or join that has a window."""
    k, m = draw.randint(1, 4), draw.randint(1, 4)
    a, b, c, d = (draw.randint(0, 3) for _ in range(4))
    steps = [
        f"CONV(2, {k}x{m}, {draw.randint(1, 3)}, pad={draw.randint(0, 2)}, dilation={draw.randint(1, 2)})",
        f"CONV(2, {k}x{m}, pad=(({a}, {b}), ({c}, {d})))",
        f"UPCONV(2, {k}x{m}, {draw.randint(1, 3)})",
        f"UPCONV(2, 3x4, 2, pad=1, dilation={draw.randint(1, 2)})",
        f"AVGPOOL({draw.randint(2, 3)}, {draw.randint(1, 3)}, ceil={draw.choice(['on', 'off'])})",
        f"AAVGPOOL({draw.randint(1, 6)}x{draw.randint(2, 6)})",
        f"PAD(({draw.randint(0, 2)}, 1))",
        *("UPSAMPLE(2)", "UPSAMPLE(2, mode=bilinear)", "UPSAMPLE(size=9x8)", "CROP(1)", "BN"),
        "add[CONV(2, 3x3) | CONV(2, 2x2)]",
        "concat[CONV(2, 3x3) | CONV(2, 5x1, dilation=2) | ID]",
        "concat(crop=center)[CONV(2, 3x3, pad=0) | ID]",
    ]
    return draw.choice(steps)


def test_units_of_random_nets_read_what_gradients_reach() -> None:
    draw, compared = Random(5), 0
    for _ in range(40):
        steps = (step(draw) for _ in range(draw.randint(1, 5)))
        text = " -> ".join([f"INPUT(1x{draw.randint(4, 14)}x{draw.randint(4, 14)})", *steps])
        try:
            model = opened(text)
        except archspec.SpecError:  # a window that does not fit
            continue
        last = len(model.graph.nodes) - 1
        for _ in range(3):
            unit = tuple(draw.randrange(n) for n in model.graph.nodes[last].shape[1:])
            assert read_unit(model.analyze(), last, unit).read == support(model, unit), (text, unit)
            compared += 1
    assert compared > 90


def test_padding_between_layers_is_told_apart(capsys: pytest.CaptureFixture[str]) -> None:
    text = NETS["an edge that a stride leaves"]
    assert main(["explain", "-e", text, "conv2", "--at", "2,0"]) == 0
    out = capsys.readouterr().out
    assert "on an endless map  rows 2 to 8, columns -2 to 4 (7x7)" in out
    assert "inside the input   rows 2 to 7, columns 0 to 4 (6x5)" in out
    assert "really read        rows 2 to 6, columns 0 to 4 (5x5)" in out


def test_layers_that_read_elsewhere_are_named(capsys: pytest.CaptureFixture[str]) -> None:
    text = "INPUT(2x8x8) -> PAD(1, mode=reflect) -> DEFCONV(4, 3x3) -> CONV(2, 3x3)"
    assert main(["explain", "-e", text, "conv1", "--at", "4,4"]) == 0
    out = capsys.readouterr().out
    assert out.count("may read other positions") == 2 and "defconv1 may" in out


def test_an_edge_that_a_shift_wraps_cuts_a_window() -> None:
    analysis = opened("INPUT(4x16x16) -> WMHA(2, 4, 2)").analyze()
    for place, read in ((0, (0, 1)), (5, (2, 5)), (13, (10, 13)), (15, (14, 15))):
        assert read_unit(analysis, 1, (place, place)).read == (read, read)
    told = explain_layer(analysis, 1)
    assert told.formulas[0].symbols == "as the input" and "window that it lies in" in told.remarks[0]


def test_what_is_read_behind_branches_of_unequal_strides(capsys: pytest.CaptureFixture[str]) -> None:
    text = "INPUT(1x24) -> concat[CONV(1, 1, 4, pad=0) | CONV(1, 3, 2, pad=0) -> CROP((0, 5))] as z -> CONV(1, 3)"
    assert main(["explain", "-e", text, "z", "--at", "5"]) == 0
    out = capsys.readouterr().out
    assert "endless map  positions 10 to 20 (11)" in out and "inside the input   positions 10 to 20 (11)" in out
    assert "really read" not in out and "the branches of z have different strides (N301)" in out
    assert main(["explain", "-e", text, "conv1"]) == 0
    assert "The branches of z have different strides: the numbers hold at output 0." in capsys.readouterr().out


def test_a_text_is_read_token_by_token() -> None:
    """And through a causal mask what precedes a token."""
    text = "input text: 16, dtype=int64\nINPUT -> EMBED(10, 8) -> {} -> CONV(8, kernel=3)"
    for layer, read in (("TANH", (3, 3)), ("MHA(2)", (0, 15)), ("MHA(2, causal)", (0, 3))):
        analysis = opened(text.format(layer)).analyze()
        assert read_unit(analysis, 1, (3,)).read == ((3, 3),)
        assert read_unit(analysis, 2, (3,)).read == (read,)
        assert [("precedes" in remark) for remark in explain_layer(analysis, 3).remarks] == [read == (0, 3)] * (
            layer != "TANH"
        )
        assert read_unit(analysis, 3, (3,)).read == ((max(0, read[0] - 1), min(15, read[1] + 1)),)


def test_the_numbers_of_a_layer_that_reads_the_whole_map_are_explained() -> None:
    """They are the local field's, as the table's."""
    model = archspec.load("alexnet")
    index = next(i for i, node in enumerate(model.graph.nodes) if node.op.name == "FC")
    told = explain_layer(model.analyze(), index)
    assert [said.result for said in told.formulas if said.quantity == "RF"] == [195, 195]
    assert "whole input (227x227)" in told.remarks[0] and "`195 /32 global`" in told.remarks[0]


def test_a_global_operation_reads_everything() -> None:
    model = opened("INPUT(2x8x8) -> CONV(4, 3x3) as c -> mul[ID | GAP -> FC(4)]")
    told = read_unit(model.analyze(), len(model.graph.nodes) - 1, (3, 4))
    assert told.whole and told.endless == ((2, 4), (3, 5)) and told.read == ((0, 7), (0, 7))
    model = opened("INPUT(2x8x8) -> mul[ID | CROP(2) -> GAP -> FC(2)]")
    assert read_unit(model.analyze(), len(model.graph.nodes) - 1, (0, 4)).read == ((0, 5), (2, 5))


def token_step(draw: Random, shape: tuple[int, ...], maps: list[tuple[int, ...]]) -> str:
    """A random step of a net whose map goes through sequences of its positions and back."""
    h, w = shape[1:] if len(shape) == 3 else (1, 1)
    if len(shape) == 3:
        maps.append((h, w))
        steps = [
            *("CONV(4, 3x3)", "CONV(4, 3x3, 2)", "AVGPOOL(2)", "UPSAMPLE(2)", "UPSAMPLE(2, mode=bilinear)", "GN(2)"),
            *("TOKENS", "TOKENS", "TOKENS", "PERMUTE(0, 2, 1)", f"RESHAPE(2, {2 * h}, {w})"),
            f"FLATTEN -> FC({4 * h * w}) -> RESHAPE(4, {h}, {w})",
            f"add[TOKENS -> MHA(2) -> RESHAPE(4, {h}, {w}) | CONV(4, 3x3)]",
            *("mul[ID | GAP -> FC(4) -> SIGMOID]", "mul[ID | CROP(1) -> GAP -> FC(4) -> SIGMOID]"),
            f"WMHA(2, window=(2, 3), shift=({draw.randrange(2)}, {draw.randrange(3)}))",
        ]
        return draw.choice(steps)
    length = shape[1]
    back = [f"RESHAPE(4, {h}, {w})" for h, w in maps if h * w == length]
    other = next(d for d in range(2, length + 1) if length % d == 0) if length > 1 else 1
    steps = [
        *("MHA(2)", "MHA(2, causal)", "LINEAR(4)", "TANH", "add[MHA(2) | ID]", "CLSTOKEN", "CROP((1, 0))"),
        *("PAD((1, 0))", "CONV(4, kernel=3)", "mul[ID | TOKEN(0)]", f"RESHAPE(4, {other}, {length // other})"),
    ]
    return draw.choice([*steps, *5 * back])


def drawn(draw: Random) -> str:
    text, maps = f"INPUT(4x{draw.choice([4, 6, 8])}x{draw.choice([6, 9])}) -> TANH", list[tuple[int, ...]]()
    for _ in range(draw.randint(2, 8)):
        graph = opened(text).graph
        longer = f"{text} -> {token_step(draw, graph.nodes[graph.outputs[0].node].shape, maps)}"
        try:
            opened(longer)
        except archspec.SpecError:  # a window that does not fit
            continue
        text = longer
    return text


def reached(model: Model, unit: tuple[int, ...]) -> tuple[Any, ...]:
    """The box around the input positions that a unit depends on, by weights and inputs without a pattern."""
    module, draw = model.to_torch(seed=0).double().eval(), torch.Generator().manual_seed(1)
    with torch.no_grad():
        for weight in module.parameters():
            fan = prod(weight.shape[1:])
            weight.copy_(torch.randn(weight.shape, generator=draw, dtype=torch.float64) / fan**0.5)
    shape = model.graph.nodes[model.graph.inputs[0]].shape
    x = torch.randn(1, *shape, generator=draw, dtype=torch.float64).requires_grad_()
    y = module(x)[(0, slice(None), *unit)]
    (gradient,) = torch.autograd.grad((y * torch.randn(y.shape, generator=draw, dtype=torch.float64)).sum(), x)
    places = (gradient[0] != 0).any(0).nonzero()
    return tuple((int(c.min()), int(c.max())) for c in places.T) if len(places) else (None,) * (len(shape) - 1)


def test_maps_that_become_tokens_and_maps_again_are_followed() -> None:
    """What units read against gradients, with all that global operations add, and the local field beside that of the
    same net without them; where it cannot be followed it is unknown, on the page too."""
    draw, counts = Random(3), Counter[str]()
    for _ in range(120):
        text = drawn(draw)
        model = opened(text)
        analysis, last = model.analyze(), model.graph.outputs[0].node
        field, told = analysis.rows[last].field, explain_layer(analysis, last)
        if field is None or not field.grid:
            told_so = "unknown" in told.remarks[0] if field is None else not field.axes
            assert told_so and not any(said.quantity == "RF" for said in told.formulas), text
            counts["unknown" if field is None else "everything alone"] += 1
            continue
        twin = opened(re.sub(r"\bMHA\(2(, causal)?\)|GN\(2\)", "ID", text))
        for _ in range(2):
            unit = tuple(draw.randrange(n) for n in model.graph.nodes[last].shape[1:])
            read = read_unit(analysis, last, unit)
            assert not read.coarse and read.read == reached(model, unit), (text, unit)
            counts["global" if field.whole else "local"] += 1
            near = twin.analyze().rows[-1].field
            if field.whole and near is not None and not near.whole:
                local = read_unit(twin.analyze(), len(twin.graph.nodes) - 1, unit)
                assert near.axes == field.axes and local.endless == read.endless, (text, unit)
                assert local.read == reached(twin, unit), (text, unit)
                counts["local beside global"] += 1
    assert min(counts.values()) >= 10 and len(counts) == 5, counts


@pytest.mark.parametrize("at, says", [("1", "2 spatial axes"), ("55,0", "from 0 to 54,54"), ("x,1", "write 3,4")])
def test_a_unit_that_is_not_there(at: str, says: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["explain", "alexnet", "conv1", "--at", at]) == 2
    assert says in capsys.readouterr().err


# ---------------------------------------------------------------- the command


def test_the_lines_of_a_first_layer(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["explain", "-e", "INPUT(3x224x224) -> CONV(64, 7x7, 2, pad=3)", "conv1"]) == 0
    out = re.sub(" +", " ", capsys.readouterr().out)
    assert "floor((n + p_begin + p_end - (d*(k - 1) + 1))/s) + 1 = floor((224 + 3 + 3 - 7)/2) + 1 = 112" in out
    assert "c_out*(c_in/g)*k_h*k_w + c_out = 64*3*7*7 + 64 = 9,472" in out
    assert "r_in + (k - 1)*d*j_in = 1 + (7 - 1)*1*1 = 7" in out and "= 0 - 3*1 = -3" in out


@pytest.mark.parametrize("form", ["text", "markdown", "latex"])
def test_a_blank_has_no_number(form: str, capsys: pytest.CaptureFixture[str]) -> None:
    for arguments in (["conv1"], []):
        assert main(["explain", "alexnet", *arguments, "--format", form, "--blank"]) == 0
        out = capsys.readouterr().out
        assert "34,944" not in out and "34944" not in out and "105" not in out
        assert ("hspace" in out or "&  &" in out) if form == "latex" else "____" in out
    assert main(["explain", "alexnet", "conv1", "--format", form]) == 0
    assert "34" in capsys.readouterr().out


@pytest.mark.parametrize("text", ["INPUT(1x5x5) -> UPCONV(2, 2x1, 3)", "INPUT(1x11x7) -> AAVGPOOL(4x3)"])
def test_it_says_where_the_classic_formula_fails(text: str) -> None:
    analysis = opened(text).analyze()
    assert any("classic formula fails" in remark for remark in explain_layer(analysis, 1).remarks)


def test_joins_that_do_not_align_are_said() -> None:
    analysis = opened("INPUT(1x8x8) -> add[CONV(2, 3x3) | CONV(2, 2x2, pad=((0, 1), (0, 1)))]").analyze()
    assert any("not centred" in remark for remark in explain_layer(analysis, 3).remarks)


def test_layers_are_found() -> None:
    graph = archspec.load("resnet18").graph
    paths = [node.path for node in graph.nodes]
    last = max(range(len(paths)), key=lambda i: paths[i].count("."))
    assert choose(graph, paths[last]) == (last,)
    assert len(choose(graph, "*conv*")) > 10
    with pytest.raises(NoLayer, match="means .* layers"):
        choose(graph, paths[last].rpartition(".")[2])
    with pytest.raises(NoLayer, match="There are"):
        choose(graph, "nowhere")


def test_an_unknown_layer(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["explain", "alexnet", "cnov1"]) == 2
    err = capsys.readouterr().err
    assert "Did you mean conv1?" in err and "There are" in err
    assert main(["explain", "resnet50", "convv"]) == 2
    assert "Did you mean '*conv1', which are 53 layers?" in capsys.readouterr().err
    assert main(["explain", "alexnet"]) == 2


def test_a_formula_cannot_say_another_number() -> None:
    said = formula("params", "c_out*(c_in/g)", {"c_out": 8, "c_in": 6, "g": 2})
    assert (said.substituted, said.result) == ("8*3", 24)
    with pytest.raises(ValueError, match="comes to 8/3"):
        formula("params", "a/b", {"a": 8, "b": 3})
    assert tex("floor((n - k_h)/s) + 1") == r"\left\lfloor \frac{n - k_h}{s} \right\rfloor + 1"


def test_the_page_prints_what_the_command_prints(root: Path, capsys: pytest.CaptureFixture[str]) -> None:
    text = (root / "docs" / "explain.md").read_text(encoding="utf-8")
    blocks = re.findall(r"```console\n\$ archspec (.*?)\n(.*?)```", text, re.DOTALL)
    assert len(blocks) == 3
    for line, printed in blocks:
        assert main(shlex.split(line)) == 0
        assert capsys.readouterr().out == printed
