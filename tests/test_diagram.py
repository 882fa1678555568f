"""Diagrams: the DOT text says what the network is, and Graphviz lays it out so that it can be printed."""

from __future__ import annotations

import os
import re
import stat
import subprocess
import sys
import time
from itertools import combinations
from pathlib import Path
from string import Formatter
from typing import Any
from xml.etree import ElementTree

import pytest

import archspec
from archspec.emit import MissingExtra
from archspec.emit.boxes import caption
from archspec.emit.diagram import emit_dot
from archspec.emit.render import render
from archspec.fold import fold, representatives
from archspec.graph import Graph
from archspec.op import lookup, names
from archspec.source import SpecError

pytest.importorskip("graphviz")
pygraphviz = pytest.importorskip("pygraphviz")

ZOO = [
    ("lenet5", "LeNet5"),
    ("alexnet", "AlexNet"),
    ("vgg", "VGG16"),
    ("googlenet", "GoogLeNet"),
    ("resnet", "ResNet18"),
    ("resnet", "ResNet50"),
    ("densenet", "DenseNet121"),
    ("mobilenet_v2", "MobileNetV2"),
    ("unet", "UNet"),
    ("siamese", "Siamese"),
]


GOOGLENET = """
default CONV(act=RELU)
block Inception(a, b, c) = concat[CONV(a, 1x1) | CONV(b, 1x1) -> CONV(c, 3x3) | MAXPOOL(3x3, stride=1, pad=same)]
block Aux = AVGPOOL(5x5, stride=3) -> FC(10)
net GoogLeNet {
  input 3x32x32
  INPUT -> CONV(64, 7x7, stride=2) -> Inception(32, 48, 64) as i3 -> Inception(32, 48, 64) -> GAP -> FC(10) as logits
  @i3 -> Aux as aux
  output logits, aux
}
"""
RESNET = """
default CONV(bias=off)
block Cbr(c, k, s=1) = CONV(c, k, stride=s) -> BN -> RELU
block Bottleneck(w, s=1) = res(shortcut=proj)[Cbr(w, 1x1) -> Cbr(w, 3x3, s) -> CONV(4*w, 1x1) -> BN] -> RELU
net ResNet {
  input 3x224x224
  INPUT -> Cbr(64, 7x7, 2) -> MAXPOOL(3x3, stride=2, pad=1)
    -> [[Bottleneck(w, s then 1)]*n]*(w in [64, 128, 256, 512], n in [3, 4, 6, 3], s in [1, 2, 2, 2]) as stage
    -> GAP -> FC(1000)
}
"""


def model(root: Path, spec: str, net: str) -> archspec.Model:
    return archspec.load(root / "specs" / f"{spec}.arch", net=net)


def graph_of(text: str) -> Graph:
    return archspec.loads(text).graph


def parsed(dot: str) -> Any:
    return pygraphviz.AGraph(string=dot)


def words(label: str) -> str:
    """A label without its markup."""
    return re.sub(r"\s+", " ", re.sub(r"<[^>]*>", " ", label)).strip()


def box_of(picture: Any) -> dict[str, str]:
    """The box of every layer, by its path: boxes list their layers in the tooltip."""
    found = {}
    for node in picture.nodes():
        for line in (node.attr["tooltip"] or "").splitlines():
            if ": " in line:
                found[line.split(": ")[0]] = str(node)
    return found


# ---------------------------------------------------------------- what is drawn


@pytest.mark.parametrize(("spec", "net"), ZOO)
@pytest.mark.parametrize("folded", [True, False])
def test_every_edge_of_the_network_is_drawn_and_no_other(root: Path, spec: str, net: str, folded: bool) -> None:
    graph = model(root, spec, net).graph
    picture = parsed(emit_dot(graph, fold=folded))
    shown = representatives(graph, fold(graph, "sizes")) if folded else list(range(len(graph.nodes)))
    box = box_of(picture) | {graph.nodes[i].path: f"n{i}" for i in graph.inputs}
    assert set(box) == {graph.nodes[i].path for i in shown}

    def place(index: int) -> str:
        return box[graph.nodes[shown[index]].path]

    wanted = {
        (place(source), place(index))
        for index, node in enumerate(graph.nodes)
        if shown[index] == index
        for source in node.inputs
    }
    wanted |= {(place(output.node), f"o{number}") for number, output in enumerate(graph.outputs)}
    drawn = {(str(a), str(b)) for a, b in picture.edges() if picture.get_edge(a, b).attr["style"] != "invis"}
    assert drawn == {(a, b) for a, b in wanted if a != b}


