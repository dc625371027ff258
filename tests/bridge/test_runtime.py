"""TensorFlow as it is loaded: by its own log, oneDNN computes, unless the user has it otherwise."""

from __future__ import annotations

import os
import platform
import subprocess
import sys

import pytest

pytestmark = pytest.mark.skipif(platform.machine().lower() not in ("x86_64", "amd64"), reason="oneDNN is for x86 here")

_CONVOLVE = """
import tensorflow as tf
tf.function(lambda x: tf.nn.conv2d(x, tf.ones((3, 3, 16, 16)), 1, "SAME"))(tf.ones((8, 32, 32, 16)))
"""
_BY_ARCHLAB = "from archlab.bridge import load_keras\nload_keras()\n" + _CONVOLVE
_IMPORTED_BEFORE = """
import os
import tensorflow
from archlab.bridge import load_keras
load_keras()
print(os.environ.get("TF_ENABLE_ONEDNN_OPTS"))
"""


def _run(program: str, **environment: str) -> str:
    kept = {name: value for name, value in os.environ.items() if name != "TF_ENABLE_ONEDNN_OPTS"}
    done = subprocess.run(
        [sys.executable, "-c", program], env=kept | environment, capture_output=True, text=True, check=True
    )
    return done.stdout


def test_convolutions_are_computed_by_onednn() -> None:
    assert ",convolution," in _run(_BY_ARCHLAB, ONEDNN_VERBOSE="1")


def test_what_the_user_has_set_is_left_alone() -> None:
    assert "convolution" not in _run(_BY_ARCHLAB, ONEDNN_VERBOSE="1", TF_ENABLE_ONEDNN_OPTS="0")


def test_a_tensorflow_that_was_imported_before_is_left_alone() -> None:
    assert _run(_IMPORTED_BEFORE).strip() == "None"
