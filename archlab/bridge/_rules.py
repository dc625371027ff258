"""Which operation each Keras layer is: a table by the layer's exact class, filled in by rules.

A layer of a class that is not in the table is unknown: a subclass may compute anything.
"""

from __future__ import annotations

import json
import random
from collections.abc import Callable
from contextvars import ContextVar
from functools import cache

from archlab import ops
from archlab.bridge._operations import BeyondError, Call, entering, operation_of
from archlab.bridge._private import application_layers, attention_settings, calls, is_of_a_library
from archlab.bridge._runtime import load_any_keras
from archlab.bridge.types import Config, Function, Layer, Untyped
from archlab.ops import Bidirectional, Elementwise, Followed, Op, Opaque, Repeated
from archlab.units import ACTIVATION_FLOPS

Rule = Callable[[Layer], Op | None]
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


_channels_axis: ContextVar[int] = ContextVar("channels_axis", default=-1)
"""Which axis of a tensor, the batch counted, its channels are on in the model that is read: the last, or the first."""


def layer_of(layer: object, channels_first: bool = False) -> Op | None:
    """The operation that a layer is; None where there is no rule for it.

    Args:
        layer: a Keras layer.
        channels_first: whether the channels stand before the other axes throughout the model. The operation is the
            one that does the same where they stand behind.

    Raises:
        BeyondError: there is a rule, and it does not cover the layer's arguments; says which.
    """
    if not channels_first and getattr(layer, "data_format", None) == "channels_first":
        raise BeyondError("data_format=channels_first")
    token = _channels_axis.set(1 if channels_first else -1)
    try:
        return _layer_of(layer)
    finally:
        _channels_axis.reset(token)


def _layer_of(layer: object) -> Op | None:
    rule = _registered.get(type(layer)) or _table().get(type(layer))
    try:
        op = rule(layer) if rule else None
    except BeyondError:
        raise
    except Exception as error:  # a rule is written for layers as they are known; another's may hold anything
        raise BeyondError(f"{type(error).__name__}: {error}") from error
    if rule and op is None:
        raise BeyondError("arguments that its rule does not cover")
    return op


def is_ruled(layer: object) -> bool:
    """Whether somebody wrote a rule for just this class of layer, so that it is not looked into."""
    return type(layer) in _registered


@cache
def _table() -> dict[type, Rule]:
    """The rules by class: layers by their public name, those of `keras.applications` where they live."""
    keras = load_any_keras()
    layer_scale, scaled_add = application_layers()
    table = {getattr(keras.layers, name): rule for name, rule in _rules.items() if hasattr(keras.layers, name)}
    table[layer_scale] = lambda layer: ops.LayerScale(float(layer.init_values))
    table[scaled_add] = lambda layer: ops.ScaledAdd(float(layer.scale))
    return table


_for = entering(_rules)


def _spatial(*names: str) -> Callable[[Rule], Rule]:
    """A rule for a layer of one, two and three axes."""
    every = [f"{name}{axes}D" for name in names for axes in (1, 2, 3)]

    return _for(*every)


def activation_name(function: Function) -> str | None:
    """The name of an activation that Keras has, or TensorFlow under the same name; None for the identity.

    Raises:
        BeyondError: it is a layer, or a function of somebody's own.
    """
    keras = load_any_keras()
    name = getattr(function, "__name__", "") if function is not None else "linear"
    if name == "linear":
        return None
    # The function itself must be one that is known: another one of that name may compute anything.
    if name not in ACTIVATION_FLOPS or not (is_of_a_library(function) or keras.activations.get(name) is function):
        raise BeyondError(f"activation {name or type(function).__name__}")
    return name


def activation_ops(function: Function) -> tuple[Op, ...]:
    """What an activation of somebody's own computes: a layer's operation, or a function traced on a symbolic tensor.

    Raises:
        BeyondError: it is a layer without a rule.
    """
    keras = load_any_keras()
    if isinstance(function, keras.layers.Layer):
        op = layer_of(function)
        if op is None or function.weights:
            raise BeyondError(f"activation {type(function).__name__}")
        return (op,)
    name = getattr(function, "__name__", type(function).__name__).strip("<>")
    flops = traced_flops(function)
    if flops is None:
        return (Opaque(name, ((None,),), (None,), lambda *shapes: shapes[0]),)
    return (Elementwise(name, ((None,),), (None,), lambda *shapes: shapes[0], flops=flops, linear=not flops),)


