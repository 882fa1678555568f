"""What is allowed and yet nearly always a slip: warnings."""

from __future__ import annotations

from collections.abc import Iterator

from archspec import syntax
from archspec.expand.definitions import Definitions
from archspec.expand.draft import Arguments
from archspec.expand.session import Session
from archspec.op import Op, Shape, by, lookup
from archspec.source import Diagnostic, Label, Span

LARGEST_KERNEL = 11  # AlexNet's; a larger number is a width in the wrong place, or a patch


# Counts of an analysis, and everything that an assert reads as the network's whatever the spec calls so.
COUNTS = ("params", "buffers", "macs", "flops", "weight_bytes", "activation_bytes")
FACTS = (*COUNTS, "depth", "receptive_field")


def warning(code: str, message: str, span: Span, help: str, labels: tuple[Label, ...] = ()) -> Diagnostic:
    return Diagnostic(code, message, span, labels=labels, help=help, severity="warning")


def channels_first(shape: Shape) -> Shape | None:
    """The shape turned, where it looks like an image with its channels behind: 224x224x3."""
    if len(shape) == 3 and shape[2] in (1, 3, 4) and shape[0] == shape[1] > 4:
        return (shape[2], shape[0], shape[1])
    return None


def without_batch(shape: Shape) -> Shape | None:
    """The shape of one example, where it looks as if a batch came first: 1x3x224x224 or 1x224x224x3.

    3x4x64x64 may be four frames in colour, and 1x64x128x128 is a volume.
    """
    if len(shape) < 4 or shape[0] == 3:
        return None
    image = shape[1] <= 4 and shape[-1] == shape[-2] > 4
    return shape[1:] if image else channels_first(shape[1:])


def kernel(x: Session, op: Op, shape: Shape, arguments: Arguments) -> None:
    """A kernel that is larger than the map it reads, or larger than anybody's, or that skips part of the map."""
    span, sizes, strides = arguments["kernel"][1], getattr(op, "kernel", ()), getattr(op, "stride", ())
    windows = op.windows(shape) or ()
    if not sizes or len(sizes) != len(shape) - 1 or max(sizes) < 2 or any(window.up > 1 for window in windows):
        return
    if any(window.kernel > 1 and window.reach < window.stride for window in windows):
        message = f"{op.name}'s stride of {by(strides)} is larger than its kernel of {by(sizes)}"
        at = arguments["stride"][1] if "stride" in arguments else span
        x.warn("W209", message, at, "what lies between two windows is read by none; a stride is at most the kernel")
    # 3 on 2 is what deep nets come to; a kernel of 2n or more has taps that never meet the map.
    elif op.weights(shape) and any(k > n and (k > 3 or k >= 2 * n) for k, n in zip(sizes, shape[1:], strict=True)):
        message = f"{op.name}'s kernel of {by(sizes)} is larger than the map, {by(shape[1:])}"
        x.warn("W203", message, span, "a smaller kernel sees as much: the rest of it reads nothing but padding")
    elif op.weights(shape) and len(sizes) > 1 and max(sizes) > LARGEST_KERNEL and max(sizes) > 2 * max(strides):
        # Waves are read with kernels of a hundred samples; patches and upsampling have strides as large.
        message = f"{op.name}'s kernel of {by(sizes)} is unusually large"
        help = f"the channels are those that flow in: {op.name}(3x3)"
        if hasattr(op, "channels"):
            help = f"the channels come first: {op.name}({max(sizes)}, 3x3) has {max(sizes)} channels"
        x.warn("W202", message, span, help)


def grey(x: Session, card: type[Op], arguments: Arguments) -> None:
    """28x28 with a window over it: an image without its one channel rather than 28 channels of length 28."""
    (image,) = x.draft.nodes
    field = card.model_fields.get("kernel")
    kernel = arguments["kernel"][0] if "kernel" in arguments else field.default if field else 1
    height, width = image.shape
    if height == width > 4 and kernel not in (1, (1,)):
        message = f"this is a sequence of {height} channels, {width} long"
        x.warn("W208", message, image.span, f"a grey image has one channel: write 1x{height}x{width}")


