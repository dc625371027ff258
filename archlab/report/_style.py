"""How text is set off on a terminal: weight and colour, as escape sequences or not at all."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from typing import Literal, TypeAlias

Mark: TypeAlias = Literal["", "name", "best", "worst", "good", "warn", "bad", "dim"]
"""What a text is, beyond what it says: a name or a heading; the best and worst of a row; a verdict; a note."""

Paint: TypeAlias = Callable[[str, Mark], str]

# The sixteen colours of the terminal's own theme, which are legible on its background, whatever that is.
_CODES: Mapping[Mark, str] = {
    "name": "1",
    "best": "1;32",
    "worst": "33",
    "good": "32",
    "warn": "33",
    "bad": "1;31",
    "dim": "2",
}
_VERDICTS: Mapping[str, Mark] = {
    "trains": "good",
    "stable": "good",
    "kept": "good",
    "slow": "warn",
    "fails": "bad",
    "vanishing": "bad",
    "exploding": "bad",
    "broken": "bad",
    "error": "bad",
    "warning": "warn",
}


def plain(text: str, mark: Mark) -> str:
    """The text as it is."""
    return text


def coloured(text: str, mark: Mark) -> str:
    """The text between escape sequences, the spaces around it outside."""
    code = _CODES.get(mark)
    inner = text.strip()
    if code is None or not inner:
        return text
    return text.replace(inner, f"\x1b[{code}m{inner}\x1b[0m", 1)


def verdict(text: str) -> Mark:
    """What a cell is by its first word, if that is a verdict or a severity.

    >>> verdict("fails (0 %)"), verdict("exploding ?"), verdict("721,857")
    ('bad', 'bad', '')
    """
    return _VERDICTS.get(text.split(" ", 1)[0], "")


def marked(line: str, marks: Mapping[str, Mark], paint: Paint) -> str:
    """A line with all phrases that are marked set off, the longest first."""
    if paint is plain or not marks:
        return line
    phrases = sorted(filter(None, marks), key=len, reverse=True)
    pattern = "|".join(rf"(?<!\w){re.escape(phrase)}(?!\w)" for phrase in phrases)
    return re.sub(pattern, lambda match: paint(match.group(), marks[match.group()]), line)
