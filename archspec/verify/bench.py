"""Running what was emitted, and finding the layer at fault."""

from __future__ import annotations

import hashlib
import re
from collections import ChainMap
from collections.abc import Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from math import prod
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING, Any, cast

from archspec.analyze import analyze
from archspec.emit.names import module_path, owned_weights
from archspec.graph import Graph, Output
from archspec.verify.report import Comparison, Count, compare, is_same, largest_difference
from archspec.weights import Draws

if TYPE_CHECKING:
    from numpy.typing import NDArray
    from torch import Tensor, nn

    from archspec.ops.input import Input

    Array = NDArray[Any]


class Bench:
    """The emitted module, built once, and the ONNX models run beside it."""

    def __init__(self, graph: Graph, batch: int, opset: int) -> None:
        from archspec.emit.torch_source import build

        self.graph, self.batch, self.opset = graph, batch, opset
        self.module = build(graph).eval()
        self.counts: tuple[Count, ...] = ()

    def compare(self, seed: int) -> list[Comparison]:
        inputs = draw_inputs(self.graph, seed, self.batch)
        weights: Mapping[str, Any] = Draws(self.graph, seed, statistics=True)
        outputs = [(o.name, (self.batch, *self.graph.nodes[o.node].shape)) for o in self.graph.outputs]
        problem = ""
        mine: list[Array] = []
        theirs: list[Array] = []
        try:
            mine, weights = self._run(seed, inputs)
        except Exception as error:  # whatever keeps emitted code from running is what a verification looks for
            problem = _told("PyTorch", error)
        with TemporaryDirectory(prefix="archspec-") as folder:
            path = self._save(self.graph, weights, folder)
            if not self.counts:
                self.counts = self._count(path)
            try:
                theirs = run_onnx(path, inputs) if not problem else []
            except Exception as error:
                problem = _told("onnxruntime", error)
        if problem:
            return [Comparison(seed, name, shape, float("nan"), 0.0, problem) for name, shape in outputs]
        return [compare(seed, *output, a, b) for output, a, b in zip(outputs, mine, theirs, strict=True)]

    def _save(self, graph: Graph, weights: Mapping[str, Any], folder: str) -> Path:
        from archspec.emit.onnx_model import save_onnx

        return save_onnx(graph, weights, Path(folder) / "net.onnx", opset=self.opset)[0]

    def _count(self, path: Path) -> tuple[Count, ...]:
        import onnx

        totals = analyze(self.graph).totals
        trained = sum(p.numel() for p in self.module.parameters())
        state = self.module.state_dict()
        stored = sum(value.numel() for key, value in state.items() if not key.endswith(".num_batches_tracked"))
        owned = owned_weights(self.graph)
        held = [0, 0]
        for tensor in onnx.load(path, load_external_data=False).graph.initializer:
            held[owned[tensor.name][1].trainable] += prod(tensor.dims)
        return (
            Count("archspec", totals.params, totals.buffers),
            Count("PyTorch", trained, stored - trained),
            Count("ONNX", held[1], held[0]),
        )

    def _run(self, seed: int, inputs: Mapping[str, Array]) -> tuple[list[Array], Mapping[str, Any]]:
        """The module's outputs for the weights of a seed, and those weights with the statistics it then has."""
        import torch

        from archspec.emit.torch_source import load_weights

        drawn = Draws(self.graph, seed, statistics=True)
        load_weights(self.module, drawn)
        with torch.no_grad(), _fitting_statistics(self.module):
            results = self.module(*(torch.from_numpy(value) for value in inputs.values()))
        state = self.module.state_dict()
        kept = {key: state[key].numpy() for key, (_, w) in owned_weights(self.graph).items() if not w.trainable}
        weights: Mapping[str, Any] = ChainMap(kept, cast(Any, drawn))
        return [value.numpy() for value in (results if isinstance(results, tuple) else (results,))], weights

    def magnified(self, seed: int, found: Sequence[Comparison]) -> str:
        """A sentence if the network itself makes rounding as large as the differences found, which then are no fault.

        Very deep networks without norms or shortcuts do (Poole et al. 2016, transient chaos).
        """
        inputs = draw_inputs(self.graph, seed, self.batch)
        before, _ = self._run(seed, inputs)
        nudged = {name: value * value.dtype.type(1 + 1e-6) for name, value in inputs.items() if value.dtype.kind == "f"}
        after, _ = self._run(seed, {**inputs, **nudged})
        own = [largest_difference(a, b) for a, b in zip(before, after, strict=True)]
        if any(c.difference > max(c.allowed, 10 * mine) for c, mine in zip(found, own, strict=True)):
            return ""
        return (
            f"the network magnifies rounding: PyTorch alone differs by {max(own):.2e} when its input changes by a "
            "millionth, so that a difference of this size says nothing"
        )

    def first_difference(self, seed: int) -> str:
        """The first layer found to differ: every value of the ONNX model against what PyTorch's modules return."""
        graph, inputs = self.graph, draw_inputs(self.graph, seed, self.batch)
        returned, weights = self._listen(seed, inputs)
        computed = [i for i in range(len(graph.nodes)) if i not in graph.inputs]
        outputs = tuple(Output(name=f"value.{i}", node=i) for i in computed)
        with TemporaryDirectory(prefix="archspec-") as folder:
            path = self._save(Graph(name=graph.name, nodes=graph.nodes, outputs=outputs), weights, folder)
            theirs = dict(zip(computed, run_onnx(path, inputs, exact=True), strict=True))
        agreed = ""
        for index in computed:
            if index not in returned:
                continue
            path_here = graph.nodes[index].path
            if not is_same(returned[index], theirs[index]):
                before = f", the last to agree is {agreed}" if agreed else ""
                return f"{path_here} is the first layer found to differ{before}"
            agreed = path_here
        return f"every layer that is a module agrees, {agreed or 'none'} being the last; look behind it"

    def _listen(self, seed: int, inputs: Mapping[str, Array]) -> tuple[dict[int, Array], Mapping[str, Any]]:
        """What the module of each node returned, for the nodes that have one; a shared module returns to each user."""
        users: dict[str, list[int]] = {}
        for index, node in enumerate(self.graph.nodes):
            if _is_returned(node.op.torch(*self.graph.shapes_into(node)).call if node.inputs else ""):
                owner = node if node.shares is None else self.graph.nodes[node.shares]
                users.setdefault(module_path(owner.path), []).append(index)
        calls: dict[str, list[Array]] = {}
        with ExitStack() as hooks:
            for name, module in self.module.named_modules():
                if name in users:
                    keep = calls.setdefault(name, [])
                    hook = module.register_forward_hook(
                        lambda _, __, value, keep=keep: keep.append(value.numpy().copy())
                    )
                    hooks.callback(hook.remove)
            _, weights = self._run(seed, inputs)
        # A weightless module may stand for other nodes than the one it is named after: then the calls do not match.
        matching = ((users[name], values) for name, values in calls.items() if len(users[name]) == len(values))
        returned = {index: value for indices, values in matching for index, value in zip(indices, values, strict=True)}
        return returned, weights


