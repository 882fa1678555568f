"""What autograd keeps of a network in training: archspec's account beside PyTorch's own hooks.

    python benchmarks/saved_tensors.py          writes the table of docs/memory.md again

Each network is emitted, put in training mode and run once forward on a CPU with a batch of two; every storage that
PyTorch hands to its saved-tensor hooks counts once, parameters and buffers apart.
"""

from __future__ import annotations

import re
import sys
from functools import cache
from pathlib import Path
from typing import Any, NamedTuple

import torch

from archspec.memory import train
from archspec.model import Model, loads, open_model
from archspec.source import Source
from archspec.zoo import open_spec

BATCH = 2
PAGE = Path(__file__).resolve().parent.parent / "docs" / "memory.md"
BEGIN, END = "<!-- saved tensors: begin -->\n", "<!-- saved tensors: end -->\n"

# Networks of the zoo; a smaller image stands behind the @, so that all of them run in seconds.
ZOO = (
    *("MLP", "HighwayMLP", "LeNet5_1998", "LeNet5", "LeCun1989", "AlexNet", "ZFNet", "NIN_CIFAR10", "AllCNN_C"),
    *("VGG16@32", "GoogLeNet", "GoogLeNetTorchvision@64", "InceptionV3@107", "InceptionResNetV2@107", "Xception@107"),
    *("ResNet18@64", "ResNet50@64", "PreActResNet18@64", "ResNet20", "WRN_16_4", "ResNeXt50_32x4d@64", "SEResNet50@64"),
    *("DenseNet121@64", "MobileNet@64", "MobileNetV2@64", "ShuffleNet_g3@64", "ShuffleNetV2@64", "SqueezeNet@64"),
    *("DARTS", "RandWire@64", "DiracNet_28_5", "DeformableConvolution", "CoordConvPainter"),
)

# Networks that read sequences or keep their channels last.
TEXTS = {
    "vision transformer": """INPUT(3x32x32) -> CONV(48, 4x4, 4, pad=valid) -> TOKENS -> CLSTOKEN -> POSEMBED
        -> DROPOUT(0.1)
        -> [res[LN -> MHA(4) -> DROPPATH(0.1)] -> res[LN -> LINEAR(192) -> GELU -> DROPOUT(0.1) -> LINEAR(48)]]*3
        -> LN -> TOKEN(0) -> FC(10)""",
    "decoder": """input text: 24, dtype=int64
        text -> EMBED(100, 48) -> POSEMBED -> DROPOUT(0.1)
        -> [res[LN -> MHA(4, causal)] -> res[LN -> LINEAR(192) -> GELU -> LINEAR(48)]]*3 -> RMSNORM -> LINEAR(100)""",
    "ConvNeXt": """INPUT(3x32x32) -> CONV(24, 4x4, 4, pad=valid) -> LN(axis=channel)
        -> [res[DWCONV(7x7) -> LN(axis=channel) -> LINEAR(96) -> GELU -> LINEAR(24) -> LAYERSCALE]]*3
        -> GAP -> FLATTEN -> LN -> FC(10)""",
    "Swin": """INPUT(3x32x32) -> CONV(24, 4x4, 4, pad=valid)
        -> [res[LN(axis=channel) -> WMHA(3, 4, 0)] -> res[LN(axis=channel) -> LINEAR(96) -> GELU -> LINEAR(24)]
            -> res[LN(axis=channel) -> WMHA(3, 4, 2)] -> res[LN(axis=channel) -> LINEAR(96) -> GELU -> LINEAR(24)]]*2
        -> GAP -> FC(10)""",
}


class Row(NamedTuple):
    """One line of the table: bytes kept by each account."""

    net: str
    input: str
    tensors: int
    archspec: int
    torch: int


@cache
def networks() -> dict[str, Model]:
    """Every network of the table."""
    return {**{name.partition("@")[0]: _shrunk(name) for name in ZOO}, **{name: loads(t) for name, t in TEXTS.items()}}


def _shrunk(name: str) -> Model:
    name, _, size = name.partition("@")
    source, net = open_spec(name)
    text = re.sub(r"(input .*?3x)\d+x\d+", rf"\g<1>{size}x{size}", source.text) if size else source.text
    return open_model(Source(source.name, text, source.directory), net)


def torch_saved(module: torch.nn.Module, *inputs: torch.Tensor) -> dict[Any, int]:
    """Bytes of every storage that a forward pass hands to the hooks, but for parameters and buffers."""
    own = {tensor.untyped_storage().data_ptr() for tensor in (*module.parameters(), *module.buffers())}
    kept: dict[int, torch.Tensor] = {}

    def pack(tensor: torch.Tensor) -> torch.Tensor:
        place = tensor.untyped_storage().data_ptr()
        if place not in own:
            kept[place] = tensor  # held, so that the next tensor gets another place
        return tensor

    with torch.autograd.graph.saved_tensors_hooks(pack, lambda tensor: tensor):
        outputs = module(*inputs)
    del outputs
    return {place: tensor.untyped_storage().nbytes() for place, tensor in kept.items()}


def random_inputs(model: Model, batch: int = BATCH) -> list[torch.Tensor]:
    """Numbers for every input of a network; token numbers are 0 or 1, a box is 8 pixels wide."""
    drawn = []
    for index in model.graph.inputs:
        node = model.graph.nodes[index]
        if getattr(node.op, "dtype", "") == "int64":
            drawn.append(torch.randint(0, 2, (batch, *node.shape)))
        elif node.shape == (4,):
            drawn.append(torch.tensor([[0.0, 0.0, 8.0, 8.0]] * batch))
        else:
            drawn.append(torch.randn(batch, *node.shape))
    return drawn


def compare(name: str, model: Model) -> Row:
    """One network, by both accounts."""
    memory = train(model.analyze(batch=BATCH))
    kept = torch_saved(model.to_torch().train(), *random_inputs(model))
    shapes = ", ".join("x".join(map(str, model.graph.nodes[index].shape)) for index in model.graph.inputs)
    return Row(name, shapes, len(memory.tensors), memory.part("saved"), sum(kept.values()))


def table(rows: list[Row]) -> str:
    """The rows as a GitHub table."""
    lines = [
        "| network | input | tensors | archspec | PyTorch | difference |",
        "| :--- | :--- | ---: | ---: | ---: | ---: |",
    ]
    for row in rows:
        difference = row.archspec - row.torch
        lines.append(f"| {row.net} | {row.input} | {row.tensors} | {row.archspec:,} | {row.torch:,} | {difference:,} |")
    return "\n".join(lines) + "\n"


def main() -> None:
    torch.manual_seed(0)
    text = PAGE.read_text(encoding="utf-8")
    before, _, rest = text.partition(BEGIN)
    _, _, after = rest.partition(END)
    made = table([compare(name, model) for name, model in networks().items()])
    PAGE.write_text(before + BEGIN + made + END + after, encoding="utf-8")
    sys.stdout.write(made)


if __name__ == "__main__":
    main()
