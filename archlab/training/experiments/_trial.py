from __future__ import annotations

import json
import logging
import shutil
import traceback
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal, NamedTuple, TypeAlias

from archlab.errors import ArchlabError, UsageError
from archlab.training.experiments._plan import TrialSpec

SUMMARY = "summary.json"
ABOUT = "run.json"

Trial: TypeAlias = Callable[[TrialSpec, Path], Any]
"""Trains what a spec says in a folder, whose `summary.json` it writes last."""


@dataclass(frozen=True)
class Outcome:
    """What became of a trial.

    Attributes:
        spec: the trial.
        status: 'finished' now, 'kept' from an earlier time, or 'failed'.
        summary: what its `summary.json` says; None where it failed.
        reason: why it failed, in a line.
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
    """How a trial went where it ran: it left a summary, or there is a reason why not."""

    reason: str = ""
    details: str = ""
    """The traceback of what nobody expected."""


def finished(folder: Path) -> dict[str, Any] | None:
    """The summary of a trial that is finished, or None: it is written last, whole or not at all."""
    try:
        text = (folder / SUMMARY).read_text(encoding="utf-8")
        found = json.loads(text, parse_constant=lambda name: None)  # NaN and infinity, which JSON does not know
    except (OSError, ValueError):
        return None
    return found if isinstance(found, dict) else None


def attempt(trial: Trial, spec: TrialSpec, folder: Path) -> Attempt:
    """Run a trial that may fail in any way but Ctrl-C, which stops everything."""
    if finished(folder) is not None:
        return Attempt()  # a machine was lost after it had been finished, and before anybody knew
    try:
        trial(spec, folder)
    except ArchlabError as error:
        return Attempt(_line(str(error)))
    except (Exception, SystemExit) as error:
        said = _line(str(error))
        return Attempt(f"{type(error).__name__}{': ' if said else ''}{said}", traceback.format_exc())
    return Attempt() if finished(folder) is not None else Attempt(f"it ended without a {SUMMARY}")


def _line(text: str, most: int = 240) -> str:
    words = " ".join(text.split())
    return words if len(words) <= most else f"{words[:most]}…"


def train_trial(spec: TrialSpec, folder: Path, tell: Callable[[Any], None] | None = None) -> None:
    """The trial of an experiment: a training run, gone on with where an earlier one was broken off.

    `tell` is called after every batch and epoch with where the run is.
    """
    from archlab.training import resume, train

    # One model after another in one process looks to TensorFlow like one function that is traced again and again.
    logging.getLogger("tensorflow").setLevel(logging.ERROR)
    if (folder / ABOUT).is_file():
        resume(folder, tell=tell)
        return
    # Broken off before it had begun: nothing in it is worth keeping.
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
        tell=tell,
    )


def input_shape(asked: Any) -> tuple[int, ...] | None:
    """An input as a plan has it: 96, [96, 128] or 96x96.

    >>> input_shape(96), input_shape("96x128"), input_shape(None)
    ((96, 96), (96, 128), None)
    """
    if asked is None:
        return None
    sizes = asked.lower().replace("×", "x").split("x") if isinstance(asked, str) else asked
    try:
        shape = tuple(int(size) for size in sizes) if isinstance(sizes, list) else (int(sizes), int(sizes))
    except (TypeError, ValueError):
        shape = ()
    if len(shape) not in (2, 3) or min(shape) < 1:
        raise UsageError(f"input must be pixels such as 96, or 96x128, got {asked}")
    return shape
