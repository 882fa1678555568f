"""An analysis as something to read or to load: a table, JSON, CSV, Markdown, HTML.

Every name here is imported when it is first used, so that a table does not wait for the other forms.
"""

from typing import TYPE_CHECKING, Any

__all__ = ["Count", "rich_table", "schema", "table", "to_csv", "to_html", "to_json", "to_markdown"]

if TYPE_CHECKING:
    from archspec.report.document import schema, to_csv, to_json
    from archspec.report.lines import Count
    from archspec.report.markup import to_html, to_markdown
    from archspec.report.terminal import rich_table
    from archspec.report.text import table

_HOMES = {
    "Count": "archspec.report.lines",
    "rich_table": "archspec.report.terminal",
    "schema": "archspec.report.document",
    "table": "archspec.report.text",
    "to_csv": "archspec.report.document",
    "to_html": "archspec.report.markup",
    "to_json": "archspec.report.document",
    "to_markdown": "archspec.report.markup",
}


def __getattr__(name: str) -> Any:
    if name not in _HOMES:
        raise AttributeError(f"module 'archspec.report' has no attribute {name!r}")
    from importlib import import_module

    value = getattr(import_module(_HOMES[name]), name)
    globals()[name] = value
    return value
