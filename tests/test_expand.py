"""The language, from text to graph: names, paths, repeats, options, joins, taps, blocks, nets and what is left open."""

from __future__ import annotations

from math import prod

import pytest

import archspec
from archspec.expand.free import UsageError
from archspec.expand.randwire import random_edges
from archspec.model import Model, open_holes
from archspec.source import Source, SpecError


def paths(model: Model) -> list[str]:
    return [node.path for node in model.graph.nodes]


def shapes(model: Model) -> dict[str, tuple[int, ...]]:
    return {node.path: node.shape for node in model.graph.nodes}


def codes(text: str, net: str | None = None, **params: object) -> list[str]:
    with pytest.raises(SpecError) as caught:
        archspec.loads(text, net, **params)
    return [d.code for d in caught.value.diagnostics]


def message(text: str, **params: object) -> str:
    with pytest.raises(SpecError) as caught:
        archspec.loads(text, **params)
    return str(caught.value)


def parameters(model: Model) -> int:
    graph = model.graph
    owned = (w for n in graph.nodes if n.shares is None for w in n.op.weights(*graph.shapes_into(n)))
    return sum(prod(w.shape) for w in owned if w.trainable)


# ---------------------------------------------------------------- published counts, one per way of writing


@pytest.mark.parametrize(
    ("spec", "net", "expected"),
    [
        ("specs/vgg.arch", "VGG16", 138_357_544),  # Simonyan & Zisserman, Table 2
        ("specs/vgg.arch", "VGG19", 143_667_240),
        ("specs/vgg_table.arch", None, 138_357_544),
        ("specs/resnet.arch", "ResNet50", 25_557_032),  # torchvision
        ("specs/densenet.arch", "DenseNet121", 7_978_856),
        ("specs/mobilenet_v2.arch", None, 3_504_872),
        ("specs/unet.arch", "UNet", 31_030_658),
        ("specs/siamese.arch", None, 38_951_745),  # the shared tower once
        ("specs/unetpp.arch", None, 9_159_681),
        ("specs/darts.arch", None, 3_349_342),
        ("specs/revnet.arch", None, 150_538),
        ("specs/two_outputs.arch", None, 1_163_970),
    ],
)
def test_published_parameters(spec: str, net: str | None, expected: int) -> None:
    assert parameters(archspec.load(spec, net)) == expected


VGG16 = {"N": "2,2,3,3,3", "M": 5, "K": 2, "POOL": True, "INPUT": "3x224x224", "CONV": "64,128,256,512,512"}


def test_the_blueprint_is_vgg16_when_its_symbols_are_bound() -> None:
    model = archspec.load("specs/blueprint.arch", **VGG16, **{"FC.1": 4096, "FC.2": 1000})
    assert parameters(model) == 138_357_544
    assert sum(node.op.name == "MAXPOOL" for node in model.graph.nodes) == 5


def test_the_blueprint_without_repeats_is_a_linear_classifier() -> None:
    model = archspec.load("specs/blueprint.arch", N=0, M=0, K=0, INPUT="3x32x32", **{"FC.2": 10})
    assert paths(model) == ["input", "fc1"]
    assert parameters(model) == 3 * 32 * 32 * 10 + 10


def test_an_option_takes_a_list_one_entry_per_stage() -> None:
    bound = {**VGG16, "M": 3, "N": 1, "CONV": 8, "POOL": "on,off,on", "FC.1": 16, "FC.2": 10}
    model = archspec.load("specs/blueprint.arch", **bound)
    assert [n.path for n in model.graph.nodes if n.op.name == "MAXPOOL"] == ["r1.0.maxpool1", "r1.2.maxpool1"]


def test_holes_are_listed_in_text_order() -> None:
    holes = open_holes(Source("b", "INPUT -> [[CONV -> RELU]*N -> POOL?]*M -> [FC -> RELU]*K -> FC as head"))
    assert [(h.name, h.kind) for h in holes] == [
        ("INPUT", "input"),
        ("CONV", "argument"),
        ("N", "count"),
        ("POOL", "option"),
        ("M", "count"),
        ("FC.1", "argument"),
        ("K", "count"),
        ("head", "argument"),
    ]


def test_an_open_blueprint_says_how_to_bind_it() -> None:
    text = message("INPUT(3x8x8) -> [CONV(4)]*N -> FC")
    assert "error[A401]: N is open" in text
    assert "-D N=... -D FC=..." in text


def test_a_binding_that_nothing_asks_for_is_refused() -> None:
    with pytest.raises(UsageError, match="nothing here is named FO") as caught:
        archspec.loads("INPUT(3x8x8) -> FC", FC=10, FO=3)
    assert "did you mean FC?" in caught.value.help


# ---------------------------------------------------------------- paths


def test_paths_number_layers_in_their_scope_and_repeats_from_zero() -> None:
    model = archspec.loads("INPUT(3x8x8) -> CONV(4) -> [CONV(4) -> BN -> CONV(4)]*2 -> CONV(4) -> [RELU]*2")
    assert paths(model) == [
        "input",
        "conv1",
        "r1.0.conv1",
        "r1.0.bn1",
        "r1.0.conv2",
        "r1.1.conv1",
        "r1.1.bn1",
        "r1.1.conv2",
        "conv2",
        "relu1.0",
        "relu1.1",
    ]


