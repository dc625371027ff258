"""A report as LaTeX: tables with booktabs, sentences as text."""

from __future__ import annotations

from archlab.report._listing import listing
from archlab.report._parts import Chart, Listing, Part, Report, Table
from archlab.report._text import ASCII_BARS, draw
from archlab.text import in_latex


def to_latex(report: Report) -> str:
    """Write a report as LaTeX, to be read into a document that uses the package booktabs.

    Args:
        report: its tables become `tabular` environments, its charts and listings `verbatim` ones.

    >>> from archlab.report import Table
    >>> print(to_latex(Report((Table("", ("", "a_b"), [("MACs", "≥ 415 M")], ("left", "right")),))))
    % Needs \\usepackage{booktabs}
    \\begin{tabular}{lr}
      \\toprule
       & a\\_b \\\\
      \\midrule
      MACs & $\\geq$ 415 M \\\\
      \\bottomrule
    \\end{tabular}
    <BLANKLINE>
    """
    return "% Needs \\usepackage{booktabs}\n" + "\n\n".join(map(_part, report.parts)) + "\n"


def escaped(text: str) -> str:
    """Text in which nothing is a command of LaTeX's."""
    # The labels of rows that belong to the one above are set in.
    indent = r"\quad " * ((len(text) - len(text.lstrip(" "))) // 2)
    return indent + in_latex(text.strip(" ").replace("\n", " "))


def _part(part: Part) -> str:
    title = f"\\paragraph{{{escaped(part.title)}}}\n" if part.title else ""
    if isinstance(part, Table):
        return title + _table(part)
    if isinstance(part, Chart):
        return title + _verbatim(draw(part, None, ASCII_BARS))
    if isinstance(part, Listing):
        return title + _verbatim(listing(part, None))
    return title + "\n\n".join(escaped(line) for line in part.lines)


def _table(table: Table) -> str:
    align = "".join(each[0] for each in table.align) or "l" * len(table.columns)
    body, totals = table.texts[: len(table.rows) - table.totals], table.texts[len(table.rows) - table.totals :]
    lines = [f"\\begin{{tabular}}{{{align}}}", r"  \toprule", _row(table.columns), r"  \midrule", *map(_row, body)]
    if totals:
        lines += [r"  \midrule", *map(_row, totals)]
    return "\n".join([*lines, r"  \bottomrule", r"\end{tabular}"])


def _row(cells: tuple[str, ...]) -> str:
    return f"  {' & '.join(map(escaped, cells))} \\\\"


def _verbatim(text: str) -> str:
    # Whatever a name holds, it cannot end the environment: LaTeX looks for these very words.
    return f"\\begin{{verbatim}}\n{text.replace(chr(92) + 'end{verbatim}', 'end verbatim')}\n\\end{{verbatim}}"
