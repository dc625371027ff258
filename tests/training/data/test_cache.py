"""Photos that do not fit into memory: a file that is whole or not there."""

from __future__ import annotations

import errno
import json
import os
import subprocess
import sys
import time
from pathlib import Path
from typing import BinaryIO

import numpy as np
import pytest

from archlab.errors import OutputError
from archlab.training.data import _cache, _load, open_photos
from tests.training.data.pictures import folder, jpeg, put

SIZE = (12, 16)


@pytest.fixture
def root(tmp_path: Path) -> Path:
    root = folder(tmp_path / "pets")
    put(root / "train" / "cats" / "bad.jpg", jpeg(80)[:-100])
    return root


def files(cache: Path) -> list[str]:
    return sorted(path.suffix for path in cache.iterdir())


def test_a_file_holds_what_memory_would(root: Path, tmp_path: Path) -> None:
    cache = tmp_path / "made" / "on the way"
    memory, file = open_photos(root, SIZE), open_photos(root, SIZE, memory=0, cache=cache)
    for split in ("train", "validation", "test"):
        ours, theirs = getattr(file, split), getattr(memory, split)
        assert isinstance(ours.pixels, np.memmap) and not ours.pixels.flags.writeable
        np.testing.assert_array_equal(ours.pixels, theirs.pixels)
        np.testing.assert_array_equal(ours.labels, theirs.labels)
        assert ours.names == theirs.names
    assert (file.skipped, file.fingerprint) == (memory.skipped, memory.fingerprint)
    (pixels,) = cache.glob("*.npy")
    assert file.notes == (f"decoded photos are kept in {pixels} (0.0 GB)",)
    assert np.load(pixels).shape == (16, 12, 16, 3)
    assert files(cache) == [".json", ".npy"]


def test_memory_decides(root: Path, tmp_path: Path) -> None:
    needed = 17 * 12 * 16 * 3
    for memory, kind in ((needed, np.ndarray), (needed - 1, np.memmap)):
        assert type(open_photos(root, SIZE, memory=memory, cache=tmp_path).train.pixels) is kind


def test_a_file_is_found_again_and_nothing_is_decoded(root: Path, tmp_path: Path, monkeypatch) -> None:
    first = open_photos(root, SIZE, memory=0, cache=tmp_path / "cache")

    def decode(*arguments: object) -> None:
        raise AssertionError("decoded again")

    with monkeypatch.context() as patch:
        patch.setattr(_load, "decode", decode)
        again = open_photos(root, SIZE, memory=0, cache=tmp_path / "cache")
    np.testing.assert_array_equal(first.train.pixels, again.train.pixels)
    assert again.skipped == first.skipped != ()
    monkeypatch.setattr(_load, "decode", decode)
    # Another size, other channels, other splits, other photos: another file.
    for size, channels, splits in (((12, 17), 3, None), (SIZE, 1, None), (SIZE, 3, ("test",))):
        with pytest.raises(AssertionError):
            open_photos(root, size, channels, splits=splits or ("train", "test"), memory=0, cache=tmp_path / "cache")
    put(root / "train" / "cats" / "new.jpg", jpeg(81))
    with pytest.raises(AssertionError):
        open_photos(root, SIZE, memory=0, cache=tmp_path / "cache")


@pytest.mark.parametrize(
    "damage", ["cut off", "longer", "no word", "half a word", "other photos", "no file", "nonsense"]
)
def test_a_damaged_file_is_written_anew(root: Path, tmp_path: Path, damage: str) -> None:
    cache = tmp_path / "cache"
    expected = np.array(open_photos(root, SIZE, memory=0, cache=cache).train.pixels)
    (pixels,), (word,) = cache.glob("*.npy"), cache.glob("*.json")
    if damage == "cut off":
        pixels.write_bytes(pixels.read_bytes()[:-1])
    elif damage == "longer":
        pixels.write_bytes(pixels.read_bytes() + b"\0")
    elif damage == "no word":
        word.unlink()
    elif damage == "half a word":
        word.write_text(word.read_text()[:20])
    elif damage == "other photos":
        word.write_text(json.dumps({**json.loads(word.read_text()), "contents": "0" * 64}))
    elif damage == "no file":
        pixels.unlink()
    else:
        pixels.write_bytes(b"\0" * pixels.stat().st_size)
    found = open_photos(root, SIZE, memory=0, cache=cache)
    np.testing.assert_array_equal(found.train.pixels, expected)
    assert files(cache) == [".json", ".npy"]


