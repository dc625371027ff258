"""What the parameters of a live module are now."""

from __future__ import annotations

from math import sqrt

from archlab.functions import Start
from archlab.torch_bridge.types import Tensor

_MOST = 2**13
"""So many elements of a parameter tell its spread to within 1 %."""


def observed(parameter: Tensor) -> Start | None:
    """What the elements of a parameter are now; None where it has no memory to look at."""
    if parameter.is_meta or not parameter.is_floating_point() or not parameter.numel():
        return None
    flat = parameter.detach().reshape(-1)
    # As an array: what PyTorch computes, it shares out among threads, which takes longer than this.
    values = flat[:: max(1, len(flat) // _MOST)].float().cpu().numpy()
    mean, stddev = float(values.mean()), float(values.std())
    # A uniform distribution ends at √3 of its standard deviation, a normal one nowhere near.
    ends = float(abs(values).max()) if stddev else 0.0
    if stddev > 0 and len(values) > 50 and ends < 1.05 * sqrt(3) * stddev:
        # The largest of n numbers tells the bound better than their spread does.
        return Start(mean, ends * (1 + 1 / len(values)) / sqrt(3), "uniform")
    return Start(mean, stddev, "normal")
