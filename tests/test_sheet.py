"""Exercise sheets: what counts as right, as blank, and as no answer at all."""

from __future__ import annotations

import csv
import io
from pathlib import Path

import pytest
from conftest import Run

import archspec
from archspec.__main__ import main
from archspec.explain import NoLayer, choose, mark_answers, read_answers, write_sheet
from archspec.explain.sheet import COLUMNS
from archspec.model import Model
from archspec.report.lines import lines


def key(model: Model) -> str:
    """The sheet, filled from the explanations."""
    analysis = model.analyze()
    out = io.StringIO()
    writer = csv.writer(out)
    for number, line in enumerate(csv.reader(io.StringIO(write_sheet(analysis, "csv")))):
        if number == 0:
            writer.writerow(line)
            continue
        index = choose(model.graph, line[0])[0]
        row, node = analysis.rows[index], model.graph.nodes[index]
        sizes = [axis.size for axis in row.field.axes] if row.field else []
        field = str(sizes[0]) if len(set(sizes)) == 1 else "x".join(map(str, sizes))
        writer.writerow([line[0], str(node.shape), f"{row.params:,}", row.macs, field])
    return out.getvalue()


def test_a_filled_sheet_is_marked(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    model = archspec.load("lenet5")
    filled = key(model)
    marks = mark_answers(model.analyze(), read_answers(filled)[0])
    assert marks and all(mark.right for mark in marks)
    file = tmp_path / "answers.csv"
    file.write_text(filled)
    assert main(["check-answers", "lenet5", str(file)]) == 0
    assert f"{len(marks)} of {len(marks)} right" in capsys.readouterr().out
    file.write_text("layer,params\nconv1,155\n")
    assert main(["check-answers", "lenet5", str(file)]) == 1
    out = capsys.readouterr().out
    assert "params  155, and it is 156" in out and "6*1*5*5 + 6 = 156" in out
    assert "blank  conv1  output_shape\n" in out and "6x28x28" not in out and f"0 of {len(marks)} right" in out


def marked(model: Model, text: str) -> dict[tuple[str, str], bool | None]:
    """Right, wrong, or None where nobody asked, of every answer that is given."""
    marks = mark_answers(model.analyze(), read_answers(text)[0])
    return {(mark.layer, mark.question): mark.right if mark.expected else None for mark in marks if mark.given}


def test_a_layer_without_a_line_is_blank_and_one_with_two_is_refused() -> None:
    model = archspec.load("lenet5")
    line = "conv1,6x28x28,156,117600,5\n"
    marks = mark_answers(model.analyze(), read_answers(f"{','.join(COLUMNS)}\n{line}")[0])
    assert (sum(mark.right for mark in marks), len(marks)) == (4, 4 * (len(model.graph.nodes) - 1))
    with pytest.raises(NoLayer, match="Line 3: conv1 is answered on line 2 already"):
        mark_answers(model.analyze(), read_answers(f"{','.join(COLUMNS)}\n{line}{line}")[0])


@pytest.mark.parametrize(
    "number", ["240000", "240,000", "240 000", "240_000", "240\u202f000", "240000.", "240000.0", "240.000"]
)
def test_a_number_may_be_written_as_people_and_spreadsheets_do(number: str) -> None:
    model = archspec.load("lenet5")
    assert marked(model, f'layer,macs\nconv2,"{number}"') == {("conv2", "macs"): True}
    assert marked(model, f'layer,macs\nconv1,"{number}"') == {("conv1", "macs"): False}
    assert marked(model, 'layer,params,macs\ntanh1,0.0,"0,00"') == {("tanh1", "params"): True, ("tanh1", "macs"): True}
    assert marked(model, "layer,macs\nconv2,24e4") == {("conv2", "macs"): False}


@pytest.mark.parametrize(
    ("layer", "shape", "right"),
    [
        ("fc1", "84", True), ("fc1", "84x1x1", True), ("fc1", "84.0", True), ("fc1", "(84, 1, 1)", True),
        ("conv3", "120", True), ("conv1", "6 x 28 x 28", True), ("conv1", "6×28×28", True),
        ("conv1", "[6, 28, 28]", True),
        ("conv1", "28x28x6", False), ("conv1", "6x28", False), ("fc1", "1x84", False), ("conv1", "six", False),
    ],
)  # fmt: skip
def test_a_shape_may_be_written_as_people_do(layer: str, shape: str, right: bool) -> None:
    assert marked(archspec.load("lenet5"), f'layer,output_shape\n{layer},"{shape}"') == {(layer, "output_shape"): right}


@pytest.mark.parametrize("name", ["lenet5", "vgg16", "unet", "SqueezeNet"])
def test_what_the_table_prints_is_right(name: str) -> None:
    """Output, Params, MACs and Field of every layer, as `analyze` has them."""
    model = archspec.load(name)
    analysis = model.analyze()
    out = io.StringIO()
    writer = csv.writer(out, delimiter=";")
    writer.writerow(["Layer", "Output shape", "Params", "MACs", "Receptive field"])
    for line in lines(analysis, expand=True):
        if line.counts is not None and not line.block:
            writer.writerow([line.path, *line.cells[2:5], line.cells[6]])
    assert {right for (layer, _), right in marked(model, out.getvalue()).items() if layer in asked(model)} == {True}


def asked(model: Model) -> set[str]:
    return {node.path for node in model.graph.nodes if node.inputs}


def test_a_field_that_depends_on_the_phase_is_global_or_has_a_stride() -> None:
    unet = archspec.load("unet")
    index = next(i for i, row in enumerate(unet.analyze().rows) if row.field and len(set(row.field.axes[0].sizes)) > 1)
    path, axis = unet.graph.nodes[index].path, unet.analyze().rows[index].field.axes[0]  # type: ignore[union-attr]
    small, large = min(axis.sizes), axis.size
    for text, right in {
        f"{small}..{large}": True,
        f"{large}x{large}": True,
        f"{small}": False,
        f"1..{large}": False,
    }.items():
        assert marked(unet, f"layer,receptive_field\n{path},{text}") == {(path, "receptive_field"): right}, text
    lenet = archspec.load("lenet5")
    for text, right in {
        "32": True, "32 /4": True, "32 /4 global": True, "global": True, "all": True, "Global": True, "32x32": True,
        "32 /2": False, "31 global": False, "/4": False, "all over": False,
    }.items():  # fmt: skip
        assert marked(lenet, f"layer,receptive_field\nfc1,{text}") == {("fc1", "receptive_field"): right}, text
    assert marked(lenet, "layer,receptive_field\nconv2,global") == {("conv2", "receptive_field"): False}


def test_weights_that_are_shared_count_where_they_are_or_not_at_all() -> None:
    text = "shared s = CONV(4)\nINPUT(4x8x8) -> s -> RELU -> s -> FC(2)"
    model = archspec.loads(text)
    (again,) = [node.path for node in model.graph.nodes if node.shares is not None]
    for given, right in {"0": True, "shared": True, "148": True, "149": False}.items():
        assert marked(model, f"layer,params\n{again},{given}") == {(again, "params"): right}, given
    first = next(node.path for node in model.graph.nodes if node.op.name == "CONV")
    assert marked(model, f"layer,params\n{first},shared") == {(first, "params"): False}


def test_an_answer_that_nobody_asked_for_is_said(capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    file = tmp_path / "answers.csv"
    file.write_text("layer,output_shape,params,macs,receptive_field\nfc1,3,15,12,5\ninput,4\n")
    assert main(["check-answers", "-e", "INPUT(4) -> FC(3)", str(file)]) == 0
    out = capsys.readouterr().out
    assert "unmarked  fc1  receptive_field  5, which is not asked here" in out and "unmarked  input" in out
    assert "3 of 3 right" in out


def test_a_sheet_comes_by_standard_input_with_columns_of_ones_own(archspec: Run) -> None:
    text = "Name;Layer;Params;Note\nAda;conv1;156;-\n"
    done = archspec("check-answers", "lenet5", "-", input=text)
    assert done.returncode == 1 and "right  conv1  params  156" in done.stdout
    assert done.stderr == "not marked: name, note\n"
    assert "not both" in archspec("check-answers", "-", "-", input=text).stderr


@pytest.mark.parametrize(
    "text, says",
    [
        ("", "first line names the columns"),
        ("layer,weights\n", "first line names the columns"),
        ("layer,parms,macs\n", "no column is called parms, but one params."),
        ("layer,params,params\n", "two columns are called params"),
        ("layer,params\n,9\n", "line 2 names no layer"),
        ("layer,params\nconv1,9,472\n", "too many fields"),
        ("layer,params\nconv0,9\n", "Did you mean conv"),
        ("layer,params\n*,9\n", "a line is about one"),
    ],
)
def test_what_is_no_sheet(text: str, says: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    file = tmp_path / "answers.csv"
    file.write_text(text)
    assert main(["check-answers", "lenet5", str(file)]) == 2
    assert says in capsys.readouterr().err
