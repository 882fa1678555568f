"""An analysis as data: JSON of a published schema, and CSV."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

from archspec import __version__
from archspec.analyze import Analysis
from archspec.field import Field
from archspec.graph import Node
from archspec.source import Span

if TYPE_CHECKING:
    from archspec.report.lines import Count

SCHEMA = "archspec.analysis/1"
_COLUMNS = (
    *("path", "op", "inputs", "output_shape", "params", "buffers", "macs", "flops", "weight_bytes", "activation_bytes"),
    *("field_size", "field_stride", "field_start", "field_global", "shares", "file", "line", "column"),
)


def schema(of: Literal["analysis", "memory"] = "analysis") -> dict[str, Any]:
    """The JSON Schema (draft 2020-12) of the documents of an analysis or of a network's memory."""
    path = Path(__file__).resolve().parent.parent / "data" / f"{of}.schema.json"
    loaded: dict[str, Any] = json.loads(path.read_text(encoding="utf-8"))
    return loaded


def to_json(analysis: Analysis, *, spec_file: str, spec_sha256: str, count: Count = "all") -> str:
    """The analysis as one JSON document, keys and layers always in the same order, a layer to a line.

    What a convention counts stands beside the FLOPs, not in their place.
    """
    counted = _counted(analysis, count)
    document = {
        "schema": SCHEMA,
        "archspec": __version__,
        "batch": analysis.batch,
        "dtype": analysis.dtype,
        "spec": {"file": spec_file, "sha256": spec_sha256},
        "net": analysis.graph.name,
        "inputs": [_input(analysis.graph.nodes[index]) for index in analysis.graph.inputs],
        "outputs": _outputs(analysis),
        "totals": _totals(analysis),
        **({"count": {"convention": count, "counts": counted[0], "total": sum(counted[1])}} if counted else {}),
        "layers": [
            _layer(analysis, index) | ({"count": counted[1][index]} if counted else {})
            for index in range(len(analysis.rows))
        ],
        "notes": [
            {"code": note.code, "message": note.message, "source": _source(note.span) if note.span else None}
            for note in analysis.notes
        ],
    }
    return "{\n" + ",\n".join(f"  {json.dumps(key)}: {_written(value)}" for key, value in document.items()) + "\n}\n"


def _counted(analysis: Analysis, count: Count) -> tuple[str, list[int]] | None:
    """What a convention counts, in words and of each node; None where none was asked for."""
    if count == "all":
        return None
    from archspec.conventions import CONVENTIONS
    from archspec.report.lines import flops_by_node

    return CONVENTIONS[count].title, flops_by_node(analysis, count)


def _written(value: Any) -> str:
    """A value on one line, but a list of records with a record to a line."""
    if isinstance(value, list) and value:
        return "[\n" + ",\n".join(f"    {json.dumps(item, ensure_ascii=False)}" for item in value) + "\n  ]"
    return json.dumps(value, ensure_ascii=False)


def _shape(node: Node) -> list[Any]:
    """The output's sizes; one that stays symbolic is its name and the value that was counted with."""
    names = getattr(node.op, "symbols", ()) or ("",) * len(node.shape)
    pairs = zip(names, node.shape, strict=True)
    return [{"name": name, "value": size} if name else size for name, size in pairs]


def _input(node: Node) -> dict[str, Any]:
    return {"name": node.path, "shape": _shape(node), "dtype": getattr(node.op, "dtype", "float32")}


def _outputs(analysis: Analysis) -> list[dict[str, Any]]:
    nodes = analysis.graph.nodes
    return [
        {"name": output.name, "layer": nodes[output.node].path, "shape": _shape(nodes[output.node])}
        for output in analysis.graph.outputs
    ]


def _totals(analysis: Analysis) -> dict[str, Any]:
    totals = analysis.totals
    names = ("params", "buffers", "macs", "flops", "weight_bytes", "activation_bytes")
    counts = {name: getattr(totals, name) for name in names}
    return {**counts, "receptive_field": _field(totals.field), "depth": totals.depth}


def _layer(analysis: Analysis, index: int) -> dict[str, Any]:
    nodes = analysis.graph.nodes
    node, row = nodes[index], analysis.rows[index]
    layer = {
        "path": node.path,
        "op": node.op.name,
        "inputs": [nodes[i].path for i in node.inputs],
        "output_shape": _shape(node),
        "params": row.params,
        "buffers": row.buffers,
        "macs": row.macs,
        "flops": row.flops,
        "receptive_field": _field(row.field),
        "source": _source(node.span),
    }
    return layer if node.shares is None else layer | {"shares": nodes[node.shares].path}


def _field(field: Field | None) -> dict[str, Any] | None:
    if field is None:
        return None
    axes = field.axes
    written: dict[str, Any] = {
        "size": [axis.size for axis in axes],
        "stride": [axis.stride for axis in axes],
        "start": [axis.start for axis in axes],
        "global": field.whole,
    }
    if any(axis.period > 1 for axis in axes):
        written["phases"] = {"period": [axis.period for axis in axes], "min": [min(axis.sizes) for axis in axes]}
    return written


def _source(span: Span) -> dict[str, Any]:
    line, column = span.source.position(span.start)
    return {"file": span.source.name, "line": line, "column": column}


def to_csv(analysis: Analysis, count: Count = "all") -> str:
    """The layers as comma-separated values, one row each; a receptive field has a number per axis, and what a
    convention counts stands in a last column of its name."""
    import csv
    import io

    out = io.StringIO()
    writer = csv.writer(out, lineterminator="\n")
    counted = _counted(analysis, count)
    writer.writerow([*_COLUMNS, *([count] if counted else [])])
    for index, row in enumerate(analysis.rows):
        layer = _layer(analysis, index)
        field = layer["receptive_field"]
        writer.writerow(
            [
                *(
                    layer["path"],
                    layer["op"],
                    " ".join(layer["inputs"]),
                    "x".join(map(str, analysis.graph.nodes[index].shape)),
                ),
                *(row.params, row.buffers, row.macs, row.flops, row.weight_bytes, row.activation_bytes),
                *(" ".join(map(str, field[name])) if field else "" for name in ("size", "stride", "start")),
                *("" if field is None else str(field["global"]).lower(), layer.get("shares", "")),
                *layer["source"].values(),
                *([counted[1][index]] if counted else []),
            ]
        )
    return out.getvalue()
