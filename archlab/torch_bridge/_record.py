"""One pass through a module on tensors without memory, in which every function that is called is written down.

PyTorch hands each call of its functions to a mode that is active (`torch.overrides.TorchFunctionMode`), before it is
broken down into kernels: so a dropout is a dropout, in training or not, and a layer's code may be anything that Python
can do. Nothing is computed: parameters stand in as tensors of the `meta` device, which have a shape and no memory.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import is_dataclass
from typing import NamedTuple

import torch
from torch.overrides import TorchFunctionMode

from archlab.errors import ShapeError, SourceError
from archlab.functions import (
    PRODUCTS,
    RULES,
    C,
    Call,
    Constant,
    Roles,
    S,
    Standing,
    Start,
    answered,
    graph_shape,
    macs_of_constants,
)
from archlab.graph import Shape
from archlab.ops import Fixed, Kept, Op
from archlab.torch_bridge.types import Module, Tensor, Untyped


class Written(NamedTuple):
    """One call: what will be a node."""

    module: int
    """The module that made it, by its place among those that have been entered."""
    name: str
    op: Op
    reads: tuple[int, ...]
    shape: Shape
    dtype: str
    parameters: tuple[Tensor, ...]
    kept: Kept | None
    settings: Mapping[str, object]


class Followed(NamedTuple):
    """A call of a function on what came of the input: its name, and the nodes that it made, one for each tensor."""

    name: str
    made: tuple[int, ...]
    into: int = -1
    """The node of the whole, where the call worked in place on a view of it; −1 where it did not."""


class Entered(NamedTuple):
    """A call of a module."""

    module: Module
    outer: int
    """The call that it was called in; −1 outside of all."""


_SILENT = frozenset({
    "dim", "size", "numel", "nelement", "stride", "is_contiguous", "is_floating_point", "is_complex", "__len__",
    "element_size", "ndimension", "get_device", "storage_offset", "is_signed", "__repr__", "__hash__", "data_ptr",
    "has_names", "__set__", "register_hook", "untyped_storage", "is_same_size", "__dir__", "retain_grad", "__format__",
})  # fmt: skip
"""What says something of a tensor that is the same without memory."""
_VALUES = frozenset({
    "item", "tolist", "__bool__", "__int__", "__float__", "__index__", "nonzero", "equal", "allclose", "is_nonzero",
    "__contains__", "numpy", "__array__", "unique", "masked_select", "argwhere", "__iter__", "bincount", "multinomial",
    "unique_consecutive", "cpu_numpy",
})  # fmt: skip
"""What asks for the values of a tensor."""
_SHAPED = frozenset({
    "zeros_like", "ones_like", "empty_like", "full_like", "rand_like", "randn_like", "new_zeros", "new_ones",
    "new_empty", "new_full", "new_tensor", "bernoulli_like", "randint_like",
})  # fmt: skip
"""What takes of a tensor its shape or its dtype alone."""
_PARTS = frozenset({"chunk", "split", "tensor_split", "split_with_sizes", "unsafe_chunk", "unsafe_split"})
_SAME_SHAPE = frozenset({
    "relu", "relu6", "hardtanh", "leaky_relu", "elu", "selu", "celu", "gelu", "silu", "mish", "sigmoid", "tanh",
    "hardsigmoid", "hardswish", "softplus", "dropout", "batch_norm", "dropout2d", "softmax", "log_softmax",
    "instance_norm", "group_norm", "layer_norm", "alpha_dropout", "feature_dropout",
})  # fmt: skip
_IN_PLACE_BY_OPERATOR = frozenset({"__iadd__", "__isub__", "__imul__", "__itruediv__", "__ipow__", "__setitem__"})


class Recorder(TorchFunctionMode):
    """Writes down what is called while it is active."""

    def __init__(self, module: Module, starts: Callable[[Tensor], Start | None]) -> None:
        super().__init__()
        self.written: list[Written] = []
        self.roles: list[Roles] = []
        """What the axes of the tensor of each node are."""
        self.followed: list[Followed] = []
        self.entered: list[Entered] = []
        self.products: dict[int, list[int | None]] = {}
        """Multiply–accumulates of each product of constants, by the module that asked for it; None: not known."""
        self._inside: list[int] = []
        self._starts = starts
        self._standing: dict[int, Standing] = {}
        self._constant: dict[int, Constant] = {}
        self._stand_ins: dict[int, Tensor] = {}
        self._kept_alive: list[object] = []
        self._owned: set[int] = set()
        for tensor in module.parameters():
            self._constant[id(tensor)] = Constant((tensor,))
            self._owned.add(id(tensor))
        for tensor in module.buffers():
            self._constant[id(tensor)] = Constant(())
            self._owned.add(id(tensor))
        for each in module.modules():
            for value in vars(each).values():
                if isinstance(value, torch.Tensor):
                    self._constant.setdefault(id(value), Constant(()))
                    self._owned.add(id(value))

    # Modules.

    @contextmanager
    def following(self) -> Iterator[None]:
        """Know in which module each call is made; every module keeps its own hooks as they are."""
        before = torch.nn.modules.module.register_module_forward_pre_hook(self._enter)
        after = torch.nn.modules.module.register_module_forward_hook(self._leave, always_call=True)
        try:
            yield
        finally:
            before.remove()
            after.remove()

    def _enter(self, module: Module, _: Untyped) -> None:
        self.entered.append(Entered(module, self._inside[-1] if self._inside else -1))
        self._inside.append(len(self.entered) - 1)

    def _leave(self, module: Module, _: Untyped, __: Untyped) -> None:
        if self._inside:
            self._inside.pop()

    @property
    def module(self) -> int:
        """The call of a module that is running."""
        return self._inside[-1] if self._inside else -1

    # Tensors.

    def input(self, tensor: Tensor, name: str, op: Op, roles: Roles) -> None:
        """A node for what comes in."""
        self._write(name, op, (), tensor, roles, (), Kept(), {}, -1)

    def positions(self, found: Untyped) -> list[int]:
        """The nodes that made the tensors in whatever a module gave."""
        positions: list[int] = []
        for tensor in tensors_in(found):
            standing = self._standing.get(id(tensor))
            if standing is not None and standing.position not in positions:
                positions.append(standing.position)
            elif standing is None and tensor.is_meta and id(tensor) not in self._constant:
                raise SourceError(_UNFOLLOWED)
        return positions

    def _write(
        self, name: str, op: Op, reads: tuple[int, ...], tensor: Tensor, roles: Roles, parameters: tuple[Tensor, ...],
        kept: Kept | None, settings: Mapping[str, object], module: int,
    ) -> None:  # fmt: skip
        shape = graph_shape(tuple(tensor.shape), roles)
        dtype = str(tensor.dtype).removeprefix("torch.")
        self.written.append(Written(module, name, op, reads, shape, dtype, parameters, kept, settings))
        self.roles.append(roles)
        self._stand(tensor, Standing(len(self.written) - 1, roles))

    def _stand(self, tensor: Tensor, standing: Standing) -> None:
        self._standing[id(tensor)] = standing
        self._constant.pop(id(tensor), None)
        self._kept_alive.append(tensor)

    def _note(self, found: Untyped, parameters: tuple[Tensor, ...]) -> Untyped:
        """Remember tensors that depend on nothing that comes in."""
        for tensor in tensors_in(found):
            self._standing.pop(id(tensor), None)
            self._constant[id(tensor)] = Constant(parameters)
            self._kept_alive.append(tensor)
        return found

    def _stand_in(self, tensor: Tensor) -> Tensor:
        """The same tensor without memory."""
        if tensor.is_meta:
            return tensor
        found = self._stand_ins.get(id(tensor))
        if found is None:
            found = torch.empty_strided(tensor.shape, tensor.stride(), dtype=tensor.dtype, device="meta")
            self._stand_ins[id(tensor)] = found
            self._constant[id(found)] = self._constant.get(id(tensor), Constant(()))
            self._kept_alive += (tensor, found)
        return found

    # Calls.

    def __torch_function__(
        self, func: Untyped, types: Untyped, args: tuple[Untyped, ...] = (), kwargs: Mapping[str, Untyped] | None = None
    ) -> Untyped:
        kwargs = kwargs or {}
        name = getattr(func, "__name__", "")
        if name == "__get__":
            # A property: of those that are tensors the graph knows.
            name = getattr(func.__self__, "__name__", "")
            if name not in ("T", "mT", "H", "mH", "data"):
                found = func(*args, **kwargs)
                return self._note(found, ()) if isinstance(found, torch.Tensor) else found
        elif name in _SILENT:
            return func(*args, **kwargs)
        in_place = name in _IN_PLACE_BY_OPERATOR or (name[-1:] == "_" and name[-2:] != "__")
        base = name[:-1] if in_place and name[-1:] == "_" and name[-2:] != "__" else name
        in_place = in_place or kwargs.get("inplace") is True
        tensors = tensors_in(args) if not kwargs else tensors_in((args, tuple(kwargs.values())))
        standing = self._standing
        read = [each for each in tensors if id(each) in standing]
        if not read or base in _SHAPED:
            return self._of_constants(func, name, args, kwargs, tensors, in_place)
        if base in _VALUES:
            if base == "__iter__":
                return iter(self.__torch_function__(torch.unbind, types, args))
            raise SourceError(
                f"{self.place()}: its code asks for the values of a tensor ({base}), which are not known before it "
                "runs: control flow that depends on data cannot be read"
            )
        if len(read) < len(tensors) or any(not each.is_meta for each in tensors):
            swapped = {id(each): self._stand_in(each) for each in tensors if id(each) not in standing}
            for each in tensors:
                if each.is_meta and id(each) not in standing and id(each) not in self._constant:
                    raise SourceError(_UNFOLLOWED)
            args, kwargs = _swapped(args, swapped), dict(_swapped(kwargs, swapped))
            others = tuple([
                (swapped[id(each)], self._constant.get(id(swapped[id(each)]), Constant(())))
                for each in tensors if id(each) not in standing
            ])  # fmt: skip
        else:
            others = ()
        # Functions of single elements that say by an argument that they work in place.
        in_place = in_place or (base in _SAME_SHAPE and _says_in_place(base, args))
        try:
            made = self._run(func, base, args, kwargs, read[0], in_place)
        except SourceError:
            raise
        except Exception as error:
            raise ShapeError(_first_line(error)).at(self.place()) from error
        found = tensors_in(made) if not isinstance(made, torch.Tensor) else [made]
        if not found:
            return made
        self._written_down(base, args, kwargs, read, others, found, in_place)
        return made

    def _run(
        self, func: Untyped, name: str, args: tuple[Untyped, ...], kwargs: Mapping[str, Untyped], first: Tensor,
        in_place: bool,
    ) -> Untyped:  # fmt: skip
        """What a function makes; of common ones without asking PyTorch's kernels, which take longer."""
        if name in _SAME_SHAPE and args and args[0] is first:
            if in_place:
                return first
            return torch.empty_strided(first.shape, first.stride(), dtype=first.dtype, device="meta")
        if name == "conv2d" and len(args) >= 3 and args[0] is first and first.dim() == 4:
            made = _convolved(first, args, kwargs)
            if made is not None:
                return made
        if name in ("add", "mul") and len(args) == 2 and not kwargs and in_place:
            return func(*args)
        return func(*args, **kwargs)

    def _written_down(
        self, name: str, args: tuple[Untyped, ...], kwargs: Mapping[str, Untyped], read: list[Tensor],
        others: tuple[tuple[Tensor, Constant], ...], found: list[Tensor], in_place: bool,
    ) -> None:  # fmt: skip
        standings = tuple([self._standing[id(each)] for each in read])
        parameters = tuple({id(p): p for _, constant in others for p in constant.parameters}.values())
        if name in ("unbind", *_PARTS):
            self._in_parts(name, args, kwargs, read, others, found, parameters)
            return
        call = Call(
            name,
            args,
            kwargs,
            tuple(read),
            standings,
            others,
            found[0],
            in_place,
            self._starts,
            same_memory(found[0], read[0]),
        )
        answer = answered(call)
        before = len(self.written)
        if answer.op is None:
            self._stand(found[0], Standing(standings[0].position, answer.roles))
        else:
            reads = tuple([each.position for each in standings])
            self._write(name, answer.op, reads, found[0], answer.roles, parameters, answer.kept, kwargs, self.module)
        position = len(self.written) - 1
        for more in found[1:]:
            # Indices, or a second statistic.
            roles = answer.roles if len(answer.roles) == more.dim() else (S,) * more.dim()
            self._stand(more, Standing(position, roles))
        if in_place and read[0] is not found[0]:
            self._stand(read[0], Standing(position, answer.roles))
        made = tuple(range(before, len(self.written)))
        if in_place and read[0]._base is not None and id(read[0]._base) in self._standing:
            self._into(read[0]._base, position)
        into = len(self.written) - 1 if len(self.written) > before + len(made) else -1
        self.followed.append(Followed(name, made, into))

    def _into(self, whole: Tensor, position: int) -> None:
        """What was done in place to a view was done to all that it is a view of."""
        before = self._standing[id(whole)]
        came = (self.written[before.position].shape, self.written[position].shape)
        if before.position == position:
            return
        from archlab.ops import Rearranged

        op = Rearranged("in_place", came, graph_shape(tuple(whole.shape), before.roles))
        self._write("in_place", op, (before.position, position), whole, before.roles, (), Kept(), {}, self.module)

    def _in_parts(
        self, name: str, args: tuple[Untyped, ...], kwargs: Mapping[str, Untyped], read: list[Tensor],
        others: tuple[tuple[Tensor, Constant], ...], found: list[Tensor], parameters: tuple[Tensor, ...],
    ) -> None:  # fmt: skip
        """A node for each part of a tensor."""
        standing = self._standing[id(read[0])]
        axis = int((args[1] if len(args) > 1 else kwargs.get("dim", 0)) if name == "unbind" else
                   (args[2] if len(args) > 2 else kwargs.get("dim", 0)))  # fmt: skip
        start, before = 0, len(self.written)
        for each in found:
            more = {**kwargs, "_start": start}
            call = Call(name, args, more, (read[0],), (standing,), others, each, False, self._starts, True)
            answer = RULES[name](call)
            assert answer.op is not None
            self._write(
                name, answer.op, (standing.position,), each, answer.roles, parameters, answer.kept, {}, self.module
            )
            start += each.shape[axis] if name != "unbind" else 1
        self.followed.append(Followed(name, tuple(range(before, len(self.written)))))

    def _of_constants(
        self, func: Untyped, name: str, args: tuple[Untyped, ...], kwargs: Mapping[str, Untyped],
        tensors: list[Tensor], in_place: bool,
    ) -> Untyped:  # fmt: skip
        """A call on tensors that depend on nothing that comes in."""
        if any(each.is_meta and id(each) not in self._constant and id(each) not in self._standing for each in tensors):
            raise SourceError(_UNFOLLOWED)
        owned = in_place and any(id(each) in self._owned for each in tensors)
        learned = any(self._constant[id(each)].parameters for each in tensors if id(each) in self._constant)
        if owned or learned or (any(each.is_meta for each in tensors) and not all(each.is_meta for each in tensors)):
            # Parameters are not computed with, and nothing that the module owns is changed.
            swapped = {id(each): self._stand_in(each) for each in tensors}
            args, kwargs = _swapped(args, swapped), dict(_swapped(kwargs, swapped))
        try:
            found = func(*args, **kwargs)
        except Exception as error:
            if name in _VALUES:
                raise SourceError(
                    f"{self.place()}: its code asks for the values of a parameter or a buffer ({name}), which are not "
                    "read"
                ) from error
            raise ShapeError(_first_line(error)).at(self.place()) from error
        if name in PRODUCTS:
            macs = macs_of_constants(name, args, kwargs, tensors_in((args, tuple(kwargs.values()))), found)
            self.products.setdefault(self.module, []).append(macs)
        parameters = {id(p): p for each in tensors for p in self._constant.get(id(each), Constant(())).parameters}
        if owned and tensors:
            return tensors[0]  # what is the module's own stays in its place
        return self._note(found, tuple(parameters.values()) if name not in _SHAPED else ())

    def place(self) -> str:
        """The module that is running, by its class."""
        return type(self.entered[self.module].module).__name__ if self._inside else "its forward"

    def constant(self, tensor: Tensor) -> None:
        """A node for a tensor that goes out and depends on nothing that comes in."""
        roles: Roles = (*(S,) * (tensor.dim() - 1), C)[-tensor.dim() :] if tensor.dim() else ()
        op = Fixed("constant", (self.written[0].shape,), graph_shape(tuple(tensor.shape), roles))
        self._write("constant", op, (0,), tensor, roles, (), Kept(), {}, self.module)


