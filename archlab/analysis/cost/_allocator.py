"""TensorFlow's allocator of a processor's memory, simulated: what is resident is more than what is live.

Tensors of 256 KiB and more are pieces of regions that are never given back ('best fit with coalescing', TensorFlow's
`bfc_allocator.cc`): a tensor that is larger than every free piece needs new memory, however much is free in all.
"""

from __future__ import annotations

from bisect import bisect_left, insort
from collections.abc import Iterable
from dataclasses import dataclass

from archlab.analysis.cost._schedule import Lifetime

SMALL = 256 << 10
"""Bytes below which tensors are allocated one by one, and given back."""

_ALIGNED = 256
_FIRST_REGION = 2 << 20
_LARGEST_REMAINDER = 128 << 20


@dataclass(eq=False)
class _Chunk:
    start: int
    size: int
    free: bool
    before: _Chunk | None = None
    behind: _Chunk | None = None

    @property
    def key(self) -> tuple[int, int, int]:
        """Free pieces stand in bins of powers of two, in each by size, then by place."""
        return (self.size // _ALIGNED).bit_length(), self.size, self.start


class _Pool:
    def __init__(self, begun: int):
        self.region = _FIRST_REGION
        while self.region < begun:
            self.region *= 2
        self.end = 0
        self.free: list[tuple[tuple[int, int, int], _Chunk]] = []
        self.touched: list[tuple[int, int]] = []
        """Ranges that were written to, apart from each other and in order."""
        self.resident = 0

    def take(self, size: int, written: int) -> _Chunk:
        rounded = -(-size // _ALIGNED) * _ALIGNED
        chunk = self._fitting(rounded) or self._extended(rounded)
        if chunk.size >= 2 * rounded or chunk.size - rounded >= _LARGEST_REMAINDER:
            rest = _Chunk(chunk.start + rounded, chunk.size - rounded, True, chunk, chunk.behind)
            if rest.behind:
                rest.behind.before = rest
            chunk.behind, chunk.size = rest, rounded
            self._offer(rest)
        chunk.free = False
        self._touch(chunk.start, chunk.start + written)
        return chunk

    def give_back(self, chunk: _Chunk) -> None:
        chunk.free = True
        behind, before = chunk.behind, chunk.before
        if behind and behind.free:
            self._withdraw(behind)
            chunk.size += behind.size
            chunk.behind = behind.behind
            if chunk.behind:
                chunk.behind.before = chunk
        if before and before.free:
            self._withdraw(before)
            before.size += chunk.size
            before.behind = chunk.behind
            if before.behind:
                before.behind.before = before
            chunk = before
        self._offer(chunk)

    def _offer(self, chunk: _Chunk) -> None:
        insort(self.free, (chunk.key, chunk), key=lambda each: each[0])

    def _withdraw(self, chunk: _Chunk) -> None:
        place = bisect_left(self.free, chunk.key, key=lambda each: each[0])
        del self.free[place]

    def _fitting(self, rounded: int) -> _Chunk | None:
        wanted = (rounded // _ALIGNED).bit_length(), rounded, -1
        place = bisect_left(self.free, wanted, key=lambda each: each[0])
        return self.free.pop(place)[1] if place < len(self.free) else None

    def _extended(self, rounded: int) -> _Chunk:
        grown = False
        while self.region < rounded:
            self.region *= 2
            grown = True
        # Regions stand apart: nothing coalesces across them.
        chunk = _Chunk(self.end, self.region, True)
        self.end += self.region + _ALIGNED
        if not grown:
            self.region *= 2
        return chunk

    def _touch(self, start: int, end: int) -> None:
        place = bisect_left(self.touched, (start, 0))
        if place and self.touched[place - 1][1] >= start:
            place -= 1
            start = self.touched[place][0]
        last = place
        while last < len(self.touched) and self.touched[last][0] <= end:
            end = max(end, self.touched[last][1])
            self.resident -= self.touched[last][1] - self.touched[last][0]
            last += 1
        self.touched[place:last] = [(start, end)]
        self.resident += end - start


def resident(lifetimes: Iterable[Lifetime], moments: int, batch: int, begun: int) -> list[int]:
    """The bytes resident at each moment: what was written to once stays.

    Args:
        lifetimes: all tensors that are made in the step.
        moments: how many moments there are.
        batch: samples in the batch.
        begun: bytes that were allocated before the step, which regions have grown with.
    """
    starts: list[list[Lifetime]] = [[] for _ in range(moments)]
    for each in lifetimes:
        starts[each.first].append(each)
    pool = _Pool(begun)
    ends: list[list[_Chunk | int]] = [[] for _ in range(moments)]
    small = 0
    found: list[int] = []
    for moment, group in enumerate(starts):
        most = small
        for each in sorted(group, key=_order):
            size = each.size(batch)
            if size < SMALL:
                small += size
                most = max(most, small)
                ends[each.last].append(size)
                continue
            chunk = pool.take(each.allocated(batch), size)
            if each.what == "weight gradients":
                pool.give_back(chunk)
            else:
                ends[each.last].append(chunk)
        for gone in ends[moment]:
            if isinstance(gone, int):
                small -= gone
            else:
                pool.give_back(gone)
        found.append(pool.resident + most)
    return found


def _order(each: Lifetime) -> int:
    """Weights' gradients first, then what is temporary, then what stays."""
    return {"weight gradients": 0, "temporary": 1}.get(each.what, 2)