def test_a_repeat_of_one_block_takes_the_blocks_name_and_a_label_replaces_it() -> None:
    text = "block B(c) = CONV(c) -> BN\nINPUT(3x8x8) -> B(4)*2 -> [[B(4)]*2 as inner]*2 as stage"
    assert [p for p in paths(archspec.loads(text)) if p.endswith("conv1")] == [
        "b1.0.conv1",
        "b1.1.conv1",
        *(f"stage.{i}.inner.{j}.conv1" for i in range(2) for j in range(2)),
    ]


def test_branches_are_numbered_in_text_order_and_a_lone_residual_adds_no_level() -> None:
    text = "INPUT(4x8x8) -> concat[ID | CONV(4) -> RELU] -> add[CONV(4) | CONV(4)] -> res[CONV(4)]"
    assert paths(archspec.loads(text)) == [
        "input",
        "b2.conv1",
        "b2.relu1",
        "concat1",
        "b3.conv1",
        "b4.conv1",
        "add1",
        "conv1",
        "add2",
    ]


def test_an_option_that_is_off_keeps_its_number() -> None:
    on = archspec.loads("INPUT(3x8x8) -> POOL?(1 == 1) -> CONV(4) -> POOL")
    off = archspec.loads("INPUT(3x8x8) -> POOL?(1 == 2) -> CONV(4) -> POOL")
    assert paths(on) == ["input", "maxpool1", "conv1", "maxpool2"]
    assert paths(off) == ["input", "conv1", "maxpool2"]


def test_a_variant_of_a_net_adds_no_level() -> None:
    text = "net A(c) {\n  input 3x8x8\n  INPUT -> CONV(c)\n}\nnet B = A(c=4)\n"
    assert paths(archspec.loads(text, "B")) == ["input", "conv1"]


def test_names_ending_in_a_digit_keep_their_number_apart() -> None:
    text = "block Conv6(c) = CONV(c)\nINPUT(3x8x8) -> Conv6(2) -> CONV(2)"
    assert paths(archspec.loads(text)) == ["input", "conv6_1.conv1", "conv1"]


def test_nodes_remember_block_repeat_and_arguments() -> None:
    model = archspec.load("specs/resnet.arch", "ResNet50")
    node = next(n for n in model.graph.nodes if n.path == "stage.2.bottleneck1.3.conv1")
    stage, repeat, block = node.scope
    assert (stage.kind, stage.name, stage.index, stage.count, stage.labelled) == ("repeat", "stage", 2, 4, True)
    assert (repeat.kind, repeat.index, repeat.count) == ("repeat", 3, 6)
    assert (block.kind, block.definition, block.arguments) == ("block", "Bottleneck", (("w", 256), ("s", 1)))
    assert node.span.text == "CONV(4*w, 1x1)"


# ---------------------------------------------------------------- repeats and values


def test_columns_are_read_in_step_and_rows_row_by_row() -> None:
    columns = archspec.loads("INPUT(3x8x8) -> [CONV(c)*n]*(c in [4, 8], n in [1, 2])")
    rows = archspec.loads("INPUT(3x8x8) -> [CONV(c)*n]*(c, n in [[4, 1], [8, 2]])")
    assert [s[0] for s in shapes(columns).values()] == [3, 4, 8, 8]
    assert shapes(columns) == shapes(rows)


def test_columns_of_unequal_length_name_both() -> None:
    text = message("INPUT(3x8x8) -> [CONV(c)*n]*(c in [4, 8], n in [1, 2, 3])")
    assert "n has 3 entries and c has 2" in text


def test_then_first_and_last_belong_to_the_innermost_repeat() -> None:
    model = archspec.loads("INPUT(3x16x16) -> [[CONV(4, stride=s then 1)]*2 -> POOL?(not last)]*(s in [2, 1])")
    assert [n.op.name for n in model.graph.nodes] == ["INPUT", "CONV", "CONV", "MAXPOOL", "CONV", "CONV"]
    assert [n.shape[1] for n in model.graph.nodes] == [16, 8, 8, 4, 4, 4]


@pytest.mark.parametrize(
    ("expression", "value"),
    [
        ("2^3", 8),
        ("7 // 2 + 7 % 2", 4),
        ("round(2.5) + round(3.5)", 6),  # half to even
        ("ceil(2.1) + floor(2.9)", 5),
        ("div8(19)", 24),  # 16 would be below nine tenths of 19
        ("div8(3)", 8),
        ("div(30, 16)", 32),
        ("sum([1, 2, 3]) + len([4, 5])", 8),
        ("max(3, 9) + min([4, 2])", 11),
        ("[1, 2, 3][2]", 3),
        ("rev([1, 2, 3])[0]", 3),
        ("cumsum([1, 2, 3])[2]", 6),
        ("[2*i for i in 1..4 if i > 2][0]", 6),
        ("5 if 1 == 2 else 7", 7),
        ("0.5 * 8", 4),
        ("log2(8) + sqrt(9)", 6),
        ("-2 + 5", 3),
    ],
)
def test_values(expression: str, value: int) -> None:
    assert archspec.loads(f"INPUT(3x8x8) -> CONV({expression})").graph.nodes[-1].shape[0] == value


def test_a_range_is_closed_and_empty_when_it_ends_before_it_begins() -> None:
    assert len(archspec.loads("INPUT(3x8x8) -> [RELU]*(i in 0..2) -> FC(2)").graph.nodes) == 5
    assert len(archspec.loads("INPUT(3x8x8) -> [RELU]*(i in 0..-1) -> FC(2)").graph.nodes) == 2


