"""Modules built without memory: their parameters have shapes, and how each would begin is written down."""

from __future__ import annotations

import warnings
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from math import prod, sqrt
from statistics import NormalDist
from typing import NamedTuple

import torch
from torch.overrides import TorchFunctionMode

from archlab.functions import Start
from archlab.torch_bridge.types import Module, Tensor, Untyped

_MAKING: Mapping[str, Start | None] = {
    "empty": None, "zeros": Start(0.0, 0.0), "ones": Start(1.0, 0.0), "full": None, "randn": Start(0.0, 1.0),
    "rand": Start(0.5, 1 / sqrt(12), "uniform"), "empty_strided": None,
}  # fmt: skip
"""Functions that make large tensors, and what these begin with. All others compute as ever: code asks for values of
small ones, such as rates of dropout that grow with depth."""


class Built(NamedTuple):
    """A module without memory, and by the `id` of a parameter what its elements would begin with."""

    module: Module
    starts: Mapping[int, Start]


def built(make: Callable[[], Module]) -> Built:
    """Call what makes a module, so that no weight of it takes memory.

    >>> made = built(lambda: torch.nn.Linear(100_000, 100_000))
    >>> made.module.weight.is_meta, round(made.starts[id(made.module.weight)].stddev * 100_000**0.5, 3)
    (True, 0.577)
    """
    mode = _WithoutMemory()
    with warnings.catch_warnings(), torch.random.fork_rng(devices=[]), _truncated(mode), mode:
        # What libraries warn of there is how weights begin that are none, and what their next versions will do.
        warnings.simplefilter("ignore")
        module = make()
    starts: dict[int, Start] = {}
    if isinstance(module, torch.nn.Module):
        for parameter in module.parameters():
            start = mode.begins(parameter)
            if start is not None:
                starts[id(parameter)] = start
    return Built(module, starts)


@contextmanager
def _truncated(mode: _WithoutMemory) -> Iterator[None]:
    """Note what is drawn from a truncated normal distribution: PyTorch draws until all fits, which has no end here."""
    name = "_no_grad_trunc_normal_"
    draw = getattr(torch.nn.init, name, None)
    if draw is None:
        yield
        return

    def noted(
        tensor: Tensor, mean: float, std: float, a: float, b: float, generator: torch.Generator | None = None
    ) -> Tensor:
        if not tensor.is_meta:
            return draw(tensor, mean, std, a, b, generator=generator)
        mode.begin(tensor, _cut(mean, std, min(abs(a - mean), abs(b - mean)) / std if std else 0.0))
        return tensor

    setattr(torch.nn.init, name, noted)
    try:
        yield
    finally:
        setattr(torch.nn.init, name, draw)


def _cut(mean: float, std: float, at: float) -> Start:
    """A normal distribution that is cut off at so many standard deviations on either side."""
    if at > 3.3 or not std:
        return Start(mean, std)
    inside = 2 * NormalDist().cdf(at) - 1
    kept = 1 - 2 * at * NormalDist().pdf(at) / inside
    return Start(mean, std * sqrt(kept), "truncated_normal")


