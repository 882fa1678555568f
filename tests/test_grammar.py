"""The grammar: strict LALR(1), free of operators' names, and the one that the editor knows."""

from __future__ import annotations

import json
import re
import shutil
import subprocess
from pathlib import Path
from typing import Any

import pytest
from lark import Lark, UnexpectedInput

from archspec.expand.joins import COMBINATORS
from archspec.op import names
from archspec.parse import parse
from archspec.source import Source, SpecError

EDITOR = Path(__file__).resolve().parent.parent / "editor" / "vscode"


@pytest.fixture(scope="module")
def text(root: Path) -> str:
    return (root / "grammar" / "archspec.lark").read_text(encoding="utf-8")


@pytest.fixture(scope="module")
def strict(text: str) -> Lark:
    """The grammar by lark alone; strict refuses every conflict, and terminals that match the same text."""
    pytest.importorskip("interegular")
    return Lark(text, parser="lalr", strict=True, maybe_placeholders=True)


def without_comments(text: str) -> str:
    return re.sub(r"//.*", "", text)


def keywords(text: str) -> set[str]:
    """The grammar's words: what stands in quotes and is spelt in small letters."""
    return {*re.findall(r'"([a-z]+)"', without_comments(text))}


def test_the_grammar_is_strict_lalr(strict: Lark) -> None:
    assert strict.parse("INPUT -> [[CONV -> RELU]*N -> POOL?]*M -> [FC -> RELU]*K -> FC")
    with pytest.raises(UnexpectedInput):
        strict.parse("INPUT -> -> CONV")


def test_every_rule_is_commented_or_self_evident(text: str) -> None:
    """The grammar is the language's reference: each part has its heading, and nothing in it is Python."""
    assert text.count("// ----") == 4
    assert not re.search(r"\b(def|self|lambda|import re)\b", text)


def test_no_operator_is_named_in_the_grammar(text: str) -> None:
    """Adding an operator never touches the grammar; INPUT and POOL are found like all others, after parsing."""
    words = {*re.findall(r"[A-Za-z][A-Za-z0-9_]*", "".join(re.findall(r'"[^"\n]*"|/[^/\n]+/', without_comments(text))))}
    assert not words & {*names(), *COMBINATORS}
    assert len(names()) > 60


def test_keywords_can_be_names_where_nothing_else_can_stand() -> None:
    """`net`, `input`, `default` are fine names of arguments; those that stand in values are no names at all."""
    assert parse(Source("t", "block B(net, input, default) = CONV(net, stride=input)\nINPUT -> B(net=1)"))
    for word in ("if", "else", "in", "as", "then", "and", "or", "not", "on", "off", "for"):
        with pytest.raises(SpecError):
            parse(Source("t", f"let {word} = 1\nINPUT -> FC({word})"))


def editor_grammar() -> dict[str, Any]:
    loaded: dict[str, Any] = json.loads((EDITOR / "syntaxes" / "archspec.tmLanguage.json").read_text(encoding="utf-8"))
    return loaded


def patterns(piece: Any) -> list[str]:
    """Every regular expression of a TextMate grammar."""
    if isinstance(piece, dict):
        own = [value for key, value in piece.items() if key in ("match", "begin", "end") and isinstance(value, str)]
        return own + [pattern for value in piece.values() for pattern in patterns(value)]
    return [pattern for value in piece for pattern in patterns(value)] if isinstance(piece, list) else []


def test_the_editor_knows_the_grammars_words(text: str) -> None:
    known = {
        word
        for pattern in patterns(editor_grammar()["repository"])
        for group in re.findall(r"(?:\\b|\\s\*)\(([a-z|]+)\)", pattern)
        for word in group.split("|")
    }
    assert known - {"first", "last", "cin"} == keywords(text)


def test_the_editor_names_no_operator(text: str) -> None:
    words = {word for pattern in patterns(editor_grammar()) for word in re.findall(r"[A-Za-z]{2,}", pattern)}
    assert not words & {*names(), *COMBINATORS}


def test_the_extension_is_whole() -> None:
    package = json.loads((EDITOR / "package.json").read_text(encoding="utf-8"))
    (language,), (grammar,) = package["contributes"]["languages"], package["contributes"]["grammars"]
    assert grammar["scopeName"] == editor_grammar()["scopeName"]
    assert (EDITOR / grammar["path"]).exists()
    json.loads((EDITOR / language["configuration"]).read_text(encoding="utf-8"))
    assert all(re.fullmatch(r"\d+\.\d+\.\d+", version) for version in package["devDependencies"].values())
    assert '"resolved"' not in (EDITOR / "package-lock.json").read_text(encoding="utf-8")


@pytest.mark.slow
def test_the_zoo_is_tokenised() -> None:
    node = shutil.which("node")
    if node is None or not (EDITOR / "node_modules" / "vscode-textmate").exists():
        pytest.skip("needs node, and npm ci in editor/vscode")
    done = subprocess.run([node, "test/tokenise.mjs"], cwd=EDITOR, capture_output=True, text=True, timeout=300)
    assert done.returncode == 0, done.stderr
    assert " 0 faults" in done.stdout
