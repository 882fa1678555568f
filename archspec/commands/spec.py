"""What every command that reads a spec takes: SPEC, NET, -e, -D, --with, --without, --output."""

from __future__ import annotations

from collections.abc import Callable
from functools import wraps
from typing import TYPE_CHECKING, Any, NamedTuple

import click

from archspec.source import Source

if TYPE_CHECKING:
    from archspec.model import Model


class Request(NamedTuple):
    """A spec and how to read it, as the command line says it."""

    spec: str | None  # None where the text is given by -e
    net: str | None
    text: str
    bindings: dict[str, str]
    switches: dict[str, bool]
    outputs: tuple[str, ...]

    def source(self) -> tuple[Source, str | None]:
        """The text, and the net that a zoo name stands for.  Raises SpecError."""
        if self.spec is None:
            return Source("-e", self.text, ""), self.net
        from archspec.zoo import open_spec

        source, net = open_spec(self.spec)
        return source, self.net or net

    def open(self) -> Model:
        """The network.  Raises SpecError and UsageError."""
        from archspec.model import open_model

        source, net = self.source()
        return open_model(source, net, {**self.bindings}, {**self.switches}, self.outputs)

    @property
    def spare(self) -> tuple[str, ...]:
        """The files that no output may take the place of."""
        return () if self.spec in (None, "-") else (str(self.spec),)


_ARGUMENTS: tuple[Callable[[Any], Any], ...] = (
    click.argument("spec", required=False, metavar="SPEC"),
    click.argument("net", required=False, metavar="[NET]"),
    click.option("-e", "text", multiple=True, metavar="TEXT", help="The spec itself, in place of SPEC."),
    click.option(
        "-D", "defines", multiple=True, metavar="NAME=VALUE",
        help="Bind a param, a net's argument, a free symbol or a hole; may be repeated.",
    ),
    click.option("--with", "on", multiple=True, metavar="NAME", help="Switch an option such as POOL? on."),
    click.option("--without", "off", multiple=True, metavar="NAME", help="Switch an option off."),
    click.option(
        "--output", "outputs", multiple=True, metavar="NAME,...",
        help="Keep only these outputs, and the layers they need.",
    ),
)  # fmt: skip


def reads_spec(function: Callable[..., int]) -> Callable[..., int]:
    """Decorator of a command: adds the arguments above and hands them over as one Request, the first argument."""

    @wraps(function)
    def command(
        spec: str | None,
        net: str | None,
        text: tuple[str, ...],
        defines: tuple[str, ...],
        on: tuple[str, ...],
        off: tuple[str, ...],
        outputs: tuple[str, ...],
        **options: Any,
    ) -> int:
        if text:
            if net is not None:
                raise click.UsageError(f"-e gives the spec, so {spec} {net} is one argument too many.")
            spec, net = None, spec
        elif spec is None:
            raise click.UsageError("Missing argument SPEC: a file, - for standard input, or a name of `archspec zoo`.")
        kept = tuple(name.strip() for names in outputs for name in names.split(",") if name.strip())
        request = Request(spec, net, "\n".join(text), _bindings(defines), _switches(on, off), kept)
        return function(request, **options)

    for argument in reversed(_ARGUMENTS):
        command = argument(command)
    return command


def _bindings(defines: tuple[str, ...]) -> dict[str, str]:
    bindings: dict[str, str] = {}
    for define in defines:
        name, equals, value = (part.strip() for part in define.partition("="))
        if not (name and equals and value):
            raise click.BadParameter(f"{define} is not NAME=VALUE", param_hint="-D")
        if name in bindings:
            raise click.BadParameter(f"{name} is bound twice", param_hint="-D")
        bindings[name] = value
    return bindings


def _switches(on: tuple[str, ...], off: tuple[str, ...]) -> dict[str, bool]:
    both = sorted({*on} & {*off})
    if both:
        raise click.UsageError(f"{both[0]} is switched both on and off.")
    return {name.rstrip("?"): name in on for name in (*on, *off)}
