from __future__ import annotations

import base64
from pathlib import Path

from archlab.errors import DataError
from archlab.files import check_regular

_LARGEST = 20 * 2**20
_KINDS = {b"\xff\xd8\xff": "jpeg", b"\x89PNG\r\n\x1a\n": "png", b"GIF8": "gif"}


def embedded_photo(path: str | Path) -> str:
    """An image file as a data URI, to embed in an SVG.

    Raises:
        DataError: it is not there, is too large, or is no JPEG, PNG or GIF.
    """
    file = Path(path)
    try:
        check_regular(file)
        if file.stat().st_size > _LARGEST:
            raise DataError(f"{path}: is larger than {_LARGEST // 2**20} MiB, and would be in the picture as it is")
        data = file.read_bytes()
    except DataError:
        raise
    except OSError as error:
        raise DataError(f"{path}: cannot be read, {(error.strerror or str(error)).lower()}") from error
    kind = next((kind for magic, kind in _KINDS.items() if data.startswith(magic)), None)
    if kind is None:
        raise DataError(f"{path}: is no JPEG, PNG or GIF")
    return f"data:image/{kind};base64,{base64.b64encode(data).decode()}"
