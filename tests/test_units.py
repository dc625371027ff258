from __future__ import annotations

import math

import pytest

from archlab.units import format_bytes, format_count, format_share, format_small


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (None, "–"), (0, "0"), (7, "7"), (999, "999"), (1000, "1.00 k"), (991_041, "991 k"), (999_499, "999 k"),
        (999_950, "1.00 M"), (415_288_960, "415 M"), (15_470_264_320, "15.5 G"), (9_999, "10.0 k"), (10**21, "1000 E"),
    ],
)  # fmt: skip
def test_counts(value: int | None, text: str) -> None:
    assert format_count(value) == text


@pytest.mark.parametrize(
    ("value", "text"),
    [(None, "–"), (0, "0 B"), (1023, "1023 B"), (1024, "1.00 KiB"), (3_964_164, "3.78 MiB"), (1024**3, "1.00 GiB")],
)
def test_bytes(value: int | None, text: str) -> None:
    assert format_bytes(value) == text


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (None, "–"), (0.0, "0"), (8.1e-10, "8.1e-10"), (0.153, "0.15"), (0.0063, "0.0063"), (248.2, "250"),
        (1.0, "1.0"), (0.0996, "0.10"), (math.nan, "NaN"), (math.inf, "∞"), (-math.inf, "−∞"), (12345.0, "1.2e+04"),
        (-0.5, "-0.50"),
    ],
)  # fmt: skip
def test_small_numbers(value: float | None, text: str) -> None:
    assert format_small(value) == text


def test_shares() -> None:
    assert format_share(78 / 180) == "43.3 %" and format_share(1.0, 0) == "100 %" and format_share(None) == "–"
