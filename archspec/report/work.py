"""The work of a training step, and the units, as a table, Markdown, CSV and JSON."""

from __future__ import annotations

import json

from archspec import __version__
from archspec.graph import Graph
from archspec.report.grid import aligned, pipes, prose
from archspec.report.wording import count_text, rounded
from archspec.work import Work

SCHEMA = "archspec.work/1"
_LAYERS = ("Layer", "Operator", "Forward", "Backward", "Connections", "Neurons")
_TOTALS = ("Total", "Number", "")
_FIELDS = ("forward", "backward", "connections", "neurons")


def table(work: Work, graph: Graph, *, width: int | None = None) -> str:
    """The layers, the totals and what was counted, as aligned text of at most `width` columns where that is
    possible."""
    layers = aligned(_rows(work, graph), (0, 1), ruled=True, width=width, give=((0, 20), (5, 0), (4, 0)))
    return "\n\n".join([title(work), layers, aligned(_totals(work), (0, 2)), prose([_rule(work)], width)]) + "\n"


def to_markdown(work: Work, graph: Graph) -> str:
    """The same as GitHub tables."""
    totals = pipes([_TOTALS, *_totals(work)], (0, 2))
    return "\n\n".join([f"# {title(work)}", pipes(_rows(work, graph), (0, 1)), totals, _rule(work)]) + "\n"


def to_csv(work: Work, graph: Graph) -> str:
    """The layers as comma-separated values, one row each."""
    import csv
    import io

    out = io.StringIO()
    writer = csv.writer(out, lineterminator="\n")
    writer.writerow(("path", "op", *_FIELDS))
    for layer in work.layers:
        node = graph.nodes[layer.node]
        writer.writerow((node.path, node.op.name, *(getattr(layer, field) for field in _FIELDS)))
    return out.getvalue()


def to_json(work: Work, graph: Graph, *, spec_file: str, spec_sha256: str) -> str:
    """One JSON document, keys always in the same order."""
    layers = [
        {"path": graph.nodes[layer.node].path, "op": graph.nodes[layer.node].op.name}
        | {field: getattr(layer, field) for field in _FIELDS}
        for layer in work.layers
    ]
    document = {
        "schema": SCHEMA,
        "archspec": __version__,
        "spec": {"file": spec_file, "sha256": spec_sha256},
        "net": work.net,
        "batch": work.batch,
        "optimizer": work.optimizer,
        "totals": {field: getattr(work, field) for field in (*_FIELDS[:2], "update", "step", *_FIELDS[2:])},
        "layers": layers,
    }
    return json.dumps(document, indent=2, ensure_ascii=False) + "\n"


def title(work: Work) -> str:
    """The net, and for what its work was counted."""
    return f"{work.net}  (a training step, batch {work.batch}, {work.optimizer})"


def _rows(work: Work, graph: Graph) -> list[tuple[str, ...]]:
    rows: list[tuple[str, ...]] = [_LAYERS]
    for layer in work.layers:
        node = graph.nodes[layer.node]
        counts = (layer.forward, layer.backward, layer.connections, layer.neurons)
        rows.append((node.path, node.op.name, *map(count_text, counts)))
    return rows


def _totals(work: Work) -> list[tuple[str, str, str]]:
    totals = {
        "forward FLOPs": work.forward,
        "backward FLOPs": work.backward,
        "update FLOPs": work.update,
        "step FLOPs": work.step,
        "connections": work.connections,
        "neurons": work.neurons,
    }
    return [(name, count_text(number), rounded(number)) for name, number in totals.items()]


def _rule(work: Work) -> str:
    from archspec.optimizers import find_optimizer

    optimizer = find_optimizer(work.optimizer)
    return (
        "Backward: contractions twice, less the input gradient of what nothing trained precedes, other work once; "
        f"update: {optimizer.flops} per parameter ({optimizer.rule}). Connections: links with a weight, a bias "
        "being one; neurons: units that have such links. Both are one example's."
    )
