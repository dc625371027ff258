"""The HTML report: how large it is, how long it takes to write, and how long until a reader can use it.

python -m tests.benchmarks.page [architecture …]
"""

from __future__ import annotations

import os
import shutil
import sys
import tempfile
import time
from pathlib import Path
from statistics import median
from typing import Any

from archlab import compare

_LOADS = 7
_SIZE, _SECONDS = 3e6, 2.0


def main(nets: list[str]) -> None:
    """Measure the report of some architectures, gradients measured too; the lecture's unless named."""
    found = compare(*nets)
    start = time.perf_counter()
    page = found.to_html()
    size = len(page.encode())
    print(f"The report of {', '.join(nets)}")
    print(f"  size     {size / 1e6:8.2f} MB   (to show: at most {_SIZE / 1e6:g})")
    print(f"  written  {time.perf_counter() - start:8.2f} s")
    with tempfile.TemporaryDirectory() as folder:
        file = Path(folder) / "report.html"
        file.write_text(page, encoding="utf-8")
        for slower in (1, 4):
            drawn, ready = opened(file, slower)
            bound = f"   (to show: at most {_SECONDS:g})" if slower == 1 else ""
            print(f"  opened on a processor {slower} times slower: drawn {drawn:.2f} s, usable {ready:.2f} s{bound}")


def opened(file: Path, slower: int) -> tuple[float, float]:
    """Seconds from opening the file to its first picture, and until a table has been sorted by a click."""
    from playwright.sync_api import sync_playwright

    system = next(filter(None, map(shutil.which, ("chromium", "chromium-browser", "google-chrome"))), None)
    root = hasattr(os, "geteuid") and os.geteuid() == 0
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=system, args=["--no-sandbox"] if root else [])
        times = [_load(browser, file, slower) for _ in range(_LOADS + 1)][1:]
        browser.close()
    return median(drawn for drawn, _ in times), median(ready for _, ready in times)


def _load(browser: Any, file: Path, slower: int) -> tuple[float, float]:
    context = browser.new_context(offline=True)
    page = context.new_page()
    page.context.new_cdp_session(page).send("Emulation.setCPUThrottlingRate", {"rate": slower})
    page.goto(file.as_uri())
    page.wait_for_selector("html[data-ready]")
    # The page notes when its tables sort and its graphs move; what the click itself takes comes on top.
    ready, click = page.evaluate(
        """async () => {
            const start = performance.now();
            document.querySelector("th button").click();
            await new Promise(requestAnimationFrame);
            return [Number(document.documentElement.dataset.ready), performance.now() - start];
        }"""
    )
    paints = page.evaluate("performance.getEntriesByName('first-contentful-paint').map(each => each.startTime)")
    context.close()
    return (paints[0] if paints else float("nan")) / 1e3, (ready + click) / 1e3


if __name__ == "__main__":
    main(sys.argv[1:] or ["baseline", "residual"])
