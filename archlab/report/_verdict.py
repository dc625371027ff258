"""What measured gradients mean, in sentences."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from archlab.analysis import LIMIT
from archlab.result import Result

if TYPE_CHECKING:
    from archlab.analysis._flow import GradientFlow


def verdict_sentence(result: Result) -> str:
    """What the gradient flow means, in a sentence that an ordinary student understands."""
    flow = result.gradient_flow
    if flow is None or flow.verdict == "undefined":
        return "has too few layers before its head to speak of a trend."
    if flow.not_finite:
        return (
            "explodes: on the way back to the input the error signal leaves the range of 32-bit numbers "
            f"({len(flow.not_finite)} layers get infinity or NaN). It cannot train like this."
        )
    trend = flow.trend
    decades = trend.decades or 0.0
    change = f"along its trend the error signal is {_times(decades)} {'weaker' if decades > 0 else 'stronger'} at the "
    change += "first layer than at the last"
    if flow.verdict == "vanishes":
        lost = f"; in {trend.silent} layers it is exactly zero in 32-bit numbers" if trend.silent else ""
        return f"vanishes: {change}{lost}. The first layers can hardly learn."
    if flow.verdict == "explodes":
        return f"explodes: {change}. The first layers take steps too large for the others."
    sharing = trend.sharing or 0.0
    if abs(decades) > 1 and sharing > 0.3:
        # What comes of geometry is no fading; where the signal grows, it hides some of the growth.
        shared = "its larger map shares one error among more units"
        factor = _times(sharing)
        change += (
            f" ({factor} because {shared})" if decades > 0 else f" (though {shared}, {factor} weaker by that alone)"
        )
    if abs(decades - sharing) < 1:
        return f"is level: {change}. Every layer gets its share."
    return f"is level, though uneven: {change}. Such nets still train, up to {_times(LIMIT)}."


def _times(decades: float | None) -> str:
    """A change in decades as a factor."""
    size = abs(decades or 0.0)
    if size < 5:
        factor = 10**size
        return f"{factor:.1f} times" if factor < 10 else f"{float(f'{factor:.1e}'):,.0f} times"
    return f"10^{size:.0f} times"


def said_of_layers(flow: GradientFlow) -> list[str]:
    """What has to be said of layers that are not like the others."""
    lines: list[str] = []
    frozen = [layer.name for layer in flow.layers if layer.frozen]
    cut = [layer.name for layer in flow.layers if layer.output_gradient_rms is None]
    dead = [layer.name for layer in flow.layers if (layer.dead_share or 0) > 0.5]
    if flow.not_finite:
        lines.append(f"Infinite or not a number in {flow.precision}: {_names(flow.not_finite)}.")
    if frozen:
        lines.append(f"Frozen, so that their weights have no gradient: {_names(frozen)}.")
    if cut and not flow.not_finite:
        lines.append(f"No gradient reaches: {_names(cut)}.")
    if dead:
        lines.append(f"More than half of the channels are zero throughout the batch behind: {_names(dead)}.")
    return lines


def _names(names: Sequence[str]) -> str:
    more = f" and {len(names) - 5} more" if len(names) > 5 else ""
    return ", ".join(names[:5]) + more
