"""Valid records and models, as plain data, to be spoilt."""

from __future__ import annotations

from typing import Any

from archlab.analysis import GradientFlow, PathLengths, Sweep
from archlab.analysis._correlation import CorrelationRow, GradientCorrelation
from archlab.analysis._field import EffectiveReceptiveField
from archlab.analysis._flow import BlockFlow, LayerFlow, WeightFlow
from archlab.analysis._path_gradients import PathGradientRow, PathGradients
from archlab.analysis._record import Record
from archlab.analysis._sweep import Variant
from archlab.analysis._trend import trend
from archlab.analysis.static.signal import PredictedFlow
from tests.hostile import layer, model, photo

_WEIGHT = WeightFlow("kernel", 0.1, 2.0)
_LAYERS = tuple(
    LayerFlow(f"conv{depth}", depth, True, True, 0.1, 10.0**depth, 0.1, 2.0, 0.05, None, (0.1, 0.2), (_WEIGHT,))
    for depth in (1, 2, 3)
)
_BLOCK = BlockFlow("block1", 1, ("conv1",), 0.1, 10.0, 0.1, 2.0, 0.05, None, None, 1.0, 0.0, (0.5, 1.5))
_TREND = trend([1, 2, 3], [1, 1, 1], [[layer.activation_gradient_rms for layer in _LAYERS]])
_FLOW = GradientFlow("given", "mse", 8, "float32", (0,), (0.5,), _LAYERS, _TREND, ("conv3",), (_BLOCK,), name="net")
_PREDICTED = PredictedFlow("synthetic", "mse", 8, _LAYERS, _TREND, False, ("it is not random",))

RESULTS: dict[str, Record] = {
    "GradientFlow": _FLOW,
    "Sweep": Sweep((Variant("net", "plain", 3, "he_normal", _FLOW, _PREDICTED),)),
    "PathLengths": PathLengths("blocks", 2, ((0, 1), (1, 2), (2, 1)), "net"),
    "PathGradients": PathGradients(
        1, (PathGradientRow(0, 1, 0.1, None, 0.4, 0.5, 1), PathGradientRow(1, 1, 0.2, (0.1, 0.3), 0.6, 0.5, 1)),
        0.3, 0, "mse", 8, (0,), True, "given", "net",
    ),
    "GradientCorrelation": GradientCorrelation(
        (CorrelationRow(0.0, 1.0, None), CorrelationRow(1.0, 0.3, (0.2, 0.4))), 2, 3, 0, (0,), True, "given", "net"
    ),
    "EffectiveReceptiveField": EffectiveReceptiveField(
        "conv", "magnitude", (2, 3), (1, 1), ((0.1, 0.2, 0.1), (0.2, 0.3, 0.1)), (0.5, 1.0), (0.5, 0.7), 0.9, 1.5, 4,
        ((-1, 2), (0, 2)), False, 3, 0, 0, (0,), True, "float32", "given", "net",
    ),
}  # fmt: skip

RUN: dict[str, dict[str, Any]] = {
    "run.json": {
        "reference": "residual", "name": "residual", "input": [32, 32, 3], "recipe": "lecture", "settings": {},
        "seed": 0, "data": "shapes", "data_title": "shapes", "data_fingerprint": "a", "test_fingerprint": "b",
        "synthetic": True, "classes": ["a", "b"], "photos": {"train": 4, "validation": 2, "test": 2},
        "skipped": [["x.jpg", "empty"]], "precision": "float32", "deterministic": False, "mirrored": False,
        "gradients": False, "tensorboard": False,
        "command": ["archlab", "train"], "versions": {"keras": "3"}, "python": "3.11", "machine": {"cpus": 2},
        "schema": 1,
    },
    "summary.json": {
        "reference": "residual", "name": "residual", "recipe": "lecture", "seed": 0, "data": "shapes",
        "synthetic": True, "fingerprint": "b", "classes": ["a", "b"], "input": [32, 32, 3], "epochs": 2,
        "best_epoch": 1, "validation_accuracy": 0.5, "validation_loss": 0.7, "test_accuracy": 0.5, "test_photos": 2,
        "params": 10, "seconds": 1.5, "images_per_second": 3.0, "settings": {"lr": 0.1},
    },
    "history.jsonl": {
        "epoch": 1, "loss": 0.5, "accuracy": 0.5, "learning_rate": 0.1, "size": [32, 32], "seconds": 1.0,
        "images_per_second": 3.0, "elapsed": 1.0, "val_loss": 0.4, "val_accuracy": 0.5,
    },
}  # fmt: skip

EXPERIMENT: dict[str, Any] = {"schema": 1, "id": "abc", "name": "x", "trials": {"a/b/seed-0": {"seed": 0}}}

NET: dict[str, Any] = model(
    photo(8, 8, 3),
    layer("Conv2D", "conv", "photo", filters=4, kernel_size=[3, 3], strides=[1, 1], padding="same", use_bias=True,
          activation="relu", dilation_rate=[1, 1], groups=1),
    layer("BatchNormalization", "norm", "conv", momentum=0.9, epsilon=0.001, axis=-1),
    layer("MaxPooling2D", "pool", "norm", pool_size=[2, 2], strides=None, padding="valid"),
    layer("GlobalAveragePooling2D", "mean", "pool", keepdims=False),
    layer("Dropout", "drop", "mean", rate=0.5),
    layer("Dense", "dense", "drop", units=2, activation="softmax"),
)  # fmt: skip
