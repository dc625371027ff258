from __future__ import annotations

from pathlib import Path


def cache_folder() -> Path:
    """The user's folder for data that can be computed again.

    `XDG_CACHE_HOME/archlab` (else `~/.cache/archlab`) on Linux, `~/Library/Caches/archlab` on macOS,
    `%LOCALAPPDATA%\\\\archlab\\\\Cache` on Windows.

    >>> cache_folder().is_absolute()
    True
    """
    import platformdirs  # only where something is cached

    return platformdirs.user_cache_path("archlab", appauthor=False, opinion=True)
