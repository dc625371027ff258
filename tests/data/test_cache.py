"""Images that do not fit into memory: a file that is whole or not there."""

from __future__ import annotations

import errno
import json
import os
import subprocess
import sys
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import BinaryIO

import numpy as np
import pytest

from archlab.data import _cache, _load, open_images
from archlab.errors import OutputError
from archlab.files import cache_folder
from tests.data.pictures import folder, jpeg, put

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
    memory, file = open_images(root, SIZE), open_images(root, SIZE, memory=0, cache=cache)
    for split in ("train", "validation", "test"):
        ours, theirs = getattr(file, split), getattr(memory, split)
        assert isinstance(ours.pixels, np.memmap) and not ours.pixels.flags.writeable
        np.testing.assert_array_equal(ours.pixels, theirs.pixels)
        np.testing.assert_array_equal(ours.labels, theirs.labels)
        assert ours.names == theirs.names
    assert (file.skipped, file.fingerprint) == (memory.skipped, memory.fingerprint)
    (pixels,) = cache.glob("*.npy")
    assert file.notes == (f"decoded images are cached in {pixels} (0.0 GB)",)
    assert np.load(pixels).shape == (16, 12, 16, 3)
    assert files(cache) == [".json", ".npy"]


def test_memory_decides(root: Path, tmp_path: Path) -> None:
    needed = 17 * 12 * 16 * 3
    for memory, kind in ((needed, np.ndarray), (needed - 1, np.memmap)):
        assert type(open_images(root, SIZE, memory=memory, cache=tmp_path).train.pixels) is kind


def test_a_file_is_found_again_and_nothing_is_decoded(root: Path, tmp_path: Path, monkeypatch) -> None:
    first = open_images(root, SIZE, memory=0, cache=tmp_path / "cache")

    def decode(*arguments: object) -> None:
        raise AssertionError("decoded again")

    with monkeypatch.context() as patch:
        patch.setattr(_load, "decode", decode)
        again = open_images(root, SIZE, memory=0, cache=tmp_path / "cache")
    np.testing.assert_array_equal(first.train.pixels, again.train.pixels)
    assert again.skipped == first.skipped != ()
    monkeypatch.setattr(_load, "decode", decode)
    # Another size, other channels, other splits, other images: another file.
    for size, channels, splits in (((12, 17), 3, None), (SIZE, 1, None), (SIZE, 3, ("test",))):
        with pytest.raises(AssertionError):
            open_images(root, size, channels, splits=splits or ("train", "test"), memory=0, cache=tmp_path / "cache")
    put(root / "train" / "cats" / "new.jpg", jpeg(81))
    with pytest.raises(AssertionError):
        open_images(root, SIZE, memory=0, cache=tmp_path / "cache")


@pytest.mark.parametrize(
    "damage", ["cut off", "longer", "no word", "half a word", "other images", "no file", "nonsense"]
)
def test_a_damaged_file_is_written_anew(root: Path, tmp_path: Path, damage: str) -> None:
    cache = tmp_path / "cache"
    expected = np.array(open_images(root, SIZE, memory=0, cache=cache).train.pixels)
    (pixels,), (word,) = cache.glob("*.npy"), cache.glob("*.json")
    if damage == "cut off":
        pixels.write_bytes(pixels.read_bytes()[:-1])
    elif damage == "longer":
        pixels.write_bytes(pixels.read_bytes() + b"\0")
    elif damage == "no word":
        word.unlink()
    elif damage == "half a word":
        word.write_text(word.read_text()[:20])
    elif damage == "other images":
        word.write_text(json.dumps({**json.loads(word.read_text()), "contents": "0" * 64}))
    elif damage == "no file":
        pixels.unlink()
    else:
        pixels.write_bytes(b"\0" * pixels.stat().st_size)
    found = open_images(root, SIZE, memory=0, cache=cache)
    np.testing.assert_array_equal(found.train.pixels, expected)
    assert files(cache) == [".json", ".npy"]


