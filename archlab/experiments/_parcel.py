"""Trials on other machines, and the transfer of their files."""

from __future__ import annotations

import os
import shutil
import socket
import tempfile
from dataclasses import dataclass, replace
from pathlib import Path

from archlab.experiments._plan import TrialSpec, split_reference
from archlab.experiments._record import RECORD
from archlab.experiments._trial import Attempt, Trial, attempt

LARGEST = 2**30
"""The limit in bytes of a run folder sent back by a machine that does not share the experiment's folder."""


@dataclass(frozen=True)
class Parcel:
    """A trial as it is sent to a machine."""

    spec: TrialSpec
    trial: Trial
    output: Path
    identity: str
    files: dict[str, bytes]
    threads: int


@dataclass(frozen=True)
class Answer:
    """The result of a trial; with the run's files by relative path, if the experiment's folder is not shared."""

    attempt: Attempt
    files: dict[str, bytes] | None = None


def work_on(parcel: Parcel) -> Answer:
    """Run a trial on a machine of the cluster, in the experiment's folder if the machine shares it.

    Otherwise the trial runs in a temporary folder and sends its files back. A retry on the same machine resumes from
    that folder.
    """
    for name in ("TF_NUM_INTRAOP_THREADS", "TF_NUM_INTEROP_THREADS"):
        os.environ.setdefault(name, str(parcel.threads))  # otherwise every trial uses all cores
    os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
    temporary = Path(tempfile.gettempdir()) / f"archlab-{parcel.identity}"
    shared = _is_shared(parcel)
    folder = (parcel.output if shared else temporary) / parcel.spec.folder
    folder.parent.mkdir(parents=True, exist_ok=True)
    result = attempt(parcel.trial, _with_files(parcel, temporary), folder)
    if shared or result.reason:
        return Answer(result)
    files = {file.relative_to(folder).as_posix(): file for file in sorted(folder.rglob("*")) if file.is_file()}
    size = sum(file.stat().st_size for file in files.values())
    if size > LARGEST:
        return Answer(Attempt(f"its folder of {size:,} bytes is too large to send from {socket.gethostname()}"))
    answer = Answer(result, {name: file.read_bytes() for name, file in files.items()})
    shutil.rmtree(folder, ignore_errors=True)
    return answer


def _is_shared(parcel: Parcel) -> bool:
    """Whether this machine shares the experiment's folder."""
    try:
        return parcel.identity in (parcel.output / RECORD).read_text(encoding="utf-8")
    except OSError:
        return False


def _with_files(parcel: Parcel, temporary: Path) -> TrialSpec:
    """The trial with paths to copies of the files that this machine lacks."""
    changed: dict[str, str] = {}
    for key, reference in (("reference", parcel.spec.reference), ("base", parcel.spec.base)):
        path, rest = split_reference(reference)
        if path in parcel.files and not Path(path).exists():
            copy = temporary / "files" / Path(path).name
            copy.parent.mkdir(parents=True, exist_ok=True)
            copy.write_bytes(parcel.files[path])
            changed[key] = f"{copy}{rest}"
    return replace(parcel.spec, **changed)


def put_in_place(folder: Path, files: dict[str, bytes]) -> None:
    """Write the files that were sent back into the run's folder, atomically."""
    beside = folder.with_name(f".new.{folder.name}")
    shutil.rmtree(beside, ignore_errors=True)
    for name, data in files.items():
        file = beside / name
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_bytes(data)
    shutil.rmtree(folder, ignore_errors=True)  # an earlier, interrupted run
    os.replace(beside, folder)
