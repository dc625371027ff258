from __future__ import annotations

import os
import platform
import sys
from typing import Any

from archlab.errors import MissingPartError


def load_keras() -> tuple[Any, Any]:
    """Import `tensorflow` and `keras`, without TensorFlow's remarks on processors and drivers, and with oneDNN.

    On an x86 processor TensorFlow computes by oneDNN only where it finds AVX-512 VNNI, though with AVX2 convolutions
    take half of the time by it or less. What the user has set in the environment is left as it is, and so is a
    TensorFlow that was imported before.

    Raises:
        MissingPartError: TensorFlow cannot be imported, or Keras runs on another backend.
    """
    # Read when TensorFlow's libraries load: later they have no effect.
    os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
    if "tensorflow" not in sys.modules and platform.machine().lower() in ("x86_64", "amd64"):
        os.environ.setdefault("TF_ENABLE_ONEDNN_OPTS", "1")
    os.environ.setdefault("KERAS_BACKEND", "tensorflow")
    try:
        with _Silenced():
            import tensorflow as tf
        import keras
    except ImportError as error:
        raise MissingPartError(f"this needs TensorFlow and Keras, which cannot be imported: {error}") from error
    if keras.backend.backend() != "tensorflow":
        raise MissingPartError(
            f"this measures with TensorFlow, and Keras runs on {keras.backend.backend()}: set KERAS_BACKEND=tensorflow"
        )
    return tf, keras


class _Silenced:
    """Hold back what native code writes to standard error, and pass it on if the block fails.

    TensorFlow's libraries speak before any of their own log levels are in force, below the reach of `sys.stderr`.
    """

    def __enter__(self) -> None:
        import tempfile

        self.held = None
        if "tensorflow" in sys.modules:
            return
        try:
            self.saved = os.dup(2)
        except OSError:  # standard error is closed: nothing to hold back
            return
        self.held = tempfile.TemporaryFile()
        os.dup2(self.held.fileno(), 2)

    def __exit__(self, kind: Any, error: Any, trace: Any) -> None:
        if self.held is None:
            return
        os.dup2(self.saved, 2)
        os.close(self.saved)
        if error is not None:
            self.held.seek(0)
            os.write(2, self.held.read())
        self.held.close()
