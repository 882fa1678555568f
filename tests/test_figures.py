"""The page of published figures: computed from the specs, current, and equal to an independent calculator's numbers."""

from __future__ import annotations

import json
import re
import runpy
from pathlib import Path
from typing import Any

import pytest

ROOT = Path(__file__).parent.parent
GENERATOR: dict[str, Any] = runpy.run_path(str(ROOT / "docs" / "figures.py"))
PUBLISHED = json.loads((ROOT / "docs" / "figures.json").read_text(encoding="utf-8"))

# What each row has to come to.  Computed without archspec, by arithmetic of its own, and checked layer by layer against
# PyTorch's modules; 26 of the networks also against torchvision's and timm's.
EXACT = {
    "mlp_parameters": "73,015",
    "cs109b_network_total": "2,103,156",
    "cs109b_fc_part": "2,099,716",
    "fc_200x200_parameters": "1,600,000,000 40,000",
    "local_10x10_parameters": "4,000,000 40,000",
    "conv_100x10x10_parameters": "10,000 100",
    "lenet5_1998_trainable_parameters": "60,000",
    "lenet5_1998_connections": "340,068 340,908",
    "alexnet_neurons_layer_1": "290,400",
    "alexnet_neurons_total": "659,272",
    "alexnet_input_dimension": "154,587",
    "alexnet_parameters": "60,965,224 62,378,344 61,100,840",
    "alexnet_flops": "724,406,816 836,547,104 832 1,135,256,096",
    "alexnet_layers": "8",
    "alexnet_model_size": "243.9 232.6",
    "vgg_table_2_a_a_lrn_b_c_d_e_millions": "132,863,336 133,047,848 133,638,952 138,357,544 143,667,240",
    "vgg_up_to_138_million": "143,667,240",
    "vgg_model_size": "553.4 527.8",
    "vgg_3x3_filters_exclusively": "1 3",
    "vgg_d_2cls_parameters": "134,268,738 134,264,641",
    "zfnet_feature_sizes": "110 55 26 13 6",
    "googlenet_conv1_params": "9,408 9,472 2,712",
    "googlenet_conv1_ops": "118,013,952 34,019,328",
    "googlenet_conv2_params_ops": "114,688 359,661,568",
    "googlenet_3a": "163,328 128,049,152",
    "googlenet_3b": "388,096 304,267,264",
    "googlenet_4a": "375,552 73,608,192",
    "googlenet_4b": "448,512 87,908,352",
    "googlenet_4c": "509,440 99,850,240",
    "googlenet_4d": "604,672 118,515,712",
    "googlenet_4e": "867,328 169,996,288",
    "googlenet_5a": "1,042,432 51,079,168",
    "googlenet_5b": "1,442,816 70,697,984",
    "googlenet_linear": "1,024,000",
    "googlenet_total_parameters": "6,998,552 6,990,272",
    "googlenet_total_ops": "1,582,671,872",
    "googlenet_total_parameters_2": "6,998,552",
    "googlenet_aux_parameters_while_training": "13,378,280",
    "googlenet_torchvision_parameters": "6,624,904 13,004,888",
    "googlenet_rf_incl_7x7_pool": "907",
    "allcnn_model_a_strided_a": "839,242",
    "allcnn_convpool_a_all_a": "1,254,250",
    "allcnn_model_b_strided_b": "885,610",
    "allcnn_convpool_b_all_b": "1,300,618",
    "allcnn_model_c_strided_c": "954,730",
    "allcnn_convpool_c_all_c": "1,369,738",
    "nin_cifar10_parameters": "966,986",
    "resnet_flops_18_34_50_101_152": "1,814,073,344 3,663,761,408 3,857,973,248 7,570,194,432 11,282,415,616",
    "resnet_cifar_parameters_20_32_44_56_110_1202": "269,722 464,154 658,586 853,018 1,727,962 19,421,274",
    "resnet_v1_rf_50_101_152": "483 1027 1507",
    "alexnet_vgg16_inception_v3_inception_resnet_v2_mobilenet_v1_rf": "195 212 1311 3039 315",
    "preact_resnet_parameters_164_1001": "1,703,258 10,327,706",
    "wrn_28_10_16_4_40_4": "36,479,194 2,748,890 8,949,210",
    "wide_resnet50_2_parameters": "68,883,240",
    "resnext50_32x4d_params_flops": "25,028,904 4,230,479,872",
    "resnext101_32x4d_params": "44,177,704 7,969,996,800",
    "resnext_table_2x_complexity_rows": "15.01 15.27 15.12 15.46 7.80 7.97",
    "resnext_block_roughly_the_same_complexity": "69,632 70,144",
    "densenet_121_169_201_params": "7,978,856 14,149,480 20,013,928",
    "densenet_cifar_40_12_100_12_bc_100_12_bc_250_24_bc_190_40": "1,019,722 6,979,642 769,162 15,324,406 25,624,430",
    "mobilenet_slide_standard_conv_macs": "1,228,800",
    "mobilenet_slide_dw_separable_macs": "53,952",
    "mobilenet_slide_params": "19,456 1,102",
    "mobilenet_v1_params_mult_adds": "4,231,976 568,740,352",
    "mobilenet_v2_params_macs": "3,504,872 300,774,272",
    "inception_v3_params": "23,817,352 34,432",
    "inception_resnet_v2_params": "55,813,192 60,544",
    "xception_params": "22,855,952",
    "shufflenet_v1_1x_g_3_g_8": "137,460,672 1,864,728 2,433,768",
    "shufflenet_v2_1x": "144,907,992 2,278,604",
    "se_resnet50_params": "28,088,024 3,860,488,192",
    "squeezenet_1_0_params": "1,248,424",
    "fcn_vgg16_params": "134,346,581 1,806,336",
    "fcn_rf_vgg16_alexnet_googlenet": "404 355 907",
    "unet_23_conv_layers_572_388": "23 572 388",
    "yolo_v1_24_conv_2_fc_7x7x30": "24 2 271,703,550 1,470",
    "context_module_basic_params": "28,224 21 168",
    "dilation_figure_rf_of_f1_f2_f3": "3 7 15",
    "coordconv_painter_params": "7,553",
    "simpnet_params": "5,478,223",
    "diracnet_18_34": "11,523,368 21,638,952 11,511,784 21,616,232",
    "xnor_32x_memory": "10.5 58,236,928 62,367,776 249.47 23.80",
    "xnor_58x_speed": "62.27",
    "randwire_ws_4_0_75_c_78": "5,929,468 603,665,420",
    "gap_formula": "",
    "lrn_alpha_1e_4_n_5": "0.0005",
    "bprop_cost": "724,406,816 105,415,200",
}


