"""The results of measuring gradients: plain data, which needs neither Keras nor NumPy."""

from __future__ import annotations

from dataclasses import dataclass
from math import isfinite
from typing import Any

from archlab.analysis._trend import Trend


@dataclass(frozen=True)
class WeightFlow:
    """One weight: the Euclidean norm of the loss's gradient with respect to it, and its own; medians over the seeds."""

    name: str
    gradient_norm: float | None
    norm: float


@dataclass(frozen=True)
class LayerFlow:
    """One layer; medians over the seeds, and quartiles where there are several. None means: no gradient reaches it.

    Attributes:
        depth: layers with a kernel on the longest path from the input, this one included.
        kernel: whether it has a kernel itself (batch normalization has none).
        body: whether it stands before the head: before global pooling or flattening.
        weight_gradient_norm: Euclidean norm of the mean loss's gradient with respect to all its trainable weights.
        output_gradient_rms: the error signal: root mean square, over examples, positions and channels, of the loss's
            gradient with respect to the layer's output, times the batch size.
        kernel_gradient_norm: the same with respect to its kernels alone, without biases, scales and shifts.
        weight_norm: Euclidean norm of its trainable weights.
        ratio: of the weights' gradient norm to the weights' norm.
        activation_rms: root mean square of the layer's output over examples, positions and channels; None where it is
            not known.
        activation_mean: its mean.
    """

    name: str
    depth: int
    kernel: bool
    body: bool
    weight_gradient_norm: float | None
    output_gradient_rms: float | None
    kernel_gradient_norm: float | None
    weight_norm: float
    ratio: float | None
    weight_gradient_norm_quartiles: tuple[float, float] | None
    output_gradient_rms_quartiles: tuple[float, float] | None
    weights: tuple[WeightFlow, ...]
    activation_rms: float | None = None
    activation_mean: float | None = None

    def to_dict(self) -> dict[str, Any]:
        """As plain data."""
        data = {name: _plain(value) for name, value in vars(self).items()}
        data["weights"] = [{name: _plain(value) for name, value in vars(weight).items()} for weight in self.weights]
        return data


def _plain(value: Any) -> Any:
    """A value as JSON can hold it, which knows neither infinity nor NaN."""
    if isinstance(value, tuple):
        return [_plain(each) for each in value]
    return None if isinstance(value, float) and not isfinite(value) else value


@dataclass(frozen=True)
class GradientFlow:
    """Gradient flow at initialization.

    Attributes:
        data: where the batch comes from.
        loss: the Keras loss.
        batch: examples in the batch.
        seeds: the initializations measured.
        losses: the mean loss under each seed.
        layers: every layer with trainable weights, in order.
        trend: the error signal's slope against depth, and the verdict on it.
        precision: 'float32'; or 'float64' where a signal left the range of float32 and the figures were taken again.
        not_finite: layers where a figure was infinite or not a number in float32.
    """

    data: str
    loss: str
    batch: int
    precision: str
    seeds: tuple[int, ...]
    losses: tuple[float, ...]
    layers: tuple[LayerFlow, ...]
    trend: Trend
    not_finite: tuple[str, ...] = ()

    @property
    def slope(self) -> float | None:
        """Decades per layer: positive when the error signal fades on its way back to the input."""
        return self.trend.slope

    @property
    def verdict(self) -> str:
        """'vanishes', 'explodes', 'level' or 'undefined'."""
        return self.trend.verdict

    @property
    def curve(self) -> tuple[LayerFlow, ...]:
        """The layers that the slope is fitted to: those with a kernel before the head."""
        return tuple(layer for layer in self.layers if layer.kernel and layer.body)

    def to_dict(self) -> dict[str, Any]:
        """As plain data."""
        return {
            "data": self.data,
            "loss": self.loss,
            "batch": self.batch,
            "precision": self.precision,
            "seeds": list(self.seeds),
            "losses": _plain(self.losses),
            "layers": [layer.to_dict() for layer in self.layers],
            "not_finite": list(self.not_finite),
            **self.trend.to_dict(),
        }
