from __future__ import annotations

from archlab.errors import UsageError


def read_arguments(reference: str, colons: int = 1, first: str | None = None) -> dict[str, str]:
    """The arguments behind the last colon of a reference, `plain:depth=50,width=16`, as they were typed.

    `first` is the argument that the first item is if it stands there without a name.
    """
    parts = reference.split(":", colons)
    arguments: dict[str, str] = {}
    for item in _items(parts[colons]) if len(parts) > colons else ():
        key, equals, value = item.partition("=")
        if first and not equals and not arguments:
            key, equals, value = first, "=", item
        if not (key.strip() and equals and value.strip()):
            raise UsageError(f"{reference!r}: arguments are written name=value, as in plain:depth=50, got {item!r}")
        arguments[key.strip()] = value.strip()
    return arguments


def _items(text: str) -> list[str]:
    """What stands between commas, but for those inside of brackets: `widths=[8,16],depth=2`."""
    items, depth = [""], 0
    for character in text:
        depth += (character in "([{") - (character in ")]}")
        if character == "," and depth <= 0:
            items.append("")
        else:
            items[-1] += character
    return items
