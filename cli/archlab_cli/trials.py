"""A table of trials that grows while they run, on standard error, and a place for what Ray prints meanwhile."""

from __future__ import annotations

import os
import shutil
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, TextIO

from archlab.report.experiment import trial_cells, trial_columns
from archlab.training.experiments import Outcome, Plan, TrialSpec
from archlab.units import format_seconds

_WATCHED = 200  # folders that are looked into for how far their trials have come
_NEEDED = 2  # columns that stay however narrow the terminal is


@contextmanager
def growing(plan: Plan, stream: TextIO, stays: bool) -> Iterator[Callable[[Outcome], None]]:
    """Show trials as they end: a table on a terminal, a line each elsewhere.

    Args:
        plan: what is run.
        stream: what to show them on.
        stays: whether the table is left standing at the end, since none will follow.
    """
    if not stream.isatty():
        lines = _Lines(plan, stream)
        yield lines.tell
        lines.say_kept()
        return
    from rich.console import Console
    from rich.live import Live

    console = Console(file=stream, highlight=False)
    table = _Table(plan, console)
    with Live(table, console=console, refresh_per_second=2, transient=not stays) as live:
        try:
            yield table.tell
        except BaseException:
            live.transient = False  # whatever happened: what there was is not taken away
            raise


class _Lines:
    """A line for each trial that ends, and one for all that were finished before."""

    def __init__(self, plan: Plan, stream: TextIO):
        self.stream = stream
        self.total = len(plan.trials())
        self.count = 0
        self.kept = 0

    def tell(self, outcome: Outcome) -> None:
        self.count += 1
        if outcome.status == "kept":
            self.kept += 1
            return
        self.say_kept()
        found = outcome.summary or {}
        word = f"failed: {outcome.reason}"
        if outcome.summary is not None:
            share = found.get("test_accuracy")
            word = f"test accuracy {share:.3f}" if isinstance(share, float) else "finished"
            word += f", {format_seconds(found['seconds'])}" if "seconds" in found else ""
        print(f"{self.count}/{self.total} {outcome.spec}: {word}", file=self.stream, flush=True)

    def say_kept(self) -> None:
        if self.kept:
            print(f"{self.kept} of {self.total} trials were finished before", file=self.stream, flush=True)
        self.kept = 0


class _Table:
    """The trials that have ended, those that are running, and how long it may still take."""

    def __init__(self, plan: Plan, console: Any):
        self.plan = plan
        self.console = console
        self.started = time.time()
        self.outcomes: list[Outcome] = []
        self.left = {spec.folder: spec for spec in plan.trials()}
        self.kept = 0

    def tell(self, outcome: Outcome) -> None:
        self.outcomes.append(outcome)
        self.left.pop(outcome.spec.folder, None)
        self.kept += outcome.status == "kept"

    def __rich__(self) -> Any:
        from rich.console import Group
        from rich.table import Table

        room = max(3, self.console.height - 4)
        rows = [trial_cells(self.plan, outcome) for outcome in self.outcomes]
        rows += [self.cells(spec, epochs) for spec, epochs in self.running()]
        shown = rows[-room:]
        table = Table(box=None, pad_edge=False, padding=(0, 2, 0, 0), header_style="bold")
        left = self.console.width
        for number, (name, align) in enumerate(trial_columns(self.plan)):
            left -= 2 + max(len(text) for text in (name, *(row[number] for row in shown)))
            if left < 0 and number > _NEEDED:
                break  # the last columns have no room
            table.add_column(name, justify=align, no_wrap=True)
        for row in shown:
            table.add_row(*row[: len(table.columns)])
        return Group(table, "", self.line(len(rows) - room))

    def cells(self, spec: TrialSpec, epochs: int) -> tuple[str, ...]:
        cells = trial_cells(self.plan, Outcome(spec, "finished"))
        named = zip(trial_columns(self.plan), cells, strict=True)
        done = "1 epoch" if epochs == 1 else f"{epochs} epochs"
        return tuple(done if name == "test accuracy" else cell for (name, _), cell in named)

    def running(self) -> list[tuple[TrialSpec, int]]:
        """Trials whose folder has been written to since this began, and how many epochs are done."""
        found: list[tuple[TrialSpec, int]] = []
        for spec in list(self.left.values())[:_WATCHED]:
            folder = self.plan.output / spec.folder
            try:
                newest = max(
                    (folder / name).stat().st_mtime
                    for name in ("run.json", "history.jsonl")
                    if (folder / name).exists()
                )
                if newest >= self.started - 1:
                    found.append((spec, (folder / "history.jsonl").read_bytes().count(b"\n")))
            except (OSError, ValueError):
                continue
        return found

    def line(self, hidden: int) -> str:
        done, passed = len(self.outcomes) - self.kept, time.time() - self.started
        failed = sum(outcome.status == "failed" for outcome in self.outcomes)
        parts = [f"{len(self.outcomes)} of {len(self.outcomes) + len(self.left)} trials"]
        parts += [f"{hidden} above"] if hidden > 0 else []
        parts += [f"{failed} failed"] if failed else []
        parts += [f"{format_seconds(passed)} so far"]
        parts += [f"about {format_seconds(passed / done * len(self.left))} to go"] if done and self.left else []
        return ", ".join(parts)


@contextmanager
def apart(log: Path) -> Iterator[TextIO]:
    """Keep what Ray and its processes print, whatever they are asked, out of the terminal and out of results.

    Yields:
        Standard error as it was. The rest goes to `log`, if anything was printed and its folder is there.
    """
    sys.stdout.flush()
    sys.stderr.flush()
    out, err = os.dup(1), os.dup(2)
    with tempfile.TemporaryFile() as said, open(os.dup(err), "w", encoding="utf-8", errors="replace") as terminal:
        os.dup2(said.fileno(), 1)
        os.dup2(said.fileno(), 2)
        try:
            yield terminal
        finally:
            sys.stdout.flush()
            sys.stderr.flush()
            os.dup2(out, 1)
            os.dup2(err, 2)
            os.close(out)
            os.close(err)
            if said.tell() and log.parent.is_dir():
                said.seek(0)
                with log.open("ab") as file:
                    shutil.copyfileobj(said, file)
