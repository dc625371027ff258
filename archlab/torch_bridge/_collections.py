"""The models of torchvision and of timm, by name, built without memory."""

from __future__ import annotations

import ast
import inspect
import warnings
from collections.abc import Callable, Mapping
from typing import NamedTuple

from archlab.errors import MissingPartError, UnknownNameError, UsageError, did_you_mean
from archlab.torch_bridge._build import Built, built
from archlab.torch_bridge.types import Module, Untyped

_SIZE = 224


class Collected(NamedTuple):
    """A model of a collection, in evaluation mode, the shape of the images that it takes, and what makes it anew."""

    built: Built
    input: tuple[int, ...]
    make: Callable[[], Module]


def torchvision_model(name: str, arguments: Mapping[str, str], reference: str) -> Collected:
    """A classification model of `torchvision.models`; no weights are downloaded.

    Raises:
        UnknownNameError: there is none of that name, or it has no such argument.
        MissingPartError: torchvision is not installed.
    """
    try:
        from torchvision import models
    except ImportError as error:
        raise MissingPartError("torchvision is not installed: pip install 'archlab[torch]'") from error
    known = models.list_models(module=models)
    if name.lower() not in known:
        raise UnknownNameError(f"no model named {name!r} in torchvision.models: {did_you_mean(name, known)}")
    make = models.get_model_builder(name.lower())
    taken = [key for key in inspect.signature(make).parameters if key not in ("weights", "progress", "kwargs")]
    given = _values(arguments, [*taken, "num_classes", *_taken_by_class(models, name)], name)

    def anew() -> Module:
        return make(weights=None, **given).eval()

    made = _guarded(anew, reference)
    size = getattr(made.module, "image_size", None) or {"inception_v3": 299}.get(name.lower(), _SIZE)
    return Collected(made, (3, size, size), _quiet(anew))


def _taken_by_class(models: Untyped, name: str) -> list[str]:
    """Arguments that a builder hands on to the class of the model: those that all of its kind have in common."""
    return ["dropout", "norm_layer", "init_weights", "width_mult", "memory_efficient"]


def timm_model(name: str, arguments: Mapping[str, str], reference: str) -> Collected:
    """A model of timm; no weights are downloaded.

    Raises:
        UnknownNameError: there is none of that name.
        MissingPartError: timm is not installed.
    """
    try:
        import timm
    except ImportError as error:
        raise MissingPartError("timm is not installed: pip install timm") from error
    plain = name.partition(".")[0]
    known = timm.list_models()
    if plain not in known:
        raise UnknownNameError(f"no model named {plain!r} in timm: {did_you_mean(plain, known)}")
    given = _values(arguments, None, name)

    def anew() -> Module:
        return timm.create_model(name, pretrained=False, **given).eval()

    made = _guarded(anew, reference)
    config = getattr(made.module, "pretrained_cfg", None) or {}
    channels, height, width = config.get("input_size") or (3, _SIZE, _SIZE)
    return Collected(made, (given.get("in_chans", channels), height, width), _quiet(anew))


def _values(arguments: Mapping[str, str], known: list[str] | None, name: str) -> dict[str, Untyped]:
    found: dict[str, Untyped] = {}
    for key, text in arguments.items():
        if known is not None and key not in known:
            raise UnknownNameError(f"{name} has no argument {key!r}: {did_you_mean(key, known)}")
        try:
            found[key] = ast.literal_eval(text)
        except (ValueError, SyntaxError):
            found[key] = text
    return found


def _quiet(make: Callable[[], Module]) -> Callable[[], Module]:
    """Makes the same; what libraries warn of there is what their next versions will do."""

    def made() -> Module:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            return make()

    return made


def _guarded(make: Untyped, reference: str) -> Built:
    try:
        return built(make)
    except Exception as error:  # what a collection raises of its arguments
        first = (str(error).strip().splitlines() or [type(error).__name__])[0][:300]
        raise UsageError(f"{reference}: {first}") from error
