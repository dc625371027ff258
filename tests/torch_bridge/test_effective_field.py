"""Effective receptive fields of modules: closed forms, the same as in Keras, and never wider than the static field."""

from __future__ import annotations

from math import sqrt
from typing import Any

import numpy as np
import pytest

torch = pytest.importorskip("torch", reason="PyTorch is not installed: pip install 'archlab[torch]'")
models = pytest.importorskip("torchvision.models")
from torch import nn  # noqa: E402

from archlab import effective_receptive_field  # noqa: E402
from archlab.errors import UsageError  # noqa: E402


def _ones(n: int) -> Any:
    module = nn.Sequential(*[nn.Conv2d(1, 1, 3, padding=1, bias=False) for _ in range(n)])
    for each in module:
        nn.init.ones_(each.weight)
    return module


@pytest.mark.parametrize("n", [3, 12])
def test_uniform_kernels_spread_as_the_closed_form_says(n: int) -> None:
    """Luo et al. 2016: n linear 3 × 3 convolutions with uniform weights have a standard deviation of √(2n/3)."""
    field = effective_receptive_field(_ones(n), x=torch.randn(2, 1, 41, 41))
    assert field.theoretical == (2 * n + 1, 2 * n + 1)
    assert field.sigma == pytest.approx((sqrt(2 * n / 3),) * 2, rel=1e-5)


@pytest.mark.filterwarnings("ignore::DeprecationWarning")
def test_the_same_weights_in_keras_have_the_same_field() -> None:
    import keras

    torch.manual_seed(0)
    module = nn.Sequential(nn.Conv2d(3, 6, 3), nn.BatchNorm2d(6), nn.ReLU(), nn.Conv2d(6, 4, 3, stride=2), nn.ReLU())
    model = keras.Sequential([
        keras.Input((24, 24, 3)), keras.layers.Conv2D(6, 3), keras.layers.BatchNormalization(epsilon=1e-5),
        keras.layers.ReLU(), keras.layers.Conv2D(4, 3, strides=2), keras.layers.ReLU(),
    ])  # fmt: skip
    for one, other in ((module[0], model.layers[0]), (module[3], model.layers[3])):
        other.set_weights([one.weight.detach().numpy().transpose(2, 3, 1, 0), one.bias.detach().numpy()])
    x = np.random.default_rng(0).standard_normal((3, 24, 24, 3)).astype("float32")
    for training in (False, True):
        ours = effective_receptive_field(module, x=x.transpose(0, 3, 1, 2), training=training)
        theirs = effective_receptive_field(model, x=x, training=training)
        assert ours.theoretical == theirs.theoretical and ours.unit == theirs.unit and ours.box == theirs.box
        assert np.allclose(ours.share, theirs.share, rtol=1e-3, atol=1e-8)


@pytest.mark.parametrize(
    "name",
    ["resnet18", "squeezenet1_1", "alexnet", "shufflenet_v2_x0_5", "vgg11",
     *[pytest.param(n, marks=pytest.mark.slow) for n in
       ("mobilenet_v2", "mnasnet0_5", "regnet_y_400mf", "densenet121", "resnet50", "convnext_tiny")]],
)  # fmt: skip
def test_no_gradient_lies_outside_the_static_receptive_field(name: str) -> None:
    torch.manual_seed(0)
    module = models.get_model(name, weights=None).eval()
    field = effective_receptive_field(module, x=torch.randn(1, 3, 160, 160))
    assert field.box is not None and not field.silent
    share = np.array(field.share)
    (top, bottom), (left, right) = field.box
    inside = share[max(top, 0) : bottom + 1, max(left, 0) : right + 1]
    assert float(inside.sum()) == pytest.approx(1.0, abs=1e-9)
    assert share.sum() == pytest.approx(1.0)


def test_a_module_is_left_as_it_is_and_seeds_settle_the_statistics() -> None:
    torch.manual_seed(0)
    module = nn.Sequential(nn.Conv2d(3, 4, 3), nn.BatchNorm2d(4), nn.ReLU())
    before = {key: value.clone() for key, value in module.state_dict().items()}
    state = torch.get_rng_state()
    field = effective_receptive_field(module, x=torch.randn(4, 3, 9, 9, generator=torch.Generator()), seeds=2)
    assert field.seeds == (0, 1) and field.theoretical == (3, 3)
    assert all(torch.equal(value, before[key]) for key, value in module.state_dict().items())
    assert torch.equal(torch.get_rng_state(), state) and module.training


def test_units_without_a_place_are_named() -> None:
    with pytest.raises(UsageError, match="have no place"):
        effective_receptive_field("torchvision:squeezenet1_1", "classifier/3", input=(3, 64, 64), seeds=1)