# ---------------------------------------------------------------- arguments


def test_file_defaults_hold_for_exactly_the_named_operator_and_not_for_projections() -> None:
    text = (
        "default CONV(bias=off)\nblock B(c) = res(shortcut=proj)[CONV(c) -> DWCONV(3x3)]\n"
        "INPUT(3x8x8) -> B(4) -> CONV(4)"
    )
    bias = {n.path: n.op.bias for n in archspec.loads(text).graph.nodes if hasattr(n.op, "bias")}
    assert bias == {"b1.conv1": False, "b1.dwconv1": True, "b1.shortcut.conv1": True, "conv1": False}


def test_an_operator_or_block_can_be_handed_to_a_block() -> None:
    text = (
        "block Unit(c, act=RELU, norm=BN) = CONV(c) -> norm -> act\n"
        "INPUT(4x8x8) -> Unit(8) -> Unit(8, act=TANH, norm=GN(4))"
    )
    assert [n.op.name for n in archspec.loads(text).graph.nodes[1:]] == ["CONV", "BN", "RELU", "CONV", "GN", "TANH"]


def test_act_is_a_node_of_its_own() -> None:
    assert paths(archspec.loads("INPUT(3x8x8) -> [CONV(4, act=RELU)]*2 -> FC(2, act=TANH) as head")) == [
        "input",
        "conv1.0.conv1",
        "conv1.0.relu1",
        "conv1.1.conv1",
        "conv1.1.relu1",
        "head",
        "tanh1",
    ]


def test_cin_is_the_channels_entering_the_block() -> None:
    text = "block Half = CONV(cin // 2) -> CONV(cin)\nINPUT(8x4x4) -> Half"
    assert [n.shape[0] for n in archspec.loads(text).graph.nodes] == [8, 4, 8]
    assert codes("INPUT(8x4x4) -> CONV(cin)") == ["A104"]


def test_paper_shorthand() -> None:
    model = archspec.loads("INPUT(3x64x64) -> conv7-16/2 -> maxpool3/2 -> conv3x1-8 -> FC-10 -> softmax")
    assert list(shapes(model).values()) == [(3, 64, 64), (16, 32, 32), (16, 15, 15), (8, 15, 15), (10,), (10,)]


@pytest.mark.parametrize(
    ("text", "code", "hint"),
    [
        ("INPUT(3x8x8) -> CONV(3x3, 64)", "A212", "write CONV(64, 3x3)"),
        ("INPUT(3x8x8) -> CONV(3, 64)", "A213", "write 64x64 or kernel=64"),
        ("INPUT(3x8x8) -> conv64-3", "A222", "write conv3-64"),
        ("INPUT(3x8x8) -> CONV(64, strides=2)", "A201", "did you mean stride?"),
        ("INPUT(3x8x8) -> CONV(64, pad=sme)", "A204", "did you mean same?"),
        ("INPUT(3x8x8) -> CONV(64, groups=7)", "A206", "groups=1"),
        ("INPUT(3x8x8) -> CONV(64, bias=3)", "A204", "on or off"),
        ("INPUT(3x8x8) -> CONV(w)", "A102", "define it"),
        ("INPUT(3x8x8) -> COVN(64)", "A101", "did you mean CONV?"),
        ("INPUT(3x8x8) -> [CONV(4) | CONV(4)]", "A303", "add[...] to sum"),
        ("INPUT(3x8x8) -> add[CONV(4)]", "A315", "res[F]"),
        ("INPUT(3x8x8) -> res[CONV(4)]", "A307", "res(shortcut=proj)[...]"),
        ("INPUT(3x8x8) -> CONV(4)\nRELU -> FC(2)", "A304", "write '-> RELU'"),
        ("INPUT(3x8x8) -> RELU -> @x", "A306", "start a new line"),
        ("INPUT(3x8x8) as a -> add[@a | @a] -> FC(2)", "A306", "let one branch be ID"),
        ("block A = B\nblock B = A\nINPUT(3x8x8) -> A", "A316", "cannot recurse"),
        ("INPUT(3x8x8) -> [RELU?(1 == 2)]*1000000", "A605", ""),
    ],
)
def test_mistakes_are_named_and_mended(text: str, code: str, hint: str) -> None:
    rendered = message(text)
    assert f"error[{code}]" in rendered
    assert hint in rendered


def test_one_cause_is_one_error_and_several_causes_are_several() -> None:
    text = "input a: 3x8x8\nINPUT -> COVN(4) as x\n@x -> CONV(4) as y\n@y -> FC(2)\nINPUT -> RELUU"
    assert codes(text) == ["A101", "A101"]


def test_the_network_up_to_the_fault_is_kept() -> None:
    with pytest.raises(SpecError) as caught:
        archspec.loads("INPUT(3x8x8) -> CONV(4) -> POOL -> CONV(4, 9x9, pad=valid)")
    assert [n.op.name for n in caught.value.partial.nodes] == ["INPUT", "CONV", "MAXPOOL"]


# ---------------------------------------------------------------- joins, taps, blocks


