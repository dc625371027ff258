"""Functions that move elements, or give them another shape."""

from __future__ import annotations

from math import prod

from archlab import ops
from archlab.functions._call import BeyondError, Call, Made
from archlab.functions._layout import B, C, Role, Roles, S, graph_shape, position_axis, reshaped
from archlab.functions.rules._table import entered
from archlab.graph import Axis
from archlab.ops import HERE, POINTWISE, Kept, Op, Permuted, Rearranged, Viewed, Window, Windows

NOTHING = Kept()


def _moving(call: Call, roles: Roles, looks: Window | None = None) -> Op:
    return call.called(Viewed if call.is_view else Rearranged, roles, looks=looks)


def _same(call: Call, roles: Roles, apart: bool = True) -> Made:
    """A view that the graph does not see, or the node of what it makes."""
    shape = graph_shape(call.made_sizes, roles)
    if apart and call.is_view and shape == call.shapes[0]:
        return Made(None, roles)
    looks = POINTWISE if apart and shape[:-1] == call.shapes[0][:-1] else None
    return Made(_moving(call, roles, looks), roles, NOTHING)


@entered("contiguous", "clone", "detach", "alias", "requires_grad", "resolve_conj", "identity", "as_tensor", "data")
def _copied(call: Call) -> Made:
    return _same(call, call.roles)


@entered("view", "reshape", "flatten", "unflatten", "ravel", "view_as", "reshape_as", "_unsafe_view")
def _reshaped(call: Call) -> Made:
    roles, apart = reshaped(call.sizes[0], call.roles, call.made_sizes)
    flat = [role for role in roles if role != B]
    shape = graph_shape(call.made_sizes, roles)
    if flat == [C] and len(shape) == 1 and call.as_image():
        return Made(ops.Flatten(), roles, NOTHING)
    if not apart:
        # Positions that became channels come from windows that nothing tells.
        op = call.called(Viewed if call.is_view else Rearranged, roles)
        return Made(op.changed(placed=False), roles, NOTHING) if len(shape) > 1 else Made(op, roles, NOTHING)
    return _same(call, roles)


@entered("squeeze")
def _squeezed(call: Call) -> Made:
    given = call.asked(1, "dim")
    gone = [axis for axis in call.axes(given) if call.sizes[0][axis] == 1]
    if given is None and call.rank and call.sizes[0][0] == 1 and call.roles[0] == B:
        raise BeyondError("squeeze() without axes: it takes away the batch where that is of one sample")
    roles = tuple([role for axis, role in enumerate(call.roles) if axis not in gone])
    return _same(call, roles)


@entered("unsqueeze")
def _unsqueezed(call: Call) -> Made:
    given = call.asked(1, "dim")
    several = (given,) if isinstance(given, int) else tuple(given)
    places = {int(axis) % (call.rank + len(several)) for axis in several}
    left = iter(call.roles)
    roles: Roles = tuple([S if axis in places else next(left) for axis in range(call.rank + len(several))])
    return _same(call, roles)


@entered("permute", "transpose", "swapaxes", "swapdims", "movedim", "moveaxis", "t", "T", "mT", "H", "mH", "adjoint")
def _permuted(call: Call) -> Made:
    order = list(range(call.rank))
    if call.name == "permute":
        given = call.args[1:] or (call.kwargs.get("dims"),)
        order = list(call.axes(given[0] if len(given) == 1 and not isinstance(given[0], int) else given))
    elif call.name in ("transpose", "swapaxes", "swapdims"):
        names = ("dim0", "dim1") if call.name != "swapaxes" else ("axis0", "axis1")
        one, other = call.axis(call.asked(1, names[0])), call.axis(call.asked(2, names[1]))
        order[one], order[other] = order[other], order[one]
    elif call.name in ("movedim", "moveaxis"):
        came, goes = call.axes(call.asked(1, "source")), call.axes(call.asked(2, "destination"))
        left = iter([axis for axis in range(call.rank) if axis not in came])
        order = [came[goes.index(place)] if place in goes else next(left) for place in range(call.rank)]
    elif call.rank > 1:
        order[-2], order[-1] = order[-1], order[-2]
    roles = tuple([call.roles[axis] for axis in order])
    positions = [position_axis(call.roles, axis) for axis in order if call.roles[axis] == S]
    if positions == sorted(positions):
        return _same(call, roles)
    return Made(_moving(call, roles, Permuted(tuple(positions))), roles, NOTHING)


