"""The documentation: its commands and its Python run, and print what the pages show."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from tests.pages import ELSEWHERE, PAGES, ROOT, blocks, commands, outputs, same

NAMES = [path.relative_to(ROOT).as_posix() for path in PAGES]
QUICK = (
    "docs/reference/command-line.md",
    "docs/how-to/compare.md",
    "docs/how-to/diff.md",
    "docs/how-to/write-an-architecture.md",
)
"""Pages that build and measure next to nothing; the others run in CI."""
LONG = (
    "docs/tutorial.md",
    "docs/concepts/gradient-flow.md",
    "docs/concepts/gradient-gallery.md",
    "docs/how-to/effective-receptive-field.md",
    "docs/how-to/measure-gradients.md",
)
"""Pages that measure networks of fifty layers."""


def _mark(page: str) -> Any:
    if page in QUICK:
        return page
    return pytest.param(page, marks=pytest.mark.exhaustive if page in LONG else pytest.mark.slow)


@pytest.mark.filterwarnings("ignore::DeprecationWarning")  # Keras's own use of NumPy
@pytest.mark.parametrize("page", [_mark(name) for name in NAMES if name not in ELSEWHERE])
def test_a_page_shows_what_comes_out(page: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "docs").symlink_to(ROOT / "docs")
    monkeypatch.chdir(tmp_path)
    text = (ROOT / page).read_text(encoding="utf-8")
    for block, _, shown, real in outputs(text, page):
        assert same(shown, real), (
            f"{page}:{block.line} shows\n{shown}\nand this comes out (python docs/outputs.py):\n{real}"
        )


def test_what_does_not_run_says_why() -> None:
    for path in PAGES:
        for block in blocks(path.read_text(encoding="utf-8")):
            assert block.not_run is None or len(block.not_run.split()) >= 2, f"{path}:{block.line}"


@pytest.mark.parametrize(
    ("shown", "real", "equal"),
    [
        ("a 1.23\n", "a 1.24\n", True),
        ("a 1.23\n", "a 1.27\n", False),
        ("a 12\n", "a 13\n", False),
        ("took 12.5 ms\n", "took 4 ms\n", True),
        ("first\n…\nlast\n", "first\nmore\nlast\n", True),
        ("first\n…\nlast\n", "first\nmore\nlast\nand more\n", False),
        ("one\n", "one\ntwo\n", False),
        ("1,204 of 3\n", "1,205 of 3\n", False),
        ("7.8e-09\n", "7.9e-09\n", True),
        ("7.8e-09\n", "7.8e-08\n", False),
        ("", "anything\n", True),
    ],
)
def test_what_counts_as_the_same_output(shown: str, real: str, equal: bool) -> None:
    assert same(shown, real) is equal


def test_commands_and_outputs_are_told_apart() -> None:
    page = (
        "x\n\n```console\n$ archlab a \\\n    b\nout\n\nmore\n$ archlab c\n```\n\n"
        "```python\nprint(1)\n```\n\n```text\n1\n```\n"
    )
    console, python = blocks(page)
    assert [(each.text, each.shown) for each in commands(console.body)] == [
        ("archlab a      b", "out\n\nmore\n"),
        ("archlab c", ""),
    ]
    assert python.shown == "1\n" and page[slice(*python.span)] == "1\n"
