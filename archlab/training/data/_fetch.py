"""Data sets that can be fetched, and the lecture's split of them."""

from __future__ import annotations

import re
import shutil
import zipfile
from collections import Counter
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path

from archlab.bridge import load_keras
from archlab.errors import DataError, OutputError, UnknownNameError, did_you_mean
from archlab.training.data._archive import check_members, find_members, read_member
from archlab.training.data._decode import UndecodableError, decode, reason_of
from archlab.training.data._download import download, hash_file
from archlab.training.data._folder import Progress, in_parallel
from archlab.training.data._quiet import quiet_decoders
from archlab.training.data._whole import check_new, new_folder


@dataclass(frozen=True)
class Archive:
    """Where a data set lies, how one knows it, and which of its members are photos."""

    url: str
    page: str
    size: int
    """Bytes."""
    sha256: str
    member: str
    """A pattern for the names of photos: first the class, then the number."""
    classes: Mapping[str, str] = field(default_factory=dict)
    """The archive's names of the classes, and the folders here."""
    source: str = ""


# The one place where this is written. Size and hash as several public projects pin them that check what they download.
ARCHIVES = {
    "cats_vs_dogs": Archive(
        url="https://download.microsoft.com/download/3/E/1/3E1C3F21-ECDB-4869-8368-6DEBA77B919F/kagglecatsanddogs_5340.zip",
        page="https://www.microsoft.com/en-us/download/details.aspx?id=54765",
        size=824_887_076,
        sha256="b7974bd00a84a99921f36ee4403f089853777b5ae8d151c76a86e64900334af9",
        member=r"PetImages/(Cat|Dog)/(\d+)\.jpg",
        classes={"Cat": "cats", "Dog": "dogs"},
        source="Elson, Douceur, Howell and Saul: Asirra. A CAPTCHA that exploits interest-aligned manual image "
        "categorization. ACM CCS 2007",
    )
}
_LECTURE = {"train": range(1000), "validation": range(1000, 1500), "test": range(1500, 2500)}


def split_of(number: int, full: bool) -> str | None:
    """The split of the photo of a number: the lecture's; all others are left out, or for training.

    >>> split_of(999, full=False), split_of(1500, full=True), split_of(2500, full=False), split_of(2500, full=True)
    ('train', 'test', None, 'train')
    """
    found = next((split for split, numbers in _LECTURE.items() if number in numbers), None)
    return "train" if found is None and full else found


def fetch(
    name: str,
    to: str | Path,
    full: bool = False,
    progress: Progress | None = None,
    *,
    archive: str | Path | None = None,
    note: Callable[[str], None] | None = None,
) -> Path:
    """Download a data set and lay it out as class folders in `train`, `validation` and `test`.

    `cats_vs_dogs` is Microsoft's archive of 25,000 photos, 0.8 GB. Of each class the photos numbered 0 to 999 are for
    training, 1000 to 1499 for validation, 1500 to 2499 for testing, as in the lecture. With `full` the other ones are
    for training too: validation and test stay what they are. A photo that cannot be decoded is left out and named.

    A download that breaks off is gone on with by the next call, from a hidden file beside the folder. The folder
    appears when everything is in it. `SOURCE.txt` in it says where it comes from, and what was left out.

    Args:
        name: the data set.
        to: the folder, which must not exist.
        full: all photos, not only the lecture's.
        progress: called with what is being done, how much is done and how much there is.
        archive: the archive itself, if it has been downloaded by other means.
        note: called with each thing that the user should know.

    Returns:
        The folder.

    Raises:
        UnknownNameError: no data set of that name is known.
        DataError: the network fails, or the archive is not the one that was expected.
        OutputError: the folder exists, or cannot be written.

    >>> fetch("cats", "photos")
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
            f"{path}: not the archive that {known.page} has: SHA-256 {found[:16]}…, not {known.sha256[:16]}…"
        )


def _check_room(to: Path, known: Archive, begun: Path) -> None:
    """The archive and what comes out of it, which is about as large, lie here side by side for a while."""
    needed = 2 * known.size - (begun.stat().st_size if begun.exists() else 0)
    free = shutil.disk_usage(to.parent).free
    if free < needed:
        raise OutputError(
            f"{to}: downloading and unpacking takes {needed / 1e9:.1f} GB, and {free / 1e9:.1f} GB are free"
        )


def _unpack(
    path: Path, known: Archive, folder: Path, full: bool, progress: Progress, note: Callable[[str], None]
) -> None:
    """The photos, decoded once to see whether they can be, under the names that the lecture has for them."""
    try:
        archive = zipfile.ZipFile(path)
    except (zipfile.BadZipFile, OSError) as error:
        raise DataError(f"{path}: not a zip file that can be read, {error}") from None
    with archive:
        check_members(archive, path)
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

        left_out: list[str] = []
        counts: Counter[str] = Counter()
        results = in_parallel(work, wanted, lambda n: progress("unpacking", n, len(wanted)), quiet_decoders)
        for (member, name), (content, trouble) in zip(wanted, results, strict=True):
            if trouble:
                left_out.append(f"{name} ({member.filename}): {trouble}")
                continue
            file = folder / name
            file.parent.mkdir(parents=True, exist_ok=True)
            file.write_bytes(content)
            counts[name.partition("/")[0]] += 1
    for text in left_out:
        note(f"left out: {text}")
    (folder / "SOURCE.txt").write_text(_source(known, counts, left_out), encoding="utf-8")


def _source(known: Archive, counts: Counter[str], left_out: list[str]) -> str:
    splits = ", ".join(f"{counts[split]} for {split}" for split in _LECTURE)
    lines = [f"From {known.url}", f"SHA-256 {known.sha256}", f"See {known.page}", known.source, "", f"Photos: {splits}"]
    return "\n".join([*lines, *(["", "Left out:", *left_out] if left_out else [])]) + "\n"
