"""Wrong programs and the whole message each of them gets.

`python tests/test_errors.py` writes the messages anew; read every one that changed before committing it.
"""

from __future__ import annotations

import re
import sys
from functools import cache
from pathlib import Path

import pytest

from archspec.limits import Limits
from archspec.model import UsageError, open_model
from archspec.source import Diagnostic, Source, SpecError, render

HERE = Path(__file__).resolve().parent / "errors"
PACKAGE = HERE.parent.parent / "archspec"
WRONG = sorted(HERE.glob("*.arch"))


# Small ones, so that what runs away is stopped at once.
LIMITS = Limits(nodes=1_000, steps=10_000, files=3, import_depth=2, block_depth=8, path_length=60)


def diagnostics(source: Source) -> tuple[Diagnostic, ...]:
    """Everything that opening a spec says: its errors, or the warnings of the model."""
    try:
        return open_model(source, limits=LIMITS).warnings
    except SpecError as error:
        return error.diagnostics
    except UsageError:  # a file of several nets, say: nothing is wrong with its text
        return ()


def opened(path: Path) -> Source:
    return Source(path.name, path.read_text(encoding="utf-8"), str(path.parent))


@cache
def said(path: Path) -> tuple[Diagnostic, ...]:
    return diagnostics(opened(path))


def messages(path: Path) -> str:
    return "\n\n".join(render(d) for d in said(path)) + "\n"


@pytest.mark.parametrize("path", WRONG, ids=lambda p: p.stem)
def test_a_wrong_program_gets_its_message(path: Path) -> None:
    assert messages(path) == path.with_suffix(".txt").read_text(encoding="utf-8")


@pytest.mark.parametrize("path", WRONG, ids=lambda p: p.stem)
def test_a_message_is_fit_to_be_read(path: Path) -> None:
    """It stands on the author's text, is short enough for a line, and says what to do."""
    found = said(path)
    assert found[0].code == path.stem.partition("_")[0]
    assert len(found) <= 10
    for d in found:
        assert d.span is not None or d.severity == "note"
        assert len(d.message) <= 110
        assert not d.message.removesuffix("...").endswith(".")
        assert d.help or d.notes or d.expected or d.severity == "note"
        assert len(d.expected) <= 5
        assert not re.search(r"RPAR|LSQB|_NL|_ARROW|Token|None", render(d))


@pytest.mark.parametrize("path", WRONG, ids=lambda p: p.stem)
def test_fixes_mend_their_mistakes(path: Path) -> None:
    """Edit after edit, the mistakes of the first kind that offers one are gone, and each edit mends a later one."""
    source = opened(path)
    code, reached = "", -1
    for _ in range(6):
        mended = next((d for d in diagnostics(source) if d.fix is not None and d.code == (code or d.code)), None)
        if mended is None or mended.fix is None:
            return
        span, text = mended.fix
        assert span.start > reached
        code, reached = mended.code, span.start
        source = Source(source.name, source.text[: span.start] + text + source.text[span.end :], source.directory)
    raise AssertionError(f"{code} is mended again and again")


@pytest.mark.parametrize(
    ("path", "code"),
    [
        ("away.arch", "A703"),  # a link that leads out of the project
        ("folder", "A702"),
        ("image.arch", "A702"),
        ("nul\0.arch", "A702"),
        ("x" * 300 + ".arch", "A702"),
        ("https://example.org/x.arch", "A703"),
        ("~/x.arch", "A702"),
    ],
)
def test_an_import_of_no_spec_is_a_diagnostic(path: str, code: str, tmp_path: Path) -> None:
    project = tmp_path / "project"
    (project / "folder").mkdir(parents=True)
    (project / "image.arch").write_bytes(b"\x89PNG\xff")
    (tmp_path / "secret.arch").write_text("block Secret = RELU\n")
    (project / "away.arch").symlink_to(tmp_path / "secret.arch")
    (found,) = diagnostics(Source("x.arch", f'import "{path}" as x\nINPUT(3x8x8) -> RELU\n', str(project)))
    assert found.code == code
    assert "Secret" not in render(found)


def test_every_code_has_a_wrong_program() -> None:
    """What the language's own diagnostics are called, each with a program that gets it."""
    rooms = [*(PACKAGE / "mistakes").glob("*.py"), *(PACKAGE / "expand").glob("*.py"), PACKAGE / "actions.py"]
    named = {code for room in rooms for code in re.findall(r'"([AW][0-6]\d\d)"', room.read_text(encoding="utf-8"))}
    assert named - {path.stem.partition("_")[0] for path in WRONG} == set()


if __name__ == "__main__":
    for wrong in WRONG if len(sys.argv) == 1 else [HERE / f"{name}.arch" for name in sys.argv[1:]]:
        wrong.with_suffix(".txt").write_text(messages(wrong), encoding="utf-8")
