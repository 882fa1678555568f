"""The formatter: one layout for every spec, from the words, the line breaks that mean something, and the comments.

The words of a spec stay as they are and in their order; blanks and line breaks are the formatter's.  It keeps the line
breaks that an author put between steps, branches and entries of a list, since they say what belongs together, and adds
those that a line longer than `pieces.WIDTH` needs.  How a line is indented, and where blanks stand, follows from these.
"""

from __future__ import annotations

from archspec import syntax
from archspec.format.breaks import keep_breaks
from archspec.format.layout import Line, join_lines
from archspec.format.pieces import read_pieces
from archspec.format.spacing import set_spacing
from archspec.format.statements import lay_out_file
from archspec.parse import parse
from archspec.record import Record
from archspec.source import Source, Span


def format_text(source: Source) -> str:
    """The text of a spec as `archspec fmt` writes it.  Raises SpecError for a text that does not parse.

    Its syntax tree, its comments and so the paths of all nodes stay the same; the ends of lines are the first line's.
    """
    before = parse(source)
    formatted = _formatted(source)
    if formatted != source.text:
        after = parse(Source(source.name, formatted, source.directory))
        assert _is_same(before, after), "the formatter would have changed what the spec says"
    return formatted


def _formatted(source: Source) -> str:
    pieces, root = read_pieces(source.text)
    set_spacing(root)
    keep_breaks(pieces, root)
    lines: list[Line] = lay_out_file(pieces)
    text = join_lines(lines)
    first_end = source.text.find("\n")
    if first_end > 0 and source.text[first_end - 1] == "\r":
        text = text.replace("\n", "\r\n")
    return text


def _is_same(one: syntax.Syntax, other: syntax.Syntax) -> bool:
    """Whether two trees are equal but for where things stand; without recursion, since a sum may be thousands long."""
    pairs: list[tuple[object, object]] = [(one, other)]
    while pairs:
        a, b = pairs.pop()
        if isinstance(a, Span) and isinstance(b, Span):
            continue
        if type(a) is not type(b):
            return False
        if isinstance(a, Record) and isinstance(b, Record):
            pairs += zip(a._values(), b._values(), strict=True)
        elif isinstance(a, tuple) and isinstance(b, tuple):
            if len(a) != len(b):
                return False
            pairs += zip(a, b, strict=True)
        elif a != b:
            return False
    return True
