"""The receptive field of a layer by the classic recurrence where it holds, and in words where it does not."""

from __future__ import annotations

from archspec.analyze import Analysis
from archspec.explain.walk import above, sides
from archspec.field import Axis, Field
from archspec.formula import Formula, axes, formula
from archspec.graph import Node
from archspec.op import Window, by
from archspec.report.wording import field_text
from archspec.source import Diagnostic

Told = tuple[tuple[Formula, ...], tuple[str, ...]]


def field_formulas(analysis: Analysis, index: int) -> Told:
    """Formulas of size, stride (jump) and start, and remarks."""
    node, field = analysis.graph.nodes[index], analysis.rows[index].field
    if field is None:
        return (), (f"The receptive field is unknown: {why_unknown(analysis, index)}.",)
    remarks = (*_remarks(analysis, index, field), *_mismatches(analysis, index))
    if not node.inputs or not field.axes:
        return _results(field), remarks
    if len(node.inputs) > 1:
        return _results(field, "the union of the branches"), remarks
    entering = analysis.rows[node.inputs[0]].field
    windows = node.op.reads(0, *analysis.graph.shapes_into(node))
    if entering is None or not entering.axes:
        return _results(field, "its own position"), remarks
    if windows is None or entering.rows or not entering.grid:
        leaves = entering.grid and not field.grid
        return _results(field, "of one position that enters" if leaves else "as the input"), remarks
    if all(_classic(a, w) for a, w in zip(entering.axes, windows, strict=True)):
        return _through(entering, windows), remarks
    return _results(field), (*remarks, *_why_not(windows))


def why_unknown(analysis: Analysis, index: int) -> str:
    """The layer at which a field was lost, in the words of its note."""
    graph, rows = analysis.graph, analysis.rows
    lost = [at for at in graph.nodes[index].inputs if rows[at].field is None]
    if lost:
        return why_unknown(analysis, lost[0])
    node = graph.nodes[index]
    return f"at {node.path}, {_notes(analysis, node, 'N303', 'N304')[0].message}"


def uneven(analysis: Analysis, index: int) -> bool:
    """Whether a node joins branches of different strides."""
    node = analysis.graph.nodes[index]
    fields = [analysis.rows[at].field for at in node.inputs]
    strides = {tuple(axis.stride for axis in field.axes) for field in fields if field and field.grid}
    return len(strides) > 1 and bool(_notes(analysis, node, "N301"))


def _notes(analysis: Analysis, node: Node, *codes: str) -> list[Diagnostic]:
    return [note for note in analysis.notes if note.code in codes and note.span == node.span]


def _mismatches(analysis: Analysis, index: int) -> tuple[str, ...]:
    """What the analysis notes of a join, and of those before a layer that the numbers depend on."""
    node = analysis.graph.nodes[index]
    said = [
        f"{note.message[0].upper()}{note.message[1:]}: {note.notes[0]}."
        for note in _notes(analysis, node, "N301", "N302")
        if len(node.inputs) > 1
    ]
    if any(note.code == "N301" for note in analysis.notes):
        before = [analysis.graph.nodes[at].path for at in above(analysis.graph, index)[:-1] if uneven(analysis, at)]
        if before:
            said.append(f"The branches of {', '.join(before)} have different strides: the numbers hold at output 0.")
    return tuple(said)


def _classic(axis: Axis, window: Window) -> bool:
    """Whether r, j and start follow the recurrence: every output reads as many positions, and a whole stride on."""
    return axis.period == window.up == 1 and not window.tiled and axis.lo[0] is not None


def _through(field: Field, windows: tuple[Window, ...]) -> tuple[Formula, ...]:
    found: list[Formula] = []
    for letter, axis, window in zip(axes(len(windows)), field.axes, windows, strict=True):
        values = {
            "r_in": axis.size, "j_in": axis.step, "start_in": axis.start, "k": window.kernel, "d": window.dilation,
            "s": window.stride, "p_begin": window.pad[0],
        }  # fmt: skip
        found += (
            formula("RF", "r_in + (k - 1)*d*j_in", values, letter, "r_out"),
            formula("jump", "j_in*s", values, letter, "j_out"),
            formula("start", "start_in - p_begin*j_in", values, letter, "start_out"),
        )
    return _by_quantity(found)


def _by_quantity(found: list[Formula]) -> tuple[Formula, ...]:
    """All sizes, then all strides, then all starts."""
    return tuple(said for first in range(3) for said in found[first::3])


def _results(field: Field, why: str = "") -> tuple[Formula, ...]:
    """Size, stride and start as facts; a stride that is no whole number, and an unsteady size, are told in words."""
    found: list[Formula] = []
    for letter, axis in zip(axes(len(field.axes)), field.axes, strict=True):
        jump = axis.stride if isinstance(axis.stride, int) else None
        apart = f"{axis.step} per {axis.period} outputs" if jump is None else "" if why else "stride"
        phrase = ", ".join(part for part in (why, apart) if part)
        found += (
            Formula("RF", why or "positions read", "", axis.size, letter, "r_out"),
            Formula("jump", phrase, "", jump, letter, "j_out"),
            Formula("start", why or "first position read", "", axis.start, letter, "start_out"),
        )
    return _by_quantity(found)


def _causal(analysis: Analysis, index: int) -> bool:
    """Whether what is gathered on the way to a node is what precedes each position."""
    graph = analysis.graph
    ways = {graph.nodes[at].op.gathers(i) for at in above(graph, index) for i in range(len(graph.nodes[at].inputs))}
    return "past" in ways and "all" not in ways


def _remarks(analysis: Analysis, index: int, field: Field) -> tuple[str, ...]:
    said = [
        f"Along {letter} the outputs do not read alike: {_phases(axis)}."
        for letter, axis in zip(axes(len(field.axes)), field.axes, strict=True)
        if len(set(axis.sizes)) > 1
    ]
    if any(0 in axis.sizes for axis in field.axes):
        said.append(
            "Some outputs read nothing: the kernel is smaller than the stride that spreads it, and leaves holes."
        )
    if field.whole and field.grid:
        reach = "all that precedes it" if _causal(analysis, index) else "the whole input"
        said.append(f"A global operation lets every output depend on {reach} as well.")
    elif field.whole:
        size = by(sides(analysis.graph.nodes[field.origin].shape))
        local = "r_out, j_out and start_out are those of one position of the last map before it"
        local = local if field.axes else "there is no field nearer than that"
        said.append(
            f"Every output depends on the whole input ({size}); {local} (`{field_text(field)}` in the analysis)."
        )
    return tuple(said)


def _phases(axis: Axis) -> str:
    """`of every 2, in order, they read 3, 2 positions`; of a long period the smallest and the largest."""
    if axis.period > 4:
        return f"{min(axis.sizes)} to {axis.size} positions, again after {axis.period} outputs"
    return f"of every {axis.period}, in order, they read {', '.join(map(str, axis.sizes))} positions"


def _why_not(windows: tuple[Window, ...]) -> tuple[str, ...]:
    if any(w.tiled for w in windows):
        why = "an output reads the window that it lies in, wherever it stands in it"
    elif any(w.up > 1 for w in windows):
        why = "the outputs are not whole positions of the input apart, so what one reads depends on where it stands"
    else:
        why = "the field that enters already depends on the position"
    return (f"The classic formula fails here: {why}.",)
