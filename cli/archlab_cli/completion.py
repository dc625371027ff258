"""What a shell offers for a word that is being typed. Nothing here loads TensorFlow."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Mapping
from pathlib import Path
from typing import TypeAlias

import click
from click.shell_completion import CompletionItem

Completer: TypeAlias = Callable[[click.Context, click.Parameter, str], list[CompletionItem]]

_FILES = (".yaml", ".yml", ".keras", ".onnx", ".py")
_KERAS = "keras:"


def complete_reference(ctx: click.Context, param: click.Parameter, incomplete: str) -> list[CompletionItem]:
    """Names of the zoo and their arguments, models of `keras.applications`, and files that hold architectures."""
    if incomplete.startswith(_KERAS):
        return _items(_KERAS + name for name in _keras_applications() if _starts(name, incomplete[len(_KERAS) :]))
    name, colon, arguments = incomplete.partition(":")
    if colon:
        return _arguments(name, arguments)
    from archlab.sources import names

    found = [name for name in (*names(), _KERAS) if name.startswith(incomplete)]
    return _items([*found, *_files(incomplete)])


def _items(names: Iterable[str]) -> list[CompletionItem]:
    return [CompletionItem(name) for name in names]


def _starts(name: str, start: str) -> bool:
    return name.lower().startswith(start.lower())


def _keras_applications() -> list[str]:
    """The models that the installed Keras has, read from its file of names: importing it takes seconds."""
    from importlib.util import find_spec

    spec = find_spec("keras")
    if spec is None or spec.origin is None:
        return []
    names = Path(spec.origin).parent / "applications" / "__init__.py"
    if not names.is_file():
        return []
    found = re.findall(r"^from \S+ import ([A-Z]\w+)", names.read_text(encoding="utf-8"), re.MULTILINE)
    return sorted(set(found))


def _arguments(name: str, typed: str) -> list[CompletionItem]:
    """The arguments of a name of the zoo that have not been given, each with its default as help."""
    from archlab import zoo

    entry = zoo.entries().get(name)
    if entry is None:
        return []
    given, comma, last = typed.rpartition(",")
    seen = {argument.partition("=")[0] for argument in given.split(",")}
    return [
        CompletionItem(f"{name}:{given}{comma}{key}=", help=f"default: {parameter.default}")
        for key, parameter in entry.arguments.items()
        if key.startswith(last) and key not in seen
    ]


def _files(incomplete: str) -> list[str]:
    """Files that can be architectures, and folders on the way to one."""
    folder = Path(incomplete[: incomplete.rfind("/") + 1] or ".")
    start = incomplete.rpartition("/")[2]
    try:
        inside = sorted(folder.iterdir())
    except OSError:
        return []
    prefix = incomplete[: len(incomplete) - len(start)]
    return [
        f"{prefix}{path.name}{'/' if path.is_dir() else ''}"
        for path in inside
        if path.name.startswith(start)
        and (start.startswith(".") or not path.name.startswith("."))
        and (path.suffix in _FILES or path.is_dir())
    ]


def _quantities() -> Iterable[str]:
    from archlab.comparison import sort_keys

    return sort_keys()


def _recipes() -> Iterable[str]:
    from archlab.training import recipes

    return recipes.names()


def _devices() -> Iterable[str]:
    from archlab.analysis.cost import SHIPPED

    return SHIPPED


def _colors() -> Iterable[str]:
    from archlab.rendering import colors

    return colors()


def _levels() -> Iterable[str]:
    from archlab.rendering import LEVELS

    return LEVELS


def _views() -> Iterable[str]:
    from archlab.rendering import VIEWS

    return VIEWS


_VALUES: Mapping[str, Callable[[], Iterable[str]]] = {
    "sort": _quantities,
    "recipe": _recipes,
    "device": _devices,
    "color": _colors,
    "level": _levels,
    "view": _views,
    "by": lambda: ("layer", "block", "stage"),
}
_FOLDERS = ("data", "runs", "to", "run", "save")


def add_completion(command: click.Command) -> None:
    """Have the options of a command complete their values, by their names."""
    for param in command.params:
        if param.name in _VALUES:
            param._custom_shell_complete = _among(_VALUES[param.name])  # pyright: ignore[reportPrivateUsage]
        elif param.name in _FOLDERS:
            param._custom_shell_complete = _folders  # pyright: ignore[reportPrivateUsage]


def completed(values: Iterable[str]) -> Completer:
    """A completer for one of some values."""
    return _among(lambda: values)


def _among(values: Callable[[], Iterable[str]]) -> Completer:
    def complete(ctx: click.Context, param: click.Parameter, incomplete: str) -> list[CompletionItem]:
        return _items(value for value in values() if value.startswith(incomplete))

    return complete


def _folders(ctx: click.Context, param: click.Parameter, incomplete: str) -> list[CompletionItem]:
    return [CompletionItem(incomplete, type="dir")]
