"""A report as GitHub-flavoured markdown."""

from __future__ import annotations

from archlab.report._listing import listing
from archlab.report._parts import Chart, Listing, Part, Report, Table
from archlab.report._text import BARS, draw

_SIGNS = {"added": "+", "removed": "-", "changed": "~", "follows": "·", "same": " ", "": " "}


def to_markdown(report: Report) -> str:
    """Write a report as markdown: tables as tables, charts and listings as code blocks."""
    return "\n\n".join(_part(part) for part in report.parts) + "\n"


def _escaped(text: str) -> str:
    # Indented labels belong to the row above; markdown would drop the spaces.
    indent = "&nbsp;" * (len(text) - len(text.lstrip(" ")))
    text = text.lstrip(" ")
    return indent + text.replace("\\", "\\\\").replace("|", "\\|").replace("<", "&lt;").replace("*", "\\*").replace(
        "_", "\\_"
    )


def _part(part: Part) -> str:
    title = f"### {_escaped(part.title)}\n\n" if part.title else ""
    if isinstance(part, Table):
        from tabulate import tabulate

        rows = [[_escaped(cell) for cell in row] for row in part.texts]
        columns = [_escaped(column) for column in part.columns]
        return title + tabulate(rows, columns, "pipe", colalign=part.align or None, disable_numparse=True)
    if isinstance(part, Chart):
        return f"{title}```text\n{draw(part, None, BARS)}\n```"
    if isinstance(part, Listing):
        # Where markdown is read, blocks of this kind have lines in colour by their first sign, which must be ASCII.
        return f"{title}```diff\n{listing(part, None, _SIGNS)}\n```"
    return title + "\n".join(f"- {_escaped(line)}" for line in part.lines)
