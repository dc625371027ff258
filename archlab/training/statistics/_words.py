"""The sentences that a careful person would write. What is claimed is decided where it is computed, not here."""

from __future__ import annotations

from math import ceil, log2
from typing import TYPE_CHECKING

from archlab.units import format_small

if TYPE_CHECKING:
    from archlab.training.statistics._accuracy import Accuracy
    from archlab.training.statistics._difference import Difference
    from archlab.training.statistics._further import FurtherRun

_FEW = 100
"""Photos below which it is said what so few can show at all."""

_SYNTHETIC = "on synthetic drawings, which say nothing about photos"


def of_accuracy(found: Accuracy) -> str:
    """An accuracy, how sure it is, and what it is said of."""
    name = f"{found.name}: " if found.name else ""
    runs = "one run" if len(found.runs) == 1 else f"{len(found.runs)} seeds"
    spread = "" if found.deviation is None else f"; standard deviation over seeds {points(found.deviation)} points"
    said = (
        f"{name}{found.mean:.3f} ({percent(found.interval.level)} interval {found.interval}; {runs}, "
        f"{photos(found.photos, found.synthetic)}{spread})"
    )
    if len(found.runs) == 1:
        said += ": said of this trained net, not of the architecture"
    return f"{said}; {_SYNTHETIC}" if found.synthetic else said


def of_difference(found: Difference) -> str:
    """Who is better and by how much, or that it cannot be shown; and of what that is said."""
    said = _shown(found) if found.shown else _not_shown(found)
    if min(found.seeds) == 1:
        join = ": " if found.shown else "; one run each: " if found.seeds == (1, 1) else "; one of them ran once: "
        nets = "two trained nets" if found.seeds == (1, 1) else "trained nets"
        said += f"{join}said of these {nets}, not of the architectures"
    return f"{said}; {_SYNTHETIC}" if found.synthetic else said


def _shown(found: Difference) -> str:
    first, second = (name or other for name, other in zip(found.names, ("the first", "the second"), strict=True))
    low, high = found.interval.low, found.interval.high
    if found.difference < 0:
        first, second, low, high = second, first, -high, -low
    digits = next((digits for digits in (1, 2) if float(points(low, digits))), 3)
    if min(found.seeds) == 1:
        one = "this run of" if found.seeds == (1, 1) else "what was trained of"
        first, second = f"{one} {first}", f"{one} {second}"
    of = ", ".join(filter(None, (_runs(found), _test(found), photos(found.photos, found.synthetic))))
    return (
        f"{first} is better than {second} by {points(abs(found.difference), digits)} points "
        f"({percent(found.interval.level)} interval {points(low, digits)} to {points(high, digits)}; {of})"
    )


def _not_shown(found: Difference) -> str:
    seeds = "" if max(found.seeds) == 1 else f" with {_runs(found)}"
    one, two = (f"{name} {share:.3f}".strip() for name, share in zip(found.names, found.accuracies, strict=True))
    against = f"{one} against {two}"
    if found.same:
        against = f"{one} against {two}, right about exactly the same {photos(None, found.synthetic)}"
    said = (
        f"no difference can be shown at n = {found.photos:,}{seeds}: {against}, "
        f"{percent(found.interval.level)} interval of the difference {points(found.interval.low, signed=True)} to "
        f"{points(found.interval.high, signed=True)} points"
    )
    test = _test(found)
    said += f", {test}" if test and not found.same else "" if found.paired else ", from the accuracies alone"
    return said + _few(found)


def _few(found: Difference) -> str:
    """What so few photos can show at all."""
    if found.photos >= _FEW:
        return ""
    # Six coins must fall alike before that is rarer than 1 in 20.
    least = 1 + ceil(log2(1 / (1 - found.interval.level)))
    if found.only is not None and found.photos < least:
        return f"; with fewer than {least} {photos(None, found.synthetic)} no difference could ever be shown"
    half = (found.interval.high - found.interval.low) / 2
    return f"; so few {photos(None, found.synthetic)} show only differences beyond about {100 * half:.0f} points"


def of_further_run(found: FurtherRun) -> str:
    """Whether a published figure is what one more run would give."""
    where = f"{found.photos:,} other photos" if found.other_photos else f"the same {photos(found.photos, False)}"
    if found.interval is None:
        return (
            f"one run cannot say how far runs scatter, so not whether {found.published:.3f} would be one of them: at "
            "least 2 seeds are needed"
        )
    side = "inside" if found.inside else "below" if found.published < found.interval.low else "above"
    return (
        f"{found.published:.3f} lies {side} {found.interval}, where one further run on {where} is to be expected "
        f"({percent(found.interval.level)}, from {found.seeds} seeds)"
    )


def points(share: float, digits: int = 1, signed: bool = False) -> str:
    """A share or a difference of two in percentage points.

    >>> points(-0.0258, signed=True), points(0.0241, signed=True), points(0.041)
    ('−2.6', '+2.4', '4.1')
    """
    text = f"{100 * share:+.{digits}f}" if signed else f"{100 * share:.{digits}f}"
    # What rounds to nothing has no sign.
    return text.lstrip("+-") if not float(text) else text.replace("-", "−")


def percent(level: float) -> str:
    """A level as it is written."""
    return f"{100 * level:g} %"


def photos(count: int | None, synthetic: bool) -> str:
    """So many photos, or drawings."""
    noun = "drawing" if synthetic else "photo"
    return f"{noun}s" if count is None else f"{count:,} {noun}{'' if count == 1 else 's'}"


def _runs(found: Difference) -> str:
    one, two = found.seeds
    if (one, two) == (1, 1):
        return ""
    return f"{one} seeds each" if one == two else f"{one} and {two} seeds"


def _test(found: Difference) -> str:
    if found.p_value is None:
        return ""
    return "McNemar's exact p " + ("< 0.001" if found.p_value < 1e-3 else f"= {format_small(found.p_value)}")
