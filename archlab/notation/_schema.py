from __future__ import annotations

import inspect
import re
from dataclasses import MISSING
from types import NoneType
from typing import Any, get_args

from archlab.graph import Part
from archlab.notation._arguments import Argument, alternatives, arguments_of, choices, is_part, is_tuple, part_kinds
from archlab.ops import Width
from archlab.units import ACTIVATION_FLOPS, BYTES_PER_ELEMENT

_DRAFT = "https://json-schema.org/draft/2020-12/schema"
_PART = {"$ref": "#/$defs/part"}
_NUMBER = {"anyOf": [{"type": "number"}, {"type": "string", "pattern": r"^-?[0-9.eE+-]+( */ *[0-9.eE+-]+)?$"}]}
_PLAIN = {bool: "boolean", int: "integer", str: "string", NoneType: "null"}

# Text that only takes words of a list, by the name of the argument.
_WORDS = {"activation": tuple(ACTIVATION_FLOPS), "function": tuple(ACTIVATION_FLOPS), "dtype": tuple(BYTES_PER_ELEMENT)}


def json_schema() -> dict[str, object]:
    """The JSON schema (draft 2020-12) of an architecture file: what editors complete and check YAML by.

    It describes every part that is registered, a user's own operations among them.

    >>> json_schema()["$defs"]["Dropout"]["anyOf"][0]["properties"]["rate"]["anyOf"][0]
    {'type': 'number'}
    """
    kinds = part_kinds()
    part = {
        "description": "A layer, a block or a list of them, one after another.",
        "anyOf": [
            {"enum": [name for name, kind in kinds.items() if not _needs(kind)]},
            {"type": "string", "pattern": "^[^A-Z]", "description": "A name defined under blocks."},
            {"type": "array", "items": _PART},
            {
                "type": "object",
                "properties": {name: {"$ref": f"#/$defs/{name}"} for name in kinds},
                "additionalProperties": False,
                "minProperties": 1,
                "maxProperties": 1,
            },
        ],
    }
    whole = {
        "type": "object",
        "properties": {
            "name": {"type": "string", "description": "What the architecture is called."},
            "paper": {"type": "string", "description": "Where it comes from."},
            "blocks": {
                "type": "object",
                "additionalProperties": _PART,
                "description": "Parts with names of their own; each may use those before it.",
            },
            "architecture": _PART,
        },
        "required": ["architecture"],
        "additionalProperties": False,
    }
    return {
        "$schema": _DRAFT,
        "title": "archlab architecture",
        "description": "A convolutional architecture in archlab's YAML form.",
        "anyOf": [whole, _PART],
        "$defs": {"part": part} | {name: _described(kind) for name, kind in kinds.items()},
    }


def _needs(kind: type[Part]) -> bool:
    return any(argument.required for argument in arguments_of(kind).values())


def _described(kind: type[Part]) -> dict[str, object]:
    """What may stand behind a part's name: arguments by name, or the first one alone."""
    known = arguments_of(kind)
    said = inspect.getdoc(kind) or ""
    words = dict(re.findall(r"^    (\w+): (.+?)\.?$", said, re.MULTILINE))
    by_name: dict[str, object] = {
        "type": "object",
        "properties": {name: _argument(argument, words.get(name, "")) for name, argument in known.items()},
        "additionalProperties": False,
    }
    required = [name for name, argument in known.items() if argument.required]
    if required:
        by_name["required"] = required
    forms = [by_name]
    if known and required in ([], [next(iter(known))]):
        forms.append(_kinds(next(iter(known.values()))))
    if not required:
        forms.append({"type": "null"})
    return {"description": said.split("\n\n")[0], "anyOf": forms}


def _argument(argument: Argument, description: str) -> dict[str, object]:
    schema = _kinds(argument)
    if description:
        schema = schema | {"description": description}
    if argument.default is not MISSING and isinstance(argument.default, bool | int | float | str | NoneType):
        schema = schema | {"default": argument.default}
    return schema


def _kinds(argument: Argument) -> dict[str, object]:
    if argument.name in _WORDS:
        null = [None] if NoneType in argument.kinds else []
        return {"enum": [*_WORDS[argument.name], *null]}
    return _any(argument.kinds)


def _any(kinds: tuple[Any, ...]) -> dict[str, object]:
    schemas = [_one(kind) for kind in kinds]
    return schemas[0] if len(schemas) == 1 else {"anyOf": schemas}


def _one(kind: object) -> dict[str, object]:
    if kind is Width:
        return {"type": "string", "pattern": r"^(WIDTH|CHANNELS)( *\* *[0-9]+)?( *// *[0-9]+)?$"}
    if kind is float:
        return dict(_NUMBER)
    if is_part(kind):
        return dict(_PART)
    if choices(kind):
        return {"enum": list(choices(kind))}
    if is_tuple(kind):
        inner = get_args(kind)
        if len(inner) == 2 and inner[1] is Ellipsis:
            return {"type": "array", "items": _any(alternatives(inner[0]))}
        schemas = [_any(alternatives(hint)) for hint in inner]
        return {"type": "array", "prefixItems": schemas, "items": False, "minItems": len(schemas)}
    return {"type": _PLAIN[kind]}
