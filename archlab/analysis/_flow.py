"""The results of measuring gradients: plain data, which needs neither Keras nor NumPy."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, ClassVar

from archlab.analysis._names import apart
from archlab.analysis._record import Record
from archlab.analysis._trend import Trend

if TYPE_CHECKING:
    from altair import TopLevelMixin

Quartiles = tuple[float, float] | None
_IN_ORDER = ("name", "data", "loss", "batch", "batches", "training", "precision", "seeds", "losses", "layers", "blocks",
             "not_finite")  # fmt: skip
"""The fields of a gradient flow as they stand in a file, before those of its trend."""


@dataclass(frozen=True)
class WeightFlow(Record):
    """One weight: the Euclidean norm of the loss's gradient with respect to it, and its own; medians over the runs."""

    name: str
    gradient_norm: float | None
    norm: float


@dataclass(frozen=True)
class LayerFlow(Record):
    """One layer; medians over the runs, and quartiles where there are several. None means: no gradient reaches it.

    Attributes:
        depth: layers with a kernel on the longest path from the input, this one included.
        kernel: whether it has a kernel itself (batch normalization has none).
        body: whether it stands before the head: before global pooling or flattening.
        weight_gradient_norm: Euclidean norm of the mean loss's gradient with respect to all its trainable weights.
        output_gradient_rms: the error signal: root mean square, over examples, positions and channels, of the loss's
            gradient with respect to the layer's output, times the batch size.
        kernel_gradient_norm: the same as the first with respect to its kernels alone, without biases, scales and
            shifts.
        weight_norm: Euclidean norm of its weights.
        ratio: of the weights' gradient norm to the weights' norm.
        activation_rms: root mean square of its output, over examples, positions and channels.
        activation_mean: the mean of its output.
        dead_share: of its channels, how many the ReLU that it leads straight into (or that it ends in) leaves at zero
            at every position of every example; None where there is no such ReLU.
        frozen: whether it has weights and none of them is trained.
    """

    parts: ClassVar = {"weights": WeightFlow}

    name: str
    depth: int
    kernel: bool
    body: bool
    weight_gradient_norm: float | None
    output_gradient_rms: float | None
    kernel_gradient_norm: float | None
    weight_norm: float
    ratio: float | None
    weight_gradient_norm_quartiles: Quartiles
    output_gradient_rms_quartiles: Quartiles
    weights: tuple[WeightFlow, ...]
    activation_rms: float | None = None
    activation_mean: float | None = None
    activation_rms_quartiles: Quartiles = None
    dead_share: float | None = None
    frozen: bool = False


@dataclass(frozen=True)
class BlockFlow(Record):
    """A block: its layers taken together, and the signals at its end; as in `LayerFlow`."""

    name: str
    depth: int
    layers: tuple[str, ...]
    weight_gradient_norm: float | None
    output_gradient_rms: float | None
    kernel_gradient_norm: float | None
    weight_norm: float
    ratio: float | None
    weight_gradient_norm_quartiles: Quartiles
    output_gradient_rms_quartiles: Quartiles
    activation_rms: float | None
    activation_mean: float | None
    activation_rms_quartiles: Quartiles


class Curve:
    """What the layers and the trend of a gradient flow say, whether it was measured or predicted."""

    layers: tuple[LayerFlow, ...]
    trend: Trend

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


@dataclass(frozen=True)
class GradientFlow(Curve, Record):
    """Gradient flow: how strong signals and gradients are at every layer.

    Attributes:
        data: where the batches come from.
        loss: the Keras loss.
        batch: examples in a batch.
        seeds: the initializations measured; empty where a model was measured as it is.
        losses: the mean loss of every run: under each seed, each batch.
        layers: every layer with weights, in order.
        trend: the error signal's slope against depth, and the verdict on it.
        precision: 'float32', or the model's own; 'float64' where a signal left the range of float32 and the figures
            were taken again.
        not_finite: layers where a figure was infinite or not a number in the model's own precision.
        blocks: every block with weights, in order.
        batches: how many batches each initialization was measured on.
        training: whether layers acted as in training.
        name: of the architecture.
    """

    what: ClassVar[str] = "gradient flow"
    parts: ClassVar = {"layers": LayerFlow, "blocks": BlockFlow}

    data: str
    loss: str
    batch: int
    precision: str
    seeds: tuple[int, ...]
    losses: tuple[float, ...]
    layers: tuple[LayerFlow, ...]
    trend: Trend
    not_finite: tuple[str, ...] = ()
    blocks: tuple[BlockFlow, ...] = ()
    batches: int = 1
    training: bool = True
    name: str = ""

    def __getitem__(self, name: str) -> LayerFlow:
        """The layer of that name."""
        for layer in self.layers:
            if layer.name == name:
                return layer
        raise KeyError(name)

    def to_dict(self) -> dict[str, Any]:
        """As plain data."""
        data = super().to_dict()
        return {name: data[name] for name in _IN_ORDER} | self.trend.to_dict()

    @classmethod
    def from_dict(cls, data: Mapping[str, Any]) -> GradientFlow:
        """The same from plain data; a loss that was not finite is NaN."""
        losses = tuple(float("nan") if loss is None else loss for loss in data["losses"])
        return super().from_dict({"blocks": (), **data, "losses": losses, "trend": Trend.from_dict(data)})

    def plot(self, *others: GradientFlow, quantity: str = "output_gradient_rms") -> TopLevelMixin:
        """The curve of a quantity against depth as an Altair chart, with others' beside it.

        Args:
            others: further results, told apart by their names.
            quantity: a figure of `LayerFlow`.
        """
        from archlab.charts import by_depth

        flows = (self, *others)
        names = apart(flow.name or "net" for flow in flows)
        return by_depth([(name, flow.curve) for name, flow in zip(names, flows, strict=True)], quantity)

    def _repr_html_(self) -> str:
        """A table for notebooks."""
        from html import escape

        from tabulate import tabulate

        columns = ("layer", "depth", "error signal", "kernel gradient", "activation", "dead")
        figures = ("output_gradient_rms", "kernel_gradient_norm", "activation_rms", "dead_share")
        rows = [
            (layer.name, str(layer.depth), *[_short(getattr(layer, figure)) for figure in figures])
            for layer in self.layers
        ]
        slope = "–" if self.slope is None else f"{self.slope:+.3f} decades per layer"
        said = f"{self.name or 'gradient flow'}: {slope}, {self.verdict}"
        return f"<p>{escape(said)}</p>\n{tabulate(rows, columns, tablefmt='html', disable_numparse=True)}"


def _short(value: float | None) -> str:
    return "–" if value is None else f"{value:.2g}"
