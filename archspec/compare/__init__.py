"""Networks side by side, in the shape of the papers' tables."""

from archspec.compare.layers import blocks, layers
from archspec.compare.modules import modules
from archspec.compare.table import Cell, Table, to_csv, to_document, to_markdown, to_text
from archspec.compare.totals import totals

__all__ = [
    "Cell", "Table", "blocks", "layers", "modules", "to_csv", "to_document", "to_markdown", "to_text", "totals",
]  # fmt: skip