class _WithoutMemory(TorchFunctionMode):
    """Lets tensors be made without memory, and follows what their elements would begin with."""

    def __init__(self) -> None:
        super().__init__()
        self._starts: dict[int, Start | None] = {}
        """By the storage, which a parameter shares with the tensor that it was made of."""
        self._kept_alive: list[Tensor] = []

    def begins(self, tensor: Tensor) -> Start | None:
        """What its elements begin with, if that is known."""
        return self._starts.get(tensor.untyped_storage()._cdata)

    def begin(self, tensor: Tensor, start: Start | None) -> None:
        """Note what its elements begin with."""
        self._starts[tensor.untyped_storage()._cdata] = start
        self._kept_alive.append(tensor)

    def __torch_function__(
        self, func: Untyped, types: Untyped, args: tuple[Untyped, ...] = (), kwargs: Mapping[str, Untyped] | None = None
    ) -> Untyped:
        kwargs = dict(kwargs or {})
        name = getattr(func, "__name__", "")
        if name in _MAKING and torch.device(kwargs.get("device") or "cpu").type == "cpu":
            kwargs["device"] = "meta"
            kwargs.pop("pin_memory", None)
            made = func(*args, **kwargs)
            start = _MAKING[name]
            if name == "full":
                value = args[1] if len(args) > 1 else kwargs.get("fill_value", 0)
                start = Start(float(value), 0.0) if isinstance(value, int | float) else None
            self.begin(made, start)
            return made
        if getattr(func, "__module__", "") == "torch.nn.init":
            # These hand themselves on with all arguments by name.
            tensor = kwargs.get("tensor")
            if tensor is not None and isinstance(tensor, torch.Tensor) and tensor.is_meta:
                self.begin(tensor, _initialized(name, tensor, kwargs))
                return tensor
        first = args[0] if args and isinstance(args[0], torch.Tensor) else None
        if first is None or not first.is_meta:
            return func(*args, **kwargs)
        made = func(*args, **kwargs)
        if isinstance(made, torch.Tensor):
            self._follow(name, first, made, args, kwargs)
        return made

    def _follow(
        self, name: str, first: Tensor, made: Tensor, args: tuple[Untyped, ...], kwargs: Mapping[str, Untyped]
    ) -> None:
        begun = self.begins(first)
        base = name.strip("_").removeprefix("i").removeprefix("r") if name.startswith("__") else name.rstrip("_")
        start: Start | None
        if name in _DRAWN:
            start = _DRAWN[name](*args[1:], **{k: v for k, v in kwargs.items() if k in _ARGUMENTS})
        elif base in ("mul", "div", "add", "sub", "erfinv", "neg", "truediv"):
            start = _changed(base, begun, args[1] if len(args) > 1 else None)
        elif name.endswith("_") and not name.startswith("__") and name not in ("clamp_", "requires_grad_", "detach_"):
            start = None
        else:
            return
        # Of part of a tensor nothing is said about the whole.
        whole = made.untyped_storage().nbytes() == made.numel() * made.element_size()
        self.begin(made, start if whole else None)


def _initialized(name: str, tensor: Tensor, named: Mapping[str, Untyped]) -> Start | None:
    """What a function of `torch.nn.init` lets a tensor begin with."""
    if name == "constant_":
        return _constant(named["val"])
    if name == "normal_":
        return _normal(named.get("mean", 0.0), named.get("std", 1.0))
    if name == "uniform_":
        return _uniform(named.get("a", 0.0), named.get("b", 1.0))
    if name == "kaiming_uniform_" and tensor.dim() > 1 and tensor.numel():
        gain = torch.nn.init.calculate_gain(named.get("nonlinearity", "leaky_relu"), named.get("a", 0))
        window = prod(tensor.shape[2:])
        fan = tensor.shape[1 if named.get("mode", "fan_in") == "fan_in" else 0] * window
        return Start(0.0, gain / sqrt(fan), "uniform")
    return None


_ARGUMENTS = frozenset({"mean", "std", "a", "b", "to", "from", "value"})


def _normal(mean: float = 0.0, std: float = 1.0) -> Start:
    return Start(float(mean), float(std))


def _uniform(low: float = 0.0, high: float = 1.0, **named: float) -> Start:
    low, high = float(named.get("a", named.get("from", low))), float(named.get("b", named.get("to", high)))
    return Start((low + high) / 2, abs(high - low) / sqrt(12), "uniform")


def _constant(value: float = 0.0) -> Start | None:
    return Start(float(value), 0.0) if isinstance(value, int | float) else None


_DRAWN: Mapping[str, Callable[..., Start | None]] = {
    "normal_": _normal, "uniform_": _uniform, "fill_": _constant, "zero_": lambda: Start(0.0, 0.0),
}  # fmt: skip


def _changed(name: str, start: Start | None, operand: Untyped) -> Start | None:
    """What the elements are after arithmetic with a number."""
    if start is None:
        return None
    if name == "erfinv":
        # So a truncated normal distribution is drawn: the inverse of its cumulative distribution, of a uniform number.
        half = start.stddev * sqrt(3)
        if start.distribution != "uniform" or abs(start.mean) > 1e-6:
            return None
        at = NormalDist().inv_cdf(min((1 + half) / 2, 1 - 1e-9))
        return _cut(0.0, sqrt(0.5), at)
    if name == "neg":
        return start._replace(mean=-start.mean)
    if not isinstance(operand, int | float):
        return None
    if name in ("mul", "div", "truediv"):
        factor = float(operand) if name == "mul" else 1 / float(operand or 1)
        return start._replace(mean=start.mean * factor, stddev=abs(start.stddev * factor))
    return start._replace(mean=start.mean + (operand if name == "add" else -operand))
