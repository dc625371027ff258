from __future__ import annotations

from archlab.errors import UsageError


def read_arguments(reference: str, colons: int = 1) -> dict[str, str]:
    """The arguments behind the last colon of a reference, `plain:depth=50,width=16`, as they were typed."""
    parts = reference.split(":", colons)
    arguments: dict[str, str] = {}
    for item in parts[colons].split(",") if len(parts) > colons else ():
        key, equals, value = item.partition("=")
        if not (key.strip() and equals and value.strip()):
            raise UsageError(f"{reference!r}: arguments are written name=value, as in plain:depth=50, got {item!r}")
        arguments[key.strip()] = value.strip()
    return arguments
