"""What a call is, by its rule; without one it is unknown, by name and reason."""

from __future__ import annotations

from archlab.errors import ShapeError
from archlab.functions._call import BeyondError, Call, Made
from archlab.functions._layout import B, C, Role, Roles, S, graph_shape
from archlab.functions.rules import RULES
from archlab.ops import Opaque


def answered(call: Call) -> Made:
    """What a rule says of a call, where what it says makes the shape that comes out; else that it is unknown."""
    rule = RULES.get(call.name)
    if rule is None:
        return unknown(call, f"{call.name} has no rule")
    try:
        made = rule(call)
    except BeyondError as error:
        return unknown(call, str(error))
    except Exception as error:  # a rule is written for calls as they are known
        lines = str(error).strip().splitlines()
        return unknown(call, f"{call.name}: {lines[0][:300] if lines else type(error).__name__}")
    if made.op is None or _agrees(call, made):
        return made
    return unknown(call, f"its rule does not make the shape that comes out, {call.made_sizes}")


def unknown(call: Call, why: str) -> Made:
    """A call of which the shapes are all that is known."""
    roles = _guess(call)
    shape = graph_shape(call.made_sizes, roles)
    return Made(Opaque(call.name, call.shapes, shape, None, why), roles)


def _agrees(call: Call, made: Made) -> bool:
    assert made.op is not None
    came = {size for sizes, each in zip(call.sizes, call.standings, strict=True)
            for size, role in zip(sizes, each.roles, strict=True) if role == B}  # fmt: skip
    if came and any(role == B and n not in came for n, role in zip(call.made_sizes, made.roles, strict=True)):
        return False  # more samples than came in
    try:
        return made.op.output(*call.shapes) == graph_shape(call.made_sizes, made.roles)
    except (ShapeError, IndexError, ValueError):
        return False


def _guess(call: Call) -> Roles:
    """The roles of what a function without a rule makes."""
    if call.read and len(call.made_sizes) == call.rank:
        return call.roles
    rank = len(call.made_sizes)
    roles: tuple[Role, ...] = (B, C, *(S,) * max(rank - 2, 0))
    return roles[:rank]