@entered("expand", "expand_as", "broadcast_to", "repeat", "tile", "repeat_interleave")
def _expanded(call: Call) -> Made:
    rank = len(call.made_sizes)
    front: tuple[Role, ...] = (S,) * (rank - call.rank)
    if call.name == "repeat_interleave":
        front = ()
    roles: Roles = (*front, *call.roles)
    if len(roles) != rank:
        raise BeyondError("other axes than there were")
    if call.roles[:1] == (B,) and front:
        roles = (B, *(S,) * len(front), *call.roles[1:])
    if roles[:1] == (B,) and call.made_sizes[0] != call.sizes[0][0]:
        roles = (S, *roles[1:])  # one for each of several windows
    return _same(call, roles)


@entered("cat", "concat", "concatenate", "stack", "hstack", "dstack", "vstack")
def _joined(call: Call) -> Made:
    axis = int(call.asked(1, "dim", call.kwargs.get("axis", 0)))
    if call.name == "stack":
        axis %= call.rank + 1
        roles: Roles = (*call.roles[:axis], S, *call.roles[axis:])
        # What stands beside each other at one place are channels, unless code sums over it as positions.
        roles = (*call.roles[:axis], C, *call.roles[axis:]) if C in call.roles else roles
        return Made(call.called(Rearranged, roles), roles, NOTHING)
    axis = call.axis(axis)
    if call.name not in ("cat", "concat", "concatenate"):
        raise BeyondError(f"{call.name} over axes that follow from the rank")
    roles = call.roles
    if len(call.read) == 1 and not call.constants:
        return _same(call, roles)
    alike = all(each.roles == roles for each in call.standings)
    if alike and not call.constants and len(call.read) > 1 and roles[axis] != B:
        if roles[axis] == C and roles.count(C) == 1:
            return Made(ops.Concatenate(), roles, NOTHING)
        if roles[axis] == S and C in roles:
            return Made(ops.Concatenate(position_axis(roles, axis) + 1), roles, NOTHING)
    if not alike:
        ranks = {len(each.roles) for each in call.standings}
        if len(ranks) > 1:
            raise BeyondError("tensors of several ranks")
    return Made(call.called(Rearranged, roles), roles, NOTHING)


def _along(call: Call, roles: Roles, window: dict[int, tuple[int, int]]) -> Window | None:
    """Where each output looks, by axis of the tensor: at which position it begins, and its step."""
    if S not in roles or all(call.roles[axis] != S for axis in window):
        return POINTWISE
    axes: list[Axis] = []
    for axis, role in enumerate(call.roles):
        if role == S:
            start, step = window.get(axis, (0, 1))
            axes.append(Axis(step, (range(start, start + 1),)) if (start, step) != (0, 1) else HERE)
    return Windows(tuple(axes))


@entered("chunk", "split", "tensor_split", "split_with_sizes", "narrow", "unsafe_chunk", "unsafe_split")
def _part(call: Call) -> Made:
    """Of several parts each is asked about on its own; `start` says where it begins."""
    place = 3 if call.name == "narrow" else 2
    axis = call.axis(call.asked(1, "dim") if call.name == "narrow" else call.asked(place, "dim", 0))
    start = int(call.asked(2, "start")) if call.name == "narrow" else int(call.kwargs.get("_start", 0))
    return Made(_moving(call, call.roles, _along(call, call.roles, {axis: (start, 1)})), call.roles, NOTHING)


@entered("select", "unbind")
def _selected(call: Call) -> Made:
    axis = call.axis(call.asked(1, "dim", 0))
    roles = (*call.roles[:axis], *call.roles[axis + 1 :])
    looks = POINTWISE if call.roles[axis] == C else None
    return Made(_moving(call, roles, looks), roles, NOTHING)


@entered("index_select", "gather", "roll", "flip", "fliplr", "flipud", "rot90", "tril", "triu", "take_along_dim",
         "scatter", "index_add", "index_put", "index_copy", "scatter_add", "masked_select", "index_fill")  # fmt: skip
def _elsewhere(call: Call) -> Made:
    if len(call.made_sizes) != call.rank:
        raise BeyondError("other axes than there were")
    axes = call.axes(call.asked(2, "dims") if call.name == "roll" else call.asked(1, "dim", call.kwargs.get("dims")))
    kind = Rearranged
    if all(call.roles[axis] == C for axis in axes):
        return Made(call.called(kind, call.roles, looks=POINTWISE), call.roles, NOTHING)
    return Made(call.called(kind, call.roles, placed=False), call.roles, NOTHING)


