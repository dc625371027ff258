"""Every model of `keras.applications` against Keras's own counts: parameters, trainable ones, multiply–accumulates.

Takes several minutes, most of them Keras's, for building. Leaves with 1 where a number differs.

python -m tests.benchmarks.applications [NAME…]
python -m tests.benchmarks.applications --profile [NAME…]

With `--profile` the floating-point operations against `tf.profiler`'s, a quarter of an hour. Leaves with 1 where one is
off by more than 5 %, or where the difference is not explained to the last digit by `tests/oracles/profiler.py`. Where
it is more than 1 %, every part of it is printed.
"""

from __future__ import annotations

import inspect
import sys
import time
from math import prod
from typing import Any

from archlab import Analysis, analyze
from archlab.bridge import load_keras
from tests.oracles import keras_counts, profiler

FAR, WORTH_SAYING = 0.05, 0.01


def main(arguments: list[str]) -> int:
    """Print a line a model, and how many differ."""
    _, keras = load_keras()
    profile = "--profile" in arguments
    names = [name for name in arguments if name != "--profile"]
    wrong = 0
    for name, build in vars(keras.applications).items():
        if not inspect.isfunction(build) or (names and name not in names):
            continue
        # MobileNetV3 leaves its size open unless told; all others have one.
        model = build(weights=None, **({"input_shape": (224, 224, 3)} if name.startswith("MobileNetV3") else {}))
        start = time.perf_counter()
        found = analyze(model)
        seconds = time.perf_counter() - start
        wrong += not (profiled(name, model, found) if profile else counted(name, model, found, seconds))
        del model
        keras.backend.clear_session()
    print(f"{wrong} differ")
    return min(wrong, 1)


def counted(name: str, model: Any, found: Analysis, seconds: float) -> bool:
    """Parameters and multiply–accumulates against Keras's layers."""
    same = (
        found.params.total == model.count_params()
        and found.params.trainable == sum(prod(weight.shape) for weight in model.trainable_weights)
        and found.compute.macs == keras_counts.macs(model)
        and not found.unknown
    )
    counts = f"{found.params.total:>13,} parameters {found.compute.macs or 0:>16,} MACs"
    print(f"{name:<20} {'same' if same else 'DIFFERS':<8} {counts} {seconds * 1e3:7.1f} ms", flush=True)
    return same


def profiled(name: str, model: Any, found: Analysis) -> bool:
    """Floating-point operations against `tf.profiler`."""
    start = time.perf_counter()
    counts = profiler.counts(model)
    written = profiler.written_out(model)
    seconds = time.perf_counter() - start
    ours, theirs = found.compute.flops or 0, sum(counts.profiled.values())
    rest = ours - sum(counts.whole.values()) + sum(written.values())
    right = abs(ours / theirs - 1) <= FAR and not rest and not found.unknown
    print(
        f"{name:<20} {'same' if right else 'DIFFERS':<8} ours {ours:>16,}  tf.profiler {theirs:>16,}  "
        f"ratio {ours / theirs:.4f}  unexplained {rest:,}  {seconds:5.1f} s",
        flush=True,
    )
    if abs(ours / theirs - 1) > WORTH_SAYING:
        kinds, seen, whole = counts.whole, counts.seen, counts.whole
        reasons = {f"{kind}: its rule is another, or none": seen[kind] - counts.profiled[kind] for kind in kinds}
        reasons |= {f"{kind}: in a function, or behind one": whole[kind] - seen[kind] for kind in kinds}
        reasons |= {f"not ours: {what}": -flops for what, flops in written.items()}
        for what, flops in sorted(reasons.items(), key=lambda item: -abs(item[1])):
            if flops:
                print(f"    {flops:>+15,}  {100 * flops / theirs:>+6.2f} %  {what}", flush=True)
    return right


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
