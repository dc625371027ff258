"""Models in ONNX: `model.onnx`, or a live `onnx.ModelProto`. Nothing of them is run, and their weights are not read."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from functools import partial
from pathlib import Path
from typing import Any

from archlab.sources._architecture import Architecture
from archlab.sources._files import existing
from archlab.sources._kind import Options


def claims(reference: str) -> bool:
    """Whether the reference is of this kind."""
    return reference.endswith(".onnx")


def load(reference: str, options: Options) -> Architecture:
    """The model in that file, for an input of that shape where the file leaves it free."""
    path = existing(reference, (".onnx",))
    from archlab.onnx_bridge import read_file  # ONNX, which no other reference needs

    return _architecture(read_file(Path(path), reference), path.stem, reference, options.input)


def taken(value: Any, name: str, reference: str, input: Sequence[int | None] | None) -> Architecture | None:
    """An `onnx.ModelProto` as an architecture; None for anything else."""
    onnx = sys.modules.get("onnx")  # whoever holds a model has loaded ONNX
    if onnx is None or not isinstance(value, onnx.ModelProto):
        return None
    from archlab.onnx_bridge import read_proto

    title = name or str(value.graph.name) or "model"
    return _architecture(read_proto(value, title), title, reference, input)


def _architecture(model: Any, name: str, reference: str, input: Sequence[int | None] | None) -> Architecture:
    from archlab.onnx_bridge import from_onnx

    graph = from_onnx(model, reference or name, input, name)
    again = partial(_architecture, model, name, reference)
    return Architecture(
        name, reference, None, _graph=graph, _for_input=again, _read_for=None if input is None else tuple(input)
    )
