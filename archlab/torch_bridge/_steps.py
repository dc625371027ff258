"""A training loop of somebody's own: its tensors as arrays, and its optimizer's steps as they are taken."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from typing import Any, cast

import torch
from torch.optim.optimizer import register_optimizer_step_post_hook

from archlab.torch_bridge.types import Module, Tensor


def arrays(values: object) -> object:
    """Tensors as NumPy arrays, wherever they lie and in lists and mappings too; anything else as it is."""
    if isinstance(values, torch.Tensor):
        plain = cast("Tensor", values).detach().cpu()
        return (plain.float() if plain.dtype == torch.bfloat16 else plain).resolve_conj().numpy()
    if isinstance(values, Mapping):
        return {key: arrays(each) for key, each in cast("Mapping[object, object]", values).items()}
    if isinstance(values, list | tuple):
        return [arrays(each) for each in cast("list[object]", values)]
    return values


@contextmanager
def counting_steps(module: Module, stepped: Callable[[], None]) -> Iterator[None]:
    """Call `stepped` after every step of an optimizer that trains a parameter of the module."""
    own = {id(parameter) for parameter in module.parameters()}

    def after(optimizer: torch.optim.Optimizer, args: Any, kwargs: Any) -> None:
        if any(id(parameter) in own for group in optimizer.param_groups for parameter in group["params"]):
            stepped()

    handle = register_optimizer_step_post_hook(after)
    try:
        yield
    finally:
        handle.remove()
