from __future__ import annotations

from pathlib import Path


def reason_of(error: OSError) -> str:
    """The operating system's reason, for the end of a message.

    >>> reason_of(PermissionError(13, "Permission denied"))
    'permission denied'
    """
    return (error.strerror or str(error)).lower()


def is_file(path: Path) -> bool:
    """Whether there is a file of that name; of a name that no file can have, there is none.

    >>> is_file(Path("x" * 5000))
    False
    """
    try:
        return path.is_file()
    except (OSError, ValueError):
        return False


def is_folder(path: Path) -> bool:
    """Whether there is a folder of that name; of a name that no folder can have, there is none."""
    try:
        return path.is_dir()
    except (OSError, ValueError):
        return False
