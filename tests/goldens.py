"""What commands and pictures have been seen to say, kept to compare with."""

from __future__ import annotations

from pathlib import Path

import pytest

GOLDEN = Path(__file__).parent / "golden"


def golden(name: str, text: str) -> None:
    """Compare with a golden file; written anew where it is missing, for a person to look at before it is committed."""
    path = GOLDEN / name
    if not path.exists():
        path.write_text(text, encoding="utf-8")
        pytest.fail(f"{path} did not exist: look at it and run again")
    assert text == path.read_text(encoding="utf-8")
