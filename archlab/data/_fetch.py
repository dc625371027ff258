"""Download an archive, or take a local one, and extract its images into class folders."""

from __future__ import annotations

import re
import shutil
import zipfile
from collections import Counter
from collections.abc import Callable
from contextlib import ExitStack
from pathlib import Path

from archlab.bridge import load_keras
from archlab.data._archive import LIMITS, find_members, read_member
from archlab.data._decode import UndecodableError, decode
from archlab.data._download import download, hash_file
from archlab.data._folder import Progress, in_parallel
from archlab.data._known import ARCHIVES, LECTURE, Archive, split_of
from archlab.data._quiet import quiet_decoders
from archlab.data._shapes import MARK
from archlab.errors import DataError, OutputError, UnknownNameError, did_you_mean
from archlab.files import check_new, exclusive, new_folder, reason_of
from archlab.files.archive import UnsafeArchiveError, open_archive


def fetch(
    name: str,
    to: str | Path,
    full: bool = False,
    progress: Progress | None = None,
    *,
    archive: str | Path | None = None,
    note: Callable[[str], None] | None = None,
) -> Path:
    """Download a data set into class folders in `train`, `validation` and `test`.

    `cats_vs_dogs` is Microsoft's archive of 25,000 images, 0.8 GB. In each class, images 0 to 999 are for training,
    1000 to 1499 for validation and 1500 to 2499 for test, as in the lecture. `full` adds the other images to the
    training split. Images that cannot be decoded are skipped and reported.

    The next call resumes an interrupted download from a hidden file beside the folder. The folder appears once it is
    complete. Its `SOURCE.txt` names the source and the skipped images.

    Args:
        name: the data set.
        to: the folder, which must not exist.
        full: use all images, not only the lecture's.
        progress: called with the name of the step, the amount done and the total.
        archive: a local copy of the archive, instead of a download.
        note: called with each message for the user.

    Returns:
        The folder.

    Raises:
        UnknownNameError: there is no data set of that name.
        DataError: the network fails, or the archive's hash differs.
        UsageError: another process is downloading into the folder.
        OutputError: the folder exists, or cannot be written.

    >>> fetch("cats", "pets")
    Traceback (most recent call last):
    ...
    archlab.errors.UnknownNameError: no data set 'cats' to fetch: did you mean cats_vs_dogs?
    """
    if name not in ARCHIVES:
        raise UnknownNameError(f"no data set {name!r} to fetch: {did_you_mean(name, ARCHIVES)}")
    known, to = ARCHIVES[name], Path(to)
    progress = progress or (lambda word, done, total: None)
    note = note or (lambda text: None)
    check_new(to)
    if archive is not None:
        path = Path(archive)
        _check_archive(path, known)
    else:
        path = to.parent / f".{to.name}.download"
    busy = f"{to}: another process is downloading into this folder: wait for it, or choose another folder"
    with exclusive(to.parent / f".{to.name}.lock", busy):
        if archive is None:
            _check_room(to, known, path)
            download(known.url, path, known.size, known.sha256, progress)
        with new_folder(to) as folder:
            _unpack(path, known, folder, full, progress, note)
        if archive is None:
            path.unlink(missing_ok=True)
    return to


def _check_archive(path: Path, known: Archive) -> None:
    if not path.is_file():
        raise DataError(f"{path}: there is no such file")
    try:
        found = hash_file(path)
    except OSError as error:
        raise DataError(f"{path}: cannot be read, {reason_of(error)}") from None
    if found != known.sha256:
        raise DataError(
            f"{path}: not the archive of {known.page}: SHA-256 {found[:16]}…, expected {known.sha256[:16]}…"
        )


def _check_room(to: Path, known: Archive, partial: Path) -> None:
    """Check the free space: the archive and its images, about as large, are on the disk together for a while."""
    needed = 2 * known.size - (partial.stat().st_size if partial.exists() else 0)
    free = shutil.disk_usage(to.parent).free
    if free < needed:
        raise OutputError(
            f"{to}: downloading and unpacking needs {needed / 1e9:.1f} GB, but only {free / 1e9:.1f} GB are free"
        )


def _unpack(
    path: Path, known: Archive, folder: Path, full: bool, progress: Progress, note: Callable[[str], None]
) -> None:
    """Extract the images under the lecture's file names; those that cannot be decoded are skipped."""
    with ExitStack() as stack:
        try:
            archive = stack.enter_context(open_archive(path, LIMITS))
        except UnsafeArchiveError as error:
            raise DataError(f"{path}: {error}: nothing was unpacked") from None
        except (zipfile.BadZipFile, OSError) as error:
            raise DataError(f"{path}: not a readable zip file, {error}") from None
        wanted: list[tuple[zipfile.ZipInfo, str]] = []
        for member, found in find_members(archive, re.compile(known.member)):
            folder_name, number = known.classes[found[1]], int(found[2])
            split = split_of(number, full)
            if split is not None:
                wanted.append((member, f"{split}/{folder_name}/{folder_name.removesuffix('s')}.{number}.jpg"))
        progress("loading TensorFlow", 0, len(wanted))
        tf, _ = load_keras()

        def work(item: tuple[zipfile.ZipInfo, str]) -> tuple[bytes, str]:
            content = read_member(archive, item[0], path)
            try:
                decode(tf, content, 3)
            except UndecodableError as error:
                return b"", str(error)
            return content, ""

        skipped: list[str] = []
        counts: Counter[str] = Counter()
        results = in_parallel(work, wanted, lambda n: progress("unpacking", n, len(wanted)), quiet_decoders)
        for (member, name), (content, failure) in zip(wanted, results, strict=True):
            if failure:
                skipped.append(f"{name} ({member.filename}): {failure}")
                continue
            file = folder / name
            file.parent.mkdir(parents=True, exist_ok=True)
            file.write_bytes(content)
            counts[name.partition("/")[0]] += 1
    for text in skipped:
        note(f"skipped: {text}")
    (folder / MARK).write_text(_source(known, counts, skipped), encoding="utf-8")


def _source(known: Archive, counts: Counter[str], skipped: list[str]) -> str:
    splits = ", ".join(f"{counts[split]} for {split}" for split in LECTURE)
    lines = [f"From {known.url}", f"SHA-256 {known.sha256}", f"See {known.page}", known.source, "", f"Images: {splits}"]
    return "\n".join([*lines, *(["", "Skipped:", *skipped] if skipped else [])]) + "\n"
