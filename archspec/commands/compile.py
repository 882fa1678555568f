"""`archspec compile`: a network written as PyTorch, ONNX, a diagram or JSON."""

from __future__ import annotations

import sys
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

import click

from archspec.commands.delivery import ending, places
from archspec.commands.spec import Request, reads_spec
from archspec.commands.streams import deliver, tell
from archspec.emit import extra
from archspec.files import whole

if TYPE_CHECKING:
    from archspec.graph import Graph
    from archspec.model import Model
    from archspec.weights import Draws

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

Fill = Callable[[Sequence[Path]], None]


class _Product(NamedTuple):
    """Files that are written together, and what writes them into their drafts."""

    files: tuple[Path, ...]
    fill: Fill


class _Job(NamedTuple):
    """What every product is made from."""

    model: Model
    seed: int
    opset: int
    expand: bool  # draw every iteration of a repeat
    depth: int | None  # draw blocks this deep


@click.command("compile")
@reads_spec
@click.option("-o", "files", multiple=True, metavar="OUT", help="Write to OUT; may be repeated.")
@click.option("--to", "target", type=click.Choice(_TARGETS), help="Otherwise OUT's ending says it.")
@click.option("--seed", type=int, metavar="N", help="Draws the weights (0).")
@click.option("--opset", type=int, metavar="N", help="Of the ONNX model (20).")
@click.option("--weights", is_flag=True, help="Also write the drawn weights, as OUT with the ending .safetensors.")
@click.option("--expand", is_flag=True, help="Draw every iteration of a repeat.")
@click.option("--depth", type=click.IntRange(min=0), metavar="N", help="Draw blocks this deep; deeper ones are a box.")
@click.option("--no-assert", "unchecked", is_flag=True, help="Compile although an assert of the spec fails.")
def command(
    request: Request,
    files: tuple[str, ...],
    target: str | None,
    seed: int | None,
    opset: int | None,
    weights: bool,
    expand: bool,
    depth: int | None,
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
    _refuse_idle({*wanted.values(), *(["weights"] if weights else [])}, seed, opset, expand or depth is not None)
    model = request.open()
    failures = model.failures()
    tell([*model.warnings, *failures])
    if failures and not unchecked:
        print("nothing was written; --no-assert compiles all the same", file=sys.stderr)
        return 1
    job = _Job(model, seed or 0, 20 if opset is None else opset, expand, depth)
    products = [_product(job, kind, Path(file)) for file, kind in wanted.items() if file is not None]
    if weights:
        products += [_weights(job, Path(file)) for file in wanted if file is not None]
    targets = dict.fromkeys(file for product in products for file in product.files)
    with whole(*targets, spare=request.spare(model)) as drafts:
        draft = dict(zip(targets, drafts, strict=True))
        for product in products:
            product.fill([draft[file] for file in product.files])
        if None in wanted:
            deliver(_text(job, wanted[None]))
    for product in products:
        for beside in product.files[1:]:
            print(f"{beside} holds the weights of {product.files[0]} and goes with it", file=sys.stderr)
    return 0


def _refuse_idle(targets: set[str], seed: int | None, opset: int | None, drawn: bool) -> None:
    """Refuses options that say nothing about what is written."""
    for option, given, where, of in (
        ("--seed", seed is not None, {"onnx", "weights"}, "drawn weights: .onnx and --weights"),
        ("--opset", opset is not None, {"onnx"}, "the ONNX model"),
        ("--depth or --expand", drawn, {"dot", "svg", "png", "pdf"}, "drawings"),
    ):
        if given and not targets & where:
            raise click.UsageError(f"{option} would change nothing: it is about {of}.")


def _wanted(files: tuple[str, ...], target: str | None) -> dict[str | None, str]:
    """What to write to which file; None is standard output."""
    wanted: dict[str | None, str] = {}
    for file in places(files or ("-",)):
        kind = target or (_ENDINGS.get(ending(file)) if file else None)
        if kind is None and not files:
            raise click.UsageError("Say where to: -o OUT, or --to TARGET for standard output.")
        if kind is None and file is None:
            raise click.UsageError("-o - is standard output: say what to write with --to.")
        if kind is None:
            raise click.UsageError(f"{file}: use one of the endings {' '.join(_ENDINGS)}, or say --to.")
        wanted[file] = kind
    return wanted


def _product(job: _Job, target: str, file: Path) -> _Product:
    """One target as files; the ONNX model may take two."""
    if target == "onnx":
        with extra("writing ONNX"):
            from archspec.emit.onnx_model import fill_onnx, onnx_files
        files = onnx_files(job.model.graph, file)
        return _Product(files, lambda drafts: fill_onnx(*_onnx(job), files, drafts, **_options(job)))

    def fill(drafts: Sequence[Path]) -> None:
        content = _text(job, target)
        drafts[0].write_bytes(content if isinstance(content, bytes) else f"{content.rstrip()}\n".encode())

    return _Product((file,), fill)


def _weights(job: _Job, file: Path) -> _Product:
    """The drawn weights, beside a product."""
    with extra("writing weights"):
        from archspec.emit.weight_files import fill_weights
    graph, draws = _onnx(job)
    beside = file.with_suffix(".safetensors")
    return _Product((beside,), lambda drafts: fill_weights(graph, draws, beside.suffix, drafts[0]))


def _onnx(job: _Job) -> tuple[Graph, Draws]:
    """The graph and its weights, drawn one by one as they are written."""
    from archspec.weights import Draws

    return job.model.graph, Draws(job.model.graph, job.seed)


def _options(job: _Job) -> dict[str, Any]:
    from archspec.emit.onnx_model import describe

    return {"opset": job.opset, "metadata": describe(job.model.analyze(), job.model.source.text)}


def _text(job: _Job, target: str) -> str | bytes:
    """One target in memory."""
    if target == "torch":
        return job.model.torch_source()
    if target == "json":
        from archspec.commands.analyze import json_text

        return json_text(job.model.analyze(), job.model.source)
    if target == "onnx":
        with extra("writing ONNX"):
            from archspec.emit.onnx_model import emit_onnx
        model = emit_onnx(*_onnx(job), **_options(job))
        return bytes(model.SerializeToString(deterministic=True))
    drawing = job.model.to_dot(fold=not job.expand, depth=job.depth)
    if target == "dot":
        return drawing
    from archspec.emit.render import render

    return render(drawing, target)
