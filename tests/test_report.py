"""Tables, JSON, CSV, Markdown and HTML: what they add up to, what they fold, and that programs can read them."""

from __future__ import annotations

import csv
import io
import json
import re
import sys
from html.parser import HTMLParser
from pathlib import Path
from typing import Any

import jsonschema
import pytest

import archspec
from archspec import report
from archspec.analyze import Analysis, analyze
from archspec.op import lookup
from archspec.report.grid import aligned, stacked
from archspec.report.lines import Line, lines
from archspec.report.wording import bytes_text, rounded, spelled

sys.path.insert(0, str(Path(__file__).parent))
import reference
from nets import Net
from op_cases import CASES, Case

BLOCKS = """
block Res(c, s=1) = res(shortcut=proj)[CONV(c, 3x3, s) -> BN -> RELU -> CONV(c) -> BN] -> RELU
net Small {
  input 3x32x32
  INPUT -> CONV(16) -> [[Res(w, 2 then 1)]*n]*(w, n in [[16, 4], [32, 3]]) as stage -> GAP -> FC(10)
}
"""


def small() -> Analysis:
    return archspec.loads(BLOCKS, name="small.arch").analyze()


def sums(told: list[Line]) -> tuple[int, ...]:
    """What the lines of a table add up to: what stands under iterations told once is in their sum already."""
    total, inside = (0, 0, 0), None
    for line in told:
        if inside is not None and line.level > inside:
            continue
        inside = line.level if line.times > 1 else None
        if line.counts is not None:
            total = tuple(a + b for a, b in zip(total, line.counts, strict=True))
    return total


@pytest.mark.parametrize("depth", [None, 0, 1, 2, 3])
@pytest.mark.parametrize("expand", [True, False])
def test_the_lines_add_up_to_the_totals(expand: bool, depth: int | None) -> None:
    for analysis in (small(), archspec.load("resnet", "ResNet18").analyze(), archspec.load("unet").analyze()):
        totals = analysis.totals
        found = sums(lines(analysis, expand=expand, depth=depth))
        assert found == (totals.params, totals.macs, totals.flops)


def test_the_table_of_a_small_net() -> None:
    """The whole text, read and found right: numbers by hand in test_analyze, sums in the test above."""
    assert report.table(small(), depth=1) == GOLDEN


GOLDEN = """\
Small  (batch 1, float32)

Layer            Operator                Output  Params       MACs      FLOPs  Field
-------------------------------------------------------------------------------------------
input            INPUT                  3x32x32       0          0          0  1 /1
conv1            CONV(16, 3x3, pad=1)  16x32x32     448    442,368    901,120  3 /1
stage.0
  res1.0         Res(c=16, s=2)        16x16x16   4,992  1,245,184  2,535,424  9 /2
  res1.1..3  x3  Res(c=16, s=1)        16x16x16  14,112  3,538,944  7,188,480  33 /2
stage.1
  res1.0         Res(c=32, s=2)          32x8x8  14,592    917,504  1,857,536  45 /4
  res1.1..2  x2  Res(c=32, s=1)          32x8x8  37,248  2,359,296  4,755,456  77 /4
gap1             GAP                     32x1x1       0          0      2,048  77 /4 global
fc1              FC(10)                      10     330        320        650  77 /4 global

parameters             71,722  71.72 K
buffers                   736
MACs                8,503,616  8.504 M
FLOPs              17,240,714  17.24 M
weights            283.04 KiB  float32, with buffers
activations        728.16 KiB  every layer's output, batch 1
receptive field  77 /4 global  output 0 reads from -38
depth                      16  weight layers on the longest path

MACs: contractions alone; FLOPs: 2 x MACs + biases + per-element work; Field: local, size /stride.
A line with xN sums N iterations that are alike; the lines under it show the first of them.
"""


def test_iterations_that_are_alike_are_told_once_with_their_sum() -> None:
    folded, opened = lines(small()), lines(small(), expand=True)
    (three, two) = [line for line in folded if line.times > 1]
    assert (three.times, two.times) == (3, 2)
    each = [line for line in opened if line.path.startswith("stage.0.") and line.block][1:]
    assert len(folded) < len(opened)
    assert three.counts is not None
    rows = [
        r for r, n in zip(small().rows, small().graph.nodes, strict=True) if re.match(r"stage\.0\..*\.[123]\.", n.path)
    ]
    assert three.counts.params == sum(row.params for row in rows) and each


def test_depth_closes_blocks_and_keeps_their_sums() -> None:
    told = lines(small(), depth=0)
    assert [line.name for line in told if not line.block] == ["input", "conv1", "gap1", "fc1"]
    assert all(line.counts is not None for line in told)


