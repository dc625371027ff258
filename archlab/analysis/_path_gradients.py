"""The result of measuring what the paths of each length carry: plain data, which needs neither Keras nor NumPy."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, ClassVar

from archlab.analysis._frame import frame
from archlab.analysis._record import Record
from archlab.errors import UsageError
from archlab.shown import Printed

if TYPE_CHECKING:
    import pandas
    from altair import TopLevelMixin


@dataclass(frozen=True)
class PathGradientRow(Record):
    """Paths through the bodies of so many blocks.

    Attributes:
        length: how many blocks.
        sets: how many choices of so many blocks there are.
        gradient: of one such choice, the mean: root mean square of the loss's gradient with respect to the input, times
            the batch size, as the activation gradient at the layers.
        quartiles: over the choices measured; None where it is one.
        share: of the gradient that all paths carry, norms added.
        path_share: of all choices.
        samples: how many were measured.
    """

    length: int
    sets: int
    gradient: float
    quartiles: tuple[float, float] | None
    share: float | None
    path_share: float
    samples: int


@dataclass(frozen=True, repr=False)
class PathGradients(Record, Printed):
    """How much gradient the paths of each length carry.

    Attributes:
        blocks: how many residual blocks paths choose their way at.
        lengths: for every number of blocks, from none to all.
        whole: the gradient along all paths at once, as it is in training; in the unit of `PathGradientRow.gradient`.
        not_finite: how many gradients were infinite or not a number: they are left out.
        loss: the Keras loss.
        batch: examples in the batch.
        seeds: the initializations; empty where a model was measured as it is.
        training: whether layers acted as in training.
        data: where the batch comes from.
        name: of the architecture.
    """

    what: ClassVar[str] = "path gradients"

    blocks: int
    lengths: tuple[PathGradientRow, ...]
    whole: float
    not_finite: int
    loss: str
    batch: int
    seeds: tuple[int, ...]
    training: bool
    data: str
    name: str = ""

    @property
    def effective_length(self) -> float | None:
        """The mean length of a path, each weighted by the gradient that it carries; None where none does."""
        known = [row.length * row.share for row in self.lengths if row.share is not None]
        return sum(known) if known else None

    @property
    def mean_length(self) -> float:
        """The mean length of a path, all alike."""
        return sum(row.length * row.path_share for row in self.lengths)

    def interval(self, share: float = 0.95) -> tuple[int, int] | None:
        """The lengths between which this share of the gradient is carried, as much left out below as above at most."""
        if not 0 < share <= 1:
            raise UsageError(f"a share lies between 0 and 1, got {share!r}")
        if not self.lengths or any(row.share is None for row in self.lengths):
            return None
        out, shares = (1 - share) / 2, [row.share or 0.0 for row in self.lengths]
        low, high = 0, len(shares) - 1
        left, right = out, out
        while low < high and shares[low] <= left:
            left -= shares[low]
            low += 1
        while high > low and shares[high] <= right:
            right -= shares[high]
            high -= 1
        return self.lengths[low].length, self.lengths[high].length

    def to_pandas(self) -> pandas.DataFrame:
        """A pandas DataFrame, a row for each length.

        Raises:
            MissingPartError: pandas is not installed.
        """
        return frame([row.to_dict() for row in self.lengths], "length")

    def plot(self) -> TopLevelMixin:
        """The share of the gradient by length beside the share of the paths, as an Altair chart."""
        from archlab.charts import by_length

        paths = [(row.length, row.path_share) for row in self.lengths]
        gradient = [(row.length, row.share) for row in self.lengths if row.share is not None]
        return by_length([("of the paths", paths), ("of the gradient", gradient)], "blocks that a path goes through")

    def __str__(self) -> str:
        where = self.name or "path gradients"
        most = self.interval()
        if self.effective_length is None or most is None:
            return f"{where}: no gradient arrives at the input through {self.blocks} blocks"
        return (
            f"{where}: of {self.blocks} blocks the paths that carry the gradient go through "
            f"{self.effective_length:.1f} on average, 95 % of it through {most[0]} to {most[1]}; the mean path goes "
            f"through {self.mean_length:.1f}"
        )

    def _repr_html_(self) -> str:
        """A sentence and a picture for notebooks."""
        from html import escape

        said = f"<p>{escape(str(self))}</p>"
        if self.effective_length is None:
            return said
        from archlab.charts import embedded

        return f"{said}\n{embedded(self.plot(), str(self))}"
