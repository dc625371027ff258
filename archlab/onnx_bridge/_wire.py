"""The bytes of an ONNX file without the numbers of its weights.

What a model is takes a few hundred kilobytes to say, its weights take gigabytes. So the file is mapped into memory, and
of its tensors only what says their name, shape and type is copied, with the values of small ones: those that say how
others are reshaped. Whatever a length claims, no more is copied than the file has, and no more than the limit.

The encoding: https://protobuf.dev/programming-guides/encoding/; the numbers of the fields: `onnx.proto`.
"""

from __future__ import annotations

from collections.abc import Mapping
from mmap import mmap
from typing import TypeAlias

SMALL = 64 * 2**10
"""Tensors of more bytes are left without values."""
_DEEPEST = 64
"""As deep as graphs in graphs may be: each takes three levels."""

Data: TypeAlias = bytes | mmap

_Kind: TypeAlias = str
# By kind of message: which fields are messages of which kind. All others are copied as they are.
_INSIDE: Mapping[_Kind, Mapping[int, _Kind]] = {
    "model": {7: "graph", 25: "function"},
    "graph": {1: "node", 5: "tensor", 15: "sparse"},
    "function": {7: "node", 11: "attribute"},
    "node": {5: "attribute"},
    "attribute": {5: "tensor", 6: "graph", 10: "tensor", 11: "graph", 22: "sparse", 23: "sparse"},
    "sparse": {1: "tensor", 2: "tensor"},
    "tensor": {},
}
# The fields of a tensor that hold its values: float, int32, string, int64, raw, double, uint64.
_VALUES = frozenset({4, 5, 6, 7, 9, 10, 11})
_LEFT_OUT: Mapping[_Kind, frozenset[int]] = {"model": frozenset({20})}  # what it was trained by


class MalformedError(ValueError):
    """What is wrong with the bytes; the caller adds the file's name."""


def without_weights(data: Data, most: int) -> bytes:
    """The same model with no values in its large tensors.

    Args:
        data: the file.
        most: bytes that it may take without its weights.

    Raises:
        MalformedError: it is no protocol buffer, is cut short, too deep or too large.

    >>> without_weights(b"\\x08\\x08\\x12\\x04test", 100)
    b'\\x08\\x08\\x12\\x04test'
    """
    copied = [0]
    return _copied(data, 0, len(data), "model", most, copied, 0)


def _copied(data: Data, at: int, end: int, kind: _Kind, most: int, copied: list[int], depth: int) -> bytes:
    if depth > _DEEPEST:
        raise MalformedError(f"its graphs are nested more than {_DEEPEST} deep")
    inside, left_out = _INSIDE[kind], _LEFT_OUT.get(kind, frozenset())
    made: list[bytes] = []
    while at < end:
        start = at
        tag, at = _varint(data, at, end)
        field, wire = tag >> 3, tag & 7
        if not field:
            raise MalformedError("it is not an ONNX file, or it is damaged")
        if wire == 2:
            size, at = _varint(data, at, end)
            stop = at + size
            if stop > end:
                raise MalformedError(f"it is cut short: {size:,} bytes are claimed where {end - at:,} are left")
            if kind == "tensor" and field in _VALUES and size > SMALL:
                at = stop
                continue
            if field in left_out:
                at = stop
                continue
            if field in inside:
                inner = _copied(data, at, stop, inside[field], most, copied, depth + 1)
                made.append(_written(tag) + _written(len(inner)) + inner)
                at = stop
                continue
            at = stop
        elif wire == 0:
            _, at = _varint(data, at, end)
        elif wire in (1, 5):
            at += 8 if wire == 1 else 4
        else:
            raise MalformedError("it is not an ONNX file, or it is damaged")
        if at > end:
            raise MalformedError("it is cut short")
        copied[0] += at - start
        if copied[0] > most:
            raise MalformedError(f"it takes more than {most:,} bytes without its weights")
        made.append(data[start:at])
    return b"".join(made)


def _varint(data: Data, at: int, end: int) -> tuple[int, int]:
    """A number of seven bits a byte, and where it ends."""
    value = shift = 0
    while at < end and shift < 70:
        byte = data[at]
        at += 1
        value |= (byte & 127) << shift
        if byte < 128:
            return value, at
        shift += 7
    raise MalformedError("it is cut short" if at >= end else "it is not an ONNX file, or it is damaged")


def _written(value: int) -> bytes:
    made = bytearray()
    while value > 127:
        made.append(value & 127 | 128)
        value >>= 7
    made.append(value)
    return bytes(made)
