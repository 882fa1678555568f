"""Writes random specs and holds what the analysis says of each against PyTorch and onnxruntime.

    python benchmarks/random_graphs.py 2000 [--seed S]

Per graph: every node's shape, the parameters and the multiply-accumulates against the emitted module on the meta device
(torch's flop counter; connection tables and inner products, which it does not count, aside); the values of PyTorch and
onnxruntime; what units of every node read, against gradients of the same graph with positive weights.
A spec that fails is printed whole.
"""

from __future__ import annotations

import argparse
import random
import sys
import time
from collections import Counter
from concurrent.futures import ProcessPoolExecutor
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
sys.path[:0] = [str(ROOT), str(ROOT / "tests")]

from graph_checks import check  # noqa: E402
from random_specs import draw  # noqa: E402

BATCH = 25


def run(seed: int) -> tuple[Counter[str], list[str]]:
    """One batch: what was compared, and every spec that failed."""
    import torch

    torch.set_num_threads(1)
    dice, counts, broken = random.Random(seed), Counter[str](), []
    for _ in range(BATCH):
        text = draw(dice)
        try:
            counts += check(text)
        except Exception as error:  # whatever goes wrong is what is looked for
            broken.append(f"{type(error).__name__}: {error}\n{text}\n")
    return counts, broken


def main() -> int:
    options = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    options.add_argument("graphs", type=int, nargs="?", default=200)
    options.add_argument("--seed", type=int, default=0)
    chosen = options.parse_args()
    counts, failed, done, start = Counter[str](), 0, 0, time.perf_counter()
    batches = -(-chosen.graphs // BATCH)
    with ProcessPoolExecutor(2) as pool:
        for found, broken in pool.map(run, range(chosen.seed * 1_000_000, chosen.seed * 1_000_000 + batches)):
            counts += found
            failed, done = failed + len(broken), done + BATCH
            print(f"{done:,} graphs, {failed} failed", file=sys.stderr, flush=True)
            for text in broken:
                print(text, flush=True)
    seconds = time.perf_counter() - start
    operators = sorted(key[3:] for key in counts if key.startswith("op "))
    told = ", ".join(f"{number:,} {name}" for name, number in sorted(counts.items()) if not name.startswith("op "))
    print(f"{batches * BATCH:,} graphs in {seconds:.0f} s, {failed} failed: {told}")
    print(f"{len(operators)} operators: {' '.join(operators)}")
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
