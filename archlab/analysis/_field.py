"""The result of measuring an effective receptive field: plain data, which needs neither Keras nor NumPy."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from math import hypot, isfinite
from pathlib import Path
from typing import TYPE_CHECKING, ClassVar, TypeAlias, cast

from archlab.analysis._frame import frame
from archlab.analysis._record import Record
from archlab.errors import SourceError, UsageError
from archlab.shown import Printed
from archlab.units import format_share

if TYPE_CHECKING:
    import pandas
    from altair import TopLevelMixin

Shares: TypeAlias = tuple[float, ...] | tuple[tuple[float, ...], ...] | tuple[tuple[tuple[float, ...], ...], ...]
"""A number for every pixel: tuples within tuples, as many as the input has axes."""

HELD = 0.9545
"""The share of a Gaussian within two standard deviations: what the radius and the area of a field hold."""


def _sides(values: Shares) -> tuple[int, ...] | None:
    """The size on each axis; None where rows differ."""
    inner = {_sides(value) if isinstance(value, tuple) else () for value in values}
    sides = next(iter(inner)) if len(inner) == 1 else None
    return None if sides is None else (len(values), *sides)


def _flat(values: Shares) -> Iterator[float]:
    for value in values:
        yield from _flat(value) if isinstance(value, tuple) else (value,)


@dataclass(frozen=True, repr=False)
class EffectiveReceptiveField(Record, Printed):
    """How the gradient of a layer's central unit is spread over the input. Lengths are in pixels, axes (row, column).

    Attributes:
        layer: the layer whose central unit it is.
        quantity: what is spread: 'magnitude', the mean of |gradient|, or 'energy', that of its square.
        image: the size of the input on each axis.
        unit: the place of the unit in its map.
        share: for every pixel its share of the whole, rows of columns; empty where there is no gradient.
        centre: the mean place.
        sigma: the standard deviation along each axis, that of the Gaussian fitted to it (by moments).
        overlap: how much of the field and of that Gaussian lie on one another, from 0 to 1.
        radius: of the circle about the centre that holds 95.45 % of the gradient.
        area: how many pixels hold 95.45 %, the strongest first.
        box: first and last pixel of the unit's theoretical field on each axis, outside of the image too; None where it
            has no place, or one that is not known.
        whole: whether the unit sees the whole image through a gate or a normalization.
        runs: how many gradients were measured: seeds × inputs.
        silent: how many of them were exactly zero everywhere.
        not_finite: how many were infinite or not a number.
        seeds: the initializations; empty where a model was measured as it is.
        training: whether layers acted as in training.
        precision: 'float32', or 'float64' where a gradient was too small for that and was taken again.
        data: where the inputs come from.
        name: of the architecture.
    """

    what: ClassVar[str] = "effective receptive field"

    layer: str
    quantity: str
    image: tuple[int, ...]
    unit: tuple[int, ...]
    share: Shares
    centre: tuple[float, ...] | None
    sigma: tuple[float, ...] | None
    overlap: float | None
    radius: float | None
    area: int | None
    box: tuple[tuple[int, int], ...] | None
    whole: bool
    runs: int
    silent: int
    not_finite: int
    seeds: tuple[int, ...]
    training: bool
    precision: str
    data: str
    name: str = ""

    def restored(self, data: Mapping[str, object]) -> EffectiveReceptiveField:
        """The same, if its lengths are those of its image.

        Raises:
            SourceError: they are not.
        """
        axes = len(self.image)
        for name, value in (("unit", self.unit), ("centre", self.centre), ("sigma", self.sigma), ("box", self.box)):
            if value is not None and len(value) != axes:
                raise SourceError(f"{name} has {len(value)} axes, and the image has {axes}")
        if (self.centre is None) != self.empty or (self.sigma is None) != self.empty:
            raise SourceError("a field that is not empty has a centre and a sigma")
        if not all(map(isfinite, (*_flat(self.share), *(self.centre or ()), *(self.sigma or ())))):
            raise SourceError("share, centre and sigma must be finite")
        if not self.empty and _sides(self.share) != self.image:
            raise SourceError(f"share must have the shape of the image, {self.image}")
        return self

    @property
    def empty(self) -> bool:
        """Whether no gradient arrives: no field at all, which is not a field of size 0."""
        return not self.share

    @property
    def theoretical(self) -> tuple[int, ...] | None:
        """The size of the theoretical field on each axis."""
        return None if self.box is None else tuple(last - first + 1 for first, last in self.box)

    @property
    def inside(self) -> tuple[int, ...] | None:
        """The same as far as it lies in the image."""
        if self.box is None:
            return None
        edges = zip(self.box, self.image, strict=True)
        return tuple(max(0, min(last, size - 1) - max(first, 0) + 1) for (first, last), size in edges)

    @property
    def fraction(self) -> float | None:
        """The area that holds 95.45 %, as a share of the theoretical field in the image."""
        if self.area is None or self.inside is None:
            return None
        pixels = 1
        for side in self.inside:
            pixels *= side
        return self.area / pixels if pixels else None

    @property
    def _rows(self) -> tuple[tuple[float, ...], ...]:
        """The shares of an input with two axes; of one with a single axis, in a single row."""
        return cast("tuple[tuple[float, ...], ...]", self.share if len(self.image) == 2 else (self.share,))

    @property
    def by_distance(self) -> tuple[float, ...]:
        """The share of the gradient at each distance from the centre: entry r is for distances of r to r + 1 pixels."""
        if self.centre is None or len(self.image) > 2:
            return ()
        middle = self.centre if len(self.image) == 2 else (0.0, *self.centre)
        found: list[float] = []
        for row, values in enumerate(self._rows):
            for column, value in enumerate(values):
                distance = int(hypot(row - middle[0], column - middle[1]))
                found.extend([0.0] * (distance + 1 - len(found)))
                found[distance] += value
        return tuple(found)

    def to_pandas(self) -> pandas.DataFrame:
        """A pandas DataFrame of the shares: a row for each row of pixels, a column for each column.

        Raises:
            MissingPartError: pandas is not installed.
        """
        return frame([{str(column): share for column, share in enumerate(row)} for row in self._rows])

    def plot(self, width: int = 320) -> TopLevelMixin:
        """The field as a heat map, with the theoretical field as a box and two standard deviations as an ellipse.

        Raises:
            UsageError: there is no gradient to draw, or the input has not two axes.
        """
        from archlab.charts import heat_map

        if self.empty:
            raise UsageError(f"no gradient of {self.layer} arrives at the input: there is no field to draw")
        if len(self.image) != 2:
            raise UsageError(f"a field is drawn over two axes, and this input has {len(self.image)}")
        assert self.centre and self.sigma
        return heat_map(self._rows, self.box, self.centre, tuple(2 * sigma for sigma in self.sigma), width)

    def __str__(self) -> str:
        where = f"{self.name}: {self.layer}" if self.name else self.layer
        if self.sigma is None or self.radius is None:
            lost = f", {self.not_finite} not finite" if self.not_finite else ""
            return f"{where}: no gradient arrives at the input ({self.silent} of {self.runs} are zero{lost})"
        theory = "unknown" if self.theoretical is None else " × ".join(map(str, self.theoretical))
        deviation = " × ".join(f"{sigma:.2f}" for sigma in self.sigma)
        covered = "" if self.fraction is None else f" ({format_share(self.fraction)} of the theoretical field)"
        some = f"; {self.silent} of {self.runs} gradients are zero" if self.silent else ""
        return (
            f"{where}: σ {deviation} pixels, 95.45 % within {self.radius:.1f} pixels, on {self.area} of them{covered}; "
            f"the theoretical field is {theory}{some}"
        )

    def _repr_html_(self) -> str:
        """A sentence and a picture for notebooks."""
        from html import escape

        said = f"<p>{escape(str(self))}</p>"
        if self.empty or len(self.image) != 2:
            return said
        from archlab.charts import embedded

        return f"{said}\n{embedded(self.plot(), str(self))}"

    def save_picture(self, path: str | Path) -> None:
        """Draw it to a .svg, .png, .html or .json file."""
        from archlab.charts import save

        save(self.plot(), Path(path))
