"""The Python API: a spec opened as a model that can be analysed, built, exported and drawn."""

from __future__ import annotations

import gc
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from copy import copy
from operator import index
from pathlib import Path
from typing import TYPE_CHECKING, Any, NoReturn

from archspec.expand.definitions import Definitions, Loader
from archspec.expand.free import Bindings, UsageError
from archspec.expand.holes import Hole, find_open
from archspec.expand.nets import Expansion, expand
from archspec.limits import DEFAULT, Budget, Limits
from archspec.silence import heard, misspelt
from archspec.source import Diagnostic, Source, SpecError

if TYPE_CHECKING:
    import onnx
    import torch

    from archspec.analyze import Analysis
    from archspec.counting import Tally
    from archspec.graph import Graph
    from archspec.memory import Checkpoint, Fit, Memory
    from archspec.work import Work

__all__ = ["Model", "UsageError", "build", "load", "loads", "open_holes", "open_model"]

_TRAIN, _RUN = "add train=True, or --train on the command line", "drop it, or train"
_SHORT = {"fp64": "float64", "fp32": "float32", "fp16": "float16", "bf16": "bfloat16"}  # names of data types


class Model:
    """One net of a spec, with every count and argument bound."""

    def __init__(self, source: Source, expansion: Expansion, imported: tuple[Path, ...] = ()) -> None:
        self.source = source
        self.files = imported  # the files that the spec imports, which no output may take the place of
        self.graph: Graph = expansion.graph
        self.warnings: tuple[Diagnostic, ...] = (*misspelt(source), *heard(expansion.warnings))
        self._requirements = expansion.requirements
        self._analyses: dict[tuple[int, str], Analysis] = {}

    @property
    def name(self) -> str:
        """The net's name in the spec; `net` for a flow outside any net."""
        return self.graph.name

    def analyze(self, batch: int = 1, dtype: str = "float32") -> Analysis:
        """Shapes, receptive fields, parameters, MACs, FLOPs and bytes, per layer and in total.

        `dtype` is float32, bfloat16 and so on, or fp32, bf16.  Raises SpecError for a batch or a type that is none.
        """
        from archspec.analyze import analyze

        batch = _whole(batch, f"a batch is a whole number of examples, not {batch!r}", "write 1 or more")
        dtype = _SHORT.get(dtype, dtype)
        if (batch, dtype) not in self._analyses:
            self._analyses[batch, dtype] = analyze(self.graph, batch=batch, dtype=dtype)
        return self._analyses[batch, dtype]

    def memory(
        self,
        batch: int = 1,
        dtype: str = "float32",
        *,
        train: bool = False,
        optimizer: str | None = None,
        checkpoint: Checkpoint = "none",
        inplace: bool = False,
    ) -> Memory:
        """What the network takes to run, or with `train` to train: see `archspec.memory`.

        `optimizer` (adamw where none is named) and `checkpoint` say how it is trained, `inplace` how it is run; raises
        UsageError for one that says nothing here.
        """
        from archspec.memory import infer
        from archspec.memory import train as train_step

        for name, given, mode in (
            ("optimizer", optimizer is not None, True),
            ("checkpoint", checkpoint != "none", True),
            ("inplace", inplace, False),
        ):
            if given and train is not mode:
                raise UsageError(f"{name} is about {'training' if mode else 'inference'}", _TRAIN if mode else _RUN)
        analysis = self.analyze(batch, dtype)
        if not train:
            return infer(analysis, inplace=inplace)
        return train_step(analysis, optimizer=optimizer or "adamw", cut=checkpoint)

    def largest_batch(self, limit: int | str, dtype: str = "float32", **options: Any) -> Fit:
        """The largest batch whose memory is at most `limit`, bytes or a text such as "24GB"; `options` are those of
        `memory`."""
        from archspec.memory import largest_batch, read_bytes

        refusal = f"{limit!r} is no amount of memory", "write bytes, or a text such as 24GB"
        size = read_bytes(limit) if isinstance(limit, str) else _whole(limit, *refusal)
        if size < 1:
            _refuse(*refusal)
        return largest_batch(lambda batch: self.memory(batch, dtype, **options), size)

    def work(self, batch: int = 1, *, optimizer: str = "adamw") -> Work:
        """FLOPs of a training step, forward, backward and update; neurons and connections."""
        from archspec.work import count_work

        return count_work(self.analyze(batch), optimizer=optimizer)

    def count(self, convention: str, batch: int = 1) -> Tally:
        """What another tool or the papers count, in total, by node and by operator: one of `archspec.conventions`.

        Raises SpecError for a name that is none, and where the convention has no number for an operator.
        """
        from archspec.counting import count

        return count(self.analyze(batch), convention)

    def failures(self) -> tuple[Diagnostic, ...]:
        """A diagnostic for every assert that does not hold; they speak of one example, whatever the batch analysed."""
        if not self._requirements:
            return ()
        from archspec.asserts import failures

        return failures(self._requirements, self.analyze())

    def advice(self) -> tuple[Diagnostic, ...]:
        """Notes on where the network leaves the literature's rules of thumb; see `archspec.lint`."""
        from archspec.lint import lint

        return tuple(heard(lint(self.analyze())))

    def fc_to_conv(self, input_shape: tuple[int, ...] | None = None) -> Model:
        """The fully convolutional twin, for another input where a shape (without the batch) is given.

        `archspec.rewrite` says how weights carry over.  The spec's asserts speak of the network itself and are left
        out.  Raises SpecError.
        """
        from archspec.rewrite import FullyConvolutional

        return self._with(FullyConvolutional().run(self.graph, input_shape))

    def _with(self, graph: Graph) -> Model:
        """A model of another graph from the same spec."""
        other = copy(self)
        other.graph, other._requirements, other._analyses = graph, (), {}
        return other

    def torch_source(self) -> str:
        """The network as a plain PyTorch module's source, which imports only torch."""
        from archspec.emit.torch_source import emit_torch

        return emit_torch(self.graph)

    def to_torch(self, seed: int | None = None) -> torch.nn.Module:
        """The live PyTorch module; with a seed it holds the weights that `compile --seed` writes."""
        from archspec.emit.torch_source import build

        return build(self.graph, seed)

    def to_onnx(self, path: str | Path | None = None, *, seed: int = 0, opset: int = 20) -> onnx.ModelProto:
        """The ONNX model with seeded weights; written to `path` when one is given."""
        from archspec.emit.onnx_model import describe, emit_onnx, save_onnx
        from archspec.weights import draw

        weights, metadata = draw(self.graph, seed), describe(self.analyze(), self.source.text)
        if path is not None:
            save_onnx(self.graph, weights, path, opset=opset, metadata=metadata)
        return emit_onnx(self.graph, weights, opset=opset, metadata=metadata)

    def to_dot(self, *, fold: bool = True, depth: int | None = None) -> str:
        """The network as a graphviz drawing's text."""
        from archspec.emit.diagram import emit_dot

        return emit_dot(self.graph, self.analyze(), fold=fold, depth=depth)

    def draw(self, path: str | Path, *, fold: bool = True, depth: int | None = None) -> None:
        """Writes the drawing as .dot, .svg, .png or .pdf, by the path's ending."""
        from archspec.emit.render import render
        from archspec.files import write

        ending = Path(path).suffix.lstrip(".").lower()
        text = self.to_dot(fold=fold, depth=depth)
        write(path, text if ending == "dot" else render(text, ending))

    def __repr__(self) -> str:
        return f"<archspec.Model {self.name} of {self.source.name}: {len(self.graph.nodes)} nodes>"

    def _repr_html_(self) -> str:
        from archspec.report import to_html

        return to_html(self.analyze())

    def _repr_svg_(self) -> str | None:
        """The drawing, where something can lay it out."""
        from archspec.emit import MissingExtra
        from archspec.emit.render import render

        try:
            return render(self.to_dot(), "svg").decode()
        except MissingExtra:
            return None


