"""ONNX's objects as the rest of the package has them: none of its types stands in a signature elsewhere."""

from __future__ import annotations

from typing import Any, TypeAlias

import numpy as np
import numpy.typing as npt

Proto: TypeAlias = Any
"""A message of ONNX's protocol buffers."""
Attribute: TypeAlias = Any
"""The value of an attribute: a number, a text, a list of either, a tensor, a graph."""
Array: TypeAlias = npt.NDArray[np.generic]
