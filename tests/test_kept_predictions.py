"""The table of predictions of networks of other kinds is that of the results kept beside it."""

from __future__ import annotations

from pathlib import Path

from tests.benchmarks.prediction import read, table

DOCS = Path(__file__).parents[1] / "docs"


def test_the_table_and_what_is_said_of_it_are_those_of_the_results() -> None:
    page = (DOCS / "concepts" / "predicted-gradients.md").read_text(encoding="utf-8")
    rows = read(DOCS / "results" / "prediction.jsonl")
    *lines, said = table(rows)
    assert len(rows) >= 52
    assert "\n".join(lines[:-1]) in page
    assert said in " ".join(page.split())
