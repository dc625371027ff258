from __future__ import annotations

import csv
import json
import random
import shutil

import numpy as np
import pytest

from archlab import Conv, Dense, Flatten, GlobalAvgPool, Input, Rescaling, load
from archlab.bridge import build, load_keras
from archlab.data import open_images
from archlab.errors import DataError, SourceError, TrainingError, UsageError
from archlab.statistics import read_predictions
from archlab.training import Recipe, Run, Summary, evaluate, open_run, predict, resume, train
from archlab.training._batches import resized, stored_size
from archlab.training._record import Progress
from archlab.training._state import STATE, save_state


def state(run: Run) -> dict[str, np.ndarray]:
    with np.load(run.folder / STATE) as found:
        return {name: found[name] for name in found.files if name != "progress"}


def assert_same_state(one: Run, two: Run) -> None:
    first, second = state(one), state(two)
    assert first.keys() == second.keys()
    for name, value in first.items():
        np.testing.assert_array_equal(value, second[name])


def test_a_run_says_what_was_run_and_what_came_of_it(finished) -> None:
    files = {file.name for file in finished.folder.iterdir()}
    assert files == {
        "run.json", "architecture.yaml", "recipe.yaml", "history.jsonl", "best.weights.h5", "state.npz",
        "predictions.csv", "summary.json",
    }  # fmt: skip
    summary = json.loads((finished.folder / "summary.json").read_text())
    assert {
        "reference", "recipe", "seed", "epochs", "best_epoch", "validation_accuracy", "test_accuracy", "seconds",
        "images_per_second",
    } <= summary.keys()  # fmt: skip
    assert summary["reference"] == "residual:depth=4,width=8" and summary["epochs"] == 3 and summary["seed"] == 1
    assert summary["synthetic"] and summary["data"] == "shapes (synthetic images)"
    assert Summary.from_dict(summary | {"later": 1}) == finished.summary
    about = finished.record
    assert about.versions.keys() >= {"archlab", "tensorflow", "keras"}
    assert about.images == {"train": 48, "validation": 16, "test": 24}
    assert load(str(finished.folder / "architecture.yaml")).tree == load("residual:depth=4,width=8").tree
    assert finished.recipe.lr == 0.01 and finished.recipe.epochs == 3


def test_the_history_has_a_line_an_epoch(finished) -> None:
    lines = (finished.folder / "history.jsonl").read_text().splitlines()
    assert [json.loads(line)["epoch"] for line in lines] == [1, 2, 3]
    assert [line.size for line in finished.history] == [(24, 24), (24, 24), (32, 32)]
    for record in finished.history:
        assert record.seconds > 0 and record.images_per_second == pytest.approx(48 / record.seconds, rel=0.1)
        assert 0 <= record.val_accuracy <= 1
    assert finished.summary.seconds == finished.history[-1].elapsed


def test_the_accuracy_is_that_of_the_predictions(finished) -> None:
    with (finished.folder / "predictions.csv").open(newline="") as file:
        rows = list(csv.DictReader(file))
    assert len(rows) == 24 and rows[0].keys() == {
        "name", "label", "class", "predicted", "probability cats", "probability dogs",
    }  # fmt: skip
    right = np.mean([row["class"] == row["predicted"] for row in rows])
    assert right == finished.summary.test_accuracy
    assert read_predictions(finished.folder).correct.mean() == right
    for row in rows:
        p = [float(row["probability cats"]), float(row["probability dogs"])]
        assert sum(p) == pytest.approx(1, abs=1e-6) and row["predicted"] == ("cats", "dogs")[int(p[1] > 0.5)]


def assert_predicted(run: Run, views: list[np.ndarray]) -> None:
    """By Keras alone: the kept weights in the architecture's model, on these views, without the run's own testing."""
    model = build(load(str(run.folder / "architecture.yaml"), (32, 32)).graph).model
    model.load_weights(run.folder / "best.weights.h5")
    p = np.mean([model.predict(view.astype("float32"), verbose=0)[:, 0] for view in views], axis=0)
    with (run.folder / "predictions.csv").open(newline="") as file:
        written = [float(row["probability dogs"]) for row in csv.DictReader(file)]
    np.testing.assert_allclose(p, written, atol=1e-5)


def test_weights_that_were_kept_are_those_that_were_tested(finished) -> None:
    kept = open_images(finished.record.data, stored_size(finished.recipe, (180, 180))).test
    x = resized(kept.pixels, (32, 32))
    assert_predicted(finished, [x, x[:, :, ::-1]])


