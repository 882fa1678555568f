"""Random networks as specs: with one input or several, on vectors, sequences, maps and volumes, of every operator."""

from __future__ import annotations

from random import Random

from random_writer import Writer

from archspec.op import Shape, by


def a_shape(dice: Random, rank: int) -> Shape:
    longest = {1: 23, 2: 13, 3: 7}[rank]
    return (dice.choice([1, 2, 3, 4, 6]), *(dice.randint(3, longest) for _ in range(rank)))


def a_map(writer: Writer) -> None:
    """One input; sometimes with a flow that is used twice on it."""
    dice = writer.dice
    writer.shape = a_shape(dice, dice.choice([1, 1, 2, 2, 2, 3]))
    if dice.random() < 0.1:
        act = writer.layers().activation()
        writer.head = [f"input {by(writer.shape)}", f"shared again = {writer.branch()}"]
        writer.steps = ["INPUT", dice.choice([f"again -> {act} -> again", f"[again -> {act}]*2"])]
    else:
        writer.steps = [f"INPUT({by(writer.shape)})"]


def twins(writer: Writer) -> None:
    """Two inputs of one shape through one shared flow."""
    dice = writer.dice
    writer.shape = a_shape(dice, dice.choice([1, 2, 3]))
    flows = ["a -> tower as left", "b -> tower as right"]
    inputs = [f"input {name}: {by(writer.shape)}" for name in "ab"]
    writer.head = [*inputs, f"shared tower = LINEAR({writer.shape[0]}) -> {writer.branch()}", *flows]
    joins = ["absdiff", "concat", "sub", "mean", "dot"] + [f"attend({writer.layers().groups})"] * (
        len(writer.shape) == 2
    )
    writer.steps = [f"{dice.choice(joins)}[@left | @right]"]
    writer.labels = ["left", "right"]
    writer.append("ID")


def a_map_and_a_vector(writer: Writer) -> None:
    """A vector that scales or shifts the channels of the other input."""
    dice = writer.dice
    writer.shape = a_shape(dice, dice.choice([1, 2, 3]))
    inputs = [f"input x: {by(writer.shape)}", f"input v: {dice.randint(2, 6)}"]
    writer.head, writer.steps = dice.sample(inputs, 2), ["@x"]
    width = writer.shape[0]
    writer.extras = [f"{join}[ID | v -> FC({width})]" for join in ("mul", "add(broadcast=on)")]


def a_map_and_a_box(writer: Writer) -> None:
    """An image and a region of it, whose far corner is never before the near one."""
    dice = writer.dice
    writer.shape = a_shape(dice, 2)
    inputs = [f"input x: {by(writer.shape)}", "input box: 4"]
    writer.region = max(writer.shape[1:])
    corners = "box -> SIGMOID -> concat[SLICE(0, 2) | add[SLICE(0, 2) | SLICE(2, 4)]]"
    corners = f"{corners} -> SCALE({writer.region / 2}) as region"
    writer.head, writer.steps = [*dice.sample(inputs, 2), corners], ["@x"]
    for _ in range(2):
        writer.append(writer.element())
    writer.append(writer.pooled_region())


def token_numbers(writer: Writer) -> None:
    """A text."""
    dice = writer.dice
    vocabulary, width = dice.randint(5, 30), dice.choice([2, 4, 6])
    writer.head = [f"input text: {dice.randint(3, 12)}, dtype=int64"]
    writer.steps = ["@text", *["SLICE(1, 3)"] * (dice.random() < 0.1), f"EMBED({vocabulary}, {width})"]
    writer.append(dice.choice(["POSEMBED", "SINUSOID", "CLSTOKEN"]))
    for _ in range(dice.randint(0, 3)):
        writer.append(writer.layers().token_layer())


def text_and_picture(writer: Writer) -> None:
    """A text that attends to the positions of an image."""
    dice, width = writer.dice, writer.pick([2, 4, 6])
    inputs = [f"input text: {dice.randint(3, 9)}, dtype=int64", f"input x: {by(a_shape(dice, 2))}"]
    seen = f"x -> CONV({dice.choice([width, 3])}, stride=2) -> TOKENS as seen"
    writer.head, writer.steps = [*dice.sample(inputs, 2), seen], ["@text", f"EMBED(11, {width})"]
    writer.append(f"attend({dice.choice([1, 2])})[ID | @seen]")
    writer.labels = ["seen"]


def three_sequences(writer: Writer) -> None:
    """Queries, keys and values of different widths."""
    dice, length = writer.dice, writer.dice.randint(3, 9)
    shapes = {"q": (4, dice.randint(3, 9)), "k": (dice.randint(2, 5), length), "v": (dice.randint(2, 5), length)}
    writer.head = [f"input {name}: {by(shape)}" for name, shape in shapes.items()]
    writer.steps = [f"attend({dice.choice([1, 2, 4])}, bias={dice.choice(['on', 'off'])})[q | k | v]"]
    writer.append("ID")


BEGINNINGS = {a_map: 12, twins: 2, a_map_and_a_vector: 1, a_map_and_a_box: 2, token_numbers: 2, text_and_picture: 1}
BEGINNINGS |= {three_sequences: 1}


def draw(dice: Random) -> str:
    """A random spec, which loads."""
    (beginning,) = dice.choices(list(BEGINNINGS), list(BEGINNINGS.values()))
    writer = Writer(dice)
    beginning(writer)
    return writer.write()
