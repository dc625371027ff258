"""The tables and listings of a report as CSV, numbers unformatted."""

from __future__ import annotations

import csv
import io

from archlab.report._parts import Listing, Report, Table
from archlab.text import printable


def to_csv(report: Report) -> str:
    """Write the first part that has records: a header, then a row for each; an empty cell where nothing is known."""
    for part in report.parts:
        if isinstance(part, Table | Listing) and part.records:
            text = io.StringIO()
            columns = list(dict.fromkeys(key for record in part.records for key in record))
            writer = csv.DictWriter(text, columns, lineterminator="\n")
            writer.writeheader()
            writer.writerows({key: in_csv(value) for key, value in record.items()} for record in part.records)
            return text.getvalue()
    return ""


_FORMULA = ("=", "+", "-", "@")


def in_csv(value: object) -> object:
    """Text that a spreadsheet shows: one that begins like a formula is quoted, unless it is a number or several.

    After OWASP's 'CSV Injection'.
    """
    if not isinstance(value, str):
        return value
    shown = printable(value)
    return f"'{shown}" if shown.startswith(_FORMULA) and not _is_numeric(shown) else shown


def _is_numeric(text: str) -> bool:
    try:
        return bool([float(word) for word in text.split()])
    except ValueError:
        return False
