"""The checkpoint of a run: one file, replaced atomically after every epoch."""

from __future__ import annotations

import json
import zlib
from pathlib import Path
from zipfile import BadZipFile

import numpy as np

from archlab.bridge import deep_graphs, load_keras, weights_file
from archlab.bridge.types import Model, Variable
from archlab.errors import SourceError
from archlab.files import move_whole, parse_json, write_bytes, write_whole
from archlab.training._record import Progress
from archlab.training._run import STATE, WEIGHTS


def save_state(folder: Path, model: Model, progress: Progress) -> None:
    """Write a checkpoint: weights, statistics, random states, optimizer state, history.

    Keras's weight files do not contain the states of random generators.
    """
    values = {f"v{number}": variable.numpy() for number, variable in enumerate(_variables(model))}
    about = np.array(json.dumps(progress.to_dict()))
    write_whole(folder / STATE, lambda path: _write(path, {"progress": about} | values))


def _write(path: Path, values: dict[str, np.ndarray]) -> None:
    with path.open("wb") as file:
        np.savez(file, **values)  # pyright: ignore[reportArgumentType]


def save_weights(folder: Path, model: Model, epoch: int) -> None:
    """Write the weights of the best epoch so far to a pending file; `promote_weights` moves it in place.

    The checkpoint is written in between. Without the pending file, a run interrupted before its checkpoint would resume
    one epoch earlier, with the best weights of an epoch that its history does not have.
    """
    write_bytes(_pending(folder, epoch), weights_file(without_optimizer(model)))


def promote_weights(folder: Path, progress: Progress) -> None:
    """Move the pending weights of the best epoch in place, and delete other pending files.

    Raises:
        SourceError: neither are pending nor in place.
    """
    pending = _pending(folder, progress.best_epoch)
    if pending.is_file():
        move_whole(pending, folder / WEIGHTS)
    for other in folder.glob(f"*{_pending(folder, '*').name}"):  # includes half-written ones, which have a prefix
        other.unlink()
    if progress.best_epoch and not (folder / WEIGHTS).is_file():
        raise SourceError(
            f"{folder / WEIGHTS} is missing: they are the weights of epoch {progress.best_epoch}, the best so far, "
            "and would be tested in the end"
        )


def _pending(folder: Path, epoch: int | str) -> Path:
    return folder / f"epoch-{epoch}.weights.h5"


def restore_state(folder: Path, model: Model) -> Progress:
    """Restore a compiled model from its checkpoint; without one, training starts from the beginning.

    Raises:
        SourceError: the file is damaged, or belongs to another model.
    """
    path = folder / STATE
    if not path.exists():
        return Progress()
    if not path.is_file():
        raise SourceError(f"{path} is no file")
    variables = _variables(model)
    try:
        with path.open("rb") as file, np.load(file, allow_pickle=False) as arrays:
            values = [arrays[f"v{number}"] for number in range(len(arrays.files) - 1)]
            progress = Progress.from_dict(parse_json(str(arrays["progress"]), path), path)
    except SourceError as error:
        raise SourceError(f"{path} is damaged: {str(error).removeprefix(f'{path}: ')}") from None
    except (OSError, ValueError, KeyError, TypeError, EOFError, MemoryError, BadZipFile, zlib.error) as error:
        raise SourceError(f"{path} is damaged: {error}") from None
    numbers = all(value.dtype.kind != "U" for value in values)
    if not numbers or [value.shape for value in values] != [tuple(variable.shape) for variable in variables]:
        raise SourceError(f"{path} belongs to another model, or was written by other versions of Keras")
    for variable, value in zip(variables, values, strict=True):
        variable.assign(value)
    return progress


def without_optimizer(model: Model) -> Model:
    """The same layers as an uncompiled model: Keras saves a compiled model's optimizer with its weights."""
    _, keras = load_keras()
    with deep_graphs():
        return keras.Model(model.inputs, model.outputs, name=model.name)


def _variables(model: Model) -> list[Variable]:
    # Metrics are reset every epoch, and built only in the first.
    metrics = {id(variable) for variable in model.metrics_variables}
    own = [variable for variable in model.variables if id(variable) not in metrics]
    return own + list(model.optimizer.variables)
