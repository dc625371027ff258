"""The report of a data set."""

from __future__ import annotations

from archlab.data import Pixels, Survey
from archlab.report._parts import Align, Part, Prose, Report, Table
from archlab.units import format_bytes, format_exact

_SKIPPED = 20


def data_report(survey: Survey) -> Report:
    """The number of images by class and split, their sizes, and the skipped files."""
    head = f"{survey.title}: {format_exact(survey.count())} images, {len(survey.classes)} classes{_sizes(survey)}"
    parts: list[Part] = [Prose("", (head,)), _counts(survey)]
    if survey.skipped:
        parts.append(_skipped(survey))
    notes = [f"{note[0].upper()}{note[1:]}." for note in survey.notes]
    return Report((*parts, Prose("", (*notes, f"Fingerprint {survey.fingerprint}"))))


def _sizes(survey: Survey) -> str:
    if survey.height is None or survey.width is None:
        return ""
    height, width = survey.height, survey.width
    if height.smallest == height.largest and width.smallest == width.largest:
        return f", {height.median} × {width.median} px"
    return f", height {_range(height)} px, width {_range(width)} px"


def _range(pixels: Pixels) -> str:
    return f"{pixels.smallest} to {pixels.largest} (median {pixels.median})"


def _counts(survey: Survey) -> Table:
    on_disk = any(group.bytes for group in survey.groups)
    rows: list[tuple[str, ...]] = []
    for name in (*survey.classes, None):
        counts = [format_exact(survey.count(split, name)) for split in survey.splits]
        total = sum(group.bytes for group in survey.groups if name in (None, group.name))
        size = (format_bytes(total),) if on_disk else ()
        rows.append((name or "total", *counts, format_exact(survey.count(None, name)), *size))
    columns = ("class", *survey.splits, "all", *(("on disk",) if on_disk else ()))
    right: tuple[Align, ...] = ("right",)
    records = tuple(
        {
            "split": group.split,
            "class": group.name,
            "photos": group.images,
            "bytes": group.bytes,
            **{
                f"{axis}_{key}": getattr(size, key) if size else None
                for axis, size in (("height", group.height), ("width", group.width))
                for key in ("smallest", "median", "largest")
            },
        }
        for group in survey.groups
    )
    return Table("", columns, tuple(rows), ("left", *right * (len(columns) - 1)), records, essential=2, totals=1)


def _skipped(survey: Survey) -> Table:
    rows = [(each.name, each.reason) for each in survey.skipped[:_SKIPPED]]
    more = len(survey.skipped) - len(rows)
    if more:
        rows.append((f"and {format_exact(more)} more", "--format json lists them all"))
    return Table(
        f"Skipped: {format_exact(len(survey.skipped))}", ("file", "reason"), tuple(rows), ("left", "left"), fold=True
    )