def traced_flops(function: Function) -> int | None:
    """What a function of single elements costs each of them; None where it cannot be traced."""
    keras = load_any_keras()
    tensor = keras.KerasTensor((None, 8))
    try:
        made = function(tensor)
        if made is tensor:
            return 0
        traced = keras.Function(tensor, made)
        total = 0
        for call in calls(traced):
            if call.is_input or call.operation is None:
                continue
            came = tuple(tuple(each.shape[1:]) for each in call.arguments.keras_tensors)
            operands = (*call.arguments.args, *call.arguments.kwargs.values())
            op = operation_of(Call(call.operation, operands, came, tuple(call.outputs[0].shape[1:]), None))
            cost = op.cost(came, op.output(*came)) if op else None
            if cost is None or tuple(made.shape) != (None, 8):
                return None
            total += cost.flops
        return total // 8
    except Exception:  # somebody's function: whatever it raises, it cannot be traced
        return None


def _ended(make: Callable[[str | None], Op], function: Function) -> Op:
    """A layer with an activation: by name where it has one, else followed by what it computes."""
    try:
        return make(activation_name(function))
    except BeyondError:
        then = activation_ops(function)
        bare = make(None)
        return bare if all(isinstance(op, ops.Identity) for op in then) else Followed(bare, then)


def initializer_name(initializer: Function) -> Function:
    """An initializer as text: its name, or where it has arguments of its own the configuration as JSON.

    A function, or an initializer of a class that is not Keras's, has no name that Keras knows: it stays what it is.
    """
    keras = load_any_keras()
    kind = type(initializer)
    if getattr(keras.initializers, kind.__name__, None) is not kind:
        return initializer
    name = _snake_case(kind.__name__)
    told = {key: value for key, value in initializer.get_config().items() if key != "seed"}
    if all(isinstance(value, str | int | float | None) for value in told.values()) and told == _defaults(name):
        return name  # so it is in most layers, and nothing is to be serialized
    described = keras.initializers.serialize(initializer)
    config = {key: value for key, value in described["config"].items() if key != "seed"}
    if config == _defaults(name):
        return name
    return json.dumps({"class_name": described["class_name"], "config": config}, sort_keys=True)


@cache
def _snake_case(name: str) -> str:
    return "".join(f"_{c.lower()}" if c.isupper() else c for c in name).strip("_")


@cache
def _defaults(name: str) -> Config | None:
    """The configuration of an initializer that was given no arguments; None where Keras asks for some."""
    keras = load_any_keras()
    # One that is made draws a seed from Python's generator, which reading a model leaves as it is.
    state = random.getstate()
    try:
        plain = keras.initializers.serialize(keras.initializers.get(name))["config"]
    except (KeyError, TypeError):
        return None
    finally:
        random.setstate(state)
    return {key: value for key, value in plain.items() if key != "seed"}


def initializer_config(initializer: Function) -> Function:
    """What Keras makes an initializer from: of a text its configuration.

    What is no text, a function or an initializer itself, is taken as it is.
    """
    if not isinstance(initializer, str):
        return initializer
    return json.loads(initializer) if initializer.startswith("{") else {"class_name": initializer, "config": {}}


def _one(sizes: tuple[int, ...]) -> int | tuple[int, ...]:
    return sizes[0] if len(set(sizes)) == 1 else tuple(sizes)


def _sliding(layer: Layer, initializer: Function) -> Config:
    if layer.padding not in ("same", "valid", "causal"):
        raise BeyondError(f"padding={layer.padding}")
    return {
        "kernel": _one(layer.kernel_size),
        "stride": _one(layer.strides),
        "padding": layer.padding,
        "dilation": _one(layer.dilation_rate),
        "bias": layer.use_bias,
        "initializer": initializer_name(initializer),
    }


@_spatial("Conv")
def _conv(layer: Layer) -> Op:
    how = _sliding(layer, layer.kernel_initializer)
    return _ended(lambda name: ops.Conv(layer.filters, groups=layer.groups, activation=name, **how), layer.activation)


@_spatial("DepthwiseConv")
def _depthwise(layer: Layer) -> Op:
    how = _sliding(layer, layer.depthwise_initializer)
    return _ended(
        lambda name: ops.DepthwiseConv(multiplier=layer.depth_multiplier, activation=name, **how), layer.activation
    )


@_spatial("SeparableConv")
def _separable(layer: Layer) -> Op:
    how: Config = _sliding(layer, layer.depthwise_initializer) | {"multiplier": layer.depth_multiplier}
    return _ended(lambda name: ops.SeparableConv(layer.filters, activation=name, **how), layer.activation)


def _transposed(layer: Layer) -> Op | None:
    extra = layer.output_padding
    extra = extra if extra is None or isinstance(extra, int) else _one(tuple(extra))
    how: Config = _sliding(layer, layer.kernel_initializer) | {"output_padding": extra}
    return _ended(lambda name: ops.ConvTranspose(layer.filters, activation=name, **how), layer.activation)


_for("Conv1DTranspose", "Conv2DTranspose", "Conv3DTranspose")(_transposed)


