"""Which operation each Keras layer is: a table by the layer's exact class, filled in by rules.

A layer of a class that is not in the table is unknown: a subclass may compute anything.
"""

from __future__ import annotations

import json
from collections.abc import Callable
from functools import cache
from typing import Any

from archlab import ops
from archlab.bridge._runtime import load_keras
from archlab.ops import Op
from archlab.units import ACTIVATION_FLOPS

Rule = Callable[[Any], Op | None]
"""The operation that a layer is; None where its arguments are beyond the rule."""

_rules: dict[str, Rule] = {}
_registered: dict[type, Rule] = {}


def keras_rule(kind: type) -> Callable[[Rule], Rule]:
    """Say which operation a Keras layer of your own is.

    The function is given the layer and returns an operation of `archlab.ops` (or one of your own).

    >>> import keras
    >>> from archlab import Activation
    >>> class Swish(keras.layers.Layer):
    ...     def call(self, x):
    ...         return x * keras.ops.sigmoid(x)
    >>> @keras_rule(Swish)
    ... def swish(layer):
    ...     return Activation("silu")
    """

    def enter(rule: Rule) -> Rule:
        _registered[kind] = rule
        return rule

    return enter


def layer_of(layer: Any) -> Op | None:
    """The operation that a layer is; None where there is no rule for it, or the rule does not cover its arguments."""
    rule = _registered.get(type(layer)) or _table().get(type(layer))
    try:
        return rule(layer) if rule else None
    except _BeyondError:
        return None


@cache
def _table() -> dict[type, Rule]:
    """The rules by class: layers by their public name, those of `keras.applications` where they live."""
    _, keras = load_keras()
    from keras.src.applications.convnext import LayerScale
    from keras.src.applications.inception_resnet_v2 import CustomScaleLayer

    table = {getattr(keras.layers, name): rule for name, rule in _rules.items() if hasattr(keras.layers, name)}
    table[LayerScale] = lambda layer: ops.LayerScale(float(layer.init_values))
    table[CustomScaleLayer] = lambda layer: ops.ScaledAdd(float(layer.scale))
    return table


def _for(*names: str) -> Callable[[Rule], Rule]:
    def enter(rule: Rule) -> Rule:
        for name in names:
            _rules[name] = rule
        return rule

    return enter


def _spatial(*names: str) -> Callable[[Rule], Rule]:
    """A rule for a layer of one, two and three axes, channels last."""
    every = [f"{name}{axes}D" for name in names for axes in (1, 2, 3)]

    def enter(rule: Rule) -> Rule:
        def last(layer: Any) -> Op | None:
            return rule(layer) if getattr(layer, "data_format", "channels_last") == "channels_last" else None

        _for(*every)(last)
        return rule

    return enter


class _BeyondError(Exception):
    """An argument that no rule covers."""


def _activation(function: Any) -> str | None:
    """The name of an activation; None for the identity."""
    _, keras = load_keras()
    name = getattr(function, "__name__", "") if function is not None else "linear"
    if name == "linear":
        return None
    # The function itself must be Keras's: another one of that name may compute anything.
    if name not in ACTIVATION_FLOPS or keras.activations.get(name) is not function:
        raise _BeyondError(name)
    return name


def initializer_name(initializer: Any) -> str:
    """An initializer as text: its name, or where it has arguments of its own the configuration as JSON."""
    _, keras = load_keras()
    described = keras.initializers.serialize(initializer)
    config = {key: value for key, value in described["config"].items() if key != "seed"}
    name = "".join(f"_{c.lower()}" if c.isupper() else c for c in described["class_name"]).strip("_")
    plain = keras.initializers.serialize(keras.initializers.get(name))["config"]
    if config == {key: value for key, value in plain.items() if key != "seed"}:
        return name
    return json.dumps({"class_name": described["class_name"], "config": config}, sort_keys=True)


def initializer_config(text: str, seed: int | None = None) -> Any:
    """An initializer's text as what Keras makes it from, with a seed if one is given."""
    data = json.loads(text) if text.startswith("{") else {"class_name": text, "config": {}}
    if seed is not None:
        _, keras = load_keras()
        # Constants and the like draw nothing, and Keras refuses them a seed.
        if "seed" in keras.initializers.get(json.loads(json.dumps(data))).get_config():
            data["config"]["seed"] = seed
    return data


def _one(sizes: tuple[int, ...]) -> int | tuple[int, ...]:
    return sizes[0] if len(set(sizes)) == 1 else tuple(sizes)


def _sliding(layer: Any, initializer: Any) -> dict[str, Any]:
    if layer.padding not in ("same", "valid"):
        raise _BeyondError(layer.padding)
    return {
        "kernel": _one(layer.kernel_size),
        "stride": _one(layer.strides),
        "padding": layer.padding,
        "dilation": _one(layer.dilation_rate),
        "bias": layer.use_bias,
        "activation": _activation(layer.activation),
        "initializer": initializer_name(initializer),
    }


@_spatial("Conv")
def _conv(layer: Any) -> Op:
    return ops.Conv(layer.filters, groups=layer.groups, **_sliding(layer, layer.kernel_initializer))