_UNFOLLOWED = (
    "a tensor comes from code that cannot be followed (TorchScript, or a compiled function): give the module before it "
    "was compiled"
)


def _says_in_place(name: str, args: tuple[Untyped, ...]) -> bool:
    """Whether the last argument of an activation says that it works in place."""
    place = {"relu": 1, "relu6": 1, "hardswish": 1, "hardsigmoid": 1, "silu": 1, "mish": 1, "selu": 1, "hardtanh": 3,
             "leaky_relu": 2, "elu": 2, "celu": 2, "dropout": 3, "dropout2d": 3}.get(name)  # fmt: skip
    return place is not None and len(args) > place and args[place] is True


def _convolved(x: Tensor, args: tuple[Untyped, ...], kwargs: Mapping[str, Untyped]) -> Tensor | None:
    """What a convolution makes; None where its arguments are less plain, so that PyTorch says it."""
    weight = args[1]
    stride = args[3] if len(args) > 3 else kwargs.get("stride", 1)
    padding = args[4] if len(args) > 4 else kwargs.get("padding", 0)
    dilation = args[5] if len(args) > 5 else kwargs.get("dilation", 1)
    groups = args[6] if len(args) > 6 else kwargs.get("groups", 1)
    if not all(isinstance(each, tuple) and len(each) == 2 for each in (stride, padding, dilation)):
        return None
    batch, channels, *sizes = x.shape
    filters, inner, *kernel = weight.shape
    if channels != inner * groups:
        return None
    made = [
        (n + 2 * p - d * (k - 1) - 1) // s + 1
        for n, k, s, p, d in zip(sizes, kernel, stride, padding, dilation, strict=True)
    ]
    return torch.empty((batch, filters, *made), dtype=x.dtype, device="meta") if min(made) > 0 else None