def test_shortcuts() -> None:
    def ops(shortcut: str, body: str = "CONV(8, stride=2) -> BN") -> list[str]:
        model = archspec.loads(f"INPUT(4x8x8) -> res(shortcut={shortcut})[{body}]")
        return [n.path for n in model.graph.nodes[1:]]

    assert ops("proj") == ["conv1", "bn1", "shortcut.conv1", "shortcut.bn1", "add1"]
    assert ops("proj", "CONV(4)") == ["conv1", "add1"]
    assert ops("proj_all", "CONV(4)") == ["conv1", "shortcut.conv1", "add1"]
    assert ops("if_same") == ["conv1", "bn1"]
    assert ops("pad") == ["conv1", "bn1", "shortcut.zeropad1", "add1"]
    stride = archspec.loads("INPUT(4x16x16) -> res(shortcut=proj)[CONV(8, stride=2) -> POOL(3x3, stride=2, pad=1)]")
    assert next(n for n in stride.graph.nodes if n.path == "shortcut.conv1").op.stride == (4, 4)


def test_split_dense_highway_and_pick() -> None:
    model = archspec.loads("INPUT(6x4x4) -> split(sizes=[2, 4])[ID | CONV(3)] -> dense[CONV(2)]*2")
    assert [n.shape[0] for n in model.graph.nodes] == [6, 2, 4, 3, 5, 2, 7, 2, 9]
    gate = archspec.loads("INPUT(6x4x4) -> highway(gate_bias=-2)[CONV(6) -> RELU | CONV(6)]").graph.nodes[-1]
    assert gate.op.name == "highway" and len(gate.inputs) == 3
    picked = archspec.loads("let deep = on\nINPUT(6x4x4) -> pick[CONV(3) if deep | FC(2)]")
    assert picked.graph.nodes[-1].op.name == "CONV"


def test_branches_are_stamped_by_for_and_absent_by_if() -> None:
    model = archspec.loads("INPUT(6x4x4) -> concat[AVGPOOL(b) -> FLATTEN for b in [1, 2, 4] if b > 1]")
    assert model.graph.nodes[-1].shape == (6 * 4 + 6,)


def test_labels_in_repeats_are_lists_and_the_present_one_inside() -> None:
    text = "INPUT(4x8x8) -> [CONV(4) as e -> add[ID | @e]]*3 -> concat[@e[0] | @e[2] | ID]"
    model = archspec.loads(text)
    last = model.graph.nodes[-1]
    assert [model.graph.nodes[i].path for i in last.inputs] == ["r1.0.e", "r1.2.e", "r1.2.add1"]
    assert codes("INPUT(4x8x8) -> [CONV(4) as e]*3 -> add[ID | @e]") == ["A218"]
    assert "there are 3: @e[0] .. @e[2]" in message("INPUT(4x8x8) -> [CONV(4) as e]*3 -> add[ID | @e[3]]")


def test_several_outputs_of_a_block_are_read_by_name() -> None:
    model = archspec.load("specs/two_outputs.arch")
    assert [o.name for o in model.graph.outputs] == ["output"]
    text = (
        "block E(c) {\n INPUT -> CONV(c) as skip\n @skip -> POOL as down\n output skip, down\n}\n"
        "INPUT(3x8x8) -> E(4) -> RELU"
    )
    assert codes(text) == ["A311"]


def test_shared_flows_own_their_weights_once() -> None:
    model = archspec.load("specs/siamese.arch")
    uses = {n.path: n.shares for n in model.graph.nodes if n.path.startswith("tower.use2") and n.op.name == "CONV"}
    owners = {path: model.graph.nodes[index].path for path, index in uses.items() if index is not None}
    assert owners == {path: path.replace("tower.use2", "tower") for path in uses}


def test_uses_of_a_shared_flow_have_the_same_layers() -> None:
    text = (
        "input a: 3x8x8\ninput b: 4x8x8\n"
        "shared t = res(shortcut=if_same)[CONV(4)] -> res(shortcut=proj)[CONV(3)] -> GAP\n"
        "@a -> t as x\n@b -> t as y\nadd[@x | @y] -> FC(2)"
    )
    assert codes(text) == ["A309"]
    broken = "input a: 3x8x8\nshared t = CONV(4, 9x9, pad=valid) -> CONV(4)\n@a -> t as x\n@a -> t as y\nadd[@x | @y]"
    assert codes(broken) == ["A310"]


def test_another_input_size_from_outside() -> None:
    model = archspec.load("specs/resnet.arch", "ResNet50", INPUT="3x320x320")
    assert [n.shape for n in model.graph.nodes if n.op.name == "GAP"] == [(2048, 1, 1)]
    assert model.graph.nodes[0].shape == (3, 320, 320) and parameters(model) == 25_557_032
    assert [d.code for d in model.warnings] == ["N306"] and model.failures() == ()
    siamese = archspec.load("specs/siamese.arch", left="1x120x120", right="1x120x120")
    assert [siamese.graph.nodes[i].shape for i in siamese.graph.inputs] == [(1, 120, 120)] * 2
    with pytest.raises(UsageError, match="several inputs"):
        archspec.load("specs/siamese.arch", INPUT="1x120x120")


