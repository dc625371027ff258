"""What is known of one architecture: the data that comparisons are made of and reports are written from."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from archlab.analysis import static
from archlab.analysis.static import Analysis
from archlab.analysis.static.signal import PredictedFlow, predict
from archlab.shown import Shown
from archlab.sources import Architecture, Reference, load, load_measurable

if TYPE_CHECKING:
    from archlab.analysis.measured import GradientFlow

__all__ = ["Result", "analyze", "gradient_flow", "predict_gradient_flow"]


def analyze(architecture: Reference, *, allow_lambda: bool = False) -> Analysis:
    """Every static analysis of an architecture, without building or running it.

    Args:
        architecture: a part, a graph, a live Keras model (which is read and left as it is), or a reference such as
            'residual' or 'keras:ResNet50'.
        allow_lambda: load a saved Keras model although it holds lambdas, which are code that then runs.

    Raises:
        UnknownNameError: the reference names nothing.
        DesignError: the architecture does not add up.

    >>> from archlab import Conv, Dense, GlobalAvgPool, Input
    >>> found = analyze(Input(32, 32, 3) >> Conv(16) >> GlobalAvgPool() >> Dense(10))
    >>> found.params.total, found.compute.macs, found.depth
    (618, 442528, 2)
    """
    return static.analyze(load(architecture, allow_lambda=allow_lambda).graph)


def gradient_flow(
    architecture: Reference,
    x: Any = None,
    y: Any = None,
    *,
    data: Any = None,
    loss: Any = None,
    seeds: int | Sequence[int] | None = None,
    batch: int = 8,
    batches: int = 1,
    training: bool = True,
    input: Sequence[int | None] | None = None,
    allow_lambda: bool = False,
    progress: Callable[[str], None] | None = None,
) -> GradientFlow:
    """Measure how signals and gradients flow through an architecture, layer by layer and block by block.

    A live Keras model is measured as it is, trained or not, and left exactly as it is: weights, statistics, optimizer,
    random state. Given `seeds`, a copy is measured under so many initializations, as architectures always are.

    Args:
        architecture: a part, a graph, a live Keras model (compiled or not), or a reference such as 'residual'.
        x: a batch of inputs, (examples, height, width, channels); for several inputs a list, or a mapping by name.
        y: its labels, for several outputs a list or a mapping by name; synthetic ones where x is given alone.
        data: instead of x and y, a folder of class folders with photos. Without either, a seeded synthetic batch.
        loss: a Keras loss, its name, or a function of (y, output); a list or a mapping by name for several outputs.
            Unless given, the one the model was compiled with; else the one that goes with the head. Penalties that
            layers add (regularization) are left out.
        seeds: how many initializations, or which: three for architectures. None measures a live model as it is.
        batch: examples in a batch that is not given.
        batches: how many batches; x and y are divided into so many.
        training: whether layers act as in training (dropout, statistics of the batch) or as at inference.
        input: another input shape, (height, width) or (height, width, channels).
        allow_lambda: load a saved Keras model although it holds lambdas, which are code that then runs.
        progress: called with a word on every step done.

    Raises:
        DesignError: the architecture does not add up.
        DataError: the folder cannot be used.
        UsageError: a batch cannot be made for this input, or the labels or the loss do not fit the head.

    >>> from archlab import Conv, Dense, GlobalAvgPool, Input, ReLU
    >>> net = Input(16, 16, 3) >> (Conv(8) >> ReLU()) * 4 >> GlobalAvgPool() >> Dense(1, activation="sigmoid")
    >>> flow = gradient_flow(net, seeds=2)
    >>> [layer.depth for layer in flow.layers], flow.verdict
    ([1, 2, 3, 4, 5], 'level')
    """
    from archlab.analysis import measured  # loads TensorFlow, which no static analysis needs

    what, name = load_measurable(architecture, input, allow_lambda=allow_lambda)
    return measured.gradient_flow(
        what,
        x,
        y,
        data=data,
        loss=loss,
        seeds=seeds,
        batch=batch,
        batches=batches,
        training=training,
        name=name,
        progress=progress,
    )


def predict_gradient_flow(architecture: Reference) -> PredictedFlow:
    """Gradient flow at initialization as theory expects it, in milliseconds: nothing is built, nothing is run.

    Assumes what `gradient_flow` measures by default: training mode, a synthetic batch of 8, the loss that goes with the
    head. Where an assumption of the theory does not hold for this architecture, `reliable` is false and `why` says
    which.

    Args:
        architecture: a part, a graph, a live Keras model (which is read and left as it is), or a reference such as
            'residual' or 'keras:ResNet50'.

    Raises:
        UnknownNameError: the reference names nothing.
        DesignError: the architecture does not add up.

    >>> found = predict_gradient_flow("plain:depth=50,normalization=none,conv=ordinary")
    >>> round(found.slope, 2), found.verdict, found.layers[0].name
    (0.18, 'vanishes', 'conv')
    """
    return predict(load(architecture).graph)


@dataclass(frozen=True)
class Result(Shown):
    """What is known of one architecture.

    `gradient_flow` is None until it has been measured; where that could not be done, `not_measured` says why.
    """

    architecture: Architecture
    analysis: Analysis
    gradient_flow: GradientFlow | None = None
    not_measured: str = ""

    @property
    def name(self) -> str:
        """The name it is shown by."""
        return self.architecture.name

    @property
    def gradient_flow_predicted(self) -> PredictedFlow:
        """What theory expects of its gradients, from the graph alone."""
        return predict(self.analysis.graph)

    @property
    def layer_counts(self) -> Mapping[str, int]:
        """How many layers of each kind it has."""
        return Counter(node.op.title for node in self.analysis.graph)

    def to_dict(self) -> dict[str, Any]:
        """As plain data."""
        return {
            "name": self.name,
            "reference": self.architecture.reference,
            **self.analysis.to_dict(),
            "gradient_flow_predicted": self.gradient_flow_predicted.to_dict(),
            "gradient_flow": self.gradient_flow.to_dict() if self.gradient_flow else None,
            "not_measured": self.not_measured,
        }
