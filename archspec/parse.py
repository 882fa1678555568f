"""Text to syntax: lark reads the grammar, the builder makes one record per rule."""

from __future__ import annotations

from lark import Lark
from lark.exceptions import UnexpectedInput

from archspec import syntax
from archspec.actions import Builder
from archspec.limits import Budget
from archspec.source import MOST_ERRORS, Source, SpecError
from archspec.tables import load_parser

_builder = Builder(visit_tokens=False)
_parser: Lark | None = None


def parser() -> Lark:
    """The LALR parser of grammar/archspec.lark, made once a process."""
    global _parser
    if _parser is None:
        _parser = load_parser(_builder)
    return _parser


def parse(source: Source, budget: Budget | None = None) -> syntax.File:
    """The syntax of a whole file.  Raises SpecError with every syntax error found."""
    (budget or Budget()).read(source)
    _builder.source, _builder.found = source, []
    try:
        tree = parser().parse(source.text)
    except UnexpectedInput:
        from archspec.mistakes import diagnose  # nothing of it is needed while all goes well

        raise SpecError(diagnose(source, parser())) from None
    if _builder.found:
        raise SpecError(tuple(_builder.found[:MOST_ERRORS]))
    assert isinstance(tree, syntax.File)
    return tree
