from __future__ import annotations

import html

from archlab.text import printable

FONTS = "Helvetica,Arial,Liberation Sans,sans-serif"
"""Fonts whose letters are equally wide."""


def plain(text: str) -> str:
    """Text in one line, with what no XML file can hold written as Python would.

    >>> plain("a\\x00b\\nc")
    'a\\\\x00b c'
    """
    return printable(text.replace("\n", " "))


def escaped(text: str) -> str:
    """Text as it stands in XML, and in the labels of DOT that are HTML: shown as it is."""
    return html.escape(plain(text))
