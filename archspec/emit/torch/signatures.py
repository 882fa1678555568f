"""What torch.nn's constructors call their arguments and leave out: needed to write code without importing torch."""

from __future__ import annotations

import ast
from functools import cache
from typing import Any

REQUIRED: Any = ...
Signature = dict[str, Any]  # argument -> default, in order; REQUIRED where there is none

_CONV: Signature = {
    "in_channels": REQUIRED,
    "out_channels": REQUIRED,
    "kernel_size": REQUIRED,
    "stride": 1,
    "padding": 0,
    "dilation": 1,
    "groups": 1,
    "bias": True,
    "padding_mode": "zeros",
}
_TRANSPOSED: Signature = {
    "in_channels": REQUIRED,
    "out_channels": REQUIRED,
    "kernel_size": REQUIRED,
    "stride": 1,
    "padding": 0,
    "output_padding": 0,
    "groups": 1,
    "bias": True,
    "dilation": 1,
}
_MAXPOOL: Signature = {"kernel_size": REQUIRED, "stride": None, "padding": 0, "dilation": 1, "ceil_mode": False}
_AVGPOOL: Signature = {
    "kernel_size": REQUIRED,
    "stride": None,
    "padding": 0,
    "ceil_mode": False,
    "count_include_pad": True,
}
_LPPOOL: Signature = {"norm_type": REQUIRED, "kernel_size": REQUIRED, "stride": None, "ceil_mode": False}
_BATCHNORM: Signature = {"num_features": REQUIRED, "eps": 1e-5, "momentum": 0.1, "affine": True}
_INSTANCENORM: Signature = {"num_features": REQUIRED, "eps": 1e-5, "momentum": 0.1, "affine": False}

_BY_RANK: dict[str, Signature] = {
    "Conv": _CONV,
    "ConvTranspose": _TRANSPOSED,
    "MaxPool": _MAXPOOL,
    "AvgPool": _AVGPOOL,
    "LPPool": _LPPOOL,
    "BatchNorm": _BATCHNORM,
    "InstanceNorm": _INSTANCENORM,
    "AdaptiveAvgPool": {"output_size": REQUIRED},
    "AdaptiveMaxPool": {"output_size": REQUIRED},
    "Dropout": {"p": 0.5},
}

SIGNATURES: dict[str, Signature] = {
    **{f"{name}{rank}d": signature for name, signature in _BY_RANK.items() for rank in (1, 2, 3)},
    "Linear": {"in_features": REQUIRED, "out_features": REQUIRED, "bias": True},
    "Embedding": {"num_embeddings": REQUIRED, "embedding_dim": REQUIRED},
    "LayerNorm": {"normalized_shape": REQUIRED, "eps": 1e-5, "elementwise_affine": True, "bias": True},
    "GroupNorm": {"num_groups": REQUIRED, "num_channels": REQUIRED, "eps": 1e-5, "affine": True},
    "RMSNorm": {"normalized_shape": REQUIRED, "eps": None, "elementwise_affine": True},
    "LocalResponseNorm": {"size": REQUIRED, "alpha": 1e-4, "beta": 0.75, "k": 1.0},
    "Dropout": {"p": 0.5},
    "LeakyReLU": {"negative_slope": 0.01},
    "PReLU": {"num_parameters": 1, "init": 0.25},
    "ELU": {"alpha": 1.0},
    "GELU": {"approximate": "none"},
    "Softplus": {"beta": 1.0, "threshold": 20.0},
    "Softmax": {"dim": None},
    "LogSoftmax": {"dim": None},
    "Upsample": {"size": None, "scale_factor": None, "mode": "nearest", "align_corners": None},
    "PixelShuffle": {"upscale_factor": REQUIRED},
    "PixelUnshuffle": {"downscale_factor": REQUIRED},
    "MultiheadAttention": {
        "embed_dim": REQUIRED,
        "num_heads": REQUIRED,
        "bias": True,
        "kdim": None,
        "vdim": None,
        "batch_first": False,
    },
}


@cache
def signature_of(source: str) -> Signature:
    """The constructor's arguments of the class that `source` defines; of torch.nn's own they stand in SIGNATURES."""
    module = ast.parse(source)
    cls = next(node for node in module.body if isinstance(node, ast.ClassDef))
    init = next((f for f in cls.body if isinstance(f, ast.FunctionDef) and f.name == "__init__"), None)
    if init is None:
        return {}
    names = [argument.arg for argument in init.args.args[1:]]
    defaults = [ast.literal_eval(value) for value in init.args.defaults]
    signature = dict(zip(names, [REQUIRED] * (len(names) - len(defaults)) + defaults, strict=True))
    for keyword, value in zip(init.args.kwonlyargs, init.args.kw_defaults, strict=True):
        signature[keyword.arg] = REQUIRED if value is None else ast.literal_eval(value)
    return signature
