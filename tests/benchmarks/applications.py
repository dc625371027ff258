"""Every model of `keras.applications` against Keras's own counts: parameters, trainable ones, multiply–accumulates.

Takes several minutes, most of them Keras's, for building. Leaves with 1 where a number differs.

python -m tests.benchmarks.applications
"""

from __future__ import annotations

import inspect
import sys
import time
from math import prod

from archlab import analyze
from archlab.bridge import load_keras
from tests.oracles import keras_counts


def main() -> int:
    """Print a line a model, and how many differ."""
    _, keras = load_keras()
    wrong = 0
    for name, build in vars(keras.applications).items():
        if not inspect.isfunction(build):
            continue
        # MobileNetV3 leaves its size open unless told; all others have one.
        model = build(weights=None, **({"input_shape": (224, 224, 3)} if name.startswith("MobileNetV3") else {}))
        start = time.perf_counter()
        found = analyze(model)
        seconds = time.perf_counter() - start
        same = (
            found.params.total == model.count_params()
            and found.params.trainable == sum(prod(weight.shape) for weight in model.trainable_weights)
            and found.compute.macs == keras_counts.macs(model)
            and not found.unknown
        )
        wrong += not same
        counts = f"{found.params.total:>13,} parameters {found.compute.macs or 0:>16,} MACs"
        print(f"{name:<20} {'same' if same else 'DIFFERS':<8} {counts} {seconds * 1e3:7.1f} ms", flush=True)
        del model
        keras.backend.clear_session()
    print(f"{wrong} differ")
    return min(wrong, 1)


if __name__ == "__main__":
    sys.exit(main())
