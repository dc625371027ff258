"""Trains the networks of the grid and writes what came of each as one JSON line.

`python -m tests.benchmarks.trainability.train --photos ../shared/data/cats_vs_dogs` goes on where it stopped. Every
network is trained on 64 images for up to 300 steps of 32, under two initializations, with each optimizer at the best of
three learning rates. Whether 64 images can be learned by heart is not whether a network generalizes.
"""

from __future__ import annotations

import argparse
import json
import multiprocessing
import os
import platform
import sys
import time
from functools import lru_cache, partial
from pathlib import Path
from typing import Any

import numpy as np

from tests.benchmarks.trainability.nets import Net, grid

OUTCOMES = Path(__file__).parents[3] / "docs" / "results" / "trainability.jsonl"
IMAGES, BATCH, STEPS, MEAN_OF = 64, 32, 300, 20
RATES = {"sgd": (0.02, 0.1, 0.004), "adam": (1e-3, 3e-3, 3e-4)}
"""In the order in which they are tried: the first that trains is kept."""
TRAINED = 0.5
"""A network has been trained when the mean loss of 20 steps falls below it; guessing gives 0.69."""
_HOPELESS = (10, 0.68)
"""After so many means all above this a run is given up: of 502 whole runs one would still have trained."""


class Trainer:
    """A Keras model of a graph, trained again and again from stored initial weights."""

    def __init__(self, net: Net, photos: str) -> None:
        import keras
        import tensorflow as tf

        from archlab import to_keras

        self.tf, self.keras, self.careful = tf, keras, net.regime == "careful"
        graph = net.graph()
        self.model = to_keras(graph, seed=1000)
        self.starts = [
            [variable.numpy() for variable in model.variables]
            for model in (self.model, to_keras(graph, seed=1001))
        ]  # fmt: skip
        x, y = _images(net.images, int(graph.nodes[graph.inputs[0]].shape[0] or 32), photos)
        self.x, self.y = tf.constant(x), tf.constant(y)
        self.steps: dict[str, tuple[Any, Any]] = {}

    def _step(self, optimizer: str) -> tuple[Any, Any]:
        if optimizer not in self.steps:
            tf, keras = self.tf, self.keras
            clip = {"global_clipnorm": 1.0} if self.careful else {}
            made = (
                keras.optimizers.SGD(0.1, momentum=0.9, **clip) if optimizer == "sgd" else keras.optimizers.Adam(**clip)
            )
            made.build(self.model.trainable_variables)

            def twenty(which: Any, rates: Any) -> Any:
                losses = tf.TensorArray(tf.float32, size=MEAN_OF)
                for i in tf.range(MEAN_OF):
                    with tf.GradientTape() as tape:
                        found = self.model(tf.gather(self.x, which[i]), training=True)
                        loss = tf.reduce_mean(keras.losses.binary_crossentropy(tf.gather(self.y, which[i]), found))
                    made.learning_rate.assign(rates[i])
                    variables = self.model.trainable_variables
                    made.apply(tape.gradient(loss, [v.value for v in variables]), variables)
                    losses = losses.write(i, loss)
                return tf.reduce_mean(losses.stack())

            self.steps[optimizer] = made, tf.function(twenty, jit_compile=False)
        return self.steps[optimizer]

    def run(self, optimizer: str, rate: float, seed: int) -> list[float]:
        """The mean loss of every 20 steps, to the end or until it is clear what comes of it."""
        tf = self.tf
        made, step = self._step(optimizer)
        for variable, start in zip(self.model.variables, self.starts[seed], strict=True):
            variable.assign(start)
        for variable in made.variables:
            variable.assign(tf.zeros_like(variable.value))
        rng, order, losses = np.random.default_rng(seed), np.empty(0, int), []
        for start in range(0, STEPS, MEAN_OF):
            while len(order) < MEAN_OF * BATCH:
                order = np.concatenate([order, rng.permutation(IMAGES)])
            which, order = order[: MEAN_OF * BATCH].reshape(MEAN_OF, BATCH), order[MEAN_OF * BATCH :]
            rates = np.full(MEAN_OF, rate, np.float32)
            if self.careful:
                rates *= np.minimum(1.0, (start + 1 + np.arange(MEAN_OF)) / 50)
            losses.append(round(float(step(tf.constant(which, tf.int32), tf.constant(rates, tf.float32))), 4))
            if not np.isfinite(losses[-1]) or losses[-1] < TRAINED:
                break
            if len(losses) == _HOPELESS[0] and min(losses) > _HOPELESS[1]:
                break
        return losses


