"""Gradient flow while training: the right figures at the right steps, training undisturbed, the time it may take."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from archlab import gradient_flow, read_run, record_gradients
from archlab.errors import MissingPartError, OutputError, SourceError, UsageError

pytestmark = pytest.mark.filterwarnings("ignore::DeprecationWarning")  # Keras's own use of NumPy

X = np.random.default_rng(0).standard_normal((24, 8, 8, 3)).astype("float32")
Y = (np.arange(24) % 2).astype("float32")[:, None]


def net() -> Any:
    import keras

    keras.utils.set_random_seed(1)
    x = keras.Input((8, 8, 3))
    y = keras.layers.Conv2D(6, 3, name="conv", use_bias=False)(x)
    y = keras.layers.BatchNormalization(name="norm")(y)
    y = keras.layers.Dropout(0.3)(keras.layers.ReLU()(y))
    y = keras.layers.Dense(1, activation="sigmoid", name="head")(keras.layers.GlobalAveragePooling2D()(y))
    model = keras.Model(x, y, name="small")
    model.compile(keras.optimizers.SGD(0.05), "binary_crossentropy")
    return model


def fit(model: Any, *callbacks: Any) -> list[float]:
    history = model.fit(X, Y, batch_size=4, epochs=2, verbose=0, shuffle=False, callbacks=list(callbacks))
    return history.history["loss"]


def test_training_goes_on_as_if_it_had_not_been_watched(tmp_path: Path) -> None:
    plain, watched = net(), net()
    losses = fit(plain)
    # A model is only as good as its weights: all of them, to the last bit.
    plain_again = net()
    assert fit(plain_again) == losses
    assert fit(watched, record_gradients(tmp_path / "run.jsonl", every=1, share=1.0)) == losses
    for one, other in zip(plain.weights, watched.weights, strict=True):
        np.testing.assert_array_equal(one.numpy(), other.numpy())


def test_what_is_recorded_is_what_would_have_been_measured(tmp_path: Path) -> None:
    import keras

    model = net()
    expected: dict[int, Any] = {}

    class Measure(keras.callbacks.Callback):
        def on_train_begin(self, logs: Any = None) -> None:
            expected[0] = gradient_flow(model, X[:8], Y[:8])

        def on_train_batch_end(self, batch: int, logs: Any = None) -> None:
            if (step := len(expected)) <= 3:
                expected[step] = gradient_flow(model, X[:8], Y[:8])

    fit(model, Measure(), record_gradients(tmp_path / "run.jsonl", X[:8], Y[:8], every=1, share=1.0))
    run = read_run(tmp_path / "run.jsonl")
    assert run.name == "small"
    assert [record.step for record in run.records] == list(range(13))
    assert [record.epoch for record in run.records] == [0] * 7 + [1] * 6
    for step in range(4):
        for ours, theirs in zip(run.records[step].flow.layers, expected[step].layers, strict=True):
            assert ours.activation_gradient_rms == pytest.approx(theirs.activation_gradient_rms, rel=1e-5)
            assert ours.weight_gradient_norm == pytest.approx(theirs.weight_gradient_norm, rel=1e-5)


def test_records_wait_until_there_is_time_for_them(tmp_path: Path) -> None:
    often, seldom = (record_gradients(tmp_path / f"{share}.jsonl", every=1, share=share) for share in (1.0, 1e-6))
    fit(net(), often)
    fit(net(), seldom)
    assert len(read_run(tmp_path / "1.0.jsonl").records) == 13
    # The first one costs what it costs; nothing that short has time for a second.
    assert [record.step for record in read_run(tmp_path / "1e-06.jsonl").records] == [0]


def test_scalars_for_tensorboard(tmp_path: Path) -> None:
    from tensorflow.python.summary.summary_iterator import summary_iterator

    fit(net(), record_gradients(tmp_path / "run.jsonl", every=6, share=1.0, tensorboard=tmp_path / "board"))
    (file,) = (tmp_path / "board").iterdir()
    found = {(event.step, value.tag) for event in summary_iterator(str(file)) for value in event.summary.value}
    assert {step for step, _ in found} == {0, 6, 12}
    for tag in ("activation gradient/conv", "kernel gradient/conv", "activation/conv", "dead share/conv"):
        assert (6, tag) in found


def test_a_run_in_a_folder_and_some_of_its_records(tmp_path: Path) -> None:
    fit(net(), record_gradients(tmp_path / "gradients.jsonl", every=1, share=1.0))
    run = read_run(tmp_path)
    assert [record.step for record in run.some(4)] == [0, 4, 8, 12]
    assert len(run.to_dict()["records"]) == 13
    json.dumps(run.to_dict(), allow_nan=False)


def test_tensorboard_may_be_missing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("archlab.analysis.measured._record.find_spec", lambda name: None)
    with pytest.raises(MissingPartError, match="need TensorBoard: pip install tensorboard"):
        record_gradients(tmp_path / "run.jsonl", tensorboard=tmp_path)


def test_wrong_arguments(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="at least 1, got 0"):
        record_gradients(tmp_path / "run.jsonl", every=0)
    with pytest.raises(UsageError, match="above 0 and at most 1, got 2"):
        record_gradients(tmp_path / "run.jsonl", share=2)
    with pytest.raises(OutputError, match=r"run.jsonl: cannot be written, no such file or directory"):
        fit(net(), record_gradients(tmp_path / "no" / "run.jsonl"))
    (tmp_path / "empty.jsonl").write_text("")
    with pytest.raises(SourceError, match=r"empty.jsonl holds no records"):
        read_run(tmp_path / "empty.jsonl")
