"""Randomly wired stages (Xie et al. 2019): `randwire(ws, nodes=32, k=4, p=0.75, seed=1, entry=G)[F]`.

A seed names one graph for ever: the generators below draw from nothing but `random.Random(seed).random()`, whose
sequence Python promises to keep, and in the order that they state.  Edges run from the lower to the higher number.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from archspec import syntax
from archspec.expand import layers
from archspec.expand.branches import join, one_flow
from archspec.expand.place import Loop, Place, Site, Stream
from archspec.expand.session import Session
from archspec.expand.values import Callee, Word, fail, kind, show
from archspec.graph import Frame
from archspec.limits import over
from archspec.source import nearest

Edges = list[tuple[int, int]]
Draw = Callable[[], float]
_TRIES = 1000  # how often a generator starts again, on the same sequence, until its graph is connected


def watts_strogatz(n: int, k: int, p: float, draw: Draw) -> set[frozenset[int]]:
    """A ring where each node meets its k/2 neighbours on either side; then, distance by distance and node by node, an
    edge (u, u+distance) moves with probability p to (u, w), w = floor(draw*n), again while u or adjacent to it."""
    edges = {frozenset((u, (u + d) % n)) for d in range(1, k // 2 + 1) for u in range(n)}
    met = [k] * n  # how many edges a node has
    for distance in range(1, k // 2 + 1):
        for u in range(n):
            if draw() >= p:
                continue
            old = frozenset((u, (u + distance) % n))
            if old not in edges or met[u] >= n - 1:
                continue
            w = int(draw() * n)
            while w == u or frozenset((u, w)) in edges:
                w = int(draw() * n)
            edges.remove(old)
            edges.add(frozenset((u, w)))
            met[(u + distance) % n] -= 1
            met[w] += 1
    return edges


def erdos_renyi(n: int, p: float, draw: Draw) -> set[frozenset[int]]:
    """Each pair (u, v), u < v, in order of u and then v, is an edge with probability p."""
    return {frozenset((u, v)) for u in range(n) for v in range(u + 1, n) if draw() < p}


def barabasi_albert(n: int, m: int, draw: Draw) -> set[frozenset[int]]:
    """m nodes without edges; each further node meets m distinct earlier ones, the first of them all m, later ones drawn
    as the floor(draw*length)-th end of an edge so far, in order of writing, again while it was drawn already."""
    edges: set[frozenset[int]] = set()
    ends: list[int] = []
    targets = list(range(m))
    for u in range(m, n):
        edges |= {frozenset((u, v)) for v in targets}
        for v in targets:
            ends += [v, u]
        targets = []
        while len(targets) < m:
            v = ends[int(draw() * len(ends))]
            if v not in targets:
                targets.append(v)
    return edges


def random_edges(
    model: str, n: int, k: int, p: float, m: int, seed: int, spend: Callable[[], None] = lambda: None
) -> Edges:
    """The edges (low, high), sorted, of the first connected graph that the model draws for a seed; [] if none is.

    `spend` is called once a draw, and may put an end to it.
    """
    from random import Random  # a tenth of a cold start, for the nets that need it

    sequence = Random(seed).random

    def draw() -> float:
        spend()
        return sequence()

    makers: dict[str, Callable[[], set[frozenset[int]]]] = {
        "ws": lambda: watts_strogatz(n, k, p, draw),
        "er": lambda: erdos_renyi(n, p, draw),
        "ba": lambda: barabasi_albert(n, m, draw),
    }
    for _ in range(_TRIES):
        edges = sorted((min(e), max(e)) for e in makers[model]())
        if _connected(n, edges):
            return edges
    return []


def _connected(n: int, edges: Edges) -> bool:
    near: dict[int, list[int]] = {u: [] for u in range(n)}
    for u, v in edges:
        near[u].append(v)
        near[v].append(u)
    seen, todo = {0}, [0]
    while todo:
        fresh = [v for v in near[todo.pop()] if v not in seen]
        seen.update(fresh)
        todo += fresh
    return len(seen) == n


MODELS = {"ws": ("nodes", "k", "p", "seed"), "er": ("nodes", "p", "seed"), "ba": ("nodes", "m", "seed")}


def randwire(x: Session, wire: syntax.Wire, site: Site, place: Place, stream: Stream | None) -> Stream:
    """A random graph of copies of F: a node with several inputs takes their learned weighted sum; `entry` (F unless
    given) stands at the nodes that read the stage's input; the nodes that nobody reads are averaged."""
    assert stream is not None
    flow = one_flow(wire)
    given = _given(x, wire, place)
    model, n = given["model"], given["nodes"]
    edges = random_edges(
        model, n, given["k"], given["p"], given["m"], given["seed"], lambda: x.budget.spend(1, wire.span, place.path)
    )
    x.count_step(wire.span, place, len(edges))
    reads: dict[int, list[int]] = {v: [] for v in range(n)}
    for u, v in edges:
        reads[v].append(u)
    if n > 1 and not edges:
        fail("A228", f"no connected graph of {n} nodes came of {_TRIES} tries", wire.span, help="raise p, k or m")
    stage = place
    if not site.lent:
        path = place.named(site, "randwire")
        name = path[len(place.path) :].lstrip(".")
        stage = place.inside(Frame("branch", name, path, wire.span, labelled=site.mark is not None))
    made: list[int] = []
    run = object()
    for node in range(n):
        x.count_step(wire.span, place)
        path = stage.below(f"n{node}")
        inner = stage.inside(Frame("branch", f"n{node}", path, wire.span), loops=(*place.loops, Loop(run, node, n)))
        before: list[Stream] = [made[u] for u in reads[node]]
        if not before:
            entry = given["entry"]
            result = x.flow(flow, inner, stream) if entry is None else layers.step_of(x, entry, inner, stream)
        else:
            summed = before[0] if len(before) == 1 else join(x, "wsum", wire, None, Site(), inner, before)
            result = x.flow(flow, inner, summed)
        made.append(x.one(result, wire.span))
    read = {u for u, _ in edges}
    sinks: list[Stream] = [made[u] for u in range(n) if u not in read]
    return sinks[0] if len(sinks) == 1 else join(x, "mean", wire, None, Site(), stage, sinks)


