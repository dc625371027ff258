"""Live modules of PyTorch, and the models of torchvision and timm: `torchvision:resnet50`, `timm:resnet50.a1_in1k`."""

from __future__ import annotations

import sys
from collections.abc import Callable, Mapping, Sequence
from functools import partial
from typing import Any

from archlab.errors import UsageError
from archlab.sources._architecture import Architecture
from archlab.sources._arguments import read_arguments
from archlab.sources._kind import Options

_PREFIXES = ("torchvision:", "timm:")


def claims(reference: str) -> bool:
    """Whether the reference is of this kind."""
    return reference.startswith(_PREFIXES)


def load(reference: str, options: Options) -> Architecture:
    """The model of that name, in evaluation mode, its weights neither downloaded nor made."""
    from archlab.torch_bridge import timm_model, torchvision_model  # PyTorch, which no other reference needs

    collection, name, *_ = reference.split(":")
    find = torchvision_model if collection == "torchvision" else timm_model
    found = find(name, read_arguments(reference, 2), reference)
    return architecture(found.built.module, reference, reference, found.input, found.built.starts, found.make)


def taken(value: object, name: str, reference: str, input: Sequence[int | None] | None) -> Architecture | None:
    """A PyTorch module as an architecture; None for anything else. `input` is what it takes: nothing else says it."""
    torch = sys.modules.get("torch")  # whoever holds a module has loaded PyTorch
    if torch is None or not isinstance(value, torch.nn.Module):
        return None
    title = name or type(value).__name__
    if input is None:
        raise UsageError(
            f"{title} is a PyTorch module, which does not say what it takes: give it, input=(3, 224, 224) "
            "(at the command line --input 224x224)"
        )
    return architecture(value, title, reference, input)


def architecture(
    module: Any,
    name: str,
    reference: str,
    input: Sequence[int | None],
    starts: Mapping[int, Any] | None = None,
    make: Callable[[], Any] | None = None,
) -> Architecture:
    """A module as an architecture for images of that shape, channels first; two sizes are those of an image."""
    from archlab.torch_bridge import channels, from_torch

    shape = tuple(input)
    if None in shape:
        raise UsageError(f"{name}: a PyTorch module is read for one size, got {shape}")
    if len(shape) == 2 and _takes_images(module):
        shape = (channels(module) or 3, *shape)
    sizes = tuple([size for size in shape if size is not None])
    graph = from_torch(module, sizes, starts, name)
    again = partial(_for_input, module, name, reference, starts, make)
    return Architecture(
        name,
        reference,
        None,
        _graph=graph,
        _for_input=again,
        _read_for=tuple(input),
        module=module,
        takes=sizes,
        make=make,
    )


def _for_input(
    module: Any,
    name: str,
    reference: str,
    starts: Mapping[int, Any] | None,
    make: Callable[[], Any] | None,
    shape: tuple[int | None, ...],
) -> Architecture:
    """The same module for another input; of an image, channels last are understood too, where they are not first."""
    from archlab.torch_bridge import channels

    wanted = channels(module)
    if len(shape) > 2 and wanted is not None and shape[0] != wanted and shape[-1] == wanted:
        shape = (shape[-1], *shape[:-1])
    return architecture(module, name, reference, shape, starts, make)


def _takes_images(module: Any) -> bool:
    from archlab.torch_bridge import first_axes

    return first_axes(module) in (2, None)
