"""Saved Keras models: `model.keras`. No code of theirs is run."""

from __future__ import annotations

import zipfile
from pathlib import Path

from archlab.errors import SourceError, closest
from archlab.sources._architecture import Architecture

# A file that unpacks to more than this is no model that fits this machine's memory, whatever it says of itself.
_LARGEST = 8 * 2**30
_MOST_DENSE = 200


def claims(reference: str) -> bool:
    """Whether the reference is of this kind."""
    return reference.endswith(".keras")


def load(reference: str) -> Architecture:
    """The model in that file."""
    path = Path(reference)
    if not path.is_file():
        around = [str(other) for other in path.parent.glob("*.keras")] if path.parent.is_dir() else []
        near = closest(reference, around)
        raise SourceError(f"no file {reference}" + (f": did you mean {' or '.join(near)}?" if near else ""))
    _check(path, reference)
    from archlab.bridge import from_keras, load_keras  # TensorFlow, which no other reference needs

    _, keras = load_keras()
    try:
        model = keras.saving.load_model(path, compile=False, safe_mode=True)
    except Exception as error:  # whatever the file provokes: it may hold anything
        first = str(error).strip().splitlines()[0] if str(error).strip() else type(error).__name__
        raise SourceError(f"{reference} cannot be loaded: {first}") from error
    return Architecture(path.stem, reference, None, "", model, from_keras(model))


def _check(path: Path, reference: str) -> None:
    """Refuse what is no Keras file, or unpacks to more than it could ever need."""
    try:
        with zipfile.ZipFile(path) as archive:
            members = archive.infolist()
    except (zipfile.BadZipFile, OSError) as error:
        raise SourceError(f"{reference} is not a Keras file, or it is cut short: {error}") from None
    names = {member.filename for member in members}
    if "config.json" not in names:
        raise SourceError(f"{reference} is not a Keras file: it holds no config.json")
    total = sum(member.file_size for member in members)
    if total > _LARGEST or total > _MOST_DENSE * max(path.stat().st_size, 2**20):
        raise SourceError(f"{reference} unpacks to {total:,} bytes, far more than its {path.stat().st_size:,}: refused")
