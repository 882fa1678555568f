"""The documents are followed literally, and what they say of the code is so."""

from __future__ import annotations

import re
import shutil
import subprocess
import sys
from pathlib import Path

from test_architecture import MAY_IMPORT


def test_adding_an_operator(root: Path, tmp_path: Path) -> None:
    text = (root / "docs" / "adding-an-operator.md").read_text(encoding="utf-8")
    card, case = re.findall(r"```python\n(.*?)```", text, re.DOTALL)
    file = re.search(r"in a new file, `(.*?)`", text)
    assert file
    for part in ("archspec", "grammar", "specs", "tests"):
        shutil.copytree(root / part, tmp_path / part, ignore=shutil.ignore_patterns("__pycache__"))
    shutil.copy(root / "cli.py", tmp_path)
    (tmp_path / file[1]).write_text(card, encoding="utf-8")
    cases = tmp_path / "tests" / "op_cases.py"
    cases.write_text(cases.read_text(encoding="utf-8").replace("ACTIVATIONS = [\n", f"ACTIVATIONS = [\n{case}", 1))

    def run(*arguments: str) -> str:
        done = subprocess.run([sys.executable, *arguments], cwd=tmp_path, capture_output=True, text=True, timeout=300)
        assert done.returncode == 0, done.stdout + done.stderr
        return done.stdout

    tests = ("-m", "pytest", "-q", "-p", "no:cacheprovider", "-c", "none.ini", "--rootdir", ".", "tests/test_ops.py")
    (tmp_path / "none.ini").write_text("[pytest]\n")
    assert re.search(r"\b4 passed", run(*tests, "-k", "GLU and agrees"))
    page = run("cli.py", "ops", "GLU")
    assert "Dauphin" in page and "32x32x32" in page and "nn.GLU(dim=1)" in page
    out = run("cli.py", "analyze", "-e", "INPUT(3x8x8) -> CONV(64) -> GLU", "--format", "csv")
    assert "GLU" in out and "32x8x8" in out


def test_the_import_table_in_words(root: Path) -> None:
    """docs/architecture.md has a row for every row of the table that the tests hold."""
    text = (root / "docs" / "architecture.md").read_text(encoding="utf-8")
    first_cells = " ".join(line.split("|")[1] for line in text.splitlines() if line.startswith("| `"))
    named = {name.partition("/")[0] for name in re.findall(r"`([\w/*]+)`", first_cells)}
    assert {name for name in MAY_IMPORT if name} <= named
