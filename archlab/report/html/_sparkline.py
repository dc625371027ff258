"""A curve as a small picture beside its numbers."""

from __future__ import annotations

from collections.abc import Sequence
from math import floor, isfinite, log10

from markupsafe import Markup

from archlab.report._parts import Chart

WIDTH, HEIGHT = 160, 28


def bounds(chart: Chart) -> tuple[int, int]:
    """The decades that all curves of a chart lie in."""
    values = [v for curve in chart.curves for v in curve.values if v is not None and v > 0 and isfinite(v)]
    return (floor(log10(min(values))), floor(log10(max(values))) + 1) if values else (0, 1)


def sparkline(values: Sequence[float | None], low: int, high: int) -> Markup:
    """A curve on a logarithmic scale; a gap where there is no value.

    >>> "polyline" in sparkline((1e-4, 1e-3, 1e-2), -4, 0)
    True
    """
    runs: list[list[str]] = [[]]
    for place, value in enumerate(values):
        if value is None or not isfinite(value):
            runs.append([])
            continue
        height = 0.0 if value <= 0 else max(0.0, (log10(value) - low) / max(1, high - low))
        x = 2 + place * (WIDTH - 4) / max(1, len(values) - 1)
        runs[-1].append(f"{x:.1f},{HEIGHT - 2 - height * (HEIGHT - 4):.1f}")
    # A line of one point is not drawn; a second one in its place makes it a dot.
    lines = [f'<polyline points="{" ".join(run if len(run) > 1 else run * 2)}"/>' for run in runs if run]
    return Markup('<svg class="spark" aria-hidden="true" viewBox="0 0 %d %d">%s</svg>') % (
        WIDTH, HEIGHT, Markup("".join(lines)),
    )  # fmt: skip
