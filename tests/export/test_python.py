"""Keras code: what it builds has the weights of the architecture, and it looks as it should."""

from __future__ import annotations

import ast
import inspect
from typing import Any

import numpy as np
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from archlab import Add, Conv, Dense, Flatten, GlobalAvgPool, Input, Multiply, Parallel, Part, ReLU, Residual, load
from archlab import Sequence as Parts
from archlab.bridge import from_keras, load_keras
from archlab.errors import DesignError
from archlab.export import to_keras, to_python
from archlab.export._python import _DEFAULTS, _FIRST, _OWN_DEFAULTS, family_of
from archlab.graph import Graph
from archlab.ops import Op
from archlab.sources import names
from tests.goldens import golden
from tests.strategies import Draw, architectures

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
    "name", ["MobileNetV3Small", pytest.param("NASNetMobile", marks=pytest.mark.exhaustive),
             pytest.param("EfficientNetB0", marks=pytest.mark.slow),
             pytest.param("DenseNet121", marks=pytest.mark.exhaustive),
             pytest.param("InceptionResNetV2", marks=pytest.mark.exhaustive),
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
    with pytest.raises(DesignError, match=r"odd: TimeDistributed\(Dense\) has no layer in Keras"):
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


def _told_options(draw: Draw, keras: Any) -> dict[str, Any]:
    """Arguments of a layer with a kernel that change what is computed or trained, and which no operation states."""
    initializer = st.sampled_from([None, "ones", keras.initializers.GlorotUniform(3)])
    regularizer = st.sampled_from([None, "l2", keras.regularizers.L1L2(0.1, 0.2)])
    constraint = st.sampled_from([None, "non_neg", keras.constraints.MaxNorm(2.0, axis=0)])
    return {
        "kernel_initializer": draw(initializer) or "he_normal",
        "bias_initializer": draw(initializer) or keras.initializers.Constant(0.5),
        "kernel_regularizer": draw(regularizer),
        "activity_regularizer": draw(regularizer),
        "kernel_constraint": draw(constraint),
        "trainable": draw(st.booleans()),
        "dtype": draw(st.sampled_from(["float32", "mixed_bfloat16"])),
    }


def _told_layer(draw: Draw, keras: Any) -> Any:
    layers = keras.layers
    flag, rank = st.booleans(), draw(st.sampled_from(["map", "sequence"]))
    if rank == "sequence":
        kind = draw(st.sampled_from([layers.LSTM, layers.GRU]))
        return (6, 5), kind(
            4, go_backwards=draw(flag), return_sequences=True, recurrent_regularizer="l2", unit_forget_bias=draw(flag)
        ) if kind is layers.LSTM else kind(4, go_backwards=draw(flag), return_sequences=True)
    made = draw(
        st.sampled_from(
            [
                lambda: layers.Conv2D(4, 3, **_told_options(draw, keras)),
                lambda: layers.Dense(4, **_told_options(draw, keras)),
                lambda: layers.BatchNormalization(
                    gamma_initializer=draw(st.sampled_from(["zeros", "ones"])), beta_regularizer="l1",
                    trainable=draw(flag), synchronized=draw(flag),
                ),
                lambda: layers.LayerNormalization(beta_initializer="ones", gamma_constraint="non_neg"),
                lambda: layers.Resizing(5, 5, antialias=draw(flag)),
                lambda: layers.RandomBrightness(0.2, value_range=draw(st.sampled_from([(0, 1), (0, 255)]))),
                lambda: layers.RandomRotation(0.1, fill_mode=draw(st.sampled_from(["reflect", "constant"]))),
                lambda: layers.Dropout(0.3, seed=draw(st.sampled_from([None, 7]))),
                lambda: layers.ELU(draw(st.sampled_from([1.0, 0.3]))),
                lambda: layers.PReLU(alpha_initializer="ones", shared_axes=[1, 2]),
                lambda: layers.Normalization(mean=[1.0, 2.0, 3.0], variance=[1.0, 4.0, 9.0]),
                lambda: layers.Dense(4, lora_rank=draw(st.sampled_from([None, 2]))),
            ]
        )
    )  # fmt: skip
    return (8, 8, 3), made()


def _plain(value: Any) -> Any:
    """What Keras keeps now as a list, now as a tuple."""
    if isinstance(value, dict):
        return {name: _plain(each) for name, each in value.items()}
    return [_plain(each) for each in value] if isinstance(value, list | tuple) else value


@given(st.data())
def test_whatever_a_layer_was_told_is_written_or_refused(data: st.DataObject) -> None:
    import keras

    shape, layer = _told_layer(data.draw, keras)
    x = keras.Input(shape)
    model = keras.Model(x, layer(x))
    if getattr(layer, "lora_enabled", False):
        with pytest.raises(DesignError, match=layer.name):
            to_python(from_keras(model))
    else:
        code = to_python(from_keras(model))
        assert _plain(told(run(code))) == _plain(told(model)), code


def test_what_cannot_be_written_is_named() -> None:
    import keras

    x = keras.Input((4,))
    quantized = keras.layers.Dense(4, name="eight_bits")
    model = keras.Model(x, quantized(x))
    quantized.quantize("int8")
    with pytest.raises(DesignError, match=r"eight_bits: Dense: (dtype|quantization_config) cannot be written as code"):
        to_python(from_keras(model))

    class Odd(keras.regularizers.Regularizer):
        def __call__(self, x: Any) -> Any:
            return 0.0

        def get_config(self) -> dict[str, Any]:
            return {}

    model = keras.Model(x, keras.layers.Dense(4, name="odd", kernel_regularizer=Odd())(x))
    with pytest.raises(DesignError, match="odd: Dense: kernel_regularizer cannot be written as code: Odd is no object"):
        to_python(from_keras(model))
    rows = keras.Input((4, 3))
    adapted = keras.layers.Normalization(axis=None, name="all")
    adapted.adapt(np.ones((2, 4, 3)))
    with pytest.raises(DesignError, match=r"all: Normalization: its weights, .* are not those of such a layer"):
        to_python(from_keras(keras.Model(rows, adapted(rows))))


def test_settings_go_along_without_the_layer() -> None:
    import pickle

    import keras

    x = keras.Input((4,))
    graph = from_keras(keras.Model(x, keras.layers.Dense(4, name="dense", kernel_regularizer="l2")(x)))
    again = pickle.loads(pickle.dumps(graph["dense"].settings))
    assert (again.kind, again.config) == (graph["dense"].settings.kind, graph["dense"].settings.config)


@pytest.mark.parametrize("turns", [3, 40, 450])
def test_a_long_row_is_one_loop(turns: int) -> None:
    code = to_python(Input(8, 8, 4) >> (Conv(4) >> ReLU()) * turns >> GlobalAvgPool())
    assert f"for _ in range({turns}):" in code and code.count("layers.Conv2D") == 1


@given(st.text(max_size=40), st.text(max_size=60))
@example('x"""; import os; os.system("exit") #', 'a """ + print(1) + """ \\ end\\')
@example('ends in "', "\\")
@example("control \x1b[31m \x00 \u2028 \u202e", "lone \ud800\r\n")
def test_whatever_it_is_called_is_text_in_the_code(name: str, paper: str) -> None:
    code = to_python(Input(8, 8, 3) >> Conv(4) >> GlobalAvgPool() >> Dense(1), name=name or "net", paper=paper)
    tree = ast.parse(code)
    # The first statement is the docstring, and says what was given; besides it the code is that of any other name.
    first, *rest = tree.body
    assert isinstance(first, ast.Expr) and isinstance(first.value, ast.Constant)
    assert first.value.value == (f"{name or 'net'}\n\n{paper}\n" if paper else name or "net")
    plain = ast.parse(to_python(Input(8, 8, 3) >> Conv(4) >> GlobalAvgPool() >> Dense(1), name="net"))
    last = rest.pop()
    assert [ast.dump(each) for each in rest] == [ast.dump(each) for each in plain.body[1:-1]]
    assert isinstance(last, ast.Assign) and isinstance(last.value, ast.Call)
    assert all(isinstance(keyword.value, ast.Constant) for keyword in last.value.keywords)
