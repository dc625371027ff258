"""A short run of every kind; and the proof that each sort of fault is seen."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from archlab.errors import UsageError
from tests.fuzz import kinds
from tests.fuzz.kinds import KINDS, FaultError
from tests.fuzz.run import Child, Fault, fuzz

CALLS = {"models": 15, "builders": 80, "records": 100}

pytestmark = pytest.mark.skipif(not Path("/proc/self/clear_refs").exists(), reason="memory is read from /proc")


@pytest.mark.parametrize("kind", KINDS)
def test_no_input_of_a_kind_is_a_fault(kind: str) -> None:
    done = fuzz(kind, 0, CALLS.get(kind, 60))
    assert done.calls > 10
    assert [f"{fault.said}\n{fault.given}" for fault in done.faults] == []


def test_a_builder_that_hangs_is_killed_and_one_that_takes_memory_is_seen(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("tests.fuzz.run.MOST_SECONDS", 2.0)
    monkeypatch.setattr("tests.fuzz.run.MOST_MEMORY", 10**8)
    with Child("builders") as child:
        assert child.ask("sum(1 for _ in iter(int, 1))").startswith("NameError")
        assert child.ask("[0 for _ in range(10**12)]") == "more than 2 s"
        assert child.ask("Input(4, 4, 1)") == ""
        assert child.ask("[b'x' * 3 * 10**8] and Input(4, 4, 1)").endswith(" bytes of memory")


@pytest.mark.parametrize(("source", "said"), [("1 / 0", "ZeroDivisionError"), ("Input(4, 4, 1) >> ReLU() >> Conv", "")])
def test_an_error_of_pythons_is_a_fault_and_one_of_archlabs_is_none(source: str, said: str) -> None:
    with Child("builders") as child:
        assert child.ask(source).partition(":")[0] == said


def test_what_no_exception_says_is_a_fault(monkeypatch: pytest.MonkeyPatch) -> None:
    def pretend(code: int, out: str = "", err: str = "") -> Any:
        def run(arguments: list[str]) -> int:
            import sys

            sys.stdout.write(out)
            sys.stderr.write(err)
            return code

        return run

    for run, message in (
        (pretend(3), "exit code 3"),
        (pretend(2, err="archlab: a\nb\n"), "not one line"),
        (pretend(2, "half", "archlab: a\n"), "not one line"),
        (pretend(2, err="archlab: " + "a" * 2000 + "\n"), "an error of"),
        (pretend(0, "\x1b[2J"), "a control character"),
    ):
        monkeypatch.setattr("archlab_cli.main.run", run)
        with pytest.raises(FaultError, match=message):
            kinds.command([])

    def lines() -> None:
        raise UsageError("a" * 999 + " b" * 999)

    kinds.allowed(lines)


def test_faults_of_one_place_are_one_fault() -> None:
    first = Fault("yaml", "KeyError: 3 at a.py:1 < b.py:2", "x")
    assert first.signature == Fault("yaml", "KeyError: 4 at a.py:1 < b.py:2", "y").signature
    assert first.signature != Fault("yaml", "KeyError: 3 at a.py:9 < b.py:2", "x").signature
