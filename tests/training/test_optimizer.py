from __future__ import annotations

import numpy as np
import pytest

from archlab import Dropout, load
from archlab.bridge import build, load_keras
from archlab.training._optimizer import make_optimizer
from archlab.training.recipes import Recipe, recipe


def _rates(**settings) -> list[float]:
    optimizer = make_optimizer(Recipe("test", lr=1.0, **settings), 10)
    _, keras = load_keras()
    rate = optimizer._learning_rate
    if isinstance(rate, keras.optimizers.schedules.LearningRateSchedule):
        return [float(rate(step)) for step in range(10)]
    return [float(optimizer.learning_rate)] * 10


def test_schedules() -> None:
    assert _rates() == [1.0] * 10
    np.testing.assert_allclose(_rates(schedule="linear"), np.linspace(1, 0.1, 10), atol=1e-6)
    np.testing.assert_allclose(_rates(schedule="cosine"), (1 + np.cos(np.pi * np.arange(10) / 10)) / 2, atol=1e-6)
    np.testing.assert_allclose(_rates(warmup=0.5), [0.2, 0.4, 0.6, 0.8, 1.0, *[1.0] * 5], atol=1e-6)
    np.testing.assert_allclose(_rates(schedule="linear", warmup=0.2)[:4], [0.5, 1, 1, 0.875], atol=1e-6)


def test_the_lecture_optimizer_is_that_of_keras() -> None:
    """What `compile("rmsprop")` makes."""
    _, keras = load_keras()
    ours, theirs = make_optimizer(recipe("lecture"), 100).get_config(), keras.optimizers.get("rmsprop").get_config()
    assert {key: value for key, value in ours.items() if key != "name"} == {
        key: value for key, value in theirs.items() if key != "name"
    }


@pytest.mark.parametrize("kind", ["rmsprop", "sgd", "adam", "adamw", "muon", "lion"])
def test_every_optimizer_descends(kind: str) -> None:
    net = load("residual:depth=4,width=16", (24, 24)).tree.without(Dropout)
    model = build(net.to_graph(), 1, fast=True).model
    model.compile(make_optimizer(Recipe("test", optimizer=kind, lr=0.003, average=0.9), 20), "binary_crossentropy")
    x = np.random.default_rng(0).uniform(0, 255, (16, 24, 24, 3)).astype("float32")
    y = (np.arange(16) % 2).astype("float32")[:, None]
    losses = [float(model.train_on_batch(x, y)) for _ in range(20)]
    assert losses[-1] < losses[0]


def test_only_kernels_decay() -> None:
    """Without a gradient, decay is all that moves a weight."""
    model = build(load("residual:depth=4,width=16", (24, 24)).graph, 1).model
    for kind in ("adamw", "muon", "rmsprop"):
        optimizer = make_optimizer(Recipe("test", optimizer=kind, lr=0.1, weight_decay=0.5), 10)
        optimizer.build(model.trainable_variables)
        before = [variable.numpy() for variable in model.trainable_variables]
        _, keras = load_keras()
        optimizer.apply([keras.ops.zeros_like(v) for v in model.trainable_variables])
        for variable, old in zip(model.trainable_variables, before, strict=True):
            factor = 0.95 if "kernel" in variable.path else 1.0
            np.testing.assert_allclose(variable.numpy(), factor * old, rtol=1e-5, atol=1e-7, err_msg=variable.path)


def test_muon_turns_a_kernel_by_an_orthogonal_matrix() -> None:
    """The step of a 1 × 1 convolution has singular values near 1 times the rate, whatever those of the gradient."""
    _, keras = load_keras()
    rng = np.random.default_rng(0)
    kernel = keras.Variable(rng.normal(size=(1, 1, 32, 64)).astype("float32"))
    before = kernel.numpy()
    optimizer = make_optimizer(Recipe("test", optimizer="muon", lr=0.1), 10)
    optimizer.build([kernel])
    gradient = rng.normal(size=(1, 1, 32, 64)) * np.geomspace(1, 100, 64)
    optimizer.apply([keras.ops.convert_to_tensor(gradient, "float32")])
    step = (before - kernel.numpy())[0, 0]
    # Moonlight's scale: 0.2 × √(the longer side).
    values = np.linalg.svd(step, compute_uv=False) / (0.1 * 0.2 * 8)
    assert values.min() > 0.6 and values.max() < 1.3


def test_muon_leaves_depthwise_kernels_the_first_and_the_head_to_adam() -> None:
    model = build(load("residual", (32, 32)).graph, 1).model
    optimizer = make_optimizer(Recipe("test", optimizer="muon"), 10)
    left = {v.path for v in model.trainable_variables if optimizer._should_use_adamw(v)}
    for variable in model.trainable_variables:
        by_muon = "pointwise" in variable.path or ("kernel" in variable.path and variable.shape[:2] == (1, 1))
        assert (variable.path in left) == (not by_muon), variable.path