def _whole(value: Any, message: str, help: str) -> int:
    """A whole number of any kind, NumPy's among them.  Raises SpecError."""
    if not isinstance(value, bool):
        with suppress(TypeError):
            return index(value)
    _refuse(message, help)


def _refuse(message: str, help: str) -> NoReturn:
    """Raises what is wrong with an argument."""
    raise SpecError((Diagnostic("A204", message, help=help),))


def define(source: Source, budget: Budget | None = None) -> Definitions:
    """What a source defines, its imports read.  Raises SpecError."""
    loader = Loader(Path(source.directory) if source.directory else None, budget or Budget())
    definitions = loader.define(source)
    definitions.imported = tuple(loader.loaded)
    return definitions


def open_model(
    source: Source,
    net: str | None = None,
    bindings: Mapping[str, Any] | None = None,
    switches: Mapping[str, bool] | None = None,
    outputs: tuple[str, ...] = (),
    limits: Limits = DEFAULT,
) -> Model:
    """A model of one net.  `bindings` are values by name, texts of the language or Python values; `switches` turn
    options such as `POOL?` on and off; `limits` bound what the run may use.

    Raises SpecError for what is wrong with the spec, UsageError for a net, output or binding that it does not have.
    """
    budget = Budget(limits)
    with _without_collector():
        definitions = define(source, budget)
    return open_net(definitions, net, {**(bindings or {}), **(switches or {})}, outputs, budget)


def open_net(
    definitions: Definitions,
    net: str | None,
    given: Mapping[str, Any],
    outputs: tuple[str, ...] = (),
    budget: Budget | None = None,
) -> Model:
    """A model of one net of a text that is read already; `given` is what is bound from outside, by name."""
    with _without_collector():
        expansion = expand(definitions, net, Bindings(dict(given)), budget or Budget(), outputs)
    return Model(definitions.source, expansion, definitions.imported)


@contextmanager
def _without_collector() -> Iterator[None]:
    """Many small objects are made and few let go of; collecting would take longer the more there are."""
    collecting = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if collecting:
            gc.enable()


def open_holes(source: Source, limits: Limits = DEFAULT) -> tuple[Hole, ...]:
    """What a spec leaves open, in text order: its free symbols, its knobs and its nets' arguments without a value."""
    return find_open(define(source, Budget(limits)))


def load(spec: str | Path, net: str | None = None, *, limits: Limits = DEFAULT, **params: Any) -> Model:
    """Opens a spec file, or a network of the zoo by name, and binds its parameters."""
    from archspec.zoo import open_spec

    source, shipped = open_spec(str(spec), limits.source_bytes)
    return open_model(source, net or shipped, params, limits=limits)


def loads(text: str, net: str | None = None, *, name: str = "<text>", limits: Limits = DEFAULT, **params: Any) -> Model:
    """Opens a spec from its text."""
    return open_model(Source(name, text.removeprefix("\ufeff")), net, params, limits=limits)


def build(
    spec: str | Path | Model, net: str | None = None, *, seed: int | None = None, **params: Any
) -> torch.nn.Module:
    """The live PyTorch module of a spec file, a zoo name or a model."""
    model = spec if isinstance(spec, Model) else load(spec, net, **params)
    return model.to_torch(seed)
