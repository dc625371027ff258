"""Gradients that vanish or explode, as findings."""

from __future__ import annotations

from collections.abc import Iterable

from archlab.analysis.trainability._statistics import unavoidable
from archlab.lint._context import Context
from archlab.lint._rule import Found
from archlab.lint._verdict import judged
from archlab.units import format_slope


def change(context: Context, verdict: str, verb: str) -> Iterable[Found]:
    """The finding of a verdict: what was measured goes before what is predicted."""
    flow = context.flow
    if flow is not None:
        if flow.verdict == verdict:
            yield Found(judged(flow), tuple(flow.not_finite), value=flow.trend.slope, severity="error")
        return
    cause = next((each for each in context.forecast.causes if f"gradient {verb}" in each.sentence), None)
    # A prediction that the forecast makes nothing of is an info, and takes as long as the forecast itself.
    if cause is None and (context.least != "info" or context.predicted.verdict != verdict):
        return
    # A branch that others have a way past may begin small on purpose (LayerScale): what is weak there holds up nothing.
    standing = context.standing if cause and _hold_up(context, cause.layers) else "info"
    said = cause.sentence.removesuffix(".") if cause else ""
    if not said:
        slope = format_slope(context.predicted.slope or 0.0)
        said = f"{verdict} as predicted: the activation gradient's slope is {slope} decades per layer"
    message = f"{said}. Forecast: with SGD {context.forecast.sgd.told}, with Adam {context.forecast.adam.told}."
    yield Found(
        message,
        cause.layers if cause else (),
        # Remedies are tried on the network, which takes time that an info is not worth.
        cause.remedy if cause and standing != "info" else "",
        cause.value if cause else context.predicted.slope,
        severity=standing,
    )


def _hold_up(context: Context, layers: Iterable[str]) -> bool:
    """Whether every way through the network leads through these layers."""
    passed = set(unavoidable(context.graph))
    return all(context.graph.position(layer) in passed for layer in layers)
