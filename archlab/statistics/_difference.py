from __future__ import annotations

from dataclasses import dataclass
from math import ceil, log2
from typing import Any

from archlab.statistics._interval import LEVEL, Interval, newcombe
from archlab.statistics._power import Needed, needed_from_accuracies
from archlab.statistics._words import SYNTHETIC, image_count, percent, points
from archlab.units import format_small

_FEW = 100
"""With fewer images, the sentence says which differences they can show."""


@dataclass(frozen=True)
class Difference:
    """The difference between two architectures, or between two trained networks; as text, a sentence.

    Attributes:
        names: of the two; may be empty.
        accuracies: of the two, means over their runs.
        difference: the first accuracy minus the second, as a fraction.
        interval: a confidence interval of the difference.
        shown: whether the difference is significant: the interval excludes zero and, for one run each, so does
            McNemar's test.
        p_value: of McNemar's exact test; None unless one run of each is compared image by image.
        only: the number of images that only the first and only the second classified correctly; None as above.
        images: the number of test images.
        seeds: the number of runs of each.
        paired: whether the runs were compared image by image.
        same: whether all runs classified exactly the same images correctly.
        needed: the number of images or seeds that would show a difference of this size.
        synthetic: whether the test images are synthetic.
    """

    names: tuple[str, str]
    accuracies: tuple[float, float]
    difference: float
    interval: Interval
    shown: bool
    p_value: float | None
    only: tuple[int, int] | None
    images: int
    seeds: tuple[int, int]
    paired: bool
    same: bool
    needed: Needed
    synthetic: bool = False

    def __str__(self) -> str:
        return _sentence(self)

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
            "photos": self.images,
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
    images: int,
    others: int | None = None,
    *,
    names: tuple[str, str] = ("", ""),
    level: float = LEVEL,
    synthetic: bool = False,
) -> Difference:
    """Compare two single runs by their accuracies and numbers of test images.

    The interval is Newcombe's for independent test images, see `newcombe`.

    Args:
        first: accuracy of the first run.
        second: accuracy of the second run.
        images: the number of test images of the first.
        others: the number of test images of the second. Default: the same.
        names: of the two, for the sentence.
        level: the confidence level.
        synthetic: whether the images are synthetic.

    Raises:
        UsageError: an accuracy is not between 0 and 1, or there are no images.

    >>> print(compare_accuracies(0.743, 0.744, 2000))
    no difference can be shown at n = 2,000: 0.743 against 0.744, 95 % interval of the difference −2.8 to +2.6 points,
    from the accuracies alone; one run each: valid for these two trained networks, not for the architectures
    """
    interval = newcombe(first, second, images, others, level)
    return Difference(
        names=names,
        accuracies=(first, second),
        difference=first - second,
        interval=interval,
        shown=not interval.low <= 0 <= interval.high,
        p_value=None,
        only=None,
        images=images if others is None else min(images, others),
        seeds=(1, 1),
        paired=False,
        same=False,
        needed=needed_from_accuracies(first, second, level),
        synthetic=synthetic,
    )


def _sentence(found: Difference) -> str:
    """The difference, or that none can be shown, and the scope of this."""
    sentence = _shown(found) if found.shown else _not_shown(found)
    if min(found.seeds) == 1:
        join = ": " if found.shown else "; one run each: " if found.seeds == (1, 1) else "; one run of one of them: "
        networks = "two trained networks" if found.seeds == (1, 1) else "trained networks"
        sentence += f"{join}valid for these {networks}, not for the architectures"
    return f"{sentence}; {SYNTHETIC}" if found.synthetic else sentence


def _shown(found: Difference) -> str:
    first, second = (name or other for name, other in zip(found.names, ("the first", "the second"), strict=True))
    low, high = found.interval.low, found.interval.high
    if found.difference < 0:
        first, second, low, high = second, first, -high, -low
    digits = next((digits for digits in (1, 2) if float(points(low, digits))), 3)
    if found.seeds == (1, 1):
        first, second = f"this run of {first}", f"this run of {second}"
    of = ", ".join(filter(None, (_runs(found), _test(found), image_count(found.images, found.synthetic))))
    return (
        f"{first} is more accurate than {second} by {points(abs(found.difference), digits)} points "
        f"({percent(found.interval.level)} interval {points(low, digits)} to {points(high, digits)}; {of})"
    )


def _not_shown(found: Difference) -> str:
    seeds = "" if max(found.seeds) == 1 else f" with {_runs(found)}"
    one, two = (f"{name} {share:.3f}".strip() for name, share in zip(found.names, found.accuracies, strict=True))
    against = f"{one} against {two}"
    if found.same:
        against = f"{one} against {two}, correct on exactly the same {image_count(None, found.synthetic)}"
    sentence = (
        f"no difference can be shown at n = {found.images:,}{seeds}: {against}, "
        f"{percent(found.interval.level)} interval of the difference {points(found.interval.low, signed=True)} to "
        f"{points(found.interval.high, signed=True)} points"
    )
    test = _test(found)
    sentence += f", {test}" if test and not found.same else "" if found.paired else ", from the accuracies alone"
    return sentence + _few(found)


def _few(found: Difference) -> str:
    """The differences that a small test set can show."""
    if found.images >= _FEW:
        return ""
    # McNemar's two-sided p-value with n discordant images, all on one side, is 2 / 2ⁿ.
    least = 1 + ceil(log2(1 / (1 - found.interval.level)))
    if found.only is not None and found.images < least:
        return f"; with fewer than {least} {image_count(None, found.synthetic)}, no difference can be shown at all"
    half = (found.interval.high - found.interval.low) / 2
    return f"; so few {image_count(None, found.synthetic)} show only differences above about {100 * half:.0f} points"


def _runs(found: Difference) -> str:
    one, two = found.seeds
    if (one, two) == (1, 1):
        return ""
    return f"{one} seeds each" if one == two else f"{one} and {two} seeds"


def _test(found: Difference) -> str:
    if found.p_value is None:
        return ""
    return "McNemar's exact p " + ("< 0.001" if found.p_value < 1e-3 else f"= {format_small(found.p_value)}")
