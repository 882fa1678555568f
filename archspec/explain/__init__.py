"""Where a layer's numbers come from: formula, substitution and result; what one unit reads; exercise sheets."""

from archspec.explain.at import Reading, read_unit
from archspec.explain.choose import NoLayer, choose
from archspec.explain.layer import Explanation, explain_layer
from archspec.explain.sheet import Mark, mark_answers, read_answers
from archspec.explain.written import write_explanations, write_sheet

__all__ = [
    "Explanation",
    "Mark",
    "NoLayer",
    "Reading",
    "choose",
    "explain_layer",
    "mark_answers",
    "read_answers",
    "read_unit",
    "write_explanations",
    "write_sheet",
]
