"""Predicted gradient flow against measured, layer by layer: over the zoo, four initializers, depths of 10 to 100.

python -m tests.benchmarks.prediction [part of a name …]
python -m tests.benchmarks.prediction --unseen [part of a name …] [--output docs/results/prediction.jsonl]
python -m tests.benchmarks.prediction --table docs/results/prediction.jsonl

The last prints the table of the documentation. The second is of other kinds of networks than the rules were found on,
with a closer bound on the slope. What is predicted is the median over initializations: of small networks, which differ
most, 12 are measured, of others 3.
"""

from __future__ import annotations

import argparse
import json
from collections.abc import Callable, Iterator, Sequence
from math import log10
from pathlib import Path
from statistics import mean, median
from typing import Any, NamedTuple

from archlab import (
    Activation,
    AvgPool,
    BatchNorm,
    Concatenate,
    Conv,
    Dense,
    GlobalAvgPool,
    Graph,
    GroupNorm,
    Identity,
    Input,
    LayerNorm,
    MaxPool,
    Multiply,
    Parallel,
    Part,
    ReLU,
    Residual,
    load,
)
from archlab.analysis.measured import GradientFlow, gradient_flow
from archlab.analysis.static.signal import PredictedFlow, predict
from archlab.units import format_slope

SEEDS = 3  # as measured by default
INITIALIZERS = ("he_normal", "glorot_uniform", "lecun_normal", "orthogonal")


