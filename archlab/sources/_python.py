"""Python of one's own: `file.py:function`, `package.module:name`, with arguments as for the zoo.

What stands there may be a part, a graph, an architecture, a Keras model or a PyTorch module, or a function that returns
one.
"""

from __future__ import annotations

import importlib
import importlib.util
import inspect
import re
import sys
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

from archlab.errors import ArchlabError, SourceError, UnknownNameError, did_you_mean
from archlab.files import is_file
from archlab.graph import Graph, Part
from archlab.sources import _keras_model, _onnx_file, _torch_module
from archlab.sources._architecture import Architecture
from archlab.sources._arguments import read_arguments
from archlab.sources._kind import Options
from archlab.zoo import entries, read_value

_LIVE: tuple[Any, ...] = (_keras_model, _torch_module, _onnx_file)
"""Modules with `taken`, one a framework whose live models are taken as they are."""

_PATTERN = re.compile(r"(?P<module>[^:]+\.py|\w+(\.\w+)*):(?P<name>\w+)(:.*)?")


def claims(reference: str) -> bool:
    """Whether the reference is of this kind."""
    match = _PATTERN.fullmatch(reference)
    if match is None or match["module"].endswith(".py") or "." in match["module"]:
        return match is not None or reference.endswith(".py")
    # A single word is a module if there is one of that name; else it may be a misspelt name of the zoo.
    return match["module"] not in entries() and _is_module(match["module"])


def _is_module(name: str) -> bool:
    sys.path.insert(0, str(Path.cwd()))
    try:
        return name in sys.modules or importlib.util.find_spec(name) is not None
    except (ImportError, ValueError):
        return False
    finally:
        sys.path.pop(0)


def load(reference: str, options: Options) -> Architecture:
    """The architecture under that name in a file or a module."""
    match = _PATTERN.fullmatch(reference)
    if match is None:
        raise SourceError(f"{reference}: name what to take from it, as in {reference}:net")
    source, name = match["module"], match["name"]
    holder = _file(source) if source.endswith(".py") else module(source)
    public = [key for key in vars(holder) if not key.startswith("_")]
    if name not in vars(holder):
        raise UnknownNameError(f"{source} has no {name!r}: {did_you_mean(name, public)}")
    value = getattr(holder, name)
    label = reference.removeprefix(f"{source}:")  # with its arguments, by which two of one function are told apart
    found = taken(value, label, reference, options.input)
    if found is not None:
        return found
    if not callable(value):
        raise SourceError(f"{reference} is {type(value).__name__}, and no architecture or function that returns one")
    found = taken(_called(value, reference), label, reference, options.input)
    if found is not None and found.module is not None:
        # What a function made it can make again, under another seed.
        found = replace(found, make=lambda: _called(value, reference))
    if found is None:
        raise SourceError(f"{reference}() returns no part, graph, architecture, Keras model or PyTorch module")
    return found


def taken(
    value: Any, name: str = "", reference: str = "", input: Sequence[int | None] | None = None
) -> Architecture | None:
    """A part, a graph, an architecture, a Keras model or a PyTorch module as an architecture; None for anything else.

    `input` is what a PyTorch module takes, or a subclassed Keras model that has not been built: nothing else says it.
    """
    if isinstance(value, Architecture):
        return value
    if isinstance(value, Graph):
        return Architecture(name or value.name or "graph", reference or value.name, None, _graph=value)
    if isinstance(value, Part):
        return Architecture(name or "architecture", reference, value)
    for kind in _LIVE:
        found = kind.taken(value, name, reference, input)
        if found is not None:
            return found
    return None


def _called(function: Any, reference: str) -> Any:
    parameters = inspect.signature(function).parameters
    arguments: dict[str, Any] = {}
    for key, text in read_arguments(reference, 2).items():
        if key not in parameters:
            raise UnknownNameError(f"{reference}: no argument {key!r}: {did_you_mean(key, parameters)}")
        arguments[key] = read_value(text, parameters[key], f"{reference}: {key}")
    missing = [
        key
        for key, parameter in parameters.items()
        if key not in arguments
        and parameter.default is parameter.empty
        and parameter.kind not in (parameter.VAR_POSITIONAL, parameter.VAR_KEYWORD)
    ]
    if missing:
        raise SourceError(f"{reference}: its argument {missing[0]!r} is needed, as in {reference}:{missing[0]}=…")
    return _guarded(lambda: function(**arguments), reference)


def _hush(path: Path) -> None:
    """Load Keras quietly before code that is going to: TensorFlow's own messages never reach the terminal."""
    if "keras" not in sys.modules and re.search(r"\b(keras|tensorflow)\b", path.read_text(errors="replace")):
        from archlab.bridge import load_any_keras

        load_any_keras()


def _file(source: str) -> Any:
    path = Path(source)
    if not is_file(path):
        raise SourceError(f"no file {source}")
    _hush(path)
    spec = importlib.util.spec_from_file_location(path.stem, path)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    # The file's neighbours can be imported from it, as when Python runs it.
    sys.path.insert(0, str(path.parent.resolve()))
    try:
        loader = spec.loader
        _guarded(lambda: loader.exec_module(module), source)
    finally:
        sys.path.pop(0)
    return module


def module(source: str) -> Any:
    """A module by its name, as a program in this folder would import it."""
    sys.path.insert(0, str(Path.cwd()))
    try:
        spec = _guarded(lambda: importlib.util.find_spec(source), source)
        if spec is not None and spec.origin and spec.origin.endswith(".py"):
            _hush(Path(spec.origin))
        return _guarded(lambda: importlib.import_module(source), source)
    finally:
        sys.path.pop(0)


def _guarded(run: Any, source: str) -> Any:
    """Run a user's code; whatever it raises becomes one line that names it."""
    try:
        return run()
    except ArchlabError:
        raise
    except Exception as error:
        raise SourceError(f"{source}: {_place(error)}{type(error).__name__}: {error}") from error


def _place(error: Exception) -> str:
    """The file and line of a user's code in which an error arose, the innermost that is not a library's."""
    import sysconfig  # these two are for errors alone
    import traceback

    installed = [sysconfig.get_path(name) for name in ("stdlib", "platstdlib", "purelib", "platlib")]
    libraries = [Path(each).resolve() for each in (*installed, Path(__file__).parents[1])]
    for frame in reversed(traceback.extract_tb(error.__traceback__)):
        path = Path(frame.filename)
        if path.is_file() and not any(path.resolve().is_relative_to(each) for each in libraries):
            return f"{path.name}, line {frame.lineno}: "
    return ""
