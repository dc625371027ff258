from __future__ import annotations

import json
import shutil
from dataclasses import replace
from types import SimpleNamespace

import pytest
from archlab_cli.options import TrainingWatch, epoch_line

from archlab.training import EpochRecord

NET = ("residual:depth=4,width=8", "--data", "shapes:train=32,validation=8,test=10,size=24")
HOW = ("--epochs", "2", "--set", "size=24", "--set", "batch=16")


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    from archlab_cli.main import run

    folder = tmp_path_factory.mktemp("runs") / "done"
    assert run(["train", *NET, *HOW, "--run", str(folder), "--output", str(folder.parent / "said.txt")]) == 0
    return folder


def test_training_ends_with_what_came_of_it(folder) -> None:
    said = (folder.parent / "said.txt").read_text()
    assert said.startswith("residual:depth=4,width=8, recipe lecture, seed 0, on shapes (synthetic images)")
    accuracy = json.loads((folder / "summary.json").read_text())["test_accuracy"]
    assert f"{accuracy:.3f}  (95 % interval" in said and "10 images" in said and str(folder) in said
    assert "Synthetic images: the accuracy does not transfer to natural images." in said


def test_epochs_go_to_standard_error_and_the_result_to_standard_output(archlab, tmp_path) -> None:
    found = archlab("train", *NET, *HOW, "--run", tmp_path / "run", "--format", "json")
    assert found.code == 0 and json.loads(found.out)["epochs"] == 2
    lines = [line for line in found.err.splitlines() if line.startswith("epoch")]
    assert [line.split()[1] for line in lines] == ["1/2", "2/2"] and "images/s" in lines[0]


def test_a_run_without_a_name_lies_under_runs(archlab, tmp_path, monkeypatch) -> None:
    monkeypatch.chdir(tmp_path)
    for expected in ("residual-depth=4-width=8-lecture-seed0", "residual-depth=4-width=8-lecture-seed0-2"):
        assert archlab("train", *NET, *HOW, "--epochs", "1").code == 0
        assert (tmp_path / "runs" / expected / "summary.json").is_file()


def test_evaluating(archlab, folder) -> None:
    found = archlab("evaluate", folder, "--format", "json")
    assert found.code == 0
    data = json.loads(found.out)
    assert data["accuracy"] == json.loads((folder / "summary.json").read_text())["test_accuracy"]
    assert sum(map(sum, data["confusion"])) == data["photos"] == 10
    assert "predicted cats" in archlab("evaluate", folder, "--split", "validation").out


def test_predicting(archlab, folder, tmp_path) -> None:
    from archlab.bridge import load_keras
    from archlab.data import open_images

    _, keras = load_keras()
    file = tmp_path / "a, b.png"
    keras.utils.save_img(file, open_images("shapes:test=2,size=24", (24, 24)).test.pixels[0], scale=False)
    found = archlab("predict", folder, file, file, "--format", "csv")
    header, *rows = found.out.splitlines()
    assert header == "photo,label,cats,dogs" and len(rows) == 2 and rows[0].startswith(f'"{file}",')


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (("train",), "train needs an architecture, such as residual, or --resume RUN"),
        (("train", "residul"), "no architecture named 'residul': did you mean residual?"),
        (("train", "residual", "--recipe", "lectur"), "no recipe named 'lectur': did you mean lecture?"),
        (("train", "residual", "--set", "lrr=1"), "a recipe has no field 'lrr': did you mean lr?"),
        (("train", "residual", "--set", "lr"), "--set lr: expected FIELD=VALUE, as in lr=0.003"),
        (("train", "residual", "--epochs", "0"), "epochs must be between 1 and 100000, got 0"),
        (("train", "residual", "--patience", "-1"), "patience must be at least 0, got -1"),
        (("train", "residual", "--data", "nowhere"), "nowhere: there is no such folder"),
        (("train", "residual", "--input", "?x9"), "--input ?x9: training needs a height and a width, as in 96x96"),
        (("train", "residual", "--input", "4x4"), "residual"),
        (("train", "vgg16"), "vgg16 ends in 1000 units with softmax, but there are 2 classes: cats, dogs"),
        (("train", "--resume", "nowhere"), "no run nowhere: there is no such folder"),
        (("train", "residual", "--resume", "x"), "takes no architecture"),
        (("train", "--resume", "x", "--seed", "3"), "--seed: --resume uses the settings of x"),
        (("evaluate", "nowhere"), "no run nowhere: there is no such folder"),
        (("predict", "nowhere", "cat.jpg"), "no run nowhere: there is no such folder"),
    ],
)
def test_what_is_wrong_is_said_in_one_line(archlab, tmp_path, monkeypatch, arguments, message: str) -> None:
    monkeypatch.chdir(tmp_path)
    found = archlab(*arguments)
    assert found.code == 2 and not found.out
    assert message in found.err.splitlines()[-1] and found.err.splitlines()[-1].startswith("archlab: ")
    assert not list(tmp_path.iterdir()), "nothing is written"


def test_more_that_is_wrong_with_a_run(archlab, folder, tmp_path) -> None:
    in_use = archlab("train", *NET, "--run", folder)
    assert in_use.code == 2 and "the folder holds a run: resume it with --resume" in in_use.err
    other = archlab("evaluate", folder, "--split", "tset")
    assert other.code == 2 and "no split 'tset': did you mean test?" in other.err
    image = archlab("predict", folder, tmp_path / "nowhere.jpg")
    assert image.code == 2 and "nowhere.jpg" in image.err
    empty = tmp_path / "empty"
    empty.mkdir()
    none = archlab("evaluate", empty)
    assert none.code == 2 and f"{empty} is not an archlab run: it has no run.json" in none.err