def test_vgg16_folds_as_its_table_does(root: Path) -> None:
    graph = model(root, "vgg", "VGG16").graph
    dot = emit_dot(graph)
    assert re.findall(r"<B>(x\d)</B>", dot) == ["x2", "x2", "x3", "x3", "x3", "x2"]
    assert re.findall(r"conv 3x3, \d+", dot) == [f"conv 3x3, {c}" for c in (64, 128, 256, 512, 512)]
    assert len(re.findall(r"conv 3x3, \d+", emit_dot(graph, fold=False))) == 13
    picture = parsed(dot)
    labels = [edge.attr["label"].strip() for edge in picture.edges() if edge.attr["label"]]
    assert labels == [
        *("64x224x224", "64x112x112", "128x112x112", "128x56x56", "256x56x56", "256x28x28"),
        *("512x28x28", "512x14x14", "512x7x7", "4096"),
    ]


def test_resnet50_has_four_dashed_projections_and_folded_bottlenecks() -> None:
    dot = emit_dot(graph_of(RESNET))
    assert re.findall(r"<B>(Bottleneck[x0-9 ]*)</B>", dot) == [
        *("Bottleneck", "Bottleneck x2", "Bottleneck", "Bottleneck x3"),
        *("Bottleneck", "Bottleneck x5", "Bottleneck", "Bottleneck x2"),
    ]
    assert "bottleneck1.1..5" in dot and "stage.2" in dot
    picture = parsed(dot)
    dashed = [edge for edge in picture.edges() if edge.attr["style"] == "dashed"]
    assert len(dashed) == 8  # into each projection and out of it
    projections = {str(head) for _, head in dashed} & {str(tail) for tail, _ in dashed}
    assert [words(picture.get_node(n).attr["label"]) for n in sorted(projections, key=lambda n: int(n[1:]))] == [
        *("conv 1x1, 256 BN", "conv 1x1, 512, /2 BN", "conv 1x1, 1024, /2 BN", "conv 1x1, 2048, /2 BN"),
    ]


def test_the_four_skips_of_unet_are_drawn(root: Path) -> None:
    graph = model(root, "unet", "UNet").graph
    picture = parsed(emit_dot(graph))
    box = box_of(picture)
    joins = [node for node in graph.nodes if node.op.name == "concat"]
    for node, channels in zip(joins, (512, 256, 128, 64), strict=True):
        encoder = box[graph.nodes[min(node.inputs)].path]
        assert words(picture.get_node(encoder).attr["label"]) == f"conv 3x3, {channels} RELU"
        assert picture.has_edge(encoder, box[node.path])


def test_a_dense_block_is_drawn_once_with_the_shapes_it_starts_and_ends_with(root: Path) -> None:
    dot = emit_dot(model(root, "densenet", "DenseNet121").graph)
    assert re.findall(r"<B>(x\d+)</B>", dot) == ["x6", "x12", "x24", "x16"]
    assert all(label in dot for label in ("64x56x56", "256x56x56", "128x28x28", "512x28x28", "1024x7x7"))
    # Pre-activation: the normalisation belongs to the convolution after it.
    assert "BN RELU conv 3x3, 32" in words(dot)


def test_growing_channels_are_written_as_a_range() -> None:
    graph = graph_of("INPUT(4x8x8) -> [dense[CONV(2) -> MAXPOOL(3x3, stride=1, pad=1)]*3 -> RELU]*1 -> FC(3)")
    text = emit_dot(graph)
    assert "10x8x8" in text
    inner = graph_of("INPUT(4x8x8) -> [concat[ID | CONV(2)] -> MAXPOOL(3x3, stride=1, pad=1)]*3 -> FC(3)")
    assert "6..10x8x8" in emit_dot(inner)


def test_shared_towers_are_both_drawn_and_say_so(root: Path) -> None:
    dot = emit_dot(model(root, "siamese", "Siamese").graph)
    assert dot.count("<B>tower</B>") == 2 and dot.count("tower.use2, same weights") == 1
    assert "|a − b|" in dot and "left" in dot and "right" in dot


