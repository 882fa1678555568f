"""Running what was emitted, and finding the layer at fault."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from math import prod
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING, Any, cast

from archspec.analyze import analyze
from archspec.emit.names import module_path, owned_weights
from archspec.graph import Graph, Output
from archspec.verify.report import Comparison, Count, allowed_difference, compare, largest_difference
from archspec.weights import Draws

if TYPE_CHECKING:
    from numpy.typing import NDArray

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
        weights = Draws(self.graph, seed, statistics=True)
        outputs = [(o.name, (self.batch, *self.graph.nodes[o.node].shape)) for o in self.graph.outputs]
        with TemporaryDirectory(prefix="archspec-") as folder:
            path = self._save(self.graph, weights, folder)
            if not self.counts:
                self.counts = self._count(path)
            at_work = "onnxruntime"
            try:
                theirs = run_onnx(path, inputs)
                at_work = "PyTorch"
                mine = self._run(weights, inputs)
            except Exception as error:  # whatever keeps emitted code from running is what a verification looks for
                problem = f"{at_work} cannot run it: {type(error).__name__}: {' '.join(str(error).split())[:300]}"
                return [Comparison(seed, name, shape, float("nan"), 0.0, problem) for name, shape in outputs]
        return [compare(seed, *output, a, b) for output, a, b in zip(outputs, mine, theirs, strict=True)]

    def _save(self, graph: Graph, weights: Draws, folder: str) -> Path:
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

    def _run(self, weights: Draws, inputs: Mapping[str, Array]) -> list[Array]:
        import torch

        from archspec.emit.torch_source import load_weights

        load_weights(self.module, weights)
        with torch.no_grad():
            results = self.module(*(torch.from_numpy(value) for value in inputs.values()))
        return [value.numpy() for value in (results if isinstance(results, tuple) else (results,))]

    def first_difference(self, seed: int) -> str:
        """The first layer found to differ: every value of the ONNX model against what PyTorch's modules return."""
        graph, inputs = self.graph, draw_inputs(self.graph, seed, self.batch)
        weights = Draws(graph, seed, statistics=True)
        computed = [i for i in range(len(graph.nodes)) if i not in graph.inputs]
        outputs = tuple(Output(name=f"value.{i}", node=i) for i in computed)
        with TemporaryDirectory(prefix="archspec-") as folder:
            path = self._save(Graph(name=graph.name, nodes=graph.nodes, outputs=outputs), weights, folder)
            theirs = dict(zip(computed, run_onnx(path, inputs, exact=True), strict=True))
        returned = self._listen(weights, inputs)
        agreed = ""
        for index in computed:
            mine = returned.get(index)
            if mine is None:
                continue
            where = graph.nodes[index].path
            if mine.shape != theirs[index].shape or not largest_difference(mine, theirs[index]) <= allowed_difference(
                theirs[index]
            ):
                return f"{where} is the first layer found to differ" + (
                    f", the last to agree is {agreed}" if agreed else ""
                )
            agreed = where
        return f"every layer that is a module agrees, {agreed or 'none'} being the last; look behind it"

    def _listen(self, weights: Draws, inputs: Mapping[str, Array]) -> dict[int, Array]:
        """What the module of each node returned, for the nodes that have one; a shared module returns to each user."""
        users: dict[str, list[int]] = {}
        for index, node in enumerate(self.graph.nodes):
            owner = node if node.shares is None else self.graph.nodes[node.shares]
            users.setdefault(module_path(owner.path), []).append(index)
        calls: dict[str, list[Array]] = {}
        handles = []
        for name, module in self.module.named_modules():
            if name in users:
                keep = calls.setdefault(name, [])
                handles.append(
                    module.register_forward_hook(lambda _, __, value, keep=keep: keep.append(value.numpy().copy()))
                )
        try:
            self._run(weights, inputs)
        finally:
            for handle in handles:
                handle.remove()
        # A weightless module may stand for other nodes than the one it is named after: then the calls do not match.
        matching = ((users[name], values) for name, values in calls.items() if len(users[name]) == len(values))
        return {index: value for indices, values in matching for index, value in zip(indices, values, strict=True)}


def draw_inputs(graph: Graph, seed: int, batch: int) -> dict[str, Array]:
    """One batch per input, by name: normal numbers, or indices that the tables they are looked up in have."""
    import numpy as np

    drawn: dict[str, Array] = {}
    for index in graph.inputs:
        node = graph.nodes[index]
        dtype, shape = cast("Input", node.op).dtype, (batch, *node.shape)
        key = hashlib.sha256(f"{seed}:input:{node.path}".encode()).digest()[:16]
        stream = np.random.Generator(np.random.PCG64(int.from_bytes(key, "little")))
        if dtype in ("float32", "float16", "bfloat16"):
            drawn[node.path] = stream.standard_normal(shape, np.float32).astype("f2" if dtype == "float16" else "f4")
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
    options.log_severity_level = 3
    if exact:
        options.graph_optimization_level = onnxruntime.GraphOptimizationLevel.ORT_DISABLE_ALL
    session = onnxruntime.InferenceSession(str(path), options, providers=["CPUExecutionProvider"])
    results: list[Array] = session.run(None, dict(inputs))
    return results
