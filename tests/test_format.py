"""The formatter: nothing that a spec says changes, nothing that its author wrote is lost, and twice is once."""

from __future__ import annotations

import random
import re
from pathlib import Path

import pytest
from conftest import ROOT, Run
from hypothesis import given, settings
from hypothesis import strategies as st

from archspec import format as formatter
from archspec.format import format_text
from archspec.format.pieces import WIDTH, Piece, read_pieces
from archspec.model import load, loads
from archspec.source import Source, SpecError

SPECS = sorted((ROOT / "specs").rglob("*.arch"))
GOLDEN = ROOT / "tests" / "golden" / "format"
# Every form of the language, in few lines.
ALL_FORMS = (GOLDEN / "spacing.formatted.arch").read_text()


def formatted(text: str) -> str:
    return format_text(Source("test.arch", text))


def words(text: str) -> list[str]:
    return [piece.text for piece in read_pieces(text)[0]]


def comments(text: str) -> list[str]:
    bare = re.sub(r'"[^"\n]*"', "", text)
    return [found.rstrip() for found in re.findall(r"#[^\n]*", bare)]


# ---------------------------------------------------------------- pairs


@pytest.mark.parametrize("path", sorted(GOLDEN.glob("*.formatted.arch")), ids=lambda p: p.name.partition(".")[0])
def test_pairs(path: Path) -> None:
    before = path.with_name(path.name.replace(".formatted", "")).read_text()
    assert formatted(before) == path.read_text()


@pytest.mark.parametrize("path", SPECS, ids=lambda p: p.stem)
def test_the_networks_that_ship_are_formatted(path: Path) -> None:
    assert formatted(path.read_text()) == path.read_text(), f"run: archspec fmt {path.relative_to(ROOT)}"


def test_lines_are_broken_at_the_width_only_where_they_can_be() -> None:
    text = "net A {\n  INPUT -> " + " -> ".join(f"CONV({n}, 3x3)" for n in range(200)) + "\n}\n"
    lines = formatted(text).splitlines()
    assert max(map(len, lines)) <= WIDTH and min(map(len, lines[2:-2])) > WIDTH - 20
    budget = "assert " + " or ".join(f"params == {n}_000_000" for n in range(20))
    assert formatted(budget) == budget + "\n"  # a newline would end the statement


@pytest.mark.parametrize("value", ["5M", "1_000", "3x3", "1e-5", "0.50", "on", '"a  #  b"', "2Ki", "007", "w[1..2]"])
def test_values_stay_as_they_are_spelt(value: str) -> None:
    assert formatted(f"let a={value}") == f"let a = {value}\n"


@pytest.mark.parametrize(
    ("written", "laid_out"),
    [
        ("4*w", "4*w"),
        ("4 *w", "4 * w"),
        ("4*w+1", "4*w+1"),
        ("4*w +1", "4*w + 1"),
        ("4 * w+1", "4 * w + 1"),  # what binds less is never tighter
        ("(4 * w)+1", "(4 * w)+1"),
        ("alpha*i // n", "alpha*i // n"),
        ("0 .. n - 1", "0..n-1"),
        ("2 ^ i", "2^i"),
        ("- x", "-x"),
        ("a<b", "a < b"),
        ("not(a)", "not (a)"),
        ("k == n // 3 or k==2*n // 3", "k == n // 3 or k == 2*n // 3"),
        ("s then   1", "s then 1"),
    ],
)
def test_blanks_around_operators(written: str, laid_out: str) -> None:
    assert formatted(f"let a = {written}") == f"let a = {laid_out}\n"


@pytest.mark.parametrize("text", ["", "\n\n", "# alone", "  # alone  \n\n\n# and\n", "\r\n"])
def test_texts_without_statements(text: str) -> None:
    once = formatted(text)
    assert comments(once) == comments(text) and once == once.lstrip("\n") and not once.endswith("\n\n")


def test_dos_line_ends_stay() -> None:
    assert formatted("let a=1\r\n# why\r\nlet b=2\r\n") == "let a = 1\r\n# why\r\nlet b = 2\r\n"


def test_a_text_that_does_not_parse_is_refused() -> None:
    with pytest.raises(SpecError, match="A012"):
        formatted("INPUT -> CONV(64")


