"""Every reference network is a net of specs/: matched layer by layer, and wired alike."""

from __future__ import annotations

import sys
from collections import Counter
from math import prod
from pathlib import Path
from typing import Any, NamedTuple

import pytest

import archspec
from archspec.model import Model
from archspec.zoo import entries

sys.path.insert(0, str(Path(__file__).parent))
import reference

SPECS = Path(__file__).parent.parent / "specs"

# The reference network, and the spec file and net that write it down.
NETS: dict[str, tuple[str, str]] = {
    "alexnet_conv4_ungrouped(832M slide)": ("alexnet", "AlexNet832M"),
    "alexnet_g1_227": ("alexnet", "AlexNetUngrouped"),
    "alexnet_g2_224": ("alexnet", "AlexNet224"),
    "alexnet_g2_227": ("alexnet", "AlexNet"),
    "alexnet_one_weird_trick(torchvision)": ("alexnet", "AlexNetOneTower"),
    "allcnn_all_A": ("allcnn", "AllCNN_A"),
    "allcnn_all_B": ("allcnn", "AllCNN_B"),
    "allcnn_all_C": ("allcnn", "AllCNN_C"),
    "allcnn_convpool_A": ("allcnn", "ConvPoolCNN_A"),
    "allcnn_convpool_B": ("allcnn", "ConvPoolCNN_B"),
    "allcnn_convpool_C": ("allcnn", "ConvPoolCNN_C"),
    "allcnn_model_A": ("allcnn", "ModelA"),
    "allcnn_model_B": ("allcnn", "ModelB"),
    "allcnn_model_C": ("allcnn", "ModelC"),
    "allcnn_strided_A": ("allcnn", "StridedCNN_A"),
    "allcnn_strided_B": ("allcnn", "StridedCNN_B"),
    "allcnn_strided_C": ("allcnn", "StridedCNN_C"),
    "c3d_101": ("c3d", "C3D_UCF101"),
    "c3d_487": ("c3d", "C3D"),
    "convnetjs_2-6-2-2": ("convnetjs", "ConvNetJS"),
    "cs109b_exercise": ("cs109b", "CS109B"),
    "densenet-40-12": ("densenet_cifar", "DenseNet_40_12"),
    "densenet-BC-100-12": ("densenet_cifar", "DenseNet_BC_100_12"),
    "densenet121": ("densenet", "DenseNet121"),
    "densenet161": ("densenet", "DenseNet161"),
    "densenet169": ("densenet", "DenseNet169"),
    "densenet201": ("densenet", "DenseNet201"),
    "dilation8_frontend_vgg": ("dilated", "DilatedFrontend"),
    "diracnet-18_folded": ("diracnet", "DiracNet18"),
    "diracnet-18_train": ("diracnet", "DiracNet18Training"),
    "diracnet-28-10_folded": ("diracnet", "DiracNet_28_10"),
    "diracnet-28-5_folded": ("diracnet", "DiracNet_28_5"),
    "diracnet-34-2_folded": ("diracnet", "DiracNet_34_2"),
    "diracnet-34_folded": ("diracnet", "DiracNet34"),
    "diracnet-34_train": ("diracnet", "DiracNet34Training"),
    "fast_rcnn_vgg16_perRoI": ("rcnn", "FastRCNN"),
    "faster_rcnn_vgg16": ("rcnn", "FasterRCNN"),
    "fcn16s_vgg16_500": ("fcn", "FCN16s"),
    "fcn32s_vgg16_500": ("fcn", "FCN32s"),
    "fcn8s_vgg16_500": ("fcn", "FCN8s"),
    "googlenet": ("googlenet", "GoogLeNetInference"),
    "googlenet_aux": ("googlenet", "GoogLeNet"),
    "googlenet_aux_torchvision": ("googlenet_torchvision", "GoogLeNetTorchvisionAux"),
    "googlenet_sepconv1": ("googlenet", "GoogLeNetSeparable"),
    "googlenet_torchvision": ("googlenet_torchvision", "GoogLeNetTorchvision"),
    "highway_mlp_100x50": ("highway", "HighwayMLP100x50"),
    "highway_mlp_10x16": ("highway", "HighwayMLP10x16"),
    "highway_mlp_10x50": ("highway", "HighwayMLP"),
    "highway_mlp_8x50": ("highway", "HighwayMLP8x50"),
    "highway_mlp_9x50": ("highway", "HighwayMLP9x50"),
    "inception_naive_3a": ("googlenet", "NaiveInception"),
    "inception_resnet_v1": ("inception_resnet", "InceptionResNetV1"),
    "inception_resnet_v2_paper": ("inception_resnet", "InceptionResNetV2Paper"),
    "inception_resnet_v2_slim": ("inception_resnet", "InceptionResNetV2"),
    "inception_resnet_v2_slim_keras(no gamma)": ("inception_resnet", "InceptionResNetV2Keras"),
    "inception_v3": ("inception_v3", "InceptionV3"),
    "inception_v3_aux": ("inception_v3", "InceptionV3Aux"),
    "inception_v3_keras(no gamma)": ("inception_v3", "InceptionV3Keras"),
    "lenet5_modern": ("lenet5", "LeNet5"),
    "lenet_caffe": ("lenet5", "LeNetCaffe"),
    "mlp_73015_256-200-100-15": ("mlp", "MLP"),
    "mobilenet_v1": ("mobilenet_v1", "MobileNet"),
    "mobilenet_v2": ("mobilenet_v2", "MobileNetV2"),
    "nin_cifar10": ("nin", "NIN_CIFAR10"),
    "nin_imagenet": ("nin", "NIN_ImageNet"),
    "plain18": ("resnet_shortcuts", "Plain18"),
    "plain20_cifar": ("resnet_cifar", "Plain20"),
    "plain34": ("resnet_shortcuts", "Plain34"),
    "plain56_cifar": ("resnet_cifar", "Plain56"),
    "preact_resnet164_cifar": ("preact_resnet", "PreActResNet164"),
    "preact_resnet18_imagenet": ("preact_resnet", "PreActResNet18"),
    "raghu_2-4-4-4": ("raghu", "Raghu"),
    "raghu_2-4-4-4-1": ("raghu", "RaghuScalar"),
    "randwire_ws_C78_small(given graphs)": ("randwire", "RandWireRing"),
    "rcnn_alexnet_finetune_21way": ("rcnn", "RCNN"),
    "resnet101": ("resnet", "ResNet101"),
    "resnet101_1x100d": ("resnext", "ResNet101_1x100d"),
    "resnet101_v1(stride in 1x1)": ("resnet_v1", "ResNet101v1"),
    "resnet110_cifar": ("resnet_cifar", "ResNet110"),
    "resnet152": ("resnet", "ResNet152"),
    "resnet152_v1(stride in 1x1)": ("resnet_v1", "ResNet152v1"),
    "resnet18": ("resnet", "ResNet18"),
    "resnet18_optA": ("resnet_shortcuts", "ResNet18A"),
    "resnet200": ("resnet", "ResNet200"),
    "resnet20_cifar": ("resnet_cifar", "ResNet20"),
    "resnet32_cifar": ("resnet_cifar", "ResNet32"),
    "resnet34": ("resnet", "ResNet34"),
    "resnet34_optA": ("resnet_shortcuts", "ResNet34A"),
    "resnet44_cifar": ("resnet_cifar", "ResNet44"),
    "resnet50": ("resnet", "ResNet50"),
    "resnet50_v1(stride in 1x1)": ("resnet_v1", "ResNet50v1"),
    "resnet56_cifar": ("resnet_cifar", "ResNet56"),
    "resnet56_cifar_B": ("resnet_cifar", "ResNet56B"),
    "resnext101_2x64d": ("resnext", "ResNeXt101_2x64d"),
    "resnext101_32x4d": ("resnext", "ResNeXt101_32x4d"),
    "resnext101_64x4d": ("resnext", "ResNeXt101_64x4d"),
    "resnext50_2x40d": ("resnext", "ResNeXt50_2x40d"),
    "resnext50_32x4d": ("resnext", "ResNeXt50_32x4d"),
    "se_resnet50(caffe)": ("senet", "SEResNet50v1"),
    "se_resnet50_v15": ("senet", "SEResNet50"),
    "shufflenet_v1_1x_g3": ("shufflenet_v1", "ShuffleNet_g3"),
    "shufflenet_v1_1x_g8": ("shufflenet_v1", "ShuffleNet_g8"),
    "shufflenet_v2_1x": ("shufflenet_v2", "ShuffleNetV2"),
    "siamese_caffe_mnist(one shared branch)": ("siamese_caffe", "SiameseMNISTTower"),
    "simpnet_cifar10_5M": ("simpnet", "SimpNet"),
    "squeezenet_1.0_224": ("squeezenet", "SqueezeNet"),
    "squeezenet_1.0_227": ("squeezenet", "SqueezeNet_227"),
    "squeezenet_1.1_224": ("squeezenet", "SqueezeNet_1_1"),
    "unet_572_1in_1cls": ("unet", "UNetOneClass"),
    "unet_572_1in_2cls": ("unet", "UNet"),
    "unet_572_3in_2cls": ("unet", "UNetRGB"),
    "vanilla_cnn_L10_c256": ("vanilla", "VanillaCNN"),
    "vgg_A": ("vgg", "VGG11"),
    "vgg_A-LRN": ("vgg", "VGG11_LRN"),
    "vgg_B": ("vgg", "VGG13"),
    "vgg_C": ("vgg", "VGG16C"),
    "vgg_D": ("vgg", "VGG16"),
    "vgg_D_1cls": ("vgg", "VGG16OneUnit"),
    "vgg_D_2cls": ("vgg", "VGG16TwoClasses"),
    "vgg_E": ("vgg", "VGG19"),
    "wide_resnet50_2": ("resnext", "WideResNet50_2"),
    "wrn-16-4_10cls": ("wrn", "WRN_16_4"),
    "wrn-16-8_10cls": ("wrn", "WRN_16_8"),
    "wrn-28-10_100cls": ("wrn", "WRN_28_10_CIFAR100"),
    "wrn-28-10_10cls": ("wrn", "WRN_28_10"),
    "wrn-40-2_10cls": ("wrn", "WRN_40_2"),
    "wrn-40-4_10cls": ("wrn", "WRN_40_4"),
    "xception": ("xception", "Xception"),
    "yolo_v1_darknet": ("yolo_v1", "YOLODarknet"),
    "yolo_v1_paper": ("yolo_v1", "YOLO"),
    "yu_koltun_context_basic_C21": ("dilated", "ContextBasic"),
    "yu_koltun_context_large_C21": ("dilated", "ContextLarge"),
    "zfnet": ("zfnet", "ZFNet"),
}

