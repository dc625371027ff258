"""Gradient flow of modules, held to plain autograd and to the same network in Keras; modules are left untouched."""

from __future__ import annotations

import random
import subprocess
import sys
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

torch = pytest.importorskip("torch", reason="PyTorch is not installed: pip install 'archlab[torch]'")
models = pytest.importorskip("torchvision.models")
from torch import nn  # noqa: E402
from torch.nn import functional as F  # noqa: E402

from archlab import gradient_flow, load, predict_gradient_flow  # noqa: E402
from archlab.errors import SourceError, UsageError  # noqa: E402
from tests.torch_bridge import modules  # noqa: E402

TORCHVISION = (
    "resnet18",
    "alexnet",
    "squeezenet1_1",
    "shufflenet_v2_x0_5",
    "mobilenet_v2",
    "mnasnet0_5",
    "regnet_y_400mf",
)
TIMM = ("resnet10t", "mobilenetv3_small_050", "repvgg_a0", "convnext_atto", "efficientnet_lite0")
SLOW = ("densenet121", "googlenet", "convnext_tiny", "swin_t", "vit_b_32", "efficientnet_b0", "inception_v3")


def _made(name: str) -> Any:
    torch.manual_seed(0)
    if hasattr(modules, name):
        return getattr(modules, name)()
    if name in TIMM:
        return pytest.importorskip("timm").create_model(name, num_classes=10)
    return models.get_model(name, weights=None, num_classes=10)


def _plain(module: Any, x: Any, loss: Callable[[Any], Any], names: list[str]) -> dict[str, tuple[float, float]]:
    """By the name of a leaf module, its parameters' gradient norm and its output's gradient RMS times the batch size.

    One backward pass by `loss.backward()`; the output is what a forward hook hands on, cloned so that nothing changes
    it in place.
    """
    kept: dict[str, Any] = {}
    own = dict(module.named_modules())

    def keep(path: str) -> Callable[..., Any]:
        def hook(_: Any, __: Any, output: Any) -> Any:
            output.retain_grad()
            kept[path] = output
            return output.clone()

        return hook

    handles = [own[name].register_forward_hook(keep(name)) for name in names]
    loss(module(x)).backward()
    for handle in handles:
        handle.remove()
    found: dict[str, tuple[float, float]] = {}
    for name in names:
        parameters = [p.grad for p in own[name].parameters(recurse=False) if p.grad is not None]
        norm = float(torch.sqrt(sum((g.double() ** 2).sum() for g in parameters)))  # pyright: ignore
        found[name] = norm, float((kept[name].grad.double() ** 2).mean().sqrt()) * len(x)
    return found


def _total(outputs: Any, y: Any) -> Any:
    parts = outputs if isinstance(outputs, tuple) else (outputs,)
    return sum(F.cross_entropy(part, y) for part in parts)


_SLOWLY = [pytest.param(name, training, marks=pytest.mark.slow) for name in SLOW for training in (True, False)]


@pytest.mark.parametrize(
    ("name", "training"),
    [*[(name, True) for name in (*TORCHVISION, *TIMM)], ("resnet18", False), ("mobilenet_v2", False), *_SLOWLY],
)
def test_gradients_are_those_of_autograd(name: str, training: bool) -> None:
    size = {"inception_v3": 96, "swin_t": 64, "vit_b_32": 224, "alexnet": 64}.get(name, 48)
    module = _made(name)
    for each in module.modules():  # what is drawn anew in each pass
        if isinstance(each, nn.Dropout):
            each.p = 0.0
        if type(each).__name__ == "StochasticDepth":
            each.p = 0.0
    x, y = torch.randn(4, 3, size, size), torch.arange(4)
    several = training and name in ("googlenet", "inception_v3")
    flow = gradient_flow(module, x, [y] * (3 if name == "googlenet" else 2) if several else y, training=training)
    known = {layer.name.replace("/", ".") for layer in flow.layers}
    leaves = [path for path, each in module.named_modules() if path in known and not list(each.children())]
    expected = _plain(module.train(training), x, lambda made: _total(made, y), leaves)
    assert len(leaves) >= 8
    for path, (norm, rms) in expected.items():
        layer = flow[path.replace(".", "/")]
        assert layer.weight_gradient_norm == pytest.approx(norm, rel=1e-5, abs=1e-7), path
        assert layer.activation_gradient_rms == pytest.approx(rms, rel=1e-5, abs=1e-8), path
    assert flow.losses[0] == pytest.approx(float(_total(module(x), y).detach()), rel=1e-5)


