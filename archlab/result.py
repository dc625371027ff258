"""What is known of one architecture: the data that comparisons are made of and reports are written from."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from archlab.analysis.static import Analysis
from archlab.sources import Architecture

if TYPE_CHECKING:
    from archlab.analysis.measured import GradientFlow

__all__ = ["Result"]


@dataclass(frozen=True)
class Result:
    """What is known of one architecture. `gradient_flow` is None until it has been measured."""

    architecture: Architecture
    analysis: Analysis
    gradient_flow: GradientFlow | None = None

    @property
    def name(self) -> str:
        """The name it is shown by."""
        return self.architecture.name

    @property
    def layer_counts(self) -> Mapping[str, int]:
        """How many layers of each kind it has."""
        return Counter(type(node.op).__name__ for node in self.analysis.graph)

    def to_dict(self) -> dict[str, Any]:
        """As plain data."""
        return {
            "name": self.name,
            "reference": self.architecture.reference,
            **self.analysis.to_dict(),
            "gradient_flow": self.gradient_flow.to_dict() if self.gradient_flow else None,
        }
