"""Writes docs/figures.md: published figures beside what archspec computes.  Run it as `python docs/figures.py`.

figures.json holds what was published, the verdict and the reason; every computed number comes from a spec that ships,
opened and analysed here.
"""

from __future__ import annotations

import json
import sys
from collections.abc import Callable, Iterable
from functools import cache
from math import prod
from pathlib import Path
from typing import Any

HERE = Path(__file__).resolve().parent
PAGE = HERE / "figures.md"
sys.path.insert(0, str(HERE.parent))

import archspec  # noqa: E402
from archspec.analyze import Analysis  # noqa: E402

_opened: list[str] = []  # the spec files that the row at work has read


@cache
def _analysed(name: str) -> tuple[Analysis, str]:
    model = archspec.load(name)
    return model.analyze(), Path(model.source.name).name


def net(name: str) -> Analysis:
    """The analysis of a network that ships."""
    analysis, file = _analysed(name)
    if file not in _opened:
        _opened.append(file)
    return analysis


# ---------------------------------------------------------------- questions to a network


def params(*names: str) -> str:
    return _listed(net(name).totals.params for name in names)


def macs(*names: str) -> str:
    return _listed(net(name).totals.macs for name in names)


def both(name: str) -> str:
    return f"{net(name).totals.params:,} / {net(name).totals.macs:,}"


def _listed(numbers: Iterable[int]) -> str:
    return "; ".join(f"{number:,}" for number in dict.fromkeys(numbers))


def at(name: str, path: str) -> tuple[Any, Any]:
    """One layer: its node and its row."""
    analysis = net(name)
    index = next(i for i, node in enumerate(analysis.graph.nodes) if node.path == path)
    return analysis.graph.nodes[index], analysis.rows[index]


def weighty(name: str) -> list[tuple[Any, Any]]:
    """The layers that multiply and sum."""
    analysis = net(name)
    return [(n, r) for n, r in zip(analysis.graph.nodes, analysis.rows, strict=True) if r.macs]


def weights(name: str, inside: str, kind: str = "") -> int:
    """Weights, without biases, of a layer or of what stands below a path."""
    graph = net(name).graph
    return sum(
        prod(weight.shape)
        for node in graph.nodes
        if _stands(node.path, inside) and node.op.name.startswith(kind)
        for weight in node.op.weights(*graph.shapes_into(node))
        if weight.name == "weight" and len(weight.shape) > 1
    )


def work(name: str, inside: str) -> int:
    """MACs of a layer or of what stands below a path."""
    analysis = net(name)
    rows = zip(analysis.graph.nodes, analysis.rows, strict=True)
    return sum(row.macs for node, row in rows if _stands(node.path, inside))


def _stands(path: str, inside: str) -> bool:
    return path == inside or path.startswith(inside + ".")


def field(name: str, path: str = "") -> int:
    """The receptive field of a layer, or of the output."""
    found = at(name, path)[1].field if path else net(name).totals.field
    return int(found.axes[0].size)


def fields(*names: str) -> str:
    return " ".join(str(field(name)) for name in names)


def size_on_disk(name: str) -> str:
    size = net(name).totals.weight_bytes
    return f"{size / 1e6:.1f} MB = {size / 2**20:.1f} MiB (float32)"


def sizes(name: str) -> str:
    """The sizes of the maps, one for each convolution or pool."""
    nodes = [n for n in net(name).graph.nodes if len(n.shape) == 3 and hasattr(n.op, "kernel")]
    return " ".join(str(node.shape[1]) for node in nodes)


# ---------------------------------------------------------------- rows that ask for more


def lenet_connections() -> str:
    graph = net("LeNet5_1998").graph
    links = sum(n.op.connections(n.shape, *graph.shapes_into(n)) for n in graph.nodes if n.inputs)
    last = 10 * graph.nodes[-1].shape[0]
    return f"{links:,}, and {last} of the fixed output units: {links + last:,}"


def alexnet_input() -> str:
    shape = net("AlexNet").graph.nodes[0].shape
    return f"{prod(shape):,} ({'x'.join(map(str, shape))})"