@contextmanager
def _fitting_statistics(module: nn.Module) -> Iterator[None]:
    """Within it, drawn running statistics are scaled to the size of what the norm is first given.

    Otherwise the signal doubles in every residual block, and after fifty layers a sigmoid sees nothing but rounding.
    The whole layer is scaled alike: statistics per channel, true to a batch of two, make differences double instead.
    """

    def fit(norm: nn.Module, given: tuple[Tensor, ...]) -> None:
        hooks.pop(norm).remove()
        square = given[0].square().mean() + 1e-6  # not 0 behind a dead layer
        cast("Tensor", norm.running_mean).mul_(square.sqrt())
        cast("Tensor", norm.running_var).mul_(square)

    norms = [m for m in module.modules() if getattr(m, "running_mean", None) is not None]
    hooks = {norm: norm.register_forward_pre_hook(fit) for norm in norms}
    try:
        yield
    finally:
        for hook in hooks.values():
            hook.remove()


def _is_returned(call: str) -> bool:
    """Whether a value is what its module returns: nothing follows the module's own brackets, as `.mT` does."""
    shorter = re.sub(r"\([^()]*\)", "", call)
    return call == "{m}" if shorter == call else _is_returned(shorter)


def _told(who: str, error: Exception) -> str:
    return f"{who} cannot run it: {type(error).__name__}: {' '.join(str(error).split())[:300]}"


def draw_inputs(graph: Graph, seed: int, batch: int) -> dict[str, Array]:
    """One batch per input, by name: normal numbers, or indices that the tables they are looked up in have.

    Numbers of half precision come as float32, rounded to what their type can hold.
    """
    import numpy as np

    drawn: dict[str, Array] = {}
    for index in graph.inputs:
        node = graph.nodes[index]
        dtype, shape = cast("Input", node.op).dtype, (batch, *node.shape)
        key = hashlib.sha256(f"{seed}:input:{node.path}".encode()).digest()[:16]
        stream = np.random.Generator(np.random.PCG64(int.from_bytes(key, "little")))
        if dtype in ("float32", "float16", "bfloat16"):
            normal = stream.standard_normal(shape, np.float32)
            bits = {"float32": 32, "float16": 19, "bfloat16": 16}[dtype]  # the upper ones that the type keeps
            drawn[node.path] = (normal.view(np.uint32) >> (32 - bits) << (32 - bits)).view(np.float32)
        else:
            drawn[node.path] = stream.integers(0, 2 if dtype == "bool" else _table_size(graph, index), shape).astype(
                dtype
            )
    return drawn


def _table_size(graph: Graph, index: int) -> int:
    """The rows of the smallest table that the values of an input are looked up in, perhaps by way of reshapes."""
    reached, sizes = {index}, [128]
    for user, node in enumerate(graph.nodes):
        if reached.isdisjoint(node.inputs):
            continue
        weights = node.op.weights(*graph.shapes_into(node))
        if weights:
            sizes.append(weights[0].shape[0])
        else:
            reached.add(user)
    return min(sizes)


def run_onnx(path: Path, inputs: Mapping[str, Array], *, exact: bool = False) -> list[Array]:
    """The outputs of a model on the CPU; `exact` keeps onnxruntime from fusing layers."""
    import onnxruntime

    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = 2
    options.log_severity_level = 4  # what goes wrong is raised as well
    if exact:
        options.graph_optimization_level = onnxruntime.GraphOptimizationLevel.ORT_DISABLE_ALL
    session = onnxruntime.InferenceSession(str(path), options, providers=["CPUExecutionProvider"])
    given = {entry.name: _as_type(inputs[entry.name], entry.type) for entry in session.get_inputs()}
    results: list[Array] = session.run(None, given)
    return results


def _as_type(value: Array, kind: str) -> Any:
    """An input as the model declares it; NumPy has no bfloat16, which is the upper half of a float32."""
    import numpy as np

    if kind == "tensor(float16)":
        return value.astype(np.float16)
    if kind != "tensor(bfloat16)":
        return value
    import onnx
    import onnxruntime

    upper = (value.view(np.uint32) >> 16).astype(np.uint16)
    return onnxruntime.OrtValue.ortvalue_from_numpy_with_onnx_type(upper, onnx.TensorProto.BFLOAT16)