def test_ten_cuts_of_a_image_are_its_corners_and_its_middle_and_their_mirror_images(small, tmp_path) -> None:
    """At 43 pixels a side a cut of 3/4 has 32, so that nothing is resampled."""
    run = small(tmp_path / "run", epochs=1, settings={"test_crop": 0.75})
    x = open_images(run.record.data, (43, 43)).test.pixels
    cuts = [x[:, :32, :32], x[:, :32, 11:], x[:, 11:, :32], x[:, 11:, 11:], x[:, 5:-6, 5:-6]]
    assert_predicted(run, cuts + [cut[:, :, ::-1] for cut in cuts])
    assert evaluate(run).accuracy == run.summary.test_accuracy


def test_evaluating_a_run_finds_what_it_found(finished) -> None:
    found = evaluate(finished)
    assert found.accuracy == finished.summary.test_accuracy and found.confusion.sum() == 24
    assert found.confusion.trace() == round(found.accuracy * 24)
    validated = evaluate(finished.folder, split="validation")
    assert validated.accuracy == finished.summary.validation_accuracy
    other = evaluate(finished, "shapes:train=4,validation=4,test=10,size=32,seed=9")
    assert len(other.outcome.labels) == 10 and other.synthetic


def test_predicting_a_image(finished, tmp_path) -> None:
    _, keras = load_keras()
    images = open_images(finished.record.data, stored_size(finished.recipe, (180, 180))).test
    files = [tmp_path / f"{number}.png" for number in range(3)]
    for file, pixels in zip(files, images.pixels, strict=False):
        keras.utils.save_img(file, pixels, scale=False)
    with (finished.folder / "predictions.csv").open(newline="") as file:
        expected = list(csv.DictReader(file))[:3]
    for found, row in zip(predict(finished, files), expected, strict=True):
        assert found.probabilities[1] == pytest.approx(float(row["probability dogs"]), abs=1e-5)
        assert found.label == row["predicted"]


class Stop(Exception):
    pass


@pytest.mark.parametrize("settings", [{}, {"average": 0, "optimizer": "rmsprop", "size": 32}])
def test_a_run_that_was_broken_off_ends_as_if_it_had_not_been(small, tmp_path, settings) -> None:
    """In the middle of an epoch; dropout, augmentation, momenta, averages and schedules go on where they were."""

    def tell(step) -> None:
        if step.epoch == 3 and step.step == 2:
            raise Stop

    whole = small(tmp_path / "whole", settings=settings, deterministic=True)
    with pytest.raises(Stop):
        small(tmp_path / "broken", settings=settings, deterministic=True, on_step=tell)
    broken = open_run(tmp_path / "broken")
    assert not broken.finished and len(broken.history) == 2
    random.seed(99)
    np.random.seed(99)
    said: list[str] = []
    assert resume(tmp_path / "broken", note=said.append).finished
    assert said == ["resuming from epoch 2 of 3"]
    assert_same_state(whole, broken)
    assert (whole.folder / "predictions.csv").read_text() == (broken.folder / "predictions.csv").read_text()
    assert whole.summary.test_accuracy == broken.summary.test_accuracy


def test_a_finished_run_is_left_alone(finished) -> None:
    before = (finished.folder / "summary.json").stat().st_mtime_ns
    resume(finished.folder)
    assert (finished.folder / "summary.json").stat().st_mtime_ns == before


def test_a_run_whose_folder_is_in_use_is_refused(small, finished) -> None:
    with pytest.raises(UsageError, match=r"the folder holds a run: resume it with --resume"):
        small(finished.folder)


def test_other_images_than_it_was_begun_with(small, tmp_path, finished) -> None:
    shutil.copytree(finished.folder, tmp_path / "copy")
    (tmp_path / "copy" / "summary.json").unlink()
    with pytest.raises(DataError, match=r"the images are not those that run"):
        resume(tmp_path / "copy", data="shapes:train=48,validation=16,test=24,size=32,seed=7")


def test_a_loss_that_is_no_number_ends_the_run(small, tmp_path) -> None:
    with pytest.raises(TrainingError, match=r"the loss is not finite in epoch \d, step .*: try a lower one"):
        small(tmp_path / "run", settings={"optimizer": "sgd", "lr": 100, "schedule": "constant", "warmup": 0})


