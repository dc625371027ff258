"""What an experiment's folder remembers: which trial each run is of, and that somebody is at work in it."""

from __future__ import annotations

import hashlib
import json
import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from archlab.errors import OutputError, SourceError, UsageError
from archlab.files import write_json
from archlab.training.experiments._plan import Plan, TrialSpec, split_reference
from archlab.training.experiments._trial import ABOUT, finished

RECORD = "experiment.json"
RESULTS = "results.jsonl"


def open_record(plan: Plan) -> str:
    """Write down which trial each folder is for, and refuse folders that are for others.

    Returns:
        The experiment's own name, by which another machine can tell whether it sees the same folder.

    Raises:
        UsageError: a folder holds a run of another trial than the plan has there now.
        OutputError: the folder cannot be written.
    """
    path = plan.output / RECORD
    before = _read(path)
    known: dict[str, Any] = before.get("trials", {})
    trials = {spec.folder: _described(spec) for spec in plan.trials()}
    for folder, now in trials.items():
        _refuse_other(plan.output / folder, known.get(folder), now)
    identity = before.get("id") or uuid.uuid4().hex
    write_json(path, {"schema": 1, "id": identity, "name": plan.name, "trials": known | trials})
    return identity


def _read(path: Path) -> dict[str, Any]:
    try:
        found = json.loads(path.read_text(encoding="utf-8"))
    except FileNotFoundError:
        return {}
    except (OSError, ValueError):
        raise SourceError(f"{path} cannot be read: choose another output for the experiment") from None
    return found if isinstance(found, dict) else {}


def _described(spec: TrialSpec) -> dict[str, Any]:
    """A trial as it is remembered, with what its files held."""
    found = spec.to_dict()
    for key in ("reference", "base"):
        file = named_file(found[key])
        if file is not None:
            found[f"{key}_sha256"] = hashlib.sha256(file.read_bytes()).hexdigest()
    return json.loads(json.dumps(found))  # as it will be read: lists for tuples, text for keys


def named_file(reference: str) -> Path | None:
    """The file that a reference names, if it names one that is there."""
    file = Path(split_reference(reference)[0])
    return file if file.is_absolute() and file.is_file() else None


def _refuse_other(folder: Path, before: dict[str, Any] | None, now: dict[str, Any]) -> None:
    if before == now or not (finished(folder) is not None or (folder / ABOUT).exists()):
        return
    if before is None:
        raise UsageError(f"{folder} holds a run that is not of this experiment: choose another output")
    key = next(key for key in sorted(before.keys() | now.keys()) if before.get(key) != now.get(key))
    if key.endswith("_sha256"):
        changed = f"with another {Path(str(now.get(key.removesuffix('_sha256')))).name} than there is now"
    else:
        changed = f"with {key} {_shown(before.get(key))}, the plan now has {_shown(now.get(key))}"
    raise UsageError(f"{folder} was trained {changed}: choose another output, or delete that folder")


def _shown(value: Any) -> str:
    if isinstance(value, dict):
        return "{" + ", ".join(f"{key}: {_shown(each)}" for key, each in value.items()) + "}"
    return str(value)


@contextmanager
def alone(output: Path) -> Iterator[None]:
    """Make the folder and keep a second experiment out of it; the system lets go of it however this one ends."""
    try:
        output.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise OutputError(f"{output} cannot be made, {(error.strerror or str(error)).lower()}") from None
    try:
        import fcntl
    except ImportError:  # no such locks on Windows
        yield
        return
    with (output / ".lock").open("w", encoding="utf-8") as file:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            raise UsageError(f"another experiment is at work in {output}: wait for it, or choose another") from None
        except OSError:
            pass  # a file system without locks
        yield


def append_line(path: Path, record: dict[str, Any]) -> None:
    """Add a record to a file of JSON lines, after whatever a broken-off write left at its end.

    Raises:
        OutputError: it cannot be written, as on a full disk.
    """
    try:
        with path.open("ab+") as file:
            if file.tell():
                file.seek(-1, 2)
                if file.read(1) != b"\n":
                    file.write(b"\n")
            file.write(json.dumps(record, ensure_ascii=False, default=str).encode() + b"\n")
    except OSError as error:
        raise OutputError(f"{path} cannot be written, {(error.strerror or str(error)).lower()}") from None
