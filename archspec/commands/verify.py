"""`archspec verify`: whether PyTorch and onnxruntime compute the same from what archspec writes."""

from __future__ import annotations

import click

from archspec.commands.spec import Request, reads_spec
from archspec.commands.streams import deliver, tell


@click.command("verify")
@reads_spec
@click.option(
    "--seed",
    "seeds",
    type=int,
    multiple=True,
    default=(0,),
    metavar="N",
    help="Draws weights and inputs (0); may be repeated.",
)
@click.option("--batch", type=click.IntRange(min=1), default=2, show_default=True, metavar="N", help="Examples to run.")
@click.option("--opset", type=int, default=20, show_default=True, metavar="N", help="Of the ONNX model.")
def command(request: Request, seeds: tuple[int, ...], batch: int, opset: int) -> int:
    """Emits PyTorch and ONNX, runs both on the same weights and inputs, and compares shapes, parameters and values.

    Exit 0 where they agree and the spec's asserts hold, 1 where not.

    \b
    Example:
      archspec verify lenet5 --seed 1 --seed 2
    """
    from archspec.verify import verify

    model = request.open()
    failures = model.failures()
    report = verify(model.graph, seeds=seeds, batch=batch, opset=opset)
    deliver(str(report))
    tell([*model.warnings, *failures])
    return 0 if report.passed and not failures else 1
