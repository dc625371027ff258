from __future__ import annotations

from collections.abc import Generator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from archlab.experiments._plan import Resources, TrialSpec
from archlab.experiments._trial import Attempt, Outcome, Trial, attempt, finished
from archlab.files import write_text


@dataclass(frozen=True)
class Work:
    """The work of an engine: unfinished trials, their output folder and resources."""

    specs: Sequence[TrialSpec]
    trial: Trial
    output: Path
    identity: str
    retries: int = 0
    resources: Resources = Resources()
    address: str | None = None
    files: Mapping[str, bytes] = field(default_factory=dict)
    """The contents of files that the trials reference, by path: another machine may not have them."""


def local(work: Work) -> Generator[Outcome, None, None]:
    """One trial after another, in this process."""
    for spec in work.specs:
        yield concluded(work, spec, attempt(work.trial, spec, work.output / spec.folder))


def concluded(work: Work, spec: TrialSpec, result: Attempt) -> Outcome:
    """The outcome of a trial whose folder is in place; the traceback of an unexpected error is written beside it."""
    folder = work.output / spec.folder
    details = folder.with_name(f"{folder.name}.error.txt")
    summary = None if result.reason else finished(folder)
    if summary is not None:
        details.unlink(missing_ok=True)
        return Outcome(spec, "finished", summary)
    if result.details:
        details.parent.mkdir(parents=True, exist_ok=True)
        write_text(details, result.details)
    return Outcome(spec, "failed", reason=result.reason or "its summary could not be read")
