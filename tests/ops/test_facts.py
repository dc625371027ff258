"""Facts that stand for lists of layers: every operation states them, and they are what they say."""

from __future__ import annotations

import pytest

from archlab.graph import Part
from archlab.ops import (
    ELU,
    GRU,
    LSTM,
    Activation,
    Add,
    BatchNorm,
    Conv,
    Dense,
    GlobalMaxPool,
    GroupNorm,
    LayerNorm,
    LeakyReLU,
    MaxPool,
    Op,
    PReLU,
    ReLU,
    ScaledAdd,
    Softmax,
)

OURS = {name: kind for name, kind in Op.registry.items() if kind.__module__.startswith("archlab.")}


@pytest.mark.parametrize("kind", OURS.values(), ids=OURS)
def test_every_operation_states_its_family_and_how_it_merges(kind: type[Op]) -> None:
    assert kind.family != "unknown"
    assert (kind.merge is not None) == (kind.family == "merging")
    assert not kind.commutes or kind.merge in ("sum", "product", "extremum")
    assert kind.normalizes == (kind.family == "normalization")
    assert not kind.cancels_bias or kind.normalizes
    if kind.family == "activation":
        assert kind.output_activation is not Op.output_activation, "an activation says which it is"


def test_a_field_for_an_activation_is_the_fact() -> None:
    # What a recurrent layer hands on is a gate times its activation.
    ends = {
        name
        for name, kind in OURS.items()
        if "activation" in getattr(kind, "__dataclass_fields__", {}) and kind.family != "sequence"
    }
    assert ends >= {"Conv", "Dense", "DepthwiseConv", "SeparableConv", "ConvTranspose"}
    for name in ends:
        assert OURS[name].output_activation is not Op.output_activation, name


@pytest.mark.parametrize(
    ("op", "activation", "nonlinear", "rectifies"),
    [
        (ReLU(), "relu", True, True),
        (ReLU(negative_slope=0.1), "relu", True, False),
        (ReLU(threshold=-1.0), "relu", True, False),
        (LeakyReLU(), "leaky_relu", True, False),
        (ELU(), "elu", True, False),
        (PReLU(), "prelu", True, False),
        (Softmax(), "softmax", True, False),
        (Activation("relu6"), "relu6", True, True),
        (Activation("linear"), "linear", False, False),
        (Conv(8), None, False, False),
        (Conv(8, activation="relu"), "relu", True, True),
        (Dense(1, activation="sigmoid"), "sigmoid", True, False),
        (MaxPool(), None, True, False),
        (GlobalMaxPool(), None, True, False),
        (BatchNorm(), None, False, False),
        (LayerNorm(), None, True, False),
        (GroupNorm(), None, True, False),
        (LSTM(4), None, True, False),
        (GRU(4), None, True, False),
    ],
    ids=repr,
)
def test_activations_and_nonlinearities(op: Op, activation: str | None, nonlinear: bool, rectifies: bool) -> None:
    assert (op.output_activation, op.nonlinear, op.rectifies) == (activation, nonlinear, rectifies)


def test_the_order_of_a_scaled_sum_counts() -> None:
    assert Add().commutes and not ScaledAdd(scale=0.1).commutes


def test_a_layer_of_a_users_own_that_subtracts_the_mean_takes_the_bias_away() -> None:
    class Standardized(BatchNorm, abstract=True):
        pass

    class Shifted(BatchNorm, abstract=True):
        cancels_bias = False

    from archlab import Input

    def bias(norm: Part) -> bool | None:
        return (Input(8, 8, 3) >> Conv(4) >> norm).to_graph().nodes[1].op.bias

    assert bias(Standardized()) is False and bias(Shifted()) is True