@entered("pad", "constant_pad_nd", "zero_pad2d")
def _padded(call: Call) -> Made:
    given = [int(each) for each in call.asked(1, "pad")]
    mode, value = str(call.asked(2, "mode", "constant")), call.asked(3, "value") or 0
    pairs = [(0, 0)] * call.rank
    for place in range(len(given) // 2):
        pairs[call.rank - 1 - place] = (given[2 * place], given[2 * place + 1])
    inside = [pair for pair, role in zip(pairs, call.roles, strict=True) if role == S]
    apart = all(pair == (0, 0) for pair, role in zip(pairs, call.roles, strict=True) if role != S)
    if not any(pair != (0, 0) for pair in pairs):
        return _same(call, call.roles)
    if apart and mode == "constant" and not value and all(side >= 0 for pair in inside for side in pair):
        return Made(ops.ZeroPad(ops.alike(tuple([p[0] if p[0] == p[1] else p for p in inside]))), call.roles, NOTHING)
    axes = tuple([Axis(1, (range(-before, 1 - before),)) for before, _ in inside])
    looks: Window | None = Windows(axes) if mode == "constant" else None
    if apart and looks is None:
        # At the edges others are repeated; inside, each stays at its place.
        looks = Windows(axes)
    return Made(call.called(Rearranged, call.roles, looks=looks or POINTWISE), call.roles, NOTHING)


@entered("__getitem__")
def _indexed(call: Call) -> Made:
    key = call.args[1]
    key = list(key) if isinstance(key, tuple) else [key]
    if any(each is Ellipsis for each in key):
        at = next(place for place, each in enumerate(key) if each is Ellipsis)
        taken = len([each for each in key if each is not None and each is not Ellipsis])
        key[at : at + 1] = [slice(None)] * (call.rank - taken)
    key += [slice(None)] * (call.rank - len([each for each in key if each is not None]))
    roles: list[Role] = []
    window: dict[int, tuple[int, int]] = {}
    axis, clear = 0, True
    for each in key:
        if each is None:
            roles.append(S)
            continue
        role, size = call.roles[axis], call.sizes[0][axis]
        if isinstance(each, slice):
            start, _, step = each.indices(size)
            if (start, step) != (0, 1) or each.stop not in (None, size):
                window[axis] = (start, step)
            roles.append(role)
        elif isinstance(each, int):
            clear = clear and role != S
        elif hasattr(each, "shape") and len(each.shape) == 1:
            roles.append(role)
            clear = clear and role != S
        else:
            raise BeyondError("an index of several axes")
        axis += 1
    if len(roles) != len(call.made_sizes):
        raise BeyondError("an index that moves axes")
    made = tuple(roles)
    if not window and clear and graph_shape(call.made_sizes, made) == call.shapes[0]:
        return _same(call, made)
    if not clear:
        # One position of several: from then on all that is left is a vector, which looks at the whole input.
        return Made(_moving(call, made), made, NOTHING)
    looks = _along(call, made, window)
    if len([r for r in made if r == S]) != len([r for r in call.roles if r == S]):
        looks = None
    return Made(_moving(call, made, looks), made, NOTHING)


@entered("unfold")
def _unfolded(call: Call) -> Made:
    if prod(call.made_sizes) and len(call.made_sizes) == 3 and call.as_image():
        # Windows as columns: their positions run along one axis.
        return Made(call.called(Rearranged, (B, C, S), placed=False), (B, C, S), NOTHING)
    if len(call.made_sizes) == call.rank + 1:
        roles: Roles = (*call.roles, S)
        return Made(call.called(Rearranged, roles, placed=False), roles, NOTHING)
    raise BeyondError("unfold of other axes")


@entered("fold", "grid_sample")
def _folded(call: Call) -> Made:
    roles: Roles = (B, C, *(S,) * (len(call.made_sizes) - 2))
    flops = 9 if call.name == "grid_sample" else 1
    return Made(call.called(ops.Resampled, roles, flops=flops), roles, Kept(inputs=call.name == "grid_sample"))


@entered("__setitem__", "copy")
def _assigned(call: Call) -> Made:
    return Made(call.called(Rearranged, call.roles), call.roles, NOTHING)