@pytest.mark.parametrize("wire", ["res", "dense", "split", "highway", "randwire(ws, nodes=4, k=2, p=0, seed=1)"])
def test_a_pattern_beside_its_flow_needs_something_to_read(wire: str) -> None:
    branches = "@a -> CONV(4) | @a" if wire in ("split", "highway") else "@a -> CONV(4)"
    assert codes(f"input x: 4x8x8\nINPUT -> CONV(4) as a\n{wire}[{branches}] -> FC(2)") == ["A304"]
    choices = "input x: 4x8x8\nINPUT -> CONV(4) as a\npick[@a -> CONV(4) | @a] -> res[@a -> CONV(4) | ID] -> FC(2)"
    assert paths(archspec.loads(choices))[-1] == "fc1"


def test_sizes_end_somewhere() -> None:
    assert codes("INPUT(3x8x8) -> CONV(4, 5x5, pad=1e308) -> FC(2)") == ["A608"]


def test_a_shared_layer_cannot_pad_in_two_ways() -> None:
    text = (
        "input a: 3x8x8\ninput b: 3x9x9\nshared t = CONV(4, 3x3, stride=2, pad=same_upper) -> GAP\n"
        "@a -> t as x\n@b -> t as y\nadd[@x | @y] -> FC(2)"
    )
    assert codes(text) == ["A309"]


def test_outputs_are_selected_and_what_they_do_not_need_is_left_out() -> None:
    model = archspec.model.open_model(
        Source("g", open("specs/googlenet.arch", encoding="utf-8").read()), "GoogLeNet", outputs=("logits",)
    )
    assert parameters(model) == 6_998_552  # FIGURES: without the two heads
    assert [d.code for d in model.warnings] == ["N305", "N306"]


def test_unread_ends_need_an_output() -> None:
    assert codes("input a: 3x8x8\nINPUT -> CONV(4)\nINPUT -> CONV(8)") == ["A318"]


def test_symbolic_sizes_are_bound_from_outside_or_carry_a_value_to_count_with() -> None:
    text = "input line: (1, 32, T), T=160\nINPUT -> CONV(4)"
    assert archspec.loads(text).graph.nodes[-1].shape == (4, 32, 160)
    assert archspec.loads(text, T=64).graph.nodes[-1].shape == (4, 32, 64)
    assert codes("input line: (1, 32, T)\nINPUT -> CONV(4)") == ["A404"]


def test_a_symbolic_size_is_known_by_the_value_to_count_with() -> None:
    text = "input a: (3, T), T=160\ninput b: (3, T)\nadd[@a | @b] -> CONV(4, stride=T // 40)\n"
    text += "assert output.length == T / 4"
    model = archspec.loads(text)
    assert shapes(model)["conv1"] == (4, 40) and model.failures() == ()
    assert [node.op.symbols for node in model.graph.nodes[:2]] == [("", "T")] * 2
    assert shapes(archspec.loads(text, T=80))["conv1"] == (4, 40)
    line = "input line: (1, 32, T), T=160\nINPUT -> CONV(3, stride=(1, T // 40))"
    assert shapes(archspec.loads(line, line="1x32x80"))["conv1"] == (3, 32, 40)


@pytest.mark.parametrize("batch", ["None", "-1", "N", "batch"])
def test_the_batch_is_not_written(batch: str) -> None:
    with pytest.raises(SpecError) as caught:
        archspec.loads(f"INPUT({batch}, 3, 224, 224) -> CONV(64)")
    (found,) = caught.value.diagnostics
    assert found.message == "the batch is not written" and found.fix is not None and found.fix.text == "3x224x224"
    said = message(f"INPUT({batch}, 224, 224, 3) -> CONV(64)")  # a fix would have to turn it too
    assert "help: write INPUT(3x224x224)" in said


@pytest.mark.parametrize(
    ("text", "code"),
    [
        ("INPUT(1x3x224x224) -> CONV(64)", "W207"),
        ("INPUT(8x1x28x28) -> CONV(64)", "W207"),
        ("INPUT(2x3x16x112x112) -> RELU", "W207"),
        ("INPUT(1x224x224x3) -> CONV(64)", "W207"),
        ("INPUT(1x64x128x128) -> CONV(64)", None),  # a volume
        ("INPUT(3x16x112x112) -> CONV(64)", None),  # a clip
        ("INPUT(3x4x64x64) -> CONV(64)", None),
        ("INPUT(28x28) -> POOL", "W208"),
        ("INPUT(28x28) -> concat[CONV(8) | CONV(8, kernel=5)]", "W208"),
        ("INPUT(64x64) -> MHA(8)", None),  # tokens
        ("INPUT(64x64) -> LN -> CONV(64)", None),
        ("INPUT(64x64) -> CONV(64, kernel=1)", None),
        ("INPUT(80x100) -> CONV(64)", None),
        ("INPUT(3x32x32) -> CONV(8, kernel=3, stride=4)", "W209"),
        ("INPUT(3x32x32) -> CONV(8, kernel=1, stride=4)", None),
        ("INPUT(3x32x32) -> CONV(8, kernel=3, stride=4, dilation=2)", None),
        ("INPUT(3x32x32) -> UPCONV(8, 2x2, stride=3)", None),
        ("INPUT(3x32x32) -> CONV(8, stride=4)", None),  # the kernel is not the author's
        ("INPUT(64) -> EMBED(10, 8)", "W210"),
        ("input a: 8, dtype=int32\ninput b: 8\nadd[@a -> EMBED(10, 8) | @b -> EMBED(10, 8)]", None),
        ("block B(c) = ID\nblock Use(F) = F(8)\nINPUT(3x8x8) -> Use(B) -> FC(3)", None),  # as Use wants it
        ("block B(on_top) = CONV(8)?(on_top)\nINPUT(3x8x8) -> B(on)", None),
        ("block B(n) = [CONV(8)]*n\nINPUT(3x8x8) -> B(2)", None),
        ("block B(extra) = [CONV(8)]? as extra\nINPUT(3x8x8) -> B(on)", None),
        ("block B(c, d=c) = CONV(d)\nINPUT(3x8x8) -> B(2)", None),
        ("block B[a, b] = CONV(8) -> concat[ID | @b]\nINPUT(3x8x8) -> B[ID | RELU]", None),
        ("block B[a, b] = CONV(8)\nINPUT(3x8x8) -> B[ID | RELU]", "W105"),
    ],
)
def test_warnings_of_what_is_hardly_meant(text: str, code: str | None) -> None:
    found = [d.code for d in archspec.loads(text).warnings if d.severity == "warning"]
    assert found == ([code] if code else [])


