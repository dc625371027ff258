from __future__ import annotations

from pathlib import Path

from archlab.errors import SourceError, closest


def existing(reference: str, suffixes: tuple[str, ...]) -> Path:
    """The file of that name.

    Raises:
        SourceError: there is none; names the closest with one of these suffixes beside it.
    """
    path = Path(reference)
    if path.is_file():
        return path
    beside = path.parent.iterdir() if path.parent.is_dir() else ()
    near = closest(reference, [str(other) for other in beside if other.suffix.lower() in suffixes])
    raise SourceError(f"no file {reference}" + (f": did you mean {' or '.join(near)}?" if near else ""))