def test_all_parameters_of_our_own_modules_together() -> None:
    """Layers that are used twice, functional calls, parameters in no layer, operations in place."""
    for name in ("Twice", "Windows"):
        module = _made(name)
        x = torch.randn(3, 3, 32, 32)
        y = torch.randn(*module(x).shape)
        flow = gradient_flow(module, x, y, loss="mse")
        F.mse_loss(module(x), y).backward()
        total = sum(float((p.grad.double() ** 2).sum()) for p in module.parameters() if p.grad is not None)
        ours = sum(layer.weight_gradient_norm**2 for layer in flow.layers if layer.weight_gradient_norm)
        assert ours == pytest.approx(total, rel=1e-5)


def test_activations_and_dead_channels_are_counted_before_they_are_changed_in_place() -> None:
    conv = nn.Conv2d(3, 4, 1)
    with torch.no_grad():
        conv.bias[1] = -1000.0
    module = nn.Sequential(conv, nn.ReLU(inplace=True), nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Linear(4, 2))
    x = torch.randn(5, 3, 8, 8)
    layer = gradient_flow(module, x, torch.zeros(5, dtype=torch.long))["0"]
    made = conv(x).detach().double()
    assert layer.activation_rms == pytest.approx(float((made**2).mean().sqrt()), rel=1e-6)
    assert layer.activation_mean == pytest.approx(float(made.mean()), rel=1e-6)
    assert layer.dead_share == 0.25


# The same network in Keras.


@pytest.mark.filterwarnings("ignore::DeprecationWarning")
def test_the_same_network_in_keras_has_the_same_gradients() -> None:
    import keras

    torch.manual_seed(1)
    module = nn.Sequential(
        nn.Conv2d(3, 8, 3, padding=1, bias=False), nn.BatchNorm2d(8), nn.ReLU(),
        nn.Conv2d(8, 16, 3, stride=2, bias=False), nn.BatchNorm2d(16), nn.ReLU(inplace=True),
        nn.Conv2d(16, 16, 3, padding=1, groups=16), nn.GELU(), nn.MaxPool2d(2),
        nn.Conv2d(16, 8, 1), nn.Sigmoid(), nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Linear(8, 5), nn.Softmax(-1),
    )  # fmt: skip
    layers = keras.layers
    model = keras.Sequential([
        keras.Input((21, 21, 3)),
        layers.Conv2D(8, 3, padding="same", use_bias=False), layers.BatchNormalization(epsilon=1e-5), layers.ReLU(),
        layers.Conv2D(16, 3, strides=2, use_bias=False), layers.BatchNormalization(epsilon=1e-5), layers.ReLU(),
        layers.DepthwiseConv2D(3, padding="same"), layers.Activation("gelu"), layers.MaxPooling2D(2),
        layers.Conv2D(8, 1), layers.Activation("sigmoid"), layers.GlobalAveragePooling2D(),
        layers.Dense(5), layers.Softmax(),
    ])  # fmt: skip
    theirs = [each for each in module if list(each.parameters(recurse=False))]
    ours = [layer for layer in model.layers if layer.trainable_weights]
    for one, other in zip(theirs, ours, strict=True):
        weights = [p.detach().numpy() for p in one.parameters()]
        if isinstance(one, nn.Conv2d):
            kernel = weights[0].transpose(2, 3, 0, 1) if one.groups > 1 else weights[0].transpose(2, 3, 1, 0)
            weights[0] = kernel.reshape(other.weights[0].shape)
        elif isinstance(one, nn.Linear):
            weights[0] = weights[0].T
        other.set_weights([*weights, *[w.numpy() for w in other.non_trainable_weights]])
    x = np.random.default_rng(0).standard_normal((6, 21, 21, 3)).astype("float32")
    y = np.arange(6) % 5
    for training in (True, False):
        keras_flow = gradient_flow(model, x, y, training=training)
        torch_flow = gradient_flow(module, x.transpose(0, 3, 1, 2), y, training=training)
        assert torch_flow.losses[0] == pytest.approx(keras_flow.losses[0], rel=1e-4)
        assert len(torch_flow.layers) == len(keras_flow.layers) == 7
        fields = (
            "depth", "kernel", "body", "weight_gradient_norm", "kernel_gradient_norm", "weight_norm", "dead_share",
            "activation_mean", "activation_rms", "activation_gradient_rms", "ratio",
        )  # fmt: skip
        for one, other in zip(torch_flow.layers, keras_flow.layers, strict=True):
            for field in fields:
                expected = getattr(other, field)
                near = expected if expected is None else pytest.approx(expected, rel=1e-4, abs=1e-6)
                assert getattr(one, field) == near, (one.name, field)
        assert torch_flow.verdict == keras_flow.verdict
        assert (torch_flow.slope or 0) == pytest.approx(keras_flow.slope or 0, abs=1e-4)


