"""Options and fixtures that several test files share."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Callable, Sequence
from pathlib import Path

# One thread for each numerical library: the tests themselves run side by side.
for variable in ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS"):
    os.environ.setdefault(variable, "1")

import pytest  # noqa: E402

ROOT = Path(__file__).resolve().parent.parent


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption("--slow", action="store_true", help="run the tests marked slow too")


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    if not config.getoption("--slow"):
        for item in items:
            if item.get_closest_marker("slow"):
                item.add_marker(pytest.mark.skip(reason="slow: run with --slow"))


@pytest.fixture(scope="session")
def root() -> Path:
    """The checkout."""
    return ROOT


Run = Callable[..., subprocess.CompletedProcess[str]]


@pytest.fixture
def archspec(tmp_path: Path) -> Run:
    """Runs the command line as a process of its own, in an empty directory: archspec("analyze", "mlp")."""

    def run(
        *arguments: str, input: str | bytes | None = None, env: dict[str, str] | None = None, cwd: Path = tmp_path
    ) -> subprocess.CompletedProcess[str]:
        command: Sequence[str] = [sys.executable, str(ROOT / "cli.py"), *arguments]
        text = not isinstance(input, bytes)
        return subprocess.run(
            command,
            input=input,
            capture_output=True,
            text=text,
            cwd=cwd,
            env={**os.environ, **(env or {})},
            timeout=120,
        )

    return run
