"""A network as a PyTorch module: source a person would sign, and the live module of that source."""

from __future__ import annotations

import hashlib
import linecache
import sys
from types import ModuleType
from typing import TYPE_CHECKING

from archspec.emit.torch.classes import classes_of
from archspec.emit.torch.grow import grow
from archspec.emit.torch.naming import name_classes
from archspec.emit.torch.write import Writer
from archspec.graph import Graph
from archspec.weights import Draws

if TYPE_CHECKING:
    from torch import nn


def emit_torch(graph: Graph, *, doc: str = "") -> str:
    """A Python file that needs only torch; `doc` is its docstring.

    The module tree mirrors the paths of the nodes, so state_dict keys are `names.weight_key`.  A network with several
    outputs returns a tuple in their declared order.
    """
    return _written(graph, doc)[0]


def _written(graph: Graph, doc: str) -> tuple[str, str]:
    """The source, and the name of the network's class in it."""
    tree = grow(graph)
    classes = classes_of(tree)
    name_classes(classes, tree)
    return Writer(tree, classes).module(doc), classes[-1].name


def load_module(source: str, name: str) -> type[nn.Module]:
    """The class `name` of emitted source, in a module of its own that pickle and inspect can find."""
    digest = hashlib.sha256(source.encode()).hexdigest()[:16]
    module = ModuleType(f"archspec_emitted_{digest}")
    module.__file__ = f"<{module.__name__}>"
    linecache.cache[module.__file__] = (len(source), None, source.splitlines(keepends=True), module.__file__)
    sys.modules[module.__name__] = module
    exec(compile(source, module.__file__, "exec"), module.__dict__)
    found: type[nn.Module] = getattr(module, name)
    return found


def build(graph: Graph, seed: int | None = None, *, statistics: bool = False) -> nn.Module:
    """The live module; with a seed, holding the weights that `weights.draw` gives."""
    module = load_module(*_written(graph, ""))()
    if seed is not None:
        load_weights(module, Draws(graph, seed, statistics=statistics))
    return module


def load_weights(module: nn.Module, weights: Draws) -> None:
    """Copies drawn weights into a module, one at a time.  Raises KeyError or ValueError where the two do not match."""
    import torch

    state = {key: value for key, value in module.state_dict().items() if not key.endswith("num_batches_tracked")}
    if state.keys() != set(weights):
        raise KeyError(f"keys differ: {sorted(state.keys() ^ set(weights))[:4]}")
    with torch.no_grad():
        for key, target in state.items():
            values = torch.from_numpy(weights[key])
            if values.shape != target.shape:
                raise ValueError(f"{key} is {tuple(target.shape)} in the module and {tuple(values.shape)} drawn")
            target.copy_(values)
