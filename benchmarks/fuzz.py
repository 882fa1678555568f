"""Spoils specs at random and holds what comes of them to the promise: a network or a sentence, never a traceback, never
over two seconds of processor time, never over 500 MB.

    python benchmarks/fuzz.py 200000 [FIRST]    # FIRST: the batch of 500 to begin with

Every spec of the zoo is mutated (pieces lost, doubled, exchanged, replaced, inserted), words of the language stand in a
row, and characters stand in a row.  The limits are the usual ones.  A text that breaks the promise is printed whole.
"""

from __future__ import annotations

import random
import re
import resource
import sys
import time
import traceback
from collections import Counter
from concurrent.futures import ProcessPoolExecutor
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
sys.path[:0] = [str(ROOT), str(ROOT / "tests")]

from test_mistakes import PIECES, mutate  # noqa: E402

from archspec.model import UsageError, open_model  # noqa: E402
from archspec.source import Source, SpecError, render  # noqa: E402

SECONDS, MEGABYTES, BATCH = 2.0, 500, 500
TEXTS = [path.read_text(encoding="utf-8") for path in sorted((ROOT / "specs").glob("**/*.arch"))]
SIGNS = "".join(sorted(set("".join(TEXTS)))) + "é→\u00a0\x00\ud800\U0001f600"


def spoilt(dice: random.Random) -> str:
    kind = dice.random()
    if kind < 0.8:
        return mutate(dice.choice(TEXTS), dice)
    if kind < 0.95:
        words = " ".join(dice.choice(PIECES) for _ in range(dice.randint(1, 16)))
        return dice.choice(["{}", "INPUT(3x8x8) -> {}", "net A {{\n  input 3x8x8\n  INPUT -> {}\n}}"]).format(words)
    return "".join(dice.choice(SIGNS) for _ in range(dice.randint(0, 80)))


def outcome(text: str) -> str:
    """What a text comes to; "fault" and the traceback where archspec itself breaks."""
    nets = re.findall(r"^net (\w+)", text, re.MULTILINE)
    try:
        model = open_model(Source("x.arch", text, str(ROOT / "specs")), nets[-1] if nets else None)
        for warning in (*model.warnings, *model.failures()):
            render(warning)
        return "network"
    except SpecError as error:
        for found in error.diagnostics:
            render(found, color=True)
        return "diagnostic"
    except UsageError:
        return "usage"
    except BaseException:
        return f"fault\n{traceback.format_exc()}"


def run(seed: int) -> tuple[Counter[str], float, float, list[str]]:
    """One batch: how many of each outcome, the slowest in seconds, the peak in MB, and every broken promise."""
    dice = random.Random(seed)
    counts: Counter[str] = Counter()
    slowest, broken = 0.0, []
    for _ in range(BATCH):
        text = spoilt(dice)
        start = time.process_time()
        came = outcome(text)
        took = time.process_time() - start
        slowest = max(slowest, took)
        counts[came.partition("\n")[0]] += 1
        if came.startswith("fault") or took > SECONDS:
            broken.append(f"{took:.2f} s, {came}\n{text!r}")
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    return counts, slowest, peak, broken


def main(total: int, first: int) -> int:
    counts: Counter[str] = Counter()
    slowest = peak = 0.0
    broken: list[str] = []
    start = time.perf_counter()
    with ProcessPoolExecutor(2) as pool:
        for found, took, memory, wrong in pool.map(run, range(first, first - (-total // BATCH))):
            counts += found
            slowest, peak = max(slowest, took), max(peak, memory)
            broken += wrong
            for text in wrong:
                print(text, flush=True)
    told = ", ".join(f"{number:,} {name}" for name, number in sorted(counts.items()))
    seconds = time.perf_counter() - start
    print(f"{counts.total():,} texts in {seconds:.0f} s: {told}; slowest {slowest:.2f} s, peak {peak:.0f} MB")
    return 1 if broken or peak > MEGABYTES else 0


if __name__ == "__main__":
    numbers = [int(word) for word in sys.argv[1:]]
    sys.exit(main(*numbers[:1] or [2_000], *numbers[1:2] or [0]))
