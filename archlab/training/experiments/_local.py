from __future__ import annotations

from collections.abc import Generator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from archlab.training.experiments._plan import Resources, TrialSpec
from archlab.training.experiments._trial import Attempt, Outcome, Trial, attempt, finished


@dataclass(frozen=True)
class Work:
    """What an engine is to do: trials that are not finished, and where and how."""

    specs: Sequence[TrialSpec]
    trial: Trial
    output: Path
    identity: str
    retries: int = 0
    resources: Resources = Resources()
    address: str | None = None
    files: Mapping[str, bytes] = field(default_factory=dict)
    """What the trials name, by path: another machine may not have it."""


def local(work: Work) -> Generator[Outcome, None, None]:
    """One trial after another, in this process."""
    for spec in work.specs:
        yield concluded(work, spec, attempt(work.trial, spec, work.output / spec.folder))


def concluded(work: Work, spec: TrialSpec, how: Attempt) -> Outcome:
    """What became of a trial whose folder is in its place; the traceback of what nobody expected is kept beside it."""
    folder = work.output / spec.folder
    details = folder.with_name(f"{folder.name}.error.txt")
    summary = None if how.reason else finished(folder)
    if summary is not None:
        details.unlink(missing_ok=True)
        return Outcome(spec, "finished", summary)
    if how.details:
        details.parent.mkdir(parents=True, exist_ok=True)
        details.write_text(how.details, encoding="utf-8")
    return Outcome(spec, "failed", reason=how.reason or "its summary could not be read")
