"""One browser for all tests of pages, cut off from every network."""

from __future__ import annotations

import os
import shutil
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

_SYSTEM = ("chromium", "chromium-browser", "google-chrome")


@pytest.fixture(scope="session")
def browser() -> Iterator[Any]:
    """The system's Chromium, or Playwright's own."""
    playwright = pytest.importorskip("playwright.sync_api")
    system = next(filter(None, map(shutil.which, _SYSTEM)), None)
    with playwright.sync_playwright() as started:
        root = hasattr(os, "geteuid") and os.geteuid() == 0
        try:
            launched = started.chromium.launch(executable_path=system, args=["--no-sandbox"] if root else [])
        except playwright.Error as error:
            pytest.skip(f"no Chromium, of the system or of Playwright: {str(error).splitlines()[0]}")
        yield launched
        launched.close()


def watched(page: Any) -> list[str]:
    """What a page asks of a network and complains of from now on."""
    complaints: list[str] = []

    def look(request: Any) -> None:
        if not request.url.startswith(("file:", "data:")):
            complaints.append(f"asked for {request.url}")

    page.on("request", look)
    page.on("console", lambda message: complaints.append(f"{message.type}: {message.text}"))
    page.on("pageerror", lambda error: complaints.append(f"error: {error}"))
    page.on("dialog", lambda dialog: (complaints.append(f"dialog: {dialog.message}"), dialog.dismiss()))
    return complaints


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
