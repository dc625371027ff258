"""Keras on another backend: everything static works, and what measures says in one line what it needs."""

from __future__ import annotations

import importlib.util
import os
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
BUILT = "import keras; x = keras.Input((8, 8, 3)); model = keras.Model(x, keras.layers.Conv2D(3, 3)(x))\n"
MEASURED = "import archlab\nfrom archlab.errors import ArchlabError\ntry:\n    archlab.gradient_flow('baseline')\n" \
           "except ArchlabError as error:\n    print(error)\n"  # fmt: skip


def run(code: str, backend: str) -> subprocess.CompletedProcess[str]:
    environment = dict(
        os.environ, KERAS_BACKEND=backend, PYTHONPATH=os.pathsep.join([str(ROOT), str(ROOT / "cli"), *sys.path])
    )
    return subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, env=environment, check=False, cwd=ROOT
    )


def test_a_backend_that_there_is_not() -> None:
    done = run(MEASURED, "nosuch")
    assert done.returncode == 0 and done.stdout.startswith("KERAS_BACKEND=nosuch: Keras cannot be imported: ")
    assert done.stdout.count("\n") == 1
    # Nothing static needs Keras.
    assert run("import archlab; print(archlab.analyze('baseline').params.total)", "nosuch").stdout == "991041\n"


@pytest.mark.parametrize("backend", ["jax", "torch"])
def test_models_of_another_backend_are_analysed_and_not_measured(backend: str) -> None:
    if importlib.util.find_spec(backend) is None:
        pytest.skip(f"{backend} is not installed")
    done = run(f"{BUILT}import archlab\nprint(archlab.analyze(model).params.total)", backend)
    assert (done.returncode, done.stdout) == (0, "84\n"), done.stderr[-500:]
    done = run(MEASURED, backend)
    assert done.stdout == (
        f"KERAS_BACKEND={backend}: measuring and training need Keras's TensorFlow backend, unset KERAS_BACKEND\n"
    )
    listed = run("from archlab_cli.main import run; raise SystemExit(run(['show', 'keras:MobileNetV2']))", backend)
    assert listed.returncode == 0 and "3,538,984" in listed.stdout, listed.stderr[-500:]
