"""Draws the pictures of the documentation from measurements: `python docs/pictures.py`."""

from __future__ import annotations

from pathlib import Path

import altair as alt

from archlab import compare

IMAGES = Path(__file__).parent / "images"
# Two hues that stay apart for every kind of colour vision (Okabe & Ito 2008), and two dashes for black and white.
COLOURS, DASHES = ["#D55E00", "#0072B2"], [[6, 3], [1, 0]]


def gradients(names: dict[str, str], output: Path) -> None:
    """The error signal by depth of two architectures, the middle half of the seeds shaded."""
    rows = []
    for result in compare(*names, seeds=5):
        flow = result.gradient_flow
        assert flow is not None
        for layer in flow.curve:
            low, high = layer.output_gradient_rms_quartiles or (None, None)
            rows.append(
                {
                    "net": names[result.name],
                    "depth": layer.depth,
                    "low": low,
                    "high": high,
                    "signal": layer.output_gradient_rms,
                }
            )
    base = alt.Chart(alt.Data(values=rows)).encode(
        alt.X("depth:Q", title="depth: layers from the input", scale=alt.Scale(domain=[0, 50])),
        color=alt.Color("net:N", title=None, scale=alt.Scale(domain=list(names.values()), range=COLOURS),
                        legend=alt.Legend(orient="top", labelLimit=400, symbolStrokeWidth=3)),
    )  # fmt: skip
    signal = alt.Y(
        "signal:Q", title="error signal (RMS, log scale)", scale=alt.Scale(type="log"), axis=alt.Axis(format=".0e")
    )
    line = base.mark_line(strokeWidth=2.5).encode(
        signal,
        strokeDash=alt.StrokeDash("net:N", legend=None, scale=alt.Scale(domain=list(names.values()), range=DASHES)),
    )
    band = base.mark_area(opacity=0.2).encode(alt.Y("low:Q", scale=alt.Scale(type="log")), alt.Y2("high:Q"))
    chart = (band + line).properties(width=560, height=240, background="white").configure_view(stroke=None)
    chart.configure_axis(grid=True, gridColor="#e5e5e5", labelFontSize=12, titleFontSize=12).save(str(output))


if __name__ == "__main__":
    IMAGES.mkdir(exist_ok=True)
    settings = "depth=50,width=16,normalization=none,conv=ordinary"
    gradients(
        {
            f"plain:{settings}": "50 layers without shortcuts",
            f"residual:{settings}": "the same 50 layers with residual connections",
        },
        IMAGES / "gradients.svg",
    )