def _given(x: Session, wire: syntax.Wire, place: Place) -> dict[str, Any]:
    """randwire's arguments, checked."""
    given: dict[str, Any] = {"k": 0, "p": 0.0, "m": 0, "entry": None, "model": None}
    known = ("nodes", "k", "p", "m", "seed", "entry")
    spans = {}
    for position, arg in enumerate(wire.args or ()):
        value = x.evaluator(place)(arg.value)
        if arg.name is None and position == 0:
            model = value.name if isinstance(value, Word) else None
            if model not in MODELS:
                fail("A204", f"randwire knows ws, er and ba, not {arg.span.text}", arg.span)
            given["model"] = model
        elif arg.name in known:
            given[arg.name] = value
            spans[arg.name] = arg.value.span
        else:
            near = nearest(arg.name or "", known)
            hint = f"did you mean {near}?" if near else f"it takes {', '.join(known)}"
            fail("A201", f"randwire has no argument {arg.name or arg.span.text}", arg.name_span, help=hint)
    if given["model"] is None:
        fail("A216", "randwire needs a model", wire.span, help="write randwire(ws, nodes=32, k=4, p=0.75, seed=1)[F]")
    missing = [a for a in MODELS[given["model"]] if a not in spans]
    if missing:
        rest = ", ".join(f"{name}=..." for name in missing)
        message = f"randwire({given['model']}) needs {', '.join(missing)}"
        fail("A216", message, wire.name_span, help=f"write randwire({given['model']}, ..., {rest})[F]")
    _check(given, spans, x.budget.limits.random_nodes)
    return given


def _check(given: dict[str, Any], spans: dict[str, Any], most: int) -> None:
    n = given["nodes"]
    whole = {a: given[a] for a in ("nodes", "k", "m", "seed") if a in spans}
    for argument, value in whole.items():
        if isinstance(value, bool) or not isinstance(value, int) or value < 0:
            fail("A204", f"randwire's {argument} is a whole number, this is {kind(value)}", spans[argument])
    if n < 1:
        fail("A204", f"a random graph has at least one node, not {n}", spans["nodes"])
    if n > most:
        over("A609", f"a random graph has at most {most} nodes, not {n}", spans["nodes"], "random_nodes")
    if "p" in spans and (not isinstance(given["p"], int | float) or not 0 <= given["p"] <= 1):
        fail("A204", f"randwire's p is a probability, this is {show(given['p'])}", spans["p"])
    if given["model"] == "ws" and (given["k"] % 2 or not 2 <= given["k"] < n):
        fail("A204", f"randwire's k is even and below the {n} nodes, not {given['k']}", spans["k"])
    if given["model"] == "ba" and not 1 <= given["m"] < n:
        fail("A204", f"randwire's m is from 1 to below the {n} nodes, not {given['m']}", spans["m"])
    if given["entry"] is not None and not isinstance(given["entry"], Callee):
        fail("A204", "randwire's entry is a block or layer", spans["entry"], help="write entry=Unit(c, 2)")
