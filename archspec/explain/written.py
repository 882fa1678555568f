"""Explanations and exercise sheets as text, Markdown, LaTeX and CSV."""

from __future__ import annotations

import csv
import io
from collections.abc import Sequence
from typing import Literal

from archspec.analyze import Analysis
from archspec.explain.at import Ends, Reading
from archspec.explain.layer import Explanation
from archspec.explain.sheet import COLUMNS, rows
from archspec.explain.walk import sides
from archspec.formula import Formula, escaped, tex
from archspec.op import by
from archspec.report.grid import aligned, pipes, prose
from archspec.report.wording import spelled

Format = Literal["text", "markdown", "latex"]
_HOLE = "____"
_AXIS = {"c": "channels", "h": "height", "w": "width", "l": "length", "t": "time"}
_TITLES = ("Layer", "Operator", "Output shape", "Params", "MACs", "RF")


def write_explanations(
    told: Sequence[Explanation], form: Format, *, blank: bool = False, width: int | None = None
) -> str:
    """The layers one after the other; `blank` leaves the numbers out, and text is told in `width` characters."""
    return "\n\n".join(_layer(one, form, blank, width) for one in told)


def _layer(told: Explanation, form: Format, blank: bool, width: int | None) -> str:
    node, formulas = told.node, _merged(told.formulas)
    operator = spelled(node.op, *told.entering) if told.entering else node.op.name
    entering = " and ".join(map(by, told.entering))
    head = f"{operator}" + (f" on {entering}" if entering else "")
    remarks = () if blank else told.remarks
    if form == "latex":
        lines = [_tex_line(said, blank) for said in formulas]
        body = " \\\\\n".join(lines)
        title = rf"\paragraph{{\texttt{{{escaped(node.path)}}}}} {escaped(head)}"
        return "\n".join([title, r"\begin{align*}", body, r"\end{align*}", *map(escaped, remarks)])
    cells = [(said.quantity, _what(said), _line(said, blank)) for said in formulas]
    if form == "markdown":
        table = [("Quantity", "", "Formula"), *((name, what, f"`{line}`") for name, what, line in cells)]
        return "\n\n".join([f"## `{node.path}`", f"`{head}`", pipes(table, (0, 1, 2)), *remarks])
    text = aligned(cells, (0, 1, 2), width=width and width - 2, give=((2, 40),), prose=True)
    said = [*text.splitlines(), *prose(remarks, width and width - 2).splitlines()]
    return "\n".join([f"{node.path}: {head}", *(f"  {line}" for line in said)])


def _merged(formulas: Sequence[Formula]) -> list[Formula]:
    """Axes whose formulas come to one thing are told once."""
    found: list[Formula] = []
    for said in formulas:
        twin = next((i for i, other in enumerate(found) if other._replace(part="") == said._replace(part="")), None)
        if twin is None or not said.part:
            found.append(said)
        else:
            found[twin] = found[twin]._replace(part=f"{found[twin].part},{said.part}")
    return found


def _what(said: Formula) -> str:
    axis = ", ".join(_AXIS.get(part, part) for part in said.part.split(","))
    return " ".join(word for word in (axis, said.name) if word)


def _line(said: Formula, blank: bool) -> str:
    steps = [said.symbols]
    if not blank and said.substituted and said.substituted != str(said.result):
        steps.append(said.substituted)
    result = _HOLE if blank else _result(said)
    return (
        " = ".join([*steps, result]) if said.substituted or blank else ": ".join([*steps, result] if result else steps)
    )


def _result(said: Formula) -> str:
    if said.result is None:
        return ""
    return by(said.result) if isinstance(said.result, tuple) else f"{said.result:,}"


