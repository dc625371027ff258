"""A trial on its way to another machine and back."""

from __future__ import annotations

import os
import shutil
import socket
import tempfile
from dataclasses import dataclass, replace
from pathlib import Path

from archlab.training.experiments._plan import TrialSpec, split_reference
from archlab.training.experiments._record import RECORD
from archlab.training.experiments._trial import Attempt, Trial, attempt

LARGEST = 2**30
"""Bytes that a run may send back from a machine that does not share the experiment's folder."""


@dataclass(frozen=True)
class Parcel:
    """A trial on its way to a machine."""

    spec: TrialSpec
    trial: Trial
    output: Path
    identity: str
    files: dict[str, bytes]
    threads: int


@dataclass(frozen=True)
class Answer:
    """How it went there; with the run's files, by relative path, where the experiment's folder is not shared."""

    attempt: Attempt
    files: dict[str, bytes] | None = None


def work_on(parcel: Parcel) -> Answer:
    """On a machine of the cluster: run the trial, in the experiment's folder if that is to be seen from here.

    Elsewhere it runs in a folder of its own, which a trial that is begun again on the same machine finds and goes on
    with, and sends its files back.
    """
    for name in ("TF_NUM_INTRAOP_THREADS", "TF_NUM_INTEROP_THREADS"):
        os.environ.setdefault(name, str(parcel.threads))  # else every trial takes all processors
    os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
    apart = Path(tempfile.gettempdir()) / f"archlab-{parcel.identity}"
    shared = _sees(parcel)
    folder = (parcel.output if shared else apart) / parcel.spec.folder
    folder.parent.mkdir(parents=True, exist_ok=True)
    how = attempt(parcel.trial, _with_files(parcel, apart), folder)
    if shared or how.reason:
        return Answer(how)
    files = {file.relative_to(folder).as_posix(): file for file in sorted(folder.rglob("*")) if file.is_file()}
    size = sum(file.stat().st_size for file in files.values())
    if size > LARGEST:
        return Answer(Attempt(f"its folder of {size:,} bytes is too large to be sent from {socket.gethostname()}"))
    answer = Answer(how, {name: file.read_bytes() for name, file in files.items()})
    shutil.rmtree(folder, ignore_errors=True)
    return answer


def _sees(parcel: Parcel) -> bool:
    """Whether the experiment's folder is the same one on this machine."""
    try:
        return parcel.identity in (parcel.output / RECORD).read_text(encoding="utf-8")
    except OSError:
        return False


def _with_files(parcel: Parcel, apart: Path) -> TrialSpec:
    """The trial with the files that it names, which were sent along in case they are not here."""
    changed: dict[str, str] = {}
    for key, reference in (("reference", parcel.spec.reference), ("base", parcel.spec.base)):
        path, rest = split_reference(reference)
        if path in parcel.files and not Path(path).exists():
            copy = apart / "files" / Path(path).name
            copy.parent.mkdir(parents=True, exist_ok=True)
            copy.write_bytes(parcel.files[path])
            changed[key] = f"{copy}{rest}"
    return replace(parcel.spec, **changed)


def put_in_place(folder: Path, files: dict[str, bytes]) -> None:
    """Make a run's folder of the files that were sent back, whole or not at all."""
    beside = folder.with_name(f".new.{folder.name}")
    shutil.rmtree(beside, ignore_errors=True)
    for name, data in files.items():
        file = beside / name
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_bytes(data)
    shutil.rmtree(folder, ignore_errors=True)  # what was broken off here, long ago
    os.replace(beside, folder)
