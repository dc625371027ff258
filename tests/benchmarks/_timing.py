"""Timing in turns, so that a machine that slows down slows both sides."""

from __future__ import annotations

import os
import subprocess
import sys
import time
from collections.abc import Callable, Mapping
from statistics import median


def in_turns(contenders: Mapping[str, Callable[[], object]], rounds: int) -> dict[str, float]:
    """Median seconds of each contender, all of them run once a round; one round before is not counted."""
    times: dict[str, list[float]] = {name: [] for name in contenders}
    for number in range(rounds + 1):
        for name, run in contenders.items():
            start = time.perf_counter()
            run()
            if number:
                times[name].append(time.perf_counter() - start)
    return {name: median(each) for name, each in times.items()}


def process(*arguments: str) -> Callable[[], object]:
    """A whole Python process, its output thrown away. Modules are compiled once, as in an installed package."""
    environment = {name: value for name, value in os.environ.items() if name != "PYTHONDONTWRITEBYTECODE"}
    return lambda: subprocess.run(
        [sys.executable, *arguments],
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        check=True,
        env=environment,
    )


def report(title: str, times: Mapping[str, float], yardstick: str, bound: str = "") -> None:
    """Print each median and its ratio to the yardstick."""
    print(f"\n{title}" + (f" (to show: {bound})" if bound else ""))
    for name, seconds in times.items():
        print(f"  {name:<44} {seconds * 1e3:10.2f} ms   {seconds / times[yardstick]:8.4f} × {yardstick}")
