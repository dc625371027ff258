"""The tables of the page on PyTorch models are those of the results that are kept beside it."""

from __future__ import annotations

import importlib.util
from pathlib import Path

DOCS = Path(__file__).parents[1] / "docs"


def test_the_page_has_the_tables_of_the_results() -> None:
    spec = importlib.util.spec_from_file_location("torch_results", DOCS / "torch_results.py")
    assert spec and spec.loader
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    page = (DOCS / "how-to" / "pytorch-models.md").read_text(encoding="utf-8")
    assert module.written(page) == page
    assert all(f"<!-- table {name} -->\n\n|" in page for name in module.TABLES)
