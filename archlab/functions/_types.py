"""What rules are given, of which they ask little: none of a framework's types stands in a signature here."""

from __future__ import annotations

from typing import Any, TypeAlias

Tensor: TypeAlias = Any
"""A tensor of whatever framework: it has `shape`, `dtype` and `dim()`."""
Untyped: TypeAlias = Any
"""Whatever a function was called with."""
