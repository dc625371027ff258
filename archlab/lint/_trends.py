"""Gradients that vanish or explode, as findings."""

from __future__ import annotations

from collections.abc import Iterable

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
    predicted = context.predicted
    cause = next((each for each in context.forecast.causes if f"gradient {verb}" in each.sentence), None)
    if cause is None and predicted.verdict != verdict:
        return
    standing = context.standing
    said = cause.sentence.removesuffix(".") if cause else ""
    if not said:
        slope = format_slope(predicted.slope or 0.0)
        said = f"{verdict} as predicted: the activation gradient's slope is {slope} decades per layer"
    message = f"{said}. Forecast: with SGD {context.forecast.sgd.told}, with Adam {context.forecast.adam.told}."
    yield Found(
        message,
        cause.layers if cause else (),
        # Remedies are tried on the network, which takes time that an info is not worth.
        cause.remedy if cause and standing != "info" else "",
        cause.value if cause else predicted.slope,
        severity=standing,
    )
