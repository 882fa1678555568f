"""Every limit is reached, says its code, and can be raised; what wants more than its share is stopped in time."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest
from bombs import LONG, QUICK
from conftest import Run

import archspec
from archspec.limits import DEFAULT, Budget, Limits, parse_limits
from archspec.source import SpecError

STEMS = "\n".join(f"block A{i} = A{i - 1}" for i in range(1, 65))
NAME = "e" * 1_025

# limit -> its code, a text that needs a little more of it, and how much that is
REACHED = {
    "source_bytes": ("A601", "#" * 262_144 + "\nINPUT(3x8x8) -> FC(2)", 300_000),
    "tokens": ("A602", "INPUT(3x8x8)" + " -> RELU" * 25_000, 51_000),
    "brackets": ("A603", "INPUT(3x8x8) -> " + "[" * 65 + "RELU" + "]" * 65, 65),
    "nodes": ("A604", "INPUT(3x8x8) -> [RELU]*100000", 100_001),
    "steps": ("A605", "INPUT(3x8x8) -> [RELU?(off)]*180000 -> FC(2)", 1_000_000),
    "list_length": ("A607", "let a = 0..4096\nINPUT(3x8x8) -> FC(len(a))", 4_097),
    "integer": ("A608", "INPUT(3x8x8) -> FC(2^54 // 2^53)", 2**54),
    "random_nodes": ("A609", "INPUT(3x8x8) -> randwire(ws, nodes=513, k=2, p=0, seed=1)[RELU]", 513),
    "block_depth": ("A611", f"block A0 = RELU\n{STEMS}\nINPUT(3x8x8) -> A64", 65),
    "path_length": ("A613", f"INPUT(3x8x8) -> RELU as {NAME}", 1_025),
}
BY_FILES = {"files": ("A606", 65), "import_depth": ("A610", 17)}


def code(text: str, limits: Limits = DEFAULT) -> str:
    with pytest.raises(SpecError) as caught:
        archspec.loads(text, limits=limits)
    assert len(caught.value.diagnostics) == 1
    return caught.value.diagnostics[0].code


def test_every_limit_is_reached() -> None:
    assert {*REACHED, *BY_FILES} == {*Limits.__match_args__}
    assert len({entry[0] for entry in [*REACHED.values(), *BY_FILES.values()]}) == len(Limits.__match_args__)


@pytest.mark.parametrize("limit", REACHED)
def test_a_limit_is_reached_and_can_be_raised(limit: str) -> None:
    expected, text, enough = REACHED[limit]
    with pytest.raises(SpecError) as caught:
        archspec.loads(text)
    (found,) = caught.value.diagnostics
    assert found.code == expected
    assert f"--limit {limit}=" in found.help
    assert archspec.loads(text, limits=Limits(**{limit: enough})).graph.nodes


@pytest.mark.parametrize("limit", BY_FILES)
def test_limits_on_imports(limit: str, tmp_path: Path) -> None:
    expected, enough = BY_FILES[limit]
    deep = limit == "import_depth"
    for i in range(enough):
        onward = f'import "f{i + 1}.arch" as f\n' if deep and i + 1 < enough else ""
        (tmp_path / f"f{i}.arch").write_text(f"{onward}block B = RELU\n")
    imports = 'import "f0.arch" as f0\n' if deep else "".join(f'import "f{i}.arch" as f{i}\n' for i in range(enough))
    (tmp_path / "main.arch").write_text(imports + "INPUT(3x8x8) -> f0.B\n")
    with pytest.raises(SpecError) as caught:
        archspec.load(tmp_path / "main.arch")
    assert [d.code for d in caught.value.diagnostics] == [expected]
    assert len(archspec.load(tmp_path / "main.arch", limits=Limits(**{limit: enough})).graph.nodes) == 2


def test_files_share_the_limit_on_text(tmp_path: Path) -> None:
    """Sixty-four files of fifty thousand words would take a minute."""
    for i in range(8):
        (tmp_path / f"f{i}.arch").write_text("#" * 40_000 + "\nblock B = RELU\n")
    imports = "".join(f'import "f{i}.arch" as f{i}\n' for i in range(8))
    (tmp_path / "main.arch").write_text(imports + "INPUT(3x8x8) -> f0.B\n")
    with pytest.raises(SpecError, match="A601.*with what imports it"):
        archspec.load(tmp_path / "main.arch")
    assert archspec.load(tmp_path / "main.arch", limits=Limits(source_bytes=400_000))


def test_what_is_nested_too_deeply_says_so() -> None:
    assert code(f"let a = {'+'.join(['1'] * 5_000)}\nINPUT(3x8x8) -> FC(a)") == "A612"
    assert code("INPUT(3x8x8) -> RELU" + "*1" * 5_000) == "A612"
    assert code(f"INPUT(3x8x8) -> [RELU]*({'+'.join(['N'] * 5_000)})") == "A612"
    model = archspec.loads(f"INPUT(3x8x8) -> FC(2)\nassert {'+'.join(['1'] * 150)} == 150")
    assert not model.failures()


def test_an_assert_is_judged_within_limits_of_its_own() -> None:
    """A network that used up its steps can still be asked about, again and again."""
    model = archspec.loads("INPUT(3x8x8) -> [RELU]*10\nassert params == 0", limits=Limits(steps=60))
    assert all(model.failures() == () for _ in range(100))


def test_limits_can_be_lowered() -> None:
    assert code("INPUT(3x8x8) -> [RELU]*10", Limits(nodes=5)) == "A604"


def test_the_command_line_raises_limits(archspec: Run) -> None:
    spec = ("-e", "INPUT(3x8x8) -> [FC(2)]*6 -> FC(2^54 // 2^53)", "--format", "csv")
    assert archspec("analyze", *spec).returncode == 3
    raised = archspec("analyze", *spec, "--limit", "integer=18_014_398_509_481_984", "--limit", "nodes=8")
    assert raised.returncode == 0 and raised.stdout.count("\n") == 9
    lowered = archspec("analyze", *spec, "--limit", "nodes=5")
    assert lowered.returncode == 3 and "A604" in lowered.stderr and "--limit nodes=" in lowered.stderr
    holes = archspec("holes", "-e", "INPUT -> [RELU]*N", "--limit", "tokens=3")
    assert holes.returncode == 3 and "A602" in holes.stderr
    wrong = archspec("analyze", *spec, "--limit", "nods=8")
    assert wrong.returncode == 2 and "did you mean nodes?" in wrong.stderr


def test_wrong_limits_are_refused() -> None:
    assert parse_limits(["nodes=200_000", "steps = 7"]) == Limits(nodes=200_000, steps=7)
    for wrong in ("nodes", "nodes=", "nodes=0", "nodes=-1", "nodes=1e6", "nodes=many"):
        with pytest.raises(ValueError, match="write nodes=200000"):
            parse_limits([wrong])
    with pytest.raises(ValueError, match="there is no limit depth; source_bytes, tokens"):
        parse_limits(["depth=3"])


def test_work_is_counted_to_the_limit_and_no_further() -> None:
    budget = Budget(Limits(steps=2))
    budget.spend(8, None)
    with pytest.raises(SpecError, match="A605"):
        budget.spend(1, None, "stage.1")


# ---------------------------------------------------------------- bombs

# One process for each text, forked from one that has imported everything; a line of JSON for each.
RUN = """
import json, os, resource, sys, time
import archspec
from archspec.model import UsageError
archspec.loads("INPUT(3x8x8) -> CONV(4) -> FC(2)")

