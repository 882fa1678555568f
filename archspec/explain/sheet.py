"""An exercise sheet's questions, and the marks of the answers to it."""

from __future__ import annotations

import csv
import io
import re
from collections.abc import Iterable, Iterator
from math import prod
from typing import NamedTuple

from archspec.analyze import Analysis
from archspec.explain.choose import NoLayer, choose
from archspec.explain.layer import explain_layer
from archspec.field import Field
from archspec.formula import Formula
from archspec.op import by
from archspec.report.wording import field_text
from archspec.source import nearest

QUESTIONS = {"output_shape": "shape", "params": "params", "macs": "MACs", "receptive_field": "RF"}
COLUMNS = ("layer", *QUESTIONS)
# As people and spreadsheets write a whole number: 240000, 240000.0, 240,000, 240 000; 240.000 is one of two.
_NUMBERS = tuple(
    re.compile(digits + r"(?:\.0*|,0{1,2})?")
    for digits in (r"(?P<digits>\d+)", r"(?P<digits>\d{1,3}([.,_' \u00a0\u202f])\d{3}(?:\2\d{3})*)")
)
_SIZES = re.compile(r"\d+(?:\.0*)?(?:\s*[x×*,; ]\s*\d+(?:\.0*)?)*")
_FIELD = re.compile(r"(?P<sizes>.*?)\s*(?:/(?P<stride>[^/]*?))?\s*(?P<whole>global|all)?")


class Sheet(NamedTuple):
    """What is asked of one node; a receptive field off the input's grid is not."""

    node: int
    output_shape: str
    params: int
    macs: int
    receptive_field: str  # "" where it is not asked


class Answers(NamedTuple):
    """One line of a filled sheet: texts by column, "" where unanswered."""

    line: int
    layer: str
    texts: dict[str, str]


class Mark(NamedTuple):
    """One answer and what is right.  `why` has the formulas of a wrong one; what nobody asked `expected` nothing."""

    layer: str
    question: str
    given: str
    right: bool
    expected: str
    why: tuple[Formula, ...] = ()


def rows(analysis: Analysis) -> list[Sheet]:
    """What a sheet asks, layer by layer, for one example; the network's inputs are given."""
    return [_row(analysis, index) for index, node in enumerate(analysis.graph.nodes) if node.inputs]


