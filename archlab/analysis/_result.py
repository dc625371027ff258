"""What is known of one architecture: the data that comparisons are made of and reports are written from."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from archlab.analysis._analysis import Analysis
from archlab.analysis._layers import ByLayer
from archlab.analysis.quantities import Subject
from archlab.analysis.static.signal import PredictedFlow, predict
from archlab.analysis.trainability import Forecast, forecast_graph
from archlab.sources import Architecture

if TYPE_CHECKING:
    from archlab.analysis._flow import GradientFlow


@dataclass(frozen=True, repr=False)
class Result(ByLayer):
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
        """What is predicted of its gradients, from the graph alone."""
        origin = self.architecture
        return predict(self.analysis.graph, origin.compiled_loss, origin.unusual_starts)

    @property
    def forecast(self) -> Forecast:
        """Whether it trains, as its statistics at initialization tell."""
        origin = self.architecture
        return forecast_graph(self.analysis.graph, origin.compiled_loss, origin.unusual_starts)

    @property
    def layer_counts(self) -> Mapping[str, int]:
        """How many layers of each kind it has."""
        return Counter(node.op.title for node in self.analysis.graph)

    def _subject(self) -> Subject:
        return self

    def to_dict(self) -> dict[str, Any]:
        """As plain data."""
        return {
            "name": self.name,
            "reference": self.architecture.reference,
            **self.analysis.to_dict(),
            "forecast": self.forecast.to_dict(),
            "gradient_flow_predicted": self.gradient_flow_predicted.to_dict(),
            "gradient_flow": self.gradient_flow.to_dict() if self.gradient_flow else None,
            "not_measured": self.not_measured,
        }
