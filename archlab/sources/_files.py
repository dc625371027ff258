from __future__ import annotations

from pathlib import Path

from archlab.errors import SourceError, closest
from archlab.files import is_file, is_folder


def existing(reference: str, suffixes: tuple[str, ...]) -> Path:
    """The file of that name.

    Raises:
        SourceError: there is none; names the closest with one of these suffixes beside it.
    """
    path = Path(reference)
    if is_file(path):
        return path
    if _exists(path) and not is_folder(path):
        raise SourceError(f"{reference}: it is a pipe or a device, not a file")
    beside = path.parent.iterdir() if is_folder(path.parent) else ()
    near = closest(reference, [str(other) for other in beside if other.suffix.lower() in suffixes])
    raise SourceError(f"no file {reference}" + (f": did you mean {' or '.join(near)}?" if near else ""))


def _exists(path: Path) -> bool:
    """Whether anything has that name; of a name that nothing can have, nothing has."""
    try:
        return path.exists()
    except (OSError, ValueError):
        return False