def _row(analysis: Analysis, index: int) -> Sheet:
    node, row = analysis.graph.nodes[index], analysis.rows[index]
    return Sheet(index, by(node.shape), row.params, row.macs // analysis.batch, _extent(row.field))


def _extent(field: Field | None) -> str:
    return by(tuple(axis.size for axis in field.axes)) if field and field.axes else ""


# ---------------------------------------------------------------- reading


def read_answers(text: str) -> tuple[list[Answers], list[str]]:
    """The lines of a filled sheet, its fields apart by commas, semicolons or tabs, and the columns that ask nothing.

    Raises ValueError for what is no such file.
    """
    head = text.partition("\n")[0]
    reader = csv.DictReader(io.StringIO(text), delimiter=max(",;\t", key=head.count))
    names = ["_".join(name.lower().split()) for name in reader.fieldnames or ()]
    others = [name for name in names if name not in COLUMNS]
    for name in others:
        if meant := nearest(name, COLUMNS):
            raise ValueError(f"no column is called {name}, but one {meant}")
    if "layer" not in names or not set(names) & set(QUESTIONS):
        raise ValueError(f"its first line names the columns: {','.join(COLUMNS)}")
    if twice := [name for name in COLUMNS if names.count(name) > 1]:
        raise ValueError(f"two columns are called {twice[0]}")
    reader.fieldnames = names
    return [*_lines(reader)], [name for name in others if name]


def _lines(reader: csv.DictReader[str]) -> Iterator[Answers]:
    for entry in reader:
        if any(entry.get(None) or ()):
            raise ValueError(f'line {reader.line_num} has too many fields: put "9,472" in quotes, or write 9472')
        texts = {name: (entry.get(name) or "").strip() for name in COLUMNS}
        layer = texts.pop("layer")
        if layer:
            yield Answers(reader.line_num, layer, texts)
        elif any(texts.values()):
            raise ValueError(f"line {reader.line_num} names no layer")


# ---------------------------------------------------------------- marking


def mark_answers(analysis: Analysis, answers: Iterable[Answers]) -> list[Mark]:
    """A mark for every question of the sheet, and for every answer that nobody asked for; what is not answered is
    wrong.  Raises NoLayer for an unknown layer, and for one that is answered twice."""
    given: dict[int, Answers] = {}
    for line in answers:
        node = _node(analysis, line)
        if node in given:
            path, first = analysis.graph.nodes[node].path, given[node].line
            raise NoLayer(f"Line {line.line}: {path} is answered on line {first} already.")
        given[node] = line
    marks = [mark for index, line in given.items() for mark in _unasked(analysis, index, line)]
    return [mark for asked in rows(analysis) for mark in _marked(analysis, asked, given.get(asked.node))] + marks


def _node(analysis: Analysis, line: Answers) -> int:
    try:
        found = choose(analysis.graph, line.layer)
    except NoLayer as why:
        raise NoLayer(f"Line {line.line}: {why.args[0]}") from None
    if len(found) > 1:
        raise NoLayer(f"Line {line.line}: {line.layer} means {len(found)} layers; a line is about one.")
    return found[0]


def _marked(analysis: Analysis, asked: Sheet, line: Answers | None) -> Iterator[Mark]:
    path = analysis.graph.nodes[asked.node].path
    for question, quantity in QUESTIONS.items():
        given, expected = line.texts[question] if line else "", str(getattr(asked, question))
        if expected:
            right = bool(given) and _is_right(analysis, asked.node, question, given.lower(), expected)
            reasons = _reasons(analysis, asked.node, quantity) if given and not right else ()
            yield Mark(path, question, given, right, expected, reasons)


def _unasked(analysis: Analysis, index: int, line: Answers) -> Iterator[Mark]:
    """Answers to what the sheet does not ask: a field that is not there, anything of an input."""
    asked = _row(analysis, index) if analysis.graph.nodes[index].inputs else None
    for question, given in line.texts.items():
        if given and not (asked and str(getattr(asked, question))):
            yield Mark(analysis.graph.nodes[index].path, question, given, False, "")


def _reasons(analysis: Analysis, index: int, quantity: str) -> tuple[Formula, ...]:
    return tuple(said for said in explain_layer(analysis, index).formulas if said.quantity == quantity)


def _is_right(analysis: Analysis, index: int, question: str, given: str, expected: str) -> bool:
    """Whether an answer says what is expected, in any way that people, spreadsheets or `analyze` write it."""
    if question == "output_shape":
        return _map(analysis.graph.nodes[index].shape) in map(_map, _shapes(given))
    if question == "receptive_field":
        field = analysis.rows[index].field
        return field is not None and _is_field(given, field)
    if question == "params" and analysis.graph.nodes[index].shares is not None:  # its weights count where they are
        own = analysis.graph.nodes[index].op.weights(*analysis.graph.shapes_into(analysis.graph.nodes[index]))
        owned = sum(prod(weight.shape) for weight in own if weight.trainable)
        return given == "shared" or bool({0, owned} & _numbers(given))
    return int(expected) in _numbers(given)


def _numbers(text: str) -> set[int]:
    """The whole numbers that a text can mean."""
    return {int(re.sub(r"\D", "", found["digits"])) for form in _NUMBERS if (found := form.fullmatch(text))}


def _shapes(text: str) -> list[tuple[int, ...]]:
    """The sizes that a text can mean."""
    bare = text.strip("()[], ")
    found: list[tuple[int, ...]] = [(number,) for number in _numbers(bare)]
    if _SIZES.fullmatch(bare):
        found.append(tuple(int(size.partition(".")[0]) for size in re.findall(r"[\d.]+", bare)))
    return found


def _map(sizes: tuple[int, ...]) -> tuple[int, ...]:
    """A shape without the axes of one position at its end: a vector of 84 is a map of 84x1x1."""
    while len(sizes) > 1 and sizes[-1] == 1:
        sizes = sizes[:-1]
    return sizes


def _is_field(given: str, field: Field) -> bool:
    """Whether a text says a field: the size of each axis, or of all where they are alike, perhaps with what `analyze`
    prints beside it, or the words for a field that is global."""
    found = _FIELD.fullmatch(given)
    if not found or (found["whole"] and not field.whole):
        return False
    sizes, _, stride = _close(field_text(field)).removesuffix("global").partition("/")
    if not found["sizes"] or (found["stride"] and _close(found["stride"]) != stride):
        return bool(found["whole"] and not found["stride"])
    largest = tuple(axis.size for axis in field.axes)
    alike = (largest, largest[:1]) if len(set(largest)) == 1 else (largest,)
    return _close(found["sizes"]) == sizes or any(said in alike for said in _shapes(found["sizes"]))


def _close(text: str) -> str:
    return "".join(text.split())
