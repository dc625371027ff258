"""Modules initialized anew: made again by the code that made them, or layer by layer."""

from __future__ import annotations

from collections.abc import Callable

import torch

from archlab.errors import SourceError
from archlab.torch_bridge._hold import ModuleValues, holding, same_random_state, values_of
from archlab.torch_bridge.types import Module

_OWN = ("reset_parameters", "_reset_parameters")
"""By these methods PyTorch's layers draw their parameters."""


def made(make: Callable[[], Module], seed: int) -> Module:
    """A module as its own code makes it, with memory, all that is drawn beginning with a seed."""
    with same_random_state(torch.nn.Module(), seed):
        return make()


def drawn(module: Module, seed: int, make: Callable[[], Module] | None, name: str) -> ModuleValues:
    """The values of a module under another initialization; the module keeps its own.

    Where the code that makes it is known it is made again. Else every layer draws its parameters as PyTorch's layers do
    by default (`reset_parameters`), one after another, and what holds other layers after these.

    Raises:
        SourceError: its code makes another module each time, or fails.
    """
    if make is not None:
        again = made(make, seed)
        new = values_of(again, seed)
        old = values_of(module)
        pairs = [*zip(new.parameters, old.parameters, strict=False), *zip(new.buffers, old.buffers, strict=False)]
        if len(pairs) != len(old.parameters) + len(old.buffers) or any(one.shape != two.shape for one, two in pairs):
            raise SourceError(f"{name}: what makes it makes another module each time: other seeds cannot be measured")
        return new
    own = (*module.parameters(), *module.buffers())
    with holding(module, values_of(module, seed), module.training) as places, torch.no_grad():
        for each in reversed(list(module.modules())):
            for method in _OWN:
                if callable(getattr(each, method, None)):
                    try:
                        getattr(each, method)()
                    except Exception as error:  # somebody's layer may raise anything
                        first = (str(error).strip().splitlines() or [type(error).__name__])[0][:300]
                        raise SourceError(f"{name}: {type(each).__name__}.{method}() fails: {first}") from error
                    break
        found = [places[id(mine)].detach() for mine in own]
    count = len(values_of(module).parameters)
    return ModuleValues(tuple(found[:count]), tuple(found[count:]), seed)


def not_drawn(module: Module, make: Callable[[], Module] | None) -> tuple[str, ...]:
    """The parameters that keep their values under every seed, as nothing says how they are initialized."""
    if make is not None:
        return ()
    kept: list[str] = []
    for path, each in module.named_modules():
        if not any(callable(getattr(each, method, None)) for method in _OWN):
            kept += [f"{path}.{name}".lstrip(".") for name, _ in each.named_parameters(recurse=False)]
    return tuple(kept)