# A module is left as it is.


def _snapshot(module: Any) -> dict[str, Any]:
    tables = ("_forward_hooks", "_forward_pre_hooks", "_backward_hooks", "_backward_pre_hooks", "_state_dict_hooks")
    of_parameters = [
        (name, id(p), p._version, p.requires_grad, p.detach().clone(), [] if p.grad is None else [p.grad.clone()])
        for name, p in module.named_parameters()
    ]
    return {
        "parameters": of_parameters,
        "buffers": [(name, id(b), b.clone(), b._version) for name, b in module.named_buffers()],
        "modes": [each.training for each in module.modules()],
        "hooks": [[list(getattr(each, table)) for table in tables] for each in module.modules()],
        "attributes": [sorted(vars(each)) for each in module.modules()],
        "torch": torch.get_rng_state(), "python": random.getstate(), "numpy": np.random.get_state()[1].tolist(),  # type: ignore
        "grad mode": torch.is_grad_enabled(), "global hooks": len(torch.nn.modules.module._global_forward_hooks),
    }  # fmt: skip


def _same(one: Any, other: Any) -> bool:
    if isinstance(one, torch.Tensor):
        return torch.equal(one, other)
    if isinstance(one, dict):
        return one.keys() == other.keys() and all(_same(one[key], other[key]) for key in one)
    if isinstance(one, list | tuple):
        return len(one) == len(other) and all(map(_same, one, other))
    return one == other


class Restless(nn.Module):
    """All that a module may do when it is called, and an error if it is asked for one."""

    def __init__(self, fails: bool = False) -> None:
        super().__init__()
        self.counting = modules.Counting()
        self.conv = nn.utils.parametrizations.spectral_norm(nn.Conv2d(3, 6, 3))
        self.norm = nn.BatchNorm2d(6)
        self.drop = nn.Dropout(0.5)
        self.head = nn.Linear(6, 3)
        self.fails, self.history, self.table = fails, [1], {"a": 1}

    def forward(self, x: Any) -> Any:
        x = self.drop(F.relu(self.norm(self.conv(self.counting(x))), inplace=True))
        self.history.append(2)
        self.table["b"] = 2
        self.last = x
        random.random()
        np.random.random()
        if self.fails and not x.is_meta:
            raise RuntimeError("as it was asked for\nmore of it")
        return self.head(x.mean((2, 3)))


