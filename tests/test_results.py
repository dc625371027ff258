"""The tables of the page on training are those of the runs that are kept beside it."""

from __future__ import annotations

import importlib.util
import sys
from collections.abc import Sequence
from pathlib import Path

import pytest

DOCS = Path(__file__).parents[1] / "docs"
MEASURED = 4
"""The ablation's column of gradients measured by TensorFlow."""


@pytest.fixture(scope="module")
def results():
    spec = importlib.util.spec_from_file_location("results", DOCS / "results.py")
    assert spec and spec.loader
    module = importlib.util.module_from_spec(spec)
    sys.modules[spec.name] = module  # where dataclasses look for it
    spec.loader.exec_module(module)
    yield module
    del sys.modules[spec.name]


def _cells(line: str) -> list[str]:
    return [cell.strip() for cell in line.strip("|").split("|")]


@pytest.fixture(scope="module")
def text() -> str:
    return (DOCS / "concepts" / "training.md").read_text(encoding="utf-8")


@pytest.fixture(scope="module")
def page(text) -> list[list[str]]:
    return [_cells(line) for line in text.splitlines() if line.startswith("|")]


def _unsaid(lines: Sequence[str], text: str) -> list[str]:
    """The sentences that the page does not have word for word, wherever it breaks its lines."""
    flowing = " ".join(text.split())
    return [line for line in lines if line.startswith("- ") and line not in flowing]


@pytest.mark.parametrize("table", ["lecture", "ideas", "fast"])
def test_a_table_is_that_of_the_runs(results, page, text, table) -> None:
    lines = list(getattr(results, table)())
    rows = [_cells(line) for line in lines if line.startswith("|")]
    assert len(rows) > 2
    assert [row for row in rows if row not in page] == []
    assert _unsaid(lines, text) == []


def test_the_ablation_is_that_of_the_runs_and_of_the_analyses(results, page, text) -> None:
    lines = list(results.ablation(measured=False))
    rows = [_cells(line) for line in lines if line.startswith("|")]
    assert len(rows) == 2 + len(results.ABLATION)
    without = [row[:MEASURED] + row[MEASURED + 1 :] for row in page]
    assert [row for row in rows if row[:MEASURED] + row[MEASURED + 1 :] not in without] == []
    assert _unsaid(lines, text) == []


def test_every_run_was_tested_on_all_images(results) -> None:
    runs = [run for topic in results.TABLES for several in results.read(topic).values() for run in several]
    assert runs
    assert {len(run.correct) for run in runs} == {2000}
