"""How far down each box of a diagram stands, and the way through it that is drawn straight."""

from __future__ import annotations

from collections.abc import Mapping

Edge = tuple[str, str]


def levels(edges: list[Edge], frame_of: Mapping[str, str]) -> dict[str, int]:
    """The level of every box, so that each edge leads down; edges come in the order of their heads.

    A box stands directly below the lowest one it reads, so that branches of different lengths stand in rows.  Inputs
    stand above their first reader, and what enters a frame early waits, where it can, for the others that enter it.
    """
    early = _longest(edges)
    into: dict[str, list[str]] = {name: [] for name in early}
    latest = max(early.values(), default=0)
    late = dict.fromkeys(early, latest)
    for tail, head in edges:
        into[head].append(tail)
    for tail, head in sorted(edges, key=lambda edge: -early[edge[1]]):
        late[tail] = min(late[tail], late[head] - 1)
    entries = {
        name: frame_of[name]
        for name, tails in into.items()
        if tails and frame_of.get(name) and all(frame_of.get(tail) != frame_of[name] for tail in tails)
    }
    floor: dict[str, int] = {}
    for name, frame in entries.items():
        floor[frame] = max(floor.get(frame, 0), early[name])
    level: dict[str, int] = {}
    for name in sorted(early, key=lambda name: early[name]):
        above = max([level[tail] + 1 for tail in into[name]], default=0)
        level[name] = max(above, min(late[name], floor[entries[name]])) if name in entries else above
    for name, tails in into.items():
        if not tails:
            level[name] = min([level[head] for tail, head in edges if tail == name], default=1) - 1
    return level


def trunk(edges: list[Edge]) -> set[Edge]:
    """The edges of the longest way; of equal ones the first."""
    far = _longest(edges)
    back: dict[str, str] = {}
    for tail, head in edges:
        if far[tail] + 1 == far[head]:
            back.setdefault(head, tail)
    way: set[Edge] = set()
    at = max(far, key=lambda name: far[name], default="")
    while at in back:
        way.add((back[at], at))
        at = back[at]
    return way


def _longest(edges: list[Edge]) -> dict[str, int]:
    """The number of edges of the longest way to each box."""
    far: dict[str, int] = {}
    for tail, head in edges:
        far[head] = max(far.get(head, 0), far.setdefault(tail, 0) + 1)
    return far