@pytest.mark.parametrize("fails", [False, True])
@pytest.mark.parametrize("options", [{}, {"training": False}, {"seeds": 2}])
def test_a_module_is_left_exactly_as_it_is(fails: bool, options: dict[str, Any]) -> None:
    module = Restless(fails)
    module.norm.eval()
    module.head.weight.requires_grad_(False)
    module.head.bias.grad = torch.ones(3)
    handle = module.norm.register_forward_hook(lambda *_: None)
    before = _snapshot(module)
    x, y = torch.randn(4, 3, 12, 12, requires_grad=True), torch.arange(4) % 3
    before["torch"] = torch.get_rng_state()
    if fails:
        with pytest.raises(SourceError, match=r"Restless: its forward fails on a batch of \(4, 3, 12, 12\): as it was"):
            gradient_flow(module, x, y, **options)
    else:
        flow = gradient_flow(module, x, y, **options)
        assert flow["head"].frozen is False and flow["head"].weights[0].gradient_norm is None
        assert flow == gradient_flow(module, x, y, **options)
    after = _snapshot(module)
    assert [what for what, value in before.items() if not _same(value, after[what])] == []
    assert x.grad is None and module.history == [1] and module.table == {"a": 1}
    handle.remove()


# What is given, and what is not.


def test_a_batch_is_drawn_where_none_is_given_as_for_keras() -> None:
    flow = gradient_flow(_made("Twice"), input=(3, 32, 32))
    assert (flow.data, flow.batch, flow.loss) == ("synthetic, seed 0", 8, "mean_squared_error")
    assert flow.seeds == () and flow.weights == "the weights as they are"
    labelled = gradient_flow(_made("Twice"), torch.randn(4, 3, 32, 32), loss=nn.CrossEntropyLoss(label_smoothing=0.1))
    assert (labelled.data, labelled.loss) == ("given, with synthetic labels", "CrossEntropyLoss")
    array = gradient_flow(_made("Twice"), np.ones((2, 3, 32, 32)), np.array([1, 2], "int32"))
    assert array.loss == "cross_entropy" and array.precision == "float32"


def test_labels_of_every_pixel_have_the_channels_first() -> None:
    module = nn.Sequential(nn.Conv2d(3, 4, 3, padding=1), nn.ReLU(), nn.Conv2d(4, 2, 1))
    x, y, classes = torch.randn(3, 3, 6, 8), torch.randn(3, 2, 6, 8), torch.randint(0, 2, (3, 6, 8))
    assert gradient_flow(module, x, y).losses[0] == pytest.approx(float(F.mse_loss(module(x), y).detach()))
    found = gradient_flow(module, x, classes)
    assert found.losses[0] == pytest.approx(float(F.cross_entropy(module(x), classes).detach()))
    own = gradient_flow(module, x, y, loss=lambda output, label: (output - label).abs().sum())
    assert own.losses[0] == pytest.approx(float((module(x) - y).abs().sum().detach()), rel=1e-5)


def test_seeds_make_a_model_anew_by_its_own_code() -> None:
    flow = gradient_flow("torchvision:squeezenet1_1", input=(3, 48, 48), seeds=[3, 5], batch=2)
    torch.manual_seed(3)
    first = models.squeezenet1_1(weights=None)
    torch.manual_seed(5)
    second = models.squeezenet1_1(weights=None)
    name = "features/3/squeeze"
    norms = [
        float(sum((p.detach().double() ** 2).sum() for p in each.features[3].squeeze.parameters()) ** 0.5)
        for each in (first, second)
    ]
    assert flow[name].weight_norm == pytest.approx(sum(norms) / 2, rel=1e-6)
    assert flow.weights == "median of 2 initializations"
    assert len(gradient_flow("torchvision:squeezenet1_1", input=(3, 48, 48), batch=2).seeds) == 3


def test_seeds_of_a_live_module_draw_every_layer_by_its_default() -> None:
    module = _made("Twice")
    flow = gradient_flow(module, torch.randn(2, 3, 32, 32), seeds=[4])
    assert "scale as they are" in flow.weights
    assert flow["stem"].weight_norm != gradient_flow(module, torch.randn(2, 3, 32, 32))["stem"].weight_norm
    bound = 1 / 27**0.5
    # A uniform distribution up to b has a mean square of b²/3: PyTorch's default, 1/√fan-in.
    assert flow["stem"].weight_norm == pytest.approx((bound**2 / 3 * (8 * 27 + 8)) ** 0.5, rel=0.15)


