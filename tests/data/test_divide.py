"""The division into splits as a function of a listing alone: what must hold whatever the images are."""

from __future__ import annotations

import hashlib
from collections import Counter
from dataclasses import replace
from pathlib import Path

from hypothesis import assume, given
from hypothesis import strategies as st

from archlab.data._divide import divide, fingerprint
from archlab.data._folder import SPLITS, ImageFile, Listing
from archlab.errors import DataError

ROOT = Path("pets")


def image(split: str | None, label: int, number: int, content: int) -> ImageFile:
    name = "/".join(filter(None, (split, ("cats", "dogs")[label], f"{number}.jpg")))
    digest = hashlib.sha256(str(content).encode()).hexdigest()
    return ImageFile(ROOT / name, name, label, digest, 1, "JPEG")


@st.composite
def listings(draw) -> Listing:
    """Images of two classes in some splits or none, with copies within and across them."""
    splits = draw(st.sampled_from([("train",), ("train", "test"), ("train", "validation"), SPLITS, None]))
    images: dict[str, tuple[ImageFile, ...]] = {}
    for split in splits or ("train",):
        counts = draw(st.tuples(st.integers(3, 60), st.integers(3, 60)))
        images[split] = tuple(
            image(splits and split, label, number, draw(st.integers(0, 400)))
            for label, count in enumerate(counts)
            for number in range(count)
        )
    folders = {split: ROOT / split for split in splits or ()}
    return Listing(ROOT, ("cats", "dogs"), folders, images, dict.fromkeys(images, ()), ())


def divided(listing: Listing) -> Listing:
    try:
        return divide(listing)
    except DataError:
        assume(False)
        raise


@given(listings())
def test_every_image_is_used_once_or_skipped_with_a_reason(listing: Listing) -> None:
    found = divided(listing)
    before = Counter(image.name for images in listing.images.values() for image in images)
    used = Counter(image.name for images in found.images.values() for image in images)
    skipped = Counter(each.name for each_split in found.skipped.values() for each in each_split)
    assert used + skipped == before
    assert all(each.reason.startswith("duplicate of ") for split in found.skipped.values() for each in split)


@given(listings())
def test_no_content_is_in_two_splits_or_under_two_classes(listing: Listing) -> None:
    found = divided(listing)
    assert set(found.images) == set(SPLITS)
    contents = [{image.digest for image in found.images[split]} for split in SPLITS]
    assert not contents[0] & contents[1] and not contents[0] & contents[2] and not contents[1] & contents[2]
    for images in found.images.values():
        labels = {(image.digest, image.label) for image in images}
        assert len(labels) == len({image.digest for image in images})


@given(listings())
def test_images_for_testing_stay_unless_they_contradict_each_other(listing: Listing) -> None:
    found = divided(listing)
    if "test" in listing.images:
        labels: dict[str, set[int]] = {}
        for each in listing.images["test"]:
            labels.setdefault(each.digest, set()).add(each.label)
        assert found.images["test"] == tuple(p for p in listing.images["test"] if len(labels[p.digest]) == 1)


@given(listings())
def test_what_is_set_apart_is_15_percent_of_each_class(listing: Listing) -> None:
    found = divided(listing)
    made = [split for split in ("validation", "test") if split not in listing.images]
    for label in (0, 1):
        # Of contents: copies stay together.
        contents = {split: {p.digest for p in found.images[split] if p.label == label} for split in ("train", *made)}
        together = set.union(*contents.values())
        assert [len(contents[split]) for split in made] == [max(1, round(0.15 * len(together)))] * len(made)
    notes = [note for note in found.notes if "split off" in note]
    assert len(notes) == (set(listing.images) != set(SPLITS))


@given(listings(), st.randoms(use_true_random=False))
def test_the_order_and_the_names_of_images_do_not_matter(listing: Listing, random) -> None:
    def contents(found: Listing) -> dict[str, list[str]]:
        return {split: sorted(image.digest for image in found.images[split]) for split in SPLITS}

    shuffled = {}
    for split, images in listing.images.items():
        order = random.sample(images, len(images))
        shuffled[split] = tuple(replace(each, name=f"{each.name}-{number}") for number, each in enumerate(order))
    assert contents(divided(listing)) == contents(divided(replace(listing, images=shuffled)))


@given(listings())
def test_dividing_what_is_divided_changes_nothing(listing: Listing) -> None:
    found = divided(listing)
    assert divide(found).images == found.images


def test_the_fingerprint_knows_name_class_content_and_order() -> None:
    a, b = image("train", 0, 1, 1), image("train", 0, 2, 2)
    assert fingerprint([a, b]) == fingerprint([replace(a, path=Path("elsewhere")), b])
    others = ([b, a], [a], [replace(a, name="x"), b], [replace(a, label=1), b], [replace(a, digest=b.digest), b])
    assert len({fingerprint(each) for each in ([a, b], *others)}) == 6