def test_flops_can_be_counted_as_twice_the_macs() -> None:
    """Both are in use for ResNet-50: 4.09 G and 8.18 G."""
    analysis = archspec.load("resnet", "ResNet50").analyze()
    assert "4,089,184,256" in report.table(analysis) and "8,217,632,232" in report.table(analysis)
    assert "8,178,368,512" in report.table(analysis, count="2mac")
    assert "8,178,368,512" in report.to_markdown(analysis, count="2mac")
    assert "8,178,368,512" in report.to_html(analysis, count="2mac")


def test_columns_are_aligned_and_a_narrow_table_keeps_to_its_width() -> None:
    analysis = archspec.load("resnet", "ResNet18").analyze()
    for width in (None, 120, 100, 80):
        head, rule, *body = report.table(analysis, width=width).split("\n")[2:]
        assert ("FLOPs" in head) == (width != 80) and ("(no room for FLOPs)" in body) == (width == 80)
        assert ("CONV(64, 3x3, pad=1, bias=off)" in "".join(body)) == (width in (None, 120))
        assert width is None or all(len(line) <= width for line in [rule, *body])
        end = head.index("MACs") + len("MACs")
        rows = [line for line in body[: body.index("")] if len(line) > end]
        assert rows and all(line[end - 1].isdigit() and line[end : end + 2] == "  " for line in rows)


def test_a_table_gives_in_the_order_that_it_is_told() -> None:
    rows = [("name", "what", "count", "why"), ("stage.block.conv", "a long word", "1,000", "for no reason at all")]
    give = ((3, 8), (1, 6), (2, 0), (0, 8))
    told = {
        width: aligned(rows, (0, 1, 3), width=width, give=give, prose=True).splitlines() for width in (60, 50, 44, 30)
    }
    assert told[60] == aligned(rows, (0, 1, 3)).splitlines()
    assert [line.split("  ")[-1].strip() for line in told[50]] == ["why", "for no", "reason at", "all"]
    assert "a long..." in told[44][1] and "1,000" in told[44][1]
    assert "count" not in told[30][0] and told[30][-1] == "(no room for count)" and told[30][1].startswith("...")
    assert all(max(map(len, lines)) <= width for width, lines in told.items())


def test_columns_that_have_no_room_stand_below() -> None:
    rows = [("", *(f"net{n}" for n in range(6))), ("params", *("1,000,000" for _ in range(6)))]
    assert stacked(rows, (0,)) == aligned(rows, (0,))
    tables = stacked(rows, (0,), width=40).split("\n\n")
    assert [table.split()[:3] for table in tables] == [["net0", "net1", "net2"], ["net3", "net4", "net5"]]
    assert all(table.splitlines()[1].startswith("params") for table in tables)


@pytest.mark.parametrize("width", [140, 80])
def test_the_terminal_table_says_what_the_plain_one_says(width: int) -> None:
    analysis = archspec.load("resnet", "ResNet18").analyze()
    colored = report.rich_table(analysis, depth=1, width=width)
    assert "\x1b[" in colored
    words = re.sub(r"\x1b\[[0-9;]*m", "", colored).split()
    plain = report.table(analysis, depth=1, width=width).split()
    assert words == [word for word in plain if not word.startswith("---")]
    assert "\x1b[" not in report.rich_table(analysis, width=140, color=False)


def test_shared_layers_unknown_fields_and_notes_are_said() -> None:
    net = Net()
    net("left", "INPUT", shape=(1, 8, 8))
    net("right", "INPUT", shape=(1, 8, 8))
    net("conv", "CONV", "left", channels=4)
    net("again", "CONV", "right", channels=4, shares="conv")
    net("even", "CONV", "again", channels=4, kernel=2)
    net("join", "add", "again", "even")
    net("turned", "PERMUTE", "join", order=(1, 2, 0))
    analysis = analyze(net.graph())
    text = report.table(analysis)
    assert re.search(r"^again +CONV\(4, 3x3, pad=1\) +4x8x8 +shared +", text, re.MULTILINE)
    assert re.search(r"^turned +PERMUTE\(1, 2, 0\) .* \?$", text, re.MULTILINE)
    assert re.search(r"^receptive field +\?$", text, re.MULTILINE)
    assert "note[N302] test:1:1: the branches of add are not centred on the same places" in text
    assert "note[N303]" in text
    layers = document(analysis)["layers"]
    assert layers[3]["shares"] == "conv" and "shares" not in layers[2]
    assert layers[6]["receptive_field"] is None


# ---------------------------------------------------------------- as data


def document(analysis: Analysis) -> Any:
    read = json.loads(report.to_json(analysis, spec_file="small.arch", spec_sha256="0" * 64))
    jsonschema.validate(read, report.schema(), cls=jsonschema.Draft202012Validator)
    return read


