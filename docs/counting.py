"""Writes docs/counting.md: what each convention counts, and for which networks.  Run it as `python docs/counting.py`.

The rules are those of archspec.conventions, the numbers those of specs that ship, opened and counted here.
"""

from __future__ import annotations

import json
import sys
from collections.abc import Iterator
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
PAGE = Path(__file__).with_name("counting.md")
sys.path.insert(0, str(ROOT))

import archspec  # noqa: E402
from archspec.conventions import CONVENTIONS, Convention  # noqa: E402
from archspec.conventions.rules import UNCOUNTED  # noqa: E402
from archspec.report.grid import pipes  # noqa: E402

NETS = tuple("AlexNetOneTower VGG16 GoogLeNetInference ResNet50 DenseNet121 MobileNetV2 ShuffleNetV2 UNet".split())

HEAD = """\
# What each convention counts

`python docs/counting.py` writes this page from `archspec.conventions` and from specs that ship; a test holds it to
them.

archspec prints MACs and FLOPs side by side: MACs are the multiply-accumulates of contractions, FLOPs twice that
with the biases and the work of every other operator. `--count NAME` says instead what papers or another tool count:

```console
$ archspec analyze resnet50 --count fvcore
$ archspec analyze resnet50 --count thop --format json
$ archspec reconcile resnet50
```

In the table and in Markdown the numbers stand in the FLOPs column, whose meaning the line below the table says. In
JSON and CSV `flops` stays what it is: JSON gets a `count` of the document and of each layer, CSV a last column of
the convention's name. `archspec reconcile` sets all conventions side by side, and says which operators make the
differences. In Python:

```python
import archspec

counted = archspec.load("ResNet50").count("fvcore")
print(f"{counted.total:,}")
for kind in counted.kinds:
    print(kind.operator, kind.macs, kind.count, kind.why)
```

A number is the whole batch's, ptflops' too, though the tool itself speaks of one example. Where a tool fails, there
is no number: the command says which operator it is and stops, `reconcile` writes `unknown`.
"""

PROOF = """\
A class of its own is what archspec emits for a layer that torch.nn lacks, as a convolution with a partial
connection table: a tool that knows layers by their class does not see it.

## How the rules are proved

The tests run each tool on the PyTorch module that archspec emits, and hold the rules to what it says, to the last
digit: on every operator with each of its cases, on more than ten networks of the zoo and on some small ones
(`tests/test_counting.py`), and with `--slow` on the networks of the table above. fvcore, ptflops, thop and
torchinfo come with the extra `dev`.

calflops does not: `import calflops` wants transformers, which it does not declare, and what it declares brings a
dozen packages around the hub client, for counting that needs none of them. Its figures are recorded in
`tests/data/calflops.json`, which the tests compare with; where it is installed they run it, and hold the record to
it as well:

```console
$ pip install --no-deps calflops==0.3.2
$ python tests/test_counting.py
```

The second command writes the record. The tests import the module of calflops that counts, not the package.
"""


def page() -> str:
    """The whole page."""
    parts = [HEAD, "## Some networks", _figures(), "The same as fractions of the MACs:", _fractions()]
    for convention in CONVENTIONS.values():
        parts += [f"## {convention.name}", *_convention(convention)]
    silent = set.intersection(*(_silent(convention) for convention in CONVENTIONS.values() if convention.rules))
    parts += ["## Not counted by any tool", _listed(silent)]
    return "\n\n".join(part.rstrip("\n") for part in [*parts, PROOF]) + "\n"


def _figures() -> str:
    rows = [("Network", "MACs", "FLOPs", *CONVENTIONS)]
    for net in NETS:
        totals = archspec.load(net).analyze().totals
        rows.append((net, *(f"{number:,}" for number in (totals.macs, totals.flops, *_totals(net)))))
    return pipes(rows, (0,))


def _fractions() -> str:
    rows = [("Network", *CONVENTIONS)]
    for net in NETS:
        macs = archspec.load(net).analyze().totals.macs
        rows.append((net, *(f"{total / macs:.4f}" for total in _totals(net))))
    return pipes(rows, (0,))


def _totals(net: str) -> list[int]:
    model = archspec.load(net)
    return [model.count(name).total or 0 for name in CONVENTIONS]


def _convention(convention: Convention) -> Iterator[str]:
    if convention.default is not None:
        yield f"{convention.default.why[0].upper()}{convention.default.why[1:]}, of every operator."
        return
    yield f"{_versions()[convention.name]}: {convention.title}."
    operators: dict[str, set[str]] = {}
    for operator, rule in convention.rules.items():
        operators.setdefault(rule.why, set()).add(operator)
    rows = [(_listed(names), why) for why, names in operators.items() if why != UNCOUNTED.why]
    yield pipes([("Operators", "What it counts"), *rows], (0, 1))
    seen = [_silent(other) for other in CONVENTIONS.values() if other.rules]
    yield f"Not counted, beside what no tool counts: {_listed(_silent(convention) - set.intersection(*seen))}."


def _silent(convention: Convention) -> set[str]:
    return {operator for operator, rule in convention.rules.items() if rule is UNCOUNTED}


def _listed(names: set[str]) -> str:
    return " ".join(f"`{name}`" for name in sorted(names))


def _versions() -> dict[str, str]:
    """The tools with the versions that the tests run, and that of the record."""
    pinned = (ROOT / "constraints.txt").read_text(encoding="utf-8").split()
    found = {line.partition("==")[0]: line.replace("==", " ") for line in pinned if "==" in line}
    record = json.loads((ROOT / "tests" / "data" / "calflops.json").read_text(encoding="utf-8"))
    return found | {"calflops": f"calflops {record['calflops']}"}


if __name__ == "__main__":
    PAGE.write_text(page(), encoding="utf-8")
