"""The records of a run can be read back as they were written; a damaged file is answered in one line."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import pytest

from archlab.errors import SourceError
from archlab.training import EpochRecord, RunRecord, open_run
from archlab.training._record import Progress


def test_what_is_written_is_what_is_read(finished) -> None:
    text = json.loads((finished.folder / "run.json").read_text())
    assert RunRecord.from_dict(text, "run.json") == finished.record
    assert json.loads(json.dumps(finished.record.to_dict())) == text and text["schema"] == 1
    lines = [json.loads(line) for line in (finished.folder / "history.jsonl").read_text().splitlines()]
    assert [EpochRecord.from_dict(line, "history.jsonl").to_dict() for line in lines] == lines
    progress = Progress(3, 2, 0.5, 9.0, finished.history)
    assert Progress.from_dict(json.loads(json.dumps(progress.to_dict())), "state.npz") == progress


def test_a_run_without_a_schema_is_of_the_first(finished, tmp_path: Path) -> None:
    shutil.copytree(finished.folder, tmp_path / "old")
    file = tmp_path / "old" / "run.json"
    text = json.loads(file.read_text())
    del text["schema"]
    file.write_text(json.dumps(text))
    assert open_run(tmp_path / "old").record == finished.record


def test_keys_of_files_keep_their_names(finished) -> None:
    record, summary = (json.loads((finished.folder / name).read_text()) for name in ("run.json", "summary.json"))
    assert record["photos"] == dict(finished.record.images) and "images" not in record
    assert summary["test_photos"] == finished.summary.test_images and "test_images" not in summary


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"seed": None}, "the key 'seed' is missing"),
        ({"seed": -1}, "seed -1: is not from 0 to 4,294,967,295"),
        ({"seed": 10**18}, "seed 1000000000000000000: is not from 0 to 4,294,967,295"),
        ({"tensorbord": True}, "unknown key 'tensorbord': did you mean tensorboard?"),
        ({"schema": 2}, "schema 2 is not supported, only 1: update archlab"),
    ],
)
def test_a_key_that_is_missing_or_unknown_is_named(finished, tmp_path: Path, change: dict, message: str) -> None:
    shutil.copytree(finished.folder, tmp_path / "run")
    file = tmp_path / "run" / "run.json"
    text = json.loads(file.read_text()) | change
    file.write_text(json.dumps({key: value for key, value in text.items() if value is not None or key == "command"}))
    with pytest.raises(SourceError) as caught:
        open_run(tmp_path / "run")
    assert str(caught.value) == f"{file}: {message}"


def test_a_damaged_line_of_history_is_named(finished, tmp_path: Path) -> None:
    shutil.copytree(finished.folder, tmp_path / "run")
    file = tmp_path / "run" / "history.jsonl"
    file.write_text(file.read_text() + '{"epoch": 4')
    with pytest.raises(SourceError) as caught:
        _ = open_run(tmp_path / "run").history
    assert str(caught.value) == f"{file}:4: invalid JSON"
