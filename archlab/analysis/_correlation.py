"""The result of measuring how gradients decorrelate: plain data, which needs neither Keras nor NumPy."""

from __future__ import annotations

from dataclasses import dataclass
from itertools import pairwise
from typing import TYPE_CHECKING, ClassVar

from archlab.analysis._frame import frame
from archlab.analysis._names import apart
from archlab.analysis._record import Record
from archlab.shown import Printed

if TYPE_CHECKING:
    import pandas
    from altair import TopLevelMixin


@dataclass(frozen=True)
class CorrelationRow(Record):
    """The gradients of all pairs of inputs that lie equally far apart.

    Attributes:
        distance: root mean square, over the input's elements, of their difference.
        correlation: of their gradients, the mean over lines and seeds.
        quartiles: over lines and seeds; None where there is one.
    """

    distance: float
    correlation: float
    quartiles: tuple[float, float] | None


@dataclass(frozen=True, repr=False)
class GradientCorrelation(Record, Printed):
    """How the gradients with respect to neighbouring inputs correlate.

    Attributes:
        rows: by distance, from 0, where the correlation is 1; empty where no gradient arrives.
        lines: how many lines between two inputs, under each seed.
        points: on each line.
        silent: of all lines under all seeds, on how many there is a distance whose gradients are all zero, or not
            finite: those are left out.
        seeds: the initializations; empty where a model was measured as it is.
        training: whether layers acted as in training.
        data: where the inputs come from.
        name: of the architecture.
    """

    what: ClassVar[str] = "gradient correlation"

    rows: tuple[CorrelationRow, ...]
    lines: int
    points: int
    silent: int
    seeds: tuple[int, ...]
    training: bool
    data: str
    name: str = ""

    @property
    def ends(self) -> float | None:
        """The correlation between the gradients at the two ends of a line."""
        return self.rows[-1].correlation if self.rows else None

    @property
    def half(self) -> float | None:
        """The distance at which the correlation first falls to 1/2, between points in a straight line; None: never."""
        for near, far in pairwise(self.rows):
            if far.correlation <= 0.5 < near.correlation:
                way = (near.correlation - 0.5) / (near.correlation - far.correlation)
                return near.distance + way * (far.distance - near.distance)
        return None

    def to_pandas(self) -> pandas.DataFrame:
        """A pandas DataFrame, a row for each distance.

        Raises:
            MissingPartError: pandas is not installed.
        """
        return frame([row.to_dict() for row in self.rows], "distance")

    def plot(self, *others: GradientCorrelation) -> TopLevelMixin:
        """The correlation against the distance as an Altair chart, with others' beside it."""
        from archlab.charts import by_distance

        found = (self, *others)
        names = apart(each.name or "net" for each in found)
        return by_distance([(name, each.rows) for name, each in zip(names, found, strict=True)])

    def __str__(self) -> str:
        where = self.name or "gradient correlation"
        if not self.rows:
            return f"{where}: no gradient arrives at the input"
        half = "stays above 1/2" if self.half is None else f"is 1/2 at a distance of {self.half:.2g}"
        return f"{where}: the correlation {half}, {self.ends:.2f} at {self.rows[-1].distance:.2g}"

    def _repr_html_(self) -> str:
        """A sentence and a picture for notebooks."""
        from html import escape

        said = f"<p>{escape(str(self))}</p>"
        if not self.rows:
            return said
        from archlab.charts import embedded

        return f"{said}\n{embedded(self.plot(), str(self))}"
