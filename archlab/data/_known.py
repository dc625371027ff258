"""Data sets that can be downloaded, and the lecture's splits of them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field


@dataclass(frozen=True)
class Archive:
    """The address and hash of a data set's archive, and which of its members are images."""

    url: str
    page: str
    size: int
    """Bytes."""
    sha256: str
    member: str
    """A pattern of the image names: first group the class, second the number."""
    classes: Mapping[str, str] = field(default_factory=dict)
    """The class names in the archive, and their folders here."""
    source: str = ""


# The only place for these. Several public projects pin the same size and hash.
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
LECTURE = {"train": range(1000), "validation": range(1000, 1500), "test": range(1500, 2500)}


def split_of(number: int, full: bool) -> str | None:
    """The split of an image by its number. Numbers outside the lecture's splits are unused, or for training if `full`.

    >>> split_of(999, full=False), split_of(1500, full=True), split_of(2500, full=False), split_of(2500, full=True)
    ('train', 'test', None, 'train')
    """
    found = next((split for split, numbers in LECTURE.items() if number in numbers), None)
    return "train" if found is None and full else found
