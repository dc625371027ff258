"""The tables on training, of benchmarks and of the comparison are those of the results that are kept beside them."""

from __future__ import annotations

import importlib.util
import json
import sys
from collections.abc import Iterator, Sequence
from pathlib import Path
from types import ModuleType

import pytest

from archlab import analyze, load

DOCS = Path(__file__).parents[1] / "docs"
MEASURED = 4
"""The ablation's column of gradients measured by TensorFlow."""


@pytest.fixture(scope="module")
def results():
    yield from _script("results")


@pytest.fixture(scope="module")
def benchmarks():
    yield from _script("benchmarks")


def _script(name: str) -> Iterator[ModuleType]:
    spec = importlib.util.spec_from_file_location(name, DOCS / f"{name}.py")
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


def test_the_benchmarks_are_those_of_the_results(benchmarks) -> None:
    assert (DOCS / "benchmarks.md").read_text(encoding="utf-8") == benchmarks.page()


def test_the_comparison_is_that_of_the_results(benchmarks) -> None:
    text = (DOCS / "comparison.md").read_text(encoding="utf-8")
    assert text == benchmarks.compared(text)
    assert benchmarks.compared(text.replace("4,089,238,376", "4,089,238,377")) == text


def test_what_archlab_counted_for_the_comparison_is_what_it_counts() -> None:
    found = json.loads((DOCS / "results" / "peers.json").read_text(encoding="utf-8"))["torchvision resnet50"]["rows"]
    counted, ours = found[:2]
    analysis = analyze(load("torchvision:resnet50").graph) if importlib.util.find_spec("torchvision") else None
    assert (ours["parameters"], ours["macs"]) == (counted["parameters"], counted["macs"])
    if analysis is None:
        pytest.skip("torchvision is not installed")
    assert (analysis.params.total, analysis.compute.macs) == (counted["parameters"], counted["macs"])