def test_imports_stay_inside_the_project(tmp_path: object) -> None:
    root = tmp_path  # type: ignore[assignment]
    (root / "inner").mkdir()
    (root / "inner" / "blocks.arch").write_text("default CONV(bias=off)\nblock B(c) = CONV(c)\n")
    (root / "outside.arch").write_text("block C(c) = CONV(c)\n")
    main = root / "inner" / "main.arch"
    main.write_text(
        'from "blocks.arch" import B\nimport "blocks.arch" as b\nINPUT(3x8x8) -> B(4) -> b.B(4) -> CONV(4)\n'
    )
    biases = [n.op.bias for n in archspec.load(main).graph.nodes[1:]]
    assert biases == [False, False, True]  # a file's defaults are not inherited by its importers
    main.write_text('from "../outside.arch" import C\nINPUT(3x8x8) -> C(4)\n')
    with pytest.raises(SpecError, match="lies outside"):
        archspec.load(main)


# Every block of the files that hold blocks alone, stamped on a shape; what comes out is known from the papers.
STAMPED = {
    "SqueezeExcite": ("normalised", "64x8x8", "", (64, 8, 8)),
    "NeXt": ("normalised", "256x8x8", "(128)", (256, 8, 8)),
    "Branch": ("normalised", "24x8x8", "(24)", (24, 8, 8)),
    "ShuffleV2": ("normalised", "48x8x8", "", (48, 8, 8)),
    "PreActProj": ("normalised", "16x8x8", "(32, 2)", (32, 4, 4)),
    "Pyramid": ("normalised", "16x8x8", "(3, 48)", (64, 8, 8)),
    "Hwy": ("plain", "16x8x8", "", (16, 8, 8)),
    "Fire": ("plain", "96x8x8", "(16, 64)", (128, 8, 8)),
    "MLPConv": ("plain", "3x8x8", "(192, 5x5)", (192, 8, 8)),
    "Dense": ("heads", "16x8x8", "(8)", (4, 8, 8)),
}


@pytest.mark.parametrize("name", STAMPED)
def test_every_block_of_the_libraries_stamps(name: str, tmp_path: object) -> None:
    file, shape, args, out = STAMPED[name]
    path = tmp_path / "main.arch"  # type: ignore[operator]
    library = open(f"specs/blocks/{file}.arch", encoding="utf-8").read()
    (tmp_path / "library.arch").write_text(library)  # type: ignore[operator]
    path.write_text(f'from "library.arch" import {name}\nINPUT({shape}) -> {name}{args}\n')
    assert archspec.load(path).graph.nodes[-1].shape == out


# Random(1).random() begins 0.134, 0.847, 0.763, 0.255, 0.495, 0.449: below 0.5 are the pairs 0-1, 0-4, 0-5, 1-2 ...
ER_6_5_1 = [(0, 1), (0, 4), (0, 5), (1, 2), (1, 5), (2, 3), (2, 5), (3, 5), (4, 5)]
WS_8_4_75_1 = [
    *((0, 1), (0, 3), (0, 4), (0, 5), (1, 2), (1, 3), (1, 5), (1, 6)),
    *((2, 3), (2, 6), (3, 6), (3, 7), (4, 6), (5, 6), (5, 7), (6, 7)),
]
BA_7_2_1 = [(0, 2), (0, 3), (0, 6), (1, 2), (1, 4), (2, 3), (2, 4), (2, 6), (3, 5), (4, 5)]


def test_a_seed_names_one_random_graph_for_ever() -> None:
    assert random_edges("ws", 8, 4, 0.75, 0, 1) == WS_8_4_75_1
    assert random_edges("er", 6, 0, 0.5, 0, 1) == ER_6_5_1
    assert random_edges("ba", 7, 0, 0.0, 2, 1) == BA_7_2_1


def test_arguments_of_a_handed_over_block_are_looked_up_where_each_stands() -> None:
    text = """
block Unit(c, k=1x1, p=same) = CONV(c, k, pad=p)
block Wide(c, k=1x1, p=same, by=2) = CONV(by * c, k, pad=p)
block Pair(w, Conv) = concat[Conv(w) | Conv(w + 1, 3x3, same)]
net A(Conv=Unit) {
  input 3x8x8
  INPUT -> Pair(4, Conv) -> Pair(8, Conv)
}
net B = A(Conv=Wide)
net C(by=3) = A(Conv=Wide(by=by))
"""
    for net, widths in (("A", [4, 5, 8, 9]), ("B", [8, 10, 16, 18]), ("C", [12, 15, 24, 27])):
        model = archspec.loads(text, net)
        assert [n.shape[0] for n in model.graph.nodes if n.op.name == "CONV"] == widths


