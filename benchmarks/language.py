"""What reading a spec takes: seconds and memory of parsing and expanding, and the cost per layer as networks grow.

    python benchmarks/language.py          prints the tables and writes them into docs/performance.md

Each row is a process of its own, which parses one small spec first; times are of the processor, the least of some
runs.  The collector is off while a spec is opened, as always.
"""

from __future__ import annotations

import gc
import json
import resource
import subprocess
import sys
import time
from pathlib import Path
from typing import NamedTuple

from archspec.limits import Budget, Limits
from archspec.model import loads
from archspec.parse import parse
from archspec.source import Source

ROOT = Path(__file__).resolve().parent.parent
PAGE = ROOT / "docs" / "performance.md"
BEGIN, END = "<!-- language: begin -->\n", "<!-- language: end -->\n"
WIDE = Limits(source_bytes=2**26, tokens=10**7, nodes=10**6, steps=10**8)
SIZES = (100, 1_000, 10_000, 20_000, 100_000)


class Cost(NamedTuple):
    """Of one spec: layers, seconds to parse and to expand, and mebibytes at most."""

    layers: int
    parsing: float
    expanding: float
    mebibytes: float

    @property
    def seconds(self) -> float:
        return self.parsing + self.expanding


def text(layers: int, form: str) -> str:
    """A chain of convolutions and activations: with one repeat, or written out."""
    pairs = layers // 2
    if form == "repeated":
        return f"INPUT(3x8x8) -> [CONV(64) -> TANH]*{pairs}"
    return "INPUT(3x8x8)\n" + "  -> CONV(64) -> TANH\n" * pairs


def measure(layers: int, form: str) -> Cost:
    """The costs of one spec, here and now."""
    loads("INPUT(3x8x8) -> CONV(4) -> TANH")
    source, runs = text(layers, form), 5 if layers <= 20_000 else 1
    parsing, total = [], []
    for _ in range(runs):
        gc.collect()
        gc.disable()
        began = time.process_time()
        parse(Source("bench", source), Budget(WIDE))
        parsing.append(time.process_time() - began)
        gc.enable()
        gc.collect()
        began = time.process_time()
        model = loads(source, limits=WIDE)
        total.append(time.process_time() - began)
    assert len(model.graph.nodes) == 2 * (layers // 2) + 1
    return Cost(layers, min(parsing), max(0.0, min(total) - min(parsing)), peak())


def peak() -> float:
    """The most memory that this process held, in MiB.  Linux counts in `ru_maxrss` what stood before exec as well, so
    that a small program started by a large one looks large; its own figure is in /proc."""
    status = Path("/proc/self/status")
    if status.exists():
        (line,) = [line for line in status.read_text(encoding="utf-8").splitlines() if line.startswith("VmHWM:")]
        return int(line.split()[1]) / 1024
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / (2**20 if sys.platform == "darwin" else 2**10)


def apart(layers: int, form: str) -> Cost:
    """The same in a process of its own."""
    command = [sys.executable, __file__, str(layers), form]
    done = subprocess.run(command, capture_output=True, text=True, check=True, cwd=ROOT)
    return Cost(*json.loads(done.stdout))


def table(form: str) -> list[str]:
    lines = ["| layers | parse | expand | together | per layer | memory |", "|--:|--:|--:|--:|--:|--:|"]
    for layers in SIZES:
        cost = apart(layers, form)
        cells = (f"{cost.parsing:.3f} s", f"{cost.expanding:.3f} s", f"{cost.seconds:.3f} s")
        each = f"{cost.seconds / layers * 1e6:.0f} µs"
        lines.append(f"| {layers:,} | {' | '.join(cells)} | {each} | {cost.mebibytes:.0f} MiB |")
    return lines


def write_page() -> None:
    lines = ["One repeat, `[CONV(64) -> TANH]*n`:", "", *table("repeated")]
    lines += ["", "The same network written out, a line for every two layers:", "", *table("written out"), ""]
    print("\n".join(lines))
    page = PAGE.read_text(encoding="utf-8")
    head, tail = page.partition(BEGIN)[0], page.partition(END)[2]
    PAGE.write_text(f"{head}{BEGIN}{chr(10).join(lines)}{END}{tail}", encoding="utf-8")


if __name__ == "__main__":
    sys.path.insert(0, str(ROOT))
    if len(sys.argv) == 3:
        print(json.dumps(measure(int(sys.argv[1]), sys.argv[2])))
    else:
        write_page()
