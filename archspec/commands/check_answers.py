"""`archspec check-answers`: marks an exercise sheet."""

from __future__ import annotations

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

    ANSWERS.csv has the columns layer,output_shape,params,macs,receptive_field; an empty field is unanswered.
    `archspec explain SPEC --blank --format csv` writes an empty one.

    \b
    Example:
      archspec check-answers lenet5 answers.csv
    """
    request, file = split_names(request, answers)
    if file is None:
        raise click.UsageError("Missing argument ANSWERS.csv: `archspec explain SPEC --blank --format csv` writes one.")
    from archspec.explain import NoLayer, mark_answers, read_answers

    try:
        lines = read_answers(Path(file).read_text(encoding="utf-8-sig"))
    except OSError as error:
        raise click.UsageError(f"Cannot read {file}: {(error.strerror or str(error)).lower()}.") from None
    except UnicodeDecodeError:
        raise click.UsageError(f"{file} is not UTF-8 text.") from None
    except ValueError as why:
        raise click.UsageError(f"{file} is no answer sheet: {why}.") from None
    try:
        marks = mark_answers(request.open().analyze(), lines)
    except NoLayer as why:
        raise click.UsageError(f"{file}: {why.args[0]}") from None
    right = sum(mark.right for mark in marks)
    score = f"{right} of {len(marks)} right"
    deliver("\n".join([*(line for mark in marks for line in _told(mark)), score]), None)
    return 0 if marks and right == len(marks) else 1


def _told(mark: Mark) -> list[str]:
    from archspec.explain.written import formula_line

    if mark.right:
        return [f"right  {mark.layer}  {mark.question}  {mark.given}"]
    if not mark.given:
        return [f"blank  {mark.layer}  {mark.question}"]
    head = f"wrong  {mark.layer}  {mark.question}  {mark.given}, and it is {mark.expected}"
    return [head, *(f"         {formula_line(said)}" for said in mark.why)]
