from __future__ import annotations

import pytest

from archlab.errors import ShapeError, SourceError
from archlab.text import one_line, printable, shown


@pytest.mark.parametrize(
    ("text", "safe"),
    [
        ("conv → 3×3 ‘é’ \u00a0", "conv → 3×3 ‘é’ \u00a0"),
        ("\x1b[31m", r"\x1b[31m"),
        ("a\nb\r\t\x00\x7f\x9b", r"a\nb\r\t\x00\x7f\x9b"),
        ("\u202eevil\u2028", r"\u202eevil\u2028"),
        ("\udcff", r"\udcff"),
    ],
)
def test_what_a_terminal_would_obey_is_escaped(text: str, safe: str) -> None:
    assert printable(text) == safe and printable(safe) == safe


def test_errors_are_one_short_line() -> None:
    assert str(SourceError("no file \x1b[2J\n  here")) == r"no file \x1b[2J here"
    long = str(SourceError(f"no file {'x' * 5000}: give another"))
    assert len(long) < 300 and long.endswith("x: give another") and "…" in long
    assert str(ShapeError("does not fit").at("conv\x07")) == r"conv\x07: does not fit"
    assert len(one_line("a " * 9999)) == 1000


@pytest.mark.parametrize(
    "value",
    [10**5000, -(10**5000), [10**5000], "x" * 10**6, float("nan"), [[]] * 999, "\ud800"],
    ids=lambda value: type(value).__name__,
)
def test_every_value_is_shown_on_one_short_line(value: object) -> None:
    said = shown(value)
    assert 0 < len(said) <= 80 and said.isprintable()
    said.encode()
