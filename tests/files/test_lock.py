"""Locks keep a second process out, and leave nothing behind."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from archlab.errors import OutputError, UsageError
from archlab.files import exclusive, locked

HOLD = (
    "import sys, pathlib\n"
    "from archlab.files import exclusive\n"
    "with exclusive(pathlib.Path(sys.argv[1]), 'in use'):\n"
    "    print('held', flush=True)\n"
    "    sys.stdin.read()\n"
)


def holder(lock: Path) -> subprocess.Popen[str]:
    process = subprocess.Popen(
        [sys.executable, "-c", HOLD, str(lock)], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    )
    assert process.stdout is not None and process.stdout.readline() == "held\n"
    return process


def test_another_process_is_refused_until_the_first_has_ended(tmp_path: Path) -> None:
    lock = tmp_path / ".lock"
    process = holder(lock)
    with pytest.raises(UsageError, match=r"^the folder is in use$"), exclusive(lock, "the folder is in use"):
        pass
    process.communicate("")
    with exclusive(lock, "the folder is in use"):
        assert os.listdir(tmp_path) == [".lock"]
    assert os.name == "nt" or not os.listdir(tmp_path)


def test_a_killed_process_holds_nothing(tmp_path: Path) -> None:
    process = holder(tmp_path / ".lock")
    process.kill()
    process.communicate()
    with locked(tmp_path / ".lock"):
        pass


def test_an_error_inside_is_its_own(tmp_path: Path) -> None:
    with pytest.raises(OSError, match="of the work"), exclusive(tmp_path / ".lock", "in use"):
        raise OSError(5, "of the work")


@pytest.mark.skipif(os.name == "nt" or os.geteuid() == 0, reason="root may write anywhere")
def test_a_folder_without_permission_is_named(tmp_path: Path) -> None:
    tmp_path.chmod(0o500)
    with pytest.raises(OutputError, match="cannot be locked, permission denied"), locked(tmp_path / ".lock"):
        pass
