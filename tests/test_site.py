"""The built site: every page is in reach, says what it shows, and shuts nobody out, in both palettes."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from tests.browsers import violations

pytestmark = [pytest.mark.slow, pytest.mark.xdist_group("browser")]

ROOT = Path(__file__).resolve().parents[1]
PAGES = (
    "index.html",
    "tutorial/index.html",
    "how-to/compare/index.html",
    "reference/layers/index.html",
    "concepts/forecast/index.html",
    "comparison/index.html",
)


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("site")
    done = subprocess.run(
        [sys.executable, "-m", "mkdocs", "build", "-q", "--strict", "--site-dir", str(folder)],
        cwd=ROOT,
        env={**os.environ, "NO_MKDOCS_2_WARNING": "1"},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    return folder


def opened(browser: Any, file: Path, scheme: str = "light", width: int = 1280) -> Any:
    context = browser.new_context(
        offline=True, viewport={"width": width, "height": 900}, color_scheme=scheme, reduced_motion="reduce"
    )
    page = context.new_page()
    page.goto(file.as_uri())
    page.wait_for_load_state("load")
    return page


@pytest.mark.parametrize(("scheme", "width"), [("light", 1280), ("dark", 390)])
@pytest.mark.parametrize("name", PAGES)
def test_nobody_is_shut_out_of_the_site(browser, site: Path, name: str, scheme: str, width: int) -> None:
    page = opened(browser, site / name, scheme, width)
    assert violations(page) == []
    assert page.evaluate("document.documentElement.scrollWidth <= innerWidth")
    page.context.close()


def test_pictures_are_dark_in_the_dark_palette() -> None:
    style = (ROOT / "docs" / "stylesheets" / "site.css").read_text(encoding="utf-8")
    turned = re.findall(r'\[src\*="images/(\w+)"\]', style)
    light = [
        path.stem
        for path in (ROOT / "docs" / "images").glob("*.svg")
        if "prefers-color-scheme" not in path.read_text(encoding="utf-8")
    ]
    left = [name for name in light if not any(name.startswith(each) for each in turned)]
    assert turned and [name for name in left if not name.startswith("terminal")] == []


def test_that_test_fails_where_a_link_looks_like_text(browser, site: Path) -> None:
    page = opened(browser, site / "index.html")
    page.add_style_tag(content=".md-content .md-typeset :is(p, li) a { text-decoration: none !important }")
    assert {each.split(":")[0] for each in violations(page)} == {"link-in-text-block"}
    page.context.close()
