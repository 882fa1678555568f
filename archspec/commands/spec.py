"""What every command that reads a spec takes: SPEC, NET, -e, --limit, -D, --with, --without, --output,
--fc-to-conv."""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from functools import wraps
from typing import TYPE_CHECKING, Any, NamedTuple

import click

from archspec.limits import DEFAULT, Budget, Limits, parse_limits
from archspec.source import Source, SpecError

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
    loaded: tuple[Source, str | None] | None = None  # the text, and the net that a zoo name stands for

    def load(self) -> Request:
        """The request with its text read, once, as standard input can be.  Raises SpecError."""
        return self._replace(loaded=self._read())

    def source(self) -> tuple[Source, str | None]:
        """The text, and the net of it: the one named, or what a zoo name stands for.  Raises SpecError."""
        source, shipped = self.loaded or self._read()
        return source, self.net or shipped

    def _read(self) -> tuple[Source, str | None]:
        if self.spec is None:
            return Source("-e", self.text, ""), None
        from archspec.zoo import open_spec

        return open_spec(self.spec, self.limits.source_bytes)

    @property
    def chooses(self) -> bool:
        """Whether it binds, chooses or rewrites anything."""
        return bool(self.bindings or self.outputs or self.fc_to_conv)

    def open(self) -> Model:
        """The network.  Raises SpecError and UsageError."""
        from archspec.model import define, open_net

        source, net = self.source()
        budget = Budget(self.limits)
        definitions = define(source, budget)
        model = open_net(definitions, net, self.bindings, self.outputs, budget)
        return model.fc_to_conv(self.input_shape) if self.fc_to_conv else model

    def spare(self, model: Model) -> tuple[str, ...]:
        """The files that no output may take the place of: the spec, and what it imports."""
        return (*(() if self.spec in (None, "-") else (str(self.spec),)), *map(str, model.files))


def identity(source: Source) -> dict[str, str]:
    """Which text a document is about."""
    from hashlib import sha256

    return {
        "spec_file": source.name,
        "spec_sha256": sha256(source.text.encode("utf-8", "surrogatepass")).hexdigest(),
    }


_SPEC: tuple[Callable[[Any], Any], ...] = (
    click.argument("spec", required=False, metavar="SPEC"),
    click.argument("net", required=False, metavar="[NET]"),
)
_SPECS: tuple[Callable[[Any], Any], ...] = (click.argument("specs", nargs=-1, metavar="SPEC[:NET]..."),)
_TEXT: tuple[Callable[[Any], Any], ...] = (
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
_MISSING = "Missing argument SPEC: a file, - for standard input, or a name of `archspec zoo`."


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
        elif not spec:
            raise click.UsageError(_MISSING)
        return function(Request(spec, net, "\n".join(text), limits=_limits(limits)), **options)

    return _with((*_SPEC, *_TEXT), command)


def reads_spec(function: _Command) -> _Command:
    """As `reads_text`, with the options that bind, choose and rewrite: those from -D on."""

    @wraps(function)
    def command(request: Request, **options: Any) -> int:
        return function(_chosen(request, options), **options)

    return reads_text(_with(_CHOICES, command))


def reads_specs(function: _Command) -> _Command:
    """As `reads_spec` for any number of them: SPEC[:NET]..., and -e for one more.

    What -D and the switches bind is bound where the name is known.
    """

    @wraps(function)
    def command(specs: tuple[str, ...], text: tuple[str, ...], limits: tuple[str, ...], **options: Any) -> int:
        allowed = _limits(limits)
        first = _chosen(Request(None, None, "\n".join(text), limits=allowed), options)
        requests = [first._replace(spec=spec, net=net) for spec, net in map(_named, specs)]
        if text:
            requests.append(first)
        if not requests or "" in specs:
            raise click.UsageError(_MISSING)
        return function(_shared(requests), **options)

    return _with((*_SPECS, *_TEXT, *_CHOICES), command)


def _named(spec: str) -> tuple[str, str | None]:
    """SPEC and NET of SPEC:NET; a file may have a colon in its name."""
    if ":" not in spec or os.path.lexists(spec):
        return spec, None
    named, _, net = spec.rpartition(":")
    return named, net


def _shared(requests: Sequence[Request]) -> list[Request]:
    """Every request with the bindings that its spec has a name for.  Raises UsageError for one that none has."""
    bindings = requests[0].bindings
    if len(requests) == 1 or not bindings:
        return [*requests]
    loaded = [request.load() for request in requests]
    known = [_names(request) for request in loaded]
    for name in bindings:
        if not any(name in names for names in known):
            raise click.UsageError(f"Nothing in these specs is named {name}.")
    return [
        request._replace(bindings={name: value for name, value in bindings.items() if name in names})
        for request, names in zip(loaded, known, strict=True)
    ]


def _names(request: Request) -> set[str]:
    """The names that a spec asks for a value of."""
    from archspec.expand.free import Bindings, UsageError
    from archspec.expand.nets import expand
    from archspec.model import define

    source, net = request.source()
    bindings = Bindings(dict(request.bindings))
    with suppress(SpecError, UsageError):  # opening it will say so
        expand(define(source, Budget(request.limits)), net, bindings, Budget(request.limits))
    return bindings.known


def _chosen(request: Request, options: dict[str, Any]) -> Request:
    """The request with what _CHOICES say, which leave `options`."""
    defines, on, off, outputs, fc_to_conv, size = map(
        options.pop, ("defines", "on", "off", "outputs", "fc_to_conv", "size")
    )
    kept = [name.strip() for names in outputs for name in names.split(",")]
    if not all(kept):
        raise click.BadParameter("name outputs, with commas between them.", param_hint="--output")
    return request._replace(
        bindings=_bindings(defines, on, off),
        outputs=tuple(kept),
        fc_to_conv=fc_to_conv,
        input_shape=_shape(size, fc_to_conv),
    )


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
