"""Products of matrices, Einstein sums, attention."""

from __future__ import annotations

from math import prod

from archlab.functions._call import BeyondError, Call, Made
from archlab.functions._layout import B, C, Role, Roles, S
from archlab.functions._types import Tensor
from archlab.functions.rules._table import entered
from archlab.ops import Kept, Product
from archlab.units import ACTIVATION_FLOPS

INPUT = Kept(inputs=True)


def _roles_of(call: Call, operand: Tensor, labels: str, known: dict[str, Role]) -> Roles | None:
    """The roles of an operand; of a weight, those that its labels have elsewhere."""
    for tensor, standing in zip(call.read, call.standings, strict=True):
        if tensor is operand:
            return standing.roles
    return None


def _contracted(call: Call, operands: list[Tensor], labels: list[str], made: str, more: int = 0) -> Made:
    sizes: dict[str, int] = {}
    roles: dict[str, Role] = {}
    data = 0
    for operand, each in zip(operands, labels, strict=True):
        found = _roles_of(call, operand, each, roles)
        data += found is not None
        for place, label in enumerate(each):
            size = int(operand.shape[place])
            if found is not None and (label not in roles or (size > 1 and sizes.get(label, 1) == 1)):
                roles[label] = found[place]
            sizes[label] = max(sizes.get(label, 1), size)
    summed = [label for label in roles if label not in made]
    goes: list[Role] = []
    for place, label in enumerate(made):
        # A new axis of a weight takes the role of what was summed: a product over channels makes channels.
        gone = [roles[each] for each in summed]
        fresh: Role = C if C in gone or not gone else S
        role = roles.get(label, fresh)
        goes.append(role if role != B or place == 0 else S)
    here = data == 1 and all(roles[label] == C for label in summed)
    macs = prod(sizes.values())
    op = call.called(Product, tuple(goes), macs=macs, here=here, factors=data, more_flops=more)
    return Made(op, tuple(goes), INPUT)


@entered("matmul", "__matmul__", "__rmatmul__", "bmm", "mm", "dot", "mv", "inner")
def _matmul(call: Call) -> Made:
    one, other = call.args[0], call.args[1] if len(call.args) > 1 else call.kwargs.get("other", call.kwargs.get("mat2"))
    if call.name == "__rmatmul__":
        one, other = other, one
    if one is other:
        raise BeyondError("a product with itself")
    ranks = one.dim(), other.dim()
    many = max(*ranks, 2) - 2
    shared = "abcdefgh"[:many]
    first = "i" * (ranks[0] > 1) + "j"
    second = "j" + "k" * (ranks[1] > 1)
    labels = [shared[many - max(ranks[0] - 2, 0) :] + first, shared[many - max(ranks[1] - 2, 0) :] + second]
    return _contracted(call, [one, other], labels, shared + first[:-1] + second[1:])


@entered("baddbmm", "addmm", "addbmm")
def _added(call: Call) -> Made:
    one, other = call.args[1], call.args[2]
    rank = one.dim()
    shared = "a" if rank == 3 else ""
    return _contracted(call, [one, other], [f"{shared}ij", f"{shared}jk"], f"{shared}ik", prod(call.made_sizes))


@entered("einsum")
def _einsum(call: Call) -> Made:
    given = call.args[1:]
    operands = list(given[0] if len(given) == 1 and isinstance(given[0], list | tuple) else given)
    read, arrow, made = str(call.args[0]).replace(" ", "").partition("->")
    labels = read.split(",")
    if not arrow or len(labels) != len(operands) or len(operands) != 2:
        raise BeyondError(f"einsum {call.args[0]!r}")
    if "..." in read:
        free = [letter for letter in "ABCDEFGHIJ" if letter not in read]
        rest = [operand.dim() - len(each.replace("...", "")) for operand, each in zip(operands, labels, strict=True)]
        most = max(n for n, each in zip(rest, labels, strict=True) if "..." in each)
        dots = "".join(free[:most])
        labels = [each.replace("...", dots[most - n :]) for n, each in zip(rest, labels, strict=True)]
        made = made.replace("...", dots)
    return _contracted(call, operands, labels, made)


@entered("scaled_dot_product_attention")
def _attended(call: Call) -> Made:
    query, key, value = [tuple(call.asked(place, name).shape) for place, name in enumerate(("query", "key", "value"))]
    lead = prod(query[:-2])
    scores = lead * query[-2] * key[-2]
    op = call.called(
        Product, call.roles, macs=scores * (query[-1] + value[-1]), factors=3,
        more_flops=scores * (1 + ACTIVATION_FLOPS["softmax"]),
    )  # fmt: skip
    # What comes in and goes out, and for each query the logarithm of its sum.
    return Made(op, call.roles, Kept(inputs=True, output=True, extra=prod(query[:-1])))


@entered("multi_head_attention_forward")
def _multi_head(call: Call) -> Made:
    """As `torch.nn.MultiheadAttention` calls it: (positions, batch, channels), queries, keys and values first."""
    query, key = tuple(call.asked(0, "query").shape), tuple(call.asked(1, "key").shape)
    width, heads = query[-1], int(call.asked(4, "num_heads"))
    asks, reads = query[0], key[0]
    macs = width * width * (2 * asks + 2 * reads) + 2 * asks * reads * width
    biases = width * (2 * asks + 2 * reads) if call.asked(6, "in_proj_bias") is not None else 0
    scores = heads * asks * reads
    # One batch stands second here: what was the batch became positions of size 1.
    op = call.called(
        Product, call.roles, macs=macs, factors=3, more_flops=biases + scores * (1 + ACTIVATION_FLOPS["softmax"])
    )
    # The projections, what attention makes of them, and for each query the logarithm of its sum.
    heads_kept = width * (2 * asks + 2 * reads) + heads * asks
    return Made(op, call.roles, Kept(inputs=True, extra=heads_kept))


@entered("lstm", "gru", "rnn_tanh", "rnn_relu", "ctc_loss")
def _recurrent(call: Call) -> Made:
    raise BeyondError("recurrent layers of PyTorch have no rule")
