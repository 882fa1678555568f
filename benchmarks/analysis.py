"""What the analysis of an expanded network takes: microseconds of the processor per node, for networks that ship and
for residual chains of 100 to 100,000 nodes.

    python benchmarks/analysis.py          prints the table of docs/checks.md
"""

from __future__ import annotations

import sys
import time
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

from archspec.analyze import analyze
from archspec.graph import Graph
from archspec.limits import Limits
from archspec.model import load, loads

SHIPPED = ("VGG16", "ResNet50", "ResNet152", "DenseNet121", "InceptionResNetV2", "UNet", "DenseNet_BC_190_40")
SIZES = (100, 1_000, 10_000, 100_000)
WIDE = Limits(source_bytes=2**26, tokens=10**7, nodes=10**6, steps=10**8)
LIMIT = 30e-6


def seconds(graph: Graph) -> float:
    """The least of some runs."""
    found = []
    for _ in range(3 if len(graph.nodes) > 20_000 else 9):
        began = time.process_time()
        analyze(graph)
        found.append(time.process_time() - began)
    return min(found)


def main() -> int:
    graphs = [(name, load(name).graph) for name in SHIPPED]
    for size in SIZES:
        text = f"INPUT(8x8x8) -> [add[CONV(8) -> RELU | ID]]*{size // 3}"
        graphs.append((f"residual blocks, {size:,}", loads(text, limits=WIDE).graph))
    print("| network | nodes | analysis | per node |\n|---|--:|--:|--:|")
    slowest = 0.0
    for name, graph in graphs:
        took = seconds(graph)
        slowest = max(slowest, took / len(graph.nodes))
        print(f"| {name} | {len(graph.nodes):,} | {1e3 * took:.2f} ms | {1e6 * took / len(graph.nodes):.1f} µs |")
    return 1 if slowest > LIMIT else 0


if __name__ == "__main__":
    sys.exit(main())
