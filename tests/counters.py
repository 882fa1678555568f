"""The tools whose conventions archspec reproduces, each run on a module of torch.nn."""

from __future__ import annotations

import contextlib
import importlib
import importlib.util
import inspect
import io
import sys
from collections.abc import Callable
from copy import deepcopy
from functools import cache
from types import ModuleType

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


@cache
def _calflops() -> ModuleType | None:
    """The part of it that counts; the package itself would import the hub client and transformers."""
    found = importlib.util.find_spec("calflops")
    if found is None:
        return None
    sys.modules["calflops"] = importlib.util.module_from_spec(found)
    return importlib.import_module("calflops.flops_counter")


def calflops(module: torch.nn.Module, xs: Tensors) -> int | None:
    """Its FLOPs; None where it fails.  It asks the first parameter where the module is, so every module gets one."""
    counter = _calflops()
    if counter is None:
        pytest.skip("calflops is not installed")
    module.register_parameter("somewhere", torch.nn.Parameter(torch.zeros(())))
    before = {place: dict(vars(place)) for place in (torch, torch.Tensor, torch.nn.functional)}
    try:
        flops, _, _ = counter.calculate_flops(module, args=list(xs), print_results=False, output_as_string=False)
    except TypeError:
        for place, names in before.items():  # it leaves what it replaced behind
            for name, value in names.items():
                if vars(place)[name] is not value:
                    setattr(place, name, value)
        return None
    return int(flops)


TOOLS: dict[str, Callable[[torch.nn.Module, Tensors], int | None]] = {
    "fvcore": fvcore,
    "ptflops": ptflops,
    "thop": thop,
    "torchinfo": torchinfo,
    "calflops": calflops,
}


def counted(tool: str, module: torch.nn.Module, xs: Tensors) -> int | None:
    """What a tool counts, on a copy, since all of them leave something behind; what it prints is dropped."""
    silence = io.StringIO()
    with torch.no_grad(), contextlib.redirect_stdout(silence), contextlib.redirect_stderr(silence):
        return TOOLS[tool](deepcopy(module).eval(), xs)
