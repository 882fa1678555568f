"""`archspec zoo`: the networks that ship, what they cost, and their specs."""

from __future__ import annotations

import json
import sys
from collections.abc import Iterator
from itertools import groupby
from typing import TYPE_CHECKING, NamedTuple

import click

from archspec.commands.streams import columns, deliver

if TYPE_CHECKING:
    from archspec.zoo import Entry


class _Listed(NamedTuple):
    """A network that ships: what it takes and what it costs; None where the spec leaves that open."""

    entry: Entry
    input: str | None
    params: int | None
    macs: int | None


@click.command("zoo")
@click.argument("name", required=False)
@click.option("--format", "form", type=click.Choice(["table", "json"]), help="How to list them (table).")
def command(name: str | None, form: str | None) -> int:
    """The networks that ship, by file, with input, parameters and MACs; or the spec of one.

    Each name works wherever SPEC does, in any case.

    \b
    Examples:
      archspec zoo
      archspec zoo vgg16 > mine.arch
      archspec zoo --format json
    """
    if name is None:
        networks = [*_networks()]
        deliver(_json(networks) if form == "json" else _table(networks, columns(sys.stdout)))
        return 0
    if form is not None:
        raise click.UsageError(f"--format is for the list; the numbers of {name}: archspec analyze {name}")
    from archspec.zoo import find, missing

    found = find(name)
    if found is None:
        raise missing(name)
    deliver(found.path.read_text(encoding="utf-8"))
    return 0


def _networks() -> Iterator[_Listed]:
    """Every network with its counts; a file is parsed once for all its nets."""
    from archspec.analyze import analyze
    from archspec.expand.free import Bindings
    from archspec.expand.nets import expand
    from archspec.limits import Budget
    from archspec.model import define, open_holes
    from archspec.source import Source
    from archspec.zoo import entries

    for path, group in groupby(entries(), key=lambda entry: entry.path):
        source = Source(path.name, path.read_text(encoding="utf-8"), str(path.parent))
        definitions = define(source)
        for entry in group:
            if entry.net is None and open_holes(source):
                yield _Listed(entry, None, None, None)
                continue
            graph = expand(definitions, entry.net, Bindings({}), Budget()).graph
            totals = analyze(graph).totals
            shapes = ", ".join("x".join(map(str, graph.nodes[index].shape)) for index in graph.inputs)
            yield _Listed(entry, shapes, totals.params, totals.macs)


def _json(networks: list[_Listed]) -> str:
    rows = [
        {
            "name": entry.name,
            "file": entry.path.name,
            "net": entry.net,
            "params": params,
            "macs": macs,
            "input": taken,
            "source": entry.title,
        }
        for entry, taken, params, macs in networks
    ]
    return json.dumps(rows, indent=2, ensure_ascii=False)


def _table(networks: list[_Listed], width: int | None) -> str:
    """One block per file, headed by its first comment, which says where the networks come from."""
    from archspec.report.grid import aligned, prose

    cells = [("  Network", "Input", "Parameters", "MACs")]
    cells += [(f"  {n.entry.name}", n.input or "open", _count(n.params), _count(n.macs)) for n in networks]
    head, *rows = aligned(cells, (0, 1), width=width, give=((1, 12),)).splitlines()
    lines = [head]
    for path, group in groupby(zip(networks, rows, strict=True), key=lambda pair: pair[0].entry.path):
        nets = [*group]
        title = nets[0][0].entry.title
        heading = f"{path.name}: {title}" if title else path.name
        lines += [prose([heading], width) if width else heading, *(row for _, row in nets)]
    return "\n".join(lines)


def _count(count: int | None) -> str:
    return "open" if count is None else f"{count:,}"
