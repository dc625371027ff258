"""Predictions as runs leave them: read, brought into one order, refused where they are about other images."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest

from archlab.errors import ArchlabError, DataError, UsageError
from archlab.statistics import Predictions, accuracy, compare_runs, read_predictions


def write(folder: Path, rows: str, header: str = "name,label,probability", **summary: object) -> Path:
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "predictions.csv").write_text(f"{header}\n{rows}")
    if summary:
        (folder / "summary.json").write_text(json.dumps(summary))
    return folder


def test_one_probability_is_that_of_class_one(tmp_path: Path) -> None:
    rows = 'cat.1.jpg,0,0.2\ncat.2.jpg,0,0.5\ndog.1.jpg,1,0.51\n"dog, 2.jpg",1,0.5\ncat.3.jpg,0,nan\n'
    found = read_predictions(write(tmp_path, rows, reference="residual", seed=2, fingerprint="abc", synthetic=True))
    assert found.names == ("cat.1.jpg", "cat.2.jpg", "dog.1.jpg", "dog, 2.jpg", "cat.3.jpg")
    # Exactly a half is class 0, as in Keras's binary accuracy.
    assert found.correct.tolist() == [True, True, True, False, False]
    assert (found.reference, found.seed, found.fingerprint, found.synthetic) == ("residual", 2, "abc", True)


def test_of_several_classes_the_most_probable_counts(tmp_path: Path) -> None:
    header = "name,label,probability_cat,probability_dog,probability_owl"
    found = read_predictions(write(tmp_path, "a,2,0.2,0.3,0.5\nb,0,0.2,0.3,0.5\n", header))
    assert found.correct.tolist() == [True, False]
    assert (found.reference, found.seed, found.synthetic) == ("", None, False)


def test_runs_are_compared_image_by_image_whatever_their_order(tmp_path: Path) -> None:
    one = read_predictions(write(tmp_path / "a", "x,1,0.9\ny,1,0.9\nz,1,0.1\n", reference="residual"))
    two = read_predictions(write(tmp_path / "b", "z,1,0.1\nx,1,0.9\ny,1,0.2\n", reference="baseline"))
    found = compare_runs(one, [two])
    assert (found.only, found.names, found.synthetic) == ((1, 0), ("residual", "baseline"), False)
    assert accuracy([one, two]).runs == pytest.approx((2 / 3, 1 / 3))
    assert accuracy([one, two]).name == "residual"


def test_drawings_are_recognized(tmp_path: Path) -> None:
    one = read_predictions(write(tmp_path, "x,1,0.9\ny,1,0.9\n", synthetic=True))
    assert compare_runs(one, one).synthetic and accuracy(one).synthetic


def test_other_images_are_refused_by_name(tmp_path: Path) -> None:
    one = read_predictions(write(tmp_path / "a", "x,1,0.9\ny,1,0.9\n", fingerprint="1" * 64))
    two = read_predictions(write(tmp_path / "b", "x,1,0.9\nq,1,0.9\n"))
    three = read_predictions(write(tmp_path / "c", "x,1,0.9\ny,1,0.9\n", fingerprint="2" * 64))
    four = read_predictions(write(tmp_path / "d", "x,1,0.9\n"))
    with pytest.raises(DataError) as caught:
        compare_runs(one, two)
    assert str(caught.value) == (
        f"{one.run} and {two.run} were tested on different images: 2 are not in both, such as y only in the first"
    )
    with pytest.raises(DataError) as caught:
        compare_runs(four, one)
    assert str(caught.value).endswith("1 are not in both, such as y only in the second")
    with pytest.raises(DataError) as caught:
        accuracy([one, three])
    assert str(caught.value) == (
        f"{one.run} and {three.run} have images of the same names but different data: fingerprints 111111111111 and "
        "222222222222"
    )
    with pytest.raises(UsageError) as mixed:
        compare_runs(one, np.ones(2))
    assert str(mixed.value) == "predictions can only be compared with predictions, which name their images"


@pytest.mark.parametrize(
    ("header", "rows", "message"),
    [
        ("name,label", "", ":1: expected the columns name, label and probability, got name, label"),
        ("", "", ":1: expected the columns name, label and probability, got none"),
        ("name,label,probability", "", " holds no predictions"),
        ("name,label,probability", "x,1,0.5\ny,1\n", ":3: expected a name, a class index and probabilities"),
        ("name,label,probability", "x,cat,0.5\n", ":2: expected a name, a class index and probabilities"),
        ("name,label,probability", "x,1,0.5\nx,1,0.5\n", ":3: the image 'x' is listed twice"),
    ],
)
def test_a_table_that_is_none_such(tmp_path: Path, header: str, rows: str, message: str) -> None:
    with pytest.raises(DataError) as caught:
        read_predictions(write(tmp_path, rows, header))
    assert str(caught.value) == f"{tmp_path / 'predictions.csv'}{message}"


def test_a_table_that_cannot_be_read(tmp_path: Path) -> None:
    with pytest.raises(ArchlabError) as caught:
        read_predictions(tmp_path)
    assert str(caught.value) == f"{tmp_path / 'predictions.csv'} cannot be read, no such file or directory"
    (tmp_path / "predictions.csv").write_bytes(b"\xff\xfe\x00")
    with pytest.raises(DataError) as caught:
        read_predictions(tmp_path)
    assert str(caught.value) == f"{tmp_path / 'predictions.csv'} is not a text file"


def test_a_summary_that_was_cut_short_is_passed_over(tmp_path: Path) -> None:
    write(tmp_path, "x,1,0.9\n")
    (tmp_path / "summary.json").write_text('{"reference": "resid')
    found = read_predictions(tmp_path)
    assert isinstance(found, Predictions) and found.reference == ""
