from __future__ import annotations

import os
from collections.abc import Generator
from contextlib import contextmanager
from pathlib import Path

from archlab.errors import OutputError, UsageError
from archlab.files._reason import reason_of


@contextmanager
def exclusive(lock: Path, message: str) -> Generator[None]:
    """Hold a lock file; refuse when another process holds it.

    The operating system releases the lock however this process ends.

    Args:
        lock: the lock file; its folder exists.
        message: the error when another process holds the lock.

    Raises:
        UsageError: another process holds it.
        OutputError: the file cannot be made, or the file system has no locks.

    >>> import tempfile
    >>> with exclusive(Path(tempfile.mkdtemp()) / ".lock", "the folder is in use"):
    ...     pass
    """
    from filelock import Timeout

    try:
        with _held(lock, timeout=0):
            yield
    except Timeout:
        raise UsageError(message) from None


@contextmanager
def locked(lock: Path) -> Generator[None]:
    """Hold a lock file; wait while another process holds it.

    Raises:
        OutputError: the file cannot be made, or the file system has no locks.
    """
    with _held(lock, timeout=-1):
        yield


@contextmanager
def _held(lock: Path, timeout: float) -> Generator[None]:
    from filelock import FileLock  # only where something is locked

    held = FileLock(lock, timeout=timeout)
    try:
        held.acquire()
    except NotImplementedError:
        raise OutputError(f"{lock}: cannot be locked, the file system has no locks") from None
    except OSError as error:
        # Timeout is an OSError too, without a number.
        if error.errno is None:
            raise
        raise OutputError(f"{lock}: cannot be locked, {reason_of(error)}") from None
    try:
        yield
    finally:
        # Removed while it is held: a process that has opened the old file sees that it is gone, and opens a new one.
        if os.name != "nt":
            lock.unlink(missing_ok=True)
        held.release()
