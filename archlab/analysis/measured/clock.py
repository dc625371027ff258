"""A process that times Keras models: TensorFlow's threads are fixed when it starts, so each number has its own.

It reads requests as JSON from standard input, and writes a line of JSON for each thing that it has timed.
"""

from __future__ import annotations

import json
import sys
import time
from collections.abc import Callable, Iterable, Iterator, Mapping
from functools import partial
from typing import Any

from archlab.analysis.cost._points import Point, networks, points
from archlab.analysis.cost._work import Work, features, jobs
from archlab.bridge import build, load_keras
from archlab.bridge.types import Model, Tensor
from archlab.graph import Part
from archlab.sources import load

FOUND = "found: "
"""What begins a line that holds a result."""


def main() -> None:
    """Time what standard input asks for."""
    request = json.load(sys.stdin)
    tf, keras = load_keras()
    tf.config.threading.set_intra_op_parallelism_threads(request["threads"])
    tf.config.threading.set_inter_op_parallelism_threads(1)
    if request["precision"] != "float32":
        keras.mixed_precision.set_global_policy(f"mixed_{request['precision']}")
    kinds = {"model": _model, "calibration": _calibration}
    for found in kinds[request["what"]](request):
        print(FOUND + json.dumps(found), flush=True)


def repeated(run: Callable[[], object], seconds: float, least: int, most: int) -> list[float]:
    """The seconds of each run, for so long in all, after one that is not counted."""
    run()
    found: list[float] = []
    begun = time.perf_counter()
    while len(found) < least or (len(found) < most and time.perf_counter() - begun < seconds):
        start = time.perf_counter()
        run()
        found.append(time.perf_counter() - start)
    return found


def quantile(values: Iterable[float], share: float) -> float:
    """The value below which such a share lies."""
    ordered = sorted(values)
    return ordered[min(int(share * len(ordered)), len(ordered) - 1)]


def _model(request: Mapping[str, Any]) -> Iterator[dict[str, Any]]:
    tf, keras = load_keras()
    shape = request["shape"]
    if request["reference"].startswith("keras:"):
        kind = getattr(keras.applications, request["reference"].removeprefix("keras:"))
        model = kind(weights=None, input_shape=tuple(shape))
    elif request["reference"].endswith(".keras"):
        model = keras.models.load_model(request["reference"], compile=False)
    else:
        model = build(load(request["reference"], tuple(shape)).graph).model
    for batch in request["batches"]:
        x = tf.random.normal((batch, *shape))
        infer = partial(tf.function(partial(model, training=False), jit_compile=False), x)
        yield {"batch": batch, "what": "inference", "times": repeated(infer, request["seconds"], 5, 100)}
        if request["training"]:
            step = _training_step(model, x)
            yield {"batch": batch, "what": "training_step", "times": repeated(step, request["seconds"], 4, 50)}


def _training_step(model: Model, x: Tensor) -> Callable[[], object]:
    tf, keras = load_keras()
    model.compile(keras.optimizers.Adam(1e-5), loss="mse", jit_compile=False)
    model.optimizer.build(model.trainable_variables)
    y = tf.zeros_like(model(x[:1], training=False))
    y = tf.repeat(y, x.shape[0], axis=0)
    return tf.function(partial(model.train_step, (x, y)), jit_compile=False)


def _calibration(request: Mapping[str, Any]) -> Iterator[dict[str, Any]]:
    tf, _ = load_keras()
    one = tf.zeros((1,))
    call = tf.function(partial(tf.add, 1.0), jit_compile=False)
    base = quantile(repeated(lambda: call(one), 0.2, 50, 2000), 0.25)
    yield {"call": base}
    number = 4 if request["precision"] == "float32" else 2
    caches = request["caches"]
    for point in points(request["every"]):
        yield from _timed(point, number, caches, base)
    for size in (10**3, 10**5, 10**6, 4 * 10**6):
        yield _updated(size, caches, base)
    for number_of, part in enumerate(networks()):
        yield from _together(number_of, part, 1 + 7 * (number_of % 2), request["precision"])


def _together(number: int, part: Part, batch: int, precision: str) -> Iterator[dict[str, Any]]:
    """A network's forward pass on one sample and on eight, and its training step on one of both."""
    tf, _ = load_keras()
    model = build(part.to_graph()).model
    for size in (1, 8):
        x = tf.random.normal((size, *model.input_shape[1:]))
        infer = partial(tf.function(partial(model, training=False), jit_compile=False), x)
        yield {"network": number, "batch": size, "training": False, "seconds": min(repeated(infer, 0.15, 5, 60))}
    step = _training_step(model, tf.random.normal((batch, *model.input_shape[1:])))
    yield {"network": number, "batch": batch, "training": True, "seconds": min(repeated(step, 0.25, 4, 30))}


def _timed(point: Point, number: int, caches: tuple[int, ...], base: float) -> Iterator[dict[str, Any]]:
    """A layer's forward pass, and its forward and backward pass."""
    tf, _ = load_keras()
    graph = point.part.to_graph()
    model = build(graph).model
    x = tf.random.normal((point.batch, *model.input_shape[1:]))
    if number == 2:
        x = tf.cast(x, "bfloat16")
    infer = tf.function(partial(model, training=False), jit_compile=False)

    def trained(x: Tensor, error: Tensor) -> Tensor:
        with tf.GradientTape() as tape:
            tape.watch(x)
            made = model(x, training=True)
        weights = [variable.value for variable in model.trainable_variables]
        return made[..., :1], tape.gradient(made, [x, *weights], error)

    step = tf.function(trained, jit_compile=False)
    error = tf.ones_like(infer(x))
    for training, run in ((False, partial(infer, x)), (True, partial(step, x, error))):
        works = [work for job in jobs(graph, training) for work in job.work]
        times = repeated(run, 0.04, 3, 40)
        # Other processes only ever make it slower.
        seconds = max(min(times) - base, 1e-7)
        yield {
            "kind": point.kind,
            "training": training,
            "features": _sum([features(work, point.batch, number, caches) for work in works]),
            "seconds": seconds,
        }


def _updated(size: int, caches: tuple[int, ...], base: float) -> dict[str, Any]:
    tf, keras = load_keras()
    optimizer = keras.optimizers.Adam(1e-5)
    variable = keras.Variable(tf.zeros((size,)))
    optimizer.build([variable])
    gradient = tf.ones((size,))

    def update() -> None:
        optimizer.apply([gradient], [variable])

    step = tf.function(update, jit_compile=False)
    seconds = max(min(repeated(step, 0.05, 5, 50)) - base, 1e-7)
    work = Work("update", 0, 0, 0, size, 0)
    return {"kind": "update", "training": True, "features": features(work, 1, 4, caches), "seconds": seconds}


def _sum(rows: list[tuple[float, ...]]) -> tuple[float, ...]:
    return tuple(map(sum, zip(*rows, strict=True)))


if __name__ == "__main__":
    main()
