"""Layers that compute what Keras's do, in kernels that train faster on a CPU. Same weights, same names."""

from __future__ import annotations

from functools import cache
from types import NoneType

from archlab.bridge._runtime import load_keras
from archlab.bridge.types import Layer, Tensor

# Channels that come in from which on TensorFlow's strided 1 × 1 convolutions are safe, with a margin.
_WIDE = 32


@cache
def fast_layers() -> dict[str, type]:
    """Keras's layer names and the classes that stand in for them while a model is trained.

    Keras 3 spells batch normalization out in a dozen element-wise operations, each of which walks through memory again:
    half of a training step of the lecture's residual net. TensorFlow has it as one operation.
    """
    tf, keras = load_keras()

    class BatchNormalization(keras.layers.BatchNormalization):
        def call(self, inputs: Tensor, training: Tensor = None, mask: Tensor = None) -> Tensor:
            inputs = tf.convert_to_tensor(inputs)
            last = len(inputs.shape) - 1
            plain = last == 3 and self.axis in (last, -1) and mask is None and self.dtype_policy.name != "float64"
            if not plain or getattr(self, "synchronized", False) or not isinstance(training, bool | NoneType):
                return super().call(inputs, training=training, mask=mask)
            inputs = tf.cast(inputs, self.compute_dtype)
            channels = inputs.shape[-1]
            scale = tf.cast(self.gamma, "float32") if self.scale else tf.ones([channels])
            shift = tf.cast(self.beta, "float32") if self.center else tf.zeros([channels])
            if not (training and self.trainable):
                mean, variance = tf.cast(self.moving_mean, "float32"), tf.cast(self.moving_variance, "float32")
                return tf.raw_ops.FusedBatchNormV3(
                    x=inputs, scale=scale, offset=shift, mean=mean, variance=variance,
                    epsilon=self.epsilon, is_training=False,
                ).y  # fmt: skip
            none = tf.zeros([0])
            made = tf.raw_ops.FusedBatchNormV3(
                x=inputs, scale=scale, offset=shift, mean=none, variance=none, epsilon=self.epsilon, is_training=True
            )
            # The operation gives the variance of the population as estimated from the sample, Keras keeps the sample's.
            count = tf.cast(tf.size(inputs) // channels, "float32")
            variance = made.batch_variance * (count - 1) / count
            for kept, new in ((self.moving_mean, made.batch_mean), (self.moving_variance, variance)):
                kept.assign(kept * self.momentum + tf.cast(new, kept.dtype) * (1 - self.momentum))
            return made.y

    class Conv2D(keras.layers.Conv2D):
        def convolution_op(self, inputs: object, kernel: object) -> Tensor:
            if not is_narrow_projection(self):
                return super().convolution_op(inputs, kernel)
            return narrow_projection(self, inputs, kernel)

    return {"BatchNormalization": BatchNormalization, "Conv2D": Conv2D}


def is_narrow_projection(layer: Layer) -> bool:
    """Whether a layer is a 1 × 1 convolution with strides of few channels, such as the shortcut of a narrow block.

    Its gradient by oneDNN, in TensorFlow 2.21, writes beyond its memory where fewer than 16 channels come in (seen at
    3 → 8 to 8 → 64 on maps of 60 × 60 and 88 × 88): the process ends in 'double free or corruption'.
    """
    return (
        layer.kernel_size == (1, 1)
        and max(layer.strides) > 1
        and layer.groups == 1
        and layer.data_format == "channels_last"
        and layer.kernel.shape[-2] < _WIDE
    )


def narrow_projection(layer: Layer, inputs: Tensor, kernel: Tensor) -> Tensor:
    """What such a layer's convolution computes: a 1 × 1 convolution of every so many-th position."""
    _, keras = load_keras()
    down, right = layer.strides
    return keras.ops.conv(inputs[:, ::down, ::right], kernel, strides=1, padding="valid")