@pytest.mark.parametrize("error", [KeyboardInterrupt(), OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))])
def test_a_write_that_breaks_off_leaves_nothing(root: Path, tmp_path: Path, monkeypatch, error: BaseException) -> None:
    cache, written = tmp_path / "cache", []

    def add(self: _cache.Writer, image: np.ndarray) -> None:
        written.append(image)
        if len(written) == 5:
            raise error

    monkeypatch.setattr(_cache.Writer, "add", add)
    expected = OutputError if isinstance(error, OSError) else KeyboardInterrupt
    with pytest.raises(expected) as caught:
        open_images(root, SIZE, memory=0, cache=cache)
    assert files(cache) == []
    if expected is OutputError:
        assert str(caught.value) == (
            f"{cache}: decoded images cannot be cached here, no space left on device: choose another folder with cache="
        )


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="needs a device that is always full")
def test_a_disk_that_is_full_in_earnest(monkeypatch, tmp_path: Path) -> None:
    """`/dev/full` takes what fits into a buffer, and fails when that is flushed: the error must not get lost."""

    def full(path: Path, mode: str = "r") -> BinaryIO:
        return open("/dev/full", mode)  # pyright: ignore[reportReturnType]

    monkeypatch.setattr(Path, "open", full)
    with (
        pytest.raises(OutputError, match="no space left on device"),
        _cache.writing(tmp_path / "a", (1, 1, 1)) as writer,
    ):
        writer.add(np.zeros((1, 1, 1), np.uint8))
    assert files(tmp_path) == []


def test_a_cache_that_cannot_be_made(root: Path, tmp_path: Path) -> None:
    file = put(tmp_path / "file", b"")
    with pytest.raises(OutputError) as caught:
        open_images(root, SIZE, memory=0, cache=file / "cache")
    assert str(caught.value) == (
        f"{file / 'cache'}: decoded images cannot be cached here, not a directory: choose another folder with cache="
    )


def test_a_writer_that_is_killed_is_not_taken_for_a_good_one(tmp_path: Path) -> None:
    code = (
        "import os, signal, sys, pathlib, numpy as np\n"
        "from archlab.data import _cache\n"
        "with _cache.writing(pathlib.Path(sys.argv[1]), (2, 2, 3)) as writer:\n"
        "    for _ in range(100_000): writer.add(np.zeros((2, 2, 3), np.uint8))\n"
        "    os.kill(os.getpid(), signal.SIGKILL)\n"
    )
    done = subprocess.run([sys.executable, "-c", code, str(tmp_path / "a.npy")], capture_output=True, check=False)
    assert done.returncode == -9, done.stderr
    (left,) = tmp_path.iterdir()
    assert left.name.startswith(".new.") and left.suffix == ".npy" and left.stat().st_size > 1_000_000
    assert _cache.find(tmp_path / "a.npy") is None
    # It may still be another one's, until it is old.
    with _cache.writing(tmp_path / "b.npy", (1, 1, 1)):
        assert left.exists()
    os.utime(left, (time.time() - 90_000,) * 2)
    with _cache.writing(tmp_path / "b.npy", (1, 1, 1)):
        assert not left.exists()


def test_the_header_is_as_long_for_many_images_as_for_none(tmp_path: Path) -> None:
    with _cache.writing(tmp_path / "a.npy", (1, 1, 1)) as writer:
        for value in range(300):
            writer.add(np.full((1, 1, 1), value % 256, np.uint8))
    found = _cache.find(tmp_path / "a.npy")
    assert found is not None
    np.testing.assert_array_equal(found[0].ravel(), np.arange(300) % 256)


@pytest.mark.skipif(sys.platform != "linux", reason="platformdirs names the folders of the other systems")
def test_the_cache_stands_in_the_users_cache_folder(root: Path, monkeypatch, tmp_path: Path) -> None:
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "xdg"))
    open_images(root, SIZE, memory=0)
    assert files(tmp_path / "xdg" / "archlab") == [".json", ".npy"]
    monkeypatch.delenv("XDG_CACHE_HOME")
    assert cache_folder() == Path.home() / ".cache" / "archlab"


def test_of_two_processes_one_decodes_and_the_other_waits(root: Path, tmp_path: Path, monkeypatch) -> None:
    cache = tmp_path / "cache"
    decodes: list[str] = []
    real = _load._write

    def write(file: Path, *arguments: object) -> None:
        decodes.append(file.name)
        time.sleep(0.2)
        real(file, *arguments)  # pyright: ignore[reportCallIssue]

    monkeypatch.setattr(_load, "_write", write)
    with ThreadPoolExecutor(2) as pool:
        first, second = pool.map(lambda _: open_images(root, SIZE, memory=0, cache=cache), range(2))
    assert len(decodes) == 1
    np.testing.assert_array_equal(first.train.pixels, second.train.pixels)
    assert files(cache) == [".json", ".npy"]


def test_the_default_memory_is_some_of_what_there_is() -> None:
    assert 2**20 < _cache.default_memory() <= 4 * 2**30
