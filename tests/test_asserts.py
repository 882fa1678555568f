"""What a spec asserts of itself: totals, taps, and a failure that says by how much and because of which layers."""

from __future__ import annotations

import pytest

import archspec

NET = "INPUT(3x32x32) -> CONV(64) as a -> [CONV(64)*2 -> POOL]*2 as stage -> FC(10) as head\n"


def failed(condition: str) -> list[str]:
    return [str(archspec.render(d)) for d in archspec.loads(NET + f"assert {condition}").failures()]


@pytest.mark.parametrize(
    "condition",
    [
        "params == 1_792 + 4*36_928 + 40_970",  # 64*27+64, four of 64*576+64, 10*4096+10
        "macs == 1024*1728 + 2*(1024 + 256)*36_864 + 40_960",
        "weight_bytes == 4*params and buffers == 0 and depth == 6",
        # 3, then 5, 7, pooled 8 at jump 2; 12, 16, pooled 18
        "receptive_field == 18 and @a.receptive_field == 3",
        "@a.channels == 64 and @a.height == 32 and @head.params == 40_970",
        "@stage.receptive_field == 18 and output.channels == 10",
        "params < 1M or params > 2M",
    ],
)
def test_what_holds_says_nothing(condition: str) -> None:
    assert failed(condition) == []


def test_a_failure_says_by_how_much_and_names_the_heaviest_layers() -> None:
    (text,) = failed('params < 100K, "the lab\'s budget"')
    assert "error[A501]: assert failed: the lab's budget" in text
    assert "params is 190,474, not < 100,000, off by 90,474" in text
    assert "most of it: head 40,970, stage.0.conv1.0 36,928, stage.0.conv1.1 36,928" in text


def test_only_the_part_that_fails_is_told() -> None:
    (text,) = failed("params < 1M and macs < 5M")
    assert "params is" not in text
    assert "macs is 96,182,272, not < 5,000,000" in text


def test_a_name_that_is_no_fact_is_an_error() -> None:
    with pytest.raises(archspec.SpecError, match="a step has no weight"):
        failed("@head.weight == 3")
