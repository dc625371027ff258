"""Makes inputs, hands them to a child, and watches it."""

from __future__ import annotations

import json
import os
import re
import select
import subprocess
import sys
import time
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from hypothesis import HealthCheck, Phase, given, seed, settings

from tests.fuzz.kinds import KINDS

ROOT = Path(__file__).resolve().parents[2]
MOST_SECONDS = 10.0
MOST_MEMORY = 10**9
_START_SECONDS = 120.0
_PATIENCE = 6


@dataclass(frozen=True)
class Fault:
    """What went wrong, and with which input."""

    kind: str
    said: str
    given: str

    @property
    def signature(self) -> str:
        """The same for the same fault: without the numbers and names of this input."""
        kind, _, trail = self.said.partition(" at ")
        return f"{self.kind} {kind.split(':')[0]} {trail or re.sub('[^a-z ]', '', kind)[:40]}"


@dataclass
class Done:
    """What a run of one kind came to."""

    calls: int = 0
    faults: list[Fault] = field(default_factory=list)


class Child:
    """The process that runs the inputs of a kind; a new one after each that had to be killed."""

    def __init__(self, kind: str):
        self.kind = kind
        self.process: subprocess.Popen[str] | None = None

    def __enter__(self) -> Child:
        return self

    def __exit__(self, *_: object) -> None:
        self.stop()

    def stop(self) -> None:
        """End it, whatever it does."""
        if self.process is not None:
            self.process.kill()
            self.process.communicate()
            self.process = None

    def ask(self, value: object) -> str:
        """Run one input: what went wrong, or nothing."""
        if self.process is None:
            self.process = subprocess.Popen(
                [sys.executable, "-m", "tests.fuzz.child", self.kind], stdin=subprocess.PIPE, stdout=subprocess.PIPE,
                stderr=subprocess.DEVNULL, text=True, cwd=ROOT,
            )  # fmt: skip
            if self._answer(_START_SECONDS) != "ready\n":
                raise RuntimeError(f"the child for {self.kind} does not start")
        assert self.process.stdin
        self.process.stdin.write(json.dumps(value) + "\n")
        self.process.stdin.flush()
        line = self._answer(MOST_SECONDS)
        if not line:
            ended = self.process.poll()
            self.stop()
            return f"more than {MOST_SECONDS:.0f} s" if ended is None else f"the process ended with {ended}"
        found: dict[str, Any] = json.loads(line)
        if found["memory"] > MOST_MEMORY:
            return f"{found['memory']:,} bytes of memory"
        return found["fault"]

    def _answer(self, most: float) -> str:
        assert self.process and self.process.stdout
        # On a machine that does other things too, the processor's time counts; of one that waits for ever, the clock's.
        start, before = time.monotonic(), self._used()
        while time.monotonic() < start + _PATIENCE * most and self._used() < before + most:
            if select.select([self.process.stdout], [], [], 0.2)[0]:
                return self.process.stdout.readline()
        return ""

    def _used(self) -> float:
        """Seconds of the processor that the child has used."""
        assert self.process
        try:
            words = Path(f"/proc/{self.process.pid}/stat").read_text().rpartition(")")[2].split()
        except OSError:
            return 0.0
        return (int(words[11]) + int(words[12])) / os.sysconf("SC_CLK_TCK")


def fuzz(kind: str, number: int, calls: int, until: float = float("inf")) -> Done:
    """Run so many inputs of a kind, made from this seed."""
    done = Done()
    with Child(kind) as child:

        @seed(number)
        @settings(
            max_examples=calls, database=None, deadline=None, phases=[Phase.generate],
            suppress_health_check=list(HealthCheck),
        )  # fmt: skip
        @given(KINDS[kind].inputs)
        def each(value: object) -> None:
            if time.monotonic() > until:
                return
            done.calls += 1
            if said := child.ask(value):
                done.faults.append(Fault(kind, said, ascii(value)))

        each()
    return done
