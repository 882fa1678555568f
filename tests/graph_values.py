"""PyTorch's values against onnxruntime's, by what rounding in float32 does to each of them.

Both are compared at every node.  How far they may be apart is measured on the same weights and inputs: PyTorch's
emitted module in float64, each of its operations followed by noise of the size of float32's rounding (Parker 1997,
Monte Carlo arithmetic), says how far rounding moves each value.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from tempfile import TemporaryDirectory
from typing import Any, NamedTuple

import numpy as np
import torch
from torch._decomp import get_decompositions
from torch.nn.attention import SDPBackend, sdpa_kernel
from torch.utils._python_dispatch import TorchDispatchMode

from archspec.graph import Graph, Output
from archspec.verify import verify
from archspec.verify.bench import Bench, draw_inputs, run_onnx

BATCH, OPSET = 2, 20
SEEDS = 4  # that are tried until weights and inputs leave every output alive
RUNS = 4  # with noise
# Over 83,000 values PyTorch and onnxruntime are nowhere further apart than 7.5 times what the noise moved, and in 999
# of 1,000 no further than 1.4 times.
LEEWAY = 16

_aten = torch.ops.aten
# Their parts round too: a mean that is large beside the deviation loses digits that noise on the inputs does not show.
_NORMS = [_aten.native_layer_norm, _aten.native_group_norm, _aten._native_batch_norm_legit]
_NORMS += [_aten._native_batch_norm_legit_no_training, _aten.native_batch_norm]
# Right to a rounding of a number on the way and not of their result.  Of 1, as 1/(1 + exp(-x)) and exp(x) - 1 are:
# onnxruntime's logistic is anything from 0 to 3e-8 where the true value is below 1.5e-8, its ELU of 1e-8 is 0.
_OF_ONE = {"sigmoid", "hardsigmoid", "elu", "_log_softmax", "linspace"}
# Of the argument, as x times one of those is.
_OF_ARGUMENT = {"gelu", "silu", "hardswish"}
_EXACT = {"floor", "sign"}  # a whole number that noise takes below itself would be another


def group_norm(x: Any, weight: Any, bias: Any, *sizes: Any) -> tuple[torch.Tensor, ...]:
    """Group normalisation in parts.  Where a map lies channels last in memory PyTorch takes the mean of the squares
    less the square of the mean, which loses twice the digits that two passes do."""
    if x.is_contiguous():
        parts: tuple[torch.Tensor, ...] = _DECOMPOSED[_aten.native_group_norm.default](x, weight, bias, *sizes)
        return parts
    batch, _, _, groups, eps = sizes
    values = x.reshape(batch, groups, -1)
    mean = values.mean(2, keepdim=True)
    inverse = (((values * values).mean(2, keepdim=True) - mean * mean).clamp(min=0) + eps).rsqrt()
    normal = ((values - mean) * inverse).reshape(x.shape)
    spread = (1, -1, *(1,) * (x.dim() - 2))
    normal = normal if weight is None else normal * weight.reshape(spread) + bias.reshape(spread)
    return normal, mean.flatten(1), inverse.flatten(1)


_DECOMPOSED = get_decompositions(_NORMS)
_PARTS = {**_DECOMPOSED, _aten.native_group_norm.default: group_norm}


class Rounding(TorchDispatchMode):
    """Within it every float64 result is as uncertain as if it had been rounded to float32."""

    def __init__(self, seed: int) -> None:
        super().__init__()
        self.draw = torch.Generator().manual_seed(seed)

    def __torch_dispatch__(self, func: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
        if func in _PARTS:
            with self:
                return _PARTS[func](*args, **(kwargs or {}))
        result = func(*args, **(kwargs or {}))
        name = func.overloadpacket.__name__
        if func.is_view or name in _EXACT:
            return result
        least = 1.0 if name in _OF_ONE else args[0].abs() if name in _OF_ARGUMENT else 0.0
        results = result if isinstance(result, tuple) else (result,)
        count = terms(name, args, results[0])
        noisy = tuple(self.rounded(value, least, count) for value in results)
        return noisy if isinstance(result, tuple) else noisy[0]

    def rounded(self, value: Any, least: Any = 0.0, count: int = 1) -> Any:
        """A value with the noise of as many roundings, which grows as their root (Higham and Mary 2019), and of one of
        something at `least` as large on the way."""
        if not isinstance(value, torch.Tensor) or value.dtype != torch.float64:
            return value
        size = torch.nan_to_num(value.abs(), posinf=0) * count**0.5 + least  # attention's masks hold infinities
        noise = torch.randn(value.shape, generator=self.draw, dtype=torch.float64)
        return value + 2.0**-24 * size * noise


def terms(name: str, arguments: Any, result: torch.Tensor) -> int:
    """How many numbers an operation sums for each of its result: n of them round n times."""
    if name in ("mean", "sum", "var_mean"):
        return int(arguments[0].numel() / result.numel())
    if name in ("mm", "bmm", "addmm"):
        return int(arguments[-1].shape[-2])
    return int(arguments[1][0].numel()) if name == "convolution" else 1


class Values(NamedTuple):
    """The values of every node but the inputs, with the batch: PyTorch's, onnxruntime's, and how far rounding moves
    them."""

    torch: dict[int, Any]
    onnx: dict[int, Any]
    moved: dict[int, float]


def same_values(graph: Graph) -> Counter[str]:
    """Raises AssertionError where the two differ by more than rounding; otherwise what was compared.

    The network is verified as a user does it, optimised, and then node by node.  An output that is the same number
    everywhere or for every example, up to rounding, proves little: other weights and inputs are tried then.
    """
    for seed in range(SEEDS):
        values = compute(graph, seed)
        near = {index: LEEWAY * moved for index, moved in values.moved.items()}
        constant = {index for index, value in values.onnx.items() if is_constant(value, near[index])}
        dead = constant & {output.node for output in graph.outputs}
        if not dead:
            break
    for index, path in ((index, graph.nodes[index].path) for index in near):
        apart = float(np.abs(values.torch[index].astype(np.float64) - values.onnx[index]).max())
        assert np.isfinite(values.torch[index]).all(), f"{path} is not finite"
        assert apart <= near[index], f"{path} differs by {apart:.2e}, rounding moves it by {near[index] / LEEWAY:.2e}"
    magnified = verified(graph, seed, near)
    return Counter(
        {
            "graphs with a constant output": bool(dead),
            "graphs that magnify rounding": magnified,
            "values equal": len(near) - len(constant),
            "values constant": len(constant),
        }
    )


def verified(graph: Graph, seed: int, near: Mapping[int, float]) -> bool:
    """Holds what `archspec verify` reports; whether it needs the measured rounding to be content."""
    report = verify(graph, seeds=(seed,), batch=BATCH, opset=OPSET)
    assert len({(count.params, count.buffers) for count in report.counts}) == 1, str(report)
    for output, comparison in zip(graph.outputs, report.comparisons, strict=True):
        wrong = comparison.problem and "proves nothing" not in comparison.problem
        assert not wrong or "the values differ by" in comparison.problem, str(report)
        allowed = near.get(output.node, 0.0)
        assert comparison.difference <= allowed, f"{report}\nrounding moves {output.name} by {allowed / LEEWAY:.2e}"
    return any(c.difference > c.allowed for c in report.comparisons)


def compute(graph: Graph, seed: int) -> Values:
    """All values for the weights and inputs of a seed."""
    computed = [i for i in range(len(graph.nodes)) if i not in graph.inputs]
    outputs = tuple(Output(name=f"value{i}", node=i) for i in computed)
    bench, inputs = Bench(graph.model_copy(update={"outputs": outputs}), BATCH, OPSET), draw_inputs(graph, seed, BATCH)
    mine, weights = bench._run(seed, inputs)
    with TemporaryDirectory() as folder:
        theirs = run_onnx(bench._save(bench.graph, weights, folder), inputs)
    moved = moved_by_rounding(bench.module.double(), [torch.from_numpy(value) for value in inputs.values()])
    pairs = (dict(zip(computed, values, strict=True)) for values in (mine, theirs))
    return Values(*pairs, dict(zip(computed, moved, strict=True)))


def moved_by_rounding(module: torch.nn.Module, inputs: list[torch.Tensor]) -> list[float]:
    """How far noise of float32's size at every operation moves each output of a module in float64, at most."""
    exact = [value.double() if value.is_floating_point() else value for value in inputs]

    def run(rounding: Rounding | None) -> tuple[torch.Tensor, ...]:
        given = [rounding.rounded(value) for value in exact] if rounding else exact
        with rounding or torch.no_grad():
            values = module(*given)
        return values if isinstance(values, tuple) else (values,)

    with torch.no_grad(), sdpa_kernel(SDPBackend.MATH):  # fused attention would be one operation
        true = run(None)
        noisy = [run(Rounding(seed)) for seed in range(RUNS)]
    return [max(float((values[i] - value).abs().max()) for values in noisy) for i, value in enumerate(true)]


def is_constant(value: Any, near: float) -> bool:
    """Whether a value with a batch is one number, or the same for all examples, up to what says nothing."""
    same = float(np.abs(value[1:] - value[:1]).max(initial=0.0)) <= near
    return same or (value.size > len(value) and float(value.max() - value.min()) <= near)
