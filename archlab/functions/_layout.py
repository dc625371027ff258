"""Which axis of a PyTorch tensor is the batch, which are channels, which are positions.

Graphs have the channels last and the batch nowhere. PyTorch has the channels second as a rule, but code moves them
about: a permutation that only puts them elsewhere changes nothing that a graph knows. So each axis of a tensor has a
role, and its shape in the graph follows from these: all positions in order, then the product of all channels.
"""

from __future__ import annotations

from collections.abc import Sequence
from enum import Enum
from math import prod
from typing import TypeAlias

from archlab.graph import Shape


class Role(Enum):
    """What an axis of a tensor is."""

    BATCH = "batch"
    CHANNELS = "channels"
    POSITION = "position"

    def __repr__(self) -> str:
        return self.value


Roles: TypeAlias = tuple[Role, ...]
B, C, S = Role.BATCH, Role.CHANNELS, Role.POSITION


def image(rank: int) -> Roles:
    """Of what convolutions read: the batch, the channels, the positions."""
    return (B, C, *(S,) * (rank - 2))[:rank]


def sequence(rank: int) -> Roles:
    """Of what dense layers read: the batch, the positions, the channels."""
    return (B, *(S,) * (rank - 2), C)[-rank:] if rank > 1 else (C,)


def graph_shape(sizes: Sequence[int], roles: Roles) -> Shape:
    """The shape in a graph of one sample: the positions, then all channels.

    >>> graph_shape((1, 64, 56, 48), image(4))
    (56, 48, 64)
    """
    positions = tuple([size for size, role in zip(sizes, roles, strict=True) if role == S])
    return (*positions, prod([size for size, role in zip(sizes, roles, strict=True) if role == C]))


def position_axis(roles: Roles, axis: int) -> int:
    """Which axis of the graph's shape an axis of positions is."""
    return sum(role == S for role in roles[:axis])


def reshaped(old: Sequence[int], roles: Roles, new: Sequence[int]) -> tuple[Roles, bool]:
    """The roles after a change of shape, and whether positions and channels stayed apart.

    Axes are matched in groups of the same number of elements. Whatever is merged of positions and channels is channels:
    so code flattens a map into features.

    >>> reshaped((1, 512, 7, 7), image(4), (1, 25088))
    ((batch, channels), False)
    >>> reshaped((1, 64, 56, 56), image(4), (1, 2, 32, 56, 56))
    ((batch, channels, channels, position, position), True)
    """
    made: list[Role] = []
    apart = True
    i = j = 0
    while i < len(old) or j < len(new):
        group, size, goes = i, 1, j
        other = 1
        if i < len(old):
            size = old[i]
            i += 1
        if j < len(new):
            other = new[j]
            j += 1
        while size != other:
            if size < other and i < len(old):
                size *= old[i]
                i += 1
            elif j < len(new):
                other *= new[j]
                j += 1
            else:
                return (S,) * len(new), False  # numbers of elements that differ: not a change of shape
        # Axes of one element belong to whatever they stand beside, unless as many stand on the other side.
        came = [(roles[axis], old[axis]) for axis in range(group, i)]
        kinds = {role for role, n in came if n > 1}
        if len(kinds) > 1 and goes < j:
            apart = False
        role: Role = C if C in kinds else S if S in kinds else came[0][0] if came else S
        for axis in range(goes, j):
            one = new[axis] == 1 and (len(came) != 1 or came[0][1] != 1)
            if axis == 0 and roles[:1] == (B,) and new[0] == 1:
                made.append(B)
            elif one or (role == B and axis > 0):
                made.append(S)
            else:
                made.append(role)
    if B not in made and made and new[0] == 1 and made[0] == S:
        made[0] = B  # the one sample, which stood elsewhere, or was one with positions
    return tuple(made), apart


def broadcast(shapes: Sequence[Sequence[int]], roles: Sequence[Roles]) -> Roles:
    """The roles of what is made of several tensors element by element, their last axes aligned."""
    rank = max(map(len, shapes))
    made: list[Role] = []
    for axis in range(rank):
        found: Role | None = None
        for sizes, each in zip(shapes, roles, strict=True):
            at = axis - (rank - len(sizes))
            if at >= 0 and (found is None or sizes[at] > 1):
                found = each[at]
                if sizes[at] > 1:
                    break
        made.append(found or S)
    return tuple(made)
