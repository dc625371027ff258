"""What every combinator asks of the parts and the values that it is given."""

from __future__ import annotations

from contextlib import AbstractContextManager

from archlab.errors import ArgumentError, DesignError
from archlab.graph import Builder, Part
from archlab.ops import Op
from archlab.text import shown


def incoming(value: int | None, what: str) -> int:
    """The value that comes in; an error where nothing does."""
    if value is None:
        raise DesignError(
            f"{what} needs something to come in: an architecture begins with Input(height, width, channels)"
        )
    return value


def check_part(what: str, value: object) -> None:
    """Check a part."""
    if not isinstance(value, Part):
        raise ArgumentError(f"{what} must be a part, such as Conv(32) >> ReLU(), got {shown(value)}")


def check_merge(what: str, value: object) -> None:
    """Check an operation that joins paths."""
    if not isinstance(value, Op) or value.arity in (0, 1):
        raise ArgumentError(f"merge of {what} must be a layer with several inputs, such as Add(), got {shown(value)}")


def block_scope(builder: Builder, name: str = "", joinable: bool = False) -> AbstractContextManager[None]:
    """The scope of a block: its own, or that of the `Block` it stands directly in."""
    if builder.joinable and not name:
        return builder.joined()
    return builder.within("block", name, joinable=joinable)
