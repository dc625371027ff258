"""`archlab diff`: every format with the same numbers, pictures by their suffix, exit codes."""

from __future__ import annotations

import csv
import io
import json
import re
from pathlib import Path

import pytest

from archlab import diff
from tests.goldens import golden


@pytest.mark.parametrize(
    ("name", "arguments"),
    [
        ("diff.txt", ["diff", "baseline", "residual"]),
        ("diff.md", ["diff", "resnet50", "resnet101", "--format", "markdown"]),
        ("diff.csv", ["diff", "baseline", "residual", "--format", "csv"]),
        ("diff-same.txt", ["diff", "residual", "residual"]),
    ],
)
def test_goldens(archlab, name: str, arguments: list[str]) -> None:
    code, out, err = archlab(*arguments)
    assert (code, err) == (0, "")
    golden(name, out)


def test_json_and_csv_have_every_layer_and_add_up(archlab) -> None:
    data = json.loads(archlab("diff", "baseline", "residual", "--format", "json").out)
    rows = list(csv.DictReader(io.StringIO(archlab("diff", "baseline", "residual", "--format", "csv").out)))
    assert data["schema"] == 2 and data == diff("baseline", "residual").to_dict()
    assert len(rows) == len(data["layers"]) == sum(data["counts"][mark] for mark in set(data["counts"]) - {"edited"})
    for name in ("params", "macs", "flops"):
        total = data["totals"][name]
        growth = total["after"] - total["before"]
        assert sum(layer[name] for layer in data["layers"]) == sum(int(row[name]) for row in rows) == growth
    assert [row["mark"] for row in rows] == [layer["mark"] for layer in data["layers"]]


def test_every_layer_is_listed_when_all_are_asked_for(archlab) -> None:
    found = diff("resnet50", "resnet101")
    folded, every = (archlab("diff", "resnet50", "resnet101", *more).out for more in ((), ("--all",)))
    assert len(folded.splitlines()) < 25
    assert len(re.findall(r"^\+ ", every, re.MULTILINE)) == len(found.added) == 170
    # Those that are the same have no sign; a heading stands at the margin.
    listed = every.split("---\n")[-1]
    assert len(re.findall(r"^    \S", listed, re.MULTILINE)) == len(found.kept)


def test_exit_codes(archlab) -> None:
    assert archlab("diff", "baseline", "residual").code == 0
    assert archlab("diff", "baseline", "residual", "--exit-code").code == 1
    same = archlab("diff", "residual", "residual:width=32", "--exit-code")
    assert same.code == 0 and "No difference: 51 layers the same." in same.out


def test_another_input_for_both(archlab) -> None:
    data = json.loads(archlab("diff", "baseline", "residual", "--input", "160x128", "--format", "json").out)
    assert data["layers"][0]["before"]["output"] == data["layers"][0]["after"]["output"] == [160, 128, 3]


BEGINNINGS = {".svg": b"<svg", ".png": b"\x89PNG", ".pdf": b"%PDF", ".dot": b"//", ".mmd": b"flowchart"}


@pytest.mark.parametrize(("suffix", "begins"), BEGINNINGS.items())
def test_pictures_by_their_suffix(archlab, tmp_path: Path, suffix: str, begins: bytes) -> None:
    file = tmp_path / f"picture{suffix}"
    outcome = archlab("diff", "resnet50", "resnet101", "-o", file)
    assert (outcome.code, outcome.out, outcome.err) == (0, "", f"written to {file}\n")
    assert file.read_bytes().startswith(begins)
    assert [path.name for path in tmp_path.iterdir()] == [file.name]


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["residual", "residul"], "no architecture named 'residul': did you mean residual?"),
        (["residual"], "Missing argument 'AFTER'."),
        (["a", "b", "--format", "jsn"], "--format jsn: did you mean json?"),
        (["a", "b", "--input", "big"], "--input big: write sizes such as 96x96 or 96x96x3"),
        (["a", "b", "--format", "json", "-o", "x.svg"], "--format json: x.svg is a picture, whose form is its suffix"),
        (["a", "b", "--all", "-o", "x.svg"], "--all: is for tables, a picture always folds what is the same"),
        (["a", "b", "-o", "no/x.svg"], "--output no/x.svg: there is no folder no"),
    ],
)
def test_wrong_usage(archlab, arguments: list[str], message: str, tmp_path: Path, monkeypatch) -> None:
    monkeypatch.chdir(tmp_path)
    outcome = archlab("diff", *arguments)
    assert (outcome.code, outcome.out, outcome.err) == (2, "", f"archlab: {message}\n")
    assert not list(tmp_path.iterdir())


def test_a_page_lists_what_changed(archlab, tmp_path: Path) -> None:
    done = archlab("diff", "baseline", "residual", "--output", str(tmp_path / "changes.html"))
    assert (done.code, done.out) == (0, "")
    page = (tmp_path / "changes.html").read_text(encoding="utf-8")
    assert "SeparableConv" in page and ">added</td>" in page and ">removed</td>" in page
