from __future__ import annotations

import os
from typing import Any

from archlab.errors import MissingPartError


def load_keras() -> tuple[Any, Any]:
    """Import `tensorflow` and `keras`, without TensorFlow's remarks on processors and drivers.

    What the user has set in the environment is left as it is.

    Raises:
        MissingPartError: TensorFlow cannot be imported, or Keras runs on another backend.
    """
    # Read when TensorFlow's libraries load: later it has no effect.
    os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
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
        import sys
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
