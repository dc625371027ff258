"""What every test runs under: TensorFlow quiet, hypothesis at three sizes, the slow tests apart."""

from __future__ import annotations

import os
from pathlib import Path

import pytest
from hypothesis import HealthCheck, settings

from tests.browsers import browser as browser  # one for all tests of pages

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
os.environ.setdefault("CUDA_VISIBLE_DEVICES", "-1")
# Without oneDNN, which TensorFlow leaves aside on some processors, a convolution with channels first has no gradient.
os.environ.setdefault("TF_ENABLE_ONEDNN_OPTS", "1")

_IN_CI = os.environ.get("CI", "").lower() in ("1", "true")

# Building a Keras model takes what it takes: a deadline would only measure the machine.
_COMMON = {"deadline": None, "suppress_health_check": list(HealthCheck), "derandomize": True, "database": None}
settings.register_profile("fast", max_examples=40, **_COMMON)  # pyright: ignore[reportArgumentType]
settings.register_profile("ci", max_examples=40, **_COMMON)  # pyright: ignore[reportArgumentType]
settings.register_profile("full", max_examples=500, **_COMMON)  # pyright: ignore[reportArgumentType]
settings.load_profile("ci" if _IN_CI else "fast")


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption("--slow", action="store_true", help="run every test, with 500 examples where they are random")


def pytest_configure(config: pytest.Config) -> None:
    config.addinivalue_line("markers", "slow: takes more than a few seconds; run in CI or with --slow")
    config.addinivalue_line("markers", "exhaustive: more cases of what CI runs on some; run with --slow only")
    if config.getoption("--slow"):
        settings.load_profile("full")


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    if config.getoption("--slow"):
        return
    left_out = ("exhaustive",) if _IN_CI else ("slow", "exhaustive")
    for item in items:
        if found := [name for name in left_out if name in item.keywords]:
            item.add_marker(pytest.mark.skip(reason=f"{found[0]}: run with --slow"))


@pytest.fixture(scope="session")
def images() -> Path:
    """The lecture's images, which are not part of the project."""
    folder = Path(__file__).resolve().parents[2] / "shared" / "data" / "cats_vs_dogs"
    if not folder.is_dir():
        pytest.skip(f"no images at {folder}")
    return folder
