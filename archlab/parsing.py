"""How text becomes a value: sizes and booleans, by one rule wherever a user writes them."""

from __future__ import annotations

import re

from archlab.errors import UsageError

_BOOLEANS = {
    "true": True, "yes": True, "on": True, "1": True,
    "false": False, "no": False, "off": False, "0": False,
}  # fmt: skip


def read_bool(text: str) -> bool | None:
    """The boolean that a text stands for, in any case; None when it stands for none.

    >>> read_bool("Yes"), read_bool("off"), read_bool("perhaps")
    (True, False, None)
    """
    return _BOOLEANS.get(text.strip().lower())


def read_whole(text: str) -> int | None:
    """The whole number that a text stands for, in plain digits and at most fifteen; None when it stands for none.

    >>> read_whole(" 12 "), read_whole("²"), read_whole("1e3"), read_whole("9" * 5000)
    (12, None, None, None)
    """
    return int(text) if re.fullmatch(r"\s*[0-9]{1,15}\s*", text) else None


def read_bytes(text: str, where: str) -> int:
    """The bytes in a text such as `8GiB` or `500 MB`: prefixes of 1,000, or with an i of 1,024.

    Args:
        text: a number and its unit.
        where: the option or key that holds the text, for the error.

    Raises:
        UsageError: the text is no such number, or less than one byte.

    >>> read_bytes("1.5 GiB", "--fit"), read_bytes("500MB", "--fit")
    (1610612736, 500000000)
    """
    match = re.fullmatch(r"\s*([0-9]{1,15}(?:\.[0-9]{1,6})?)\s*([kmgtp]?)(i?)b\s*", text.lower())
    if match is None or (match[3] and not match[2]):
        raise UsageError(f"{where} {text}: write bytes with their unit, such as 8GiB or 500MB")
    found = int(float(match[1]) * (1024 if match[3] else 1000) ** " kmgtp".index(match[2] or " "))
    if found < 1:
        raise UsageError(f"{where} {text}: at least 1B is needed")
    return found


def read_seconds(text: str, where: str) -> float:
    """The seconds in a text such as `5ms`.

    Args:
        text: a number with s, ms, us or µs.
        where: the option that holds the text, for the error.

    Raises:
        UsageError: the text is no time above 0.

    >>> read_seconds("5ms", "--max-time"), read_seconds("0.5 s", "--max-time")
    (0.005, 0.5)
    """
    match = re.fullmatch(r"\s*([0-9]{1,15}(?:\.[0-9]{1,9})?)\s*(s|ms|us|µs)\s*", text)
    found = float(match[1]) * {"s": 1.0, "ms": 1e-3, "us": 1e-6, "µs": 1e-6}[match[2]] if match else 0.0
    if not found:
        raise UsageError(f"{where} {text}: write a time above 0 with its unit, such as 5ms")
    return found


def read_size(text: str, where: str) -> tuple[int | None, ...]:
    """The sizes in a text such as `96x96x3`; `?` is an unknown size, None.

    Args:
        text: two to four sizes with x or × between them.
        where: the option or key that holds the text, for the error.

    Raises:
        UsageError: the text is not such sizes, or one of them is 0.

    >>> read_size("96x128", "--input"), read_size("?x?x3", "--input")
    ((96, 128), (None, None, 3))
    >>> read_size("96", "--input")
    Traceback (most recent call last):
    ...
    archlab.errors.UsageError: --input 96: write sizes such as 96x96 or 96x96x3: a square of 96 pixels is 96x96
    """
    sizes = re.split(r"[x×]", re.sub(r"\s+", "", text).lower())
    if not 2 <= len(sizes) <= 4 or not all(size == "?" or read_whole(size) is not None for size in sizes):
        square = sizes[0] if len(sizes) == 1 and read_whole(sizes[0]) else ""
        hint = f": a square of {square} pixels is {square}x{square}" if square else ""
        raise UsageError(f"{where} {text}: write sizes such as 96x96 or 96x96x3{hint}")
    if any(size != "?" and int(size) < 1 for size in sizes):
        raise UsageError(f"{where} {text}: every size must be at least 1, as in 96x96x3")
    return tuple(None if size == "?" else int(size) for size in sizes)
