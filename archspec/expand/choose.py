"""Which net of a file is run."""

from __future__ import annotations

from archspec import syntax
from archspec.expand.definitions import Definitions
from archspec.expand.free import UsageError
from archspec.source import Diagnostic, SpecError, nearest


def candidates(definitions: Definitions) -> list[str]:
    """The nets that can be run without arguments."""
    return [n for n, net in definitions.nets.items() if all(f.default is not None for f in net.formals)]


def choose(definitions: Definitions, name: str | None, bound: set[str]) -> syntax.Net | None:
    """The net to run, or None for a file whose flow stands outside any net.  Raises UsageError."""
    nets = definitions.nets
    if name is not None:
        matching = [name] if name in nets else [n for n in nets if n.lower() == name.lower()]
        if len(matching) == 1:
            return _with_arguments(nets[matching[0]], bound)
        near = nearest(name, nets)
        listed = f"the nets here are {', '.join(nets)}" if nets else "this file is one net without a name; leave it out"
        raise UsageError(f"no net is named {name}", f"did you mean {near}? {listed}" if near else listed)
    if not nets:
        if not any(isinstance(s, syntax.Flow | syntax.For) for s in definitions.statements):
            _no_net(definitions)
        return None
    ready = [n for n, net in nets.items() if all(f.default is not None or f.name in bound for f in net.formals)]
    if len(ready) == 1:
        return nets[ready[0]]
    listed = ", ".join(_signature(net) for net in nets.values())
    if not ready:
        first = next(iter(nets.values()))
        need = " ".join(f"-D {f.name}=..." for f in first.formals if f.default is None)
        raise UsageError(f"every net here needs arguments: {listed}", f"bind them: {first.name} {need}")
    raise UsageError(f"this file has {len(ready)} nets to choose from: {', '.join(ready)}", f"name one: {ready[0]}")


def _with_arguments(net: syntax.Net, bound: set[str]) -> syntax.Net:
    """The net, where every argument has a value."""
    missing = [f.name for f in net.formals if f.default is None and f.name not in bound]
    if missing:
        each = "it" if len(missing) == 1 else "them"
        bind = " ".join(f"-D {name}=..." for name in missing)
        raise UsageError(f"{net.name} needs {' and '.join(missing)}", f"bind {each}: {bind}")
    return net


def _signature(net: syntax.Net) -> str:
    return f"{net.name}({', '.join(f.name for f in net.formals)})" if net.formals else net.name


def _no_net(definitions: Definitions) -> None:
    if definitions.blocks:
        blocks = ", ".join(definitions.blocks)
        raise UsageError(
            f"{definitions.source.name} is a library of blocks ({blocks}) and holds no net",
            "write a net that uses one: -e 'from \"FILE\" import BLOCK' and a flow, or archspec analyze another file",
        )
    raise SpecError(
        (
            Diagnostic(
                "A117", f"{definitions.source.name} holds no network", help="write INPUT(3x32x32) -> CONV(64) -> ..."
            ),
        )
    )
