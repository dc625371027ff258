"""Keras code: what it builds has the weights of the architecture, and it looks as it should."""

from __future__ import annotations

import inspect
from typing import Any

import pytest
from hypothesis import given, settings

from archlab import Add, Conv, Dense, Flatten, GlobalAvgPool, Input, Multiply, Parallel, Part, ReLU, Residual, load
from archlab import Sequence as Parts
from archlab.bridge import from_keras, load_keras, to_keras
from archlab.codegen import to_python
from archlab.codegen._python import _DEFAULTS, _FIRST, _OWN_DEFAULTS, family_of
from archlab.errors import DesignError
from archlab.graph import Graph
from archlab.ops import Op
from archlab.sources import names
from tests.goldens import golden
from tests.strategies import architectures

pytestmark = pytest.mark.filterwarnings("ignore::DeprecationWarning")  # Keras's own use of NumPy


def run(code: str) -> Any:
    load_keras()
    scope: dict[str, Any] = {}
    exec(compile(code, "exported", "exec"), scope)
    return scope["model"]


def shapes(model: Any) -> list[tuple[int, ...]]:
    return [tuple(weight.shape) for weight in model.weights]


def check(graph: Graph) -> str:
    code = to_python(graph)
    model, expected = run(code), to_keras(graph)
    assert shapes(model) == shapes(expected)
    assert [weight.trainable for weight in model.weights] == [weight.trainable for weight in expected.weights]
    assert [out.shape for out in model.outputs] == [out.shape for out in expected.outputs]
    assert told(model) == told(expected)
    return code


def told(model: Any) -> list[dict[str, Any]]:
    """What each layer is and was told, without its name."""
    return [
        {"class": type(layer).__name__}
        | {key: value for key, value in layer.get_config().items() if key not in ("name", "seed")}
        for layer in model.layers
        if type(layer).__name__ != "InputLayer"
    ]


DEEP = ("resnet101", "resnet152", "plain:depth=50,normalization=none", "residual:depth=30,width=8")


@pytest.mark.parametrize(
    "reference", [*sorted({*names()} - {*DEEP}), *[pytest.param(name, marks=pytest.mark.slow) for name in DEEP]]
)
def test_the_zoo(reference: str) -> None:
    check(load(reference, input=(96, 96)).graph)


# Each builds two Keras models and runs code: a third of the usual examples is what the time allows.
@settings(max_examples=min(settings().max_examples, 150))
@given(architectures())
def test_random_architectures(net: Part) -> None:
    check(net.to_graph())


@pytest.mark.parametrize(
    "name", ["MobileNetV3Small", pytest.param("NASNetMobile", marks=pytest.mark.slow),
             pytest.param("EfficientNetB0", marks=pytest.mark.slow),
             pytest.param("DenseNet121", marks=pytest.mark.slow),
             pytest.param("InceptionResNetV2", marks=pytest.mark.slow),
             pytest.param("ConvNeXtTiny", marks=pytest.mark.slow)]
)  # fmt: skip
def test_models_that_keras_made(name: str) -> None:
    check(load(f"keras:{name}", input=(224, 224)).graph)


def test_shared_layers_and_several_inputs_and_outputs() -> None:
    import keras

    left, right = keras.Input((8, 8, 3)), keras.Input((8, 8, 3))
    conv = keras.layers.Conv2D(4, 3, padding="same", kernel_initializer=keras.initializers.HeNormal())
    a, b = conv(left), conv(right)
    out = keras.layers.Concatenate()([a, b, keras.layers.add([a, b])])
    model = keras.Model([left, right], [keras.layers.GlobalAveragePooling2D()(out), a])
    code = check(from_keras(model))
    assert 'shared_conv = layers.Conv2D(4, 3, kernel_initializer="he_normal", padding="same")' in code
    assert code.count("Conv2D") == 1


def test_an_initializer_with_arguments_of_its_own() -> None:
    import keras

    x = keras.Input((8, 8, 3))
    normal = keras.initializers.RandomNormal(stddev=0.02)
    code = check(from_keras(keras.Model(x, keras.layers.Conv2D(4, 3, kernel_initializer=normal)(x))))
    assert "kernel_initializer=keras.initializers.RandomNormal(" in code
    assert "stddev=0.02" in code


def test_a_layer_without_a_rule_is_refused_by_name() -> None:
    import keras

    x = keras.Input((8, 8, 3))
    odd = keras.layers.TimeDistributed(keras.layers.Dense(3), name="odd")
    with pytest.raises(DesignError, match="odd: TimeDistributed has no layer in Keras"):
        to_python(from_keras(keras.Model(x, odd(x))))


@pytest.mark.parametrize("name", ["residual", "resnet50", "vgg16", "mobilenet_v1"])
def test_what_it_looks_like(name: str) -> None:
    found = load(name)
    code = to_python(found.graph, found.name, found.paper)
    golden(f"{name}.py.txt", code)
    assert all(len(line) <= 110 for line in code.splitlines())


def test_forks_are_written_as_a_person_would() -> None:
    gate = GlobalAvgPool(keepdims=True) >> Conv(8, kernel=1, activation="sigmoid")
    net = (
        Input(8, 8, 3) >> Conv(8)
        >> Parallel(Parts(), gate, merge=Multiply())
        >> Residual(Conv(8) >> ReLU() >> Conv(8))
        >> Parallel(Conv(4), Conv(4, kernel=5), ReLU())
        >> Parallel(Conv(8), Parts(), merge=Add()).without(Parallel)
        >> Flatten() >> Dense(1)
    )  # fmt: skip
    code = check(net.to_graph())
    assert "gate = layers.Conv2D" in code and "layers.multiply([x, gate])" in code
    assert "residual = x\n" in code and "layers.add([x, residual])" in code
    assert "layers.concatenate([branch, branch2, branch3])" in code


def test_what_is_left_out_is_what_keras_takes_anyway() -> None:
    """Every argument that may be left out has Keras's own default, and those without a name stand in its order."""
    _, keras = load_keras()
    checked = set()
    for kind, layer in vars(keras.layers).items():
        if not inspect.isclass(layer):
            continue
        family = family_of(kind)
        parameters = {k: v for k, v in inspect.signature(layer.__init__).parameters.items() if k != "self"}
        first = _FIRST.get(family, ())
        if family in _FIRST:
            assert tuple(parameters)[: len(first)] == first, kind
        if kind not in {family, f"{family}1D", f"{family}2D", f"{family}3D"} or not _ours(kind):
            continue
        checked.add(family)
        for name, default in (_DEFAULTS | _OWN_DEFAULTS.get(family, {})).items():
            if name not in parameters or name in first:
                continue
            theirs = parameters[name].default
            theirs = theirs[0] if isinstance(theirs, tuple) and len(set(theirs)) == 1 else theirs
            if name == "dtype" or (name == "output_padding" and theirs is None):
                continue
            assert theirs == default, f"{kind}({name}): {theirs!r} and not {default!r}"
    assert len(checked) > 30


def _ours(kind: str) -> bool:
    from archlab.bridge._rules import _rules

    return kind in _rules and bool(Op.registry)
