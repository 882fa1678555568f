"""The wheel, the editable install and the checkout hold the same things and run the same way."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
import tomllib
import venv
import zipfile
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parent.parent
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]


def build(kind: str, folder: Path) -> Path:
    """A wheel of the checkout, made by the build backend itself: "wheel" or "editable"."""
    code = f"import sys; from hatchling.build import build_{kind} as build; print(build(sys.argv[1]))"
    done = subprocess.run([sys.executable, "-c", code, str(folder)], cwd=ROOT, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    return folder / done.stdout.split()[-1]


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return build("wheel", tmp_path_factory.mktemp("wheel"))


def install(wheel: Path, folder: Path) -> Path:
    """A fresh environment that sees the libraries of this one, with the wheel in it; returns its Python."""
    venv.create(folder, with_pip=False)
    python = folder / ("Scripts/python.exe" if os.name == "nt" else "bin/python")
    where = "import sysconfig; print(sysconfig.get_path('purelib'))"
    site = Path(subprocess.run([python, "-c", where], capture_output=True, text=True, check=True).stdout.strip())
    with zipfile.ZipFile(wheel) as archive:
        archive.extractall(site)
    for name in ("click", "lark", "pydantic", "pydantic_core", "annotated_types", "typing_inspection"):
        shutil.copytree(site_of(name), site / name, ignore=shutil.ignore_patterns("__pycache__"))
    shutil.copy(site_of("typing_extensions"), site)
    return python


def site_of(name: str) -> Path:
    module = __import__(name)
    assert module.__file__
    path = Path(module.__file__)
    return path.parent if path.name == "__init__.py" else path


def runs(python: Path, cwd: Path) -> None:
    """The command line works there, from another directory, without torch, onnx or numpy."""
    done = subprocess.run(
        [python, "-m", "archspec", "analyze", "mlp", "--format", "json"],
        cwd=cwd, capture_output=True, text=True, env={k: v for k, v in os.environ.items() if k != "PYTHONPATH"},
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    assert '"params": 73015' in done.stdout.replace("73_015", "73015")


def test_the_wheel_holds_the_package_the_grammar_and_the_specs(wheel: Path) -> None:
    names = set(zipfile.ZipFile(wheel).namelist())
    assert "archspec/grammar/archspec.lark" in names
    assert {f"archspec/specs/{path.name}" for path in (ROOT / "specs").glob("*.arch")} <= names
    sources = {str(path.relative_to(ROOT)) for path in (ROOT / "archspec").rglob("*") if path.suffix != ".pyc"}
    assert {name for name in sources if (ROOT / name).is_file()} <= names
    assert {name.partition("/")[0] for name in names} == {"archspec", f"archspec_nn-{version()}.dist-info"}
    assert any(name.endswith("licenses/LICENSE") for name in names)


def version() -> str:
    import archspec

    return archspec.__version__


def test_the_wheel_runs(wheel: Path, tmp_path: Path) -> None:
    runs(install(wheel, tmp_path / "env"), tmp_path)


def test_the_editable_install_runs(tmp_path: Path) -> None:
    editable = build("editable", tmp_path)
    runs(install(editable, tmp_path / "env"), tmp_path)


def test_the_checkout_runs(tmp_path: Path) -> None:
    done = subprocess.run(
        [sys.executable, str(ROOT / "cli.py"), "--version"], cwd=tmp_path, capture_output=True, text=True
    )
    assert (done.returncode, done.stdout) == (0, f"archspec {version()}\n")


def test_no_python_beside_the_resources() -> None:
    """A module there would break the editable install, which maps the folders into the package."""
    assert not [*(ROOT / "grammar").rglob("*.py"), *(ROOT / "specs").rglob("*.py")]


def test_the_metadata(wheel: Path) -> None:
    archive = zipfile.ZipFile(wheel)
    folder = f"archspec_nn-{version()}.dist-info"
    metadata = archive.read(f"{folder}/METADATA").decode()
    assert "Name: archspec-nn\n" in metadata and "License-Expression: Apache-2.0\n" in metadata
    assert "archspec = archspec.__main__:main" in archive.read(f"{folder}/entry_points.txt").decode()
    base = [line for line in metadata.splitlines() if line.startswith("Requires-Dist") and "extra ==" not in line]
    assert sorted(re.findall(r"Requires-Dist: (\w+)", "\n".join(base))) == ["click", "lark", "pydantic"]


def test_every_requirement_is_pinned() -> None:
    pins = {}
    for line in (ROOT / "constraints.txt").read_text(encoding="utf-8").splitlines():
        if line and not line.startswith("#"):
            name, exact, value = line.partition("==")
            assert exact and value and "+" not in value, line
            pins[name.lower().replace("_", "-")] = value
    extras = PROJECT["optional-dependencies"]
    assert {*extras} >= {"torch", "runtime", "viz", "all", "dev"}
    wanted = [*PROJECT["dependencies"], *(need for needs in extras.values() for need in needs)]
    names = {re.split(r"[\[<>=]", need)[0].lower() for need in wanted} - {"archspec-nn"}
    assert names <= {*pins}
    assert pins["torch"] == "2.13.0"
