"""Saved Keras models: `model.keras`. No code of theirs is run unless it is allowed, and their weights are not read."""

from __future__ import annotations

from pathlib import Path

from archlab.errors import ArchlabError, SourceError, closest
from archlab.sources import _keras_config
from archlab.sources._architecture import Architecture

_LONGEST = 300


def claims(reference: str) -> bool:
    """Whether the reference is of this kind."""
    return reference.endswith(".keras")


def load(reference: str, allow_lambda: bool = False) -> Architecture:
    """The model in that file; a model with lambdas only where they are allowed."""
    path = Path(reference)
    if not path.is_file():
        around = [str(other) for other in path.parent.glob("*.keras")] if path.parent.is_dir() else []
        near = closest(reference, around)
        raise SourceError(f"no file {reference}" + (f": did you mean {' or '.join(near)}?" if near else ""))
    config = _keras_config.read(path, reference)
    lambdas = _keras_config.check(config, reference, allow_lambda)
    from archlab.bridge import from_config  # TensorFlow, which no other reference needs

    try:
        graph = from_config(config, lambdas)
    except ArchlabError as error:
        raise SourceError(f"{reference}: {error}") from error
    except Exception as error:  # whatever the file provokes: it may hold anything
        # Keras wraps what went wrong in one layer once for each layer around, and may repeat its configuration too.
        lines = str(error).rpartition("Exception encountered: ")[2].strip().splitlines() or [type(error).__name__]
        first = lines[0] if len(lines[0]) <= _LONGEST else f"{lines[0][:_LONGEST]}…"
        raise SourceError(f"{reference} cannot be loaded: {first}") from error
    return Architecture(path.stem, reference, None, "", graph)
