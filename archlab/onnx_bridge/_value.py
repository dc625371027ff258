from __future__ import annotations

from dataclasses import dataclass
from typing import TypeGuard

from archlab.onnx_bridge.types import Array


@dataclass(eq=False, slots=True)
class Value:
    """A tensor of the file, as far as it is known."""

    name: str
    shape: tuple[int | None, ...] | None
    """None where not even the number of its axes is known."""
    dtype: str = "float32"
    values: Array | None = None
    """Of those few that say how others are reshaped, or by what number they are multiplied."""
    parameters: tuple[Value, ...] = ()
    """The stored tensors that it is, or was made of, that count as parameters."""

    def dim(self) -> int:
        """How many axes it has; 0 where that is not known."""
        return len(self.shape or ())

    @property
    def sizes(self) -> tuple[int, ...]:
        """Its shape, all sizes being known."""
        if not complete(self.shape):
            raise UnknownSizeError(f"the shape of {self.name!r} is not known")
        return self.shape


class UnknownSizeError(Exception):
    """A size follows from values that are not known."""


def complete(shape: tuple[int | None, ...] | None) -> TypeGuard[tuple[int, ...]]:
    """Whether all sizes are known."""
    return shape is not None and None not in shape
