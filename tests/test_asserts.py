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


def refused(condition: str, text: str = NET) -> str:
    with pytest.raises(archspec.SpecError) as caught:
        archspec.loads(f"{text}assert {condition}").failures()
    return str(caught.value)


@pytest.mark.parametrize(
    ("condition", "help"),
    [
        ("params == 5 or 190474", "compare it: params == 190474"),
        ("params == 190474 or 5", "compare it: params == 5"),  # where the right side is not even looked at
        ("params", "compare it: params == 190_474"),
        ("5", "compare it: params == 5"),
        ("macs > 1 and output.channels", "compare it: output.channels == 10"),
        ("1 if params > 5 else 0", "compare it: (1 if params > 5 else 0) == 1"),
    ],
)
def test_a_number_is_no_condition(condition: str, help: str) -> None:
    said = refused(condition)
    assert "error[A202]: an assert needs a condition (on/off) and this is a number" in said
    assert f"help: {help}\n" in said + "\n"


@pytest.mark.parametrize(
    ("condition", "message", "help"),
    [
        ("output.shape != 10", "the sizes (10,) and the number 10", "output.shape is (10,)"),
        ("output.shape == [10]", "the sizes (10,) and a list", "output.shape is (10,)"),
        ("@a.channels != 64x1", "the number 64 and the sizes 64x1", "@a.channels is 64"),
        ('params != "5M"', "the number 190474 and a text", "leave the quotes out"),
    ],
)
def test_values_of_two_kinds_are_not_compared(condition: str, message: str, help: str) -> None:
    """`!=` would hold whatever there is."""
    said = refused(condition)
    assert f"error[A202]: {message} are never equal" in said and f"help: {help}" in said


@pytest.mark.parametrize(
    ("condition", "message", "help"),
    [
        (
            "output.width == 3",
            "the output is a vector of 10, it has no width",
            "there are output.channels, output.shape",
        ),
        ("output.params == 3", "it has no params", "params alone is the network's"),
        ("output.chanels == 3", "it has no chanels", "did you mean output.channels?"),
        ("head.params == 3", "nothing is named head.params", "head is a label: write @head.params"),
        ("stage.macs == 3", "nothing is named stage.macs", "stage is a label: write @stage.macs"),
        ("num_params == 3", "nothing is named num_params", "did you mean params?"),
        ("shape == 3", "nothing is named shape", "did you mean output.shape?"),
        ("output == 10", "nothing is named output", "did you mean output.shape?"),
        ("a1 == 10", "nothing is named a1", "define it with let"),
    ],
)
def test_a_name_that_nothing_defines_says_what_was_meant(condition: str, message: str, help: str) -> None:
    said = refused(condition)
    assert message in said and f"help: {help}" in said


def test_a_layers_path_is_no_name() -> None:
    said = refused("fc1.params == 3", "INPUT(3x32x32) -> FC(10)\n")
    assert "help: give the step a label, as fc1, and write @fc1.params" in said


def test_facts_come_before_the_specs_names_and_later_ones_behind() -> None:
    model = archspec.loads(
        "let params = 5\nlet neurons = 7\nINPUT(3x32x32) -> FC(params)\nassert params == 15_365 and neurons == 7"
    )
    assert model.failures() == ()
    assert [d.code for d in model.warnings] == ["W104"]


def test_an_assert_of_a_block_holds_for_every_stamp() -> None:
    text = "block B(c) {\n  INPUT -> CONV(c)\n  assert c % 8 == 0 and params == 4_000\n}\n"
    model = archspec.loads(text + "INPUT(3x32x32) -> B(8) -> B(12) -> B(20)")
    first, *others = [d.notes for d in model.failures()]
    assert first == ("params is 3,280, not == 4,000, off by 720",)
    assert [notes[0] for notes in others] == ["c % 8 is 4, not == 0, off by 4"] * 2
    assert [d.trace for d in model.failures()] == [("in: B(8)",), ("in: B(12)",), ("in: B(20)",)]


def test_an_assert_says_in_which_iteration_it_fails() -> None:
    text = "block B(c) {\n  INPUT -> CONV(c)\n  assert c < 9\n}\nINPUT(3x32x32) -> [B(c)]*(c in [8, 16])"
    (failure,) = archspec.loads(text).failures()
    assert failure.trace == ("in: B(16), iteration 2 of 2 at 5:19",)


def test_a_field_that_is_global_or_unknown_has_no_extent() -> None:
    for text in ("INPUT(784) -> FC(10)", "INPUT(3x8x8) -> FC(16) -> RESHAPE((1, 4, 4)) -> CONV(3) as z"):
        with pytest.raises(archspec.SpecError, match="A114.*no local receptive field"):
            archspec.loads(f"{text}\nassert receptive_field == 1").failures()
    with pytest.raises(archspec.SpecError, match="A114.*no local receptive field"):
        archspec.loads(f"{text}\nassert @z.receptive_field == 1").failures()
