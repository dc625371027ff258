from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from archlab.training.statistics import _words
from archlab.training.statistics._interval import LEVEL, Interval, newcombe
from archlab.training.statistics._power import Needed, needed_from_accuracies


@dataclass(frozen=True)
class Difference:
    """How two architectures, or two trained nets, compare; as text, the sentence that a careful person would write.

    Attributes:
        names: of the two; empty where they have none.
        accuracies: of the two, means over their runs.
        difference: the first accuracy less the second, a share.
        interval: of the difference.
        shown: whether a difference is shown: the interval leaves out zero and, of one run each, McNemar's test agrees.
        p_value: of McNemar's exact test; None unless it is of one run each, photo by photo.
        only: photos that only the first and only the second got right; None unless it is of one run each.
        photos: how many each run was tested on.
        seeds: how many runs there are of each.
        paired: whether it is known which photos each run got right.
        same: whether every run of both is right about exactly the same photos.
        needed: roughly how many photos or seeds would show a difference of this size.
        synthetic: the test photos are drawings made by a program.
    """

    names: tuple[str, str]
    accuracies: tuple[float, float]
    difference: float
    interval: Interval
    shown: bool
    p_value: float | None
    only: tuple[int, int] | None
    photos: int
    seeds: tuple[int, int]
    paired: bool
    same: bool
    needed: Needed
    synthetic: bool = False

    def __str__(self) -> str:
        return _words.of_difference(self)

    def to_dict(self) -> dict[str, Any]:
        """As plain data."""
        return {
            "names": list(self.names),
            "accuracies": list(self.accuracies),
            "difference": self.difference,
            "interval": self.interval.to_dict(),
            "shown": self.shown,
            "p_value": self.p_value,
            "only": list(self.only) if self.only else None,
            "photos": self.photos,
            "seeds": list(self.seeds),
            "paired": self.paired,
            "same": self.same,
            "needed": self.needed.to_dict(),
            "synthetic": self.synthetic,
            "sentence": str(self),
        }


def compare_accuracies(
    first: float,
    second: float,
    photos: int,
    others: int | None = None,
    *,
    names: tuple[str, str] = ("", ""),
    level: float = LEVEL,
    synthetic: bool = False,
) -> Difference:
    """Compare two single runs of which only the accuracies and the number of test photos are known.

    The interval is Newcombe's for unrelated photos, see `newcombe`.

    Args:
        first: accuracy of the first run.
        second: of the second.
        photos: how many photos the first was tested on.
        others: how many the second was tested on; as many unless given.
        names: of the two, for the sentence.
        level: how often such an interval holds the true difference.
        synthetic: the photos are drawings made by a program.

    Raises:
        UsageError: an accuracy is no share, or there are no photos.

    >>> print(compare_accuracies(0.743, 0.744, 2000))
    no difference can be shown at n = 2,000: 0.743 against 0.744, 95 % interval of the difference −2.8 to +2.6 points,
    from the accuracies alone; one run each: said of these two trained nets, not of the architectures
    """
    interval = newcombe(first, second, photos, others, level)
    return Difference(
        names=names,
        accuracies=(first, second),
        difference=first - second,
        interval=interval,
        shown=not interval.low <= 0 <= interval.high,
        p_value=None,
        only=None,
        photos=photos if others is None else min(photos, others),
        seeds=(1, 1),
        paired=False,
        same=False,
        needed=needed_from_accuracies(first, second, level),
        synthetic=synthetic,
    )
