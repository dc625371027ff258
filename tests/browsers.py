"""One browser for all tests of pages, cut off from every network, and what they ask of a page."""

from __future__ import annotations

import os
import shutil
from collections.abc import Iterator
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


def violations(page: Any) -> list[str]:
    """What axe finds serious or critical, each with its place."""
    from axe_playwright_python.sync_playwright import Axe

    found = Axe().run(page).response["violations"]
    return [
        f"{each['id']}: {each['nodes'][0]['html'][:200]} {each['nodes'][0]['failureSummary'][:300]}"
        for each in found
        if each["impact"] in ("serious", "critical")
    ]
