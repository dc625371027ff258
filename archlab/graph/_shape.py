"""Shapes of one example: no batch axis, channels last, None where a size is unknown."""

from __future__ import annotations

from math import prod
from typing import TypeAlias, TypeGuard, cast

Shape: TypeAlias = tuple[int | None, ...]


def is_known(shape: Shape) -> TypeGuard[tuple[int, ...]]:
    """Whether every size of the shape is a number."""
    return None not in shape


def elements(shape: Shape) -> int:
    """The number of elements of a shape that is known.

    >>> elements((22, 22, 128))
    61952
    """
    return prod(cast("tuple[int, ...]", shape))


def spatial(shape: Shape) -> tuple[int, ...]:
    """The sizes of the axes before the channels, of a shape that is known.

    >>> spatial((22, 24, 128))
    (22, 24)
    """
    return cast("tuple[int, ...]", shape[:-1])


def positions(shape: Shape) -> int:
    """The number of spatial positions of a shape that is known: all axes but the last.

    >>> positions((22, 22, 128))
    484
    """
    return prod(cast("tuple[int, ...]", shape[:-1]))


def format_shape(shape: Shape) -> str:
    """A shape as Python writes a tuple, with `?` for a size that is unknown.

    >>> format_shape((None, 22, 128)), format_shape((512,))
    ('(?, 22, 128)', '(512,)')
    """
    sizes = ["?" if size is None else str(size) for size in shape]
    return f"({sizes[0]},)" if len(sizes) == 1 else f"({', '.join(sizes)})"
