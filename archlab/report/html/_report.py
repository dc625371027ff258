"""Any report as a page of its own."""

from __future__ import annotations

from datetime import datetime

from archlab.report._parts import Report
from archlab.report._provenance import made_by
from archlab.report.html._page import page
from archlab.report.html._sections import sections


def to_html(
    report: Report, title: str = "archlab", command: str | None = None, when: datetime | None = None
) -> str:  # fmt: skip
    """Write a report as a page that opens from a file: tables that sort, curves, sentences.

    Args:
        report: what the page shows.
        title: its heading.
        command: what the report was made by; Python where there was none.
        when: it was made; now, by default.

    >>> from archlab.report import Prose, Report
    >>> "a &lt;b&gt; in it" in to_html(Report((Prose("", ("a <b> in it",)),)))
    True
    """
    origin = made_by(command, when)
    return page(
        "report.html",
        title=title,
        sections=sections(report.parts, title),
        provenance=origin,
        archlab=dict(origin)["archlab"],
    )
