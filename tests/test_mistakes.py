"""How syntax errors are found: one for each cause, all of them in one run, and no text that archspec trips over."""

from __future__ import annotations

import random
import re
import time
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from archspec.limits import Limits
from archspec.mistakes import diagnose
from archspec.mistakes.words import scan
from archspec.model import Model, UsageError, open_model
from archspec.parse import parse, parser
from archspec.source import MOST_ERRORS, Diagnostic, Source, SpecError, render

ROOT = Path(__file__).resolve().parent.parent
SPECS = sorted((ROOT / "specs").glob("*.arch"))
WRONG = [p for p in sorted((ROOT / "tests" / "errors").glob("A0*.arch")) if "import" not in p.stem]
SEVERAL = {"A001_unknown_sign", "A017_nine_mistakes", "A026_reserved_constants", "A037_misspelt_keywords"}


def found(text: str) -> tuple[Diagnostic, ...]:
    with pytest.raises(SpecError) as caught:
        parse(Source("x.arch", text))
    return caught.value.diagnostics


def places(text: str) -> list[str]:
    """The code and line of every syntax error."""
    return [f"{d.code} {d.span.row}" for d in found(text) if d.span]


@pytest.mark.parametrize("path", WRONG, ids=lambda p: p.stem)
def test_one_cause_is_one_error(path: Path) -> None:
    text = path.read_text(encoding="utf-8")
    assert (len(found(text)) > 1) == (path.stem in SEVERAL)


@pytest.mark.parametrize("path", SPECS, ids=lambda p: p.stem)
def test_a_good_text_has_no_mistakes(path: Path) -> None:
    assert diagnose(Source(path.name, path.read_text(encoding="utf-8")), parser()) == ()


def test_reading_goes_on_behind_a_broken_statement() -> None:
    assert places("w = 3\nlet a = = 3\nINPUT -> CONV(64) RELU\nlet b == 4\n") == [
        "A017 1",
        "A053 2",
        "A011 3",
        "A043 4",
    ]


def test_reading_goes_on_within_a_body() -> None:
    net = "net A {{\n  input 3x32x32\n  INPUT -> {} -> FC(10)\n  ouput logits\n}}\nlet b == 4\n"
    for slip, code in (
        ("CONV(64 3)", "A040"),
        ("[CONV(64)]*", "A023"),
        ("add[CONV(3) | ]", "A021"),
        ("CONV 64", "A038"),
    ):
        assert places(net.format(slip)) == [f"{code} 3", "A037 4", "A043 6"]


def test_reading_goes_on_in_the_body_of_a_broken_head() -> None:
    body = "{\n  INPUT -> CONV(64) RELU\n}\nlet b == 4\n"
    for head, code in (
        ("net", "A029"),
        ("block B(c", "A012"),
        ("block B(3)", "A054"),
        ("net A =", "A060"),
        ("Net A", "A037"),
    ):
        assert places(f"{head} {body}") == [f"{code} 1", "A011 2", "A043 4"]


def test_a_statement_of_many_lines_is_left_as_a_whole() -> None:
    assert places("INPUT -> CONV(64 3)\n  -> RELU -> concat[\n  CONV(3) | ]\n  -> FC 10\nlet b == 4\n") == [
        "A040 1",
        "A043 5",
    ]


def test_behind_an_open_bracket_the_next_keyword_is_trusted() -> None:
    assert places("INPUT -> [CONV(64) -> RELU\n  -> CONV(3)\nlet b == 4\n") == ["A012 3", "A043 3"]
    assert places("net A {\n  INPUT -> [CONV(64)\n}\nlet b == 4\n") == ["A012 3", "A043 4"]


def test_at_most_ten_are_told() -> None:
    assert len(found("let a == 3\n" * 25)) == MOST_ERRORS
    assert len(found("let for = 3\n" * 25)) == MOST_ERRORS


def test_the_expected_are_what_the_parser_would_take() -> None:
    (lost,) = found("INPUT -> CONV(64) RELU")
    assert lost.expected == ("'->'", "'*' (repeat)", "'?' (optional)", "'as NAME'", "'['")
    (empty,) = found("INPUT -> CONV(64, stride=)")
    assert empty.expected == ("a name", "a number", "a size such as 3x3", "'('", "'['")
    # The open group is known although the parser has already closed the layer before it notices.
    (group,) = found("net A {\n  INPUT -> [FC(10)\n}")
    assert group.expected[0] == "']'"


def test_a_sign_is_found_where_it_stands() -> None:
    (arrow,) = found("INPUT -> CONV(64)\n  \N{RIGHTWARDS ARROW} RELU")
    assert arrow.span is not None
    assert arrow.span.place == "2:3"
    assert arrow.fix is not None
    assert arrow.fix.text == "->"


def test_a_quoted_name_of_any_length_is_cut() -> None:
    with pytest.raises(SpecError) as caught:
        open_model(Source("x.arch", f"INPUT(3x8x8) -> CONV({'w' * 5_000})"))
    assert max(map(len, str(caught.value).splitlines())) < 700


