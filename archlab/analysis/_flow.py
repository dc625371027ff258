"""The results of measuring gradients: plain data, which needs neither Keras nor NumPy."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any, ClassVar

from archlab.analysis._frame import frame
from archlab.analysis._names import apart
from archlab.analysis._record import Record
from archlab.analysis._trend import Trend
from archlab.errors import SourceError, UnknownNameError, did_you_mean
from archlab.files import INLINE
from archlab.shown import Printed

if TYPE_CHECKING:
    import pandas
    from altair import TopLevelMixin

Quartiles = tuple[float, float] | None
_IN_ORDER = ("name", "data", "loss", "weights", "batch", "batches", "training", "precision", "model_precision", "seeds",
             "losses", "layers", "blocks", "not_finite", "dead_seeds")  # fmt: skip
"""The fields of a gradient flow as they stand in a file, before those of its trend."""


def initializations(seeds: int) -> str:
    """Which weights are measured under so many seeds.

    >>> initializations(0), initializations(1), initializations(3)
    ('the weights as they are', 'one initialization', 'median of 3 initializations')
    """
    if not seeds:
        return "the weights as they are"
    return f"median of {seeds} initializations" if seeds > 1 else "one initialization"


def weights_in_words(seeds: int, kept: Sequence[str] = ()) -> str:
    """Which weights are measured under so many seeds, and which of them keep their values.

    >>> weights_in_words(1, ["scale"])
    'one initialization (scale as they are, their initializers are not known)'
    """
    text = initializations(seeds)
    if not kept:
        return text
    more = f" and {len(kept) - 3} more" if len(kept) > 3 else ""
    return f"{text} ({', '.join(kept[:3])}{more} as they are, their initializers are not known)"


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
        activation_gradient_rms: the activation gradient: root mean square, over samples, positions and channels, of the
            loss's gradient with respect to the layer's output, times the batch size.
        kernel_gradient_norm: the same as the first with respect to its kernels alone, without biases, scales and
            shifts.
        weight_norm: Euclidean norm of its weights.
        ratio: of the weights' gradient norm to the weights' norm.
        activation_rms: root mean square of its output, over samples, positions and channels.
        activation_mean: the mean of its output.
        dead_share: of its channels, how many the ReLU that it leads straight into (or that it ends in) leaves at zero
            at every position of every sample; None where there is no such ReLU.
        frozen: whether it has weights and none of them is trained.
        longest_path: whether it stands on the longest path from the input; a projection shortcut stands beside it.
    """

    name: str
    depth: int
    kernel: bool
    body: bool
    weight_gradient_norm: float | None
    activation_gradient_rms: float | None
    kernel_gradient_norm: float | None
    weight_norm: float
    ratio: float | None
    weight_gradient_norm_quartiles: Quartiles
    activation_gradient_rms_quartiles: Quartiles
    weights: tuple[WeightFlow, ...]
    activation_rms: float | None = None
    activation_mean: float | None = None
    activation_rms_quartiles: Quartiles = None
    dead_share: float | None = None
    frozen: bool = False
    longest_path: bool = True

    def row(self) -> dict[str, Any]:
        """As plain data without its single weights: a row of a table."""
        return {key: value for key, value in self.to_dict().items() if key != "weights"}


@dataclass(frozen=True)
class BlockFlow(Record):
    """A block: its layers taken together, and the signals at its end; as in `LayerFlow`."""

    name: str
    depth: int
    layers: tuple[str, ...]
    weight_gradient_norm: float | None
    activation_gradient_rms: float | None
    kernel_gradient_norm: float | None
    weight_norm: float
    ratio: float | None
    weight_gradient_norm_quartiles: Quartiles
    activation_gradient_rms_quartiles: Quartiles
    activation_rms: float | None
    activation_mean: float | None
    activation_rms_quartiles: Quartiles


