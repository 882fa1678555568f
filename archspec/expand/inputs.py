"""Where data enters: INPUT, `input` statements, and sizes that stay symbolic."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any, NamedTuple, NoReturn

from archspec import syntax
from archspec.expand import lints, taps
from archspec.expand.draft import Settled
from archspec.expand.free import UsageError
from archspec.expand.place import Bundle, Entry, Place, Stream
from archspec.expand.session import Session
from archspec.expand.values import Callee, Value, Word, fail, kind, show
from archspec.op import Op, by, lookup, words
from archspec.source import Fix, Span, nearest

_BATCH = ("batch", "batch_size", "bs")


class _Symbolic(NamedTuple):
    """A size that stays open: the value to count with, and its name."""

    size: Value
    name: str


def begin(x: Session, layer: syntax.Layer, place: Place) -> Stream:
    """INPUT or an input by name, at the start of a flow."""
    body = place.body
    if layer.name in body.streams:
        if layer.args is not None:
            fail("A223", f"{layer.name} is declared, it takes no arguments here", layer.span)
        return _read(x, _single(body.streams[layer.name], layer))
    if layer.args is not None:
        if not place.free or body.streams:
            _declared_already(layer, place)
        return declare(x, syntax.Input(layer.span, None, None, _shape_of(layer), layer.args[1:]), place)
    if body.first is None:
        x.stop_if_broken()
        if len(body.streams) > 1:
            message = f"this net has {len(body.streams)} inputs, INPUT is none of them"
            fail("A312", message, layer.span, help=f"begin with one of them: {', '.join(body.streams)}")
        if not place.free:
            fail("A313", "this net declares no input", layer.span, help="write input 3x224x224 above this line")
        return _add_input(x, "input", x.free.input_shape(layer.span, place), {}, place, layer.span)
    return _read(x, body.first)


def _single(stream: Stream, layer: syntax.Layer) -> Stream:
    """What a port's name stands for at the start of a flow; a rest port has to have one stream there."""
    if not isinstance(stream, list):
        return stream
    if len(stream) != 1:
        help = f"read one of them, @{layer.name}[0], or all as a branch: @{layer.name}[*]"
        fail("A221", f"{layer.name} names {len(stream)} streams", layer.span, help=help)
    return stream[0]


def _declared_already(layer: syntax.Layer, place: Place) -> NoReturn:
    """INPUT(shape) where an input is declared, or in a net or block."""
    if place.body.streams:
        name = next(iter(place.body.streams))
        begin = "INPUT" if name == "input" else name
        message = "the input is declared already, so its shape does not stand here"
        help = f"begin with {begin}; a second input is declared by name: input right: 3x32x32"
    else:
        message = "inside a net or block INPUT has no shape of its own"
        help = "in a net declare it, input 3x224x224; a block reads what flows in"
    fail("A223", message, layer.span, help=help)


def _read(x: Session, stream: Stream) -> Stream:
    if not isinstance(stream, Bundle | list):
        x.draft.read.add(stream)
    return stream


def _shape_of(layer: syntax.Layer) -> syntax.Expr:
    if not layer.args or layer.args[0].name not in (None, "shape"):
        fail("A216", "INPUT needs a shape", layer.span, help="write INPUT(3x224x224)")
    return layer.args[0].value


def declare(x: Session, statement: syntax.Input, place: Place) -> Stream:
    """An `input` statement: a node, and a name to start flows with; `input view[i]` is read as @view[i]."""
    index = taps.place_of(x, statement.index, place) if statement.index else ()
    name = f"@{taps.indexed(statement.name, index)}" if statement.name and index else statement.name or "input"
    path = "_".join([statement.name or "input", *map(str, index)])
    options = {a.name: a for a in statement.options if a.name}
    if any(frame.kind == "block" for frame in place.frames):
        message = "input belongs to a net: a block reads what flows in"
        fail("A116", message, statement.span, help="begin with INPUT, or name what flows in: block B[image]")
    if name in place.body.streams:
        help = "give each a name: input left: 3x32x32"
        fail("A109", f"there are two inputs named {name}", statement.span, help=help)
    if any(a.name is None for a in statement.options):
        _loose_sizes(statement)
    shape = statement.shape
    evaluate = x.evaluator(place)
    bound, outside = _from_outside(x, statement, place)
    if bound:
        value: Value = outside
        if options.pop("layout", None) is None:  # from outside it is channels, height, width
            _name_sizes(shape, outside, place)
    elif isinstance(shape, syntax.Tuple):
        value = tuple(_size(x, item, options, place) for item in shape.items)
    else:
        value = evaluate.need(shape)
    names = (
        {item.name for item in shape.items if isinstance(item, syntax.Ref)} if isinstance(shape, syntax.Tuple) else ()
    )
    stream = _add_input(x, name, value, options, place, statement.span, path, names, shape.span)
    if statement.name and index:
        place.body.indexed.setdefault(statement.name, {})[index] = Entry(stream, place.loops, statement.span)
    return stream


