"""Names and seeded weights: the keys are legal in torch, the values depend on seed and path alone."""

from __future__ import annotations

import keyword

import numpy as np
import pytest
from torch import nn

from archspec.emit.names import RESERVED, module_path, owned_weights
from archspec.graph import Graph, Node, Output
from archspec.ops.conv import Conv, Convolving
from archspec.ops.input import Input
from archspec.source import Source, Span
from archspec.weights import Draws, draw

HERE = Span(Source("test", ""), 0, 0)


def small_net(*paths: str, shares: tuple[int | None, ...] = ()) -> Graph:
    nodes = [Node(path="input", op=Input(shape=(4, 8, 8)), inputs=(), shape=(4, 8, 8), scope=(), span=HERE)]
    for i, path in enumerate(paths):
        op = Conv(channels=4, kernel=(3,)).settle((4, 8, 8))
        shared = shares[i] if i < len(shares) else None
        nodes.append(
            Node(path=path, op=op, inputs=(len(nodes) - 1,), shape=(4, 8, 8), scope=(), span=HERE, shares=shared)
        )
    return Graph(name="Small", nodes=tuple(nodes), outputs=(Output(name="y", node=len(nodes) - 1),))


def torch_claims() -> set[str]:
    containers = (nn.Module(), nn.Sequential(), nn.ModuleList(), nn.ModuleDict())
    return {name for container in containers for name in dir(container)}


def test_every_name_that_torch_claims_is_reserved() -> None:
    assert {name for name in torch_claims() if not name.startswith("_")} <= RESERVED


@pytest.mark.parametrize("word", sorted(torch_claims() | set(keyword.kwlist)))
def test_a_claimed_word_becomes_a_legal_attribute(word: str) -> None:
    name = module_path(word)
    assert name.isidentifier() and not keyword.iskeyword(name) and name not in torch_claims()
    nn.Sequential().add_module(name, nn.ReLU())
    nn.ModuleDict({name: nn.ReLU()})


def test_the_map_is_one_to_one() -> None:
    words = [base + "_" * n for base in (*RESERVED, *keyword.kwlist, "conv1", "_x") for n in range(4)]
    assert len({module_path(word) for word in words}) == len(set(words))


def test_plain_paths_stay() -> None:
    assert module_path("stage.2.bottleneck.0.conv1") == "stage.2.bottleneck.0.conv1"
    assert module_path("type.0.half.conv1") == "type_.0.half_.conv1"


def test_values_do_not_depend_on_the_rest_of_the_network() -> None:
    long, short = draw(small_net("a", "b", "c"), 7), draw(small_net("c"), 7)
    assert np.array_equal(long["c.weight"], short["c.weight"])
    assert not np.array_equal(long["a.weight"], long["b.weight"])
    assert not np.array_equal(long["a.weight"], draw(small_net("a"), 8)["a.weight"])


def test_the_values_of_a_seed_never_change() -> None:
    weight = draw(small_net("conv1"), 0)["conv1.weight"]
    assert weight.dtype == np.float32 and weight.shape == (4, 4, 3, 3)
    bound = float(np.sqrt(6 / 36))
    assert abs(weight).max() <= bound and abs(weight).max() > 0.9 * bound
    # PCG64 keyed by the first 16 bytes of SHA-256("0:conv1.weight"), mapped from [0, 1) to [-bound, bound).
    assert weight.ravel()[:3].tolist() == pytest.approx(EXPECTED, abs=1e-7)


EXPECTED = [2.70588457e-05, -0.345158937, -0.0663927713]


def test_a_shared_layer_is_drawn_once() -> None:
    graph = small_net("tower.conv1", "tower_2.conv1", shares=(None, 1))
    assert list(owned_weights(graph)) == ["tower.conv1.weight", "tower.conv1.bias"]
    assert list(draw(graph, 0)) == ["tower.conv1.weight", "tower.conv1.bias"]


def test_draws_are_lazy_and_repeatable() -> None:
    draws = Draws(small_net("a", "b"), 3)
    assert len(draws) == 4 and "a.weight" in draws
    assert np.array_equal(draws["a.weight"], draws["a.weight"])
    assert draws["a.weight"] is not draws["a.weight"]


class Centred(Convolving):
    """A layer of constants, and one that the spec initialises."""

    name = "CENTRED"

    def weights(self, *xs):
        from archspec.op import Init, Weight

        return (
            Weight("running_mean", (1000,), Init("constant", 0.0), trainable=False),
            Weight("running_var", (1000,), Init("constant", 1.0), trainable=False),
            Weight("bias", (1000,), Init("uniform", 1.0), spec_init=Init("constant", -1.0)),
            Weight("weight", (1000,), Init("normal", 0.02)),
        )


def test_statistics_and_spec_init() -> None:
    x = Node(path="input", op=Input(shape=(4, 8, 8)), inputs=(), shape=(4, 8, 8), scope=(), span=HERE)
    layer = Node(path="c", op=Centred(), inputs=(0,), shape=(4, 8, 8), scope=(), span=HERE)
    graph = Graph(name="N", nodes=(x, layer), outputs=(Output(name="y", node=1),))
    plain, random = draw(graph, 0), draw(graph, 0, statistics=True)
    assert (plain["c.running_mean"] == 0).all() and (plain["c.running_var"] == 1).all()
    assert (plain["c.bias"] == -1).all()
    assert plain["c.weight"].std() == pytest.approx(0.02, rel=0.1)
    for name, centre in (("running_mean", 0.0), ("running_var", 1.0), ("bias", -1.0)):
        values = random[f"c.{name}"]
        assert centre - 0.5 <= values.min() < centre - 0.45 and centre + 0.45 < values.max() <= centre + 0.5
    assert np.array_equal(plain["c.weight"], random["c.weight"])
