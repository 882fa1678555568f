"""Where a product goes: files and their endings, and what a table gives up in a narrow terminal."""

from __future__ import annotations

import os
import re
import sys
from pathlib import Path

import pytest
from conftest import Run

from archspec.__main__ import main

FORMS = {".txt": "table", ".json": "json", ".csv": "csv", ".md": "markdown"}
SHEET = {".txt": "text", ".csv": "csv", ".md": "markdown", ".tex": "latex"}
COMMANDS = {
    ("analyze", "lenet5"): FORMS,
    ("memory", "lenet5", "--train"): FORMS,
    ("work", "lenet5"): FORMS,
    ("reconcile", "lenet5"): FORMS,
    ("compare", "lenet5", "mlp"): FORMS,
    ("explain", "lenet5", "--blank"): SHEET,
    ("explain", "lenet5", "conv1"): {e: form for e, form in SHEET.items() if e != ".csv"},
}


def output(capsys: pytest.CaptureFixture[str], *arguments: str) -> str:
    assert main([*arguments]) == 0
    shown = capsys.readouterr()
    assert shown.err == ""
    return shown.out


@pytest.mark.parametrize("command", COMMANDS, ids=" ".join)
def test_an_ending_says_what_a_format_does(
    command: tuple[str, ...], monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    monkeypatch.chdir(tmp_path)
    forms = COMMANDS[command]
    files = [f"x{ending.upper() if ending == '.md' else ending}" for ending in forms]
    assert output(capsys, *command, *(word for file in files for word in ("-o", file))) == ""  # all of them at once
    assert {*os.listdir(tmp_path)} == {*files}
    for file, form in zip(files, forms.values(), strict=True):
        assert (tmp_path / file).read_text() == output(capsys, *command, "--format", form), file
    plain = output(capsys, *command)
    assert plain == (tmp_path / "x.txt").read_text() == output(capsys, *command, "-o", "-")
    assert main([*command, "-o", "x.xyz"]) == 2
    assert "use one of the endings .txt " in capsys.readouterr().err
    assert main([*command, "-o", "y.txt", "-o", "none/y.txt"]) == 2
    assert {*os.listdir(tmp_path)} == {*files}


@pytest.mark.parametrize(
    "arguments",
    [
        ("analyze", "mlp", "-o", "a.json", "-o", "./a.json"),
        ("compare", "mlp", "lenet5", "-o", "-", "-o", "-"),
        ("compile", "mlp", "-o", "net.py", "-o", "net.py"),
    ],
)
def test_a_place_that_is_named_twice_is_refused(archspec: Run, tmp_path: Path, arguments: tuple[str, ...]) -> None:
    done = archspec(*arguments)
    assert done.returncode == 2 and "is named twice" in done.stderr and not os.listdir(tmp_path)


@pytest.mark.parametrize("command", ["analyze", "memory", "work", "reconcile", "compare"])
def test_no_output_takes_the_place_of_a_spec_or_an_import(archspec: Run, tmp_path: Path, command: str) -> None:
    (tmp_path / "blocks.csv").write_text("block B = CONV(4)\n")
    (tmp_path / "main.csv").write_text('from "blocks.csv" import B\nINPUT(3x8x8) -> B\n')
    for file in ("blocks.csv", "main.csv"):
        before = (tmp_path / file).read_text()
        assert archspec(command, "main.csv", "-o", file).returncode == 2
        assert (tmp_path / file).read_text() == before


def test_an_option_for_tables_is_refused_where_there_is_none(archspec: Run) -> None:
    done = archspec("analyze", "lenet5", "--depth", "1", "--format", "csv")
    assert done.returncode == 2 and "--depth is for tables" in done.stderr
    assert archspec("analyze", "lenet5", "--depth", "1", "-o", "-", "-o", "x.csv").returncode == 0


def test_the_page_of_a_code_is_delivered_as_text(archspec: Run, tmp_path: Path) -> None:
    assert archspec("explain", "A307", "-o", "page.txt").returncode == 0
    assert (tmp_path / "page.txt").read_text() == archspec("explain", "A307").stdout
    assert "is text" in archspec("explain", "A307", "-o", "page.md").stderr


@pytest.mark.skipif(not os.path.exists("/dev/stdout"), reason="needs /dev/stdout")
def test_a_pipe_that_has_a_name_is_written_to(archspec: Run) -> None:
    done = archspec("analyze", "lenet5", "--format", "json", "-o", "/dev/stdout")
    assert (done.returncode, done.stderr) == (0, "")
    assert done.stdout == archspec("analyze", "lenet5", "--format", "json").stdout


# ---------------------------------------------------------------- terminals


def in_terminal(
    columns: int, arguments: tuple[str, ...], monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> str:
    """What a command prints on a terminal of so many columns, without its colours."""
    monkeypatch.setenv("COLUMNS", str(columns))
    monkeypatch.setattr(sys.stdout, "isatty", lambda: True)
    assert main([*arguments]) == 0
    return re.sub(r"\x1b\[[0-9;]*m", "", capsys.readouterr().out)


@pytest.mark.parametrize("columns", [80, 128])
@pytest.mark.parametrize(
    ("arguments", "kept"),
    [
        (("analyze", "resnet50"), ("25,557,032", "4,089,184,256")),
        (("analyze", "googlenet", "--expand"), ("13,378,280",)),
        (("memory", "resnet50", "--train"), ("102,228,128", "472.30 MiB")),
        (("work", "googlenet"), ("236,830,720",)),
        (("reconcile", "resnet50"), ("4,111,512,576", "calflops", "the function it calls")),
        (("compare", "--transpose", "vgg16", "resnet50"), ("FC-4096", "4,089,184,256")),
        (("compare", "GoogLeNetInference", "--table", "modules"), ("pool proj", "1,409.0K")),
        (("compare", "InceptionV3", "vgg16", "--table", "blocks"), ("conv1-448, conv3-384", "15,470,264,320")),
        (("explain", "alexnet", "conv1"), ("= 34,944",)),
        (("explain", "googlenet", "--blank"), ("____",)),
        (("zoo",), ("ResNet152",)),
        (("ops",), ("LRELU LEAKY LEAKYRELU",)),
        (("ops", "CONV"), ("bias_init",)),
        (("holes", "blueprint"), ("-D FC.2=...",)),
    ],
    ids=lambda value: " ".join(value) if isinstance(value, tuple) else str(value),
)
def test_a_table_keeps_to_its_terminal(
    arguments: tuple[str, ...], kept: tuple[str, ...], columns: int,
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str],
) -> None:  # fmt: skip
    shown = in_terminal(columns, arguments, monkeypatch, capsys)
    lines = shown.splitlines()
    assert max(map(len, lines)) <= columns
    assert all(text in " ".join(shown.split()) for text in kept)
    if arguments == ("analyze", "resnet50"):
        assert ("(no room for FLOPs, Field)" in shown) == (columns == 80)
