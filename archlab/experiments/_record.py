"""The record of an experiment's folder: which trial each run belongs to; and its lock."""

from __future__ import annotations

import hashlib
import json
import uuid
from collections.abc import Generator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from archlab.errors import OutputError, SourceError, UsageError
from archlab.experiments._plan import Plan, TrialSpec, split_reference
from archlab.experiments._trial import ABOUT, finished
from archlab.files import exclusive, is_file, read_json, read_record, reason_of, write_json

RECORD = "experiment.json"
RESULTS = "results.jsonl"


def open_record(plan: Plan) -> str:
    """Record the trial of each folder, and check folders that already hold runs.

    Returns:
        The experiment's identifier, by which another machine recognizes the same folder.

    Raises:
        UsageError: a folder holds a run of another trial.
        OutputError: the folder cannot be written.
    """
    path = plan.output / RECORD
    before = _read(path)
    trials = {spec.folder: _described(spec) for spec in plan.trials()}
    for folder, now in trials.items():
        _check_same(plan.output / folder, before.trials.get(folder), now)
    identity = before.id or uuid.uuid4().hex
    write_json(path, {"schema": 1, "id": identity, "name": plan.name, "trials": {**before.trials, **trials}})
    return identity


@dataclass(frozen=True)
class _Record:
    """What is read of the file: the experiment's identifier, and each trial by its folder."""

    id: str = ""
    trials: Mapping[str, Mapping[str, Any]] = field(default_factory=dict)


def _read(path: Path) -> _Record:
    try:
        return read_record(_Record, read_json(path), path)
    except FileNotFoundError:
        return _Record()
    except SourceError as error:
        raise SourceError(f"{error}: choose another output") from None


def _described(spec: TrialSpec) -> dict[str, Any]:
    """A trial as it is recorded, with the hashes of its files."""
    found = spec.to_dict()
    for key in ("reference", "base"):
        file = named_file(found[key])
        if file is not None:
            found[f"{key}_sha256"] = hashlib.sha256(file.read_bytes()).hexdigest()
    return json.loads(json.dumps(found))  # as it will be read: tuples as lists, keys as text


def named_file(reference: str) -> Path | None:
    """The file of a reference, if it exists."""
    file = Path(split_reference(reference)[0])
    return file if file.is_absolute() and is_file(file) else None


def _check_same(folder: Path, before: Mapping[str, Any] | None, now: dict[str, Any]) -> None:
    if before == now or not (finished(folder) is not None or (folder / ABOUT).exists()):
        return
    if before is None:
        raise UsageError(f"{folder} holds a run of another experiment: choose another output")
    key = next(key for key in sorted(before.keys() | now.keys()) if before.get(key) != now.get(key))
    if key.endswith("_sha256"):
        changed = f"with another version of {Path(str(now.get(key.removesuffix('_sha256')))).name}"
    else:
        changed = f"with {key} {_shown(before.get(key))}, but the plan has {_shown(now.get(key))}"
    raise UsageError(f"{folder} was trained {changed}: choose another output, or delete that folder")


def _shown(value: Any) -> str:
    if isinstance(value, dict):
        return "{" + ", ".join(f"{key}: {_shown(each)}" for key, each in value.items()) + "}"
    return str(value)


@contextmanager
def alone(output: Path) -> Generator[None]:
    """Create the folder and lock it; the system releases the lock however the process ends."""
    try:
        output.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise OutputError(f"{output} cannot be created, {reason_of(error)}") from None
    with exclusive(
        output / ".lock", f"another experiment is running in {output}: wait for it, or choose another output"
    ):
        yield
