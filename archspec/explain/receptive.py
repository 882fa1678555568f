"""The receptive field of a layer by the classic recurrence where it holds, and in words where it does not."""

from __future__ import annotations

from archspec.analyze import Analysis
from archspec.field import Axis, Field
from archspec.formula import Formula, axes, formula
from archspec.op import Window

Told = tuple[tuple[Formula, ...], tuple[str, ...]]


def field_formulas(analysis: Analysis, index: int) -> Told:
    """Formulas of size, stride (jump) and start, and remarks."""
    node, field = analysis.graph.nodes[index], analysis.rows[index].field
    if field is None:
        notes = (note.message for note in analysis.notes if note.span == node.span)
        return (), (
            f"The receptive field is unknown: {next(notes, 'an earlier layer mixes positions with channels')}.",
        )
    remarks = _remarks(field)
    if not node.inputs or not field.axes:
        return tuple(_results(field)), remarks
    entering = analysis.rows[node.inputs[0]].field
    windows = node.op.reads(0, *analysis.graph.shapes_into(node))
    if len(node.inputs) == 1 and entering is not None and windows is not None and entering.grid:
        if all(_classic(a, w) for a, w in zip(entering.axes, windows, strict=True)):
            return _through(entering, windows), remarks
        return tuple(_results(field)), (*remarks, *_why_not(windows))
    if len(node.inputs) == 1:
        return tuple(_results(field, "as the input")), remarks
    mismatch = (
        f"{note.message[0].upper()}{note.message[1:]}: {note.notes[0]}."
        for note in analysis.notes
        if note.span == node.span and note.code in ("N301", "N302") and note.notes
    )
    return tuple(_results(field, "the union of the branches")), (*remarks, *mismatch)


def _classic(axis: Axis, window: Window) -> bool:
    """Whether r, j and start follow the recurrence: every output reads as many positions, and a whole stride on."""
    return axis.period == window.up == 1 and axis.lo[0] is not None


def _through(field: Field, windows: tuple[Window, ...]) -> tuple[Formula, ...]:
    found: list[Formula] = []
    for letter, axis, window in zip(axes(len(windows)), field.axes, windows, strict=True):
        values = {
            "r_in": axis.size, "j_in": axis.step, "start_in": axis.start, "k": window.kernel, "d": window.dilation,
            "s": window.stride, "p_begin": window.pad[0], "k_eff": window.reach,
        }  # fmt: skip
        size = "r_in + (k_eff - 1)*j_in" if window.dilation == 1 else "r_in + (d*(k - 1) + 1 - 1)*j_in"
        found += (
            formula("RF", size, values, letter, "r_out"),
            formula("jump", "j_in*s", values, letter, "j_out"),
            formula("start", "start_in - p_begin*j_in", values, letter, "start_out"),
        )
    return tuple(found)


def _results(field: Field, why: str = "") -> list[Formula]:
    """Size, stride and start as facts; a stride that is no whole number, and an unsteady size, are told in words."""
    found: list[Formula] = []
    for letter, axis in zip(axes(len(field.axes)), field.axes, strict=True):
        start = Formula("start", why or "first position read", "", axis.start, letter, "start_out")
        jump = axis.stride if isinstance(axis.stride, int) else None
        phrase = why or (f"{axis.step} per {axis.period} outputs" if jump is None else "stride")
        found += (
            Formula("RF", why or "positions read", "", axis.size, letter, "r_out"),
            Formula("jump", phrase, "", jump, letter, "j_out"),
            start,
        )
    return found


def _remarks(field: Field) -> tuple[str, ...]:
    said = [
        f"Along {letter} the field depends on the output: {_phases(axis)}."
        for letter, axis in zip(axes(len(field.axes)), field.axes, strict=True)
        if len(set(axis.sizes)) > 1
    ]
    if any(0 in axis.sizes for axis in field.axes):
        said.append(
            "Some outputs read nothing: the kernel is smaller than the stride that spreads it, and leaves holes."
        )
    if field.whole:
        said.append("A global operation lets every output depend on the whole input as well.")
    return tuple(said)


def _phases(axis: Axis) -> str:
    """`o mod 2 = 0 reads 3, 1 reads 2`; of a long period the smallest and the largest."""
    if axis.period > 4:
        return f"{min(axis.sizes)} to {axis.size} positions, again after {axis.period} outputs"
    return f"o mod {axis.period} = " + ", ".join(f"{o} reads {size}" for o, size in enumerate(axis.sizes))


def _why_not(windows: tuple[Window, ...]) -> tuple[str, ...]:
    if any(w.up > 1 and w.stride > 1 for w in windows):
        return (
            "The classic formula fails here: the windows are not a whole number of positions apart (adaptive bins).",
        )
    if any(w.up > 1 for w in windows):
        why = "the input is stretched, so what an output reads depends on where between two inputs it stands"
        return (f"The classic formula fails here: {why}.",)
    return ("The classic formula fails here: the field that enters already depends on the position.",)
