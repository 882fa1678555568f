"""`archspec match`: whether a network follows a blueprint."""

from __future__ import annotations

import json
import shlex
from typing import TYPE_CHECKING, Any

import click

from archspec.commands.spec import Request, reads_spec
from archspec.commands.streams import deliver

if TYPE_CHECKING:
    from archspec.graph import Node
    from archspec.match import Departure, Difference, Match


@click.command("match")
@click.argument("blueprint", metavar="BLUEPRINT")
@reads_spec
@click.option("--format", "form", type=click.Choice(["text", "json"]), default="text", help="How to say it (text).")
def command(request: Request, blueprint: str, form: str) -> int:
    """Whether a network follows a blueprint, and with which counts, options and widths.

    FLATTEN, DROPOUT and ID are passed over where the blueprint does not name them, and a softmax at the end.
    Exit 0 where it follows, 1 where it leaves the pattern.

    \b
    Examples:
      archspec match blueprint vgg16
      archspec match blueprint resnet50
    """
    from archspec.match import match
    from archspec.zoo import open_spec

    pattern, _ = open_spec(blueprint, request.limits.source_bytes)
    model = request.open()
    found = match(pattern, model.graph, request.limits)
    typed = ["archspec", "analyze", blueprint, *_options(found)]
    told = _document(found, pattern.name, model.name, typed) if form == "json" else None
    deliver(json.dumps(told, indent=2) if told else _text(found, pattern.name, model.name, typed))
    return 0 if found.follows else 1


def _options(found: Match) -> list[str]:
    return [word for name, value in found.bindings.items() for word in ("-D", f"{name}={value}")]


def _text(found: Match, blueprint: str, net: str, typed: list[str]) -> str:
    from archspec.match import worded

    if found.departure:
        return "\n".join([f"{net} does not follow {blueprint}", *_left(found, found.departure)])
    widest = max((len(name) for name in found.bindings), default=0)
    lines = [f"{net} follows {blueprint}", *(f"  {name:<{widest}} = {text}" for name, text in found.bindings.items())]
    if found.differences:
        lines.append("what the blueprint leaves to defaults differs, so these options build another network:")
        lines += [f"  {worded(difference)}" for difference in found.differences]
    return "\n".join([*lines, shlex.join(typed)])


def _left(found: Match, left: Departure) -> list[str]:
    """Where a network leaves the pattern, what the pattern has there, and that it branches, where it does."""
    at = f"at {_named(left.node)}" if left.node else "where it ends"
    after = f", after {left.after.path}" if left.after is not left.node else ""
    lines = [f"  it leaves the pattern {at}{after}"]
    if left.reason:
        lines.append(f"  {left.reason}")
    elif left.expected:
        *others, last = left.expected
        listed = f"{', '.join(others)} or {last}" if others else last
        lines.append(f"  there the blueprint has {listed}")
    if found.join and found.join is not left.node:
        lines.append(f"  it also branches, which no chain does: streams meet at {_named(found.join)}")
    return lines


def _named(node: Node) -> str:
    return f"{node.path} ({node.op.name}, {node.span.source.name}:{node.span.place})"


def _document(found: Match, blueprint: str, net: str, typed: list[str]) -> dict[str, Any]:
    left = found.departure
    return {
        "schema": "archspec.match/1",
        "blueprint": blueprint,
        "net": net,
        "follows": found.follows,
        "bindings": found.bindings if found.follows else {},
        "command": typed if found.follows else None,
        "rebuilds": found.follows and not found.differences,
        "differences": [_difference(difference) for difference in found.differences],
        "departure": None
        if left is None
        else {
            "layer": _place(left.node),
            "after": left.after.path,
            "expected": list(left.expected),
            "reason": left.reason or None,
        },
        "join": _place(found.join),
    }


def _difference(difference: Difference) -> dict[str, Any]:
    return {
        "layer": difference.path,
        "argument": difference.argument,
        "is": difference.value,
        "built": difference.built,
    }


def _place(node: Node | None) -> dict[str, Any] | None:
    if node is None:
        return None
    line, column = node.span.source.position(node.span.start)
    where = {"file": node.span.source.name, "line": line, "column": column}
    return {"path": node.path, "operator": node.op.name, "source": where}