def test_every_output_has_an_end_and_every_head_its_frame() -> None:
    picture = parsed(emit_dot(graph_of(GOOGLENET)))
    assert [words(picture.get_node(f"o{i}").attr["label"]) for i in range(2)] == ["logits 10", "aux 10"]
    assert [len(picture.in_edges(f"o{i}")) for i in range(2)] == [1, 1]
    titles = [words(n.attr["label"]) for n in picture.nodes() if str(n).startswith("t")]
    assert titles == ["Inception i3", "Inception inception1", "Aux aux"]


def test_depth_closes_the_inner_frames() -> None:
    closed = emit_dot(graph_of(GOOGLENET), depth=0)
    assert "cluster" not in closed and closed.count("<B>Inception</B>") == 2
    resnet = graph_of(RESNET)
    assert re.findall(r"<B>(Bottleneck[x0-9 ]*)</B>", emit_dot(resnet, depth=1))[1::2] == [
        *("Bottleneck x2", "Bottleneck x3", "Bottleneck x5", "Bottleneck x2"),
    ]
    assert "conv 1x1" not in emit_dot(resnet, depth=1) and "conv 1x1" in emit_dot(resnet, depth=2)
    assert emit_dot(resnet, depth=0).count("stage.") == 2 * 4  # titles and tooltips


def test_an_analysis_puts_the_totals_under_the_name() -> None:
    opened = archspec.loads(RESNET)
    assert "25,557,032 parameters, 4.09 G MACs" in emit_dot(opened.graph, opened.analyze())
    assert "parameters" not in emit_dot(opened.graph)


@pytest.mark.parametrize(
    ("layer", "expected"),
    [
        ("CONV(64, 3x3)", "conv 3x3, 64"),
        ("CONV(64, 7x7, stride=2)", "conv 7x7, 64, /2"),
        ("CONV(64, 3x1, stride=2x1)", "conv 3x1, 64, /2x1"),
        ("CONV(64, 3x3, groups=4, dilation=2)", "conv 3x3, 64, dilation 2, groups 4"),
        ("DWCONV(5x5, stride=2)", "dwconv 5x5, /2"),
        ("UPCONV(32)", "upconv 2x2, 32, /2"),
        ("MAXPOOL(3x3, stride=2, pad=1)", "max pool 3x3, /2"),
        ("MAXPOOL(3x3, stride=1, pad=1)", "max pool 3x3"),
        ("CROP((2, 2), (2, 2))", "crop 2"),
        ("CROP((1, 0), (1, 0))", "crop (1, 0), (1, 0)"),
        ("GN(4)", "GN 4"),
        ("DROPOUT(0.5)", "dropout 0.5"),
        ("FC(10)", "FC 10"),
        ("RELU", "RELU"),
    ],
)
def test_captions_read_as_papers_write_them(layer: str, expected: str) -> None:
    assert caption(graph_of(f"INPUT(16x32x32) -> {layer}").nodes[-1].op) == expected


@pytest.mark.parametrize("name", names())
def test_every_card_can_be_captioned_and_coloured(name: str) -> None:
    card = lookup(name)
    assert card is not None
    fields = {field for _, field, _, _ in Formatter().parse(card.style.label) if field}
    assert fields <= {*card.model_fields, "name"}
    assert re.fullmatch("#[0-9a-f]{6}", card.style.fill)


def test_a_box_has_the_colour_of_its_card() -> None:
    dot = emit_dot(graph_of("INPUT(3x8x8) -> CONV(4) -> BN -> RELU -> MAXPOOL -> FC(2)"))
    for name in ("CONV", "BN", "RELU", "MAXPOOL", "FC"):
        card = lookup(name)
        assert card is not None and f'BGCOLOR="{card.style.fill}"' in dot
    picture = parsed(dot)
    assert words(picture.get_node("n1").attr["label"]) == "conv 3x3, 4 BN RELU"


