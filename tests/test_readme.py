"""The README's blocks are run, and their output is what it says.

`python tests/test_readme.py` writes the present output into the README; read the difference before keeping it.
"""

from __future__ import annotations

import os
import re
import subprocess
import sys
import tempfile
from collections.abc import Callable
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parent.parent
README = ROOT / "README.md"
BLOCK = re.compile(r"^```(\w+)\n(.*?)^```$", re.MULTILINE | re.DOTALL)


def blocks() -> list[tuple[str, str]]:
    """Language and text of every fenced block, in order."""
    return BLOCK.findall(README.read_text(encoding="utf-8"))


def shell(command: str, folder: Path) -> str:
    """What a command prints, standard error after standard output; `archspec` is this checkout's."""
    programs = folder / ".bin"
    programs.mkdir(exist_ok=True)
    (programs / "archspec").write_text(f'#!/bin/sh\nexec "{sys.executable}" "{ROOT / "cli.py"}" "$@"\n')
    (programs / "archspec").chmod(0o755)
    env = {**os.environ, "PATH": f"{programs}{os.pathsep}{os.environ['PATH']}"}
    done = subprocess.run(["bash", "-c", command], cwd=folder, env=env, capture_output=True, text=True, timeout=300)
    assert "Traceback" not in done.stderr and "internal error" not in done.stderr, done.stderr
    return done.stdout + done.stderr


def console(text: str, folder: Path) -> str:
    """A console block with the output that its commands print today."""
    commands = re.findall(r"^\$ (.*)$", text, re.MULTILINE)
    return "".join(f"$ {command}\n{shell(command, folder)}" for command in commands)


def run_all(folder: Path, check: Callable[[str, str], None]) -> None:
    """Runs the blocks in order, in one folder; `check` gets each console block and its output today."""
    names: dict[str, object] = {"__name__": "readme"}
    for language, text in blocks():
        if language == "console":
            check(text, console(text, folder))
        elif language == "arch":
            named = re.match(r"# (\w+\.arch)\n", text)
            if named:
                (folder / named[1]).write_text(text, encoding="utf-8")
            import archspec

            model = archspec.loads(text, "ResNet50" if "net ResNet50" in text else None)
            assert model.failures() == () and model.analyze().totals.params > 0
        elif language == "python":
            exec(compile(text, "README.md", "exec"), names)


def test_the_blocks_run_and_print_what_they_say(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    for library in ("torch", "onnxruntime", "graphviz", "pygraphviz"):
        pytest.importorskip(library)
    monkeypatch.chdir(tmp_path)

    def check(written: str, now: str) -> None:
        # The last digits of a difference between two libraries are the machine's.
        assert re.sub(r"\d\.\d\de-\d\d", "small", now) == re.sub(r"\d\.\d\de-\d\d", "small", written)

    run_all(tmp_path, check)
    assert {"tiny.py", "tiny.onnx", "tiny.svg"} <= {*os.listdir(tmp_path)}
    assert "A101 did you mean CONV?" in capsys.readouterr().out


def test_the_two_commands_come_first_and_need_only_python() -> None:
    first, second = blocks()[:2]
    assert first[0] == second[0] == "bash"
    for command in (first[1], second[1]):
        assert command.count("\n") == 1 and command.startswith(
            "python3 -m venv .venv && .venv/bin/pip install -c constraints.txt"
        )
        assert not re.search(r"https?:|--index|\bcurl\b|\bapt\b", command)
    assert all(word in first[1] for word in ("analyze", "compile", "verify", ".py", ".onnx", ".svg"))
    assert all(word in second[1] for word in ("ruff check", "ruff format --check", "mypy", "pytest"))


def test_ci_runs_exactly_the_second_command() -> None:
    """The script takes the command out of the README; here it prints it in place of running it."""
    script = (ROOT / ".ci" / "run").read_text(encoding="utf-8")
    head, _, tail = script.partition("rm -rf .venv")
    assert tail
    shown = head.replace('cd "$(dirname "$0")/.."', f'cd "{ROOT}"') + tail.partition("\n")[2].replace(
        'bash -euo pipefail -c "$command"', ""
    )
    printed = subprocess.run(["bash", "-c", shown], capture_output=True, text=True, check=True).stdout
    assert printed == "+ " + blocks()[1][1]


def test_the_figures_are_the_tools(tmp_path: Path) -> None:
    """The table of published figures names what `analyze` gives."""
    import archspec

    zoo = {
        "LeNet-5": "lenet5", "AlexNet (grouped, 227)": "alexnet", "VGG-16": "vgg16", "ResNet-50": "resnet50",
        "DenseNet-121": "densenet121", "MobileNetV2": "mobilenet_v2", "U-Net": "unet",
    }  # fmt: skip
    rows = re.findall(r"^\| ([^|]+) \| ([\d,]+) \| ([\d,]+) \|", README.read_text(encoding="utf-8"), re.MULTILINE)
    assert {*zoo} < {name for name, _, _ in rows}
    for name, params, macs in rows:
        if name in zoo:
            totals = archspec.load(zoo[name]).analyze().totals
            assert (f"{totals.params:,}", f"{totals.macs:,}") == (params, macs), name


def write_outputs() -> None:
    """Puts today's output into the README."""
    text = README.read_text(encoding="utf-8")
    replaced: dict[str, str] = {}
    with tempfile.TemporaryDirectory() as folder:
        os.chdir(folder)
        run_all(Path(folder), replaced.__setitem__)
    for before, after in replaced.items():
        text = text.replace(f"```console\n{before}```", f"```console\n{after}```")
    README.write_text(text, encoding="utf-8")


if __name__ == "__main__":
    sys.path.insert(0, str(ROOT))
    write_outputs()
