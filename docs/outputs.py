"""Writes anew what the commands and the Python of the documentation print: run it after changing what they print.

python docs/outputs.py [FILE…] runs every page, as `tests/pages.py` says, and puts what comes out in the place of what
was shown where the two differ. An output that is cut short ("…") is cut after as many lines, and before as many.
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
                changes.append((start, shown, _cut(real, shown)))
                if not same(changes[-1][2], real):
                    print(f"{page}:{block.line}: cut short at several places, look at it")
        except Exception as error:
            print(f"{page}: {type(error).__name__}: {error}")
        finally:
            os.chdir(before)
    for start, shown, real in sorted(changes, reverse=True):
        text = text[:start] + real + text[start + len(shown) :]
    if changes:
        path.write_text(text, encoding="utf-8")
        print(f"{page}: {len(changes)} written anew")


def _cut(real: str, shown: str) -> str:
    """The output with as many lines before and behind a line "…" as there were."""
    lines = shown.splitlines(keepends=True)
    if "…\n" not in lines:
        return real
    before, made = lines.index("…\n"), real.splitlines(keepends=True)
    behind = len(lines) - before - 1
    return "".join([*made[:before], "…\n", *made[len(made) - behind :]])


if __name__ == "__main__":
    main(sys.argv[1:])