def _from_outside(x: Session, statement: syntax.Input, place: Place) -> tuple[bool, Value]:
    """Whether the command line gives this input another shape, by its name or as INPUT, and that shape."""
    names = ["INPUT"] if statement.name is None else [statement.name, "INPUT"]
    for name in names:
        bound, value = x.bindings.get(name)
        if bound:
            if name == "INPUT" and place.body.streams:
                raise UsageError("there are several inputs here, INPUT is none of them", "bind each by its own name")
            x.resized = True
            return True, value
    return False, None


def _loose_sizes(statement: syntax.Input) -> NoReturn:
    """`INPUT(3, 32, 32)`: the sizes are one shape.  `INPUT(None, 3, 224, 224)` begins with the batch."""
    loose = [statement.shape, *(a.value for a in statement.options if a.name is None)]
    span, numbers = loose[0].span.to(loose[-1].span), [item.span.text for item in loose]
    dtype = next((n for n in numbers[1:] if n in words(_card(), "dtype")), None)
    if dtype or isinstance(loose[0], syntax.Dims | syntax.Tuple):
        option = loose[numbers.index(dtype) if dtype else 1].span
        fix = Fix(option, f"dtype={dtype}") if dtype else None
        help = f"write dtype={dtype or 'float32'}"
        fail("A214", "an input's options are given by name", option, help=help, fix=fix)
    if _is_batch(loose[0]) and all(map(str.isdigit, numbers[1:])):
        shape = tuple(map(int, numbers[1:]))
        turned = lints.channels_first(shape)
        fix = None if turned else Fix(span, by(shape))
        fail("A214", "the batch is not written", loose[0].span, help=f"write INPUT({by(turned or shape)})", fix=fix)
    if all(map(str.isdigit, numbers)):
        shape = tuple(map(int, numbers))
        example = lints.without_batch(shape)
        help = f"the batch is not written: INPUT({by(example)})" if example else f"write INPUT({by(shape)})"
        fix = None if example else Fix(span, by(shape))
    else:
        written = f"({', '.join(numbers)})"
        help, fix = f"write INPUT({written})", Fix(span, written)
    fail("A214", "an input's sizes are one shape", span, help=help, fix=fix)


def _is_batch(size: syntax.Expr) -> bool:
    """Whether a size is what stands for the batch elsewhere: None, -1, N, batch."""
    return size.span.text.lower() in (*_BATCH, "none", "-1", "n", "b")


def _size(x: Session, item: syntax.Expr, options: dict[str, syntax.Arg], place: Place) -> Value:
    """One size of an input's shape: a value, or a name bound from outside or given to count with (`T=160`).

    A name so given is known from here on, by the value to count with.
    """
    value = x.evaluator(place)(item)
    name = item.name if isinstance(item, syntax.Ref) else ""
    if not isinstance(value, Word):
        if name not in _symbols(x, place):
            return value
        if name in options and x.evaluator(place).need(options[name].value) != value:
            fail("A215", f"{name} is {show(value)} already", options[name].span, help="leave it out: it is one size")
        return _Symbolic(value, name)
    bound, given = x.bindings.get(value.name)
    if not bound and value.name in options:
        given = x.evaluator(place).need(options[value.name].value)
    elif not bound:
        help = f"bind it, -D {name}=64, or give the value to count with: input (...), {name}=64"
        help = "the batch is not written: leave it out" if _is_batch(item) else help
        fail("A404", f"the size {value.name} has no value", value.span, help=help)
    place.scope.values[value.name] = given
    return given if bound else _Symbolic(given, value.name)


def _name_sizes(shape: syntax.Expr, sizes: Value, place: Place) -> None:
    """Makes the names of sizes that stay open known where the whole shape comes from outside."""
    items = shape.items if isinstance(shape, syntax.Tuple) else ()
    for item, size in zip(items, sizes if isinstance(sizes, tuple | list) else (), strict=False):
        if isinstance(item, syntax.Ref) and not place.scope.find(item.name)[0]:
            place.scope.values[item.name] = size


