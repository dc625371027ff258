"""The lecture's notebook as printed in the lecture, in a separate process and environment.

It has its own image loading, augmentation layers, Keras's layers and TensorFlow's defaults. Nothing of archlab is
loaded, because its TensorFlow settings would apply to the notebook too.
"""

from __future__ import annotations

import argparse
import os
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

SIZE = (180, 180)
EPOCHS = 20
WARM_UP = 4
"""Warm-up steps before an epoch is timed, for tracing and memory allocation."""
_ROOT = Path(__file__).resolve().parents[2]


def epoch_of_notebook(name: str, folder: Path, validated: bool) -> float:
    """Time of an epoch of the notebook's `residual` or `baseline` in seconds, optionally with validation."""
    command = [sys.executable, "-m", "tests.benchmarks.notebook", name, str(folder.resolve())]
    # archlab sets these in its own process, and a child would inherit them.
    ours = ("TF_ENABLE_ONEDNN_OPTS", "TF_CPP_MIN_LOG_LEVEL")
    kept = {key: value for key, value in os.environ.items() if key not in ours}
    done = subprocess.run(command + ["--validated"] * validated, cwd=_ROOT, env=kept, capture_output=True, text=True)
    if done.returncode:
        sys.exit(f"the notebook failed:\n{done.stderr}")
    return float(done.stdout.split()[-1])


def model_of(name: str) -> Any:
    """The lecture's model, compiled."""
    import keras
    from keras import layers

    inputs = keras.Input(shape=(*SIZE, 3))
    if name == "baseline":
        x = layers.Rescaling(1.0 / 255)(inputs)
        for filters in (32, 64, 128, 256):
            x = layers.Conv2D(filters=filters, kernel_size=3, activation="relu")(x)
            x = layers.MaxPooling2D(pool_size=2)(x)
        x = layers.Conv2D(filters=256, kernel_size=3, activation="relu")(x)
        x = layers.Flatten()(x)
    else:
        flips = [layers.RandomFlip("horizontal"), layers.RandomRotation(0.1), layers.RandomZoom(0.2)]
        x = keras.Sequential(flips)(inputs)
        x = layers.Rescaling(1.0 / 255)(x)
        x = layers.Conv2D(filters=32, kernel_size=5, use_bias=False)(x)
        for size in (32, 64, 128, 256, 512):
            shortcut = x
            for _ in range(2):
                x = layers.BatchNormalization()(x)
                x = layers.Activation("relu")(x)
                x = layers.SeparableConv2D(size, 3, padding="same", use_bias=False)(x)
            x = layers.MaxPooling2D(3, strides=2, padding="same")(x)
            shortcut = layers.Conv2D(size, 1, strides=2, padding="same", use_bias=False)(shortcut)
            x = layers.add([x, shortcut])
        x = layers.GlobalAveragePooling2D()(x)
        x = layers.Dropout(0.5)(x)
    outputs = layers.Dense(1, activation="sigmoid")(x)
    model = keras.Model(inputs=inputs, outputs=outputs)
    model.compile(loss="binary_crossentropy", optimizer="rmsprop", metrics=["accuracy"])
    return model


def main() -> None:
    """Warm up, train for one epoch, and print its time in seconds."""
    import keras

    parser = argparse.ArgumentParser()
    parser.add_argument("name", choices=("residual", "baseline"))
    parser.add_argument("folder", type=Path)
    parser.add_argument("--validated", action="store_true")
    asked = parser.parse_args()
    images, validation = (
        keras.utils.image_dataset_from_directory(asked.folder / split, image_size=SIZE, batch_size=32, verbose=False)
        for split in ("train", "validation")
    )
    model = model_of(asked.name)
    model.fit(images.take(WARM_UP), verbose=0)

    class Clock(keras.callbacks.Callback):
        def on_epoch_begin(self, epoch: int, logs: Any = None) -> None:
            self.start = time.perf_counter()

        def on_epoch_end(self, epoch: int, logs: Any = None) -> None:
            self.seconds = time.perf_counter() - self.start

    clock = Clock()
    model.fit(images, validation_data=validation if asked.validated else None, verbose=0, callbacks=[clock])
    print(clock.seconds)


if __name__ == "__main__":
    main()
