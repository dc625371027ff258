"""Saved Keras models with lambdas: refused by name before TensorFlow is loaded, and unknown by name where allowed."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from archlab import analyze, compare, load
from archlab.errors import SourceError

pytestmark = pytest.mark.filterwarnings("ignore::DeprecationWarning")  # Keras's own use of NumPy


def plain(keras: Any, code: Any) -> Any:
    return keras.layers.Lambda(code, name="twice")


def nested(keras: Any, code: Any) -> Any:
    return keras.Sequential([keras.Input((6, 8)), keras.layers.Dense(8), plain(keras, code)], name="inner")


def wrapped(keras: Any, code: Any) -> Any:
    return keras.layers.TimeDistributed(keras.layers.Lambda(code, name="twice"), name="each")


@pytest.fixture(params=[plain, nested, wrapped])
def saved(request: pytest.FixtureRequest, tmp_path: Path) -> Path:
    """A model with a lambda somewhere, whose code leaves a mark when it runs."""
    import keras

    mark = str(tmp_path / "ran")
    x = keras.Input((6, 8), name="x")
    # Its path is a constant in the code: Keras does not bring defaults and closures back.
    layer = request.param(keras, eval(f"lambda t: (open({mark!r}, 'a').close(), t * 2)[1]"))
    model = keras.Model(x, keras.layers.Dense(3, name="head")(layer(x)))
    model.save(tmp_path / "net.keras")
    Path(mark).unlink(missing_ok=True)
    return tmp_path / "net.keras"


def test_a_lambda_is_refused_by_name_and_does_not_run(saved: Path) -> None:
    with pytest.raises(SourceError) as caught:
        load(str(saved))
    assert str(caught.value) == (
        f"{saved}: the layer 'twice' is a lambda, whose code would run when the model is loaded: if you trust the "
        "file, allow it with --allow-lambda (in Python load(…, allow_lambda=True))"
    )
    assert not (saved.parent / "ran").exists()


def test_a_lambda_that_is_allowed_is_looked_into(saved: Path) -> None:
    import keras

    found = analyze(load(str(saved), allow_lambda=True))
    live = keras.saving.load_model(saved, safe_mode=False)
    assert found.unknown == analyze(live).unknown == ()
    assert found.compute.flops == analyze(live).compute.flops
    assert (saved.parent / "ran").exists()
    assert found.params.total == live.count_params()
    assert compare(load(str(saved), allow_lambda=True), static=True)[0].analysis.unknown == found.unknown


def test_a_lambda_is_found_before_tensorflow_is_loaded(saved: Path) -> None:
    script = f"""
import sys
from archlab_cli.main import run
code = run(["show", {str(saved)!r}])
print(code, "tensorflow" in sys.modules or "keras" in sys.modules)
"""
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True)
    assert done.stdout.split() == ["2", "False"]
