"""Peak memory of real training steps, each in a process of its own, beside what `archlab.memory` predicts.

    python -m tests.benchmarks.memory [--output docs/results/memory.json] [--only NAME]

A child process builds the Keras model, compiles its training step as `fit` does, runs it on a batch of no samples,
which prepares everything, resets the high-water mark of its resident memory, and runs a single step. Measured is that
mark less what was resident before, and the weights, slots and images, which were resident already.

What an allocator adds is in it: TensorFlow's rounds up to powers of two, and hands out pieces of what it has, so that
two runs of a case differ; `repeats` has the spread. Architectures that the output file has are not measured again.
"""

from __future__ import annotations

import argparse
import contextlib
import json
import os
import platform
import subprocess
import sys
from importlib.metadata import version
from pathlib import Path
from statistics import median
from typing import Any

CASES = (
    ("residual", 180, (8, 16)),
    ("baseline", 180, (32, 64)),
    ("plain:depth=20", 128, (8, 16)),
    ("nas201", 32, (64, 128)),
    ("mobilenet_v1", 160, (8, 16)),
    ("mobilenet_v2", 160, (8, 16)),
    ("resnet50", 160, (4, 8)),
    ("xception", 160, (4, 8)),
    ("vgg16", 128, (8, 16)),
    ("keras:DenseNet121", 160, (4, 8)),
    ("keras:EfficientNetB0", 160, (8, 16)),
    ("keras:InceptionV3", 160, (8, 16)),
)
PRECISIONS = ("float32", "bfloat16")
OPTIMIZER = "adamw"


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("--child", nargs=4)
    parser.add_argument("--only", default="")
    parser.add_argument("--repeats", type=int, default=1)
    parser.add_argument("--output", type=Path)
    options = parser.parse_args()
    if options.child:
        reference, size, batch, precision = options.child
        print(json.dumps(measured(reference, int(size), int(batch), precision)))
        return
    kept = options.output and options.output.is_file()
    rows = json.loads(options.output.read_text())["rows"] if kept else []
    for case in CASES:
        if options.only in case[0] and case[0] not in [row["name"] for row in rows]:
            rows += compared(*case, options.repeats)
            if options.output:
                data = {"optimizer": OPTIMIZER, "environment": environment(), "rows": rows}
                options.output.write_text(json.dumps(data, indent=1) + "\n")
    summary(rows)


def compared(reference: str, size: int, batches: tuple[int, ...], repeats: int) -> list[dict[str, Any]]:
    """Each case of an architecture, predicted and measured."""
    import archlab

    architecture = archlab.load(reference, (size, size, 3))
    rows: list[dict[str, Any]] = []
    for precision in PRECISIONS:
        for batch in batches:
            predicted = archlab.memory(architecture, batch, OPTIMIZER, precision)
            arguments = [sys.executable, "-m", "tests.benchmarks.memory", "--child", reference, str(size)]
            runs = [
                json.loads(
                    subprocess.run(
                        [*arguments, str(batch), precision], check=True, capture_output=True, text=True
                    ).stdout.splitlines()[-1]
                )
                for _ in range(repeats)
            ]
            found = median(run["bytes"] for run in runs)
            row = {
                "name": reference, "input": size, "batch": batch, "precision": precision,
                "predicted": predicted.peak, "measured": found, "repeats": [run["bytes"] for run in runs],
                "overhead": runs[0]["overhead"],
                "at": f"{predicted.peak_at.phase} {predicted.peak_at.layer}",
            }  # fmt: skip
            rows.append(row)
            print(
                f"{reference:22}{size:5}{batch:5} {precision:9}{found / 2**20:9.0f} MiB measured"
                f"{predicted.peak / 2**20:9.0f} MiB predicted {predicted.peak / found:6.3f}",
                flush=True,
            )
    return rows


def summary(rows: list[dict[str, Any]]) -> None:
    """The errors of all cases."""
    errors = [row["predicted"] / row["measured"] - 1 for row in rows]
    print(f"{len(rows)} cases: median error {100 * median(map(abs, errors)):.1f} %, "
          f"from {100 * min(errors):+.1f} % to {100 * max(errors):+.1f} %")  # fmt: skip


def environment() -> dict[str, str]:
    """What the numbers depend on."""
    return {
        "processor": platform.processor() or platform.machine(),
        "system": platform.platform(),
        "python": platform.python_version(),
        **{name: version(name) for name in ("tensorflow", "keras")},
    }


def measured(reference: str, size: int, batch: int, precision: str) -> dict[str, int]:
    """The bytes that one training step takes at most, in this process."""
    import gc

    import numpy as np

    import archlab
    from archlab.bridge import load_keras

    tf, keras = load_keras()
    if precision != "float32":
        keras.mixed_precision.set_global_policy(f"mixed_{precision}")
    rng = np.random.default_rng(0)

    def step_of(model: Any) -> Any:
        loss = "binary_crossentropy" if model.output_shape[-1] == 1 else "sparse_categorical_crossentropy"
        model.compile(keras.optimizers.AdamW(1e-4), loss=loss, jit_compile=False)
        model.optimizer.build(model.trainable_variables)
        images = tf.TensorSpec((None, *model.input_shape[1:]))
        run = tf.function(
            lambda x, y: model.train_step((x, y)),
            input_signature=[images, tf.TensorSpec((None, 1))],
            jit_compile=False,
        )
        run.get_concrete_function()
        return run

    layers = keras.layers
    small = keras.Sequential(
        [keras.Input((8, 8, 3)), layers.Conv2D(8, 3), layers.BatchNormalization(), layers.SeparableConv2D(8, 3),
         layers.MaxPool2D(), layers.Flatten(), layers.Dense(1)]
    )  # fmt: skip
    step_of(small)(tf.ones((2, 8, 8, 3)), tf.ones((2, 1)))
    begin = resident()[0]
    if reference.startswith("keras:"):
        model = getattr(keras.applications, reference[6:])(weights=None, input_shape=(size, size, 3))
    else:
        model = archlab.to_keras(archlab.load(reference, (size, size, 3)))
    step = step_of(model)
    # On no samples at all everything is prepared, TensorFlow's graph improved and its kernels made, and no tensor is.
    # Some of oneDNN's kernels refuse them, which is just as well.
    with contextlib.suppress(tf.errors.InvalidArgumentError):
        step(tf.zeros((0, size, size, 3)), tf.zeros((0, 1)))
    x = tf.constant(rng.random((batch, size, size, 3), dtype=np.float32))
    y = tf.zeros((batch, 1))
    known = sum(
        int(np.prod(v.shape)) * 4 for v in (*model.weights, *model.optimizer.variables)
    ) + int(np.prod(x.shape)) * 4  # fmt: skip
    gc.collect()
    Path("/proc/self/clear_refs").write_text("5")
    before = resident()[0]
    step(x, y)
    return {"bytes": resident()[1] - before + known, "overhead": before - begin - known}


def resident() -> tuple[int, int]:
    """Bytes of this process in memory: now, and at most since the mark was reset."""
    lines = Path("/proc/self/status").read_text().splitlines()
    fields = dict(line.split(":", 1) for line in lines)
    return tuple(int(fields[name].split()[0]) * 1024 for name in ("VmRSS", "VmHWM"))  # type: ignore[return-value]


if __name__ == "__main__":
    os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
    main()