def test_other_types_are_left_as_they_are() -> None:
    module = nn.Sequential(nn.Conv2d(3, 4, 3), nn.ReLU(), nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Linear(4, 3))
    x, y = torch.randn(4, 3, 10, 10), torch.arange(4) % 3
    single = gradient_flow(module, x, y)
    for kind, tolerance in ((torch.float64, 1e-5), (torch.bfloat16, 0.05), (torch.float16, 0.01)):
        flow = gradient_flow(module.to(kind), x, y)
        assert flow.precision == flow.model_precision == str(kind).removeprefix("torch.")
        assert next(module.parameters()).dtype == kind
        module.float()
        assert flow["0"].weight_gradient_norm == pytest.approx(single["0"].weight_gradient_norm, rel=tolerance)


def test_signals_too_small_for_float32_are_measured_in_float64() -> None:
    module = nn.Sequential(*[nn.Linear(4, 4, bias=False) for _ in range(30)])
    for each in module:
        nn.init.constant_(each.weight, 1e-3)
    flow = gradient_flow(module, torch.ones(2, 4), torch.ones(2, 4))
    assert flow.precision == "float64" and flow.model_precision == "float32"
    # Each layer multiplies by 4e-3.
    assert flow.slope == pytest.approx(-np.log10(4e-3), rel=1e-3)


def _flow(x: Any = None, y: Any = None, **options: Any) -> Any:
    return gradient_flow(modules.Twice(), torch.ones(2, 3, 32, 32) if x is None else x, y, **options)


@pytest.mark.parametrize(
    ("make", "text"),
    [
        (lambda: gradient_flow(modules.Twice()), "does not say what it takes"),
        (lambda: _flow(input=(3, 16, 16)), "x must be a batch of"),
        (lambda: _flow(torch.ones(2, 32, 32, 3)), "channels first"),
        (lambda: _flow(loss="cros_entropy"), "did you mean cross_entropy"),
        (lambda: _flow(loss="binary_crossentropy"), "is of probabilities"),
        (lambda: _flow(loss=3), "a loss is a name, a loss of PyTorch"),
        (lambda: _flow(y=torch.ones(3)), "labels"),
        (lambda: _flow(y=torch.ones(2, 7), loss="mse"), "loss mse fails on an output of .2, 5. and labels of .2, 7."),
        (lambda: gradient_flow(modules.Twice().to("meta"), torch.ones(2, 3, 32, 32)), "without memory"),
        (lambda: _flow(seeds=0), "at least one seed"),
    ],
)
@pytest.mark.filterwarnings("ignore:Using a target size")
def test_bad_input_is_one_line(make: Any, text: str) -> None:
    with pytest.raises(UsageError, match=text) as caught:
        make()
    assert "\n" not in str(caught.value)


def test_tensorflow_is_not_loaded() -> None:
    code = (
        "import sys, torch, archlab; net = torch.nn.Sequential(torch.nn.Linear(4, 4), torch.nn.ReLU());"
        "archlab.gradient_flow(net, torch.ones(2, 4));"
        "assert 'torch' in sys.modules and 'tensorflow' not in sys.modules"
    )
    subprocess.run([sys.executable, "-c", code], check=True)


def test_a_reference_is_measured_as_it_is_named() -> None:
    assert load("torchvision:resnet18").takes == (3, 224, 224)


def test_initializers_of_keras_are_refused_in_one_line() -> None:
    from archlab.analysis import sweep

    with pytest.raises(UsageError, match="whose own code draws its weights: measure it without --init") as caught:
        sweep("torchvision:resnet18", initializers=("he",), input=(64, 64))
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize("name", ["Shuffled", "Joined", "Parted"])
def test_what_moves_channels_alone_is_predicted(name: str) -> None:
    """A channel shuffle, half of the channels, a list of one tensor that is joined: moments pass as they are."""
    architecture = load(getattr(modules, name)(), input=(3, 16, 16))
    predicted, measured = predict_gradient_flow(architecture), gradient_flow(architecture, seeds=5)
    assert predicted.reliable
    for ours, theirs in zip(predicted.curve, measured.curve, strict=True):
        assert ours.activation_gradient_rms == pytest.approx(theirs.activation_gradient_rms, rel=0.5)