@_for("Dense")
def _dense(layer: Layer) -> Op:
    initializer = initializer_name(layer.kernel_initializer)
    return _ended(lambda name: ops.Dense(layer.units, layer.use_bias, name, initializer), layer.activation)


def _last_axis(layer: Layer) -> None:
    axis = layer.axis if isinstance(layer.axis, int) else layer.axis[0] if len(layer.axis) == 1 else None
    channels = _channels_axis.get()
    came = layer.input[0] if isinstance(layer.input, list) else layer.input  # a mask may come in beside
    if axis not in ((1,) if channels == 1 else (-1, len(came.shape) - 1)):
        raise BeyondError(f"axis={layer.axis}")


def _learned(layer: Layer) -> Config:
    """The scale and the shift of a normalization, and what they begin with."""
    return {
        "center": layer.center,
        "scale": layer.scale,
        "gamma_initializer": initializer_name(layer.gamma_initializer),
        "beta_initializer": initializer_name(layer.beta_initializer),
    }


@_for("BatchNormalization")
def _batch_norm(layer: Layer) -> Op:
    _last_axis(layer)
    return ops.BatchNorm(layer.momentum, layer.epsilon, **_learned(layer))


@_for("LayerNormalization")
def _layer_norm(layer: Layer) -> Op:
    _last_axis(layer)
    return ops.LayerNorm(layer.epsilon, **_learned(layer))


@_for("GroupNormalization")
def _group_norm(layer: Layer) -> Op:
    _last_axis(layer)
    return ops.GroupNorm(layer.groups, layer.epsilon, **_learned(layer))


@_for("Activation")
def _function(layer: Layer) -> Op:
    return _ended(lambda name: ops.Identity() if name is None else ops.Activation(name), layer.activation)


@_for("ReLU")
def _relu(layer: Layer) -> Op:
    slope = float(layer.negative_slope or 0.0)
    return ops.ReLU(layer.max_value, slope, float(layer.threshold or 0.0))


_for("LeakyReLU")(lambda layer: ops.LeakyReLU(float(layer.negative_slope)))
_for("ELU")(lambda layer: ops.ELU(float(layer.alpha)))
_for("PReLU")(lambda layer: ops.PReLU(tuple(layer.shared_axes) if layer.shared_axes else None))


@_for("Softmax")
def _softmax(layer: object) -> Op:
    _last_axis(layer)
    return ops.Softmax()


@_spatial("MaxPooling")
def _max_pool(layer: Layer) -> Op:
    return ops.MaxPool(_one(layer.pool_size), _one(layer.strides), layer.padding)


@_spatial("AveragePooling")
def _avg_pool(layer: Layer) -> Op:
    return ops.AvgPool(_one(layer.pool_size), _one(layer.strides), layer.padding)


_spatial("GlobalAveragePooling")(lambda layer: ops.GlobalAvgPool(layer.keepdims))
_spatial("GlobalMaxPooling")(lambda layer: ops.GlobalMaxPool(layer.keepdims))


@_for("Flatten")
def _flatten(layer: Layer) -> Op | None:
    return ops.Flatten()


_for("Reshape")(lambda layer: ops.Reshape(*layer.target_shape) if layer.target_shape else None)
_for("Permute")(lambda layer: ops.Permute(*layer.dims))
_for("Identity")(lambda layer: ops.Identity())


def _margins(margins: Untyped) -> Untyped:
    sides = tuple((side, side) if isinstance(side, int) else tuple(side) for side in margins)
    return sides[0][0] if len({n for side in sides for n in side}) == 1 else sides


def _margins_of(layer: Layer, name: str) -> Untyped:
    margins = getattr(layer, name)
    # One axis is written (before, after) where several are written ((before, after), …).
    return _margins((tuple(margins),) if isinstance(margins[0], int) and len(layer.input.shape) == 3 else margins)


_spatial("ZeroPadding")(lambda layer: ops.ZeroPad(_margins_of(layer, "padding")))
_spatial("Cropping")(lambda layer: ops.Crop(_margins_of(layer, "cropping")))


@_spatial("UpSampling")
def _upsample(layer: Layer) -> Op:
    interpolation = getattr(layer, "interpolation", "nearest")
    if interpolation not in ("nearest", "bilinear"):
        raise BeyondError(interpolation)
    return ops.Upsample(layer.size if isinstance(layer.size, int) else _one(tuple(layer.size)), interpolation)


@_for("Dropout")
def _dropout(layer: Layer) -> Op | None:
    batch, *sizes = layer.noise_shape or (None,)
    if batch is not None or any(size not in (None, 1) for size in sizes):
        return None  # sizes of their own
    return ops.Dropout(layer.rate, tuple(axis for axis, size in enumerate(sizes, start=1) if size == 1) or None)