def test_words_are_scanned_as_they_are_read() -> None:
    words = scan('INPUT -> CONV(0.5, 3xHxW) # note\n@e[1..3] "a b" 1e-5 a=>b')
    assert [w.text for w in words if w.kind != "line"] == [
        "INPUT", "->", "CONV", "(", "0.5", ",", "3xHxW", ")", "@", "e", "[", "1", "..", "3", "]", '"a b"', "1e-5",
        "a", "=>", "b", "",
    ]  # fmt: skip


# Each can mean several things, so that an edit made unasked would be a guess.
GUESSES = """
    INPUT -> CONV(8) + ID
    INPUT -> CONV(8) - RELU
    INPUT -> CONV(8) = RELU
    INPUT -> FC(10) <- CONV(8)
    INPUT -> CONV(8).RELU
    INPUT -> FC-N
    INPUT -> conv-bn
    INPUT -> conv3-bn -> RELU
    INPUT -> CONV(64)/2
    INPUT -> CONV(8) -- RELU
    INPUT -> CONV(8) % 2
    INPUT -> CONV(8)^2
    INPUT -> CONV(8) – RELU
    INPUT -> CONV(8) $ RELU
    INPUT -> max pool
    INPUT -> [3x3, 64]*2
    INPUT -> 64@3x3
    INPUT -> add[CONV(3) | ]
    INPUT -> add[CONV(3) | | ID]
    INPUT -> add[CONV(3) ID]
    INPUT -> [CONV(3), CONV(5)]
    INPUT -> CONV(64, 3 3)
    INPUT -> CONV(2(c + 1))
    INPUT -> CONV(8, k x k)
    INPUT -> CONV(w×2)
    INPUT -> Unit(c 3)
    INPUT -> [CONV(i)]*(i in 1:3)
    INPUT -> concat[CONV(c, k) for c in cs for k in ks]
    let a = b = 3
    let w[3] = 3
    let f(x) = x + 1
    let w: int = 3
    block B = { CONV(3)
    assert params < 1MB
""".strip().splitlines()


@pytest.mark.parametrize("text", GUESSES)
def test_no_edit_is_a_guess(text: str) -> None:
    assert [d.fix for d in found(f"{text.strip()}\n")] == [None] * len(found(text))


# What an author types, and the text after the edits.
MENDED = [
    ("INPUT(8) ==> RELU ~> BN --> RELU", "INPUT(8) -> RELU -> BN -> RELU"),
    ("INPUT(8x8x8)\n=> RELU\n=> BN", "INPUT(8x8x8)\n-> RELU\n-> BN"),
    ("INPUT -> add[CONV(8) || ID]", "INPUT -> add[CONV(8) | ID]"),
    ("INPUT -> [BN?not last]*3", "INPUT -> [BN?(not last)]*3"),
    ("INPUT -> [CONV(8)) -> RELU]*3", "INPUT -> [CONV(8) -> RELU]*3"),
    ("INPUT -> [CONV(8] -> RELU]*3", "INPUT -> [CONV(8) -> RELU]*3"),
    ("INPUT -> [CONV(8 -> RELU]*3", "INPUT -> [CONV(8) -> RELU]*3"),
    ("INPUT -> CONV(64, act=RELU -> FC(10)", "INPUT -> CONV(64, act=RELU) -> FC(10)"),
    ("INPUT -> CONV(8, 7x7, /2)", "INPUT -> CONV(8, 7x7, stride=2)"),
    ("INPUT -> CONV 8 RELU", "INPUT -> CONV(8) -> RELU"),
    ("INPUT -> conv 3x3 8, stride=2", "INPUT -> conv(3x3, 8, stride=2)"),
    ("INPUT 3,32,32 -> FC 10", "INPUT(3, 32, 32) -> FC(10)"),
    ("INPUT(3X32X32) -> DROPOUT(50%)", "INPUT(3x32x32) -> DROPOUT(0.5)"),
    ("INPUT(3х32х32) → СОNV(2³)", "INPUT(3x32x32) -> CONV(2^3)"),
    ("INPUT -> [CONV(32÷4)]×3", "INPUT -> [CONV(32/4)]*3"),
    ("INPUT -> [CONV(c)]*(c in {1, 2})", "INPUT -> [CONV(c)]*(c in [1, 2])"),
    ("input(3x32x32) -> conv(64) -> relu", "INPUT(3x32x32) -> conv(64) -> relu"),
    ("Input image 3x32x32 -> RELU", "input image: 3x32x32\nINPUT -> RELU"),
    ("block B = { CONV(3) }", "block B = CONV(3)"),
    ("block B = { INPUT -> CONV(3) }", "block B { INPUT -> CONV(3) }"),
    ("block B(c)\n  = CONV(c)", "block B(c) = CONV(c)"),
    ("let w = 3\n  + 4", "let w = 3 + 4"),
    ("output a,\n  b=@x", "output a, b=@x"),
    ("for (i in 0..2) {\n  @a -> BN as b[i]\n}", "for i in 0..2 {\n  @a -> BN as b[i]\n}"),
    ("assert weight_bytes < 1 MiB, “so”", 'assert weight_bytes < 1Mi, "so"'),
]


