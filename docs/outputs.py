"""Writes anew what commands print in the documentation and in the README: run it after changing what they print.

python docs/outputs.py [FILE…] takes every block that shows one command of archlab's and its output. Blocks that are cut
short ("…"), that train, or that read files of the reader's own are left as they are.
"""

from __future__ import annotations

import contextlib
import io
import re
import shlex
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
BLOCK = re.compile(r"(```(?:console|text)\n)\$ archlab ([^\n]*)\n(.*?)(```\n)", re.DOTALL)
COLUMNS = 100
_ELSEWHERE = re.compile(r"--(train|data|output|plot|image|engine|allow-lambda|dry-run)\b|\.(yaml|keras|jsonl|svg|py)\b")
_COMMANDS = (
    "ablate", "check", "compare", "diff", "explain", "fit", "forecast", "gradients", "latency", "lint", "list",
    "memory", "scale", "show",
)  # fmt: skip


def main(names: list[str]) -> None:
    """Rewrite the files named, or all of the documentation."""
    paths = [Path(name).resolve() for name in names] or [ROOT / "README.md", *sorted((ROOT / "docs").rglob("*.md"))]
    for path in paths:
        text = path.read_text(encoding="utf-8")
        made = BLOCK.sub(_again, text)
        if made != text:
            path.write_text(made, encoding="utf-8")
            print(path.relative_to(ROOT))


def _again(block: re.Match[str]) -> str:
    opening, command, output, closing = block.groups()
    cut = any(line.strip() == "…" for line in output.splitlines())
    is_help = command.endswith("--help")
    runs = is_help or (command.split()[0] in _COMMANDS and not _ELSEWHERE.search(command))
    if output.startswith("$ ") or "\n$ " in output or not output.strip() or cut or not runs:
        return block[0]
    made = printed(command)
    # An architecture of the reader's own is none that this can load.
    return block[0] if made is None else f"{opening}$ archlab {command}\n{made}{closing}"


def printed(command: str) -> str | None:
    """What a command prints in a terminal of 100 columns; it may end in `| tail -n N` or `; echo $?`."""
    line, echoed, _ = command.partition("; echo $?")
    line, _, rest = line.partition(" | tail ")
    out, code = run(shlex.split(line))
    if rest:
        lines = out.splitlines(keepends=True)
        out = "".join(lines[-int(re.sub(r"\D", "", rest)) :])
    if echoed:
        return f"{out}{code}\n"
    return None if code == 2 else out


def run(arguments: list[str]) -> tuple[str, int]:
    """What archlab prints, results and errors, and its exit code."""
    sys.path[:0] = [str(ROOT), str(ROOT / "cli")]
    from archlab_cli import main as cli
    from archlab_cli import options

    options.width = lambda: COLUMNS
    stream = io.TextIOWrapper(io.BytesIO(), encoding="utf-8", write_through=True)
    with contextlib.redirect_stdout(stream), contextlib.redirect_stderr(stream):
        code = cli.run(arguments)
    return stream.buffer.getvalue().decode(), code  # pyright: ignore[reportAttributeAccessIssue]


if __name__ == "__main__":
    main(sys.argv[1:])
