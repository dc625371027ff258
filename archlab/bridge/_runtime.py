from __future__ import annotations

import os
import platform
import random
import sys
from collections.abc import Generator
from contextlib import contextmanager
from functools import cache
from pathlib import Path

from archlab.bridge.types import Keras, TensorFlow
from archlab.errors import MissingPartError, OutputError, UsageError


@cache
def load_any_keras() -> Keras:
    """Import `keras` with whatever backend it runs on, TensorFlow by default, without that one's remarks.

    On an x86 processor TensorFlow computes by oneDNN only where it finds AVX-512 VNNI, though with AVX2 convolutions
    take half of the time by it or less. What the user has set in the environment is left as it is, and so is a
    TensorFlow that was imported before.

    Raises:
        MissingPartError: Keras or its backend cannot be imported.
    """
    # Read when TensorFlow's libraries load: later they have no effect.
    os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
    if "tensorflow" not in sys.modules and platform.machine().lower() in ("x86_64", "amd64"):
        os.environ.setdefault("TF_ENABLE_ONEDNN_OPTS", "1")
    backend = os.environ.setdefault("KERAS_BACKEND", "tensorflow")
    try:
        with _Silenced():
            import keras
    # Keras answers a backend that it does not know with a ValueError.
    except (ImportError, ValueError) as error:
        raise MissingPartError(f"KERAS_BACKEND={backend}: Keras cannot be imported: {error}") from error
    return keras


def load_keras() -> tuple[TensorFlow, Keras]:
    """Import `tensorflow` and `keras`, which runs on it: what is measured or trained needs both.

    Raises:
        MissingPartError: TensorFlow cannot be imported, or Keras runs on another backend.
    """
    keras = load_any_keras()
    backend = keras.backend.backend()
    if backend != "tensorflow":
        raise MissingPartError(
            f"KERAS_BACKEND={backend}: measuring and training need Keras's TensorFlow backend, unset KERAS_BACKEND"
        )
    try:
        with _Silenced():
            import tensorflow as tf
    except ImportError as error:
        raise MissingPartError(f"this needs TensorFlow, which cannot be imported: {error}") from error
    return tf, keras


@contextmanager
def writing_logs(folder: Path) -> Generator[None]:
    """Name the folder of TensorBoard's logs where TensorFlow cannot write them; its other errors go their way.

    Raises:
        OutputError: they cannot be written, as on a full disk.
    """
    tf, _ = load_keras()
    try:
        yield
    except tf.errors.OpError as error:
        if str(folder) not in str(error):
            raise
        full = isinstance(error, tf.errors.ResourceExhaustedError)
        why = "no space left on device" if full else str(error.message).splitlines()[0]
        raise OutputError(f"{folder}: TensorBoard's logs cannot be written, {why}") from error


@contextmanager
def unimproved_graphs() -> Generator[None]:
    """Let TensorFlow run graphs as they were traced: improving a large one takes longer than running it."""
    tf, _ = load_keras()
    options = tf.config.optimizer
    before = bool(options.get_experimental_options().get("disable_meta_optimizer"))
    options.set_experimental_options({"disable_meta_optimizer": True})
    try:
        yield
    finally:
        options.set_experimental_options({"disable_meta_optimizer": before})


class _Silenced:
    """Hold back what native code writes to standard error, and pass it on if the block fails.

    TensorFlow's libraries speak before any of their own log levels are in force, below the reach of `sys.stderr`.
    Modules that draw a random number as they are imported draw none of the caller's.
    """

    def __enter__(self) -> None:
        import tempfile

        self.random = random.getstate()
        self.held = None
        if "tensorflow" in sys.modules:
            return
        try:
            self.saved = os.dup(2)
        except OSError:  # standard error is closed: nothing to hold back
            return
        self.held = tempfile.TemporaryFile()
        os.dup2(self.held.fileno(), 2)

    def __exit__(self, kind: object, error: object, trace: object) -> None:
        random.setstate(self.random)
        if self.held is None:
            return
        os.dup2(self.saved, 2)
        os.close(self.saved)
        if error is not None:
            self.held.seek(0)
            os.write(2, self.held.read())
        self.held.close()


@contextmanager
def missing_kernels() -> Generator[None]:
    """Say in one line what to do where TensorFlow has no kernel for what a model computes.

    Raises:
        UsageError: the gradient of a convolution with the channels first, which on a CPU oneDNN alone has.
    """
    tf, _ = load_keras()
    try:
        yield
    except tf.errors.OpError as error:
        if "only supports NHWC" in str(error):
            raise UsageError(
                "TensorFlow without oneDNN has no gradient of a convolution with the channels first on a CPU: "
                "set TF_ENABLE_ONEDNN_OPTS=1 before TensorFlow is imported"
            ) from None
        raise
