"""Plain data as JSON."""

from __future__ import annotations

import json


def to_json(data: object) -> str:
    """Write plain data as JSON, indented; never NaN or infinity, which JSON does not know."""
    return json.dumps(data, indent=2, ensure_ascii=False, allow_nan=False) + "\n"
