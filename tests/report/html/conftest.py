"""Pages opened from files, as their readers do."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.browsers import watched


@pytest.fixture
def opened(browser: Any, tmp_path: Path) -> Iterator[Callable[..., Any]]:
    """Open a page from a file as a reader does; whatever it asks of a network or complains of fails the test."""
    contexts: list[Any] = []
    complaints: list[list[str]] = []

    def show(html: str, name: str = "report.html", width: int = 1280, scheme: str = "light") -> Any:
        file = tmp_path / name
        file.write_text(html, encoding="utf-8")
        context = browser.new_context(
            offline=True, viewport={"width": width, "height": 900}, color_scheme=scheme, reduced_motion="reduce"
        )
        context.set_default_timeout(20_000)
        contexts.append(context)
        page = context.new_page()
        complaints.append(watched(page))
        page.goto(file.as_uri())
        page.wait_for_selector("html[data-ready]")
        return page

    yield show
    for context in contexts:
        context.close()
    assert [each for page in complaints for each in page] == []
