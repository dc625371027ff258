"""What measured gradients mean, in sentences."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from archlab.analysis import LIMIT, Result

if TYPE_CHECKING:
    from archlab.analysis import GradientFlow


def verdict_sentence(result: Result) -> str:
    """The verdict on a measured gradient flow, and what it means."""
    flow = result.gradient_flow
    if flow is None:
        return "no slope: the gradients are not measured."
    return judged(flow)


def judged(flow: GradientFlow) -> str:
    """The verdict on a measured gradient flow, in sentences."""
    own = flow.model_precision or flow.precision
    if flow.dead_seeds:
        return f"{_dead(flow)} {_judged(flow, own)}"
    return _judged(flow, own)


def _dead(flow: GradientFlow) -> str:
    """How many initializations are dead."""
    count, all_ = len(flow.dead_seeds), len(flow.seeds)
    said = (
        "the initialization is" if all_ == 1 else f"{count} of {all_} initializations {'is' if count == 1 else 'are'}"
    )
    return f"{said} dead: no weight before the last layer gets a gradient."


def _judged(flow: GradientFlow, own: str) -> str:
    if flow.not_finite:
        return (
            f"exploding. Values leave the range of {own} ({len(flow.not_finite)} layers have infinity or NaN): "
            "it cannot train."
        )
    trend = flow.trend
    if flow.verdict == "undefined":
        return _undefined(flow)
    decades, sharing = trend.decades or 0.0, trend.sharing or 0.0
    change = f"Gradients {'shrink' if decades > 0 else 'grow'} {times(decades)} from the last layer to the first"
    if flow.verdict == "vanishing":
        lost = f"in {trend.silent} layers they are exactly zero in {own}"
        if trend.decades is None:
            return f"vanishing. {lost[0].upper()}{lost[1:]}: the first layers do not learn."
        return f"vanishing. {change}{f'; {lost}' if trend.silent else ''}: the first layers hardly learn."
    if flow.verdict == "exploding":
        return f"exploding. {change}: the first layers take steps that are too large for the others."
    if abs(decades) > 1 and sharing > 0.3:
        # What comes of geometry is no vanishing; where gradients grow, it hides some of the growth.
        if decades > 0:
            change += f"; {times(sharing)} of this comes from the larger feature map"
        else:
            change += f", although the larger feature map alone shrinks them {times(sharing)}"
    if abs(decades - sharing) < 1:
        return f"stable. {change}."
    # That holds for the layers which a gradient reaches.
    limit = "" if unreached(flow) else f" Networks still train at up to {times(LIMIT)}."
    return f"stable, but uneven. {change}.{limit}"


def _undefined(flow: GradientFlow) -> str:
    """Why there is no verdict."""
    cut, curve = unreached(flow), flow.curve
    if cut:
        if len(cut) == len([layer for layer in flow.layers if not layer.frozen]):
            return "no verdict: no gradient reaches any layer: nothing trains."
        return f"no verdict: no gradient reaches {names(cut)}: {'they do' if len(cut) > 1 else 'it does'} not train."
    if flow.trend.silent:
        return (
            f"no verdict: gradients are exactly zero in {flow.trend.silent} of {len(curve)} layers before the head, as "
            "behind weights or units that are zero."
        )
    return "no slope: there are too few layers before the head."


def unreached(flow: GradientFlow) -> list[str]:
    """Layers that are to be trained and get no gradient: the loss does not depend on their weights."""
    return [layer.name for layer in flow.layers if not layer.frozen and layer.weight_gradient_norm is None]


def times(decades: float | None) -> str:
    """A change in decades as a ratio.

    >>> times(1.75), times(-0.4), times(7.2)
    ('56×', '2.5×', '10^7×')
    """
    size = abs(decades or 0.0)
    if size < 5:
        factor = 10**size
        return f"{factor:.1f}×" if factor < 10 else f"{float(f'{factor:.1e}'):,.0f}×"
    return f"10^{size:.0f}×"


def odd_layers(flow: GradientFlow) -> list[str]:
    """Layers that are not like the others, in sentences."""
    lines: list[str] = []
    frozen = [layer.name for layer in flow.layers if layer.frozen]
    cut = list(dict.fromkeys([
        *unreached(flow), *[layer.name for layer in flow.layers if layer.activation_gradient_rms is None]
    ]))  # fmt: skip
    dead = [layer.name for layer in flow.layers if (layer.dead_share or 0) > 0.5]
    if flow.not_finite:
        lines.append(f"Infinity or NaN in {flow.model_precision or flow.precision}: {names(flow.not_finite)}.")
    if frozen:
        lines.append(f"Frozen, without weight gradients: {names(frozen)}.")
    if cut and not flow.not_finite:
        lines.append(f"No gradient reaches: {names(cut)}.")
    if dead:
        lines.append(f"More than half of the channels are dead (zero for the whole batch) after: {names(dead)}.")
    return lines


def names(layers: Sequence[str]) -> str:
    """The first of many names.

    >>> names(["conv1", "conv2"]), names([*"abcdefg"])
    ('conv1, conv2', 'a, b, c, d, e and 2 more')
    """
    more = f" and {len(layers) - 5} more" if len(layers) > 5 else ""
    return ", ".join(layers[:5]) + more
