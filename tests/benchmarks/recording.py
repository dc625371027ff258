"""What recording gradient flow costs a training run at its defaults: its share of two of the lecture's epochs.

python -m tests.benchmarks.recording
"""

from __future__ import annotations

import tempfile
import time

import numpy as np

from archlab import load, read_run, record_gradients, to_keras

EPOCHS, STEPS, BATCH = 2, 63, 32


def main() -> None:
    """Print the shares."""
    rng = np.random.default_rng(0)
    x = rng.uniform(0, 255, (STEPS * BATCH, 180, 180, 3)).astype("float32")
    y = (np.arange(len(x)) % 2).astype("float32")[:, None]
    model = to_keras(load("residual").graph)
    model.compile("rmsprop", "binary_crossentropy")
    model.fit(x[:BATCH], y[:BATCH], verbose=0)
    with tempfile.TemporaryDirectory() as folder:
        record = record_gradients(f"{folder}/run.jsonl")
        start = time.perf_counter()
        model.fit(x, y, batch_size=BATCH, epochs=EPOCHS, verbose=0, callbacks=[record])
        seconds = time.perf_counter() - start
        steps = [found.step for found in read_run(f"{folder}/run.jsonl").records]
    print(f"residual, {EPOCHS} epochs of {STEPS} steps of {BATCH}: {seconds:.0f} s, recorded at steps {steps}")
    print(f"recording took {record.seconds:.2f} s, {record.seconds / seconds:.1%} of the time (to show: at most 5 %)")


if __name__ == "__main__":
    main()