def alexnet_flops() -> str:
    ours, slide, whole = (net(n).totals.macs for n in ("AlexNet", "AlexNet832M", "AlexNetUngrouped"))
    cut = sum(row.macs // 10**6 for _, row in weighty("AlexNet832M"))
    return f"{ours:,} MACs; conv4 ungrouped {slide:,}, cut to millions layer by layer {cut}; all ungrouped {whole:,}"


def vgg_kernels() -> str:
    kernels = {n.op.kernel for n, _ in weighty("VGG16C") if hasattr(n.op, "kernel")}
    return "C has " + " and ".join("x".join(map(str, kernel)) for kernel in sorted(kernels))


def googlenet(*paths: str) -> str:
    """Weights without biases, also in units of 1024, and MACs."""
    count = sum(weights("GoogLeNetInference", path) for path in paths)
    multiplied = sum(work("GoogLeNetInference", path) for path in paths)
    return f"{count:,} = {count / 1024:,.1f}K / {multiplied:,}"


def inception(number: int) -> str:
    """A module by its place, from 0."""
    nodes = net("GoogLeNetInference").graph.nodes
    stamps = [frame.path for node in nodes for frame in node.scope if frame.definition == "Inception"]
    return googlenet(list(dict.fromkeys(stamps))[number])


def googlenet_total() -> str:
    name = "GoogLeNetInference"
    bare = sum(weights(name, node.path) for node, _ in weighty(name))
    return f"{net(name).totals.params:,} ({bare:,} without biases)"


def separable_stem() -> str:
    name = "GoogLeNetSeparable"
    parts = [(n, r) for n, r in weighty(name) if not n.path.startswith("body")]
    return f"{sum(r.params for _, r in parts):,} parameters and {sum(r.macs for _, r in parts):,} MACs if separable"


def googlenet_first() -> str:
    row = at("GoogLeNetInference", "conv1")[1]
    return f"{weights('GoogLeNetInference', 'conv1'):,} ({row.params:,} with bias); {separable_stem()}"


def googlenet_first_work() -> str:
    return f"{at('GoogLeNetInference', 'conv1')[1].macs:,}; {separable_stem()}"


def pooled_field(name: str, window: int) -> int:
    """The field after one more window over the last map."""
    axis = net(name).totals.field
    assert axis is not None
    return int(axis.axes[0].size + (window - 1) * axis.axes[0].step)


def resnext_table() -> str:
    rows = ("ResNet101", "ResNeXt101_32x4d", "ResNet200", "ResNet101_1x100d", "ResNeXt101_2x64d", "ResNeXt101_64x4d")
    return ", ".join(f"{name} {net(name).totals.macs / 1e9:.2f}G" for name in rows)


def resnext_block() -> str:
    ours = [weights(name, "stage.0.bottleneck1.1", "CONV") for name in ("ResNet50", "ResNeXt50_32x4d")]
    return f"{ours[0]:,} and {ours[1]:,} weights"


def with_statistics(name: str) -> str:
    totals = net(name).totals
    return f"{totals.params:,} + {totals.buffers:,} running statistics = {totals.params + totals.buffers:,}"


def fcn_params() -> str:
    up = sum(row.params for node, row in weighty("FCN32s") if node.op.name == "UPCONV")
    return f"{net('FCN32s').totals.params - up:,} without upsampling filters, which add {up:,}"


def fcn_fields() -> str:
    score = field("FCN32s", "vgg.score")
    return f"{score} / {pooled_field('AlexNet', 6)} / {pooled_field('GoogLeNetInference', 7)}"


def unet_layers() -> str:
    names = [node.op.name for node, _ in weighty("UNet")]
    nodes, up = net("UNet").graph.nodes, names.count("UPCONV")
    return f"{len(names)} convolutions, {up} of them up; {nodes[0].shape[1]} -> {nodes[-1].shape[1]}"


def yolo_layers() -> str:
    names = [node.op.name for node, _ in weighty("YOLO")]
    return (
        f"{names.count('CONV')} + {names.count('FC')} layers, {prod(net('YOLO').graph.nodes[-1].shape):,} outputs, "
        f"{params('YOLO')} parameters"
    )


def context_weights() -> str:
    total = net("ContextBasic").totals.params
    bare = sum(weights("ContextBasic", node.path) for node, _ in weighty("ContextBasic"))
    return f"{bare:,} weights for C = 21, and {total - bare} biases"


def layer_fields(name: str) -> str:
    return " ".join(str(row.field.axes[0].size) for _, row in weighty(name))


def binary_memory() -> str:
    layers = [
        (n, prod(n.op.weights(*net("BWNAlexNet").graph.shapes_into(n))[0].shape)) for n, _ in weighty("BWNAlexNet")
    ]
    whole = sum(count for _, count in layers)
    binary = sum(count for node, count in layers if node.op.name == "BINCONV")
    full, packed = 4 * whole / 1e6, (4 * (whole - binary) + binary / 8) / 1e6
    return f"{full / packed:.1f}x: {binary:,} of {whole:,} weights are binary, {full:.2f} MB become {packed:.2f}"


def binary_speed() -> str:
    graph = net("BWNAlexNet").graph
    node = next(n for n in graph.nodes if n.op.name == "BINCONV" and graph.shapes_into(n)[0][0] == 256)
    taps = prod(graph.shapes_into(node)[0][:1]) * prod(node.op.kernel)
    return f"{64 * taps / (taps + 64):.2f}x by 64n/(n + 64), n = {taps:,} products per output; no spec knows a clock"


def rand_wire() -> str:
    return f"{both('RandWireRing')} for one published set of graphs; {both('RandWire')} for our seed 1"


def mean_pool() -> str:
    graph = net("GoogLeNetInference").graph
    node = next(n for n in graph.nodes if n.op.name == "GAP")
    return f"the mean: nn.{node.op.torch(*graph.shapes_into(node)).module}"


def response_alpha() -> str:
    node = at("AlexNet", "lrn1")[0]
    made = node.op.torch(*net("AlexNet").graph.shapes_into(node))
    return f"alpha={node.op.alpha:g}, n={node.op.n} becomes alpha={made.kwargs['alpha']:g} in PyTorch and ONNX"


def backward() -> str:
    graph = net("AlexNet").graph
    first, _ = weighty("AlexNet")[0]
    left_out = first.op.gradient_macs(0, first.shape, *graph.shapes_into(first))
    forward = net("AlexNet").totals.macs
    return f"AlexNet: {2 * forward - left_out:,} = 2 x {forward:,} - {left_out:,} MACs"


# ---------------------------------------------------------------- what computes each row

COMPUTED: dict[str, Callable[[], str]] = {
    "mlp_parameters": lambda: params("MLP"),
    "cs109b_network_total": lambda: params("CS109B"),
    "cs109b_fc_part": lambda: f"{sum(r.params for n, r in weighty('CS109B') if n.op.name == 'FC'):,}",
    "fc_200x200_parameters": lambda: _with_bias("FullyConnected"),
    "local_10x10_parameters": lambda: _with_bias("LocallyConnected"),
    "conv_100x10x10_parameters": lambda: _with_bias("SharedFilters"),
    "lenet5_1998_trainable_parameters": lambda: params("LeNet5_1998"),
    "lenet5_1998_connections": lenet_connections,
    "alexnet_neurons_layer_1": lambda: f"{prod(at('AlexNet', 'conv1')[0].shape):,}",
    "alexnet_neurons_total": lambda: f"{sum(prod(node.shape) for node, _ in weighty('AlexNet')):,}",
    "alexnet_input_dimension": alexnet_input,
    "alexnet_parameters": lambda: (
        f"{params('AlexNet')}; ungrouped {params('AlexNetUngrouped')}, one tower {params('AlexNetOneTower')}"
    ),
    "alexnet_flops": alexnet_flops,
    "alexnet_layers": lambda: f"{net('AlexNet').totals.depth} weight layers",
    "alexnet_model_size": lambda: size_on_disk("AlexNet"),
    "vgg_table_2_a_a_lrn_b_c_d_e_millions": lambda: params("VGG11", "VGG11_LRN", "VGG13", "VGG16C", "VGG16", "VGG19"),
    "vgg_up_to_138_million": lambda: f"{params('VGG19')} (E)",
    "vgg_model_size": lambda: size_on_disk("VGG16"),
    "vgg_3x3_filters_exclusively": vgg_kernels,
    "vgg_d_2cls_parameters": lambda: f"{params('VGG16TwoClasses')}; one unit {params('VGG16OneUnit')}",
    "zfnet_feature_sizes": lambda: sizes("ZFNet"),
    "googlenet_conv1_params": googlenet_first,
    "googlenet_conv1_ops": googlenet_first_work,
    "googlenet_conv2_params_ops": lambda: googlenet("body.conv1", "body.conv2"),
    **{
        f"googlenet_{module}": lambda number=number: inception(number)
        for number, module in enumerate(("3a", "3b", "4a", "4b", "4c", "4d", "4e", "5a", "5b"))
    },
    "googlenet_linear": lambda: googlenet(weighty("GoogLeNetInference")[-1][0].path),
    "googlenet_total_parameters": googlenet_total,
    "googlenet_total_ops": lambda: macs("GoogLeNetInference"),
    "googlenet_total_parameters_2": lambda: params("GoogLeNetInference"),
    "googlenet_aux_parameters_while_training": lambda: params("GoogLeNet"),
    "googlenet_torchvision_parameters": lambda: params("GoogLeNetTorchvision", "GoogLeNetTorchvisionAux"),
    "googlenet_rf_incl_7x7_pool": lambda: str(pooled_field("GoogLeNetInference", 7)),
    "allcnn_model_a_strided_a": lambda: params("ModelA", "StridedCNN_A"),
    "allcnn_convpool_a_all_a": lambda: params("ConvPoolCNN_A", "AllCNN_A"),
    "allcnn_model_b_strided_b": lambda: params("ModelB", "StridedCNN_B"),
    "allcnn_convpool_b_all_b": lambda: params("ConvPoolCNN_B", "AllCNN_B"),
    "allcnn_model_c_strided_c": lambda: params("ModelC", "StridedCNN_C"),
    "allcnn_convpool_c_all_c": lambda: params("ConvPoolCNN_C", "AllCNN_C"),
    "nin_cifar10_parameters": lambda: params("NIN_CIFAR10"),
    "resnet_flops_18_34_50_101_152": lambda: macs("ResNet18", "ResNet34", "ResNet50v1", "ResNet101v1", "ResNet152v1"),
    "resnet_cifar_parameters_20_32_44_56_110_1202": lambda: params(
        "ResNet20", "ResNet32", "ResNet44", "ResNet56", "ResNet110", "ResNet1202"
    ),
    "resnet_v1_rf_50_101_152": lambda: fields("ResNet50v1", "ResNet101v1", "ResNet152v1"),
    "alexnet_vgg16_inception_v3_inception_resnet_v2_mobilenet_v1_rf": lambda: fields(
        "AlexNet", "VGG16", "InceptionV3", "InceptionResNetV2", "MobileNet"
    ),
    "preact_resnet_parameters_164_1001": lambda: params("PreActResNet164", "PreActResNet1001"),
    "wrn_28_10_16_4_40_4": lambda: params("WRN_28_10", "WRN_16_4", "WRN_40_4"),
    "wide_resnet50_2_parameters": lambda: params("WideResNet50_2"),
    "resnext50_32x4d_params_flops": lambda: both("ResNeXt50_32x4d"),
    "resnext101_32x4d_params": lambda: both("ResNeXt101_32x4d"),
    "resnext_table_2x_complexity_rows": resnext_table,
    "resnext_block_roughly_the_same_complexity": resnext_block,
    "densenet_121_169_201_params": lambda: params("DenseNet121", "DenseNet169", "DenseNet201"),
    "densenet_cifar_40_12_100_12_bc_100_12_bc_250_24_bc_190_40": lambda: params(
        "DenseNet_40_12", "DenseNet_100_12", "DenseNet_BC_100_12", "DenseNet_BC_250_24", "DenseNet_BC_190_40"
    ),
    "mobilenet_slide_standard_conv_macs": lambda: macs("StandardConvolution"),
    "mobilenet_slide_dw_separable_macs": lambda: macs("SeparableConvolution"),
    "mobilenet_slide_params": lambda: params("StandardConvolution", "SeparableConvolution"),
    "mobilenet_v1_params_mult_adds": lambda: both("MobileNet"),
    "mobilenet_v2_params_macs": lambda: both("MobileNetV2"),
    "inception_v3_params": lambda: with_statistics("InceptionV3Keras"),
    "inception_resnet_v2_params": lambda: with_statistics("InceptionResNetV2Keras"),
    "xception_params": lambda: with_statistics("Xception"),
    "shufflenet_v1_1x_g_3_g_8": lambda: f"{macs('ShuffleNet_g3')}; {params('ShuffleNet_g3', 'ShuffleNet_g8')}",
    "shufflenet_v2_1x": lambda: f"{macs('ShuffleNetV2')} / {params('ShuffleNetV2')}",
    "se_resnet50_params": lambda: both("SEResNet50v1"),
    "squeezenet_1_0_params": lambda: params("SqueezeNet"),
    "fcn_vgg16_params": fcn_params,
    "fcn_rf_vgg16_alexnet_googlenet": fcn_fields,
    "unet_23_conv_layers_572_388": unet_layers,
    "yolo_v1_24_conv_2_fc_7x7x30": yolo_layers,
    "context_module_basic_params": context_weights,
    "dilation_figure_rf_of_f1_f2_f3": lambda: layer_fields("DilatedFigure"),
    "coordconv_painter_params": lambda: params("CoordConvPainter"),
    "simpnet_params": lambda: params("SimpNet"),
    "diracnet_18_34": lambda: (
        f"{params('DiracNet18Training', 'DiracNet34Training')} training; {params('DiracNet18', 'DiracNet34')} folded"
    ),
    "xnor_32x_memory": binary_memory,
    "xnor_58x_speed": binary_speed,
    "randwire_ws_4_0_75_c_78": rand_wire,
    "gap_formula": mean_pool,
    "lrn_alpha_1e_4_n_5": response_alpha,
    "bprop_cost": backward,
}


def _with_bias(name: str) -> str:
    bare = sum(weights(name, node.path) for node, _ in weighty(name))
    return f"{bare:,} (+{net(name).totals.params - bare:,} biases)"


# ---------------------------------------------------------------- the page

HEAD = """# Published figures, and what archspec computes

What the lectures and papers print, beside what the specs that ship come to. `python docs/figures.py` writes this page
from the specs as they are; a test holds it to them. MACs are multiply-accumulates; parameters are trainable values,
without the running statistics of batch normalisation. "From memory" marks a figure that was recalled and not read
again. The papers' tables themselves are in [tables.md](tables.md).

What no spec can compute is not here: error rates, training curves, training time and measured speed are facts about
data and machines. Where a claim of that kind has an arithmetic core, the row gives that, and says so.

| subject | claim | published | source | computed | verdict | why | spec |
| :--- | :--- | :--- | :--- | :--- | :--- | :--- | :--- |
"""


def computed(key: str) -> str:
    """What the specs come to for one row."""
    _opened.clear()
    return COMPUTED[key]()


def page() -> str:
    """The whole page."""
    published = json.loads((HERE / "figures.json").read_text(encoding="utf-8"))
    lines = []
    for row in published:
        found = computed(row["id"])
        specs = " ".join(f"[{file}](../specs/{file})" for file in _opened)
        cells = (
            row["subject"],
            row["claim"],
            row["published"],
            row["source"],
            found,
            row["verdict"],
            row["why"],
            specs,
        )
        lines.append("| " + " | ".join(cell.replace("|", "\\|") for cell in cells) + " |")
    return HEAD + "\n".join(lines) + "\n"


if __name__ == "__main__":
    PAGE.write_text(page(), encoding="utf-8")
