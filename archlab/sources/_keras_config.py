"""What a saved Keras model says of itself, `config.json`, read and checked before anything else is.

The file may hold anything. What it says decides which classes Keras makes, with which arguments, so only what cannot
run code, read other files or take more than a little memory goes further. Nothing here imports TensorFlow.
"""

from __future__ import annotations

import json
import re
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any, NamedTuple

from archlab.errors import SourceError
from archlab.files.archive import ArchiveLimits, UnsafeArchiveError, open_archive

# The largest model of keras.applications takes 1.3 MiB to write down. As Python objects JSON grows up to 25-fold.
_LARGEST_CONFIG = 8 * 2**20
# Room for 20,000 members, where a model has four and its assets. Keras stores without compressing; even a file that was
# compressed afterwards shrinks by little.
_LIMITS = ArchiveLimits(members=20_000, directory_bytes=2**20, total_ratio=200)
_AT_ONCE = 2**18
# Nested models take five levels each.
_DEEPEST = 200
_MOST_LAYERS = 10_000
# How often layers are looked at until all are in place; once or twice each, where Keras has written them down itself.
_MOST_WORK = 10**6

# Where Keras keeps what models are made of. Its other modules download, unpack and read files.
_PARTS = "activations constraints dtype_policies initializers layers models ops quantizers random regularizers"
_MODULE = re.compile(rf"keras\.(src\.)?({'|'.join(_PARTS.split())})(\..+)?|keras\.src\.applications\..+")
_TOP = frozenset({"DTypePolicy", "FloatDTypePolicy", "Functional", "Model", "Sequential"})
_VALUES = frozenset({"__bytes__", "__ellipsis__", "__keras_tensor__", "__numpy__", "__slice__", "__tensor__"})
_NUMBERS = re.compile(r"bool|bfloat16|(u?int|float|complex)\d{1,3}")
_OUTSIDE = frozenset({"FlaxLayer", "JaxLayer", "TFSMLayer", "TorchModuleWrapper"})
"""Layers that are programs from somewhere else: what they would run is not in the file's own words."""


class _Place(NamedTuple):
    """A dictionary of the configuration that says which class Keras makes, and the layer it stands in."""

    data: dict[str, Any]
    layer: str


def read(path: Path, reference: str) -> dict[str, Any]:
    """The configuration in a `.keras` file, as plain data; the weights are not looked at.

    Raises:
        SourceError: it is no Keras file, or larger, deeper or denser than one ever is.
    """
    try:
        with open_archive(path, _LIMITS) as archive:
            if "config.json" not in archive.NameToInfo:
                raise SourceError(f"{reference} is not a Keras file: it holds no config.json")
            with archive.open("config.json") as member:
                text = b""
                # At most so much is unpacked, whatever the header says.
                while len(text) <= _LARGEST_CONFIG and (more := member.read(_AT_ONCE)):
                    text += more
    except SourceError:
        raise
    except UnsafeArchiveError as error:
        raise SourceError(f"{reference}: {error}: refused") from None
    except PermissionError:
        raise SourceError(f"{reference} cannot be read, permission denied") from None
    except Exception as error:  # headers that lie raise anything, from struct.error to NotImplementedError
        raise SourceError(f"{reference} is not a Keras file, or it is cut short: {_first_line(error)}") from None
    if len(text) > _LARGEST_CONFIG:
        raise SourceError(f"{reference}: its config.json is larger than {_LARGEST_CONFIG:,} bytes: refused")
    try:
        config = json.loads(text.decode("utf-8"))
    except RecursionError:
        raise SourceError(_too_deep(reference)) from None
    except ValueError as error:
        raise SourceError(f"{reference}: its config.json is invalid JSON: {_first_line(error)}") from None
    if not isinstance(config, dict) or not isinstance(config.get("class_name"), str) or "config" not in config:
        raise SourceError(f"{reference}: its config.json describes no model: it names no class_name and config")
    return config


def check(config: dict[str, object], reference: str, allow_lambda: bool = False) -> bool:
    """Whether a configuration holds lambdas; what was compiled is taken out of it, for no analysis needs it.

    Raises:
        SourceError: it holds lambdas that are not allowed, a class that is not Keras's own and that nobody has
            registered, or layers that can never be put together; names the layer.
    """
    lambdas = False
    layers = 0
    for place in _places(config, reference):
        data, layer = place
        data.pop("compile_config", None)
        kind = data["class_name"]
        if not isinstance(kind, str):
            raise SourceError(f"{reference}: {layer} names no class: {str(kind)[:80]!r}")
        bare = kind.rpartition(".")[2]
        if bare in ("Lambda", "__lambda__"):
            if not allow_lambda:
                raise SourceError(
                    f"{reference}: {layer} is a lambda, whose code would run when the model is loaded: if you trust "
                    "the file, allow it with --allow-lambda (in Python load(…, allow_lambda=True))"
                )
            lambdas = True
        elif bare in _OUTSIDE:
            raise SourceError(f"{reference}: {layer} is a {bare}, a program that is not in the file: refused")
        _check_value(place, bare, reference)
        _check_class(place, kind, reference)
        if isinstance(inner := data["config"], dict) and isinstance(each := inner.get("layers"), list):
            layers += len(each)
            if layers > _MOST_LAYERS:
                raise SourceError(f"{reference} has more than {_MOST_LAYERS:,} layers: refused")
            _check_order(each, reference)
    return lambdas


