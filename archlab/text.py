"""Text from outside as it may be shown: on one line, nothing in it that a terminal would obey, not too long."""

from __future__ import annotations

import re
from reprlib import Repr
from unicodedata import category

_LONGEST_VALUE = 80
_LONGEST_WORD = 200
_LONGEST_LINE = 1000
_SHORTEST_TAIL = 4
_HOLDERS = (dict, list, set, tuple)
# A list may hold the same list twice, that one another twice, and so on: written out, no memory would hold it.
_brief = Repr()
_brief.maxlevel, _brief.maxlist, _brief.maxtuple, _brief.maxdict, _brief.maxstring = 3, 20, 20, 10, _LONGEST_VALUE


def printable(text: str) -> str:
    """The text with every control character, lone surrogate and mark of direction written as Python would.

    >>> printable("a\\x1b[31mb")
    'a\\\\x1b[31mb'
    """
    if text.isprintable():
        return text
    # Spaces of other widths are not printable to Python, and do no harm.
    return "".join(
        letter if letter.isprintable() or category(letter) == "Zs" else letter.encode("unicode_escape").decode()
        for letter in text
    )


def one_line(text: str) -> str:
    """The text on one line that can be printed, long words and the whole cut in the middle: the text of an error.

    >>> one_line("no file\\n  " + "x" * 1000 + ": give one")[-30:]
    'xxxxxxxxxxxxxxxxxxxx: give one'
    """
    # Most errors are a short line already.
    if len(text) > _LONGEST_WORD:
        text = re.sub(rf"\S{{{_LONGEST_WORD + 1},}}", lambda word: _cut(word[0], _LONGEST_WORD), text)
    return _cut(printable(re.sub(r"\s*[\r\n]\s*", " ", text.strip("\r\n"))), _LONGEST_LINE)


def shown(value: object) -> str:
    """A value as Python writes it, on one line and of at most 80 characters: what an error says that it got.

    >>> shown("same"), shown(10**5000), len(shown("x" * 999))
    ("'same'", 'a number of 5,001 digits', 80)
    """
    if isinstance(value, int) and value.bit_length() > 1000:
        return f"a number of {_digits(abs(value)):,} digits"
    try:
        return _cut(printable(_brief.repr(value) if isinstance(value, _HOLDERS) else repr(value)), _LONGEST_VALUE)
    except Exception:  # whatever the value's own repr does: a number in it that is too long, a cycle
        return f"a value of type {type(value).__name__}"


def _digits(value: int) -> int:
    """How many decimal digits it has: Python refuses to write long numbers, and takes long to do so."""
    from math import floor, log10

    return floor(log10(value)) + 1


def _cut(text: str, longest: int) -> str:
    """The text, its middle left out where it is longer."""
    tail = max(_SHORTEST_TAIL, longest // 4)
    return text if len(text) <= longest else f"{text[: longest - tail - 1]}…{text[-tail:]}"


_LATEX = {
    "\\": r"\textbackslash{}", "&": r"\&", "%": r"\%", "$": r"\$", "#": r"\#", "_": r"\_", "{": r"\{", "}": r"\}",
    "~": r"\textasciitilde{}", "^": r"\textasciicircum{}", "<": r"$<$", ">": r"$>$", "×": r"$\times$", "≥": r"$\geq$",
    "−": r"$-$", "→": r"$\to$", "∞": r"$\infty$", "…": r"\ldots{}", "∂": r"$\partial$", "–": "--", "·": r"$\cdot$",
    "σ": r"$\sigma$", "√": r"$\surd$",
}  # fmt: skip


def in_latex(text: str) -> str:
    r"""Text in which nothing is a command of LaTeX's.

    >>> in_latex("conv_1: 3 × 3")
    'conv\\_1: 3 $\\times$ 3'
    """
    return "".join(_LATEX.get(letter, letter) for letter in text)