def run(text):
    try:
        model = archspec.loads(text)
        return [d.code for d in model.failures()]
    except archspec.SpecError as error:
        assert str(error)
        return [d.code for d in error.diagnostics]
    except UsageError:
        return ["usage"]

for name, text in json.load(sys.stdin).items():
    if not os.fork():
        resource.setrlimit(resource.RLIMIT_CPU, (60, 60))
        began = time.process_time()
        codes = run(text)
        used = resource.getrusage(resource.RUSAGE_SELF)
        most = used.ru_maxrss / (2**20 if sys.platform == "darwin" else 2**10)
        print(json.dumps([name, codes, time.process_time() - began, most]), flush=True)
        os._exit(0)
    os.wait()
"""
SECONDS, MEBIBYTES = 20, 500  # the promise is 2 seconds, on a machine with nothing else to do
Told = dict[str, tuple[list[str], float, float]]


def run_all(texts: dict[str, str], root: Path) -> Told:
    """Of each text the codes that it ends with, its seconds and its mebibytes."""
    pytest.importorskip("resource")
    done = subprocess.run(
        [sys.executable, "-c", RUN], input=json.dumps(texts), capture_output=True, text=True, cwd=root
    )
    print(done.stderr[-1000:])
    return {name: (codes, took, most) for name, codes, took, most in map(json.loads, done.stdout.splitlines())}


@pytest.fixture(scope="module")
def quick(root: Path) -> Told:
    return run_all(QUICK, root)


@pytest.fixture(scope="module")
def long(root: Path) -> Told:
    return run_all(LONG, root)


def check(told: Told, name: str) -> None:
    assert name in told, "it ended in something that is no diagnostic"
    codes, took, most = told[name]
    print(f"{took:.2f} s, {most:.0f} MiB: {' '.join(codes)}")
    assert took < SECONDS and most < MEBIBYTES
    assert len(codes) <= 10


@pytest.mark.parametrize("name", QUICK)
def test_a_bomb_does_not_go_off(name: str, quick: Told) -> None:
    check(quick, name)


@pytest.mark.slow
@pytest.mark.parametrize("name", LONG)
def test_a_long_fuse_is_cut(name: str, long: Told) -> None:
    check(long, name)