# What cannot match, and why.
UNMATCHED: dict[str, str] = {}

Field = tuple[tuple[Any, int, int], ...] | None


class Fact(NamedTuple):
    """What is compared of a layer."""

    kind: str  # weights, pool or join
    shape: tuple[int, ...]
    params: int
    macs: int
    field: Field


class Layer(NamedTuple):
    """A row of either side before it is compared; `kind` is "" where both sides may leave it out."""

    kind: str
    inputs: tuple[int, ...]
    shape: tuple[int, ...]
    params: int
    macs: int
    field: Field
    covers: bool  # one window over the whole map
    phased: bool  # the field depends on the position from here on


def described(layers: list[Layer]) -> Counter[tuple[Fact, tuple[Fact, ...]]]:
    """Every layer that counts with the layers it reads; the order of parallel branches matters to a concat alone.

    Trailing 1s of a shape are dropped; after a window over the whole map the field is that before it.
    """
    facts: list[Fact] = []
    before: list[tuple[int, ...]] = []  # per row the rows that count which it reads
    local: list[bool] = []  # whether a row comes after a window over the whole map
    found: Counter[tuple[Fact, tuple[Fact, ...]]] = Counter()
    for row, layer in enumerate(layers):
        shape = layer.shape
        while len(shape) > 1 and shape[-1] == 1:
            shape = shape[:-1]
        shrunk = layer.covers or (len(shape) == 1 and any(local[i] for i in layer.inputs))
        local.append(shrunk)
        field = facts[layer.inputs[0]].field if shrunk else layer.field
        facts.append(Fact(layer.kind, shape, layer.params, layer.macs, None if layer.phased else field))
        sources = tuple(i for source in layer.inputs for i in before[source])
        before.append((row,) if layer.kind else sources)
        if layer.kind and layer.inputs:
            read = [facts[i] for i in sources]
            found[facts[row], tuple(read if layer.kind == "concat" else sorted(read, key=repr))] += 1
    return found


