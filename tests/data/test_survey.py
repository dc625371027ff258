"""What a survey says is what opening gives."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import pytest

from archlab.data import Pixels, open_images, survey
from archlab.errors import DataError
from archlab.report import to_csv, to_text
from archlab.report.data import data_report
from tests.data.pictures import folder, jpeg, put, write


def untidy(root: Path) -> Path:
    folder(root, train=5, validation=2, test=3)
    write(root, train__cats__cut=jpeg(80)[:-100], train__dogs__empty=b"", test__dogs__web=b"RIFF\0\0\0\0WEBPVP8 ")
    put(root / "train/cats/large.jpg", jpeg(81, 50, 70))
    put(root / "train/cats/copy.jpg", (root / "test/cats/cat.0.jpg").read_bytes())
    return root


def test_a_survey_counts_what_opening_gives(tmp_path: Path) -> None:
    root = untidy(tmp_path / "pets")
    for source in (root, "shapes:train=7,validation=2,test=4"):
        found, opened = survey(source), open_images(source, (8, 8))
        assert (found.title, found.synthetic, found.classes) == (opened.title, opened.synthetic, opened.classes)
        assert (found.fingerprint, found.notes) == (opened.fingerprint, opened.notes)
        assert found.skipped == opened.skipped
        for split in found.splits:
            labels = getattr(opened, split).labels
            assert [found.count(split, name) for name in found.classes] == [(labels == n).sum() for n in (0, 1)]
            assert found.count(split) == len(labels)
        assert found.count() == sum(group.images for group in found.groups)


def test_sizes_and_bytes(tmp_path: Path) -> None:
    found = survey(untidy(tmp_path / "pets"))
    assert (found.height, found.width) == (Pixels(20, 20, 50), Pixels(30, 30, 70))
    cats, dogs = found.groups[:2]
    assert (cats.split, cats.name, cats.images, cats.height) == ("train", "cats", 6, Pixels(20, 20, 50))
    assert dogs.height == Pixels(20, 20, 20)
    assert dogs.bytes == sum((tmp_path / f"pets/train/dogs/dog.{n}.jpg").stat().st_size for n in range(5))


def test_an_empty_class_is_shown_not_refused(tmp_path: Path) -> None:
    root = folder(tmp_path / "pets")
    for file in (root / "test/dogs").iterdir():
        file.write_bytes(b"")
    found = survey(root)
    assert found.count("test", "dogs") == 0 and found.groups[-1].height is None and len(found.skipped) == 2


def test_splits_that_are_not_there(tmp_path: Path) -> None:
    root = folder(tmp_path / "pets", train=9)
    shutil.rmtree(root / "validation")
    found = survey(root)
    assert found.splits == ("train", "validation", "test") and found.count("validation") == 2
    shutil.rmtree(root / "train")
    assert survey(root).splits == ("test",)
    with pytest.raises(DataError):
        survey(tmp_path / "none")


def test_as_text(tmp_path: Path) -> None:
    found = survey(untidy(tmp_path / "pets"))
    text = to_text(data_report(found))
    assert text.startswith(
        "pets: 21 images, 2 classes, height 20 to 50 (median 20) px, width 30 to 70 (median 30) px\n"
    )
    lines = [line.split() for line in text.splitlines()]
    assert ["cats", "6", "2", "3", "11"] in [line[:5] for line in lines]
    assert ["total", "11", "4", "6", "21"] in [line[:5] for line in lines]
    assert "Skipped: 4" in text and "train/cats/copy.jpg   duplicate of test/cats/cat.0.jpg" in text
    assert text.endswith(f"Fingerprint {found.fingerprint}")


def test_many_that_are_skipped_are_not_all_shown(tmp_path: Path) -> None:
    root = folder(tmp_path / "pets")
    for number in range(30):
        put(root / f"train/cats/{number}.jpg", b"")
    found = survey(root)
    text = to_text(data_report(found))
    assert text.count("empty: 0 bytes") == 20 and "and 10 more" in text
    assert len(found.to_dict()["skipped"]) == 30
    json.dumps(found.to_dict())


def test_as_csv_columns_add_up(tmp_path: Path) -> None:
    import csv
    import io

    found = survey(untidy(tmp_path / "pets"))
    rows = list(csv.DictReader(io.StringIO(to_csv(data_report(found)))))
    assert sum(int(row["photos"]) for row in rows) == found.count() == 21
    assert {(row["split"], row["class"]) for row in rows} == {(g.split, g.name) for g in found.groups}
