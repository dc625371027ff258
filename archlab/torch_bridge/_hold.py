"""Modules left exactly as they are, whatever is run in them: their attributes, weights, statistics and random state."""

from __future__ import annotations

import random
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import NamedTuple

import numpy as np
import torch

from archlab.torch_bridge.types import Module, Tensor


class ModuleValues(NamedTuple):
    """What a module's parameters and buffers are, each once and in its order, and the seed of what is drawn there."""

    parameters: tuple[Tensor, ...]
    buffers: tuple[Tensor, ...]
    seed: int = 0


def values_of(module: Module, seed: int = 0) -> ModuleValues:
    """The values that a module has."""
    return ModuleValues(tuple(module.parameters()), tuple(module.buffers()), seed)


def without_memory(module: Module) -> bool:
    """Whether a parameter or a buffer of a module stands on the meta device."""
    return any(each.is_meta for each in (*module.parameters(), *module.buffers()))


def in_float64(values: ModuleValues) -> ModuleValues:
    """The same with every number of floating point in float64."""

    def wide(tensor: Tensor) -> Tensor:
        return tensor.detach().double() if tensor.is_floating_point() else tensor

    return ModuleValues(tuple(map(wide, values.parameters)), tuple(map(wide, values.buffers)), values.seed)


@contextmanager
def left_as_it_is(module: Module) -> Iterator[None]:
    """Give every module its attributes back, whatever its code puts there: parameters, buffers, hooks, its mode."""
    names = ("_parameters", "_buffers", "_modules")
    plain = [each for each in module.modules() if all(name in vars(each) for name in names)]  # TorchScript's are not
    before = [(each, dict(vars(each)), _contents(each)) for each in plain]
    try:
        yield
    finally:
        for each, attributes, contents in before:
            now = vars(each)
            if len(now) != len(attributes) or any(now.get(key) is not value for key, value in attributes.items()):
                now.clear()
                now.update(attributes)
            for name, content in contents.items():
                holder = now[name]
                if isinstance(content, list):
                    holder[:] = content
                elif len(holder) != len(content) or any(holder.get(key) is not own for key, own in content.items()):
                    holder.clear()
                    holder.update(content)


def _contents(module: Module) -> dict[str, list[object] | dict[object, object]]:
    """What a module's tables and lists hold."""
    found: dict[str, list[object] | dict[object, object]] = {}
    for name, value in vars(module).items():
        if isinstance(value, dict):
            found[name] = dict(value)
        elif type(value) is list:
            found[name] = list(value)
    return found


@contextmanager
def same_random_state(module: Module, seed: int) -> Iterator[None]:
    """Begin all random generators with a seed, and put them back afterwards: PyTorch's, Python's and NumPy's."""
    devices = {each.device for each in (*module.parameters(), *module.buffers()) if each.is_cuda}
    python, arrays = random.getstate(), np.random.get_state()
    with torch.random.fork_rng(devices=list(devices)):
        torch.manual_seed(seed)
        random.seed(seed)
        np.random.seed(seed % 2**32)
        try:
            yield
        finally:
            random.setstate(python)
            np.random.set_state(arrays)


@contextmanager
def holding(module: Module, values: ModuleValues, training: bool) -> Iterator[Mapping[int, Tensor]]:
    """Let a module have copies of these values, in one of its modes; afterwards all is as it was.

    Gives by the `id` of each of the module's own parameters and buffers what stands in its place. Parameters are copied
    too: code may change them while it runs, as spectral normalization does.
    """
    own = (*module.parameters(), *module.buffers())
    with left_as_it_is(module), same_random_state(module, values.seed):
        given = (*values.parameters, *values.buffers)
        places: dict[int, Tensor] = {}
        for mine, value in zip(own, given, strict=True):
            copy = value.detach().clone()
            if isinstance(mine, torch.nn.Parameter):
                copy = torch.nn.Parameter(copy, requires_grad=mine.requires_grad)
            places[id(mine)] = copy
        for each in module.modules():
            held = vars(each)
            for table in (held.get("_parameters", {}), held.get("_buffers", {})):
                for name, mine in table.items():
                    if mine is not None:
                        table[name] = places[id(mine)]
            for name, value in held.items():
                if isinstance(value, torch.Tensor):
                    held[name] = places.get(id(value), value.detach().clone())
                elif name == "_flat_weights":  # what recurrent layers read
                    held[name] = [places.get(id(weight), weight) for weight in value]
        module.train(training)
        yield places
