"""An analysis as something to read or to load: a table, JSON, CSV, Markdown, HTML."""

from archspec.report.document import SCHEMA, schema, to_csv, to_json
from archspec.report.lines import Count
from archspec.report.markup import to_html, to_markdown
from archspec.report.terminal import rich_table
from archspec.report.text import table

__all__ = ["SCHEMA", "Count", "rich_table", "schema", "table", "to_csv", "to_html", "to_json", "to_markdown"]