@_spatial("DepthwiseConv")
def _depthwise(layer: Any) -> Op:
    return ops.DepthwiseConv(multiplier=layer.depth_multiplier, **_sliding(layer, layer.depthwise_initializer))


@_spatial("SeparableConv")
def _separable(layer: Any) -> Op:
    sliding = _sliding(layer, layer.depthwise_initializer)
    return ops.SeparableConv(layer.filters, multiplier=layer.depth_multiplier, **sliding)


def _transposed(layer: Any) -> Op | None:
    if layer.data_format != "channels_last":
        return None
    extra = layer.output_padding
    extra = extra if extra is None or isinstance(extra, int) else _one(tuple(extra))
    return ops.ConvTranspose(layer.filters, output_padding=extra, **_sliding(layer, layer.kernel_initializer))


_for("Conv1DTranspose", "Conv2DTranspose", "Conv3DTranspose")(_transposed)


@_for("Dense")
def _dense(layer: Any) -> Op:
    initializer = initializer_name(layer.kernel_initializer)
    return ops.Dense(layer.units, layer.use_bias, _activation(layer.activation), initializer)


def _last_axis(layer: Any) -> None:
    axis = layer.axis if isinstance(layer.axis, int) else layer.axis[0] if len(layer.axis) == 1 else None
    if axis not in (-1, len(layer.input.shape) - 1):
        raise _BeyondError(f"axis={layer.axis}")


@_for("BatchNormalization")
def _batch_norm(layer: Any) -> Op:
    _last_axis(layer)
    return ops.BatchNorm(layer.momentum, layer.epsilon, layer.center, layer.scale)


@_for("LayerNormalization")
def _layer_norm(layer: Any) -> Op:
    _last_axis(layer)
    return ops.LayerNorm(layer.epsilon, layer.center, layer.scale)


@_for("GroupNormalization")
def _group_norm(layer: Any) -> Op:
    _last_axis(layer)
    return ops.GroupNorm(layer.groups, layer.epsilon, layer.center, layer.scale)


@_for("Activation")
def _function(layer: Any) -> Op:
    name = _activation(layer.activation)
    return ops.Identity() if name is None else ops.Activation(name)


@_for("ReLU")
def _relu(layer: Any) -> Op:
    slope = float(layer.negative_slope or 0.0)
    return ops.ReLU(layer.max_value, slope, float(layer.threshold or 0.0))


_for("LeakyReLU")(lambda layer: ops.LeakyReLU(float(layer.negative_slope)))
_for("ELU")(lambda layer: ops.ELU(float(layer.alpha)))
_for("PReLU")(lambda layer: ops.PReLU(tuple(layer.shared_axes) if layer.shared_axes else None))


@_for("Softmax")
def _softmax(layer: Any) -> Op:
    _last_axis(layer)
    return ops.Softmax()


@_spatial("MaxPooling")
def _max_pool(layer: Any) -> Op:
    return ops.MaxPool(_one(layer.pool_size), _one(layer.strides), layer.padding)


@_spatial("AveragePooling")
def _avg_pool(layer: Any) -> Op:
    return ops.AvgPool(_one(layer.pool_size), _one(layer.strides), layer.padding)


_spatial("GlobalAveragePooling")(lambda layer: ops.GlobalAvgPool(layer.keepdims))
_spatial("GlobalMaxPooling")(lambda layer: ops.GlobalMaxPool(layer.keepdims))


@_for("Flatten")
def _flatten(layer: Any) -> Op | None:
    return ops.Flatten() if layer.data_format == "channels_last" else None


_for("Reshape")(lambda layer: ops.Reshape(*layer.target_shape) if layer.target_shape else None)
_for("Permute")(lambda layer: ops.Permute(*layer.dims))
_for("Identity")(lambda layer: ops.Identity())


def _margins(margins: Any) -> Any:
    sides = tuple((side, side) if isinstance(side, int) else tuple(side) for side in margins)
    return sides[0][0] if len({n for side in sides for n in side}) == 1 else sides


def _margins_of(layer: Any, name: str) -> Any:
    margins = getattr(layer, name)
    # One axis is written (before, after) where several are written ((before, after), …).
    return _margins((tuple(margins),) if isinstance(margins[0], int) and len(layer.input.shape) == 3 else margins)


_spatial("ZeroPadding")(lambda layer: ops.ZeroPad(_margins_of(layer, "padding")))
_spatial("Cropping")(lambda layer: ops.Crop(_margins_of(layer, "cropping")))


@_spatial("UpSampling")
def _upsample(layer: Any) -> Op:
    interpolation = getattr(layer, "interpolation", "nearest")
    if interpolation not in ("nearest", "bilinear"):
        raise _BeyondError(interpolation)
    return ops.Upsample(layer.size if isinstance(layer.size, int) else _one(tuple(layer.size)), interpolation)


