"""What other tools count: their conventions, as facts about the tools, one rule for each operator that they meet.

The tools run the PyTorch module that archspec emits, so a rule may ask how an operator is emitted: a hook on
`torch.nn.Conv2d` does not see a convolution that is a class of its own.  An operator that a convention has no rule for
is unknown to it, never 0.
"""

from __future__ import annotations

from archspec.conventions import calflops, fvcore, ptflops, thop, torchinfo
from archspec.conventions.rules import Convention, Rule, Use

__all__ = ["CONVENTIONS", "Convention", "Rule", "Use"]


def _paper(use: Use) -> int:
    return use.macs if use.weights else 0


_TWICE = Convention("2mac", "2 x MACs", default=Rule(lambda use: 2 * use.macs, "2 x MACs"), per_mac=2)
_PAPER = Convention(
    "paper",
    "multiply-adds of the layers with weights, as papers print them",
    default=Rule(_paper, "MACs of layers with weights"),
)
_TOOLS = (fvcore, ptflops, thop, torchinfo, calflops)
CONVENTIONS = {each.name: each for each in (_TWICE, _PAPER, *(tool.CONVENTION for tool in _TOOLS))}
