"""Which layers a reader means: a path, an output's label, the end of a path, or a shell pattern."""

from __future__ import annotations

from collections import Counter
from fnmatch import fnmatchcase

from archspec.graph import Graph
from archspec.source import nearest

_MOST = 12  # paths that a message lists


class NoLayer(LookupError):
    """No layer, or more than one, goes by the name."""


def choose(graph: Graph, name: str) -> tuple[int, ...]:
    """Indices of the nodes that `name` means; several for a pattern alone.  Raises NoLayer."""
    paths = [node.path for node in graph.nodes]
    if name in paths:
        return (paths.index(name),)
    labels = {output.name: output.node for output in graph.outputs}
    if name in labels:
        return (labels[name],)
    if any(mark in name for mark in "*?["):
        found = [index for index, path in enumerate(paths) if fnmatchcase(path, name)]
        if not found:
            raise NoLayer(f"No layer's path matches {name}. {_listed(paths)}")
        return tuple(found)
    found = [index for index, path in enumerate(paths) if path.endswith("." + name)] or _in_frame(graph, name)
    if len(found) == 1:
        return (found[0],)
    if found:
        raise NoLayer(f"{name} means {len(found)} layers. {_listed([paths[index] for index in found])}")
    ends = Counter(path.rpartition(".")[2] for path in paths)
    meant = nearest(name, [*paths, *labels, *ends])
    if meant not in paths and ends[meant or ""] > 1:
        meant = f"'*{meant}', which are {ends[meant or '']} layers"
    hint = f"Did you mean {meant}? " if meant else ""
    raise NoLayer(f"{graph.name} has no layer {name}. {hint}{_listed(paths)}")


def _in_frame(graph: Graph, name: str) -> list[int]:
    """The last layer of what carries the label: its output is what the label means."""
    inside = [
        index
        for index, node in enumerate(graph.nodes)
        if any(frame.path == name or (frame.labelled and frame.name == name) for frame in node.scope)
    ]
    return inside[-1:]


def _listed(paths: list[str]) -> str:
    shown = ", ".join(paths[:_MOST])
    return f"There are {shown}" + (f" and {len(paths) - _MOST} more." if len(paths) > _MOST else ".")
