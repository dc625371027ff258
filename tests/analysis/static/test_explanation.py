"""Explanations: terms that add up to what is predicted, closed forms where they are known."""

from __future__ import annotations

from math import log10

import pytest
from hypothesis import given, settings

from archlab import (
    Conv,
    Dense,
    GlobalAvgPool,
    Input,
    LayerNorm,
    MaxPool,
    Part,
    ReLU,
    Residual,
    explain,
    load,
    predict_gradient_flow,
)
from archlab.analysis import Explanation
from archlab.analysis.static.explanation import explain_graph
from archlab.errors import DesignError
from tests.strategies import architectures

HEAD = GlobalAvgPool() >> Dense(1)


def total(found: Explanation, reference: object) -> float:
    """The change of the activation gradient between the ends, from the prediction itself; a loss without activation."""
    flow = predict_gradient_flow(reference)
    first, last = flow[found.first].activation_gradient_rms, flow[found.last].activation_gradient_rms
    assert first and last
    return log10(first / last)


@pytest.mark.parametrize(
    "net",
    [
        Input(32, 32, 3) >> (Conv(16) >> ReLU()) * 12 >> HEAD,
        Input(32, 32, 3) >> Conv(16) >> Residual((Conv(16) >> LayerNorm() >> ReLU()) * 2) * 6 >> HEAD,
        Input(32, 32, 3) >> (Conv(16, activation="tanh") >> MaxPool(2)) * 3 >> HEAD,
        Input(32, 32, 3) >> Conv(8, stride=2, activation="relu") >> Conv(8, groups=2) >> HEAD,
    ],
)
def test_the_terms_add_up(net: Part) -> None:
    found = explain(net)
    assert found.gradient_decades == pytest.approx(sum(term.decades for term in found.gradient))
    assert found.gradient_decades == pytest.approx(total(found, net), abs=1e-6)
    assert Explanation.from_dict(found.to_dict()) == found and str(found)


@given(architectures())
@settings(max_examples=25, deadline=None)
def test_the_terms_of_random_architectures_add_up(net: Part) -> None:
    graph = net.to_graph()
    try:
        found = explain_graph(graph)
    except DesignError:
        return
    flow = {layer.name: layer for layer in predict_gradient_flow(graph).layers}
    first, last = flow[found.first], flow[found.last]
    if last.activation_rms is not None and first.activation_gradient_rms and last.activation_gradient_rms:
        change = log10(first.activation_gradient_rms / last.activation_gradient_rms)
        assert found.gradient_decades == pytest.approx(change, abs=1e-4)


def test_closed_forms() -> None:
    # A wide 1 × 1 chain under He: kernels give √2 a layer, activations √½; nothing else does anything.
    width, depth = 4096, 10
    for initializer, kernel in (("he_normal", log10(2) / 2), ("lecun_normal", 0.0)):
        body = (Conv(width, kernel=1, initializer=initializer) >> ReLU()) * depth
        terms = {term.name: term for term in explain(Input(8, 8, width) >> body >> HEAD).gradient}
        assert terms["activations"].decades == pytest.approx(-depth * log10(2) / 2, abs=0.01)
        # The last kernel is the head's, drawn by Glorot: from one unit to all, whose number is the map's size.
        assert terms["kernels"].decades == pytest.approx((depth - 1) * kernel + log10(2) / 2, abs=0.01)


def test_batch_normalization_without_residual_connections_explodes_at_its_rate() -> None:
    # Yang et al. 2019: √(π/(π − 1)) a layer, of which the ReLU takes √½ and the kernel gives what LeCun's gives: 1.
    found = explain("plain:depth=50")
    terms = {term.name: term.decades for term in found.gradient}
    assert terms["normalization"] > 0 > terms["activations"] and "branches" not in terms
    assert any(term.name == "branches" and term.decades > 0 for term in explain("residual:depth=50").gradient)


def test_what_cannot_be_explained_is_said() -> None:
    with pytest.raises(DesignError, match="no layer has a kernel"):
        explain(Input(8, 8, 3) >> ReLU())


def test_every_architecture_of_the_zoo() -> None:
    for name in ("baseline", "residual", "resnet50", "mobilenet_v2", "xception", "vgg16"):
        found = explain(load(name))
        assert found.gradient and found.activation and all(term.source for term in found.gradient)
