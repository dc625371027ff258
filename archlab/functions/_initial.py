"""How parameters begin, as an initializer that Keras knows by name or by its configuration."""

from __future__ import annotations

import json
from collections.abc import Sequence
from math import prod, sqrt

from archlab.functions._call import Start

_NEAR = 0.04
_TRUNCATED = 0.7737413
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


def beginning(start: Start | None, usual: str) -> str:
    """The initializer of a scale or an offset; the usual one where nothing is known.

    >>> beginning(Start(0.0, 0.0), "ones"), beginning(None, "ones")
    ('zeros', 'ones')
    """
    if start is None:
        return usual
    if start.stddev > 0:
        config: dict[str, float] = {"mean": start.mean, "stddev": start.stddev}
        return json.dumps({"class_name": "RandomNormal", "config": config}, sort_keys=True)
    if start.mean in (0.0, 1.0):
        return "ones" if start.mean else "zeros"
    return json.dumps({"class_name": "Constant", "config": {"value": start.mean}}, sort_keys=True)