def _symbols(x: Session, place: Place) -> set[str]:
    """The names of the sizes that the inputs so far leave open."""
    inputs = [x.draft.nodes[i].op for i in place.body.streams.values() if isinstance(i, int)]
    return {symbol for op in inputs for symbol in getattr(op, "symbols", ()) if symbol}


def _add_input(
    x: Session,
    name: str,
    value: Value,
    options: dict[str, Any],
    place: Place,
    span: Span,
    path: str = "input",
    names: Iterable[str] = (),
    written: Span | None = None,
) -> Stream:
    written = written or span
    if isinstance(value, int) and not isinstance(value, bool):
        value = (value,)
    if not isinstance(value, tuple | list) or isinstance(value, Callee) or not value:
        help = "leave the quotes out" if isinstance(value, str) else "write 3x224x224: channels, height, width"
        fail("A224", f"an input needs a shape such as 3x224x224, this is {kind(value)}", written, help=help)
    symbols = tuple(v.name if isinstance(v, _Symbolic) else "" for v in value)
    sizes = tuple(v.size if isinstance(v, _Symbolic) else v for v in value)
    if not all(isinstance(n, int) and not isinstance(n, bool) and n > 0 for n in sizes):
        shown = show(value) if len(value) > 1 else show(value[0])
        message = f"every size of an input is a whole number from 1, this is {shown}"
        help = (
            "the batch is not written: leave it out" if sizes[0] == -1 else "write 3x224x224: channels, height, width"
        )
        fail("A224", message, written, help=help)
    layout, dtype = _options(x, options, names, place)
    if layout is None:
        _warn_of_order(x, sizes, written)
    if layout == "hwc":
        sizes, symbols = (sizes[-1], *sizes[:-1]), (symbols[-1], *symbols[:-1])
    arguments: dict[str, Any] = {"shape": (sizes, span)}
    if dtype is not None:
        arguments["dtype"] = (dtype, options["dtype"].value.span)
    if any(symbols):
        arguments["symbols"] = (symbols, span)
    op = x.draft.card(_card(), arguments, span, place)
    top = place.but(path="", frames=())
    stream = x.draft.add(Settled(op, sizes), (), path, top, span)
    body = place.body
    body.first = stream if not body.streams else None
    body.streams[name] = stream
    return stream


def _card() -> type[Op]:
    card = lookup("INPUT")
    assert card is not None
    return card


def _options(x: Session, options: dict[str, Any], names: Iterable[str], place: Place) -> tuple[str | None, str | None]:
    """An input's layout and dtype; `names` are its sizes, which may be given values to count with."""
    known = {"dtype", "layout", *names}
    for option, arg in options.items():
        if option not in known:
            near = nearest(option, known)
            hint = f"did you mean {near}?" if near else "an input takes dtype and layout"
            hint = "the batch is not written; --batch counts with one" if option.lower() in _BATCH else hint
            fail("A201", f"an input has no argument {option}", arg.name_span, help=hint)
    layout, dtype = (_word(x, options, key, place) for key in ("layout", "dtype"))
    if layout not in (None, "chw", "hwc"):
        help = "write layout=hwc for height x width x channels"
        fail("A204", f"layout is chw or hwc, not {layout}", options["layout"].span, help=help)
    return layout, dtype


def _warn_of_order(x: Session, sizes: tuple[int, ...], span: Span) -> None:
    """Catches 224x224x3, an image with its channels behind, and 1x3x224x224, one with its batch."""
    turned, example = lints.channels_first(sizes), lints.without_batch(sizes)
    if turned:
        message = f"this is a map of {sizes[0]} channels, {sizes[1]} high and {sizes[2]} wide"
        x.warn("W201", message, span, f"an image is channels first: write {by(turned)}, or add layout=hwc")
    if example:
        message = f"this is {sizes[0]} channel{'s' * (sizes[0] > 1)} over {by(sizes[1:])}, not a batch"
        x.warn("W207", message, span, f"the batch is not written: {by(example)}")


def _word(x: Session, options: dict[str, Any], key: str, place: Place) -> str | None:
    if key not in options:
        return None
    value, written = x.evaluator(place)(options[key].value), options[key].value.span
    if isinstance(value, str):
        help, fix = f"leave the quotes out: {key}={value}", Fix(written, value)
        fail("A204", f"an input's {key} cannot be a text", written, help=help, fix=fix)
    return value.name if isinstance(value, Word) else show(value)
