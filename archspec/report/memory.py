"""A network's memory as a table, Markdown, CSV and JSON."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

from archspec import __version__
from archspec.memory import Fit, Held, Memory
from archspec.report.grid import aligned, pipes, prose
from archspec.report.wording import bytes_text, count_text, shape_text

SCHEMA = "archspec.memory/1"
_SHOWN = 12  # tensors that a table shows unless it is asked for all
_PARTS = ("Part", "Bytes", "", "What")
_TENSORS = ("Tensor", "What", "Shape", "Type", "Bytes", "")


def table(memory: Memory, fit: Fit | None = None, *, every: bool = False, width: int | None = None) -> str:
    """The parts, the tensors that weigh most (or `every` one), and what was assumed, as aligned text of at most `width`
    columns where that is possible."""
    told, rest = _told(memory, every)
    parts = aligned(_parts(memory), (0, 3), ruled=True, width=width, give=((3, 24),), prose=True)
    blocks = [title(memory), parts]
    if told:
        tensors = aligned([_TENSORS, *told], (0, 1, 3), ruled=True, width=width, give=((0, 20), (5, 0), (3, 0)))
        blocks.append("\n".join([prose([_heading(memory)], width), tensors, *rest]))
    return "\n\n".join([*blocks, prose([*_facts(memory, fit), *_rules(memory)], width)]) + "\n"


def to_markdown(memory: Memory, fit: Fit | None = None, *, every: bool = False) -> str:
    """The same as GitHub tables."""
    told, rest = _told(memory, every)
    blocks = [f"# {title(memory)}", pipes(_parts(memory), (0, 3))]
    if told:
        blocks += [_heading(memory), pipes([_TENSORS, *told], (0, 1, 3)), *rest]
    return "\n\n".join([*blocks, *_facts(memory, fit), *_rules(memory)]) + "\n"


def to_csv(memory: Memory, fit: Fit | None = None) -> str:
    """Parts and tensors as comma-separated values, told apart by the first column; of a fit the limit, what the largest
    batch takes, and one example more."""
    import csv
    import io

    out = io.StringIO()
    writer = csv.writer(out, lineterminator="\n")
    writer.writerow(("kind", "name", "what", "shape", "dtype", "batch", "bytes"))
    if fit is not None:
        more = None if fit.batch is None else fit.batch + 1
        for name, batch, size in (
            ("limit", None, fit.limit),
            ("largest", fit.batch, fit.bytes),
            ("more", more, fit.more),
        ):
            writer.writerow(("fit", name, "", "", memory.dtype, batch, size))
    for part in memory.parts:
        writer.writerow(("part", part.name, part.remark, "", "", memory.batch, part.bytes(memory.batch)))
    for held in memory.tensors:
        shape = shape_text(held.shape)
        writer.writerow(("tensor", held.path, held.what, shape, held.dtype, memory.batch, held.bytes))
    return out.getvalue()


def to_json(memory: Memory, fit: Fit | None = None, *, spec_file: str, spec_sha256: str) -> str:
    """One JSON document, keys always in the same order."""
    parts = [
        {
            "name": p.name,
            "bytes": p.bytes(memory.batch),
            "fixed": p.fixed,
            "per_example": p.per_example,
            "what": p.remark,
        }
        for p in memory.parts
    ]
    document: dict[str, Any] = {
        "schema": SCHEMA,
        "archspec": __version__,
        "spec": {"file": spec_file, "sha256": spec_sha256},
        "net": memory.net,
        "mode": _mode(memory),
        "batch": memory.batch,
        "dtype": memory.dtype,
        "total": memory.total,
        "parts": parts,
        "peak": None if memory.training else _peak(memory),
        "tensors": [{**held._asdict(), "shape": list(held.shape)} for held in memory.tensors],
        "rules": list(memory.rules),
    }
    if fit is not None:
        document["fit"] = {"limit": fit.limit, "batch": fit.batch, "bytes": fit.bytes, "one_more": fit.more}
    return json.dumps(document, indent=2, ensure_ascii=False) + "\n"


def _peak(memory: Memory) -> dict[str, Any]:
    orders = [{"order": name, "bytes": size} for name, size in memory.tried]
    return {"layer": memory.peak_at, "order": memory.order, "tried": orders, "unfreed": memory.unfreed}


def _mode(memory: Memory) -> str:
    return "training" if memory.training else "inference"


def title(memory: Memory) -> str:
    """The net, and for what its memory was counted."""
    return f"{memory.net}  ({_mode(memory)}, batch {memory.batch}, {memory.dtype})"


def _parts(memory: Memory) -> list[tuple[str, str, str, str]]:
    rows = [(p.name, p.bytes(memory.batch), p.remark) for p in memory.parts]
    rows.append(("total", memory.total, ""))
    return [_PARTS, *((name, count_text(size), bytes_text(size), remark) for name, size, remark in rows)]


def _heading(memory: Memory) -> str:
    if memory.training:
        return "Kept for the backward pass, the largest first:"
    return f"In memory at the peak, while {memory.peak_at or 'the input is there'} runs:"


def _told(memory: Memory, every: bool) -> tuple[list[tuple[str, ...]], list[str]]:
    """The rows of tensors that are shown, and a line about the others."""
    ranked = sorted(memory.tensors, key=lambda held: -held.bytes)
    shown = ranked if every else ranked[:_SHOWN]
    others = ranked[len(shown) :]
    size = sum(held.bytes for held in others)
    rest = [f"and {len(others)} more, {bytes_text(size)}"] if others else []
    return [_row(held) for held in shown], rest


def _row(held: Held) -> tuple[str, ...]:
    size = (count_text(held.bytes), bytes_text(held.bytes))
    return (held.path, held.what, shape_text(held.shape), held.dtype, *size)


def _facts(memory: Memory, fit: Fit | None) -> Iterator[str]:
    """Sentences about this network."""
    if fit is not None:
        limit = f"{count_text(fit.limit)} bytes ({bytes_text(fit.limit)})"
        if fit.batch is None:
            yield f"Any batch fits in {limit}: it takes {bytes_text(fit.bytes)}, whatever the batch."
        elif fit.batch:
            more = f"takes {bytes_text(fit.bytes)}, {fit.batch + 1} would take {bytes_text(fit.more)}"
            yield f"Largest batch in {limit}: {fit.batch}, which {more}."
        else:
            yield f"Not one example fits in {limit}: it takes {bytes_text(fit.more)}."
    if memory.training:
        return
    if len({size for _, size in memory.tried}) > 1:
        tried = ", ".join(f"{name} {bytes_text(size)}" for name, size in memory.tried)
        yield f"Best order of the layers: {memory.order} (tried: {tried})."
    elif len(memory.tried) > 1:
        yield f"Order of the layers: as in the file; the {len(memory.tried) - 1} others that were tried take as much."
    yield f"If nothing were freed, activations would take {bytes_text(memory.unfreed)}."


def _rules(memory: Memory) -> Iterator[str]:
    yield f"Counted so: {'; '.join(memory.rules)}."
