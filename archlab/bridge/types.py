"""What the values of Keras and TensorFlow are called. Neither ships types: these names tell a reader, not a checker."""

from __future__ import annotations

from typing import Any, TypeAlias

Untyped: TypeAlias = Any

Tensor: TypeAlias = Untyped
"""A tensor or symbolic tensor, or what TensorFlow takes for one: an array, a variable."""
Variable: TypeAlias = Untyped
Layer: TypeAlias = Untyped
"""A `keras.Layer`, or another operation that stands in a functional model."""
Model: TypeAlias = Untyped
Function: TypeAlias = Untyped
"""A function of tensors, or a layer that is used as one; an initializer."""
Config: TypeAlias = dict[str, Any]
"""What a layer is made from, as `get_config` gives it."""
Optimizer: TypeAlias = Untyped
LossFunction: TypeAlias = Untyped
"""A loss or metric of Keras, or a function of labels and predictions."""
Callback: TypeAlias = Untyped
Dataset: TypeAlias = Untyped
"""A `tf.data.Dataset`."""
Logs: TypeAlias = Untyped
"""What Keras hands a callback."""
TensorFlow: TypeAlias = Untyped
"""The module `tensorflow`."""
Keras: TypeAlias = Untyped
"""The module `keras`."""
