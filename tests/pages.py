"""The pages of the documentation: the blocks of code that they hold, which of them run, and what these print.

A page's Python blocks run one after the other, as a reader would type them, in a folder of their own. A block with a
title is a file of that name. A `text` block directly behind a Python block is what it prints; a console block shows
commands, and what they print. A comment before a block says why it does not run:

    <!-- not run: trains for half an hour -->
"""

from __future__ import annotations

import contextlib
import io
import re
import shlex
import sys
import warnings
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import zip_longest
from pathlib import Path
from types import ModuleType
from typing import Any

ROOT = Path(__file__).resolve().parents[1]
COLUMNS = 80
PAGES = (ROOT / "README.md", *sorted(ROOT.glob("docs/**/*.md")))
ELSEWHERE = ("docs/reference/lint-rules.md", "docs/how-to/add-a-layer.md")
"""Pages whose examples other tests run: those of lint and of `check_op`."""

_FENCE = re.compile(
    r"(?:^<!-- not run: (?P<reason>[^\n]*) -->\n+)?^```(?P<language>\w+)(?P<options>[^\n]*)\n(?P<body>.*?)^```$",
    re.DOTALL | re.MULTILINE,
)
_TITLE = re.compile(r'title="([^"]+)"')
_TIME = re.compile(r"\b\d[\d.,]* ?(?:µs|ms|s|min|h)\b")
_NUMBER = re.compile(r"\d[\d,]*(?:\.\d+)?(?:e[+-]?\d+)?")


@dataclass(frozen=True, kw_only=True)
class Block:
    """One block of a page; `shown` is what it says that it prints, or None where it says nothing."""

    line: int
    language: str
    title: str
    body: str
    not_run: str | None
    shown: str | None
    span: tuple[int, int]
    """From where to where in the page the output stands."""


@dataclass(frozen=True)
class Command:
    """One command of a console block, what is shown of its output, and where that stands in the block."""

    text: str
    shown: str
    start: int


def blocks(text: str) -> list[Block]:
    """The blocks of a page in order; the output of a Python block is a part of it."""
    found: list[Block] = []
    fences = list(_FENCE.finditer(text))
    for fence, following in zip_longest(fences, fences[1:]):
        language = fence["language"]
        if language == "text" and found and found[-1].span == fence.span("body"):
            continue
        shown, span = None, fence.span("body")
        behind = following and following["language"] == "text" and not text[fence.end() : following.start()].strip()
        if language == "python" and following and behind:
            shown, span = following["body"], following.span("body")
        title = _TITLE.search(fence["options"])
        found.append(
            Block(
                line=text.count("\n", 0, fence.start("body")),
                language=language,
                title=title[1] if title else "",
                body=fence["body"],
                not_run=fence["reason"],
                shown=shown,
                span=span,
            )
        )
    return found


def commands(body: str) -> list[Command]:
    """The commands of a console block; a backslash at the end of a line goes on in the next."""
    found: list[Command] = []
    for match in re.finditer(r"^\$ ((?:[^\n]*\\\n)*[^\n]*)\n((?:(?!\$ )[^\n]*\n)*)", body, re.MULTILINE):
        found.append(Command(match[1].replace("\\\n", " "), match[2], match.start(2)))
    return found


def printed(command: Command) -> str:
    """What a command of archlab's prints in a terminal of 80 columns; it may end in `| tail -n N` or `; echo $?`.

    Raises:
        ValueError: it is no command of archlab's, or it fails, and the page shows neither a code nor an error.
    """
    line, echoed, _ = command.text.partition("; echo $?")
    line, _, rest = line.partition(" | tail ")
    words = shlex.split(line)
    if words[0] != "archlab":
        raise ValueError(f"{words[0]} is not run: say why not, in a comment before the block")
    out, code = run(words[1:])
    if rest:
        lines = out.splitlines(keepends=True)
        out = "".join(lines[-int(re.sub(r"\D", "", rest)) :])
    if echoed:
        return f"{out}{code}\n"
    if code and not command.shown.startswith("archlab: ") and (code != 1 or words[1] not in ("lint", "check", "diff")):
        raise ValueError(f"exit code {code}: {out}")
    return out