def indices(x: Session, card: type[Op], span: Span) -> None:
    """Numbers of tokens looked up in a table, where no input holds whole numbers."""
    x.budget.spend(len(x.draft.nodes) // 2, span)
    inputs = [(node, getattr(node.op, "dtype", "")) for node in x.draft.nodes if not node.inputs]
    if inputs and not any("int" in dtype for _, dtype in inputs):
        node, dtype = inputs[0]
        written = f"INPUT({by(node.shape)}" if node.path == "input" else f"input {node.path}: {by(node.shape)}"
        help = f"say so where they come in: {written}, dtype=int64{')' * (node.path == 'input')}"
        x.warn("W210", f"{card.name} looks whole numbers up, and its input is {dtype}", span, help)


def even(x: Session, op: Op, arguments: Arguments) -> None:
    """`same` around an even kernel, which cannot be the same on both sides."""
    field, pad = type(op).model_fields.get("pad"), getattr(op, "pad", ())
    asked = arguments["pad"][0] if "pad" in arguments else field.default if field else None
    kernel = getattr(op, "kernel", ())
    if asked != "same" or max(kernel) > LARGEST_KERNEL or not any(begin != end for begin, end in pad):
        return
    message = f"{op.name}'s kernel of {by(kernel)} is even, so `same` pads the end by one more than the beginning"
    sides = ", ".join(f"({begin}, {end})" for begin, end in pad)
    help = f"say which side gets it: pad=({sides}{',' * (len(pad) == 1)}), or TensorFlow's same_upper"
    x.warn("W206", message, arguments["kernel"][1], help)


def square(x: Session, loops: tuple[syntax.Loop, ...]) -> None:
    """A table of as many rows as names, which could have been meant as columns."""
    for loop in loops:
        names, table = loop.names, loop.values
        if len(names) < 2 or not isinstance(table, syntax.List) or len(table.items) != len(names):
            continue
        rows = [row.items if isinstance(row, syntax.List) else () for row in table.items]
        if any(len(row) != len(names) for row in rows):
            continue
        first = ", ".join(f"{name} = {value.span.text}" for name, value in zip(names, rows[0], strict=True))
        columns = ", ".join(f"{name} in {row.span.text}" for name, row in zip(names, table.items, strict=True))
        message = f"a square table is read by rows: at first {first}"
        x.warn("W204", message, table.span, f"for columns write ({columns})")


def lints(definitions: Definitions) -> Iterator[Diagnostic]:
    """Warnings about a file as it is written."""
    for block in definitions.blocks.values():
        if len(block.name) > 1 and block.name.isupper() and block.name.isalpha():
            slip = "hides the layer of that name" if lookup(block.name) else "looks like a layer"
            help = f"write it as {block.name.capitalize()}: layers are in capitals, blocks begin with one"
            yield warning("W101", f"the block {block.name} {slip}", block.name_span, help)
    yield from _unread(definitions)
    yield from _shadowed(definitions.file.statements, {})
    if " then " in definitions.source.text:
        for statement in definitions.file.statements:
            yield from _first_strides(statement)


def _unread(definitions: Definitions) -> Iterator[Diagnostic]:
    """Arguments and ports that a body names nowhere.  A block that is handed to others takes what they give it."""
    found = [(block.name, entry) for block in definitions.blocks.values() for entry in _unnamed(block, block.ports)]
    found += [(net.name, entry) for net in definitions.nets.values() for entry in _unnamed(net, ())]
    handed = {ref.name for ref in syntax.walk([definitions.file]) if isinstance(ref, syntax.Ref)} if found else set()
    for what, entry in found:
        if what not in handed:
            kind = "port" if isinstance(entry, syntax.Port) else "argument"
            help = "use it or take it out; one whose name begins with _ may stay unused"
            yield warning("W105", f"nothing in {what} reads its {kind} {entry.name}", entry.span, help)


def _unnamed(what: syntax.Block | syntax.Net, ports: tuple[syntax.Port, ...]) -> Iterator[syntax.Formal | syntax.Port]:
    """The arguments and ports that a body does not name; what flows into a block may be read without a name."""
    if not what.formals and not ports:
        return
    read = {name for record in syntax.walk((*what.formals, what.body)) for name in _names(record)}
    if ports and ({"INPUT", "cin"} & read or _reads_first(what.body, {port.name for port in ports})):
        read.add(ports[0].name)
    yield from (formal for formal in what.formals if formal.name not in read and formal.name[0] != "_")
    yield from (port for port in ports if port.name not in read and port.name[0] != "_")


def _reads_first(body: syntax.Flow | syntax.Body, ports: set[str]) -> bool:
    """Whether a block that is one flow begins with a step that reads what flows in."""
    core = body.steps[0].core if isinstance(body, syntax.Flow) else None
    return core is not None and not isinstance(core, syntax.Tap) and getattr(core, "name", "") not in ports


def _names(record: syntax.Syntax) -> Iterator[str]:
    """The names that a record refers to."""
    match record:
        case syntax.Ref(name=name) | syntax.Call(name=name) | syntax.Layer(name=name) | syntax.Wire(name=name):
            yield name
        case syntax.Tap(name=name) | syntax.OutputItem(name=name):
            yield name
        case syntax.Step(option=syntax.Option(condition=None), mark=syntax.Mark(name=name)):
            yield name


def _shadowed(statements: tuple[syntax.Statement, ...], known: dict[str, Span]) -> Iterator[Diagnostic]:
    """Asserts that name a fact of the network which is also a name of the spec; `known` are those further out."""
    known = known | {s.name: s.span for s in statements if isinstance(s, syntax.Let | syntax.Param) and s.name in FACTS}
    for statement in statements:
        match statement:
            case (
                syntax.Net(formals=formals, body=syntax.Body(statements=inside))
                | syntax.Block(formals=formals, body=syntax.Body(statements=inside))
            ):
                named = {formal.name: formal.span for formal in formals if formal.name in FACTS}
                yield from _shadowed(inside, known | named)
            case syntax.For(loops=loops, body=body):
                named = {name: loop.span for loop in loops for name in loop.names if name in FACTS}
                yield from _shadowed(body.statements, known | named)
            case syntax.Assert(condition=condition) if known:
                yield from _facts(condition, known)


def _facts(condition: syntax.Expr, known: dict[str, Span]) -> Iterator[Diagnostic]:
    parts = list(syntax.walk([condition]))
    own = {name for part in parts if isinstance(part, syntax.Loop) for name in part.names}
    for part in parts:
        if isinstance(part, syntax.Ref) and part.name in known and part.name not in own:
            message = f"in an assert {part.name} is the network's, not the spec's own"
            help = f"to assert something of this one, give it another name than {part.name}"
            yield warning("W104", message, part.span, help, labels=(Label(known[part.name], "not this one"),))


def _first_strides(root: syntax.Syntax, levels: tuple[frozenset[str], ...] = ()) -> Iterator[Diagnostic]:
    """`s then 1` two or more repeats inside the one that gives s: it would be s in the first iteration of each."""

    def enter(record: syntax.Syntax, field: str) -> bool:
        step = isinstance(record, syntax.Step)
        return field == "core" if step and record is root else not step

    for record in syntax.walk([root], enter):
        if isinstance(record, syntax.Step) and record is not root:
            inner = [frozenset(name for loop in r.loops for name in loop.names) for r in reversed(record.repeats)]
            yield from _first_strides(record, (*levels, *inner))
        elif isinstance(record, syntax.Binary) and record.op == "then" and isinstance(record.left, syntax.Ref):
            name = record.left.name
            depth = next((i for i, names in enumerate(reversed(levels)) if name in names), 0)
            if depth > 1:
                text = record.span.text
                message = f"`{text}` follows the innermost repeat; {name} changes {depth} repeats further out"
                help = f"it is {name} in the first of each of them; write it just inside the repeat that gives {name}"
                yield warning("W205", message, record.span, help)