@pytest.mark.parametrize(("wrong", "right"), MENDED)
def test_edits_lead_to_what_was_meant(wrong: str, right: str) -> None:
    for _ in range(6):
        fix = next((d.fix for d in diagnose(Source("x.arch", wrong), parser()) if d.fix), None)
        if fix is not None:
            wrong = wrong[: fix.span.start] + fix.text + wrong[fix.span.end :]
    assert wrong == right
    assert diagnose(Source("x.arch", right), parser()) == ()


def test_a_long_text_is_diagnosed_about_as_fast_as_it_parses() -> None:
    text = "INPUT(3x32x32) -> " + " -> ".join(["CONV(64)"] * 9_000) + " RELU"
    start = time.process_time()
    assert [d.code for d in found(text)] == ["A011"]
    assert time.process_time() - start < 10  # about one second; a slow machine is no failure


# ---------------------------------------------------------------- any text whatever

SMALL = Limits(nodes=2_000, steps=4_000, list_length=500, random_nodes=64)
TEXTS = [p.read_text(encoding="utf-8") for p in SPECS if p.stat().st_size < 2_500]
PIECES = [
    "->", "=>", "[", "]", "(", ")", "{", "}", "|", "*", "*3", "*(n-1)", "*(w in [1, 2])", "?", "?(not last)", "as e",
    "@e", "@e[0]", "@e[*]", "@", ",", "=", "==", ":", ";", ".", "..", "...", "+", "-", "/", "//", "^", "%", "<", "!",
    "INPUT", "CONV", "CONV(64)", "RELU", "POOL", "FC(10)", "conv3-64", "conv64-3", "add[", "res[", "concat[", "dense[",
    "pick[", "split[", "highway[", "randwire(ws, nodes=8, k=4, p=0.5, seed=1)[", "let", "param", "block", "net", "for",
    "shared", "input", "output", "import", "from", "default", "assert", "archspec", "if", "else", "then", "in", "not",
    "and", "or", "on", "off", "first", "last", "cin", "0", "-1", "0x0", "3x3", "3x32x32", "1e308", "1e999", "5M", "0.5",
    "9007199254740993", "99999999999999999999999999", "zip", "rev(", "ceil(", "max(", "len(", "x", "w", "\n", "\n\n",
    "\t", "#", '"', '"a"', "'", "\\", "\0", "\x1b[31m", "\N{RIGHTWARDS ARROW}", "\N{NO-BREAK SPACE}", "\ud800", "é",
]  # fmt: skip


def outcome(text: str) -> str:
    """What comes of a text: a model, or a sentence.  Anything else is archspec's own mistake."""
    net = re.search(r"^net (\w+)", text, re.MULTILINE)
    start = time.process_time()
    try:
        model = open_model(Source("x.arch", text), net[1] if net else None, limits=SMALL)
        assert isinstance(model, Model)
        said = [render(d) for d in model.warnings]
    except SpecError as error:
        assert error.diagnostics
        said = [render(d, color=True) for d in error.diagnostics]
    except UsageError as error:
        said = [error.message]
    assert time.process_time() - start < 4, "two seconds, and as many for a machine that others use"
    return "\n".join(said)


def mutate(text: str, dice: random.Random) -> str:
    """A text with a few pieces of it lost, doubled, exchanged or replaced."""
    words = re.findall(r"\s+|\w+|[^\w\s]", text)
    for _ in range(dice.randint(1, 4)):
        at, other = dice.randrange(len(words)), dice.randrange(len(words))
        change = dice.randrange(5)
        if change == 0:
            words[at] = ""
        elif change == 1:
            words[at] = words[at] * 2
        elif change == 2:
            words[at], words[other] = words[other], words[at]
        elif change == 3:
            words[at] = dice.choice(PIECES)
        else:
            words.insert(at, f" {dice.choice(PIECES)} ")
    return "".join(words)


@pytest.mark.parametrize("seed", range(10))
def test_a_spoilt_spec_is_answered_with_sentences(seed: int) -> None:
    dice = random.Random(seed)
    for _ in range(100):
        outcome(mutate(dice.choice(TEXTS), dice))


QUICK = settings(max_examples=500, deadline=None, derandomize=True, suppress_health_check=list(HealthCheck))


@QUICK
@given(st.lists(st.sampled_from(PIECES), max_size=12).map(" ".join))
def test_any_words_in_a_row_are_answered(text: str) -> None:
    outcome(text)
    outcome(f"INPUT(3x8x8) -> {text}")
    outcome(f"net A {{\n  input 3x8x8\n  INPUT -> CONV(4) as e -> {text}\n}}")


@QUICK
@given(st.text(max_size=60))
def test_any_text_is_answered(text: str) -> None:
    outcome(text)
    outcome(f"let a = {text}")
