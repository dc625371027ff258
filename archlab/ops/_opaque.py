from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field

from archlab.errors import ShapeError
from archlab.graph import Shape, format_shape
from archlab.ops._base import Op


@dataclass(frozen=True, repr=False)
class Opaque(Op, abstract=True):
    """A layer from elsewhere that has no rule: its shapes are known, what it does with them is not."""

    family = "unknown"
    comparable = False
    kind: str
    came: tuple[Shape, ...]
    made: Shape
    infer: Callable[..., Shape] | None = field(default=None, compare=False)
    """What comes out of other shapes, where the layer can tell."""
    why: str = field(default="", compare=False)
    """Why nothing more is known of it."""

    @property
    def title(self) -> str:
        return self.kind

    def unknown_because(self) -> str:
        return self.why

    def output(self, *inputs: Shape) -> Shape:
        if inputs == self.came:
            return self.made
        if self.infer is None:
            shapes = " and ".join(map(format_shape, inputs))
            raise ShapeError(f"{self.kind} has no rule that says what comes out of {shapes}")
        return self.infer(*inputs)

    def __repr__(self) -> str:
        return f"{self.kind}(?)"
