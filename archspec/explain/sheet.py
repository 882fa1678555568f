"""An exercise sheet's questions, and the marks of the answers to it."""

from __future__ import annotations

import csv
import io
import re
from typing import NamedTuple

from archspec.analyze import Analysis
from archspec.explain.choose import NoLayer, choose
from archspec.explain.layer import explain_layer
from archspec.field import Field
from archspec.formula import Formula
from archspec.op import by

QUESTIONS = {"output_shape": "shape", "params": "params", "macs": "MACs", "receptive_field": "RF"}
COLUMNS = ("layer", *QUESTIONS)
_NUMBER = re.compile(r"\d{1,3}(?:[, _']\d{3})+|\d+")
_SHAPE = re.compile(r"\d+(?:\s*[x×*,; ]\s*\d+)*")


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
    """One answer and what is right.  `why` has the formulas of a wrong one."""

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


def read_answers(text: str) -> list[Answers]:
    """The lines of a filled sheet.  Raises ValueError for what is no such file."""
    reader = csv.DictReader(io.StringIO(text))
    names = [name.strip() for name in reader.fieldnames or ()]
    if "layer" not in names or not set(names) & set(QUESTIONS):
        raise ValueError(f"its first line names the columns: {','.join(COLUMNS)}")
    unknown = [name for name in names if name not in COLUMNS]
    if unknown:
        raise ValueError(f"no column is called {unknown[0] or 'nothing'}: there are {', '.join(COLUMNS)}")
    reader.fieldnames = names
    found: list[Answers] = []
    for entry in reader:
        if None in entry:
            raise ValueError(f'line {reader.line_num} has too many fields: put "9,472" in quotes, or write 9472')
        texts = {name: (entry.get(name) or "").strip() for name in COLUMNS}
        if layer := texts.pop("layer"):
            found.append(Answers(reader.line_num, layer, texts))
    return found


def mark_answers(analysis: Analysis, answers: list[Answers]) -> list[Mark]:
    """A mark for every question of the lines; unanswered ones are wrong.  Raises NoLayer for an unknown layer."""
    return [mark for line in answers for mark in _marked(analysis, line)]


def _marked(analysis: Analysis, line: Answers) -> list[Mark]:
    try:
        found = choose(analysis.graph, line.layer)
    except NoLayer as why:
        raise NoLayer(f"Line {line.line}: {why.args[0]}") from None
    if len(found) > 1:
        raise NoLayer(f"Line {line.line}: {line.layer} means {len(found)} layers; a line is about one.")
    asked, marks = _row(analysis, found[0]), []
    path = analysis.graph.nodes[found[0]].path
    for question, quantity in QUESTIONS.items():
        given, expected = line.texts[question], str(getattr(asked, question))
        if not expected:
            continue
        right = _is_right(question, given, expected)
        reasons = () if right else _reasons(analysis, found[0], quantity)
        marks.append(Mark(path, question, given, right, expected, reasons))
    return marks


def _reasons(analysis: Analysis, index: int, quantity: str) -> tuple[Formula, ...]:
    return tuple(said for said in explain_layer(analysis, index).formulas if said.quantity == quantity)


def _is_right(question: str, given: str, expected: str) -> bool:
    if question in ("params", "macs"):
        return bool(_NUMBER.fullmatch(given)) and int(re.sub(r"\D", "", given)) == int(expected)
    bare = given.strip("()[], ")
    if not _SHAPE.fullmatch(bare):
        return False
    sizes, right = re.findall(r"\d+", bare), expected.split("x")
    # One number says it of a square field.
    alike = question == "receptive_field" and len(sizes) == len(set(right)) == 1 and sizes == right[:1]
    return alike or [*map(int, sizes)] == [*map(int, right)]
