"""Runs `archspec verify` on networks that ship, each in a process of its own, and counts what agrees.

    python benchmarks/verify_zoo.py [--seeds 3] [--largest GMACS] [NAME...]

Without names it takes every network of the zoo up to the given work (20 GMACs unless said otherwise).
"""

from __future__ import annotations

import argparse
import subprocess
import sys
import time

from archspec.model import UsageError, open_model
from archspec.source import SpecError
from archspec.zoo import entries, open_spec


def macs(name: str) -> float:
    """The work of one example in GMACs; infinite where the network has to be bound first."""
    try:
        return open_model(*open_spec(name)).analyze().totals.macs / 1e9
    except (SpecError, UsageError):
        return float("inf")


def main() -> int:
    options = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    options.add_argument("names", nargs="*", metavar="NAME")
    options.add_argument("--seeds", type=int, default=3)
    options.add_argument("--largest", type=float, default=20.0, metavar="GMACS")
    chosen = options.parse_args()
    names = chosen.names or [entry.name for entry in entries() if macs(entry.name) <= chosen.largest]
    seeds = [word for seed in range(chosen.seeds) for word in ("--seed", str(seed))]
    failed = []
    for name in names:
        start = time.perf_counter()
        done = subprocess.run(
            [sys.executable, "-m", "archspec", "verify", name, *seeds], capture_output=True, text=True, check=False
        )
        same = [line.split() for line in done.stdout.splitlines() if line.endswith("same")]
        worst = max((float(words[-3]) for words in same), default=0.0)
        verdict = "agree" if done.returncode == 0 else "FAILED"
        print(f"{name:28} {verdict}  largest difference {worst:.1e}  {time.perf_counter() - start:5.1f} s", flush=True)
        if done.returncode:
            failed.append(name)
            print(done.stdout + done.stderr, flush=True)
    left = f"; not {', '.join(failed)}" if failed else ""
    print(f"{len(names) - len(failed)} of {len(names)} agree over {chosen.seeds} seeds{left}")
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