def test_layers_made_on_the_spot_keep_their_own_arguments() -> None:
    widths = [n for n in range(1, 60) for _ in range(2)]
    steps = " -> ".join(f"Act({n}, 3x3) -> RELU -> Act({n}, 3x3)" for n in range(1, 60))
    model = archspec.loads(f"block B(Act) = {steps}\nINPUT(3x8x8) -> B(CONV) -> B(CONV)")
    assert [n.shape[0] for n in model.graph.nodes if n.op.name == "CONV"] == 2 * widths
    for pools in range(1, 8):
        text = "INPUT(3x8x8)" + "".join(f" -> conv3-{n}" for n in widths) + " -> maxpool1/1" * pools
        assert [n.shape[0] for n in archspec.loads(text).graph.nodes if n.op.name == "CONV"] == widths


def test_a_random_graph_is_named_as_other_steps_are() -> None:
    graph = "randwire(ws, nodes=3, k=2, p=0, seed=1)[CONV(3)]"
    model = archspec.loads(f"INPUT(3x8x8) -> {graph} as wild -> [{graph}]*1 -> {graph}")
    first = [path.removesuffix(".n0.conv1") for path in paths(model) if path.endswith("n0.conv1")]
    assert first == ["wild", "randwire1.0", "randwire2"]


def test_labels_in_a_for_are_lists_behind_it_and_the_present_one_inside() -> None:
    text = "input a: 4x8x8\nfor i in 0..2 { INPUT -> CONV(4) as e\n@e -> RELU as r }\n"
    model = archspec.loads(text + "add[@r[0] | @r[1] | @r[2]]")
    relus = [n for n in model.graph.nodes if n.op.name == "RELU"]
    assert [model.graph.nodes[i].path for n in relus for i in n.inputs] == [f"for1.{i}.e" for i in range(3)]
    assert codes(text + "@r -> FC(2)") == ["A218"]
    branches = "INPUT(4x8x8) -> concat[CONV(4) as e for i in 0..2] -> add[@e[*]]"
    assert codes(branches) == ["A306"]
    assert codes("INPUT(4x8x8) -> concat[CONV(4) as e for i in 0..2] -> add[POOL(1x1) | @e]") == ["A218"]


def test_first_and_last_belong_to_a_branch_that_is_repeated_too() -> None:
    model = archspec.loads("INPUT(4x8x8) -> [concat[CONV(2 if last else 1) for i in 0..2]]*2")
    assert [n.shape[0] for n in model.graph.nodes if n.op.name == "CONV"] == [1, 1, 2, 1, 1, 2]


def test_rest_ports_take_an_index() -> None:
    block = "block J[a, more...] = concat[@a | @more[1] | @more[*]]\ninput x: 2x4x4\n"
    model = archspec.loads(block + "J[CONV(1) | CONV(3) | CONV(5)]".replace("CONV", "INPUT -> CONV"))
    assert [model.graph.nodes[i].shape[0] for i in model.graph.nodes[-1].inputs] == [1, 5, 3, 5]
    assert "there are 2: @more[0] .. @more[1]" in message(block.replace("[1]", "[2]") + "J[INPUT | INPUT | INPUT]")
    assert "there is only one stream of this name" in message("block B[a] = @a[1] -> RELU\nINPUT(2x4x4) -> B")


def test_an_index_with_a_star_reads_what_is_there_in_order() -> None:
    table = "input a: 1x4x4\nfor i in 0..2 { for j in 0..i { INPUT -> CONV(10*i + j + 1) as x[i, j] } }\n"

    ends = "".join(f"@x[{i}, {j}] | " for i in range(3) for j in range(i + 1))
    graph = archspec.loads(f"{table}concat[{ends}@x[2, *] | @x[*, 0] | @x[[2, 1], *]]").graph
    widths = [graph.nodes[i].shape[0] - 1 for i in graph.nodes[-1].inputs]
    assert widths[6:] == [20, 21, 22, 0, 10, 20, 20, 21, 22, 10, 11]


def test_inputs_may_be_several_of_one_name() -> None:
    text = "for i in 0..1 { input view[i]: 3x8x8 }\nshared t = CONV(4) -> GAP\n"
    model = archspec.loads(text + "for i in 0..1 { @view[i] -> t as f[i] }\nconcat[@f[*]] -> FC(2)")
    assert [n.path for n in model.graph.nodes if n.op.name == "INPUT"] == ["view_0", "view_1"]
    assert parameters(model) == 4 * 27 + 4 + 8 * 2 + 2
    assert "begin with one of them: @view[0], @view[1]" in message(text + "INPUT -> FC(2)")


