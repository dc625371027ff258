"""Names of the zoo, with arguments: `residual`, `plain:depth=50,width=16`."""

from __future__ import annotations

from archlab import zoo
from archlab.errors import UsageError
from archlab.sources._architecture import Architecture


def load(reference: str) -> Architecture:
    """The architecture of that name in the zoo."""
    name, colon, text = reference.partition(":")
    entry = zoo.find(name)
    arguments: dict[str, str] = {}
    for item in text.split(",") if colon else ():
        key, equals, value = item.partition("=")
        if not (key.strip() and equals and value.strip()):
            raise UsageError(f"{reference!r}: arguments are written name=value, as in plain:depth=50, got {item!r}")
        arguments[key.strip()] = value.strip()
    return Architecture(reference, reference, entry.call(arguments), entry.paper)


def names() -> tuple[str, ...]:
    """Every name of the zoo."""
    return tuple(zoo.entries())
