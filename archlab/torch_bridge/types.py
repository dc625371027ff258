"""PyTorch's objects as the rest of the package has them: none of its types stands in a signature elsewhere."""

from __future__ import annotations

from typing import Any, TypeAlias

Module: TypeAlias = Any
"""A `torch.nn.Module`."""
Tensor: TypeAlias = Any
"""A `torch.Tensor`."""
Untyped: TypeAlias = Any
"""Whatever a function of PyTorch was called with."""
