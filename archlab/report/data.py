"""A survey of a data set as a report."""

from __future__ import annotations

from archlab.report._parts import Align, Part, Prose, Report, Table
from archlab.training.data import Pixels, Survey
from archlab.units import format_bytes, format_exact

_SKIPPED = 20


def data_report(survey: Survey) -> Report:
    """Photos by class and split, how large they are, and what is skipped, and why."""
    noun = "drawings" if survey.synthetic else "photos"
    head = f"{survey.title}: {format_exact(survey.count())} {noun}, {len(survey.classes)} classes{_sizes(survey)}"
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
        return f", {height.median} × {width.median} pixels"
    return f", {_range(height)} high and {_range(width)} wide in pixels"


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
            "photos": group.photos,
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
        rows.append((f"and {format_exact(more)} more", "--format json has them all"))
    return Table(
        f"Skipped: {format_exact(len(survey.skipped))}", ("file", "why"), tuple(rows), ("left", "left"), fold=True
    )
