"""The language's reference and cheat sheet: every block in them is run, and what they list is what there is.

Blocks are marked behind the fence: ```archspec runs as it stands, and its asserts hold; with `error=A307` or
`warning=W301` the block of text behind it is the message; `file=NAME` keeps it for others to import; `-D N=2`,
`--with POOL` and the rest bind as on the command line.

`python tests/test_language_docs.py` writes today's messages into the pages; read the difference.
"""

from __future__ import annotations

import re
import shlex
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

import pytest
from test_limits import BY_FILES, REACHED
from test_readme import console

from archspec.actions import RESERVED
from archspec.asserts import COUNTS
from archspec.expand.choose import candidates
from archspec.expand.functions import FUNCTIONS
from archspec.expand.joins import COMBINATORS
from archspec.expand.residual import SHORTCUTS
from archspec.limits import DEFAULT, Limits
from archspec.model import define, open_model
from archspec.op import lookup, names
from archspec.source import Diagnostic, Source, SpecError, render

ROOT = Path(__file__).resolve().parent.parent
PAGES = ("language.md", "cheatsheet.md")
FENCE = re.compile(r"^```(\w+)([^\n]*)\n(.*?)^```$", re.MULTILINE | re.DOTALL)


class Block(NamedTuple):
    """A fenced block: its language, what stands behind the fence, its text, and where that is in the page."""

    language: str
    marks: str
    text: str
    start: int
    end: int


def page(name: str) -> str:
    return (ROOT / "docs" / name).read_text(encoding="utf-8")


def blocks(text: str) -> list[Block]:
    return [Block(m[1], m[2], m[3], m.start(3), m.end(3)) for m in FENCE.finditer(text)]


class Marks(NamedTuple):
    """What stands behind a fence, read."""

    file: str = "spec.arch"
    error: str = ""
    warning: str = ""
    net: str | None = None
    bound: tuple[tuple[str, str | bool], ...] = ()

    @classmethod
    def read(cls, text: str) -> Marks:
        words, made = iter(shlex.split(text)), cls()
        for word in words:
            name, equals, value = word.partition("=")
            if word == "-D":
                bound, _, value = next(words).partition("=")
                made = made._replace(bound=(*made.bound, (bound, value)))
            elif word in ("--with", "--without"):
                made = made._replace(bound=(*made.bound, (next(words), word == "--with")))
            else:
                assert equals and name in ("file", "error", "warning", "net"), f"nobody knows {word}"
                made = made._replace(**{name: value})
        return made


def run(text: str, marks: Marks, folder: Path) -> str:
    """Runs one spec and returns the messages that it is marked to give."""
    (folder / marks.file).parent.mkdir(exist_ok=True)
    (folder / marks.file).write_text(text, encoding="utf-8")
    source = Source(marks.file, text, str((folder / marks.file).parent))
    found: list[Diagnostic] = []
    try:
        definitions = define(source)
        nets = [marks.net] if marks.net else [*candidates(definitions)] or [None]
        if definitions.nets or definitions.statements:
            for net in nets:
                model = open_model(source, net, dict(marks.bound))
                found += [*(w for w in model.warnings if w.severity == "warning"), *model.failures()]
    except SpecError as error:
        found += error.diagnostics
    expected = marks.error or marks.warning
    assert [d.code for d in found] == ([expected] if expected else []), "\n".join(map(render, found))
    return "".join(f"{render(d)}\n" for d in found)


def outputs(text: str, folder: Path) -> Iterator[tuple[Block, str]]:
    """Runs a page's blocks in order; of each that shows a message or a session, the block and what it is today."""
    pending = ""
    for block in blocks(text):
        if block.language == "text":
            assert pending, "this text stands behind no spec that says anything"
            yield block, pending
            pending = ""
            continue
        assert not pending, f"the message stands behind the spec:\n{pending}"
        if block.language == "archspec":
            pending = run(block.text, Marks.read(block.marks), folder)
        elif block.language == "console":
            yield block, console(block.text, folder)
        else:
            assert block.language == "bash", f"nobody runs a block of {block.language}"
    assert not pending


@pytest.mark.parametrize("name", PAGES)
def test_every_block_runs(name: str, tmp_path: Path) -> None:
    text = page(name)
    assert text.count("```archspec") == sum(block.language == "archspec" for block in blocks(text))
    for block, today in outputs(text, tmp_path):
        assert block.text == today


def section(title: str) -> str:
    """The text of one section of the reference, up to the next heading of any level."""
    return re.split(r"^#+ ", page("language.md").split(f"# {title}\n", 1)[1], maxsplit=1, flags=re.MULTILINE)[0]


def in_code(text: str) -> set[str]:
    """The words that stand in code in a text, without code blocks."""
    return {word for code in re.findall(r"`([^`\n]+)`", text) for word in re.findall(r"\w+", code)}


def test_the_reference_is_complete() -> None:
    assert {*FUNCTIONS} <= in_code(section("Values"))
    assert {*COMBINATORS} <= in_code(section("Combinators"))
    assert {*SHORTCUTS} <= in_code(section("Combinators"))
    assert {name for name in names() if name.islower() and name not in ("highway", "roipool")} <= in_code(
        section("Joins")
    )
    assert {*RESERVED} <= in_code(section("Files and statements"))
    assert {*COUNTS, "depth", "receptive_field", "peak_memory", "neurons"} <= in_code(section("Asserts"))


def test_the_operators_arguments_are_the_cards() -> None:
    table = section("Flows").partition("| layer | by position |")[2]
    rows = [line.split(" |")[:2] for line in table.splitlines() if line.startswith("| `")]
    assert len(rows) > 10
    for layers, given in rows:
        words = tuple(word.strip() for word in given.split(",") if word.strip())
        for name, inside in re.findall(r"`([A-Z0-9]+)(?:\((\w+)\))?`", layers):
            card = lookup(name)
            assert card is not None, name
            expected = (inside,) if inside else words
            if expected and "axis" not in given and "..." not in layers:
                assert card.positional[: len(expected)] == expected, name


def test_the_reference_lists_the_limits() -> None:
    rows = re.findall(r"^\| `(\w+)` \| ([\d,^]+) \| (A\d{3}) \|", section("Limits"), re.MULTILINE)
    told = {name: (eval(default.replace(",", "").replace("^", "**")), code) for name, default, code in rows}
    codes = {limit: entry[0] for limit, entry in [*REACHED.items(), *BY_FILES.items()]}
    assert told == {name: (getattr(DEFAULT, name), codes[name]) for name in Limits.__match_args__}


def test_the_cheat_sheet_is_one_page() -> None:
    assert len(page("cheatsheet.md").splitlines()) <= 80


def test_links_lead_somewhere() -> None:
    text = page("language.md")
    anchors = {re.sub(r"[^\w -]", "", title.lower()).replace(" ", "-") for title in re.findall(r"^#+ (.*)", text, re.M)}
    for target in re.findall(r"\]\(([^)]+)\)", text):
        file, _, anchor = target.partition("#")
        assert (anchor in anchors) if not file else (ROOT / "docs" / file).exists(), target


def write_outputs() -> None:
    """Puts today's messages and sessions into the pages."""
    for name in PAGES:
        if not (ROOT / "docs" / name).exists():
            continue
        text = page(name)
        with tempfile.TemporaryDirectory() as folder:
            for block, today in reversed([*outputs(text, Path(folder))]):
                text = text[: block.start] + today + text[block.end :]
        (ROOT / "docs" / name).write_text(text, encoding="utf-8")


if __name__ == "__main__":
    sys.path.insert(0, str(ROOT))
    write_outputs()