# ---------------------------------------------------------------- the reference

KINDS = {
    "conv": "weights", "convT": "weights", "local": "weights", "fc": "weights", "bn": "weights", "input": "input",
    "pool": "pool", "roipool": "pool", "add": "add", "cat": "concat", "gate": "mul", "crop": "crop",
}  # fmt: skip


def reference_layers(name: str, crops: bool = True) -> list[Layer]:
    """The rows of a reference network; the weights of a sum are the sum's, those of a Dirac convolution its own.

    Without `crops` where the spec's concat crops.
    """
    rows = reference.networks()[name]
    layers: list[Layer] = []
    for row, given in enumerate(rows):
        covers = given.op == "pool" and _covers(given, rows[given.inputs[0]].shape)
        field = given.field if given.field else None
        phased = given.field is None
        kind = KINDS.get(given.op, "") if crops or given.op != "crop" else ""
        layers.append(Layer(kind, given.inputs, given.shape, given.params, given.macs, field, covers, phased))
        if given.op == "scale" and given.params:
            owner = given.inputs[0]
            layers[owner] = layers[owner]._replace(params=layers[owner].params + given.params)
            layers[row] = layers[row]._replace(params=0)
    return [layer._replace(kind="input", shape=(), field=None) if not layer.inputs else layer for layer in layers]


def _covers(given: reference.Layer, entering: tuple[int, ...]) -> bool:
    kernel = given.attributes["k"]
    sizes = (kernel,) * (len(entering) - 1) if isinstance(kernel, int) else tuple(kernel)
    return sizes == entering[1:] and prod(given.shape[1:]) == 1


