"""Gradients with respect to the input, of whatever is asked for, with any values of the variables."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import numpy as np

from archlab.bridge import Runnable, load_keras, missing_kernels
from archlab.bridge.types import Tensor
from archlab.errors import UsageError

Target = Callable[[list[Tensor], list[Tensor]], Tensor]
"""What gradients are taken of: a number made of every node's output and of what else is handed over."""


class InputGradient:
    """The gradient of a target with respect to every input of floating-point numbers; nothing of the model changes.

    Args:
        runnable: the model.
        training: whether layers act as in training or as at inference.
        target: what the gradient is taken of.
        through: what is done to what a node reads on its way in: called with the node's position, its source's, the
            value, and what else is handed over.

    Raises:
        UsageError: there is no input of floating-point numbers.
    """

    def __init__(
        self,
        runnable: Runnable,
        training: bool,
        target: Target,
        through: Callable[[int, int, Tensor, list[Tensor]], Tensor] | None = None,
    ) -> None:
        tf, _ = load_keras()
        self.runnable, self.training = runnable, training
        self._target, self._through = target, through
        self._kinds = [tf.as_dtype(tensor.dtype) for tensor in runnable.model.inputs]
        self.watched = [number for number, kind in enumerate(self._kinds) if kind.is_floating]
        if not self.watched:
            raise UsageError("no gradient is taken with respect to an input of whole numbers")
        self._compiled: dict[object, Callable[..., list[Tensor]]] = {}

    def __call__(self, x: Sequence[Tensor], values: list[Tensor], extra: Sequence[Tensor] = ()) -> list[np.ndarray]:
        """The gradients, each of its input's shape; zero where no way leads from the input to the target."""
        tf, _ = load_keras()
        inputs = [tf.cast(tf.convert_to_tensor(array), kind) for array, kind in zip(x, self._kinds, strict=True)]
        given = inputs, values, [tf.convert_to_tensor(each) for each in extra]
        key = tuple([(tensor.dtype, tuple(tensor.shape)) for tensor in (*inputs, *given[2])])
        if key not in self._compiled:
            # As in a probe: each shape's function is asked for by hand, or TensorFlow warns of models that are many.
            def gradient(x: list[Tensor], values: list[Tensor], extra: list[Tensor]) -> list[Tensor]:
                return self._gradient(x, values, extra)

            # Never XLA: on a CPU it makes convolutions several times slower.
            function = tf.function(gradient, jit_compile=False, autograph=False)
            self._compiled[key] = function.get_concrete_function(*given)
        with missing_kernels():
            return [each.numpy().astype("float64") for each in self._compiled[key](*given)]

    def _gradient(self, x: list[object], values: list[object], extra: list[object]) -> list[object]:
        tf, _ = load_keras()
        watched = [x[number] for number in self.watched]
        with tf.GradientTape(watch_accessed_variables=False) as tape:
            tape.watch(watched)
            gate = self._through

            def gated(reader: int, source: int, value: Tensor) -> Tensor:
                return value if gate is None else gate(reader, source, value, extra)

            through = gated if gate else None
            with self.runnable.holding(values):
                nodes = self.runnable.run(x, self.training, through=through)
            value = self._target(nodes, extra)
        return tape.gradient(value, watched, unconnected_gradients=tf.UnconnectedGradients.ZERO)
