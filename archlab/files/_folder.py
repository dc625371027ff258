"""A folder that appears when everything is in it, or never."""

from __future__ import annotations

import os
import shutil
from collections.abc import Generator
from contextlib import contextmanager
from pathlib import Path

from archlab.errors import OutputError
from archlab.files._reason import reason_of


def check_new(to: Path) -> None:
    """Refuse a folder that exists, or that has nowhere to be made, before any work is done for it.

    Raises:
        OutputError: saying which.
    """
    if to.exists() or to.is_symlink():
        raise OutputError(f"{to}: exists already, and is not written over: name another folder")
    if not to.parent.is_dir():
        raise OutputError(f"{to}: there is no folder {to.parent}")
    if not os.access(to.parent, os.W_OK):
        raise OutputError(f"{to}: cannot be written, permission denied")


@contextmanager
def new_folder(to: Path) -> Generator[Path]:
    """A folder to write into, which gets its name at the end; whatever goes wrong, nothing of it stays.

    Raises:
        OutputError: it cannot be written: no room, no permission; or it exists by now.
    """
    import tempfile  # most commands make no folder

    check_new(to)
    temporary: Path | None = None
    try:
        temporary = Path(tempfile.mkdtemp(dir=to.parent, prefix=f".{to.name}-"))
        yield temporary
        # mkdtemp keeps others out; a result is as readable as any new folder.
        mask = os.umask(0)
        os.umask(mask)
        temporary.chmod(0o777 & ~mask)
        check_new(to)
        temporary.rename(to)
    except OSError as error:
        if error.errno is None:  # one of ours
            raise
        raise OutputError(f"{to}: cannot be written, {reason_of(error)}") from error
    finally:
        if temporary is not None:
            shutil.rmtree(temporary, ignore_errors=True)