@lru_cache(maxsize=4)
def _images(kind: str, size: int, photos: str) -> tuple[np.ndarray, np.ndarray]:
    """Half cats and half dogs: pixels of 0–255, and labels."""
    from archlab.data import open_images

    split = open_images(f"shapes:train={IMAGES}" if kind == "shapes" else photos, (size, size), splits=("train",)).train
    chosen = np.concatenate([np.flatnonzero(split.labels == label)[: IMAGES // 2] for label in (0, 1)])
    return split.pixels[chosen].astype(np.float32), split.labels[chosen].astype(np.float32)[:, None]


def train(index: int, photos: str) -> dict[str, Any]:
    """What comes of one network of the grid."""
    os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
    import keras
    import tensorflow as tf

    if not tf.config.threading.get_intra_op_parallelism_threads():
        tf.config.threading.set_intra_op_parallelism_threads(1)
        tf.config.threading.set_inter_op_parallelism_threads(1)
    keras.backend.clear_session()
    net, began = grid()[index], time.perf_counter()
    trainer, runs = Trainer(net, photos), []
    for optimizer, rates in RATES.items():
        best: dict[float, float] = {}
        for rate in rates:
            losses = trainer.run(optimizer, rate, 0)
            runs.append({"optimizer": optimizer, "rate": rate, "seed": 0, "losses": losses})
            best[rate] = min((loss for loss in losses if np.isfinite(loss)), default=9.0)
            if best[rate] < TRAINED:
                break
        rate = min(best, key=lambda each: best[each])
        # Where no rate trains under one initialization, the other decides nothing.
        if best[rate] < TRAINED:
            runs.append({"optimizer": optimizer, "rate": rate, "seed": 1, "losses": trainer.run(optimizer, rate, 1)})
    versions = {"tensorflow": tf.__version__, "keras": keras.__version__, "python": platform.python_version()}
    return {
        "net": net.name,
        "family": net.family,
        "images": net.images,
        "regime": net.regime,
        "runs": runs,
        "seconds": round(time.perf_counter() - began, 1),
        "environment": versions,
    }


def main() -> None:
    """Train what is not yet in the file of outcomes."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--photos", required=True, help="a folder of images of cats and dogs")
    parser.add_argument("--output", type=Path, default=OUTCOMES)
    parser.add_argument("--processes", type=int, default=2)
    parser.add_argument("--minutes", type=float, default=600.0, help="nothing new is begun after so many")
    given = parser.parse_args()
    lines = given.output.read_text(encoding="utf-8").splitlines() if given.output.is_file() else []
    done = {json.loads(line)["net"] for line in lines}
    left = [index for index, net in enumerate(grid()) if net.name not in done]
    end = time.monotonic() + 60 * given.minutes
    spawn = multiprocessing.get_context("spawn")
    # A process is replaced now and then, as TensorFlow keeps what it has traced.
    with spawn.Pool(given.processes, maxtasksperchild=12) as pool, given.output.open("a") as file:
        for found in pool.imap_unordered(partial(_in_time, photos=given.photos, end=end), left):
            if found is None:
                continue
            file.write(json.dumps(found) + "\n")
            file.flush()
            best = {o: [min(r["losses"]) for r in found["runs"] if r["optimizer"] == o] for o in RATES}
            print(f"{found['seconds']:6.1f} s  {found['net']}  {best}", file=sys.stderr, flush=True)


def _in_time(index: int, photos: str, end: float) -> dict[str, Any] | None:
    return train(index, photos) if time.monotonic() < end else None


if __name__ == "__main__":
    main()