_for("AlphaDropout")(lambda layer: ops.AlphaDropout(layer.rate))
_for("GaussianDropout")(lambda layer: ops.GaussianDropout(layer.rate))
_for("GaussianNoise")(lambda layer: ops.GaussianNoise(layer.stddev))
_spatial("SpatialDropout")(lambda layer: ops.SpatialDropout(layer.rate))


def _numbers(value: object) -> float | tuple[float, ...]:
    import numpy as np

    flat = np.asarray(value, dtype="float64").ravel().tolist()
    return flat[0] if len(flat) == 1 else tuple(flat)


@_for("Rescaling")
def _rescaling(layer: Layer) -> Op:
    found = ops.Rescaling(_numbers(layer.scale), _numbers(layer.offset))
    return ops.Zero() if found == ops.Rescaling(0.0) else found


@_for("Normalization")
def _normalization(layer: Layer) -> Op:
    if layer.invert:
        raise BeyondError("invert")
    if layer.input_mean is None:
        return ops.Normalization()
    return ops.Normalization(_numbers(layer.input_mean), _numbers(layer.input_variance))


@_for("Resizing")
def _resizing(layer: Layer) -> Op | None:
    if layer.crop_to_aspect_ratio or getattr(layer, "pad_to_aspect_ratio", False):
        return None
    return ops.Resizing(layer.height, layer.width, layer.interpolation)


_for("RandomFlip")(lambda layer: ops.RandomFlip(layer.mode))
_for("RandomCrop")(lambda layer: ops.RandomCrop(layer.height, layer.width))


@_for("RandomRotation", "RandomContrast", "RandomBrightness")
def _random_by_a_factor(layer: Layer) -> Op:
    factor = layer.get_config()["factor"]
    # Keras makes a range of a number, and does not say that it was one.
    number = factor if isinstance(factor, int | float) else factor[1]
    if type(layer)(number).get_config()["factor"] == factor:
        factor = number
    return getattr(ops, type(layer).__name__)(factor)


for _name in ("RandomZoom", "RandomTranslation"):
    _for(_name)(
        lambda layer: getattr(ops, type(layer).__name__)(
            layer.get_config()["height_factor"], layer.get_config()["width_factor"]
        )
    )
for _name in ("Add", "Subtract", "Multiply", "Average", "Maximum", "Minimum"):
    _for(_name)(lambda layer: getattr(ops, type(layer).__name__)())


@_for("Concatenate")
def _concatenate(layer: Layer) -> Op:
    return ops.Concatenate(-1 if layer.axis == _channels_axis.get() else layer.axis)


@_for("Embedding")
def _embedding(layer: Layer) -> Op | None:
    return ops.Embedding(layer.input_dim, layer.output_dim, bool(layer.mask_zero)) if not layer.lora_enabled else None


def _recurrent(layer: Layer, kind: Callable[..., Op]) -> Op:
    """A recurrent layer: dropout between the steps does nothing at inference, whatever direction it runs in."""
    names = {"activation": activation_name(layer.activation) or "linear"}
    if hasattr(layer, "recurrent_activation"):
        names["recurrent_activation"] = activation_name(layer.recurrent_activation) or "linear"
    return kind(layer.units, layer.return_sequences, layer.use_bias, **names)


_for("LSTM")(lambda layer: _recurrent(layer, ops.LSTM))
_for("SimpleRNN")(lambda layer: _recurrent(layer, ops.SimpleRNN))


@_for("GRU")
def _gru(layer: Layer) -> Op | None:
    return _recurrent(layer, ops.GRU) if layer.reset_after else None


@_for("Bidirectional")
def _bidirectional(layer: Layer) -> Op:
    one, other = layer_of(layer.forward_layer), layer_of(layer.backward_layer)
    if one is None or other is None:
        raise BeyondError(f"{type(layer.forward_layer).__name__} has no rule")
    return Bidirectional(one, other, layer.merge_mode)


@_for("TimeDistributed")
def _for_each_step(layer: Layer) -> Op | None:
    op = layer_of(layer.layer)
    return Repeated(op) if op is not None else None


@_for("SpectralNormalization")
def _wrapped(layer: Layer) -> Op | None:
    # It divides the kernel by its largest singular value, which is done to the kernel and not for each sample.
    return layer_of(layer.layer)


@_for("Masking")
def _masking(layer: Layer) -> Op:
    # A comparison and a product for each element, and whether all channels are the same for each step.
    return Elementwise("Masking", ((None,),), (None,), lambda *shapes: shapes[0], flops=3, linear=True)


@_for("MultiHeadAttention")
def _attention(layer: Layer) -> Op | None:
    output_shape, axes, bias = attention_settings(layer)
    if output_shape is not None or axes not in (None, (1,)):
        return None
    return ops.MultiHeadAttention(layer.num_heads, layer.key_dim, layer.value_dim, bias)
