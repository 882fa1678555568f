"""`archspec explain`: what a message's code means, and where a layer's numbers come from."""

from __future__ import annotations

import re
from collections.abc import Callable
from functools import wraps
from typing import TYPE_CHECKING, Any

import click

from archspec.commands.delivery import Delivery, delivers
from archspec.commands.spec import Request, reads_spec
from archspec.commands.streams import tell

if TYPE_CHECKING:
    from archspec.analyze import Analysis

_CODE = re.compile(r"[A-Za-z][0-9]{3}\Z")
_Command = Callable[..., int]


def _or_codes(function: _Command) -> _Command:
    """Decorator: a code in the place of SPEC prints its page, nothing at all the list of codes."""

    @wraps(function)
    def command(delivery: Delivery, **options: Any) -> int:
        spec, chosen = options["spec"], options["text"] or options["net"] or options["blank"] or options["at"]
        if chosen or not (spec is None or _CODE.match(spec)):
            return function(delivery=delivery, **options)
        from archspec.pages import explain_code, pages

        if {*delivery.forms.values()} != {"text"}:
            raise click.UsageError("What is said of codes is text: drop --format, or end FILE in .txt.")
        try:
            told = explain_code(spec) if spec else "\n".join(f"{p.code}  {p.means}" for p in pages().values())
        except LookupError as why:
            raise click.UsageError(f"{why.args[0]}.") from None
        delivery.make(lambda form, width: told)
        return 0

    return command


@click.command("explain")
@delivers("text", "markdown", "latex", "csv")
@_or_codes
@reads_spec
@click.argument("layer", required=False, metavar="[LAYER]")
@click.option("--blank", is_flag=True, help="Leave the results out: an exercise sheet, of the whole net without LAYER.")
@click.option("--at", metavar="ROW,COLUMN", help="What the unit at this place reads of the input, counted from 0.")
def command(request: Request, delivery: Delivery, layer: str | None, blank: bool, at: str | None) -> int:
    """Formula, substitution and result for a layer's shape, parameters, MACs, FLOPs, receptive field and bytes.

    LAYER is a path as `archspec analyze` prints it, a label, the end of a path, or a pattern in quotes: '*conv*'.
    A message's code in place of SPEC prints what it means; nothing at all lists the codes.

    \b
    Examples:
      archspec explain alexnet conv1
      archspec explain unet r2.0.concat1 --at 3,4
      archspec explain lenet5 --blank --format latex
      archspec explain A307
    """
    request, layer = split_names(request, layer)
    if layer is None and not blank:
        raise click.UsageError(
            f"Name a layer of {request.spec or 'the spec'}, '*' for all, or --blank for an exercise sheet; a code is "
            "one letter and three digits, such as A307."
        )
    forms = delivery.forms.values()
    if "csv" in forms and (layer is not None or at):
        raise click.UsageError("csv is for a sheet of the whole net: --blank without LAYER.")
    if at is not None and (blank or layer is None or {*forms} != {"text"}):
        raise click.UsageError("--at goes with a LAYER, and is told as text.")
    model = request.open()
    analysis = model.analyze()
    delivery.make(lambda form, width: _told(analysis, layer, form, width, blank, at), request.spare(model))
    tell(model.warnings)
    return 0


def split_names(request: Request, last: str | None) -> tuple[Request, str | None]:
    """The request and the last argument, where NET before it was left out."""
    name = request.net
    if last is not None or name is None:
        return request, last
    from archspec.model import define

    request = request.load()
    if name in define(request.source()[0]).nets:
        return request, None
    return request._replace(net=None), name


def _told(analysis: Analysis, layer: str | None, form: str, width: int | None, blank: bool, at: str | None) -> str:
    from archspec import explain
    from archspec.explain.written import write_reading

    if layer is None:
        return explain.write_sheet(analysis, form, width)  # type: ignore[arg-type]
    try:
        found = explain.choose(analysis.graph, layer)
        if at is not None:
            return "\n\n".join(write_reading(explain.read_unit(analysis, index, _unit(at))) for index in found)
    except explain.NoLayer as why:
        raise click.UsageError(why.args[0]) from None
    told = [explain.explain_layer(analysis, index) for index in found]
    return explain.write_explanations(told, form, blank=blank, width=width)  # type: ignore[arg-type]


def _unit(text: str) -> tuple[int, ...]:
    try:
        return tuple(int(part) for part in text.split(","))
    except ValueError:
        raise click.BadParameter(f"{text} is no place: write 3,4", param_hint="--at") from None
