from __future__ import annotations

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
