"""Where a run stands, in one file that is replaced whole after every epoch."""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any
from zipfile import BadZipFile

import numpy as np

from archlab.bridge import load_keras
from archlab.errors import SourceError
from archlab.files import move_whole, write_whole
from archlab.training._run import STATE, WEIGHTS


@dataclass
class Progress:
    """How far a run has come."""

    epochs: int = 0
    """That are finished."""
    best_epoch: int = 0
    """Counted from 1; 0: none has been validated."""
    best: float = float("inf")
    """The smaller the better, whatever it is that the recipe selects by."""
    elapsed: float = 0.0
    """Seconds of training in all."""
    history: list[dict[str, Any]] = field(default_factory=list)


def save_state(folder: Path, model: Any, progress: Progress) -> None:
    """Write everything that training goes on from: weights, statistics, random states, the optimizer, the history.

    Keras's own files of weights leave the states of random generators out.
    """
    values = {f"v{number}": variable.numpy() for number, variable in enumerate(_variables(model))}
    about = np.array(json.dumps(asdict(progress)))
    write_whole(folder / STATE, lambda path: _write(path, {"progress": about} | values))


def _write(path: Path, values: dict[str, np.ndarray]) -> None:
    with path.open("wb") as file:
        np.savez(file, **values)  # pyright: ignore[reportArgumentType]


def save_weights(folder: Path, model: Any, epoch: int) -> None:
    """Write the weights of an epoch that is the best so far, to be kept once the state says so too.

    Were they put in the place of the best at once, a run that dies before its state is written would go on after the
    epoch before, with weights of an epoch that never was.
    """
    write_whole(_waiting(folder, epoch), lambda path: without_optimizer(model).save_weights(path))


def keep_weights(folder: Path, progress: Progress) -> None:
    """Put the weights of the best epoch in their place, if they wait for it; others that wait are dropped."""
    waiting = _waiting(folder, progress.best_epoch)
    if waiting.is_file():
        move_whole(waiting, folder / WEIGHTS)
    for other in folder.glob(f"*{_waiting(folder, '*').name}"):  # half-written ones, whose names begin otherwise, too
        other.unlink()


def _waiting(folder: Path, epoch: int | str) -> Path:
    return folder / f"epoch-{epoch}.weights.h5"


def restore_state(folder: Path, model: Any) -> Progress:
    """Put a compiled model where `save_state` left it; a run that has no state begins anew.

    Raises:
        SourceError: the file is damaged, or belongs to another model.
    """
    path = folder / STATE
    if not path.is_file():
        return Progress()
    variables = _variables(model)
    try:
        with path.open("rb") as file, np.load(file, allow_pickle=False) as found:
            values = [found[f"v{number}"] for number in range(len(found.files) - 1)]
            progress = Progress(**json.loads(str(found["progress"])))
    except (OSError, ValueError, KeyError, TypeError, EOFError, BadZipFile) as error:
        raise SourceError(f"{path} is damaged: {' '.join(str(error).split())}") from None
    if [value.shape for value in values] != [tuple(variable.shape) for variable in variables]:
        raise SourceError(f"{path} belongs to another model, or was written by other versions of Keras")
    for variable, value in zip(variables, values, strict=True):
        variable.assign(value)
    return progress


def without_optimizer(model: Any) -> Any:
    """The same layers as a model that was never compiled: Keras keeps a compiled one's optimizer with its weights."""
    _, keras = load_keras()
    return keras.Model(model.inputs, model.outputs, name=model.name)


def _variables(model: Any) -> list[Any]:
    # Metrics start anew every epoch, and are built only in the first.
    metrics = {id(variable) for variable in model.metrics_variables}
    own = [variable for variable in model.variables if id(variable) not in metrics]
    return own + list(model.optimizer.variables)