def test_what_changes_nothing_stands_with_its_layer_and_what_is_read_twice_does_not() -> None:
    def boxes(text: str) -> list[str]:
        picture = parsed(emit_dot(graph_of(text)))
        return [words(n.attr["label"]) for n in picture.nodes() if str(n).startswith("n")][1:]

    assert boxes("INPUT(4x8x8) -> BN -> RELU -> CONV(4) -> BN -> RELU -> CONV(4)") == ["BN RELU conv 3x3, 4"] * 2
    assert boxes("INPUT(4x8x8) -> CONV(4) -> RELU -> DROPOUT -> CONV(4) -> RELU") == [
        *("conv 3x3, 4 RELU dropout 0.5", "conv 3x3, 4 RELU"),
    ]
    assert boxes("INPUT(4x8x8) -> CONV(4) -> BN as x -> RELU -> add[@x | ID]") == ["conv 3x3, 4 BN", "RELU", "+"]
    assert boxes("INPUT(4x8x8) -> res[CONV(4)] -> RELU -> CONV(4)") == ["conv 3x3, 4", "+ RELU", "conv 3x3, 4"]


def test_labels_are_escaped() -> None:
    graph = graph_of("INPUT(4x8x8) -> CONV(4) -> RELU")
    node = graph.nodes[1].model_copy(update={"path": 'größe<"x">&\\n.conv'})
    output = graph.outputs[0].model_copy(update={"name": '<b>"&\\l'})
    graph = graph.model_copy(
        update={"name": 'Netz <"ü">', "nodes": (graph.nodes[0], node, *graph.nodes[2:]), "outputs": (output,)}
    )
    svg = ElementTree.fromstring(render(emit_dot(graph), "svg"))
    texts = [element.text for element in svg.iter("{http://www.w3.org/2000/svg}text")]
    assert 'Netz <"ü">' in texts and '<b>"&\\l' in texts
    links = [element.get("{http://www.w3.org/1999/xlink}title") or "" for element in svg.iter()]
    assert any('größe<"x">&\\n.conv' in link for link in links)


# ---------------------------------------------------------------- size and sameness


def test_equal_networks_give_equal_text_in_every_process(root: Path) -> None:
    code = (
        "import archspec, sys; sys.stdout.reconfigure(encoding='utf-8');"
        f"print(archspec.load({str(root / 'specs' / 'googlenet.arch')!r}, net='GoogLeNet').to_dot())"
    )
    texts = {
        subprocess.run(
            [sys.executable, "-c", code],
            cwd=root,
            env={**os.environ, "PYTHONHASHSEED": seed},
            capture_output=True,
            check=True,
        ).stdout
        for seed in ("1", "2")
    }
    assert len(texts) == 1


def test_ten_thousand_iterations_are_one_frame() -> None:
    began = time.perf_counter()
    graph = graph_of("INPUT(4x8x8) -> [CONV(4) -> RELU]*10000")
    dot = emit_dot(graph)
    assert "<B>x10000</B>" in dot and dot.count("conv 3x3") == 1
    assert time.perf_counter() - began < 30


def test_a_picture_nobody_can_read_is_refused_with_the_way_out() -> None:
    graph = graph_of("INPUT(4x8x8) -> [CONV(4) -> RELU]*2100")
    with pytest.raises(SpecError, match=r"(?s)A614.*2,101 boxes, the limit is 2,000.*--depth 0"):
        emit_dot(graph, fold=False)
    assert emit_dot(graph, fold=False, largest=3_000).count("conv 3x3") == 2100


# ---------------------------------------------------------------- layout


def rectangles(picture: Any) -> list[tuple[str, float, float, float, float]]:
    """Boxes, titles and edge labels of a laid out picture: (what, left, bottom, right, top) in points."""
    found = []
    for node in picture.nodes():
        x, y = map(float, node.attr["pos"].split(","))
        w, h = 36 * float(node.attr["width"]), 36 * float(node.attr["height"])
        found.append((str(node), x - w, y - h, x + w, y + h))
    for edge in picture.edges():
        if edge.attr["lp"]:
            x, y = map(float, edge.attr["lp"].split(","))
            half = 2.4 * len(edge.attr["label"].strip())  # a digit in 9 pt Helvetica is 5 pt wide
            found.append((edge.attr["label"], x - half, y - 4, x + half, y + 4))
    return found


