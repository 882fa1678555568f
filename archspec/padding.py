"""Padding: what `pad=` accepts, one (begin, end) per axis once the input is known, and how the backends order it."""

from __future__ import annotations

from typing import Literal

from archspec.op import Natural, Onnx, RuleError, Shape, constant

Padding = Literal["same", "valid", "same_upper", "same_lower", "causal"]
Sides = tuple[tuple[int, int], ...]  # settled padding or cropping: (begin, end) per axis
Pad = Padding | Natural | tuple[Natural | tuple[Natural, Natural], ...]


def settle_pad(pad: Pad, kernel: Shape, stride: Shape, dilation: Shape, spatial: Shape) -> Sides:
    """Padding per axis as (begin, end).

    `same` gives ceil(in/stride): (k_eff-1)/2 on both sides when the effective kernel is odd, as papers and torchvision
    do; an even one gets the odd cell at the end.  `same_upper`/`same_lower` are TensorFlow's and ONNX's, whose total
    depends on the input size.  `causal` pads only before.
    """
    reach = [d * (k - 1) + 1 for k, d in zip(kernel, dilation, strict=True)]
    if pad == "valid":
        return ((0, 0),) * len(kernel)
    if pad == "same":
        return tuple(((r - 1) // 2, r // 2) for r in reach)
    if pad == "causal":
        return tuple((r - 1, 0) for r in reach)
    if pad == "same_upper" or pad == "same_lower":
        totals = [max(0, (-(-n // s) - 1) * s + r - n) for n, s, r in zip(spatial, stride, reach, strict=True)]
        small, large = [t // 2 for t in totals], [t - t // 2 for t in totals]
        return tuple(zip(*((small, large) if pad == "same_upper" else (large, small)), strict=True))
    if isinstance(pad, int):
        return ((pad, pad),) * len(kernel)
    if len(kernel) == 1 and len(pad) == 2 and isinstance(pad[0], int) and isinstance(pad[1], int):
        return ((pad[0], pad[1]),)  # on one axis two numbers can only be its sides
    if len(pad) != len(kernel):
        raise RuleError(
            f"pad has {len(pad)} entries, the input has {len(kernel)} spatial axes",
            "pad",
            "write one number, one per axis, or (begin, end) per axis: ((1, 0), (0, 0))",
            "A205",
        )
    return tuple((p, p) if isinstance(p, int) else p for p in pad)


def symmetric(pad: Sides) -> bool:
    """Whether every axis gets as much before as after, which is all that torch.nn's `padding` can say."""
    return all(begin == end for begin, end in pad)


def padded(x: Shape, pad: Sides) -> Shape:
    """The shape of a map with its padding."""
    return (x[0], *(n + begin + end for n, (begin, end) in zip(x[1:], pad, strict=True)))


def torch_pad(pad: Sides) -> tuple[int, ...]:
    """F.pad's order: the last axis first, begin before end."""
    return tuple(n for side in reversed(pad) for n in side)


def onnx_pads(pad: Sides) -> list[int]:
    """ONNX's order: every begin, then every end."""
    return [begin for begin, _ in pad] + [end for _, end in pad]


def pad_amounts(pad: Sides) -> Onnx:
    """The `pads` input of an ONNX Pad node, which counts the batch and the channels too."""
    return constant("pads", 0, 0, *(begin for begin, _ in pad), 0, 0, *(end for _, end in pad))