def test_training_looks_the_same_in_a_process_of_its_own(process, tmp_path) -> None:
    """TensorFlow's remarks never reach the terminal."""
    found = process("train", *NET, *HOW, "--run", tmp_path / "run")
    assert found.code == 0, found.err
    head, *lines = found.err.splitlines()
    assert head == "loss and accuracy of each epoch: training / validation"
    assert len(lines) == 2 and all(line.startswith("epoch ") for line in lines), found.err


@pytest.mark.parametrize(("epoch", "epochs", "name"), [(1, 3, ""), (100, 100, ""), (10, 20, "residual:depth=50")])
def test_a_line_of_an_epoch_fits_80_columns(epoch: int, epochs: int, name: str) -> None:
    record = EpochRecord(epoch, 12.345, 0.788, 0.001, (180, 180), 100.0, 12345.6, 7000.0, 10.097, 0.5)
    line = epoch_line(SimpleNamespace(record=record, epoch=epoch, epochs=epochs), name)
    assert len(line) <= 80, line
    assert "loss 12.345 / 10.097  accuracy 0.788 / 0.500" in line
    alone = replace(record, val_loss=None, val_accuracy=None)
    assert "loss 12.345  accuracy 0.788  " in epoch_line(SimpleNamespace(record=alone, epoch=1, epochs=3))


def test_stages_are_told_apart_from_epochs() -> None:
    lines, bars = [], []
    watch = TrainingWatch(lines.append, lambda *shown: bars.append(shown))
    watch.stage("opening the images")
    watch.step(SimpleNamespace(record=None, epoch=1, epochs=2, step=3, steps=5, images_per_second=20, seconds_left=90))
    assert bars == [("opening the images", 0, None, ""), ("epoch 1/2", 3, 5, "20 images/s, 1:30 left with the test")]
    assert lines == []


def test_the_report_says_why_validation_accuracies_differ(archlab, folder, tmp_path) -> None:
    assert "in epoch" not in (folder.parent / "said.txt").read_text()
    copy = tmp_path / "run"
    shutil.copytree(folder, copy)
    lines = (copy / "history.jsonl").read_text().splitlines()
    summary = json.loads((copy / "summary.json").read_text())
    changed = [json.loads(line) | {"val_accuracy": 0.125} for line in lines]
    (copy / "history.jsonl").write_text("".join(json.dumps(each) + "\n" for each in changed))
    found = archlab("train", "--resume", copy)
    assert f"in epoch {summary['best_epoch']} it was 0.125 on whole images" in " ".join(found.out.split())


def test_comparing_architectures_by_training_them(archlab, tmp_path, monkeypatch) -> None:
    monkeypatch.chdir(tmp_path)
    nets = ("residual:depth=4,width=8", "plain:depth=4,width=8")
    how = (
        "--data",
        "shapes:train=16,validation=8,test=10,size=24",
        "--input",
        "24x24",
        "--epochs",
        "2",
        "--set",
        "batch=8",
    )
    found = archlab("compare", *nets, *how, "--seeds", "2", "--train", "--format", "json")
    assert found.code == 0, found.err
    data = json.loads(found.out)["training"]
    assert [group["architecture"] for group in data["groups"]] == list(nets)
    assert all(group["runs"] == 2 and 0 <= group["interval"]["low"] <= 1 for group in data["groups"])
    assert len(data["comparisons"]) == 1 and len(data["trials"]) == 4
    folder = tmp_path / "runs" / "residual-depth=4,width=8-vs-plain-depth=4,width=8-lecture"
    assert len(list(folder.glob("*/lecture/seed-*/summary.json"))) == 4
    assert json.loads(next(folder.glob("*/lecture/seed-0/summary.json")).read_text())["input"] == [24, 24, 3]
    # The same again trains nothing anew.
    again = archlab("compare", *nets, *how, "--seeds", "2", "--train", "--target", "0.01")
    assert again.code == 0 and "epoch 1/2" not in again.err
    assert "Which is more accurate?" in again.out and "Validation error by epoch" in again.out
    assert "to 0.01 validation accuracy" in again.out and "does not transfer to natural images" in again.out


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (("--epochs", "3"), "--epochs or --set: is for training, ask for it with --train"),
        (("--runs", "x"), "--runs: is for training, ask for it with --train"),
        (("--train", "--static"), "--train: needs TensorFlow, which --static leaves out"),
        (("--train", "--target", "74"), "--target 74: an accuracy lies between 0 and 1"),
        (("--train", "--recipe", "lectur"), "no recipe named 'lectur': did you mean lecture?"),
        (("--train", "--set", "lrr=1"), "a recipe has no field 'lrr': did you mean lr?"),
        (("--train", "--data", "nowhere"), "--data nowhere: there is no such folder"),
    ],
)
def test_comparisons_that_cannot_be_trained(archlab, tmp_path, monkeypatch, arguments, message: str) -> None:
    monkeypatch.chdir(tmp_path)
    found = archlab("compare", "residual:depth=4,width=8", "--input", "24x24", *arguments)
    assert found.code == 2 and not found.out and message in found.err
    assert not list(tmp_path.iterdir())
