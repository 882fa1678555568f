"""`archspec compile`: a network written as PyTorch, ONNX, a diagram or JSON."""

from __future__ import annotations

import sys
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

import click

from archspec.commands.spec import Request, reads_spec
from archspec.commands.streams import deliver, ending, tell

if TYPE_CHECKING:
    from archspec.model import Model

_ENDINGS = {
    ".py": "torch",
    ".onnx": "onnx",
    ".dot": "dot",
    ".gv": "dot",
    ".svg": "svg",
    ".png": "png",
    ".pdf": "pdf",
    ".json": "json",
}
_TARGETS = tuple(dict.fromkeys(_ENDINGS.values()))


class _Job(NamedTuple):
    """One product to write: `file` is None for standard output."""

    model: Model
    target: str
    file: str | None
    seed: int
    opset: int
    spare: tuple[str, ...]


@click.command("compile")
@reads_spec
@click.option("-o", "files", multiple=True, metavar="OUT", help="Write to OUT; may be repeated.")
@click.option("--to", "target", type=click.Choice(_TARGETS), help="Otherwise OUT's ending says it.")
@click.option("--seed", type=int, default=0, show_default=True, metavar="N", help="Draws the weights.")
@click.option("--opset", type=int, default=20, show_default=True, metavar="N", help="Of the ONNX model.")
@click.option("--weights", is_flag=True, help="Also write the drawn weights, as OUT with the ending .safetensors.")
@click.option("--no-assert", "unchecked", is_flag=True, help="Compile although an assert of the spec fails.")
def command(
    request: Request,
    files: tuple[str, ...],
    target: str | None,
    seed: int,
    opset: int,
    weights: bool,
    unchecked: bool,
) -> int:
    """Writes a network as PyTorch (.py), ONNX (.onnx), a diagram (.dot .svg .png .pdf) or JSON (.json).

    \b
    Examples:
      archspec compile resnet50 -o resnet50.py -o resnet50.onnx
      archspec compile vgg.arch VGG16 --to dot | less
    """
    wanted = _wanted(files, target)
    if weights and not any(wanted):
        raise click.UsageError("--weights needs -o OUT: the weights are written beside it.")
    model = request.open()
    failures = model.failures()
    tell([*model.warnings, *failures])
    if failures and not unchecked:
        print("nothing was written; --no-assert compiles all the same", file=sys.stderr)
        return 1
    for file, kind in wanted.items():
        job = _Job(model, kind, file, seed, opset, request.spare)
        _WRITERS[kind](job)
        if weights and file is not None:
            _write_weights(job)
    return 0


def _wanted(files: tuple[str, ...], target: str | None) -> dict[str | None, str]:
    """What to write to which file; None is standard output."""
    wanted: dict[str | None, str] = {}
    for file in files or ("-",):
        kind = target or _ENDINGS.get(ending(file))
        if kind is None and not files:
            raise click.UsageError("Say where to: -o OUT, or --to TARGET for standard output.")
        if kind is None and file == "-":
            raise click.UsageError("-o - is standard output: say what to write with --to.")
        if kind is None:
            raise click.UsageError(f"{file}: use one of the endings {' '.join(_ENDINGS)}, or say --to.")
        wanted[None if file == "-" else file] = kind
    return wanted


def _write_torch(job: _Job) -> None:
    deliver(job.model.torch_source(), job.file, job.spare)


def _write_onnx(job: _Job) -> None:
    from archspec.emit import extra
    from archspec.weights import Draws

    with extra("writing ONNX"):
        from archspec.emit.onnx_model import describe, emit_onnx, save_onnx

    graph, weights = job.model.graph, Draws(job.model.graph, job.seed)
    metadata = describe(job.model.analyze(), job.model.source.text)
    if job.file is not None:
        save_onnx(graph, weights, job.file, opset=job.opset, metadata=metadata, spare=job.spare)
        return
    model = emit_onnx(graph, weights, opset=job.opset, metadata=metadata)
    deliver(model.SerializeToString(deterministic=True), None)


def _write_drawing(job: _Job) -> None:
    text = job.model.to_dot()
    if job.target == "dot":
        deliver(text, job.file, job.spare)
        return
    from archspec.emit.render import render

    deliver(render(text, job.target), job.file, job.spare)


def _write_json(job: _Job) -> None:
    from archspec.commands.analyze import json_text

    deliver(json_text(job.model.analyze(), job.model.source), job.file, job.spare)


def _write_weights(job: _Job) -> None:
    from archspec.emit import extra
    from archspec.weights import Draws

    with extra("writing weights"):
        from archspec.emit.weight_files import save_weights

    assert job.file is not None
    graph = job.model.graph
    save_weights(graph, Draws(graph, job.seed), Path(job.file).with_suffix(".safetensors"), spare=job.spare)


_WRITERS: dict[str, Callable[[_Job], None]] = {
    "torch": _write_torch,
    "onnx": _write_onnx,
    "json": _write_json,
    **dict.fromkeys(("dot", "svg", "png", "pdf"), _write_drawing),
}
