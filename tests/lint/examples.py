"""For each rule, architectures that it fires on and ones that it spares; mutated networks of the zoo among them."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, NamedTuple

from archlab import (
    Activation,
    Add,
    AvgPool,
    BatchNorm,
    Block,
    Conv,
    ConvTranspose,
    Dense,
    DepthwiseConv,
    Dropout,
    Flatten,
    GlobalAvgPool,
    Graph,
    GroupNorm,
    Input,
    LayerNorm,
    MaxPool,
    Multiply,
    Node,
    Parallel,
    Part,
    ReLU,
    Rescaling,
    Reshape,
    Residual,
    Softmax,
    Zero,
    load,
)


class Examples(NamedTuple):
    """Of a rule: what it fires on, and what it spares."""

    fires: tuple[Any, ...]
    spares: tuple[Any, ...]


def zoo(name: str, *changes: tuple[Any, Any]) -> Part:
    """A network of the zoo with some parts replaced."""
    tree = load(name).tree
    assert tree is not None
    for old, new in changes:
        tree = tree.replace(old, new)
    return tree


def head(units: int, activation: str | None = None) -> Part:
    return Input(16, 16, 3) >> Conv(8, activation="relu") >> GlobalAvgPool() >> Dense(units, activation=activation)


def chain(activation: str, depth: int, units: int, initializer: str = "he_uniform") -> Part:
    layer = Dense(units, initializer=initializer) >> Activation(activation)
    return Input(2) >> layer * depth >> Dense(1, activation="sigmoid")


NORMAL: Any = {"class_name": "RandomNormal", "config": {"stddev": 1.0}}
SMALL: Any = {"class_name": "RandomUniform", "config": {"minval": -0.05, "maxval": 0.05}}
IMAGE = Input(32, 32, 3) >> Conv(16, activation="relu")
BASE = zoo("baseline")
RES = zoo("residual")


def biased(part: Conv) -> Part:
    return part.changed(bias=True, activation=None)


def cut() -> Graph:
    """A branch that no output depends on."""
    graph = (IMAGE >> GlobalAvgPool() >> Dense(2)).to_graph()
    more = Node("lost", Conv(4, bias=True), (1,), (32, 32, 4), None, "lost")
    return Graph((*graph.nodes, more), graph.outputs, "cut")


def sequential(*layers: Any, shape: tuple[int, ...] = (16, 16, 3), **compiled: Any) -> Callable[[], Any]:
    """A function that makes a Keras model of functions that make layers."""

    def build() -> Any:
        import keras

        model = keras.Sequential([keras.Input(shape), *[layer(keras) for layer in layers]])
        if compiled:
            model.compile(**compiled)
        return model

    return build


def logits(activation: str | None) -> Callable[[], Any]:
    """A model whose loss takes logits."""

    def build() -> Any:
        import keras

        kind = keras.losses.BinaryCrossentropy if activation == "sigmoid" else keras.losses.CategoricalCrossentropy
        layers = [keras.Input((8,)), keras.layers.Dense(4, activation)]
        model = keras.Sequential(layers)
        model.compile("adam", kind(from_logits=True))
        return model

    return build


def unruled() -> Any:
    import keras

    class Unruled(keras.layers.Layer):
        """It looks at values, which a model that is only read has none of."""

        def call(self, x):
            return x if keras.ops.max(x) > 0 else -x

        def compute_output_shape(self, shape):
            return shape

    x = keras.Input((8, 8))
    return keras.Model(x, Unruled(name="unruled")(x))


def constant() -> Graph:
    """An output that no way leads to from the input."""
    graph = (IMAGE >> GlobalAvgPool() >> Dense(2)).to_graph()
    silent = Node("silent", Zero(), (len(graph) - 1,), (2,), None, "silent")
    return Graph((*graph.nodes, silent), (len(graph),), "constant")


def stopped() -> Any:
    import keras

    x = y = keras.Input((8, 8, 3))
    y = keras.layers.Conv2D(4, 3, name="before")(y)
    y = keras.ops.stop_gradient(y)
    return keras.Model(x, keras.layers.Dense(2)(keras.layers.GlobalAveragePooling2D()(y)))


EXAMPLES: dict[str, Examples] = {
    "H101": Examples(
        (
            head(1, "softmax"),
            zoo("residual", (Dense(1, activation="sigmoid"), Dense(1, activation="softmax"))),
            IMAGE >> GlobalAvgPool() >> Dense(1) >> Softmax(),
        ),
        (head(2, "softmax"), RES),
    ),
    "H102": Examples(
        ((head(10), {"loss": "categorical_crossentropy"}), (head(1), {"loss": "bce"})),
        (head(10), (head(10, "softmax"), {"loss": "categorical_crossentropy"}), (head(1), {"loss": "mse"})),
    ),
    "H103": Examples(
        (
            (head(10, "relu"), {"loss": "categorical_crossentropy"}),
            (head(4, "sigmoid"), {"loss": "categorical_crossentropy"}),
            (head(1, "tanh"), {"loss": "binary_crossentropy"}),
            (head(1, "relu"), {"loss": "dice"}),
        ),
        (
            (head(10, "softmax"), {"loss": "categorical_crossentropy"}),
            (head(3, "sigmoid"), {"loss": "bce"}),
            head(10, "relu"),
        ),
    ),
    "H104": Examples(
        (
            (head(2, "softmax"), {"loss": "bce"}),
            (head(1, "sigmoid"), {"loss": "categorical_crossentropy"}),
            (head(10, "softmax"), {"loss": "mse"}),
        ),
        ((head(1, "sigmoid"), {"loss": "bce"}), (head(10, "softmax"), {"loss": "categorical_crossentropy"})),
    ),
    "H105": Examples(
        ((head(1, "sigmoid"), {"loss": "mse"}), (zoo("residual"), {"loss": "mae"})),
        ((head(1), {"loss": "mse"}), (RES, {"loss": "bce"}), RES),
    ),
    "H106": Examples((logits("softmax"), logits("sigmoid")), (logits(None), head(4, "softmax"))),
    "H107": Examples(((head(1, "relu"), {"loss": "mse"}),), ((head(1, "relu"), {}), (head(1), {"loss": "mse"}))),
    "H108": Examples(
        (
            (head(1), {"loss": "mse", "metrics": ("accuracy",)}),
            (head(1, "sigmoid"), {"loss": "bce", "metrics": ("categorical_accuracy",)}),
        ),
        (
            (head(1), {"loss": "mse", "metrics": ("mae",)}),
            (head(1, "sigmoid"), {"loss": "bce", "metrics": ("accuracy",)}),
        ),
    ),
    "H109": Examples(
        ((head(5, "softmax"), {"task": "classes:10"}), (RES, {"task": "classes:10"})),
        (
            (RES, {"task": "binary"}),
            (head(2, "softmax"), {"task": "binary"}),
            (head(5, "softmax"), {"task": "regression"}),
        ),
    ),
    "H110": Examples(
        (
            (head(1), {"task": "binary", "loss": "mse"}),
            (head(1, "sigmoid"), {"task": "regression", "loss": "bce"}),
            (head(10), {"task": "classes:10", "loss": "bce"}),
        ),
        (
            (head(10, "sigmoid"), {"task": "classes:10", "loss": "bce"}),
            (head(1), {"task": "regression", "loss": "mse"}),
        ),
    ),
    "H111": Examples(
        ((head(5, "softmax"), {"task": "labels:5"}),), ((head(5, "sigmoid"), {"task": "labels:5"}), head(5, "softmax"))
    ),
    "H112": Examples(
        ((head(1, "sigmoid"), {"task": "regression:0:100"}), (head(1, "relu"), {"task": "regression:-1:1"})),
        ((head(1), {"task": "regression:0:100"}), (head(1, "sigmoid"), {"task": "regression:0:1"})),
    ),
    "H113": Examples(
        (
            Input(30, 1)
            >> Conv(64, padding="valid", activation="relu")
            >> MaxPool(4)
            >> Dense(1, activation="sigmoid"),
            Input(28, 28, 1) >> Dense(64, activation="relu") >> Dense(10, activation="softmax"),
            (zoo("residual").without(GlobalAvgPool), {"task": "binary"}),
        ),
        (RES, Input(30, 1) >> Conv(64, activation="relu") >> Dense(1), Input(1, 1, 8) >> Dense(4)),
    ),
    "S201": Examples(
        ("plain:depth=50,width=16,normalization=none,conv=ordinary",),
        (RES, BASE, "residual:depth=20"),
    ),
    "S202": Examples(("plain:depth=50",), (RES, BASE)),
    "S203": Examples(("plain:depth=50,width=16,normalization=none,conv=ordinary",), (RES, BASE)),
    "S204": Examples((chain("relu", 16, 5),), (chain("relu", 16, 64), chain("elu", 16, 5), chain("relu", 3, 5), RES)),
    "S205": Examples(("vgg16",), (RES, BASE)),
    "S206": Examples(
        (
            chain("sigmoid", 11, 5),
            Input(28, 28, 1)
            >> Conv(6, kernel=5)
            >> Activation("sigmoid")
            >> Flatten()
            >> (Dense(84) >> Activation("sigmoid")) * 9
            >> Dense(10, activation="softmax"),
        ),
        (chain("tanh", 17, 64, "glorot_uniform"), chain("sigmoid", 1, 64), chain("relu", 11, 64), RES),
    ),
    "S207": Examples((chain("exponential", 10, 5),), (chain("elu", 10, 5), chain("exponential", 1, 5))),
    "S208": Examples(
        (
            Input(8) >> Dense(16, activation="relu", initializer="ones") >> Dense(2),
            zoo("baseline", (Conv, lambda part: part.changed(initializer="zeros"))),
        ),
        (
            Input(8) >> Dense(16, activation="relu") >> Dense(2, initializer="zeros"),
            BASE,
            IMAGE >> Residual(Conv(16) >> ReLU() >> Conv(16, initializer="zeros")) >> GlobalAvgPool() >> Dense(2),
        ),
    ),
    "S209": Examples(
        (
            Input(784) >> Dense(30, activation="sigmoid", initializer=NORMAL) >> Dense(10),
            Input(2) >> (Dense(5, activation="relu", initializer=SMALL)) * 9 >> Dense(3, activation="sigmoid"),
        ),
        (
            BASE,
            RES,
            Input(784) >> Dense(30, initializer=NORMAL) >> BatchNorm() >> ReLU() >> Dense(10),
            Input(8) >> Dense(4, activation="relu", initializer=SMALL) >> Dense(1),
        ),
    ),
    "S210": Examples(
        (
            (IMAGE >> GlobalAvgPool() >> Dense(2), {"input_range": (0, 255)}),
            (zoo("baseline").without(Rescaling), {"input_range": (0, 255)}),
        ),
        (
            (IMAGE >> GlobalAvgPool() >> Dense(2), {"input_range": (-1, 1)}),
            (RES, {"input_range": (0, 255)}),
            IMAGE >> GlobalAvgPool() >> Dense(2),
        ),
    ),
    "S211": Examples(
        ((BASE, {"optimizer": "adam", "learning_rate": 0.1}), (BASE, {"optimizer": "sgd", "learning_rate": 3.0})),
        (
            (BASE, {"optimizer": "adam", "learning_rate": 0.001}),
            (BASE, {"optimizer": "sgd", "learning_rate": 0.1}),
            (BASE, {"optimizer": "adadelta", "learning_rate": 1.0}),
            BASE,
        ),
    ),
    "S212": Examples((constant(),), (RES, BASE)),
    "A301": Examples(
        (
            Input(240) >> Dense(120) >> Dense(10, activation="softmax"),
            IMAGE >> Conv(32, bias=True) >> MaxPool() >> Flatten() >> Dense(64, activation="relu") >> Dense(2),
            zoo("baseline", (Conv, lambda part: part.changed(activation=None))),
        ),
        (
            Input(240) >> Dense(120, activation="relu") >> Dense(10),
            Input(240) >> Dense(4) >> Dense(120),
            RES,
            "mobilenet_v2",
            IMAGE >> DepthwiseConv() >> Conv(32, kernel=1, activation="relu") >> GlobalAvgPool() >> Dense(2),
            IMAGE >> ConvTranspose(16, stride=2) >> Conv(8, activation="relu") >> GlobalAvgPool() >> Dense(2),
        ),
    ),
    "A302": Examples(
        (
            zoo("baseline", (Conv, lambda part: Block(biased(part) >> BatchNorm() >> ReLU()))),
            "resnet50",
            Input(28) >> Dense(64) >> BatchNorm() >> ReLU() >> Dense(2),
            IMAGE >> Conv(8, bias=True) >> MaxPool() >> BatchNorm() >> GlobalAvgPool() >> Dense(2),
        ),
        (
            RES,
            "mobilenet_v2",
            IMAGE >> Conv(8, bias=True, activation="relu") >> BatchNorm() >> GlobalAvgPool() >> Dense(2),
            IMAGE >> Conv(8, bias=True) >> LayerNorm() >> GlobalAvgPool() >> Dense(2),
            IMAGE >> Conv(8, bias=True) >> Parallel(BatchNorm(), ReLU(), merge=Add()) >> GlobalAvgPool() >> Dense(2),
        ),
    ),
    "A303": Examples(
        (
            head(10, "softmax") >> Softmax(),
            zoo("residual", (ReLU, lambda part: part >> ReLU())),
            head(3, "relu") >> Activation("sigmoid"),
        ),
        (
            RES,
            BASE,
            "mobilenet_v2",
            IMAGE >> MaxPool() >> ReLU() >> GlobalAvgPool() >> Dense(2),
            IMAGE
            >> Parallel(Conv(16, activation="relu") >> Activation("sigmoid"), Conv(16), merge=Multiply())
            >> GlobalAvgPool()
            >> Dense(2),
        ),
    ),
    "A304": Examples(
        (
            IMAGE >> Dropout(0.5) >> BatchNorm() >> ReLU() >> GlobalAvgPool() >> Dense(2),
            zoo("residual", (BatchNorm, lambda part: Dropout(0.3) >> part)),
        ),
        (
            RES,
            IMAGE >> BatchNorm() >> Dropout(0.5) >> GlobalAvgPool() >> Dense(2),
            IMAGE >> Dropout(0.5) >> Conv(8) >> BatchNorm() >> GlobalAvgPool() >> Dense(2),
        ),
    ),
    "A305": Examples(
        (zoo("residual", (Dropout, Dropout(0.8))), head(4) >> Dropout(0.7) >> Dense(2)),
        (RES, head(4) >> Dropout(0.5) >> Dense(2)),
    ),
    "A306": Examples(
        (
            IMAGE >> Conv(1) >> LayerNorm() >> GlobalAvgPool() >> Dense(2),
            Input(1, 1, 8) >> GroupNorm(groups=8) >> GlobalAvgPool() >> Dense(2),
        ),
        (
            IMAGE >> LayerNorm() >> GlobalAvgPool() >> Dense(2),
            IMAGE >> GroupNorm(groups=16) >> GlobalAvgPool() >> Dense(2),
        ),
    ),
    "A307": Examples((cut(),), (RES, BASE, "xception")),
    "A308": Examples((stopped,), (RES,)),
    "A309": Examples(
        (
            IMAGE >> Conv(8, kernel=2, stride=3, activation="relu") >> GlobalAvgPool() >> Dense(2),
            IMAGE >> MaxPool(2, stride=3) >> GlobalAvgPool() >> Dense(2),
        ),
        (RES, "resnet50", "xception", IMAGE >> Conv(8, kernel=1, stride=2) >> ReLU() >> GlobalAvgPool() >> Dense(2)),
    ),
    "A310": Examples(
        (
            Input(8, 8, 3)
            >> (Conv(8, padding="valid") >> ReLU()) * 4
            >> MaxPool(4, padding="valid")
            >> GlobalAvgPool(),
            zoo("vgg16").with_input(16, 16, 3),
        ),
        (RES, "vgg16", Input(8, 8, 3) >> Conv(8, groups=2)),
    ),
    "A311": Examples(
        (Input(8, 8, 3) >> Conv(8, groups=2), IMAGE >> GroupNorm(groups=5)), (RES, IMAGE >> Conv(8, groups=4))
    ),
    "A312": Examples(
        (Input(7, 7, 64) >> Reshape(2048) >> Dense(10),), (Input(7, 7, 64) >> Reshape(3136) >> Dense(10),)
    ),
    "A313": Examples(
        (IMAGE >> Parallel(Conv(8), Conv(16), merge=Add()) >> GlobalAvgPool(),),
        (RES, Input(8, 8, 3) >> Conv(8, groups=2)),
    ),
    "A314": Examples(
        (
            Input(5, 5, 32) >> Conv(64, kernel=12, stride=6) >> ReLU() >> GlobalAvgPool() >> Dense(2),
            Input(1, 1, 32) >> Conv(64) >> ReLU() >> GlobalAvgPool() >> Dense(2),
        ),
        (
            RES,
            Input(2, 2, 32) >> Conv(64) >> ReLU() >> GlobalAvgPool() >> Dense(2),
            Input(28, 28, 1) >> Conv(6, kernel=5) >> ReLU(),
        ),
    ),
    "A315": Examples(
        (
            Input(3, 32, 32) >> Conv(32) >> ReLU() >> GlobalAvgPool() >> Dense(2),
            zoo("residual").with_input(3, 180, 180),
        ),
        (RES, Input(3, 32) >> Dense(4), Input(4, 32, 2) >> Conv(8) >> ReLU() >> GlobalAvgPool()),
    ),
    "A316": Examples(
        (
            sequential(
                lambda k: k.layers.Flatten(), lambda k: k.layers.Dense(4, kernel_regularizer=k.constraints.MaxNorm(3))
            ),
        ),
        (
            sequential(
                lambda k: k.layers.Flatten(), lambda k: k.layers.Dense(4, kernel_constraint=k.constraints.MaxNorm(3))
            ),
            RES,
        ),
    ),
    "A317": Examples(
        (sequential(lambda k: k.layers.Conv2D(4, 3), lambda k: k.layers.BatchNormalization(axis=1)),),
        (sequential(lambda k: k.layers.Conv2D(4, 3), lambda k: k.layers.BatchNormalization()), RES),
    ),
    "A318": Examples(
        (
            Input(28, 28, 1)
            >> Conv(32, stride=2, activation="relu")
            >> MaxPool(4, stride=2)
            >> GlobalAvgPool()
            >> Dense(2),
            zoo("resnet50").with_input(32, 32, 3),
        ),
        (
            RES,
            BASE,
            "resnet50",
            Input(28, 28, 1) >> Conv(8) >> MaxPool() >> Conv(8, stride=2) >> GlobalAvgPool() >> Dense(2),
        ),
    ),
    "R401": Examples((RES,), (BASE, "resnet50")),
    "R402": Examples(
        (Input(256, 256, 3) >> (Conv(8) >> ReLU()) * 3 >> GlobalAvgPool() >> Dense(2),),
        (RES, Input(256, 256, 3) >> (Conv(8) >> ReLU()) * 3 >> Flatten() >> Dense(2)),
    ),
    "R403": Examples(
        ("plain:depth=50", Input(16, 16, 8) >> (Conv(8) >> ReLU()) * 12 >> GlobalAvgPool() >> Dense(2)), (RES, BASE)
    ),
    "C501": Examples(
        (
            "vgg16",
            zoo("residual", (GlobalAvgPool, Flatten()), (Dense, lambda part: Dense(512, activation="relu") >> part)),
            Input(28, 28, 64) >> Reshape(1, 50176) >> Dense(512, activation="relu") >> Flatten() >> Dense(2),
        ),
        (
            RES,
            BASE,
            Input(28, 28, 64) >> GlobalAvgPool() >> Dense(512),
            Input(784) >> Flatten() >> Dense(512),
            IMAGE >> MaxPool(8) >> Flatten() >> Dense(10),
        ),
    ),
    "C502": Examples(("vgg16", BASE), (RES, "mobilenet_v2", "xception")),
    "C503": Examples((RES, IMAGE >> DepthwiseConv() >> ReLU()), (BASE, "resnet50")),
    "C504": Examples((Input(32, 32, 3) >> Conv(9) >> ReLU() >> GlobalAvgPool() >> Dense(2),), (RES, "resnet50")),
    "N701": Examples(
        (
            IMAGE
            >> Parallel(
                GlobalAvgPool(keepdims=True) >> Conv(16, kernel=1, activation="sigmoid"), ReLU(), merge=Multiply()
            )
            >> GlobalAvgPool()
            >> Dense(2),
        ),
        (RES,),
    ),
    "N702": Examples((unruled,), (RES,)),
    "N703": Examples((load("mobilenet_v2", (None, None)),), (RES,)),
    "N704": Examples((), (RES,)),
    "N705": Examples((), (RES,)),
    "N706": Examples(("plain:depth=50",), ("baseline",)),
    "T601": Examples(
        (Input(32, 32, 3) >> Conv(8, kernel=5) >> ReLU() >> Conv(8) >> ReLU() >> GlobalAvgPool(),),
        (IMAGE >> Conv(8, kernel=5),),
    ),
    "T602": Examples(
        (IMAGE >> Conv(8) >> ReLU() >> GlobalAvgPool(),), (IMAGE >> Conv(32) >> ReLU() >> GlobalAvgPool(),)
    ),
    "T603": Examples(
        (Input(8) >> Dense(8) >> ReLU() >> Dense(16) >> ReLU() >> Dense(2),),
        (Input(8) >> Dense(16) >> ReLU() >> Dense(8) >> ReLU() >> Dense(2),),
    ),
    "T604": Examples((IMAGE >> Conv(8) >> Flatten() >> Dense(2),), (RES, BASE)),
    "T605": Examples(
        (Input(64, 64, 3) >> (Conv(8) >> ReLU()) * 9 >> AvgPool() >> Flatten() >> Dense(2),), (RES, "vgg16")
    ),
    "T606": Examples((BASE,), ("vgg16", Input(64, 64, 3) >> (Conv(8) >> ReLU() >> Conv(8) >> ReLU() >> MaxPool()) * 2)),
    "T607": Examples((IMAGE >> Conv(32, kernel=5) >> ReLU() >> MaxPool() >> GlobalAvgPool(),), ("vgg16", RES)),
    "T608": Examples(
        (IMAGE >> Dropout(0.2) >> ReLU() >> MaxPool() >> GlobalAvgPool(),),
        (RES, IMAGE >> MaxPool() >> Dropout(0.2) >> GlobalAvgPool()),
    ),
    "T609": Examples(
        (sequential(lambda k: k.layers.Conv2D(4, 3, bias_initializer="ones")),),
        (sequential(lambda k: k.layers.Conv2D(4, 3)), RES),
    ),
}