# ---------------------------------------------------------------- the spec

JOINS = {"concat": "concat", "mul": "mul"}  # every other join adds
REGIONS = ("roipool", "roialign")


def spec_layers(model: Model, fields: bool = True) -> list[Layer]:
    """The nodes of a net in the terms of the reference; without `fields` where the reference's input is a vector."""
    analysis, layers = model.analyze(), list[Layer]()
    for node, row in zip(model.graph.nodes, analysis.rows, strict=True):
        entering = model.graph.shapes_into(node)
        kind, covers, inputs = "", False, node.inputs
        if not node.inputs:
            kind = "input"
        elif node.op.name in REGIONS:  # the reference leaves the box out
            kind, inputs = "pool", node.inputs[1:]
        elif len(node.inputs) > 1:
            kind = JOINS.get(node.op.name, "add")
        elif node.op.name == "CROP":
            kind = "crop"
        elif row.params or row.macs:
            kind = "weights"
        elif node.op.name.endswith("POOL") or node.op.name in ("GAP", "GMP"):
            kind = "pool"
            covers = prod(node.shape[1:]) == 1 and getattr(node.op, "kernel", entering[0][1:]) == entering[0][1:]
        phased = node.op.name in (*REGIONS, "UPCONV") or any(layers[i].phased for i in node.inputs)
        field: Field = None
        if fields and row.field is not None and row.field.axes and not phased:
            field = tuple((axis.stride, *(axis.at(0) or (0, 0))) for axis in row.field.axes)
        shape = node.shape if node.inputs else ()
        field = field if node.inputs else None
        layers.append(Layer(kind, inputs, shape, row.params, row.macs, field, covers, phased))
    return layers


def opened(file: str, net: str | None) -> Model:
    return archspec.load(SPECS / f"{file}.arch", net)


@pytest.mark.parametrize("name", sorted(reference.networks()))
def test_a_reference_network_is_a_net_of_the_zoo(name: str) -> None:
    if name in UNMATCHED:
        assert name not in NETS
        return
    model = opened(*NETS[name])
    wanted = described(reference_layers(name, crops=any(node.op.name == "CROP" for node in model.graph.nodes)))
    found = described(spec_layers(model, fields=len(reference.networks()[name][0].shape) > 1))
    missing, extra = wanted - found, found - wanted
    assert not missing and not extra, _difference(missing, extra)
    totals, rows = model.analyze().totals, reference.networks()[name]
    assert totals.params == sum(row.params for row in rows)
    assert totals.macs == sum(row.macs for row in rows)


def _difference(*sides: Counter[Any]) -> str:
    lines = []
    for title, side in zip(("only in the reference:", "only in the spec:"), sides, strict=True):
        lines += [title, *(f"  {count}x {fact} <- {sources}" for (fact, sources), count in list(side.items())[:4])]
    return "\n".join(lines)


# ---------------------------------------------------------------- all nets that ship


def shipped() -> list[tuple[str, str | None]]:
    """File and net of what `archspec zoo` lists, but for the blueprint, which is left open on purpose."""
    return [(entry.path.stem, entry.net) for entry in entries() if entry.path.stem != "blueprint"]


@pytest.mark.parametrize(("file", "net"), shipped())
def test_a_net_that_ships_keeps_what_it_asserts_and_warns_of_nothing(file: str, net: str | None) -> None:
    model = opened(file, net)
    assert model._requirements, "a net of the zoo states its counts"
    assert model.failures() == ()
    assert [w for w in model.warnings if w.severity == "warning"] == []


# Beyond these a verification takes long; `archspec verify NAME` runs it for any of them.
MOST_PARAMETERS, MOST_MACS = 1_500_000, 150_000_000


@pytest.mark.parametrize(("file", "net"), shipped())
def test_a_small_net_computes_the_same_in_pytorch_and_onnxruntime(file: str, net: str | None) -> None:
    pytest.importorskip("torch")
    pytest.importorskip("onnxruntime")
    from archspec.verify import verify

    model = opened(file, net)
    totals = model.analyze().totals
    if totals.params > MOST_PARAMETERS or totals.macs > MOST_MACS:
        pytest.skip("large")
    report = verify(model.graph)
    assert report.passed, str(report)


def test_the_nets_that_ship_have_names_of_their_own() -> None:
    names = [(net or file).lower().replace("_", "") for file, net in shipped()]
    assert [name for name, count in Counter(names).items() if count > 1] == []


def test_every_reference_network_is_accounted_for() -> None:
    assert NETS.keys() | UNMATCHED.keys() == reference.networks().keys()
    assert not NETS.keys() & UNMATCHED.keys()
