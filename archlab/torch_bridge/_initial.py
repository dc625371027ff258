"""How parameters begin, as an initializer that Keras knows by name or by its configuration."""

from __future__ import annotations

import json
from collections.abc import Sequence
from math import prod, sqrt

from archlab.torch_bridge._call import Start
from archlab.torch_bridge.types import Tensor

_NEAR = 0.04
_TRUNCATED = 0.7737413
_MOST = 2**13
"""So many elements of a parameter tell its spread to within 1 %."""
_SCALES = (1 / 3, 1.0, 2.0)


def initializer(start: Start | None, sizes: Sequence[int]) -> str:
    """The initializer of a kernel of these sizes, in PyTorch's order: out, in, then the window.

    A variance that is a multiple of that of 1 over the fan is named so; any other one is given as it is.
    """
    if start is None or start.stddev <= 0 or len(sizes) < 2:
        return "glorot_uniform" if start is None else "zeros" if not start.mean else "glorot_uniform"
    window = prod(sizes[2:])
    inward, outward = sizes[1] * window, sizes[0] * window
    variance = start.stddev**2
    names = {"uniform": "uniform", "normal": "untruncated_normal", "truncated_normal": "truncated_normal"}
    fans = {"fan_in": inward, "fan_out": outward, "fan_avg": (inward + outward) / 2}
    choices = [(abs(variance * fan / scale - 1), mode, scale) for mode, fan in fans.items() for scale in _SCALES]
    off, mode, scale = min(choices, key=lambda choice: choice[0])
    if off < _NEAR:
        config = {"distribution": names[start.distribution], "mode": mode, "scale": round(scale, 6)}
        return json.dumps({"class_name": "VarianceScaling", "config": config}, sort_keys=True)
    if start.distribution == "uniform":
        bound = round(start.stddev * sqrt(3), 6)
        described = {"class_name": "RandomUniform", "config": {"maxval": bound, "minval": -bound}}
    elif start.distribution == "truncated_normal":
        described = {
            "class_name": "TruncatedNormal", "config": {"mean": 0.0, "stddev": start.stddev / sqrt(_TRUNCATED)}
        }  # fmt: skip
    else:
        described = {"class_name": "RandomNormal", "config": {"mean": 0.0, "stddev": start.stddev}}
    return json.dumps(described, sort_keys=True)


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
