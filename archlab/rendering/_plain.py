from __future__ import annotations

import html
import re

FONTS = "Helvetica,Arial,Liberation Sans,sans-serif"
"""Fonts whose letters are equally wide."""
_NOT_XML = re.compile("[\x00-\x08\x0b-\x1f\x7f-\x9f\ud800-\udfff\ufffe\uffff]")


def plain(text: str) -> str:
    """Text in one line, with what no XML file can hold replaced.

    >>> plain("a\\x00b\\nc")
    'a\ufffdb c'
    """
    return _NOT_XML.sub("\ufffd", text.replace("\n", " "))


def escaped(text: str) -> str:
    """Text as it stands in XML, and in the labels of DOT that are HTML: shown as it is."""
    return html.escape(plain(text))