def chain(depth: int, initializer: str, normal: bool, shortcut: bool, width: int = 16, side: int = 16) -> Graph:
    """Convolutions of 3 × 3 with ReLU, in blocks of two."""
    conv = Conv(width, initializer=initializer)
    unit: Part = conv >> BatchNorm() >> ReLU() if normal else conv >> ReLU()
    body: Part = Residual(unit * 2) if shortcut else unit * 2
    head = GlobalAvgPool() >> Dense(1, activation="sigmoid")
    return (Input(side, side, 3) >> conv >> body * ((depth - 1) // 2) >> head).to_graph()


def nets() -> dict[str, Callable[[], Graph]]:
    """The set, by name."""
    found: dict[str, Callable[[], Graph]] = {}
    zoo = {
        "baseline": 96, "residual": 96, "vgg16": 64, "resnet50": 96, "mobilenet_v1": 96, "mobilenet_v2": 96,
        "xception": 96,
    }  # fmt: skip
    for name, side in zoo.items():
        found[f"{name} {side}px"] = lambda name=name, side=side: load(name, input=(side, side)).graph
    for family in ("plain", "residual"):
        for depth in (10, 22, 50, 100):
            for norm in ("batch", "none"):
                reference = f"{family}:depth={depth},width=16,normalization={norm}"
                found[f"{reference} 64px"] = lambda reference=reference: load(reference, input=(64, 64)).graph
        for initializer in INITIALIZERS:
            for norm in ("batch", "none"):
                reference = f"{family}:depth=22,width=16,normalization={norm},conv=ordinary,initializer={initializer}"
                found[f"{reference} 64px"] = lambda reference=reference: load(reference, input=(64, 64)).graph
    for depth in (11, 31, 101):
        for initializer in INITIALIZERS:
            for normal in (True, False):
                for shortcut in (True, False):
                    name = f"chain {depth} {initializer}{' BN' if normal else ''}{' shortcuts' if shortcut else ''}"
                    found[name] = lambda d=depth, i=initializer, n=normal, s=shortcut: chain(d, i, n, s)
    return found


def unseen() -> dict[str, Callable[[], Graph]]:
    """Networks of kinds that no rule was found on, by name: the models of `keras.applications`, and small ones."""
    found: dict[str, Callable[[], Graph]] = {}
    for name, side in _APPLICATIONS.items():
        found[f"keras:{name} {side}px"] = lambda name=name, side=side: load(f"keras:{name}", input=(side, side)).graph
    head = GlobalAvgPool() >> Dense(1, activation="sigmoid")

    def add(name: str, body: Part, width: int, initializer: str = "he_normal") -> None:
        found[name] = (Input(16, 16, 3) >> Conv(width, initializer=initializer) >> body >> head).to_graph

    for width in (16, 64):
        for depth in (12, 40):
            conv = Conv(width, initializer="he_normal")
            add(f"layer normalization, {depth} layers of {width}", (conv >> LayerNorm() >> ReLU()) * depth, width)
            add(
                f"group normalization, {depth} layers of {width}",
                (conv >> GroupNorm(groups=4) >> ReLU()) * depth,
                width,
            )
            for act, init in _SMOOTH:
                unit = Conv(width, initializer=init) >> Activation(act)
                add(f"{act}, {depth} layers of {width}", unit * depth, width, init)
    for blocks in (12, 40):
        body = Conv(8, kernel=1) >> BatchNorm() >> ReLU() >> Conv(8) >> BatchNorm() >> ReLU() >> Conv(32, kernel=1)
        add(f"bottlenecks that end in a ReLU, {blocks}", (Residual(body >> BatchNorm()) >> ReLU()) * blocks, 32)
        grown = Parallel(Identity(), BatchNorm() >> ReLU() >> Conv(8), merge=Concatenate())
        add(f"dense connections, {blocks}", grown * (blocks // 2), 16)
        gate = (
            GlobalAvgPool(keepdims=True)
            >> Conv(8, kernel=1, activation="relu")
            >> Conv(32, kernel=1, activation="sigmoid")
        )
        gated = Conv(32) >> BatchNorm() >> ReLU() >> Parallel(Identity(), gate, merge=Multiply())
        add(f"squeeze and excitation, {blocks}", Residual(gated) * (blocks // 2), 32)
    for pool in (AvgPool(2), MaxPool(2)):
        for norm in (True, False):
            unit = Conv(16, initializer="he_normal") >> (BatchNorm() if norm else Identity()) >> ReLU()
            kind = f"{type(pool).__name__}{', batch normalization' if norm else ''}"
            add(f"pyramid with {kind}", (unit * 3 >> pool) * 3, 16)
    return found


_SMOOTH = (("silu", "he_normal"), ("gelu", "he_normal"), ("tanh", "glorot_uniform"), ("selu", "lecun_normal"))
_APPLICATIONS = {
    "ResNet101": 64, "ResNet152": 64, "ResNet50V2": 64, "ResNet101V2": 64, "InceptionV3": 96, "InceptionResNetV2": 96,
    "MobileNet": 96, "MobileNetV2": 96, "MobileNetV3Small": 96, "MobileNetV3Large": 96, "DenseNet121": 64,
    "DenseNet169": 64, "EfficientNetB0": 64, "EfficientNetB1": 64, "EfficientNetV2B0": 64, "NASNetMobile": 64,
    "Xception": 96, "ConvNeXtTiny": 64,
}  # fmt: skip


class Score(NamedTuple):
    """How well one network is predicted."""

    layers: int
    rank: float
    slope: float | None
    predicted: float | None
    slope_fits: bool
    error: float
    """The fraction of layers whose activation gradient is within a factor of 2."""
    kernel: float
    """The same for the kernel gradient."""
    activation: float | None
    verdicts: tuple[str, str]

    @property
    def passes(self) -> bool:
        """Whether it meets all three conditions."""
        return self.slope_fits and self.error >= 0.9 and self.rank >= 0.95


def score(prediction: PredictedFlow, flow: GradientFlow, apart: float = 0.02) -> Score:
    """Compare the two, over the layers with a kernel; slopes may be `apart`, or 15 %."""
    names = {layer.name: layer for layer in flow.layers}
    pairs = [(p, names[p.name]) for p in prediction.layers if p.kernel and p.name in names]
    errors = _both([(p.activation_gradient_rms, m.activation_gradient_rms) for p, m in pairs])
    kernels = _both([(p.kernel_gradient_norm, m.kernel_gradient_norm) for p, m in pairs])
    ours, theirs = prediction.slope, flow.slope
    fits = ours is not None and theirs is not None and abs(ours - theirs) <= max(apart, 0.15 * abs(theirs))
    return Score(
        len(pairs),
        spearman(*zip(*errors, strict=True)) if len(errors) > 2 else 0.0,
        theirs,
        ours,
        fits,
        _within(errors),
        _within(kernels),
        None,
        (prediction.verdict, flow.verdict),
    )


def _both(pairs: Sequence[tuple[float | None, float | None]]) -> list[tuple[float, float]]:
    return [(log10(a), log10(b)) for a, b in pairs if a and b]


def _within(pairs: Sequence[tuple[float, float]]) -> float:
    return mean(abs(a - b) <= log10(2) for a, b in pairs) if pairs else 0.0


def spearman(a: Sequence[float], b: Sequence[float]) -> float:
    """The correlation of the ranks."""
    ranks = []
    for values in (a, b):
        order = sorted(range(len(values)), key=lambda i: values[i])
        rank = [0.0] * len(values)
        for place, i in enumerate(order):
            rank[i] = place
        ranks.append(rank)
    middle = (len(a) - 1) / 2
    spread = sum((x - middle) ** 2 for x in ranks[0])
    return sum((x - middle) * (y - middle) for x, y in zip(*ranks, strict=True)) / spread if spread else 0.0


def main() -> None:
    """Print the table."""
    parser = argparse.ArgumentParser(prog="python -m tests.benchmarks.prediction")
    parser.add_argument("names", nargs="*", metavar="part of a name")
    parser.add_argument("--unseen", action="store_true")
    parser.add_argument("--output", type=Path)
    parser.add_argument("--table", type=Path)
    options = parser.parse_args()
    if options.table:
        print("\n".join(table(read(options.table))))
        return
    asked, is_unseen = options.names, options.unseen
    rows: list[tuple[str, PredictedFlow, Score]] = []
    print(f"{'network':66} layers   rank  slope: measured, predicted    error ×2  kernel ×2  reliable")
    for name, build in (unseen() if is_unseen else nets()).items():
        if asked and not any(word in name for word in asked):
            continue
        graph = build()
        prediction = predict(graph)
        seeds = 12 if is_unseen and not name.startswith("keras:") else SEEDS
        row = score(prediction, gradient_flow(graph, seeds=seeds), 0.005 if is_unseen else 0.02)
        rows.append((name, prediction, row))
        print(line(name, prediction, row), flush=True)
        if options.output:
            with options.output.open("a", encoding="utf-8") as file:
                file.write(json.dumps(kept(name, prediction, row)) + "\n")
    print(summary(rows))


def kept(name: str, prediction: PredictedFlow, row: Score) -> dict[str, object]:
    """What is written down of one network."""
    return {
        "name": name,
        "layers": row.layers,
        "rank": round(row.rank, 2),
        "measured": None if row.slope is None else round(row.slope, 3),
        "predicted": None if row.predicted is None else round(row.predicted, 3),
        "slope_fits": row.slope_fits,
        "activation_within_2": round(row.error, 2),
        "kernel_within_2": round(row.kernel, 2),
        "reliable": prediction.reliable,
    }


def read(path: Path) -> list[dict[str, Any]]:
    """The networks of such a file."""
    return [json.loads(each) for each in path.read_text(encoding="utf-8").splitlines()]


def table(rows: Sequence[dict[str, Any]]) -> Iterator[str]:
    """The rows as a table in Markdown, and what they come to in a sentence."""
    yield "| network | layers | slope, measured | predicted | activation gradient ×2 | kernel gradient ×2 | reliable |"
    yield "| --- | ---: | ---: | ---: | ---: | ---: | --- |"
    for row in rows:
        name, _, side = row["name"].removeprefix("keras:").rpartition(" ")
        title = f"`{name}` at {side.removesuffix('px')} px" if row["name"].startswith("keras:") else row["name"]
        ours = f"{format_slope(row['predicted'], 3)}{'' if row['slope_fits'] else ' (off)'}"
        yield (
            f"| {title} | {row['layers']} | {format_slope(row['measured'], 3)} | {ours} "
            f"| {row['activation_within_2']:.0%} | {row['kernel_within_2']:.0%} "
            f"| {'yes' if row['reliable'] else 'no'} |".replace("%", " %")
        )
    layers = sum(row["layers"] for row in rows)
    within = {
        key: 100 * sum(row[f"{key}_within_2"] * row["layers"] for row in rows) / layers
        for key in ("activation", "kernel")
    }
    reliable = [row for row in rows if row["reliable"]]
    near = sum(row["activation_within_2"] >= 0.9 for row in reliable)
    yield ""
    yield (
        f"Of {len(rows)} networks the slope is correct in {sum(row['slope_fits'] for row in rows)}. Of all layers "
        f"{within['activation']:.0f} % of activation gradients and {within['kernel']:.0f} % of kernel gradients "
        f"are within a factor of two. Of the {len(reliable)} that are called reliable, {near} have at least 90 % of "
        f"their activation gradients within a factor of two, and {sum(row['slope_fits'] for row in reliable)} have the "
        "right slope."
    )


def line(name: str, prediction: PredictedFlow, row: Score) -> str:
    """One row of the table."""
    slopes = " ".join("–" if value is None else f"{value:+.3f}" for value in (row.slope, row.predicted))
    marks = f"{'' if row.slope_fits else '✗':1}"
    return (
        f"{name:66} {row.layers:6} {row.rank:6.2f}  {slopes:>18} {marks:1}            "
        f"{row.error:6.0%}     {row.kernel:6.0%}  {'yes' if prediction.reliable else 'no'}"
        f"{'' if row.verdicts[0] == row.verdicts[1] else '  verdicts: ' + ', '.join(row.verdicts)}"
    )


def summary(rows: Sequence[tuple[str, PredictedFlow, Score]]) -> str:
    """The conditions over the set, and over those that are said to be reliable."""
    lines: list[str] = []
    for title, chosen in (
        ("all", rows),
        ("reliable", [row for row in rows if row[1].reliable]),
    ):
        if chosen:
            scores = [row for _, _, row in chosen]
            lines.append(
                f"{title}: {len(scores)} networks; median rank correlation {median(s.rank for s in scores):.3f}; "
                f"slope fits in {sum(s.slope_fits for s in scores)}; at least 90 % of layers within a factor of 2 in "
                f"{sum(s.error >= 0.9 for s in scores)}, of all layers "
                f"{sum(s.error * s.layers for s in scores) / sum(s.layers for s in scores):.0%} (kernel gradients "
                f"{sum(s.kernel * s.layers for s in scores) / sum(s.layers for s in scores):.0%})"
            )
    return "\n".join(lines)


if __name__ == "__main__":
    main()
