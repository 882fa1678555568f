"""`archspec check-answers`: marks an exercise sheet."""

from __future__ import annotations

import sys
from collections.abc import Iterator, Sequence
from itertools import groupby
from pathlib import Path
from typing import TYPE_CHECKING

import click

from archspec.commands.explain import split_names
from archspec.commands.spec import Request, reads_spec
from archspec.commands.streams import deliver

if TYPE_CHECKING:
    from archspec.explain import Mark


@click.command("check-answers")
@reads_spec
@click.argument("answers", required=False, metavar="ANSWERS.csv")
def command(request: Request, answers: str | None) -> int:
    """Marks the answers to an exercise sheet, with the formula for each wrong one; ends with 1 unless all are right.

    ANSWERS.csv, - for standard input, has the columns layer,output_shape,params,macs,receptive_field, and others that
    are passed over; an empty field or a layer without a line is unanswered.  Numbers may be written as `analyze` or a
    spreadsheet writes them.  `archspec explain SPEC --blank -o answers.csv` writes an empty sheet.

    \b
    Example:
      archspec check-answers lenet5 answers.csv
    """
    if request.spec == "-" and "-" in (request.net, answers):
        raise click.UsageError("Standard input is the spec or the answers, not both.")
    request, file = split_names(request, answers)
    if file is None:
        raise click.UsageError(
            "Missing argument ANSWERS.csv: `archspec explain SPEC --blank -o answers.csv` writes one."
        )
    from archspec.explain import NoLayer, mark_answers, read_answers

    name = "standard input" if file == "-" else file
    try:
        lines, others = read_answers(_read(file))
    except OSError as error:
        raise click.UsageError(f"Cannot read {name}: {(error.strerror or str(error)).lower()}.") from None
    except UnicodeDecodeError:
        raise click.UsageError(f"{name} is not UTF-8 text.") from None
    except ValueError as why:
        raise click.UsageError(f"{name} is no answer sheet: {why}.") from None
    try:
        marks = mark_answers(request.open().analyze(), lines)
    except NoLayer as why:
        raise click.UsageError(f"{name}: {why.args[0]}") from None
    asked = [mark for mark in marks if mark.expected]
    right = sum(mark.right for mark in asked)
    score = f"{right} of {len(asked)} right"
    deliver("\n".join([*_told(marks), score]))
    if others:
        print(f"not marked: {', '.join(others)}", file=sys.stderr)
    return 0 if asked and right == len(asked) else 1


def _read(file: str) -> str:
    data = sys.stdin.buffer.read() if file == "-" else Path(file).read_bytes()
    return data.decode("utf-8-sig")


def _told(marks: Sequence[Mark]) -> Iterator[str]:
    """A line for every answer and the formulas of the wrong ones; what is blank in a layer is told together."""
    from archspec.explain.written import formula_line

    for (layer, blank), group in groupby(marks, key=lambda mark: (mark.layer, not mark.given)):
        if blank:
            yield f"blank  {layer}  {', '.join(mark.question for mark in group)}"
            continue
        for mark in group:
            head = f"{layer}  {mark.question}  {mark.given}"
            if mark.right:
                yield f"right  {head}"
            elif mark.expected:
                yield f"wrong  {head}, and it is {mark.expected}"
                yield from (f"         {formula_line(said)}" for said in mark.why)
            else:
                yield f"unmarked  {head}, which is not asked here"