@pytest.mark.parametrize("error", [KeyboardInterrupt(), OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))])
def test_a_write_that_breaks_off_leaves_nothing(root: Path, tmp_path: Path, monkeypatch, error: BaseException) -> None:
    cache, written = tmp_path / "cache", []

    def add(self: _cache.Writer, photo: np.ndarray) -> None:
        written.append(photo)
        if len(written) == 5:
            raise error

    monkeypatch.setattr(_cache.Writer, "add", add)
    expected = OutputError if isinstance(error, OSError) else KeyboardInterrupt
    with pytest.raises(expected) as caught:
        open_photos(root, SIZE, memory=0, cache=cache)
    assert files(cache) == []
    if expected is OutputError:
        assert str(caught.value) == (
            f"{cache}: decoded photos cannot be kept here, no space left on device: name another folder as cache"
        )


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="needs a device that is always full")
def test_a_disk_that_is_full_in_earnest(monkeypatch, tmp_path: Path) -> None:
    """`/dev/full` takes what fits into a buffer, and fails when that is flushed: the error must not get lost."""

    def full(handle: int, mode: str) -> BinaryIO:
        os.close(handle)
        return Path("/dev/full").open(mode)  # pyright: ignore[reportReturnType]

    monkeypatch.setattr(_cache.os, "fdopen", full)
    with (
        pytest.raises(OutputError, match="no space left on device"),
        _cache.writing(tmp_path / "a", (1, 1, 1)) as writer,
    ):
        writer.add(np.zeros((1, 1, 1), np.uint8))
    assert files(tmp_path) == []


def test_a_cache_that_cannot_be_made(root: Path, tmp_path: Path) -> None:
    file = put(tmp_path / "file", b"")
    with pytest.raises(OutputError) as caught:
        open_photos(root, SIZE, memory=0, cache=file / "cache")
    assert str(caught.value) == (
        f"{file / 'cache'}: decoded photos cannot be kept here, not a directory: name another folder as cache"
    )


def test_a_writer_that_is_killed_is_not_taken_for_a_good_one(tmp_path: Path) -> None:
    code = (
        "import os, signal, sys, pathlib, numpy as np\n"
        "from archlab.training.data import _cache\n"
        "with _cache.writing(pathlib.Path(sys.argv[1]), (2, 2, 3)) as writer:\n"
        "    for _ in range(100_000): writer.add(np.zeros((2, 2, 3), np.uint8))\n"
        "    os.kill(os.getpid(), signal.SIGKILL)\n"
    )
    done = subprocess.run([sys.executable, "-c", code, str(tmp_path / "a.npy")], capture_output=True, check=False)
    assert done.returncode == -9, done.stderr
    (left,) = tmp_path.iterdir()
    assert left.suffix == ".part" and left.stat().st_size > 1_000_000
    assert _cache.find(tmp_path / "a.npy") is None
    # It may still be another one's, until it is old.
    with _cache.writing(tmp_path / "b.npy", (1, 1, 1)):
        assert left.exists()
    os.utime(left, (time.time() - 90_000,) * 2)
    with _cache.writing(tmp_path / "b.npy", (1, 1, 1)):
        assert not left.exists()


def test_the_header_is_as_long_for_many_photos_as_for_none(tmp_path: Path) -> None:
    with _cache.writing(tmp_path / "a.npy", (1, 1, 1)) as writer:
        for value in range(300):
            writer.add(np.full((1, 1, 1), value % 256, np.uint8))
    found = _cache.find(tmp_path / "a.npy")
    assert found is not None
    np.testing.assert_array_equal(found[0].ravel(), np.arange(300) % 256)


def test_the_default_folder_is_the_systems(monkeypatch, tmp_path: Path) -> None:
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    monkeypatch.setenv("LOCALAPPDATA", str(tmp_path))
    for platform, expected in (
        ("linux", tmp_path / "archlab"),
        ("win32", tmp_path / "archlab" / "Cache"),
        ("darwin", Path.home() / "Library" / "Caches" / "archlab"),
    ):
        monkeypatch.setattr(sys, "platform", platform)
        assert _cache.default_cache() == expected
    monkeypatch.setattr(sys, "platform", "linux")
    monkeypatch.delenv("XDG_CACHE_HOME")
    assert _cache.default_cache() == Path.home() / ".cache" / "archlab"


def test_the_default_memory_is_some_of_what_there_is() -> None:
    assert 2**20 < _cache.default_memory() <= 4 * 2**30
