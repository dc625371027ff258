"""Fetching, from a server on this machine: what a network, an archive and a disk may do wrong."""

from __future__ import annotations

import errno
import hashlib
import io
import os
import stat
import threading
import zipfile
from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from types import SimpleNamespace

import pytest

from archlab.data import ARCHIVES, fetch, open_images
from archlab.data import _fetch as fetching
from archlab.data._archive import LIMITS
from archlab.data._known import split_of
from archlab.errors import DataError, OutputError, UnknownNameError
from tests.data.pictures import jpeg, pixels, png

# The corners of the lecture's split, beyond it, and the two that are known to be damaged.
NUMBERS = (0, 1, 666, 999, 1000, 1499, 1500, 2499, 2500, 11702, 12499)


def image(animal: str, number: int) -> bytes:
    if (animal, number) in (("Cat", 666), ("Dog", 11702)):
        return b""
    if (animal, number) == ("Dog", 1):
        return jpeg(7)[:-100]
    return jpeg(number + (20_000 if animal == "Dog" else 0))


def make(extra: dict[str | zipfile.ZipInfo, bytes] | None = None) -> bytes:
    """An archive as Microsoft's is, with a few of its images."""
    content = io.BytesIO()
    with zipfile.ZipFile(content, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("MSR-LA - 3467.docx", b"licence")
        for animal in ("Cat", "Dog"):
            archive.writestr(f"PetImages/{animal}/Thumbs.db", b"\xd0\xcf")
            for number in NUMBERS:
                archive.writestr(f"PetImages/{animal}/{number}.jpg", image(animal, number))
        for name, data in (extra or {}).items():
            archive.writestr(name, data)
    return content.getvalue()


@dataclass
class Served:
    """What the server does next, and what it was asked."""

    content: bytes
    url: str = ""
    ranges: list[str | None] = field(default_factory=list)
    breaks_after: list[int] = field(default_factory=list)
    """Bytes of each answer after which the connection closes."""
    knows_ranges: bool = True
    status: int = 0
    length: str | None = None
    """What it says of the length, where that is not the truth."""
    begins: int | None = None
    """Where it says that its answer begins, where that is not the truth."""


@pytest.fixture
def server() -> Iterator[Served]:
    served = Served(b"")

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            asked = self.headers.get("Range")
            served.ranges.append(asked)
            if served.status:
                self.send_error(served.status)
                return
            start = int(asked.removeprefix("bytes=").rstrip("-")) if asked and served.knows_ranges else 0
            if start >= len(served.content):
                self.send_error(416)
                return
            body = served.content[start:]
            self.send_response(206 if start else 200)
            if start:
                begins = start if served.begins is None else served.begins
                self.send_header("Content-Range", f"bytes {begins}-{len(served.content) - 1}/{len(served.content)}")
            self.send_header("Content-Length", str(len(body)) if served.length is None else served.length)
            self.end_headers()
            self.wfile.write(body[: served.breaks_after.pop(0) if served.breaks_after else None])

        def log_message(self, format: str, *arguments: object) -> None:
            pass

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as http:
        served.url = f"http://127.0.0.1:{http.server_port}/pets.zip"
        thread = threading.Thread(target=http.serve_forever, kwargs={"poll_interval": 0.01})
        thread.start()
        yield served
        http.shutdown()
        thread.join()


@pytest.fixture
def serve(server: Served, monkeypatch):
    """Have the server offer an archive, and archlab expect it."""

    def offer(content: bytes) -> Served:
        server.content = content
        known = replace(
            ARCHIVES["cats_vs_dogs"], url=server.url, size=len(content), sha256=hashlib.sha256(content).hexdigest()
        )
        monkeypatch.setitem(ARCHIVES, "cats_vs_dogs", known)
        return server

    return offer


def tree(folder: Path) -> set[str]:
    return {path.relative_to(folder).as_posix() for path in folder.rglob("*") if path.is_file()}


def lecture(full: bool = False) -> set[str]:
    """What should come out."""
    found = set()
    for animal in ("cat", "dog"):
        for number in NUMBERS:
            split = split_of(number, full)
            if split and image(animal.capitalize(), number) not in (b"", jpeg(7)[:-100]):
                found.add(f"{split}/{animal}s/{animal}.{number}.jpg")
    return found


@pytest.mark.parametrize("full", [False, True])
def test_the_lectures_split(serve, tmp_path: Path, full: bool) -> None:
    serve(make())
    said: list[str] = []
    to = tmp_path / "pets"
    assert fetch("cats_vs_dogs", to, full, note=said.append) == to
    assert tree(to) == lecture(full) | {"SOURCE.txt"}
    assert (to / "train/cats/cat.0.jpg").read_bytes() == image("Cat", 0)
    expected = [
        "skipped: train/cats/cat.666.jpg (PetImages/Cat/666.jpg): empty: 0 bytes",
        "skipped: train/dogs/dog.1.jpg (PetImages/Dog/1.jpg): damaged: has the header of a JPEG but cannot be decoded",
    ]
    if full:
        expected.insert(2, "skipped: train/dogs/dog.11702.jpg (PetImages/Dog/11702.jpg): empty: 0 bytes")
    assert sorted(said) == sorted(expected)
    assert all(text.removeprefix("skipped: ") in (to / "SOURCE.txt").read_text() for text in said)
    assert [path.name for path in tmp_path.iterdir()] == ["pets"], "nothing but the folder"
    images = open_images(to, (8, 8))
    assert not images.skipped and not images.notes and images.classes == ("cats", "dogs")


def test_the_real_one_is_laid_out_as_the_lecture_has_it(images: Path) -> None:
    for animal in ("cat", "dog"):
        ours = {
            f"{split}/{animal}s/{animal}.{number}.jpg"
            for number in range(12_500)
            if (split := split_of(number, full=False))
        }
        assert ours == {name for name in tree(images) if name.endswith(".jpg") and f"/{animal}s/" in name}


def test_full_leaves_validation_and_test_as_they_are() -> None:
    for number in range(12_500):
        some, every = split_of(number, full=False), split_of(number, full=True)
        assert every == (some or "train")


def test_the_folder_is_as_readable_as_any_other(serve, tmp_path: Path) -> None:
    serve(make())
    (tmp_path / "other").mkdir()
    to = fetch("cats_vs_dogs", tmp_path / "pets")
    assert stat.S_IMODE(to.stat().st_mode) == stat.S_IMODE((tmp_path / "other").stat().st_mode)


def test_a_download_that_breaks_off_goes_on_at_once(serve, tmp_path: Path) -> None:
    server = serve(make())
    server.breaks_after = [1000, 500]
    fetch("cats_vs_dogs", tmp_path / "pets")
    assert server.ranges == [None, "bytes=1000-", "bytes=1500-"]


def test_a_download_that_cannot_go_on_is_gone_on_with_later(serve, tmp_path: Path) -> None:
    server = serve(make())
    server.breaks_after = [1000, 0]
    with pytest.raises(DataError) as caught:
        fetch("cats_vs_dogs", tmp_path / "pets")
    size = len(server.content) / 1e6
    assert str(caught.value) == (
        f"{server.url}: interrupted, the connection was closed: 0 of {size:.0f} MB downloaded, "
        "run the command again to resume"
    )
    (begun,) = tmp_path.iterdir()
    assert begun.read_bytes() == server.content[:1000]
    fetch("cats_vs_dogs", tmp_path / "pets")
    assert server.ranges[-1] == "bytes=1000-"
    assert tree(tmp_path / "pets") == lecture() | {"SOURCE.txt"} and not begun.exists()


def test_ctrl_c_keeps_what_there_is(serve, tmp_path: Path, monkeypatch) -> None:
    serve(make())

    def stop(word: str, done: int, total: int) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr("archlab.data._download._BLOCK", 700)
    with pytest.raises(KeyboardInterrupt):
        fetch("cats_vs_dogs", tmp_path / "pets", progress=stop)
    (begun,) = tmp_path.iterdir()
    assert begun.stat().st_size == 700
    fetch("cats_vs_dogs", tmp_path / "pets")


def test_a_server_that_knows_no_ranges_begins_anew(serve, tmp_path: Path) -> None:
    server = serve(make())
    server.knows_ranges = False
    (tmp_path / ".pets.download").write_bytes(server.content[:1000])
    fetch("cats_vs_dogs", tmp_path / "pets")
    assert server.ranges == ["bytes=1000-"] and tree(tmp_path / "pets") == lecture() | {"SOURCE.txt"}


@pytest.mark.parametrize("where", ["in the middle", "in what was there before"])
def test_another_file_of_the_same_size_is_refused_and_removed(serve, tmp_path: Path, where: str) -> None:
    server = serve(make())
    if where == "in the middle":
        server.content = server.content[:1000] + b"?" + server.content[1001:]
    else:
        (tmp_path / ".pets.download").write_bytes(b"?" * 1000)
    with pytest.raises(DataError) as caught:
        fetch("cats_vs_dogs", tmp_path / "pets")
    expected = ARCHIVES["cats_vs_dogs"].sha256[:16]
    assert str(caught.value).startswith(f"{server.url}: unexpected SHA-256 ")
    assert str(caught.value).endswith(f"…, expected {expected}…; the file was removed")
    assert not list(tmp_path.iterdir())


def test_a_file_of_another_size_is_not_even_begun(serve, tmp_path: Path) -> None:
    server = serve(make())
    size = len(server.content)
    server.content = b"<html>Log in to the network of this hotel</html>"
    with pytest.raises(DataError) as caught:
        fetch("cats_vs_dogs", tmp_path / "pets")
    assert str(caught.value) == f"{server.url}: the server has a file of 48 bytes, expected {size}"
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize("length", ["", "many", "-5", "1e3", "9" * 5000])
def test_a_length_that_is_no_number_says_nothing(serve, tmp_path: Path, length: str) -> None:
    serve(make()).length = length
    fetch("cats_vs_dogs", tmp_path / "pets")
    assert tree(tmp_path / "pets") == lecture() | {"SOURCE.txt"}


@pytest.mark.parametrize("begins", [10**12, 999, 1001])
def test_a_range_that_nobody_asked_for_is_refused(serve, tmp_path: Path, begins: int) -> None:
    server = serve(make())
    server.begins = begins
    begun = tmp_path / ".pets.download"
    begun.write_bytes(server.content[:1000])
    with pytest.raises(DataError, match=rf"answers with the bytes from {begins:,} on, not from 1,000$"):
        fetch("cats_vs_dogs", tmp_path / "pets")
    assert begun.stat().st_size == 1000


def test_a_server_without_the_file_and_one_that_is_not_there(serve, tmp_path: Path, monkeypatch) -> None:
    server = serve(make())
    server.status = 404
    with pytest.raises(DataError, match=r"pets.zip: the server answers 404 Not Found$"):
        fetch("cats_vs_dogs", tmp_path / "pets")
    monkeypatch.setitem(ARCHIVES, "cats_vs_dogs", replace(ARCHIVES["cats_vs_dogs"], url="http://127.0.0.1:9/pets.zip"))
    with pytest.raises(DataError, match=r"pets.zip: cannot be reached, connection refused$"):
        fetch("cats_vs_dogs", tmp_path / "pets")
    assert not list(tmp_path.iterdir())


def member(name: str, mode: int = 0) -> zipfile.ZipInfo:
    info = zipfile.ZipInfo(name)
    info.external_attr = mode << 16
    info.compress_type = zipfile.ZIP_DEFLATED
    return info


HOSTILE: dict[str, tuple[zipfile.ZipInfo, bytes, str]] = {
    "slip": (member("../../evil.jpg"), b"", "'../../evil.jpg' leads out of the folder"),
    "inner slip": (member("PetImages/Cat/../../../evil.jpg"), b"", "leads out of the folder"),
    "absolute": (member("/tmp/evil.jpg"), b"", "'/tmp/evil.jpg' leads out of the folder"),
    "drive": (member("C:/evil.jpg"), b"", "'C:/evil.jpg' leads out of the folder"),
    "backslash": (member("PetImages\\..\\evil.jpg"), b"", "leads out of the folder"),
    "link": (member("PetImages/Cat/7.jpg", stat.S_IFLNK | 0o777), b"/etc/passwd", "is a link or a device, not a file"),
    "device": (member("PetImages/Cat/7.jpg", stat.S_IFCHR | 0o666), b"", "is a link or a device, not a file"),
    "bomb": (member("PetImages/Cat/7.jpg"), b"\0" * 10_000_000, "unpacks to far more than it takes up"),
    "large bomb": (member("PetImages/Cat/7.jpg"), b"\0" * 70_000_000, "unpacks to 70 MB"),
}


@pytest.mark.parametrize("name", HOSTILE)
def test_hostile_archives_are_refused_before_anything_is_unpacked(serve, tmp_path: Path, name: str) -> None:
    info, content, message = HOSTILE[name]
    serve(make({info: content}))
    (tmp_path / "inner").mkdir()
    with pytest.raises(DataError) as caught:
        fetch("cats_vs_dogs", tmp_path / "inner" / "pets")
    assert message in str(caught.value) and str(caught.value).endswith(": nothing was unpacked")
    assert "\n" not in str(caught.value)
    assert [path.name for path in tmp_path.rglob("*")] == ["inner", ".pets.download"]


def test_an_archive_that_unpacks_to_too_much_in_all(serve, tmp_path: Path, monkeypatch) -> None:
    serve(make())
    monkeypatch.setattr(fetching, "LIMITS", replace(LIMITS, total_bytes=5000))
    with pytest.raises(DataError, match=r"unpacks to 0.0 GB, which is too much: nothing was unpacked"):
        fetch("cats_vs_dogs", tmp_path / "pets")
    monkeypatch.setattr(fetching, "LIMITS", replace(LIMITS, members=10))
    with pytest.raises(DataError, match=r"25 files in it, more than 10: nothing was unpacked"):
        fetch("cats_vs_dogs", tmp_path / "pets")


@pytest.mark.filterwarnings("ignore:Duplicate name")
def test_a_member_that_is_in_it_twice(serve, tmp_path: Path) -> None:
    serve(make({"PetImages/Cat/0.jpg": jpeg(3)}))
    with pytest.raises(DataError, match=r"'PetImages/Cat/0.jpg' is in it twice: nothing was unpacked"):
        fetch("cats_vs_dogs", tmp_path / "pets")


def test_what_is_no_archive_or_a_damaged_one(serve, tmp_path: Path) -> None:
    server = serve(b"PK\x03\x04 but not much of it")
    with pytest.raises(DataError, match="not a readable zip file"):
        fetch("cats_vs_dogs", tmp_path / "pets")
    (tmp_path / ".pets.download").unlink()
    content = bytearray(make())
    at = content.index(b"PetImages/Cat/0.jpg") + 40
    content[at : at + 30] = bytes(30)
    serve(bytes(content))
    with pytest.raises(DataError, match=r"'PetImages/Cat/0.jpg' cannot be unpacked"):
        fetch("cats_vs_dogs", tmp_path / "pets")
    assert server.ranges == [None, None] and not (tmp_path / "pets").exists()


def test_an_archive_that_is_here_already(serve, tmp_path: Path) -> None:
    server = serve(make())
    file = tmp_path / "pets.zip"
    file.write_bytes(server.content)
    fetch("cats_vs_dogs", tmp_path / "pets", archive=file)
    assert server.ranges == [] and tree(tmp_path / "pets") == lecture() | {"SOURCE.txt"} and file.exists()
    file.write_bytes(server.content[:-1])
    with pytest.raises(DataError, match=r"pets.zip: not the archive of https://www.microsoft.com"):
        fetch("cats_vs_dogs", tmp_path / "again", archive=file)
    with pytest.raises(DataError, match=r"none.zip: there is no such file"):
        fetch("cats_vs_dogs", tmp_path / "again", archive=tmp_path / "none.zip")
    assert file.exists()


def test_targets_that_cannot_be(serve, tmp_path: Path) -> None:
    server = serve(make())
    (tmp_path / "pets").mkdir()
    (tmp_path / "pets" / "mine.txt").write_text("mine")
    (tmp_path / "link").symlink_to(tmp_path / "nowhere")
    for to, message in (
        (tmp_path / "pets", "exists already, and is not written over: name another folder"),
        (tmp_path / "link", "exists already, and is not written over: name another folder"),
        (tmp_path / "none" / "pets", f"there is no folder {tmp_path / 'none'}"),
    ):
        with pytest.raises(OutputError) as caught:
            fetch("cats_vs_dogs", to)
        assert str(caught.value) == f"{to}: {message}"
    assert server.ranges == [] and tree(tmp_path / "pets") == {"mine.txt"}


def test_a_folder_that_cannot_be_written(serve, tmp_path: Path, monkeypatch) -> None:
    serve(make())
    monkeypatch.setattr("archlab.files._folder.os.access", lambda *arguments: False)
    with pytest.raises(OutputError, match=r"pets: cannot be written, permission denied$"):
        fetch("cats_vs_dogs", tmp_path / "pets")


def test_a_target_that_appears_meanwhile_is_left_alone(serve, tmp_path: Path) -> None:
    serve(make())

    def appear(word: str, done: int, total: int) -> None:
        if word == "unpacking" and not (tmp_path / "pets").exists():
            (tmp_path / "pets").mkdir()
            (tmp_path / "pets" / "mine.txt").write_text("mine")

    with pytest.raises(OutputError, match="exists already"):
        fetch("cats_vs_dogs", tmp_path / "pets", progress=appear)
    assert tree(tmp_path) == {"pets/mine.txt", ".pets.download"}


@pytest.mark.parametrize("moment", ["download", "unpacking"])
def test_a_full_disk(serve, tmp_path: Path, monkeypatch, moment: str) -> None:
    serve(make())
    full = OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
    to = tmp_path / "pets"

    def fail(*arguments: object) -> None:
        raise full

    if moment == "unpacking":
        monkeypatch.setattr(Path, "write_bytes", fail)
        with pytest.raises(OutputError) as caught:
            fetch("cats_vs_dogs", to)
        assert str(caught.value) == f"{to}: cannot be written, no space left on device"
    else:
        opened = Path.open

        class Full(io.BytesIO):
            write = fail  # pyright: ignore[reportAssignmentType]

        monkeypatch.setattr(Path, "open", lambda self, mode: Full() if mode == "wb" else opened(self, mode))
        with pytest.raises(OutputError) as caught:
            fetch("cats_vs_dogs", to)
        assert str(caught.value) == f"{tmp_path / '.pets.download'}: cannot be written, no space left on device"
    assert not to.exists() and {path.name for path in tmp_path.iterdir()} <= {".pets.download"}


def test_too_little_room_is_seen_before_anything_is_fetched(serve, tmp_path: Path, monkeypatch) -> None:
    server = serve(make())
    usage = SimpleNamespace(total=9, used=9, free=0)
    monkeypatch.setattr("archlab.data._fetch.shutil.disk_usage", lambda path: usage)
    with pytest.raises(OutputError, match=r"pets: downloading and unpacking needs 0.0 GB, but only 0.0 GB are free$"):
        fetch("cats_vs_dogs", tmp_path / "pets")
    assert server.ranges == []


def test_names_that_nothing_answers_to(tmp_path: Path) -> None:
    with pytest.raises(UnknownNameError, match=r"no data set 'cats_vs_dog' to fetch: did you mean cats_vs_dogs\?"):
        fetch("cats_vs_dog", tmp_path / "pets")


def test_what_is_pinned_is_pinned_whole() -> None:
    for known in ARCHIVES.values():
        assert known.url.startswith("https://") and len(known.sha256) == 64 and int(known.sha256, 16)
    known = ARCHIVES["cats_vs_dogs"]
    assert (known.size, known.sha256[:16]) == (824_887_076, "b7974bd00a84a999")


def test_an_image_in_another_format_is_kept(serve, tmp_path: Path) -> None:
    serve(make({"PetImages/Cat/3.jpg": png(pixels(3))}))
    fetch("cats_vs_dogs", tmp_path / "pets")
    assert "train/cats/cat.3.jpg is a PNG" in open_images(tmp_path / "pets", (8, 8)).notes[0]