def same_memory(one: Tensor, other: Tensor) -> bool:
    """Whether two tensors lie in the same memory."""
    return one is other or one.untyped_storage()._cdata == other.untyped_storage()._cdata


def tensors_in(value: Untyped) -> list[Tensor]:
    """The tensors in whatever a function takes or gives, in order."""
    found: list[Tensor] = []
    _collect(value, found)
    return found


def _collect(value: Untyped, found: list[Tensor]) -> None:
    if isinstance(value, torch.Tensor):
        found.append(value)
    elif isinstance(value, list | tuple):
        for each in value:
            _collect(each, found)
    elif isinstance(value, dict):
        for each in value.values():
            _collect(each, found)
    elif is_dataclass(value) and not isinstance(value, type):
        for each in vars(value).values():
            _collect(each, found)


def _swapped(value: Untyped, stand_ins: Mapping[int, Tensor]) -> Untyped:
    """The same arguments with other tensors among them."""
    if isinstance(value, torch.Tensor):
        return stand_ins.get(id(value), value)
    if type(value) in (list, tuple):
        return type(value)([_swapped(each, stand_ins) for each in value])
    if isinstance(value, Mapping):
        return {key: _swapped(each, stand_ins) for key, each in value.items()}
    return value


def _first_line(error: Exception) -> str:
    lines = str(error).strip().splitlines()
    return lines[0][:300] if lines else type(error).__name__
