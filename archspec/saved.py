"""What autograd keeps of one layer until the backward pass: the record that a card's rule `saved` returns.

The rules follow the derivatives of the PyTorch that a card emits, as they run on a CPU for a batch of two or more.
"""

from __future__ import annotations

from typing import Literal, NamedTuple

Order = Literal["input", "map", "image", "first", "last", "attention"]
Read = Literal["as it is", "flat", "first", "image", "last", "matrices", "attention"]


class Kept(NamedTuple):
    """A tensor that a layer makes on its way and needs again for its gradients.

    `shape` is one example's, or the whole batch's where not `batched` (statistics, computed kernels).  `dtype` is ""
    where it is the activations'.  What is not needed `always` is needed for the gradient of the layer's input alone,
    which a first layer does without.
    """

    name: str
    shape: tuple[int, ...]
    dtype: str = ""
    batched: bool = True
    always: bool = True


class Saved(NamedTuple):
    """What a layer keeps, and how its output lies in memory, which decides what a later layer keeps.

    `inputs` are kept `to` find any gradient, or each to find those of the others, or its own.  `read` says how the
    layer has to find them: an input that does not lie so is copied, and the copy is kept.  flat: an example's values in
    order; first, last: channels first, channels last; image: either; matrices: such as can be counted in one row;
    attention: positions before the batch.

    An output has memory of its own, in the `order` of the input; as a map or an image (of two axes or more), channels
    last where the inputs are so; or as said.  But it may live in the first input's memory: `view` names the axis of the
    input that each of its axes follows, in `steps`; `reshape` asks for such an output and gets it where the order of
    the values allows it.
    """

    inputs: tuple[int, ...] = ()
    output: bool = False
    made: tuple[Kept, ...] = ()
    to: Literal["any", "others", "own"] = "any"
    read: Read = "as it is"
    order: Order = "first"
    view: tuple[int, ...] | None = None
    steps: tuple[int, ...] = ()
    reshape: bool = False


def seen(y: tuple[int, ...]) -> Saved:
    """What a layer keeps whose output is a part of its input, the axes as they were: nothing."""
    return Saved(view=tuple(range(len(y))))