def test_training_ends_after_epochs_that_were_no_better(small, tmp_path) -> None:
    # Nothing is learned, so that no epoch is more accurate than the first.
    net = Input(32, 32, 3) >> Conv(4) >> GlobalAvgPool() >> Dense(1)
    found = small(tmp_path / "run", reference=net, epochs=8, settings={"patience": 2, "lr": 0, "average": 0})
    assert (found.summary.epochs, found.summary.best_epoch) == (3, 1)


def test_validating_now_and_then_still_validates_the_last(small, tmp_path) -> None:
    found = small(tmp_path / "run", epochs=3, settings={"validate_every": 2})
    assert [record.val_loss is not None for record in found.history] == [False, True, True]


@pytest.mark.parametrize(
    ("head", "classes"), [(Dense(2), 2), (Dense(2, activation="softmax"), 2), (Dense(1), 2)], ids=str
)
def test_every_kind_of_head_learns(tmp_path, head, classes) -> None:
    """Twelve synthetic images by heart: whatever the loss, labels and probabilities must fit each other."""
    net = Input(24, 24, 3) >> Rescaling(1 / 255) >> Flatten() >> Dense(32, activation="relu") >> head
    how = Recipe("test", epochs=100, batch=12, optimizer="adamw", lr=0.003, select="last", validate_every=100)
    found = train(net, data="shapes:train=12,validation=4,test=4,size=24", recipe=how, run=tmp_path / "run")
    assert found.history[-1].accuracy >= 0.9
    assert evaluate(found, split="train").accuracy >= 0.9


def test_a_head_that_does_not_fit_the_classes(tmp_path, small) -> None:
    with pytest.raises(UsageError, match=r"ends in 10 units with softmax, but there are 2 classes: cats, dogs"):
        small(tmp_path / "run", reference=Input(32, 32, 3) >> GlobalAvgPool() >> Dense(10, activation="softmax"))
    assert not (tmp_path / "run").exists()


def test_a_net_of_one_size_refuses_a_recipe_of_several(tmp_path, small) -> None:
    with pytest.raises(UsageError, match=r"baseline needs a fixed input size .* the same value"):
        small(tmp_path / "run", reference="baseline")
    assert not (tmp_path / "run").exists()


def test_a_net_of_one_size_takes_the_recipe_s(tmp_path, small) -> None:
    net = Input(48, 48, 3) >> Conv(4) >> Flatten() >> Dense(1)
    found = small(tmp_path / "run", reference=net, epochs=1, settings={"size": 24, "test_size": 24})
    assert found.history[0].size == (24, 24) and found.summary.params == 4 * 28 + 24 * 24 * 4 + 1
    assert evaluate(found).accuracy == found.summary.test_accuracy


def test_the_global_random_states_stay_as_they_were(small, tmp_path) -> None:
    random.seed(5)
    np.random.seed(5)
    expected = random.Random(5).random(), np.random.RandomState(5).rand()
    small(tmp_path / "run", epochs=1)
    assert (random.random(), np.random.rand()) == expected


@pytest.mark.parametrize("cut", [0, 100, 3000])
def test_a_damaged_state_is_no_state(finished, tmp_path, cut) -> None:
    shutil.copytree(finished.folder, tmp_path / "copy")
    (tmp_path / "copy" / "summary.json").unlink()
    file = tmp_path / "copy" / STATE
    file.write_bytes(file.read_bytes()[:cut])
    with pytest.raises(SourceError, match=r"state.npz is damaged"):
        resume(tmp_path / "copy")


def test_a_state_of_another_model(finished, tmp_path) -> None:
    _, keras = load_keras()
    model = keras.Sequential([keras.Input((3,)), keras.layers.Dense(2)])
    model.compile("sgd", "mse")
    model.optimizer.build(model.trainable_variables)
    shutil.copytree(finished.folder, tmp_path / "copy")
    (tmp_path / "copy" / "summary.json").unlink()
    save_state(tmp_path / "copy", model, Progress())
    with pytest.raises(SourceError, match=r"belongs to another model"):
        resume(tmp_path / "copy")


def test_a_keras_model_without_a_tree_can_be_trained(tmp_path, small) -> None:
    _, keras = load_keras()
    inputs = keras.Input((32, 32, 3))
    x = keras.layers.GlobalAveragePooling2D()(keras.layers.Conv2D(4, 3)(inputs))
    model = keras.Model(inputs, keras.layers.Dense(1, activation="sigmoid")(x), name="mine")
    found = small(tmp_path / "run", reference=model, epochs=1)
    assert (found.folder / "architecture.keras").is_file() and found.summary.name == "mine"
    assert evaluate(found).accuracy == found.summary.test_accuracy
