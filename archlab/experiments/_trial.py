from __future__ import annotations

import logging
import shutil
import traceback
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Literal, NamedTuple, TypeAlias

from archlab.errors import ArchlabError, SourceError, UsageError
from archlab.experiments._plan import TrialSpec
from archlab.files import INLINE, KEY, read_json, read_record
from archlab.parsing import read_size, read_whole

SUMMARY = "summary.json"
ABOUT = "run.json"

Trial: TypeAlias = Callable[[TrialSpec, Path], Any]
"""Trains a spec in a folder, and writes its `summary.json` last."""


@dataclass(frozen=True)
class Outcome:
    """The outcome of a trial.

    Attributes:
        spec: the trial.
        status: 'finished' now, 'kept' if finished earlier, or 'failed'.
        summary: the contents of its `summary.json`; None if it failed.
        reason: why it failed, in one line.
    """

    spec: TrialSpec
    status: Literal["finished", "kept", "failed"]
    summary: Mapping[str, Any] | None = None
    reason: str = ""

    def to_dict(self) -> dict[str, Any]:
        """As plain data."""
        return {
            **self.spec.to_dict(),
            "status": self.status,
            "reason": self.reason,
            "summary": dict(self.summary) if self.summary is not None else None,
        }


class Attempt(NamedTuple):
    """The result of a trial where it ran: it wrote a summary, or there is a reason why not."""

    reason: str = ""
    details: str = ""
    """The traceback of an unexpected error."""


@dataclass(frozen=True)
class _Summary:
    """What the results of an experiment are made of; a trial's own program may write less, or more."""

    test_accuracy: float | None = None
    validation_accuracy: float | None = None
    seconds: float | None = None
    images_per_second: float | None = None
    epochs: int | None = None
    best_epoch: int | None = None
    test_images: int | None = field(default=None, metadata={KEY: "test_photos"})
    params: int | None = None
    synthetic: bool = False
    data: str = ""


@dataclass(frozen=True)
class _Finished:
    known: _Summary = field(metadata=INLINE)
    everything: Mapping[str, Any] = field(metadata=INLINE)


def finished(folder: Path) -> Mapping[str, Any] | None:
    """The summary of a finished trial, otherwise None. It is written last and atomically."""
    file = folder / SUMMARY
    try:
        return read_record(_Finished, read_json(file), file).everything
    except (FileNotFoundError, SourceError):
        return None


def attempt(trial: Trial, spec: TrialSpec, folder: Path) -> Attempt:
    """Run a trial and catch every error except Ctrl-C, which stops the experiment."""
    if finished(folder) is not None:
        return Attempt()  # the machine was lost after the trial finished, before it was reported
    try:
        trial(spec, folder)
    except ArchlabError as error:
        return Attempt(_line(str(error)))
    except (Exception, SystemExit) as error:
        message = _line(str(error))
        return Attempt(f"{type(error).__name__}{': ' if message else ''}{message}", traceback.format_exc())
    return Attempt() if finished(folder) is not None else Attempt(f"it ended without a {SUMMARY}")


def _line(text: str, most: int = 240) -> str:
    words = " ".join(text.split())
    return words if len(words) <= most else f"{words[:most]}…"


def train_trial(spec: TrialSpec, folder: Path, on_step: Callable[[Any], None] | None = None) -> None:
    """Train a trial of an experiment, or resume its interrupted run.

    `on_step` is called with a `Step` after every batch and epoch.
    """
    from archlab.training import resume, train

    # TensorFlow warns about retracing when one process trains several models.
    logging.getLogger("tensorflow").setLevel(logging.ERROR)
    if (folder / ABOUT).is_file():
        resume(folder, on_step=on_step)
        return
    # Interrupted before training started: there is nothing to resume.
    shutil.rmtree(folder, ignore_errors=True)
    settings = dict(spec.settings)
    train(
        spec.reference,
        data=spec.data,
        recipe=spec.base,
        seed=spec.seed,
        run=folder,
        input=input_shape(settings.pop("input", None)),
        settings=settings,
        on_step=on_step,
    )


def input_shape(size: object) -> tuple[int, ...] | None:
    """Parse the input size of a plan: 96, [96, 128] or 96x96.

    >>> input_shape(96), input_shape("96x128"), input_shape(None)
    ((96, 96), (96, 128), None)
    """
    if size is None:
        return None
    text = "x".join(map(str, size)) if isinstance(size, list | tuple) else str(size)
    sizes = read_size(f"{text}x{text}" if read_whole(text) is not None else text, "input")
    if len(sizes) > 3 or None in sizes:
        raise UsageError(f"input {text}: training needs a height and a width, as in 96x96")
    return tuple(size for size in sizes if size is not None)