def test_the_schema_is_a_schema_and_refuses_what_it_does_not_know() -> None:
    jsonschema.Draft202012Validator.check_schema(report.schema())
    read = document(small())
    for where in (read, read["totals"], read["layers"][0], read["layers"][0]["source"]):
        where["more"] = 1
        with pytest.raises(jsonschema.ValidationError):
            jsonschema.validate(read, report.schema(), cls=jsonschema.Draft202012Validator)
        del where["more"]


@pytest.mark.parametrize("name", sorted(reference.networks())[::6])
def test_json_of_reference_networks(name: str) -> None:
    graph, _ = reference.graph(name)
    read = document(analyze(graph))
    assert len(read["layers"]) == len(graph.nodes)
    for key in ("params", "buffers", "macs", "flops"):
        assert read["totals"][key] == sum(layer[key] for layer in read["layers"])


def test_the_json_says_where_everything_stands() -> None:
    read = document(small())
    assert list(read) == (
        ["schema", "archspec", "batch", "dtype", "spec", "net", "inputs", "outputs", "totals", "layers", "notes"]
    )
    assert (read["schema"], read["archspec"], read["net"]) == ("archspec.analysis/1", archspec.__version__, "Small")
    assert read["inputs"] == [{"name": "input", "shape": [3, 32, 32], "dtype": "float32"}]
    assert read["outputs"] == [{"name": "output", "layer": "fc1", "shape": [10]}]
    first, conv = read["layers"][:2]
    assert (first["path"], first["op"], first["inputs"]) == ("input", "INPUT", [])
    assert (conv["inputs"], conv["source"]) == (["input"], {"file": "small.arch", "line": 5, "column": 12})
    assert conv["receptive_field"] == {"size": [3, 3], "stride": [1, 1], "start": [-1, -1], "global": False}
    assert list(conv) == (
        ["path", "op", "inputs", "output_shape", "params", "buffers", "macs", "flops", "receptive_field", "source"]
    )


def test_the_json_is_the_same_every_time_and_has_a_layer_to_a_line() -> None:
    texts = [report.to_json(small(), spec_file="s", spec_sha256="0" * 64) for _ in range(2)]
    assert texts[0] == texts[1]
    assert len([line for line in texts[0].splitlines() if line.startswith('    {"path"')]) == len(small().rows)


def test_fractions_phases_and_symbolic_sizes_are_written() -> None:
    net = Net()
    net("image", "INPUT", shape=(1, 160), symbols=("", "T"))
    net("up", "UPCONV", "image", channels=2)
    net("conv", "CONV", "up", channels=2)
    read = document(analyze(net.graph()))
    assert read["inputs"][0]["shape"] == [1, {"name": "T", "value": 160}]
    assert read["layers"][1]["receptive_field"]["stride"] == ["1/2"]
    assert read["totals"]["receptive_field"]["size"] == [2]
    unet = document(archspec.load("unet").analyze())["totals"]["receptive_field"]
    assert unet["phases"] == {"period": [16, 16], "min": [188, 188]} and unet["size"] == [204, 204]


def test_a_vector_has_no_extent() -> None:
    net = Net()
    net("features", "INPUT", shape=(4,))
    net("fc", "FC", "features", width=2)
    read = document(analyze(net.graph()))
    assert read["totals"]["receptive_field"] == {"size": [], "stride": [], "start": [], "global": True}
    assert read["layers"][0]["receptive_field"]["global"] is False


def test_csv_has_a_row_for_each_layer() -> None:
    analysis = archspec.load("resnet", "ResNet18").analyze(batch=2)
    rows = list(csv.DictReader(io.StringIO(report.to_csv(analysis))))
    assert len(rows) == len(analysis.rows)
    for key in ("params", "buffers", "macs", "flops", "weight_bytes", "activation_bytes"):
        assert sum(int(row[key]) for row in rows) == getattr(analysis.totals, key)
    assert rows[-1]["field_size"] == "435 435" and rows[-1]["field_global"] == "true"
    assert rows[1]["output_shape"] == "64x112x112"


def test_markdown_tables_are_tables() -> None:
    text = report.to_markdown(small())
    for block in re.findall(r"(?:^\|.*\n)+", text, re.MULTILINE):
        widths = {len(re.findall(r"(?<!\\)\|", line)) for line in block.splitlines()}
        assert len(widths) == 1
        assert re.fullmatch(r"\|( :?-+:? \|)+", block.splitlines()[1])
    assert text.count("`stage.0.res1.0.conv1`") <= 1