def test_joins_are_handed_to_blocks_as_layers_are() -> None:
    fuse = "block Fuse(join, n=2) = join[CONV(4) | CONV(4)]\n"
    model = archspec.loads(fuse + "INPUT(3x8x8) -> Fuse(add) -> Fuse(concat) -> Fuse(join=max)")
    assert [n.op.name for n in model.graph.nodes if n.op.name.islower()] == ["add", "concat", "max"]
    mine = "block Mine(c, k)[a, b] = concat[a | b] -> CONV(c, k)\nblock Use(J, c) = J(c + 1)[ID | CONV(3)]\n"
    assert archspec.loads(mine + "INPUT(3x8x8) -> Use(Mine(k=1x1), 6)").graph.nodes[-1].shape == (7, 8, 8)
    assert codes(fuse + "INPUT(3x8x8) -> Fuse(ad)") == ["A101"]
    wide = "block W(j) = j[CONV(8) | ID]\nINPUT(8x8x8) -> W(concat(crop=center)) -> FLATTEN -> W2(highway)"
    assert codes(wide) == ["A101"]
    wide = "block W(j) = j[CONV(3, stride=2)]\nINPUT(3x8x8) -> W(res(shortcut=proj)) -> GAP"
    assert [n.op.name for n in archspec.loads(wide).graph.nodes] == ["INPUT", "CONV", "CONV", "add", "GAP"]


def test_a_label_of_a_repeat_that_runs_no_time_names_no_stream() -> None:
    text = "INPUT(3x8x8) -> [CONV(3) as e]*{} -> concat[ID | CONV(2) | @e[*]]"
    assert [archspec.loads(text.format(n)).graph.nodes[-1].shape[0] for n in (0, 1, 2)] == [5, 8, 11]
    off = "INPUT(3x8x8) -> [[CONV(3) as e] -> RELU]?(off) as x -> concat[ID | CONV(2) | @e[*]]"
    assert archspec.loads(off).graph.nodes[-1].shape[0] == 5
    assert codes("INPUT(3x8x8) -> [CONV(3) as e]*0 -> add[ID | @e]") == ["A112"]
    assert codes("INPUT(3x8x8) -> [CONV(3) as e]*0 -> add[ID | @e[0]]") == ["A112"]


def test_a_block_comes_before_a_built_in_of_its_name() -> None:
    text = "block res[a] = RELU\nblock add[a, b] = concat[a | b]\nINPUT(3x8x8) -> res[ID] -> add[ID | ID]"
    assert [n.op.name for n in archspec.loads(text).graph.nodes] == ["INPUT", "RELU", "concat"]


def test_a_rest_port_alone_is_the_blocks_input_only_where_it_is_one_stream() -> None:
    block = "block J[more...] = {}\nINPUT(3x8x8) -> J[ID | CONV(4)]"
    assert archspec.loads(block.format("INPUT -> CONV(cin)")).graph.nodes[-1].shape[0] == 3
    for start in ("more -> RELU", "@more -> RELU", "add[more | more]"):
        assert codes(block.format(start)) == ["A221"]


def test_a_count_may_be_a_whole_number_that_was_computed() -> None:
    assert len(archspec.loads("INPUT(3x8x8) -> [RELU]*(4 / 2) -> FC(2)").graph.nodes) == 4
    assert codes("INPUT(3x8x8) -> [RELU]*(5 / 2) -> FC(2)") == ["A231"]


def test_a_shortcut_that_cannot_follow_says_what_it_could_be() -> None:
    text = message("INPUT(4x8x8) -> res(shortcut=proj)[CONV(8, pad=valid)]")
    assert "the shortcut of res can be 8x8x8, and its flow gives 8x6x6" in text
    assert "trace: INPUT 4x8x8" in text and "shortcut=proj)[...]" not in text


def test_a_binding_of_the_wrong_name_is_named_beside_what_is_open() -> None:
    assert "k is bound, and nothing has that name; did you mean K?" in message("INPUT(3x8x8) -> [RELU]*K", k=2)


def test_an_activation_of_the_files_default_can_be_left_out() -> None:
    model = archspec.loads("default CONV(act=RELU)\nINPUT(3x8x8) -> CONV(4) -> CONV(4, act=none) -> CONV(4, act=TANH)")
    assert [n.op.name for n in model.graph.nodes] == ["INPUT", "CONV", "RELU", "CONV", "CONV", "TANH"]


def test_what_repeats_and_blocks_give_cannot_be_the_name_of_a_value() -> None:
    for text in ("let first = 3", "param last = 3", "block B(cin) = FC(cin)"):
        assert codes(f"{text}\nINPUT(3x8x8) -> FC(2)") == ["A026"]
    assert codes("INPUT(3x8x8) -> [CONV(first)]*(first in [4, 5])") == ["A026"]
    assert paths(archspec.loads("INPUT(3x8x8) -> CONV(4) as last")) == ["input", "last"]


def test_a_net_is_no_step_and_the_version_comes_first() -> None:
    nets = "net A {\n input 3x8x8\n INPUT -> FC(2)\n}\nnet B {\n input 3x8x8\n INPUT -> A\n}"
    with pytest.raises(SpecError, match="A is a net, and a net cannot be a step"):
        archspec.loads(nets, "B")
    assert codes("INPUT(3x8x8) -> FC(2)\narchspec 1") == ["A061"]


def test_a_label_without_its_sign_is_known_for_one() -> None:
    text = "input a: 3x8x8\na -> CONV(4) as x\n"
    for flow in ("x -> FC(2)", "add[x | x]", "add[@x | x -> CONV(4)]"):
        assert "x is a label: write @x" in message(text + flow)
    assert "write it in: EMBED(10, ...)" in message("INPUT(4, dtype=int64) -> EMBED(10)")