def run(arguments: list[str]) -> tuple[str, int]:
    """What archlab prints, and its exit code. What goes to standard error is shown where there is nothing else."""
    from archlab_cli import main as cli
    from archlab_cli import options

    width, options.width = options.width, lambda: COLUMNS
    out, err = (io.TextIOWrapper(io.BytesIO(), encoding="utf-8", write_through=True) for _ in range(2))
    try:
        with contextlib.redirect_stdout(out), contextlib.redirect_stderr(err):
            code = cli.run(arguments)
    finally:
        options.width = width
    results, notes = (stream.buffer.getvalue().decode() for stream in (out, err))  # type: ignore[attr-defined]
    return results if code in (0, 1) and results else results + notes, code


def executed(block: Block, names: dict[str, Any], page: str) -> str:
    """What a block of Python prints. What it defines goes into `names`."""
    out = io.StringIO()
    code = compile("\n" * block.line + block.body, page, "exec")
    with contextlib.redirect_stdout(out), warnings.catch_warnings():
        warnings.simplefilter("ignore", DeprecationWarning)  # Keras's own use of NumPy
        exec(code, names)
    return out.getvalue()


def outputs(text: str, page: str) -> Iterator[tuple[Block, int, str, str]]:
    """Run a page in the current folder: for each output that it shows, the block, where it stands, and the real one.

    Raises:
        Exception: whatever a block raises.
    """
    from archlab.zoo import _registry

    zoo = dict(_registry.entries())
    if "keras" in sys.modules:
        sys.modules["keras"].utils.clear_session(free_memory=False)  # layers without a name are numbered anew
    module = ModuleType("page")
    names = vars(module)
    sys.modules[module.__name__] = module  # dataclasses look there for what their annotations name
    sys.path[:0] = [str(ROOT), str(ROOT / "cli")]
    try:
        for block in blocks(text):
            if block.title:
                Path(block.title).write_text(block.body, encoding="utf-8")
            if block.not_run is not None:
                continue
            if block.language == "python":
                real = executed(block, names, page)
                if block.shown is not None:
                    yield block, block.span[0], block.shown, real
            elif block.language == "console":
                for command in commands(block.body):
                    yield block, block.span[0] + command.start, command.shown, printed(command)
    finally:
        del sys.path[:2], sys.modules[module.__name__]
        # What a page enters into the zoo is no part of what the next page lists.
        _registry._entries.clear()
        _registry._entries.update(zoo)


def same(shown: str, real: str) -> bool:
    """Whether an output is what is shown: words and whole numbers exactly, times at all, the last digit to within 2.

    A decimal's last digit may differ between processors. A line "…" stands for any lines; a console block that shows
    nothing says nothing of what is printed.
    """
    if not shown.strip() or shown.split() == real.split():  # sentences are broken as the page is
        return True
    parts = re.split(r"^ *…\n", shown, flags=re.MULTILINE)
    lines = real.splitlines()
    start = 0
    for number, part in enumerate(parts):
        wanted = part.splitlines()
        last = number == len(parts) - 1
        places = range(start, len(lines) - len(wanted) + 1) if number else [0]
        if last:
            places = [len(lines) - len(wanted)] if number or len(wanted) == len(lines) else []
        place = next((i for i in places if i >= start and _same_lines(wanted, lines[i : i + len(wanted)])), None)
        if place is None:
            return False
        start = place + len(wanted)
    return True


def _same_lines(shown: list[str], real: list[str]) -> bool:
    return len(shown) == len(real) and all(_same_line(*pair) for pair in zip(shown, real, strict=True))


def _same_line(shown: str, real: str) -> bool:
    shown, real = (_TIME.sub("<time>", line) for line in (shown, real))
    if shown == real:
        return True
    ours, theirs = _NUMBER.findall(shown), _NUMBER.findall(real)
    return (
        # Columns of numbers are as wide as the widest.
        re.split(r"[\s-]+", _NUMBER.sub("#", shown)) == re.split(r"[\s-]+", _NUMBER.sub("#", real))
        and len(ours) == len(theirs)
        and all(map(_close, ours, theirs))
    )


def _close(one: str, other: str) -> bool:
    if one == other:
        return True
    if not ("." in one or "e" in one):
        return False
    mantissa = re.split("e", one)[0]
    step = 10.0 ** -len(mantissa.partition(".")[2])
    exponent = float(f"1e{one.partition('e')[2] or 0}")
    return abs(float(one.replace(",", "")) - float(other.replace(",", ""))) <= 2.001 * step * exponent