def _places(config: dict[str, object], reference: str) -> Iterator[_Place]:
    """Every object in a configuration. Without recursion: how deep it is, the file decides."""
    waiting: list[tuple[Any, str, int]] = [(config, "the model", 0)]
    while waiting:
        value, layer, depth = waiting.pop()
        if depth > _DEEPEST:
            raise SourceError(_too_deep(reference))
        if isinstance(value, dict):
            if "class_name" in value and "config" in value:
                inner = value["config"]
                name = inner.get("name") if isinstance(inner, dict) else None
                if isinstance(name, str):
                    layer = f"the layer {name[:80]!r}" if depth else layer
                yield _Place(value, layer)
            waiting.extend((inner, layer, depth + 1) for inner in value.values() if isinstance(inner, dict | list))
        else:
            waiting.extend((inner, layer, depth + 1) for inner in value if isinstance(inner, dict | list))


def _too_deep(reference: str) -> str:
    return f"{reference}: its config.json is nested more than {_DEEPEST} deep: refused"


def _check_value(place: _Place, kind: str, reference: str) -> None:
    """Refuse arguments that take memory or read files before any layer is built."""
    data, layer = place
    inner = data["config"]
    if not isinstance(inner, dict):
        return
    if kind in ("__numpy__", "__tensor__") and not _NUMBERS.fullmatch(str(inner.get("dtype"))):
        # An array of fixed-length strings is as long as its dtype says.
        raise SourceError(f"{reference}: {layer} holds an array of {str(inner.get('dtype'))[:80]!r}: refused")
    if isinstance(inner.get("vocabulary"), str):
        raise SourceError(f"{reference}: {layer} would read the file {inner['vocabulary'][:80]!r}: refused")


def _check_class(place: _Place, kind: str, reference: str) -> None:
    """Refuse a class or a function that is not Keras's own, unless whoever is loading has registered it."""
    data, layer = place
    if kind in _VALUES or kind == "__lambda__":
        return
    module = data.get("module")
    named = data["config"] if kind == "function" else kind
    known = isinstance(module, str) and (
        _MODULE.fullmatch(module) is not None
        or (module == "keras" and named in _TOP)
        or (module == "builtins" and kind == "function")
    )
    # Without a module Keras looks among its own classes only.
    if known or "module" not in data:
        return
    registered = data.get("registered_name") or named
    keras = sys.modules.get("keras")  # nothing can be registered before Keras is imported
    if keras is not None and isinstance(registered, str) and keras.saving.get_registered_object(registered) is not None:
        return
    what = f"{module}.{named}" if module else str(registered)
    raise SourceError(
        f"{reference}: {layer} is of {what[:80]!r}, which is not Keras's own: register it with "
        "keras.saving.register_keras_serializable before loading, or give the loaded model itself"
    )


def _check_order(layers: list[Any], reference: str) -> None:
    """Refuse layers that wait for each other in a circle, for which Keras would wait forever.

    Keras makes a call of a layer when the calls before it are made, pass after pass over the list of layers.
    """
    waiting: dict[str, list[set[tuple[str, int]]]] = {}
    for layer in layers:
        nodes = layer.get("inbound_nodes") if isinstance(layer, dict) else None
        if isinstance(nodes, list) and nodes and isinstance(layer.get("name"), str):
            calls = [_sources(node) for node in nodes]
            if not all(calls):
                # Called on plain numbers it would run while it is loaded.
                raise SourceError(f"{reference}: the layer {layer['name'][:80]!r} is called on no other layer: refused")
            waiting[layer["name"]] = calls
    made = dict.fromkeys(waiting, 0)
    work = 0
    while waiting:
        before = sum(made.values())
        work += len(waiting)
        for name, calls in list(waiting.items()):
            while calls and all(source not in waiting or made[source] > call for source, call in calls[0]):
                calls.pop(0)
                made[name] += 1
            if not calls:
                del waiting[name]
        if sum(made.values()) == before or work > _MOST_WORK:
            names = " and ".join(repr(name[:80]) for name in list(waiting)[:2])
            raise SourceError(f"{reference}: the layers {names} wait for each other: refused")


def _sources(node: object) -> set[tuple[str, int]]:
    """The layers that a call reads, and of which of their calls; the older form, a list of lists, begins with both."""
    found: set[tuple[str, int]] = set()
    waiting = [node]
    while waiting:
        value = waiting.pop()
        if isinstance(value, dict):
            inner = value.get("config")
            history = inner.get("keras_history") if isinstance(inner, dict) else None
            if value.get("class_name") == "__keras_tensor__" and isinstance(history, list):
                waiting.append(history)
            else:
                waiting.extend(value.values())
        elif isinstance(value, list):
            if len(value) >= 3 and isinstance(value[0], str) and all(isinstance(n, int) for n in value[1:3]):
                found.add((value[0], value[1]))
            waiting.extend(value)
    return found


def _first_line(error: Exception) -> str:
    lines = str(error).strip().splitlines()
    return lines[0][:300] if lines else type(error).__name__
