from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Mapping
from functools import cached_property
from pathlib import Path
from typing import Any, ClassVar

from archlab.errors import UsageError
from archlab.files import write_bytes
from archlab.rendering._columns import Direction, paged
from archlab.rendering._dot import to_dot
from archlab.rendering._layout import Engine, laid_out
from archlab.rendering._mermaid import to_mermaid
from archlab.rendering._picture import Picture
from archlab.rendering._plain import FONTS
from archlab.rendering._svg import finished_svg

PNG_SCALE = 2
"""Pixels of a PNG for each unit of length: sharp on today's screens."""


class Drawing(ABC):
    """A picture that shows itself in a notebook and can be written to a file. The same input gives the same bytes."""

    forms: ClassVar[Mapping[str, str]] = {".svg": "svg", ".png": "png", ".pdf": "pdf"}
    """What it can be written as: by the file's suffix, what gives it."""

    @property
    @abstractmethod
    def svg(self) -> str:
        """As SVG, which follows the reader's light or dark mode."""

    def png(self, scale: float = PNG_SCALE) -> bytes:
        """As PNG, on white."""
        import vl_convert

        return vl_convert.svg_to_png(self._printable, scale=scale)

    def pdf(self) -> bytes:
        """As PDF, one page as large as the picture."""
        import vl_convert

        return vl_convert.svg_to_pdf(self._printable)

    @property
    def _printable(self) -> str:
        """The SVG with a font that vl-convert brings along: of a list it tries but the first."""
        return self.svg.replace(FONTS, "Liberation Sans")

    def written(self, suffix: str) -> bytes:
        """What a file with that suffix holds: .svg, .png, .pdf; of a graph .dot, .gv, .mmd and .mermaid too.

        Raises:
            UsageError: no picture is written with that suffix.
            MissingPartError: Graphviz has been asked for and is not there, or cannot write it.
        """
        form = self.forms.get(suffix.lower())
        if form is None:
            raise UsageError(f"a picture cannot be written as {suffix!r}: choose from {', '.join(self.forms)}")
        made = getattr(self, form)
        return made.encode() if isinstance(made, str) else made()

    def save(self, path: str | Path) -> None:
        """Write it to a file, whole or not at all, in the form that its suffix says.

        Raises:
            UsageError: no picture is written with that suffix.
            MissingPartError: Graphviz has been asked for and is not there, or cannot write it.
            OutputError: the file cannot be written.
        """
        made = self.written(Path(path).suffix)
        write_bytes(Path(path), made)

    def _repr_mimebundle_(self, include: Any = None, exclude: Any = None) -> dict[str, object]:
        return {"image/svg+xml": self.svg, "text/plain": repr(self)}


class GraphDrawing(Drawing):
    """A picture of a graph, laid out by Graphviz."""

    forms = {**Drawing.forms, ".dot": "dot", ".gv": "dot", ".mmd": "mermaid", ".mermaid": "mermaid"}

    def __init__(
        self, picture: Picture, engine: Engine = "pip", direction: Direction = "down", aspect: float | None = 0.0
    ):
        self.picture = picture
        self.engine: Engine = engine
        self.direction: Direction = direction
        self.aspect = aspect

    @cached_property
    def dot(self) -> str:
        """As DOT, the language of Graphviz."""
        return to_dot(self.picture, self.direction)

    @cached_property
    def mermaid(self) -> str:
        """As a Mermaid flow chart, which Markdown pages draw."""
        return to_mermaid(self.picture, self.direction)

    @property
    def svg(self) -> str:
        return self._svg

    @cached_property
    def _svg(self) -> str:
        return finished_svg(self._laid_out, self.picture)

    @cached_property
    def _whole(self) -> str:
        return laid_out(self.dot, "svg", self.engine).decode()

    @cached_property
    def _laid_out(self) -> str:
        def piece(picture: Picture) -> str:
            return laid_out(to_dot(picture, self.direction), "svg", self.engine).decode()

        return paged(self.picture, self._whole, self.aspect, self.direction, piece)

    def png(self, scale: float = PNG_SCALE) -> bytes:
        if self._laid_out is not self._whole:
            return super().png(scale)
        # By Graphviz, whose letters are as wide as it has measured them.
        return laid_out(self.dot, "png", self.engine, dpi=round(72 * scale))

    def pdf(self) -> bytes:
        if self.engine == "system" and self._laid_out is self._whole:
            return laid_out(self.dot, "pdf", "system")
        return super().pdf()

    def __repr__(self) -> str:
        return f"<drawing of {self.picture.caption}>"