class Balanced(HTMLParser):
    """Fails on a tag that does not match."""

    def __init__(self) -> None:
        super().__init__()
        self.open: list[str] = []
        self.seen: dict[str, int] = {}

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.open.append(tag)
        self.seen[tag] = self.seen.get(tag, 0) + 1

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag


def test_html_is_balanced_escaped_and_runs_nothing() -> None:
    net = Net("<script>")
    net("a&b", "INPUT", shape=(1, 4, 4))
    text = report.to_html(analyze(net.graph()))
    parser = Balanced()
    parser.feed(text)
    assert not parser.open and "script" not in parser.seen
    assert "&lt;script&gt;" in text and "a&amp;b" in text
    parser.feed(report.to_html(small()))
    assert parser.seen["tr"] > 20


def test_an_analysis_of_nothing_can_still_be_shown() -> None:
    """What is left of a spec that fails at its first layer."""
    net = Net()
    net("input", "INPUT", shape=(3, 8, 8))
    graph = net.graph().model_copy(update={"outputs": ()})
    for nodes in (graph.nodes, ()):
        analysis = analyze(graph.model_copy(update={"nodes": nodes}))
        assert re.search(r"^parameters +0$", report.table(analysis), re.MULTILINE)
        assert report.rich_table(analysis) and report.to_markdown(analysis) and report.to_html(analysis)


# ---------------------------------------------------------------- wording


@pytest.mark.parametrize(
    ("name", "arguments", "shape", "text"),
    [
        ("CONV", {"channels": 64, "kernel": 7, "stride": 2}, (3, 9, 9), "CONV(64, 7x7, 2, pad=3)"),
        ("CONV", {"channels": 64, "kernel": 1, "bias": False}, (3, 9, 9), "CONV(64, 1x1, bias=off)"),
        ("CONV", {"channels": 8, "pad": "valid"}, (3, 9, 9), "CONV(8, 3x3, pad=0)"),
        ("CONV", {"channels": 8, "pad": ((1, 0), (0, 2))}, (3, 9, 9), "CONV(8, 3x3, pad=((1, 0), (0, 2)))"),
        ("CONV", {"channels": 8, "kernel": (3, 5)}, (3, 9, 9), "CONV(8, 3x5, pad=(1, 2))"),
        ("MAXPOOL", {}, (3, 9, 9), "MAXPOOL(2x2)"),
        ("MAXPOOL", {"kernel": 3, "stride": 2, "ceil": True}, (3, 9, 9), "MAXPOOL(3x3, 2, ceil=on)"),
        ("UPSAMPLE", {"mode": "bilinear"}, (3, 9, 9), "UPSAMPLE(2, mode=bilinear)"),
        ("CROP", {"sides": ((1, 1), (0, 2))}, (3, 9, 9), "CROP(1, (0, 2))"),
        ("DROPOUT", {}, (3,), "DROPOUT"),
        ("LRELU", {"slope": 0.1}, (3,), "LRELU(0.1)"),
        ("BN", {}, (3, 9, 9), "BN"),
    ],
)
def test_operators_are_told_with_what_a_reader_has_to_see(
    name: str, arguments: dict[str, Any], shape: tuple[int, ...], text: str
) -> None:
    card = lookup(name)
    assert card is not None
    assert spelled(card(**arguments).settle(shape), shape) == text


SINGLE = [case for case in CASES if len(case.shapes) == 1 and case.name != "ID"]


@pytest.mark.parametrize("case", SINGLE, ids=lambda case: f"{case.name}{case.shapes[0]}")
def test_what_the_table_calls_an_operator_means_it_in_a_spec(case: Case) -> None:
    """Every settled card, spelled and read back."""
    card, (shape,) = lookup(case.name), case.shapes
    assert card is not None
    op = card(**case.arguments).settle(shape)
    if not op.parts(shape):  # a chain of cards never stands in a graph
        size = "x".join(map(str, shape)) if len(shape) > 1 else f"({shape[0]},)"
        model = archspec.loads(f"net N {{\n  input {size}\n  INPUT -> {spelled(op, shape)}\n}}")
        assert model.graph.nodes[1].op == op


@pytest.mark.parametrize(
    ("count", "text"),
    [(999, ""), (1000, "1 K"), (25_557_032, "25.56 M"), (4_089_184_256, "4.089 G"), (15 * 10**12, "15 T")],
)
def test_counts_are_rounded_in_decimal_thousands(count: int, text: str) -> None:
    assert rounded(count) == text


@pytest.mark.parametrize(
    ("size", "text"), [(0, "0 B"), (1023, "1023 B"), (1024, "1.00 KiB"), (553_430_176, "527.79 MiB")]
)
def test_bytes_are_counted_in_binary_thousands(size: int, text: str) -> None:
    assert bytes_text(size) == text
