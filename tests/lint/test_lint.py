"""`lint`: what it takes, what it knows of a Keras model, and what it leaves alone."""

from __future__ import annotations

from pathlib import Path

import pytest

import archlab
from archlab import BatchNorm, Conv, Dense, GlobalAvgPool, Input, ReLU, lint
from archlab.errors import SourceError, UnknownNameError, UsageError
from archlab.lint import Found, Rule, Task, context_of, read_task, with_files
from archlab.losses import CompileSettings, compile_settings, named_loss

pytestmark = pytest.mark.filterwarnings("ignore::DeprecationWarning")  # Keras's own use of NumPy
NET = (
    Input(16, 16, 3) >> Conv(8, bias=True) >> BatchNorm() >> ReLU() >> GlobalAvgPool() >> Dense(4, activation="softmax")
)


def test_the_package_is_the_function_too() -> None:
    assert archlab.lint("vgg16").codes == ("C501",)
    import archlab.lint as package

    assert package(NET).codes == ("A302",)  # pyright: ignore[reportCallIssue]


def test_what_is_not_known_is_not_judged() -> None:
    assert lint(NET).codes == ("A302",)
    assert set(lint(NET, loss="mse").codes) == {"A302", "H104"}
    assert set(lint(NET, task="classes:10").codes) == {"A302", "H109"}
    assert lint(NET, loss="categorical_crossentropy", task="classes:4").codes == ("A302",)


def test_a_finding_says_where_and_what_else() -> None:
    (found,) = lint(NET)
    assert (found.code, found.severity, found.where, found.value) == ("A302", "warning", "conv", 32)
    assert "32 B" in found.message and "bias=False" in found.remedy and found.source and found.fixable
    assert set(found.to_dict()) >= {"code", "severity", "where", "message", "remedy", "value", "source"}


def test_rules_are_chosen_by_code_beginning_and_name() -> None:
    assert lint(NET, select=["A"]).codes == ("A302",)
    assert lint(NET, select=["bias-before-batchnorm"]).codes == ("A302",)
    assert lint(NET, select=["ALL"], ignore=["A3"]).codes == ()
    assert lint(NET, select=["A302"], ignore=["A"]).codes == ("A302",), "the longer one decides"
    assert lint("vgg16", select=["T"], severity="info").codes == ()
    with pytest.raises(UnknownNameError, match=r"no rule 'A3O2': did you mean .*A302"):
        lint(NET, select=["A3O2"])
    with pytest.raises(UsageError, match="did you mean warning"):
        lint(NET, severity="warn")  # pyright: ignore[reportArgumentType]


def test_layers_are_left_alone_where_told() -> None:
    (found,) = lint("resnet50", per_layer_ignores={"stage[12]/*": ["A302"]})
    assert not any(name.startswith(("stage1/", "stage2/")) for name in found.layers) and found.where == "conv"
    assert not lint("resnet50", per_layer_ignores={"*": ["A"]})


@pytest.mark.parametrize(
    "text", ["binary:2", "classes", "classes:1", "labels:x", "regression:1", "regression:2:1", "cats"]
)
def test_a_task_that_is_none(text: str) -> None:
    with pytest.raises(UsageError, match=r"is none of binary, classes:N"):
        read_task(text)


def test_tasks() -> None:
    assert read_task("regression:-1:1") == Task("regression", None, -1.0, 1.0)
    assert read_task("binary") == Task("binary", 2)
    assert read_task(None) is None


def test_a_live_model_says_what_it_is_compiled_with() -> None:
    import keras

    x = keras.Input((8,))
    model = keras.Model(x, keras.layers.Dense(1, "sigmoid", name="head")(x))
    assert not lint(model)
    model.compile(
        keras.optimizers.SGD(keras.optimizers.schedules.ExponentialDecay(3.0, 10, 0.9)), "mse", metrics=["accuracy"]
    )
    settings = context_of(model).settings
    assert settings.losses[0] == named_loss("mse")
    assert (settings.metrics, settings.optimizer, settings.learning_rate) == ((("accuracy",),), "SGD", 3.0)
    assert set(lint(model).codes) == {"H105", "H108", "S211"}
    assert set(lint(model, loss="binary_crossentropy").codes) == {"S211"}, "what is told goes before it"


def test_a_loss_of_keras_itself() -> None:
    import keras

    net = Input(8) >> Dense(4, activation="softmax")
    assert lint(net, loss=keras.losses.CategoricalCrossentropy(from_logits=True)).codes == ("H106",)
    assert lint(net, loss=keras.losses.MeanSquaredError()).codes == ("H104",)


def test_outputs_have_losses_of_their_own() -> None:
    import keras

    x = keras.Input((8,))
    outputs = {
        name: keras.layers.Dense(3, activation, name=name)(x) for name, activation in (("a", "softmax"), ("b", None))
    }
    model = keras.Model(x, outputs)
    model.compile("adam", {"b": "mse", "a": "mse"}, metrics={"a": ["accuracy"], "b": ["mae"]})
    found = lint(model)
    assert [(each.code, each.where) for each in found] == [("H104", "a"), ("H108", "a")]


def test_a_saved_model_says_it_too(tmp_path: Path) -> None:
    import keras

    x = keras.Input((8,))
    model = keras.Model(x, keras.layers.Dense(10, name="head")(x))
    model.compile("adam", "sparse_categorical_crossentropy")
    path = tmp_path / "net.keras"
    model.save(path)
    assert lint(str(path)).codes == ("H102",)


@pytest.mark.parametrize(
    "config",
    [{}, {"loss": 3, "metrics": 4, "optimizer": 5}, {"loss": {"class_name": None}, "metrics": [{"x": 1}]}, None, []],
)
def test_compile_settings_of_a_file_may_be_anything(config: object) -> None:
    found = compile_settings(config)
    assert found is None or isinstance(found, CompileSettings)


def test_a_model_that_cannot_be_built_is_a_finding() -> None:
    import keras

    def build():
        layers = [keras.layers.Conv2D(8, 3), keras.layers.MaxPooling2D(4), keras.layers.MaxPooling2D(4, name="pool")]
        return keras.Sequential([keras.Input((16, 16, 3)), *layers])

    (found,) = lint(build)
    assert (found.code, found.where) == ("A310", "pool") and "(3, 3, 8)" in found.message
    with pytest.raises(ZeroDivisionError):
        lint(lambda: 1 / 0)


def test_rules_of_ones_own(tmp_path: Path) -> None:
    path = tmp_path / "ours.py"
    path.write_text(
        '"""Rules of ours."""\n'
        "from archlab.lint import Found, Rule\n"
        "def check(context):\n"
        "    if len(context.nodes) > 3:\n"
        "        yield Found('more than three layers.', value=len(context.nodes))\n"
        "RULE = Rule('X101', 'short', 'error', check, __doc__)\n"
    )
    rules = with_files([path])
    assert rules["X101"].group == "rules of one's own"
    assert [found.value for found in rules["X101"].check(context_of(NET))] == [6]
    path.write_text("x = 1\n")
    with pytest.raises(SourceError, match="holds no rule"):
        with_files([path])
    # Of another length: byte code is known by the second and the size of its source.
    path.write_text("1 / 0  # a fault\n")
    with pytest.raises(SourceError, match="ZeroDivisionError"):
        with_files([path])
    with pytest.raises(UsageError, match="two rules have the code A302"):
        with_files([]).add(Rule("A302", "another", "error", lambda context: [Found("")]))
    with pytest.raises(UsageError, match="letters and three digits"):
        Rule("a1", "x", "error", lambda context: [])
