"""Text broken into lines: at spaces, in names behind a separator, never inside a word or between number and unit."""

from __future__ import annotations

import re
import textwrap

_FIXED = "\u2007"  # stands for a space that is not broken; no text holds it
_UNBROKEN = re.compile(r"(?<=\d) (?=[^\s(\d])|(?<=[×…]) | (?=[×…])|(?<=1) (?=− )")
# The coarsest first: a name is broken inside its parts only where the parts are too wide.
_SEPARATORS = tuple(map(re.compile, (r"(?<=[/:,])(?=\w)", r"(?<=[_=])(?=\w)")))
_SHORT = 14


def wrapped(text: str, width: int, indent: str = "", hanging: str = "") -> list[str]:
    """Lines of at most that width, as far as words that are not broken allow.

    >>> wrapped("191 × 191 (100 %)", 10)
    ['191 × 191', '(100 %)']
    """
    lines = textwrap.wrap(
        _UNBROKEN.sub(_FIXED, text),
        max(width, 1),
        initial_indent=indent,
        subsequent_indent=hanging,
        break_long_words=False,
        break_on_hyphens=False,
    )
    return [line.replace(_FIXED, " ") for line in lines] or [""]


def wrapped_name(text: str, width: int) -> list[str]:
    """A name, or any cell of a table, in lines: at spaces, and where that is too wide behind a separator.

    >>> wrapped_name("keras:MobileNetV3Small", 16), wrapped_name("stage5/block1/max_pool", 14)
    (['keras:', 'MobileNetV3Small'], ['stage5/block1/', 'max_pool'])
    """
    return [piece for line in wrapped(text, width) for piece in _broken(line, width, _SEPARATORS)]


def _broken(line: str, width: int, separators: tuple[re.Pattern[str], ...]) -> list[str]:
    if len(line) <= width or not separators:
        return [line]
    first, *finer = separators
    lines = [""]
    for piece in first.split(line):
        if len(lines[-1]) + len(piece) <= width or not lines[-1]:
            lines[-1] += piece
        else:
            lines.append(piece)
    return [smaller for each in lines for smaller in _broken(each, width, tuple(finer))]


def narrowest(text: str) -> int:
    """The width that `wrapped_name` needs; a name of a few letters is not broken to save room."""
    return max(map(len, wrapped_name(text, _SHORT)))