def numbers(text: str) -> list[str]:
    return re.findall(r"\d+(?:,\d{3})*(?:\.\d+)?", text)


@pytest.mark.parametrize("key", EXACT)
def test_a_row_comes_to_the_exact_numbers(key: str) -> None:
    found = numbers(GENERATOR["computed"](key))
    assert [number for number in EXACT[key].split() if number not in found] == []


def test_every_row_is_computed_and_checked() -> None:
    ids = [row["id"] for row in PUBLISHED]
    assert len(set(ids)) == len(ids)
    assert {*ids} == GENERATOR["COMPUTED"].keys() == EXACT.keys()


def test_every_row_says_its_verdict_and_a_wrong_one_why() -> None:
    for row in PUBLISHED:
        assert row["verdict"], row["id"]
        assert row["why"] or row["verdict"].startswith("ok"), row["id"]


def test_the_errors_of_the_lectures_are_on_the_page() -> None:
    lines = (ROOT / "docs" / "figures.md").read_text(encoding="utf-8").splitlines()
    for published, exact in (
        ("253,440", "290,400"),
        ("832M", "836,547,104"),
        ("2.7K", "9,408"),
        ("~2.8M", "1,228,800"),
        ("134,268,737", "134,268,738"),
        ("~1.3M", "954,730"),
        ("4M", "6,998,552"),
    ):
        assert any(f"| {published} |" in line and exact in line and "| ok |" not in line for line in lines), published


def test_the_page_of_figures_is_current() -> None:
    written = (ROOT / "docs" / "figures.md").read_text(encoding="utf-8")
    assert written == GENERATOR["page"](), "run: python docs/figures.py"
