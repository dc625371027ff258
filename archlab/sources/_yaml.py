"""Architecture files: `net.yaml`."""

from __future__ import annotations

from pathlib import Path

from archlab.errors import SourceError
from archlab.sources._architecture import Architecture
from archlab.sources._files import existing
from archlab.sources._kind import Options

_SUFFIXES = (".yaml", ".yml")


def claims(reference: str) -> bool:
    """Whether the reference is of this kind."""
    return reference.lower().endswith(_SUFFIXES)


def load(reference: str, options: Options) -> Architecture:
    """The architecture in that file."""
    from archlab.notation import LARGEST, read_document  # PyYAML, which no other reference needs

    path = existing(reference, _SUFFIXES)
    if path.stat().st_size > LARGEST:
        raise SourceError(f"{reference} has {path.stat().st_size:,} bytes, more than {LARGEST:,}: refused")
    try:
        text = path.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise SourceError(f"{reference} cannot be read as text: {error}") from None
    found = read_document(text, reference)
    return Architecture(found.name or Path(reference).stem, reference, found.tree, found.paper, _lines=found.lines)