class Curve:
    """What the layers and the trend of a gradient flow say, whether it was measured or predicted."""

    layers: tuple[LayerFlow, ...]
    trend: Trend

    @property
    def slope(self) -> float | None:
        """Decades per layer: positive when the activation gradient fades on its way back to the input."""
        return self.trend.slope

    @property
    def verdict(self) -> str:
        """'vanishing', 'exploding', 'stable' or 'undefined'."""
        return self.trend.verdict

    @property
    def curve(self) -> tuple[LayerFlow, ...]:
        """The layers that the slope is fitted to: those with a kernel before the head."""
        return tuple(layer for layer in self.layers if layer.kernel and layer.body)

    def __getitem__(self, name: str) -> LayerFlow:
        """The layer of that name."""
        for layer in self.layers:
            if layer.name == name:
                return layer
        known = [layer.name for layer in self.layers]
        raise UnknownNameError(f"no layer with weights named {name!r}: {did_you_mean(name, known)}")

    def to_pandas(self) -> pandas.DataFrame:
        """A pandas DataFrame with a row for each layer.

        Raises:
            MissingPartError: pandas is not installed.
        """
        return frame(
            [{key: value for key, value in layer.to_dict().items() if key != "weights"} for layer in self.layers]
        )


@dataclass(frozen=True, repr=False)
class GradientFlow(Curve, Record, Printed):
    """Gradient flow: how strong signals and gradients are at every layer.

    Attributes:
        data: where the batches come from.
        loss: the Keras loss.
        batch: samples in a batch.
        seeds: the initializations measured; empty where a model was measured as it is.
        losses: the mean loss of every run: under each seed, each batch.
        layers: every layer with weights, in order.
        trend: the activation gradient's slope against depth, and the verdict on it.
        precision: 'float32', or the model's own; 'float64' where a signal left the range of float32 and the figures
            were taken again.
        not_finite: layers where a figure was infinite or not a number in `model_precision`.
        blocks: every block with weights, in order.
        batches: how many batches each initialization was measured on.
        training: whether layers acted as in training.
        name: of the architecture.
        weights: which weights were measured: the model's own as they are, or initializations, each variable drawn by
            its own initializer.
        dead_seeds: the initializations under which no weight before the last layer gets a gradient: units that are all
            zero, which the median over several hides.
        model_precision: the precision of the model itself, in which `not_finite` and zeros were found; the values of
            the layers are in `precision`.
    """

    what: ClassVar[str] = "gradient flow"

    data: str
    loss: str
    batch: int
    precision: str
    seeds: tuple[int, ...]
    losses: tuple[float, ...]
    layers: tuple[LayerFlow, ...]
    trend: Trend = field(metadata=INLINE)
    not_finite: tuple[str, ...] = ()
    blocks: tuple[BlockFlow, ...] = ()
    batches: int = 1
    training: bool = True
    name: str = ""
    weights: str = ""
    model_precision: str = ""
    dead_seeds: tuple[int, ...] = ()

    def to_dict(self) -> dict[str, Any]:
        """As plain data."""
        data = super().to_dict()
        return {name: data[name] for name in _IN_ORDER} | self.trend.to_dict()

    def restored(self, data: Mapping[str, object]) -> GradientFlow:
        """The same with what older files do not say.

        Raises:
            SourceError: it has no loss.
        """
        if not self.losses:
            raise SourceError("losses must hold that of every run, and is empty")
        weights = self.weights if "weights" in data else initializations(len(self.seeds))
        precision = self.model_precision if "model_precision" in data else self.precision
        return replace(self, weights=weights, model_precision=precision)

    def plot(self, *others: GradientFlow, quantity: str = "activation_gradient_rms") -> TopLevelMixin:
        """The curve of a quantity against depth as an Altair chart, with others' beside it.

        Args:
            others: further results, told apart by their names.
            quantity: a figure of `LayerFlow`.
        """
        from archlab.charts import by_depth

        flows = (self, *others)
        names = apart(flow.name or "net" for flow in flows)
        return by_depth([(name, flow.curve) for name, flow in zip(names, flows, strict=True)], quantity)
