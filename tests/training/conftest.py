from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from archlab.training import Run, train

DRAWINGS = "shapes:train=48,validation=16,test=24,size=32"
SETTINGS = {
    "size": "0:24,0.5:32", "test_size": 32, "batch": 16, "optimizer": "adamw", "lr": 0.01, "schedule": "cosine",
    "warmup": 0.1, "average": 0.9, "crop": 0.5, "flip": True, "test_flip": True, "label_smoothing": 0.1,
}  # fmt: skip
NET = "residual:depth=4,width=8"


@pytest.fixture(scope="session")
def small() -> Callable[..., Run]:
    """Train a small net on a few synthetic images, in seconds."""

    def call(run: Path, **options: Any) -> Run:
        settings = SETTINGS | options.pop("settings", {})
        given = {"data": DRAWINGS, "epochs": 3, "seed": 1} | options
        return train(given.pop("reference", NET), run=run, settings=settings, **given)

    return call


@pytest.fixture(scope="session")
def finished(small: Callable[..., Run], tmp_path_factory: pytest.TempPathFactory) -> Run:
    """A finished run, which no test may change."""
    return small(tmp_path_factory.mktemp("runs") / "finished")
