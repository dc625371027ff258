from __future__ import annotations

import csv
import json
from io import StringIO
from pathlib import Path
from typing import Any

import numpy as np
import pytest

pytestmark = pytest.mark.filterwarnings("ignore::DeprecationWarning")  # Keras's own use of NumPy

SMALL = ("--input", "32x32", "--seeds", "1")


def test_one_architecture_layer_by_layer_and_block_by_block(archlab) -> None:
    layers = archlab("gradients", "residual:width=8,depth=6", *SMALL)
    assert layers.code == 0
    assert "stage1/block1/separable_conv" in layers.out and "decades per layer: " in layers.out
    table = archlab("gradients", "residual:width=8,depth=6", *SMALL, "--by", "block", "-f", "csv").out
    blocks = list(csv.DictReader(StringIO(table)))
    assert [row["name"] for row in blocks] == ["stage1/block1", "stage2/block1"]
    assert float(blocks[0]["activation_gradient_rms"]) > 0


def test_depths_and_initializers_side_by_side(archlab, tmp_path: Path) -> None:
    plot = tmp_path / "slopes.svg"
    found = archlab("gradients", "plain:width=8,normalization=none", "--depths", "6,10", "--init", "he,glorot",
                    *SMALL, "--plot", plot, "--format", "json")  # fmt: skip
    assert found.code == 0 and found.err == f"written to {plot}\n"
    flows = json.loads(found.out)["gradient_flow"]
    assert [(flow["depth"], flow["initializer"]) for flow in flows] == [
        (6, "he_normal"), (6, "glorot_uniform"), (10, "he_normal"), (10, "glorot_uniform"),
    ]  # fmt: skip
    # A deeper net has more layers, and what shrinks a layer shrinks it by more under Glorot.
    assert flows[0]["slope"] < flows[1]["slope"] and flows[2]["slope"] < flows[3]["slope"]
    assert "slope of the activation gradient" in plot.read_text()


def test_curves_measured_and_predicted(archlab, tmp_path: Path) -> None:
    plot = tmp_path / "curves.svg"
    nets = ("plain:width=8,depth=8", "residual:width=8,depth=8")
    found = archlab("gradients", *nets, *SMALL, "--plot", plot, "--predicted")
    assert found.code == 0
    assert "stable" in found.out
    assert "predicted" in plot.read_text()


def small_run(path: Path, **options: Any) -> Path:
    import keras

    from archlab import record_gradients

    x = keras.Input((8, 8, 3))
    y = keras.layers.Conv2D(4, 3, activation="relu", name="conv")(x)
    y = keras.layers.Conv2D(4, 3, activation="relu", name="conv2")(y)
    model = keras.Model(x, keras.layers.Dense(1)(keras.layers.GlobalAveragePooling2D()(y)), name="tiny")
    model.compile("sgd", "mse")
    data = np.random.default_rng(0).standard_normal((12, 8, 8, 3)).astype("float32")
    record = record_gradients(path, every=2, share=1.0, **options)
    model.fit(data, np.ones((12, 1), "float32"), batch_size=3, epochs=2, verbose=0, callbacks=[record])
    return path


def test_a_training_run(archlab, tmp_path: Path) -> None:
    run, plot = small_run(tmp_path / "run.jsonl"), tmp_path / "run.svg"
    shown = archlab("gradients", run, "--plot", plot)
    assert shown.code == 0
    table = shown.out[shown.out.index("epoch") :].splitlines()[2:7]
    assert [line.split()[0] for line in table] == ["0", "2", "4", "6", "8"]
    assert "tiny: 5 records, measured on synthetic, seed 0, 8 samples, mse." in shown.out
    assert "step 8" in plot.read_text()
    rows = json.loads(archlab("gradients", run, "--format", "json").out)["records"]
    assert [(row["step"], row["epoch"]) for row in rows] == [(0, 0), (2, 0), (4, 0), (6, 1), (8, 1)]
    # A run that was broken off keeps what it has.
    lines = run.read_text().splitlines()
    run.write_text("\n".join(lines[:3]) + "\n" + lines[3][:50])
    assert "3 records" in archlab("gradients", run).out
    run.write_text("{}\n{}\n")
    assert (
        archlab("gradients", run).err
        == f"archlab: {run}:1: this is no record of gradient flow: the key 'step' is missing\n"
    )


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["baseline", "--depths", "10"], "baseline takes no depth: choose one that does, such as plain or residual"),
        (["plain", "--init", "hee"], "no initializer named 'hee': did you mean he?"),
        (["plain", "--depths", "10,x"], "--depths 10,x: write whole numbers with commas between, as in 10,20,50"),
        (["plain", "--plot", "x.pdf"], "--plot x.pdf: give it a suffix, .svg, .png, .html"),
        (["plain", "--plot", "no/x.svg"], "--plot no/x.svg: there is no folder no"),
        (["plain", "--by", "blok"], "--by blok: did you mean block?"),
        (["plain", "--mode", "test"], "--mode test: choose from training, inference"),
        (["plain", "--seeds", "0"], "--seeds 0: at least 1 is needed"),
        (["plain", "--data", "no"], "--data no: there is no such folder: shapes needs no folder"),
        (["plain", "--predicted"], "--predicted: draws into the curves of --plot, without --depths"),
        (["no.jsonl"], "no.jsonl cannot be read, no such file or directory"),
        (["a.jsonl", "plain"], "a.jsonl is a training run: give it alone"),
        (["a.jsonl", "--seeds", "2"], "--seeds: a.jsonl is a training run, which has been measured already"),
    ],
)
def test_wrong_usage(archlab, arguments: list[str], message: str) -> None:
    assert archlab("gradients", *arguments) == (2, "", f"archlab: {message}\n")
