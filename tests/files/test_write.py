"""Files that are written whole or not at all."""

from __future__ import annotations

import os
import stat
import threading
from pathlib import Path

import pytest

from archlab import files
from archlab.errors import OutputError


def test_a_file_is_replaced_whole_or_not_at_all(tmp_path) -> None:
    file = tmp_path / "file.txt"
    files.write_text(file, "old")

    def broken(beside: Path) -> None:
        beside.write_text("ne")
        raise OSError(28, "No space left on device")

    with pytest.raises(OutputError, match="cannot be written, no space left on device"):
        files.write_whole(file, broken)
    assert file.read_text() == "old" and os.listdir(tmp_path) == ["file.txt"]
    files.write_text(file, "new")
    assert file.read_text() == "new"


@pytest.mark.skipif(os.name == "nt", reason="Windows knows no such permissions")
def test_what_is_replaced_keeps_its_permissions(tmp_path) -> None:
    file = tmp_path / "file.txt"
    files.write_text(file, "old")
    file.chmod(0o640)
    files.write_text(file, "new")
    assert file.stat().st_mode & 0o777 == 0o640


def test_an_interrupt_leaves_nothing_behind(tmp_path) -> None:
    def interrupted(beside: Path) -> None:
        beside.write_text("ne")
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        files.write_whole(tmp_path / "file.txt", interrupted)
    assert not os.listdir(tmp_path)


def test_a_file_that_cannot_be_put_in_its_place_stays_where_it_is(tmp_path) -> None:
    file, place = tmp_path / "next.txt", tmp_path / "taken"
    files.write_text(file, "new")
    (place / "something").mkdir(parents=True)
    with pytest.raises(OutputError, match=f"{place.name}: cannot be written, "):
        files.move_whole(file, place)
    assert file.read_text() == "new" and place.is_dir()
    files.move_whole(file, tmp_path / "last.txt")
    assert sorted(os.listdir(tmp_path)) == ["last.txt", "taken"]


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="Windows has no pipes in its file system")
def test_a_pipe_and_a_device_are_written_into(tmp_path) -> None:
    pipe, got = tmp_path / "pipe", []
    os.mkfifo(pipe)
    reader = threading.Thread(target=lambda: got.append(pipe.read_text()))
    reader.start()
    files.write_text(pipe, "through")
    reader.join(10)
    assert got == ["through"] and stat.S_ISFIFO(pipe.stat().st_mode)
    files.write_text(Path(os.devnull), "away")
    assert stat.S_ISCHR(Path(os.devnull).stat().st_mode)


@pytest.mark.skipif(os.name == "nt", reason="symbolic links need a right of their own on Windows")
@pytest.mark.parametrize("target", ["there.txt", "not-yet.txt"])
def test_a_symbolic_link_stays_and_its_target_is_replaced(tmp_path, target: str) -> None:
    (tmp_path / "there.txt").write_text("old")
    (tmp_path / "link.txt").symlink_to(target)
    files.write_text(tmp_path / "link.txt", "new")
    assert (tmp_path / "link.txt").is_symlink() and (tmp_path / target).read_text() == "new"


def test_two_writers_of_a_file_do_not_share_one(tmp_path) -> None:
    file = tmp_path / "file.txt"

    def slow(beside: Path) -> None:
        beside.write_text("first, the whole of it")
        files.write_text(file, "second")

    files.write_whole(file, slow)
    assert file.read_text() == "first, the whole of it" and os.listdir(tmp_path) == ["file.txt"]


def test_a_name_that_is_as_long_as_a_name_can_be(tmp_path) -> None:
    file = tmp_path / ("n" * 251 + ".txt")
    files.write_text(file, "whole")
    assert file.read_text() == "whole"
