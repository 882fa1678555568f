"""Writes random specs and holds what the analysis says of each against PyTorch and onnxruntime.

    python benchmarks/random_graphs.py 2000 [--seed S]

Per graph: every node's shape, the parameters and the multiply-accumulates against the emitted module on the meta device
(torch's flop counter); the values of PyTorch and onnxruntime at every node, which have to be as near to each other as
rounding in float32 allows; what units of every node read, against gradients of the same graph with positive weights.
A spec that fails is printed whole; so is the name of every operator that occurred in none.
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

from archspec.op import lookup, names  # noqa: E402

BATCH = 25


def run(seed: int) -> tuple[Counter[str], list[str], float]:
    """One batch: what was compared, every spec that failed, and the seconds of processor time."""
    import torch

    torch.set_num_threads(1)
    start = time.process_time()
    dice, counts, broken = random.Random(seed), Counter[str](), []
    for _ in range(BATCH):
        text = draw(dice)
        try:
            counts += check(text)
        except Exception as error:  # whatever goes wrong is what is looked for
            broken.append(f"{type(error).__name__}: {error}\n{text}\n")
    return counts, broken, time.process_time() - start


def main() -> int:
    options = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    options.add_argument("graphs", type=int, nargs="?", default=200)
    options.add_argument("--seed", type=int, default=0)
    chosen = options.parse_args()
    counts, failed, done, worked, start = Counter[str](), 0, 0, 0.0, time.perf_counter()
    batches = -(-chosen.graphs // BATCH)
    with ProcessPoolExecutor(2) as pool:
        for found, broken, seconds in pool.map(run, range(chosen.seed * 1_000_000, chosen.seed * 1_000_000 + batches)):
            counts += found
            failed, done, worked = failed + len(broken), done + BATCH, worked + seconds
            print(f"{done:,} graphs, {failed} failed", file=sys.stderr, flush=True)
            for text in broken:
                print(text, flush=True)
    passed = time.perf_counter() - start
    print(f"{batches * BATCH:,} graphs in {passed:.0f} s, {worked:.0f} s of processor time: {failed} failed")
    tell({name: number for name, number in counts.items() if not name.startswith("op ")})
    tell_operators({name[3:]: number for name, number in counts.items() if name.startswith("op ")})
    return 1 if failed else 0


def tell(compared: dict[str, int]) -> None:
    for name, number in sorted(compared.items()):
        print(f"{number:10,} {name}")


def tell_operators(graphs: dict[str, int]) -> None:
    """In how many graphs each operator occurred, the rarest first, and which did not."""
    registered = {card.name for card in map(lookup, names()) if card is not None}
    told = ", ".join(f"{name} {number:,}" for name, number in sorted(graphs.items(), key=lambda pair: pair[1]))
    print(f"{len(graphs)} of {len(registered)} operators, each in so many graphs: {told}")
    print(f"in none: {' '.join(sorted(registered - set(graphs))) or 'no operator'}")


if __name__ == "__main__":
    sys.exit(main())
