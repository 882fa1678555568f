"""The tools whose conventions archspec reproduces, each run on a module of torch.nn."""

from __future__ import annotations

import contextlib
import inspect
import io
from collections.abc import Callable
from copy import deepcopy

import pytest
import torch

Tensors = tuple[torch.Tensor, ...]


def fvcore(module: torch.nn.Module, xs: Tensors) -> int:
    nn = pytest.importorskip("fvcore.nn")
    analysis = nn.FlopCountAnalysis(module, xs).unsupported_ops_warnings(False).uncalled_modules_warnings(False)
    return int(analysis.total())


def ptflops(module: torch.nn.Module, xs: Tensors) -> int:
    """What it says of one example: `xs` is a batch of one."""
    tool = pytest.importorskip("ptflops")
    inputs = dict(zip(inspect.signature(module.forward).parameters, xs, strict=True))
    macs, _ = tool.get_model_complexity_info(
        module, (1,), as_strings=False, print_per_layer_stat=False, input_constructor=lambda _: inputs
    )
    return int(macs)


def thop(module: torch.nn.Module, xs: Tensors) -> int:
    macs, _ = pytest.importorskip("thop").profile(module, inputs=xs, verbose=False)
    assert macs == int(macs)
    return int(macs)


def torchinfo(module: torch.nn.Module, xs: Tensors) -> int:
    return int(pytest.importorskip("torchinfo").summary(module, input_data=xs, verbose=0).total_mult_adds)


TOOLS: dict[str, Callable[[torch.nn.Module, Tensors], int]] = {
    "fvcore": fvcore,
    "ptflops": ptflops,
    "thop": thop,
    "torchinfo": torchinfo,
}


def counted(tool: str, module: torch.nn.Module, xs: Tensors) -> int:
    """What a tool counts, on a copy, since all of them leave something behind; what it prints is dropped."""
    silence = io.StringIO()
    with torch.no_grad(), contextlib.redirect_stdout(silence), contextlib.redirect_stderr(silence):
        return TOOLS[tool](deepcopy(module).eval(), xs)