def test_a_tree_that_changed_would_be_noticed(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(formatter, "_formatted", lambda source: source.text.replace("64", "65"))
    with pytest.raises(AssertionError, match="changed what the spec says"):
        formatted("INPUT(3x8x8) -> CONV(64)")


# ---------------------------------------------------------------- properties


def jumbled(text: str, choose: random.Random) -> str:
    """The same words with other blanks, line ends wherever the language lets them be, and comments."""
    pieces, _ = read_pieces(text)
    out: list[str] = []
    depth = 0
    for before, piece in zip([None, *pieces], pieces, strict=False):
        out.append(_gap(before, piece, depth, choose) + piece.text)
        depth += (piece.kind in ("LPAR", "LSQB")) - (piece.kind in ("RPAR", "RSQB"))
    return "".join(out)


def _gap(before: Piece | None, piece: Piece, depth: int, choose: random.Random) -> str:
    remark = f"# {choose.choice(['why', 'not -> this', '', '[', 'a  b'])}{choose.randrange(1000)}"
    lines = ["\n", "\n\n\n", f" {remark}\n", f"\n{remark}\n", f"  {remark} \n\n  # and\n \n", "\n\t"]
    if piece.starts and before is not None and piece.kind != "RBRACE" and before.kind != "LBRACE":
        return choose.choice(lines)
    open_here = depth or piece.kind in ("_ARROW", "RBRACE") or before is None
    if open_here or before.kind in ("_ARROW", "EQUAL", "LBRACE"):  # type: ignore[union-attr]
        if choose.random() < 0.25:
            return choose.choice(lines) + " " * choose.randrange(12)
    if piece.tight_before or (before is not None and before.tight_after):
        return choose.choice(["", "", " "])
    return choose.choice([" ", " ", " ", "   ", "\t"])


SHORT_SPECS = [path.read_text() for path in SPECS if path.stat().st_size < 2000] + [ALL_FORMS] * 5


@settings(max_examples=120, deadline=None)
@given(st.sampled_from(SHORT_SPECS), st.integers(0, 2**32))
def test_whatever_the_blanks_and_comments(text: str, seed: int) -> None:
    """format_text itself refuses to change the tree."""
    before = jumbled(text, random.Random(seed))
    once = formatted(before)
    assert formatted(once) == once
    assert words(once) == words(before)
    assert sorted(comments(once)) == sorted(comments(before))
    assert not re.search(r"[ \t]\n|\n\n\n|\A\n|\n\n\Z", once)


@pytest.mark.slow
@pytest.mark.parametrize("path", SPECS, ids=lambda p: p.stem)
def test_every_spec_jumbled(path: Path) -> None:
    for seed in range(50):
        before = jumbled(path.read_text(), random.Random(seed))
        once = formatted(before)
        assert formatted(once) == once and words(once) == words(before), seed
        assert sorted(comments(once)) == sorted(comments(before)), seed


def test_paths_of_nodes_stay() -> None:
    for name in ("googlenet", "resnet18", "unet", "randwire"):
        path = next(p for p in SPECS if p.stem == name.rstrip("18"))
        net = load(name).name
        other = loads(jumbled(path.read_text(), random.Random(7)), net)
        assert [node.path for node in other.graph.nodes] == [node.path for node in load(name).graph.nodes]


@pytest.mark.parametrize(
    "text",
    [
        "INPUT(3x8x8)" + " -> RELU" * 2000,
        "INPUT(3x8x8) -> add[" + " | ".join(["RELU"] * 1000) + "]",
        "let a = " + "1+" * 4000 + "1",
        "let a = [" + "1, " * 2000 + "1]",
        "INPUT(3x8x8) -> " + "add[CONV(64) | " * 60 + "RELU" + "]" * 60,
    ],
    ids=["chain", "branches", "sum", "list", "deep"],
)
def test_large_statements(text: str) -> None:
    once = formatted(text)
    assert formatted(once) == once


# ---------------------------------------------------------------- the command

ROUGH, NEAT = "INPUT( 3x8x8 )->FC(2)\n", "INPUT(3x8x8) -> FC(2)\n"


def test_files_are_written_and_neat_ones_left_alone(archspec: Run, tmp_path: Path) -> None:
    (tmp_path / "rough.arch").write_text(ROUGH)
    (tmp_path / "neat.arch").write_text(NEAT)
    (tmp_path / "neat.arch").chmod(0o444)
    stamp = (tmp_path / "neat.arch").stat().st_mtime_ns
    done = archspec("fmt", "rough.arch", "neat.arch")
    assert (done.returncode, done.stdout, done.stderr) == (0, "", "reformatted rough.arch\n")
    assert (tmp_path / "rough.arch").read_text() == NEAT
    assert (tmp_path / "neat.arch").stat().st_mtime_ns == stamp
    assert sorted(p.name for p in tmp_path.iterdir()) == ["neat.arch", "rough.arch"]


def test_check_and_diff_write_nothing(archspec: Run, tmp_path: Path) -> None:
    (tmp_path / "rough.arch").write_text(ROUGH)
    (tmp_path / "neat.arch").write_text(NEAT)
    done = archspec("fmt", "--check", "rough.arch", "neat.arch")
    assert (done.returncode, done.stdout, done.stderr) == (1, "", "would reformat rough.arch\n")
    assert archspec("fmt", "--check", "neat.arch").returncode == 0
    done = archspec("fmt", "--diff", "rough.arch", "neat.arch")
    assert done.returncode == 0 and f"-{ROUGH}+{NEAT}" in done.stdout and "neat.arch" not in done.stdout
    assert archspec("fmt", "--check", "--diff", "rough.arch").returncode == 1
    assert (tmp_path / "rough.arch").read_text() == ROUGH


def test_standard_input_goes_to_standard_output(archspec: Run) -> None:
    assert archspec("fmt", "-", input=ROUGH).stdout == NEAT
    assert archspec("fmt", "-", input="").stdout == ""
    assert archspec("fmt", "--check", "-", input=ROUGH).returncode == 1


def test_an_invalid_file_keeps_no_other_from_its_turn(archspec: Run, tmp_path: Path) -> None:
    (tmp_path / "rough.arch").write_text(ROUGH)
    (tmp_path / "wrong.arch").write_text("INPUT -> [CONV(64)")
    done = archspec("fmt", "wrong.arch", "missing.arch", "rough.arch")
    assert done.returncode == 3 and "error[A012]" in done.stderr and "no file missing.arch" in done.stderr
    assert (tmp_path / "rough.arch").read_text() == NEAT
    assert (tmp_path / "wrong.arch").read_text() == "INPUT -> [CONV(64)"
    assert archspec("fmt", "resnet50").returncode == 2  # what ships is no file of the user's
