"""What is known of one architecture: the data that comparisons are made of and reports are written from."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from archlab.analysis import static
from archlab.analysis.static import Analysis
from archlab.analysis.static.signal import PredictedFlow, predict
from archlab.sources import Architecture, Reference, load

if TYPE_CHECKING:
    from archlab.analysis.measured import GradientFlow

__all__ = ["Result", "analyze", "predict_gradient_flow"]


def analyze(architecture: Reference) -> Analysis:
    """Every static analysis of an architecture, without building or running it.

    Args:
        architecture: a part, a graph, a live Keras model (which is read and left as it is), or a reference such as
            'residual' or 'keras:ResNet50'.

    Raises:
        UnknownNameError: the reference names nothing.
        DesignError: the architecture does not add up.

    >>> from archlab import Conv, Dense, GlobalAvgPool, Input
    >>> found = analyze(Input(32, 32, 3) >> Conv(16) >> GlobalAvgPool() >> Dense(10))
    >>> found.params.total, found.compute.macs, found.depth
    (618, 442528, 2)
    """
    return static.analyze(load(architecture).graph)


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
class Result:
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