_for("Dropout")(lambda layer: ops.Dropout(layer.rate))
_for("AlphaDropout")(lambda layer: ops.AlphaDropout(layer.rate))
_for("GaussianDropout")(lambda layer: ops.GaussianDropout(layer.rate))
_for("GaussianNoise")(lambda layer: ops.GaussianNoise(layer.stddev))
_spatial("SpatialDropout")(lambda layer: ops.SpatialDropout(layer.rate))


def _numbers(value: Any) -> float | tuple[float, ...]:
    import numpy as np

    flat = np.asarray(value, dtype="float64").ravel().tolist()
    return flat[0] if len(flat) == 1 else tuple(flat)


@_for("Rescaling")
def _rescaling(layer: Any) -> Op:
    return ops.Rescaling(_numbers(layer.scale), _numbers(layer.offset))


@_for("Normalization")
def _normalization(layer: Any) -> Op:
    if layer.invert:
        raise _BeyondError("invert")
    if layer.input_mean is None:
        return ops.Normalization()
    return ops.Normalization(_numbers(layer.input_mean), _numbers(layer.input_variance))


@_for("Resizing")
def _resizing(layer: Any) -> Op | None:
    if layer.crop_to_aspect_ratio or getattr(layer, "pad_to_aspect_ratio", False):
        return None
    return ops.Resizing(layer.height, layer.width, layer.interpolation)


_for("RandomFlip")(lambda layer: ops.RandomFlip(layer.mode))
_for("RandomCrop")(lambda layer: ops.RandomCrop(layer.height, layer.width))
for _name in ("RandomRotation", "RandomContrast", "RandomBrightness"):
    _for(_name)(lambda layer: getattr(ops, type(layer).__name__)(layer.get_config()["factor"]))
for _name in ("RandomZoom", "RandomTranslation"):
    _for(_name)(
        lambda layer: getattr(ops, type(layer).__name__)(
            layer.get_config()["height_factor"], layer.get_config()["width_factor"]
        )
    )
for _name in ("Add", "Subtract", "Multiply", "Average", "Maximum", "Minimum"):
    _for(_name)(lambda layer: getattr(ops, type(layer).__name__)())


@_for("Concatenate")
def _concatenate(layer: Any) -> Op:
    return ops.Concatenate(layer.axis)


@_for("Embedding")
def _embedding(layer: Any) -> Op | None:
    return ops.Embedding(layer.input_dim, layer.output_dim) if not layer.lora_enabled else None


def _is_plain_recurrent(layer: Any) -> bool:
    functions = layer.activation.__name__, layer.recurrent_activation.__name__
    return functions == ("tanh", "sigmoid") and not layer.dropout and not layer.recurrent_dropout


@_for("LSTM")
def _lstm(layer: Any) -> Op | None:
    return ops.LSTM(layer.units, layer.return_sequences, layer.use_bias) if _is_plain_recurrent(layer) else None


@_for("GRU")
def _gru(layer: Any) -> Op | None:
    plain = _is_plain_recurrent(layer) and layer.reset_after
    return ops.GRU(layer.units, layer.return_sequences, layer.use_bias) if plain else None


@_for("MultiHeadAttention")
def _attention(layer: Any) -> Op | None:
    if layer._output_shape is not None or layer._attention_axes not in (None, (1,)):
        return None
    return ops.MultiHeadAttention(layer.num_heads, layer.key_dim, layer.value_dim, layer._use_bias)


def operation_of(operation: Any, arguments: tuple[Any, ...], tensors: int) -> Op | None:
    """The operation that a call of `keras.ops` on symbolic tensors is, by the arguments it was called with."""
    load_keras()
    from keras.src.ops import nn, numpy

    merges = {numpy.Add: ops.Add, numpy.Multiply: ops.Multiply, numpy.Subtract: ops.Subtract,
              numpy.Maximum: ops.Maximum, numpy.Minimum: ops.Minimum}  # fmt: skip
    kind = type(operation)
    if tensors == 2 and kind in merges:
        return merges[kind]()
    numbers = [float(value) for value in arguments if isinstance(value, int | float)]
    if tensors == 1 and len(arguments) == 2 and len(numbers) == 1:
        tensor_first = not isinstance(arguments[0], int | float)
        if kind is numpy.Add:
            return ops.Arithmetic(offset=numbers[0])
        if kind is numpy.Subtract and tensor_first:
            return ops.Arithmetic(offset=-numbers[0])
        if kind is numpy.Multiply:
            return ops.Arithmetic(scale=numbers[0])
        if kind in (numpy.Divide, numpy.TrueDivide) and tensor_first and numbers[0]:
            return ops.Arithmetic(scale=1 / numbers[0])
    functions = {
        nn.Relu: "relu",
        nn.Relu6: "relu6",
        nn.Sigmoid: "sigmoid",
        nn.Silu: "silu",
        nn.HardSigmoid: "hard_sigmoid",
        nn.HardSilu: "hard_silu",
        nn.Elu: "elu",
        nn.Softplus: "softplus",
        numpy.Tanh: "tanh",
        numpy.Exp: "exponential",
    }
    if tensors == 1 and kind in functions:
        return ops.Activation(functions[kind])
    return None
