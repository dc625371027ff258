"""For mkdocstrings: shows the doctest at the end of a docstring as an example, not as nested quotations."""

from __future__ import annotations

import re
from typing import Any

import griffe


class Doctests(griffe.Extension):
    """Puts every paragraph that begins with `>>>` under the heading that the Google style has for it."""

    def on_object(self, *, obj: griffe.Object, **kwargs: Any) -> None:
        """Change the docstring of one object."""
        if obj.docstring is None:
            return
        paragraphs = re.split(r"\n\s*\n", obj.docstring.value)
        shown = [f"Examples:\n{_indented(text)}" if text.startswith(">>>") else text for text in paragraphs]
        obj.docstring.value = "\n\n".join(shown)


def _indented(text: str) -> str:
    return "\n".join(f"    {line}" for line in text.splitlines())
