"""Saved Keras models: `model.keras`. No code of theirs is run unless it is allowed.

Their weights are read only where the model itself is asked for, to be measured as it is.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

from archlab.errors import ArchlabError, SourceError
from archlab.losses import compile_settings
from archlab.sources._architecture import Architecture
from archlab.sources._files import existing
from archlab.sources._kind import Options

_LONGEST = 300
# More than any machine that archlab runs on has use for.
_LARGEST = 8 * 2**30


def claims(reference: str) -> bool:
    """Whether the reference is of this kind."""
    return reference.endswith(".keras")


def load(reference: str, options: Options) -> Architecture:
    """The model in that file; a model with lambdas only where they are allowed."""
    from archlab.sources import _keras_config  # JSON and zip files, which no other reference needs

    path = existing(reference, (".keras",))
    config = _keras_config.read(path, reference)
    settings = compile_settings(config.get("compile_config"))
    lambdas = _keras_config.check(config, reference, options.allow_lambda)
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
    return Architecture(
        path.stem, reference, None, _graph=graph, _live=lambda: _with_weights(path, bool(lambdas)), settings=settings
    )


def _with_weights(path: Path, code: bool) -> Any:
    """The model itself, its weights read: what has been checked so far was its description."""
    import zipfile

    from archlab.bridge import deep_graphs, load_any_keras

    size = sum(member.file_size for member in zipfile.ZipFile(path).infolist())
    if size > _LARGEST:
        raise SourceError(f"{path} unpacks to {size:,} bytes, more than {_LARGEST:,}: its weights are not loaded")
    keras = load_any_keras()
    for compiled in (True, False):
        try:
            with deep_graphs():
                return keras.saving.load_model(path, compile=compiled, safe_mode=not code)
        except Exception as error:
            # A loss or a metric of one's own keeps a model from being compiled, not from being measured.
            if not compiled:
                first = (str(error).strip().splitlines() or [type(error).__name__])[0][:_LONGEST]
                raise SourceError(f"the weights of {path} cannot be loaded: {first}") from error
    raise AssertionError
