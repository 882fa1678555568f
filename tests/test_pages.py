"""Every diagnostic code has a page, and its examples are what they say they are."""

from __future__ import annotations

import re
import shlex
from pathlib import Path

import pytest
from conftest import ROOT

from archspec.format import format_text
from archspec.pages import Page, explain_code, findings, lay_out_files, pages
from archspec.source import Source, SpecError

PAGES = list(pages().values())
SPECS = [page for page in PAGES if page.kind == "spec"]
COMMANDS = [page for page in PAGES if page.kind == "command"]
PROGRAMS = [page for page in PAGES if page.kind == "python"]
NEEDS = {".onnx": "onnx", "weight_files": "numpy", "render": "pygraphviz", "to_dot": "graphviz", "draw(": "graphviz"}


def code_of(page: Page) -> str:
    return page.code


def test_every_code_has_a_page() -> None:
    """And every page a code that something raises."""
    raised: set[str] = set()
    for path in (ROOT / "archspec").rglob("*.py"):
        raised |= set(re.findall(r'"([AWN]\d{3})"', path.read_text(encoding="utf-8")))
    assert raised - {page.code for page in PAGES} == set(), "write a page in archspec/data/diagnostics.toml"
    assert {page.code for page in PAGES} - raised == set(), "nothing raises these"
    assert [page.code for page in PAGES] == sorted((p.code for p in PAGES), key=lambda c: ("AWN".index(c[0]), c))


@pytest.mark.parametrize("page", PAGES, ids=code_of)
def test_pages_are_sentences(page: Page) -> None:
    assert page.means.endswith((".", "?")) and page.why.endswith((".", "?")) and "  " not in page.means + page.why
    assert len(page.means) < 120


@pytest.mark.parametrize("page", SPECS, ids=code_of)
def test_the_wrong_example_is_wrong_in_this_way_alone(page: Page) -> None:
    found = findings(page, page.wrong)
    severity = {"A": "error", "W": "warning", "N": "note"}[page.code[0]]
    assert {f.code for f in found if f.severity == severity} >= {page.code}
    if severity != "note":  # a note may accompany another
        assert {f.code for f in found if f.severity != "note"} == {page.code}


@pytest.mark.parametrize("page", SPECS, ids=code_of)
def test_the_right_example_is_right_and_formatted(page: Page) -> None:
    found = findings(page, page.right)
    assert not [f for f in found if f.severity == "error" or f.code == page.code]
    assert format_text(Source("example.arch", page.right)) == page.right


def prepare(page: Page, folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for word, library in NEEDS.items():
        if word in page.wrong + page.right:
            pytest.importorskip(library)
    lay_out_files(page, folder)
    monkeypatch.chdir(folder)


@pytest.mark.parametrize("page", COMMANDS, ids=code_of)
def test_commands(
    page: Page, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    from archspec.__main__ import main

    prepare(page, tmp_path, monkeypatch)
    assert main(shlex.split(page.wrong)[1:]) in (2, 3)
    said = capsys.readouterr().err
    assert f"error[{page.code}]: " in said and page.says in said and said.count("error[") == 1
    assert main(shlex.split(page.right)[1:]) == 0


@pytest.mark.parametrize("page", PROGRAMS, ids=code_of)
def test_programs(page: Page, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    prepare(page, tmp_path, monkeypatch)
    with pytest.raises(SpecError) as raised:
        exec(page.wrong, {})
    (found,) = raised.value.diagnostics
    assert found.code == page.code and page.says in found.message
    exec(page.right, {})


def test_a_page_shows_the_message_that_the_example_gets() -> None:
    text = explain_code("a307")
    assert text.startswith("A307: ") and "Wrong:\n\n  INPUT(64x56x56)" in text
    assert "    error[A307]: " in text and "     --> example.arch:1:20" in text and "Right:\n\n  INPUT" in text
    for page in PAGES:
        assert page.code in explain_code(page.code)


def test_the_command(capsys: pytest.CaptureFixture[str]) -> None:
    from archspec.__main__ import main

    assert main(["explain", "A307"]) == 0
    assert capsys.readouterr().out == explain_code("A307")
    assert main(["explain"]) == 0
    assert capsys.readouterr().out.count("\n") == len(PAGES)
    assert main(["explain", "A999"]) == 2
    assert "no code A999" in capsys.readouterr().err
    assert main(["explain", "resnet50"]) == 2
