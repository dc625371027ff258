"""Times of real Keras models beside what `archlab.latency` predicts from the calibration of this machine.

    archlab calibrate
    python -m tests.benchmarks.latency [--threads 1] [--output docs/results/latency.json] [--only NAME]

Architectures of the zoo, of `keras.applications` and random ones, none of which a calibration measures; each is built
and timed in a process of its own, a forward pass and a training step under Adam, on batches of 1 and 8. On a machine
that is shared the fastest run says more than the median, so both are kept. Architectures that the output file has are
not timed again.
"""

from __future__ import annotations

import argparse
import json
import random
from collections.abc import Iterator
from pathlib import Path
from statistics import median
from typing import Any

import numpy as np

import archlab
from archlab import Conv, Dense, GlobalAvgPool, Input, Pyramid
from archlab.analysis.cost import device
from archlab.analysis.measured.timing import times
from archlab.blocks import separable_residual

ZOO = (
    ("baseline", 180), ("residual", 180), ("plain:depth=20", 96), ("nas201", 32), ("mobilenet_v1", 128),
    ("mobilenet_v2", 128), ("resnet50", 128), ("xception", 128), ("residual:conv=ordinary", 96),
    ("residual:depth=30,width=16", 96), ("keras:DenseNet121", 128), ("keras:EfficientNetB0", 128),
    ("keras:InceptionV3", 128), ("keras:ResNet50V2", 128),
)  # fmt: skip
RANDOM = 50
BATCHES = (1, 8)


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("--threads", type=int, default=1)
    parser.add_argument("--only", default="")
    parser.add_argument("--seconds", type=float, default=0.6)
    parser.add_argument("--output", type=Path)
    options = parser.parse_args()
    machine = device()
    if not machine.calibrated:
        raise SystemExit("run `archlab calibrate` first")
    data: dict[str, Any] = {"device": machine.to_dict(), "rows": []}
    if options.output and options.output.is_file():
        data = json.loads(options.output.read_text())
    rows = data["rows"]
    done = {(row["name"], row["threads"]) for row in rows}
    for name, architecture in architectures():
        if options.only not in name or (name, options.threads) in done:
            continue
        found = times(architecture, BATCHES, options.threads, "float32", True, options.seconds)
        for batch in BATCHES:
            predicted = archlab.latency(architecture, batch, threads=options.threads, device=machine)
            for each in found:
                if each["batch"] != batch:
                    continue
                row = {
                    "name": name, "batch": batch, "threads": options.threads, "what": each["what"],
                    "predicted": getattr(predicted, each["what"]), "fastest": min(each["times"]),
                    "median": median(each["times"]), "runs": len(each["times"]),
                    "macs": batch * (archlab.analyze(architecture).compute.macs or 0),
                }  # fmt: skip
                rows.append(row)
                print(
                    f"{name:28}{batch:3} {each['what']:14}{1000 * row['fastest']:9.1f} ms fastest"
                    f"{1000 * row['predicted']:9.1f} ms predicted {row['predicted'] / row['fastest']:6.2f}",
                    flush=True,
                )
        if options.output:
            options.output.write_text(json.dumps(data, indent=1) + "\n")
    for line in summary(rows):
        print(line)


def architectures() -> Iterator[tuple[str, archlab.Architecture]]:
    """Every architecture that is timed."""
    for name, size in ZOO:
        yield name, archlab.load(name, (size, size, 3))
    for seed in range(RANDOM):
        yield f"random {seed}", archlab.load(random_pyramid(seed))


def random_pyramid(seed: int) -> archlab.Part:
    """A pyramid of residual blocks with widths, depths, kinds of convolution and an image drawn at random."""
    draw = random.Random(seed)
    size = draw.choice((48, 64, 96, 128))
    kind = draw.choice(("separable", "ordinary"))
    norm = draw.choice(("batch", "batch", "none"))
    stages = draw.randint(2, 4)
    width = draw.choice((16, 24, 32))
    widths = tuple(width * 2**stage for stage in range(stages))
    repeats = tuple(draw.randint(1, 3) for _ in range(stages))
    block = separable_residual(norm, kind)
    body = Pyramid(block, widths, repeats, then=separable_residual(norm, kind, shrink=False))
    return Input(size, size, 3) >> Conv(width, draw.choice((3, 5))) >> body >> GlobalAvgPool() >> Dense(10)


def summary(rows: list[dict[str, Any]]) -> Iterator[str]:
    """Errors and rank correlations, by pass, threads and batch."""
    from scipy.stats import spearmanr

    for what in ("inference", "training_step"):
        for threads in sorted({row["threads"] for row in rows}):
            for batch in BATCHES:
                group = [row for row in rows if (row["what"], row["threads"], row["batch"]) == (what, threads, batch)]
                if len(group) < 3:
                    continue
                ratios = np.array([row["predicted"] / row["fastest"] for row in group])
                measured = [row["fastest"] for row in group]
                rho = spearmanr([row["predicted"] for row in group], measured).statistic
                macs = spearmanr([row["macs"] for row in group], measured).statistic
                within = np.mean(np.maximum(ratios, 1 / ratios) <= 1.4)
                yield (
                    f"{what}, {threads} thread(s), batch {batch}: {len(group)} nets, ρ {rho:.3f} (MACs {macs:.3f}), "
                    f"median error {100 * np.median(np.abs(ratios - 1)):.0f} %, within 1.4× {100 * within:.0f} %"
                )


if __name__ == "__main__":
    main()
