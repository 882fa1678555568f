"""What every command that reads a spec takes: SPEC, NET, -e, --limit, -D, --with, --without, --output,
--fc-to-conv."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from functools import wraps
from typing import TYPE_CHECKING, Any, NamedTuple

import click

from archspec.limits import DEFAULT, Limits, parse_limits
from archspec.source import Source

if TYPE_CHECKING:
    from archspec.model import Model


class Request(NamedTuple):
    """A spec and how to read it, as the command line says it."""

    spec: str | None  # None where the text is given by -e
    net: str | None
    text: str
    bindings: Mapping[str, str | bool] = {}  # texts in the language; a switch is a bool
    outputs: tuple[str, ...] = ()
    limits: Limits = DEFAULT
    fc_to_conv: bool = False  # the network's fully convolutional twin in its place
    input_shape: tuple[int, ...] | None = None  # the twin's

    def source(self) -> tuple[Source, str | None]:
        """The text, and the net that a zoo name stands for.  Raises SpecError."""
        if self.spec is None:
            return Source("-e", self.text, ""), self.net
        from archspec.zoo import open_spec

        source, net = open_spec(self.spec, self.limits.source_bytes)
        return source, self.net or net

    def open(self) -> Model:
        """The network.  Raises SpecError and UsageError."""
        from archspec.model import open_model

        source, net = self.source()
        model = open_model(source, net, self.bindings, outputs=self.outputs, limits=self.limits)
        return model.fc_to_conv(self.input_shape) if self.fc_to_conv else model

    @property
    def spare(self) -> tuple[str, ...]:
        """The files that no output may take the place of."""
        return () if self.spec in (None, "-") else (str(self.spec),)


_TEXT: tuple[Callable[[Any], Any], ...] = (
    click.argument("spec", required=False, metavar="SPEC"),
    click.argument("net", required=False, metavar="[NET]"),
    click.option("-e", "text", multiple=True, metavar="TEXT", help="The spec itself, in place of SPEC."),
    click.option(
        "--limit",
        "limits",
        multiple=True,
        metavar="NAME=N",
        help="Raise a limit of the language, such as nodes=200000; may be repeated.",
    ),
)
_CHOICES: tuple[Callable[[Any], Any], ...] = (
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
    click.option("--fc-to-conv", is_flag=True, help="The fully convolutional twin: FC layers become convolutions."),
    click.option("--input", "size", metavar="CxHxW", help="With --fc-to-conv, the twin's input."),
)  # fmt: skip
_Command = Callable[..., int]


def reads_text(function: _Command) -> _Command:
    """Decorator of a command: adds SPEC, NET, -e and --limit and hands them over as one Request, the first argument."""

    @wraps(function)
    def command(
        spec: str | None, net: str | None, text: tuple[str, ...], limits: tuple[str, ...], **options: Any
    ) -> int:
        if text:
            if net is not None:
                raise click.UsageError(f"-e gives the spec, so {spec} {net} is one argument too many.")
            spec, net = None, spec
        elif spec is None:
            raise click.UsageError("Missing argument SPEC: a file, - for standard input, or a name of `archspec zoo`.")
        return function(Request(spec, net, "\n".join(text), limits=_limits(limits)), **options)

    return _with(_TEXT, command)


def reads_spec(function: _Command) -> _Command:
    """As `reads_text`, with the options that bind, choose and rewrite: those from -D on."""

    @wraps(function)
    def command(
        request: Request,
        defines: tuple[str, ...],
        on: tuple[str, ...],
        off: tuple[str, ...],
        outputs: tuple[str, ...],
        fc_to_conv: bool,
        size: str | None,
        **options: Any,
    ) -> int:
        kept = tuple(name.strip() for names in outputs for name in names.split(",") if name.strip())
        bindings = _bindings(defines, on, off)
        shape = _shape(size, fc_to_conv)
        request = request._replace(bindings=bindings, outputs=kept, fc_to_conv=fc_to_conv, input_shape=shape)
        return function(request, **options)

    return reads_text(_with(_CHOICES, command))


def _shape(size: str | None, fc_to_conv: bool) -> tuple[int, ...] | None:
    """`3x500x500` as numbers."""
    if size is None:
        return None
    if not fc_to_conv:
        raise click.UsageError("--input is for --fc-to-conv: say both, or -D INPUT=... for the network itself.")
    sizes = size.split("x")
    if not all(n.isdecimal() and n.isascii() and int(n) for n in sizes):
        raise click.BadParameter(f"{size} is no shape: write 3x500x500.", param_hint="--input")
    return tuple(map(int, sizes))


def _limits(changes: tuple[str, ...]) -> Limits:
    try:
        return parse_limits(changes)
    except ValueError as why:
        raise click.BadParameter(f"{why}.", param_hint="--limit") from None


def _with(arguments: tuple[Callable[[Any], Any], ...], command: _Command) -> _Command:
    for argument in reversed(arguments):
        command = argument(command)
    return command


def _bindings(defines: tuple[str, ...], on: tuple[str, ...], off: tuple[str, ...]) -> dict[str, str | bool]:
    pairs: list[tuple[str, str | bool]] = []
    for define in defines:
        name, equals, value = (part.strip() for part in define.partition("="))
        if not (name and equals and value):
            raise click.BadParameter(f"{define} is not NAME=VALUE", param_hint="-D")
        pairs.append((name, value))
    pairs += [(name.rstrip("?"), state) for names, state in ((on, True), (off, False)) for name in names]
    bindings: dict[str, str | bool] = {}
    for bound, binding in pairs:
        if bindings.setdefault(bound, binding) != binding:
            raise click.UsageError(f"{bound} is bound twice, to different values.")
    return bindings
