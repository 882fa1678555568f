"""Where data enters: INPUT, `input` statements, and sizes that stay symbolic."""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING, Any

from archspec import syntax
from archspec.expand.draft import Settled
from archspec.expand.place import Bundle, Place, Stream
from archspec.expand.values import Value, Word, fail, kind, show
from archspec.op import lookup
from archspec.source import Span, nearest

if TYPE_CHECKING:
    from archspec.expand.flow import Expander


def begin(x: Expander, layer: syntax.Layer, place: Place) -> Stream:
    """INPUT or an input by name, at the start of a flow."""
    body = place.body
    if layer.name in body.streams:
        if layer.args is not None:
            fail("A223", f"{layer.name} is declared, it takes no arguments here", layer.span)
        return _read(x, body.streams[layer.name])
    if layer.args is not None:
        if not place.free or body.streams:
            fail(
                "A223",
                "INPUT(shape) belongs to a file without a net and without an input statement",
                layer.span,
                help="declare the input: input 3x224x224",
            )
        return declare(x, syntax.Input(layer.span, None, None, _shape_of(layer), layer.args[1:]), place)
    if body.first is None:
        x.stop_if_broken()
        if len(body.streams) > 1:
            listed = ", ".join(body.streams)
            fail(
                "A312",
                f"this net has {len(body.streams)} inputs, INPUT is none of them",
                layer.span,
                help=f"write {listed}",
            )
        if not place.free:
            fail("A313", "this net declares no input", layer.span, help="write input 3x224x224 above this line")
        return _add_input(x, "input", x.free.input_shape(layer.span, place), {}, place, layer.span)
    return _read(x, body.first)


def _read(x: Expander, stream: Stream) -> Stream:
    if not isinstance(stream, Bundle | list):
        x.draft.read.add(stream)
    return stream


def _shape_of(layer: syntax.Layer) -> syntax.Expr:
    if not layer.args or layer.args[0].name not in (None, "shape"):
        fail("A216", "INPUT needs a shape", layer.span, help="write INPUT(3x224x224)")
    return layer.args[0].value


def declare(x: Expander, statement: syntax.Input, place: Place) -> Stream:
    """An `input` statement: a node, and a name to start flows with."""
    name = statement.name or "input"
    options = {a.name: a for a in statement.options if a.name}
    if any(a.name is None for a in statement.options):
        fail("A214", "an input's options are given by name", statement.span, help="write dtype=float32")
    shape = statement.shape
    evaluate = x.evaluator(place)
    if isinstance(shape, syntax.Tuple):
        value: Value = tuple(_size(x, item, options, place) for item in shape.items)
    else:
        value = evaluate.need(shape)
    names = (
        {item.name for item in shape.items if isinstance(item, syntax.Ref)} if isinstance(shape, syntax.Tuple) else ()
    )
    return _add_input(x, name, value, options, place, statement.span, statement.name, names)


def _size(x: Expander, item: syntax.Expr, options: dict[str, syntax.Arg], place: Place) -> Value:
    """One size of an input's shape: a value, or a name bound from outside or given to count with (`T=160`)."""
    value = x.evaluator(place)(item)
    if not isinstance(value, Word):
        return value
    bound, given = x.bindings.get(value.name)
    if bound:
        return given
    if value.name in options:
        return x.evaluator(place).need(options[value.name].value), value.name
    return fail(
        "A404",
        f"the size {value.name} has no value",
        value.span,
        help=f"bind it, -D {value.name}=64, or give the value to count with: input (...), {value.name}=64",
    )


def _add_input(
    x: Expander,
    name: str,
    value: Value,
    options: dict[str, Any],
    place: Place,
    span: Span,
    label: str | None = None,
    names: Iterable[str] = (),
) -> Stream:
    if isinstance(value, int) and not isinstance(value, bool):
        value = (value,)
    if not isinstance(value, tuple | list) or not value:
        fail("A224", f"an input needs a shape such as 3x224x224, this is {kind(value)}", span)
    symbols = tuple(v[1] if isinstance(v, tuple) else "" for v in value)
    sizes = tuple(v[0] if isinstance(v, tuple) else v for v in value)
    if not all(isinstance(n, int) and not isinstance(n, bool) and n > 0 for n in sizes):
        fail("A224", f"every size of an input is a whole number from 1, this is {show(value)}", span)
    known = {"dtype", "layout", *names}
    for option, arg in options.items():
        if option not in known:
            near = nearest(option, known)
            hint = f"did you mean {near}?" if near else "an input takes dtype and layout"
            fail("A201", f"an input has no argument {option}", arg.name_span, help=hint)
    layout, dtype = (_word(x, options, key, place) for key in ("layout", "dtype"))
    if layout not in (None, "chw", "hwc"):
        fail("A204", f"layout is chw or hwc, not {layout}", options["layout"].span)
    if layout == "hwc":
        sizes, symbols = (sizes[-1], *sizes[:-1]), (symbols[-1], *symbols[:-1])
    arguments: dict[str, Any] = {"shape": (sizes, span)}
    if dtype is not None:
        arguments["dtype"] = (dtype, options["dtype"].value.span)
    if any(symbols):
        arguments["symbols"] = (symbols, span)
    card = lookup("INPUT")
    assert card is not None
    op = x.draft.card(card, arguments, span, place)
    top = place.but(path="", frames=())
    stream = x.draft.add(Settled(op, sizes), (), name.lower() if label is None else name, top, span)
    body = place.body
    body.first = stream if not body.streams else None
    body.streams[name] = stream
    return stream


def _word(x: Expander, options: dict[str, Any], key: str, place: Place) -> str | None:
    if key not in options:
        return None
    value = x.evaluator(place)(options[key].value)
    return value.name if isinstance(value, Word) else str(value)
