"""Checks of arguments, by whoever builds parts. Each gives back what it was given, or raises one clear line."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import fields, is_dataclass
from functools import cache
from numbers import Integral, Real
from types import NoneType, UnionType
from typing import Any, Literal, Union, cast, get_args, get_origin, get_type_hints

from archlab.errors import ArgumentError, did_you_mean
from archlab.text import shown

LARGEST = 10**15
"""The largest whole number that an argument may be: a thousand times what any machine holds, and safe to multiply."""

MOST = 1e38
"""The bound of a number that is not whole: float32 holds no larger one."""


def is_whole(value: object) -> bool:
    """Whether it is a whole number: True and False count as none."""
    return isinstance(value, int) and not isinstance(value, bool)


def whole(what: str, value: object, least: int = 1) -> int:
    """`value` if it is a whole number of at least `least`, and none that no machine could hold."""
    if not isinstance(value, int) or isinstance(value, bool) or value < least:
        raise ArgumentError(f"{what} must be a whole number of at least {least}, got {shown(value)}")
    if value > LARGEST:
        raise ArgumentError(f"{what} must be a whole number of at most {LARGEST:,}, got {shown(value)}")
    return value


def whole_each(what: str, value: object, least: int = 1) -> None:
    """Check a number, or one for each axis."""
    if isinstance(value, tuple) and value:
        for item in cast("tuple[object, ...]", value):
            whole(what, item, least)
    else:
        whole(what, value, least)


def several(what: str, value: object) -> tuple[object, ...]:
    """`value` if it is a tuple of at least one."""
    if not isinstance(value, tuple) or not value:
        raise ArgumentError(f"{what} must be a tuple of whole numbers, got {shown(value)}")
    return cast("tuple[object, ...]", value)


def choice(what: str, value: object, choices: Sequence[str]) -> None:
    """Check that `value` is one of the choices."""
    if not isinstance(value, str) or value not in choices:
        word = value if isinstance(value, str) else shown(value)
        raise ArgumentError(f"{what} {shown(value)} is not known: {did_you_mean(word, choices)}")


def switch(what: str, value: object, undecided: bool = False) -> None:
    """Check true or false; or None, where that may be left to decide itself."""
    if not isinstance(value, bool) and not (undecided and value is None):
        raise ArgumentError(f"{what} must be True or False{', or None' if undecided else ''}, got {shown(value)}")


def number(what: str, value: object) -> float:
    """`value` if it is a finite number."""
    if isinstance(value, bool) or not isinstance(value, int | float) or not -MOST < value < MOST:
        raise ArgumentError(f"{what} must be a finite number, got {shown(value)}")
    return value


def number_each(what: str, value: object) -> None:
    """Check a finite number, or a tuple of at least one."""
    if isinstance(value, tuple) and value:
        for item in cast("tuple[object, ...]", value):
            number(what, item)
    else:
        number(what, value)


def text(what: str, value: object) -> str:
    """`value` if it is text."""
    if not isinstance(value, str):
        raise ArgumentError(f"{what} must be text, got {shown(value)}")
    return value


def fraction(what: str, value: object, below: float = 1.0) -> None:
    """Check a number in [0, below)."""
    if isinstance(value, bool) or not isinstance(value, int | float) or not 0 <= value < below:
        raise ArgumentError(f"{what} must be at least 0 and below {below:g}, got {shown(value)}")


INITIALIZERS = (
    "constant", "glorot_normal", "glorot_uniform", "he_normal", "he_uniform", "identity", "lecun_normal",
    "lecun_uniform", "ones", "orthogonal", "random_normal", "random_uniform", "stft", "truncated_normal",
    "variance_scaling", "zeros",
)  # fmt: skip
"""The initializers that Keras knows by name."""


def initializer(value: Any) -> Any:
    """`value` if it is an initializer: a name as Keras spells it, `he_normal` or `HeNormal`, or a function.

    A configuration as Keras has it, `{"class_name": "VarianceScaling", "config": {"scale": 2.0}}`, becomes JSON.
    """
    if isinstance(value, Mapping):
        if set(value) != {"class_name", "config"} or not isinstance(value["config"], Mapping):
            raise ArgumentError(
                f"the configuration of an initializer has a class_name and a config, got {shown(value)}"
            )
        initializer(value["class_name"])
        import json  # few initializers are described by it, and loading it takes milliseconds

        return json.dumps({"class_name": value["class_name"], "config": dict(value["config"])}, sort_keys=True)
    if isinstance(value, str) and not value.startswith("{"):
        folded = value.replace("_", "").lower()
        if folded not in {name.replace("_", "") for name in INITIALIZERS}:
            raise ArgumentError(f"initializer {shown(value)} is not known: {did_you_mean(value, INITIALIZERS)}")
    elif value is not None and not isinstance(value, str) and not callable(value):
        raise ArgumentError(f"an initializer is a name, a configuration or a function, got {shown(value)}")
    return value


# What a constructor takes, by the types that its fields are annotated with.

Fits = Callable[[object], bool]
_WORDS: Mapping[object, str] = {
    int: "a whole number",
    float: "a number",
    str: "text",
    bool: "True or False",
    NoneType: "None",
}


@cache
def fitting(kind: type) -> Mapping[str, tuple[Fits, str]]:
    """For each field of a dataclass: whether a value is of its type, and that type in words.

    Initializers are left out: they may be functions, whatever the annotation says.
    """
    if not is_dataclass(kind):
        return {}
    try:
        hints = get_type_hints(kind)
    except NameError:  # of a user's own class, annotated with what stands inside of a function
        return {}
    names = [field.name for field in fields(kind) if field.init and not field.name.endswith("initializer")]
    return {name: (_fits(hints[name]), _words(hints[name])) for name in names}


def check_types(kind: type, given: Mapping[str, object]) -> None:
    """Raise where a value is not of the type of the field of its name."""
    for name, (fits, words) in fitting(kind).items():
        if name in given and not fits(given[name]):
            raise ArgumentError(f"{name} of {kind.__name__} must be {words}, got {shown(given[name])}")


def _fits(hint: Any) -> Fits:
    origin, inner = get_origin(hint), get_args(hint)
    if origin in (Union, UnionType):
        every = [_fits(each) for each in inner]
        return lambda value: any(fits(value) for fits in every)
    if origin is Literal:
        return lambda value: isinstance(value, str) and value in inner
    if origin is tuple:
        if len(inner) == 2 and inner[1] is Ellipsis:
            item = _fits(inner[0])
            return lambda value: isinstance(value, tuple) and all(map(item, cast("tuple[object, ...]", value)))
        several = [_fits(each) for each in inner]
        return lambda value: (
            isinstance(value, tuple)
            and len(cast("tuple[object, ...]", value)) == len(several)
            and all(fits(each) for fits, each in zip(several, cast("tuple[object, ...]", value), strict=True))
        )
    if hint is int:
        return lambda value: isinstance(value, Integral) and not isinstance(value, bool) and abs(int(value)) <= LARGEST
    if hint is float:
        # No whole number that is larger than every float.
        return lambda value: (
            isinstance(value, Real)
            and not isinstance(value, bool)
            and (isinstance(value, float) or abs(value) <= 10**308)
        )
    return (lambda value: isinstance(value, hint)) if isinstance(hint, type) else (lambda value: True)


def _words(hint: Any) -> str:
    inner = get_args(hint)
    if get_origin(hint) in (Union, UnionType):
        return " or ".join(dict.fromkeys(map(_words, inner)))
    if get_origin(hint) is Literal:
        return " or ".join(map(repr, inner))
    if get_origin(hint) is tuple:
        several = len(inner) == 2 and inner[1] is Ellipsis
        return "a tuple of values" if several else "a tuple"
    return _WORDS.get(hint) or (f"a {hint.__name__}" if isinstance(hint, type) else "a value")
