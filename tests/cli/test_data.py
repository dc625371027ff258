from __future__ import annotations

import hashlib
import io
import json
import subprocess
import sys
import zipfile
from dataclasses import replace
from pathlib import Path

import pytest

from archlab.data import ARCHIVES
from tests.data.pictures import folder, jpeg, put

SHAPES = "shapes:train=6,validation=2,test=4"


def test_show_a_folder(archlab, tmp_path: Path) -> None:
    root = folder(tmp_path / "pets")
    put(root / "train/cats/cut.jpg", jpeg(80)[:-100])
    code, out, err = archlab("data", "show", root)
    assert (code, err) == (0, "")
    assert out.startswith("pets: 16 images, 2 classes, 20 × 30 px\n")
    assert "train/cats/cut.jpg  damaged: has the header of a JPEG but cannot be decoded" in out


def test_show_drawings_never_without_saying_so(archlab) -> None:
    for form in ("table", "markdown", "json"):
        assert "synthetic images" in archlab("data", "show", SHAPES, "--format", form).out


def test_every_format_has_the_same_numbers(archlab, tmp_path: Path) -> None:
    file = tmp_path / "data.json"
    assert archlab("data", "show", SHAPES, "-o", file).err == f"written to {file}\n"
    found = json.loads(file.read_text())
    assert found["schema"] == 1 and sum(group["photos"] for group in found["groups"]) == 12
    rows = archlab("data", "show", SHAPES, "-f", "csv").out.splitlines()
    assert len(rows) == 7 and sum(int(row.split(",")[2]) for row in rows[1:]) == 12


def test_draw_and_show(archlab, tmp_path: Path) -> None:
    to = tmp_path / "drawn"
    code, out, err = archlab("data", "draw", SHAPES, "--to", to)
    assert (code, out, err) == (0, "", f"written to {to}\n")
    assert len(list(to.rglob("*.png"))) == 12
    assert archlab("data", "show", to).out.startswith("drawn (synthetic images): 12 images, 2 classes, 64 × 64 px\n")
    again = archlab("data", "draw", SHAPES, "--to", to)
    assert again == (2, "", f"archlab: {to}: exists already, and is not written over: name another folder\n")


def test_fetch_from_an_archive_that_is_here(archlab, tmp_path: Path, monkeypatch) -> None:
    content = io.BytesIO()
    with zipfile.ZipFile(content, "w") as archive:
        for number, animal in enumerate(("Cat", "Dog")):
            for split, at in enumerate((0, 1000, 1500, 2500)):
                archive.writestr(f"PetImages/{animal}/{at}.jpg", jpeg(10 * number + split))
        archive.writestr("PetImages/Cat/666.jpg", b"")
    file = put(tmp_path / "pets.zip", content.getvalue())
    known = replace(ARCHIVES["cats_vs_dogs"], sha256=hashlib.sha256(content.getvalue()).hexdigest())
    monkeypatch.setitem(ARCHIVES, "cats_vs_dogs", known)
    monkeypatch.chdir(tmp_path)
    code, out, err = archlab("data", "fetch", "cats_vs_dogs", "--archive", file)
    assert (code, out) == (0, "")
    assert err == ("skipped: train/cats/cat.666.jpg (PetImages/Cat/666.jpg): empty: 0 bytes\nwritten to cats_vs_dogs\n")
    assert archlab("data", "fetch", "cats_vs_dogs", "--full", "--archive", file, "--to", "all").code == 0
    counts = [len(list(Path(name).rglob("*.jpg"))) for name in ("cats_vs_dogs", "all")]
    assert counts == [6, 8]


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["shwo"], "no command 'data shwo': did you mean show?"),
        (["show", "none"], "none: there is no such folder: shapes needs no folder"),
        (["show", "shaps"], "shaps: there is no such folder: did you mean shapes?"),
        (["show", "shapes:trian=4"], "'shapes:trian=4': shapes has no argument 'trian': did you mean train?"),
        (["show", "shapes", "--format", "jsno"], "--format jsno: did you mean json?"),
        (["draw", "photos"], "photos is not a synthetic data set: choose from shapes"),
        (["draw", "shaps"], "shaps is not a synthetic data set: did you mean shapes?"),
        (["fetch", "cats_vs_dgs"], "no data set 'cats_vs_dgs' to fetch: did you mean cats_vs_dogs?"),
        (["fetch", "cats_vs_dogs", "--archive", "none.zip"], "none.zip: there is no such file"),
    ],
)
def test_wrong_usage(archlab, tmp_path: Path, monkeypatch, arguments: list[str], message: str) -> None:
    monkeypatch.chdir(tmp_path)
    assert archlab("data", *arguments) == (2, "", f"archlab: {message}\n")
    assert not list(tmp_path.iterdir())


def test_help_has_examples_that_are_commands(archlab) -> None:
    for command in ((), ("fetch",), ("show",), ("draw",)):
        shown = archlab("data", *command, "--help")
        assert shown.code == 0 and "Examples:" in shown.out and "  archlab data " in shown.out
    assert archlab("data").out.startswith("Usage: archlab data ")


def test_drawings_need_no_tensorflow(tmp_path: Path) -> None:
    code = (
        "import sys; from archlab_cli.main import run;"
        f"assert run(['data', 'draw', {SHAPES!r}, '--to', {str(tmp_path / 'drawn')!r}]) == 0;"
        f"assert run(['data', 'show', {SHAPES!r}]) == 0;"
        "assert 'tensorflow' not in sys.modules"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
