"""A table of trials that grows while they run, on standard error, and a log for the output of Ray."""

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

from archlab.experiments import Outcome, Plan, TrialSpec
from archlab.report.experiment import trial_cells, trial_columns
from archlab.units import format_seconds

_WATCHED = 200  # the number of folders that are polled for progress
_NEEDED = 2  # columns that are shown on every terminal


@contextmanager
def growing(plan: Plan, stream: TextIO, stays: bool) -> Iterator[Callable[[Outcome], None]]:
    """Show trials as they finish: a table on a terminal, one line each elsewhere.

    Args:
        plan: the experiment.
        stream: where to write.
        stays: whether the table remains at the end, since no other follows.
    """
    if not stream.isatty():
        lines = _Lines(plan, stream)
        yield lines.add
        lines.print_earlier()
        return
    from rich.console import Console
    from rich.live import Live

    # Names are the user's: nothing in them is markup or the name of a picture.
    console = Console(file=stream, highlight=False, markup=False, emoji=False)
    table = _Table(plan, console)
    with Live(table, console=console, refresh_per_second=2, transient=not stays) as live:
        try:
            yield table.add
        except BaseException:
            live.transient = False  # keep the table after an error
            raise


class _Lines:
    """One line for each finished trial, and one for all that were finished earlier."""

    def __init__(self, plan: Plan, stream: TextIO):
        self.stream = stream
        self.total = len(plan.trials())
        self.count = 0
        self.earlier = 0

    def add(self, outcome: Outcome) -> None:
        self.count += 1
        if outcome.status == "kept":
            self.earlier += 1
            return
        self.print_earlier()
        found = outcome.summary or {}
        word = f"failed: {outcome.reason}"
        if outcome.summary is not None:
            share = found.get("test_accuracy")
            word = f"test accuracy {share:.3f}" if isinstance(share, float) else "finished"
            word += f", {format_seconds(found['seconds'])}" if "seconds" in found else ""
        print(f"{self.count}/{self.total} {outcome.spec}: {word}", file=self.stream, flush=True)

    def print_earlier(self) -> None:
        if self.earlier:
            print(f"{self.earlier} of {self.total} trials were finished earlier", file=self.stream, flush=True)
        self.earlier = 0


class _Table:
    """Finished and running trials, and the estimated time left."""

    def __init__(self, plan: Plan, console: Any):
        self.plan = plan
        self.console = console
        self.started = time.time()
        self.outcomes: list[Outcome] = []
        self.left = {spec.folder: spec for spec in plan.trials()}
        self.earlier = 0

    def add(self, outcome: Outcome) -> None:
        self.outcomes.append(outcome)
        self.left.pop(outcome.spec.folder, None)
        self.earlier += outcome.status == "kept"

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
                break  # no room for the last columns
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
        """Trials whose folder has changed since the start, and their finished epochs."""
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
        done, passed = len(self.outcomes) - self.earlier, time.time() - self.started
        failed = sum(outcome.status == "failed" for outcome in self.outcomes)
        parts = [f"{len(self.outcomes)} of {len(self.outcomes) + len(self.left)} trials"]
        parts += [f"{hidden} above"] if hidden > 0 else []
        parts += [f"{failed} failed"] if failed else []
        parts += [f"{format_seconds(passed)} elapsed"]
        parts += [f"about {format_seconds(passed / done * len(self.left))} left"] if done and self.left else []
        return ", ".join(parts)


@contextmanager
def redirected(log: Path) -> Iterator[TextIO]:
    """Redirect the output of Ray and its processes to a log, away from the terminal and the results.

    Yields:
        The original standard error. Other output goes to `log`, if there is any and its folder exists.
    """
    sys.stdout.flush()
    sys.stderr.flush()
    out, err = os.dup(1), os.dup(2)
    with tempfile.TemporaryFile() as captured, open(os.dup(err), "w", encoding="utf-8", errors="replace") as terminal:
        os.dup2(captured.fileno(), 1)
        os.dup2(captured.fileno(), 2)
        try:
            yield terminal
        finally:
            sys.stdout.flush()
            sys.stderr.flush()
            os.dup2(out, 1)
            os.dup2(err, 2)
            os.close(out)
            os.close(err)
            if captured.tell() and log.parent.is_dir():
                captured.seek(0)
                with log.open("ab") as file:
                    shutil.copyfileobj(captured, file)
