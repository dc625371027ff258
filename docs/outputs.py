"""Writes anew what the commands and the Python of the documentation print: run it after changing what they print.

python docs/outputs.py [FILE…] runs every page, as `tests/pages.py` says, and puts what comes out in the place of what
was shown where the two differ. An output that is cut short ("…") is left as it is, and named.
"""

from __future__ import annotations

import os
import sys
import tempfile
from pathlib import Path

sys.path[:0] = [str(Path(__file__).resolve().parents[1])]

from tests.pages import ELSEWHERE, PAGES, ROOT, outputs, same  # noqa: E402


def main(names: list[str]) -> None:
    """Rewrite the files named, or all of the documentation."""
    for path in [Path(name).resolve() for name in names] or PAGES:
        if path.relative_to(ROOT).as_posix() not in ELSEWHERE:
            _renew(path)


def _renew(path: Path) -> None:
    page = path.relative_to(ROOT).as_posix()
    text = path.read_text(encoding="utf-8")
    changes: list[tuple[int, str, str]] = []
    before = Path.cwd()
    with tempfile.TemporaryDirectory() as folder:
        (Path(folder) / "docs").symlink_to(ROOT / "docs")
        os.chdir(folder)
        try:
            for block, start, shown, real in outputs(text, page):
                if same(shown, real):
                    continue
                if "…\n" in shown:
                    print(f"{page}:{block.line}: cut short, and no longer what comes out")
                else:
                    changes.append((start, shown, real))
        except Exception as error:
            print(f"{page}: {type(error).__name__}: {error}")
        finally:
            os.chdir(before)
    for start, shown, real in sorted(changes, reverse=True):
        text = text[:start] + real + text[start + len(shown) :]
    if changes:
        path.write_text(text, encoding="utf-8")
        print(f"{page}: {len(changes)} written anew")


if __name__ == "__main__":
    main(sys.argv[1:])