def _tex_line(said: Formula, blank: bool) -> str:
    label = escaped(" ".join(word for word in (said.quantity, said.part, "" if said.part else said.name) if word))
    result = r"\underline{\hspace{2cm}}" if blank else _result(said).replace(",", "{,}").replace("x", r" \times ")
    filled = said.substituted and not blank and said.substituted != str(said.result)
    steps = [tex(said.symbols), *([tex(said.substituted)] if filled else []), result]
    return rf"\text{{{label}}} &: {' = '.join(step for step in steps if step)}"


def formula_line(said: Formula) -> str:
    """One formula on a line: what it is of, symbols, substitution, result."""
    return " ".join(word for word in (_what(said), _line(said, False)) if word)


def write_sheet(analysis: Analysis, form: Format | Literal["csv"], width: int | None = None) -> str:
    """A table of every layer with holes for the numbers; as CSV it is the file that `check-answers` marks."""
    nodes = [analysis.graph.nodes[row.node] for row in rows(analysis)]
    if form == "csv":
        out = io.StringIO()
        writer = csv.writer(out, lineterminator="\n")
        writer.writerow(COLUMNS)
        writer.writerows((node.path, "", "", "", "") for node in nodes)
        return out.getvalue()
    graph = analysis.graph
    cells = [(node.path, spelled(node.op, *graph.shapes_into(node)), _HOLE, _HOLE, _HOLE, _HOLE) for node in nodes]
    title = f"{graph.name}: input " + ", ".join(by(graph.nodes[index].shape) for index in graph.inputs)
    if form == "markdown":
        return "\n\n".join([f"# {title}", pipes([_TITLES, *cells], (0, 1))])
    if form == "text":
        return "\n\n".join(
            [title, aligned([_TITLES, *cells], (0, 1), ruled=True, width=width, give=((1, 12), (0, 24)))]
        )
    lines = [" & ".join([rf"\texttt{{{escaped(a)}}}", escaped(b), "", "", "", r"\\"]) for a, b, *_ in cells]
    head = " & ".join(rf"\textbf{{{name}}}" for name in _TITLES) + r" \\ \hline"
    table = [r"\begin{tabular}{|l|l|p{2.5cm}|p{2cm}|p{2cm}|p{1.5cm}|}", r"\hline", head]
    return "\n".join([escaped(title), "", *table, *(line + r" \hline" for line in lines), r"\end{tabular}"])


def write_reading(told: Reading) -> str:
    """The rectangles that a unit reads, as text."""
    unit, size = ", ".join(map(str, told.unit)), by(sides(told.origin.shape))
    lines = [
        f"{told.node.path} at ({unit}) reads of {told.origin.path} ({size}, positions from 0):",
        f"  on an endless map  {_rectangle(told.endless)}",
        f"  inside the input   {_rectangle(told.clipped)}",
    ]
    if told.whole:
        everything = told.read == tuple((0, n - 1) for n in sides(told.origin.shape))
        lines.append(f"  and, by a global operation, {'the whole input' if everything else _rectangle(told.read)}")
    elif told.read != told.clipped:
        lines.append(f"  really read        {_rectangle(told.read)}")
        lines.append("  (the rest would enter by units of a layer between that lie in its padding or past its end)")
    lines += [
        f"  {path} may read other positions: what counts is its window at rest, without its padding"
        for path in told.loose
    ]
    lines += [f"  {path} moves positions, and is taken to read all of its input" for path in told.coarse]
    lines += [
        f"  the branches of {path} have different strides (N301): the analysis gives their union at output 0 alone"
        for path in told.uneven
    ]
    return "\n".join(lines)


def _rectangle(ends: tuple[Ends, ...]) -> str:
    names = {1: ("positions",), 2: ("rows", "columns"), 3: ("times", "rows", "columns")}[len(ends)]
    spans = [f"{name} {span[0]} to {span[1]}" for name, span in zip(names, ends, strict=True) if span]
    sizes = tuple(span[1] - span[0] + 1 for span in ends if span)
    return f"{', '.join(spans)} ({by(sizes)})" if spans else "nothing"