@pytest.mark.parametrize(("spec", "net"), ZOO)
def test_no_label_lies_on_a_box_and_the_page_is_not_absurd(root: Path, spec: str, net: str) -> None:
    picture = parsed(emit_dot(model(root, spec, net).graph))
    picture.layout(prog="dot")
    for one, other in combinations(rectangles(picture), 2):
        apart = one[3] <= other[1] or other[3] <= one[1] or one[4] <= other[2] or other[4] <= one[2]
        assert apart, f"{one[0]} lies on {other[0]}"
    left, bottom, right, top = map(float, picture.graph_attr["bb"].split(","))
    assert (top - bottom) / (right - left) < 7


def test_the_trunk_is_straight() -> None:
    picture = parsed(emit_dot(graph_of(RESNET)))
    picture.layout(prog="dot")
    spine = [n for n in picture.nodes() if re.search(r"input|max pool|GAP|FC|output", words(n.attr["label"] or ""))]
    middles = [float(n.attr["pos"].split(",")[0]) for n in spine]
    assert len(spine) == 5 and max(middles) - min(middles) < 2


def test_sideways_boxes_stack_their_layers() -> None:
    graph = graph_of("INPUT(4x8x8) -> CONV(4) -> BN -> RELU")
    assert "</TD></TR><TR><TD" in emit_dot(graph, rankdir="LR") and "rankdir=LR" in emit_dot(graph, rankdir="LR")
    assert "</TD></TR><TR><TD" not in emit_dot(graph)


# ---------------------------------------------------------------- pictures


@pytest.mark.parametrize(("format", "magic"), [("svg", b"<?xml"), ("png", b"\x89PNG\r\n"), ("pdf", b"%PDF-")])
def test_pictures_are_drawn_quietly_and_alike(root: Path, format: str, magic: bytes, capfd: Any) -> None:
    dot = emit_dot(model(root, "lenet5", "LeNet5").graph)
    first = render(dot, format)
    time.sleep(1.1)  # a date in the file would show
    assert first.startswith(magic) and first == render(dot, format)
    assert capfd.readouterr() == ("", "")


def test_an_unknown_format_and_a_slow_layout_are_diagnostics(root: Path) -> None:
    dot = emit_dot(model(root, "lenet5", "LeNet5").graph)
    with pytest.raises(SpecError, match=r"(?s)A741.*\.jpg.*dot, svg, png, pdf"):
        render(dot, "jpg")
    with pytest.raises(SpecError, match=r"(?s)A742.*within 0\.01 seconds.*--depth"):
        render(dot, "svg", timeout=0.01)
    with pytest.raises(SpecError, match="A743"):
        render("digraph {", "svg")


def test_without_graphviz_the_message_says_what_to_install(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("archspec.emit.render.shutil.which", lambda name: None)
    monkeypatch.setattr("archspec.emit.render.find_spec", lambda name: None)
    with pytest.raises(
        MissingExtra, match=r"drawing \.svg needs Graphviz: pip install 'archspec-nn\[viz\]', or .*graphviz"
    ):
        render("digraph {}", "svg")


@pytest.mark.skipif(os.name == "nt", reason="the stand-in is a shell script")
@pytest.mark.parametrize("script", ["echo '<svg/>'", "echo broken >&2; exit 1", None])
def test_a_dot_on_the_path_is_used_where_it_runs(
    script: str | None, tmp_path: Path, monkeypatch: Any, root: Path
) -> None:
    program = tmp_path / "dot"
    program.write_text(f"#!/bin/sh\ncat > /dev/null\n{script}\n" if script else "#!/no/such/interpreter\n")
    program.chmod(program.stat().st_mode | stat.S_IXUSR)
    monkeypatch.setenv("PATH", str(tmp_path), prepend=os.pathsep)
    picture = render(emit_dot(model(root, "lenet5", "LeNet5").graph), "svg")
    assert (picture == b"<svg/>\n") == (script == "echo '<svg/>'")
    assert b"LeNet" in picture or picture == b"<svg/>\n"


def test_what_a_join_adds_meets_its_sign_and_not_the_activation_behind_it() -> None:
    dot = archspec.loads("INPUT(8x8x8) -> RELU -> res[CONV(8) -> BN] -> RELU -> FC(2)").to_dot()
    joined = re.search(r"(\w+) \[label=<<TABLE[^\n]*PORT=\"j\"[^\n]*</TR><TR>[^\n]*RELU", dot)
    assert joined is not None
    assert len(re.findall(rf"-> {joined[1]}:j\b", dot)) == 2 and not re.search(rf"-> {joined[1]}(?!:j)\b", dot)
