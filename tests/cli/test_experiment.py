from __future__ import annotations

import csv
import json
import os
import pty
import sys
from io import StringIO
from pathlib import Path
from typing import Any

import pytest

from archlab import experiments
from tests.experiments import fakes

PLAN = """
name: demo
architectures: [fair, good]
recipes: [lecture, {name: small, base: lecture, set: {epochs: 3}}]
seeds: 2
output: runs
"""


@pytest.fixture
def plan(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A plan whose trials take no time."""
    options: dict[str, Any] = experiments.run.__kwdefaults__
    monkeypatch.setitem(options, "trial", fakes.trial)
    monkeypatch.setitem(options, "checks", fakes.ANYTHING)
    file = tmp_path / "plan.yaml"
    file.write_text(PLAN)
    return file


def test_lines_while_it_runs_and_the_table_at_the_end(archlab, plan: Path) -> None:
    code, out, err = archlab("experiment", plan)
    assert code == 0
    lines = err.splitlines()
    assert lines[0] == "1/8 fair, lecture, seed 0: test accuracy 0.695, 1:01"
    assert [line.split()[0] for line in lines] == [f"{number}/8" for number in range(1, 9)]
    trials, means, said = out.split("\n\n")
    assert len(trials.splitlines()) == 3 + 8 and trials.startswith("demo\narchitecture    recipe ")
    assert len(means.splitlines()) == 3 + 4 and means.startswith("Means over the seeds\n")
    assert (
        "  lecture: good is more accurate than fair by " in said
        and "  small: good is more accurate than fair by " in said
    )
    assert "of 20 comparisons of equal architectures, one is expected to show a difference" in said
    # Once more: nothing is left to do, and the same table comes.
    assert archlab("experiment", plan) == (0, out, "8 of 8 trials were finished earlier\n")


def test_a_failed_trial_is_said_so_and_the_exit_code_is_1(archlab, plan: Path) -> None:
    plan.write_text("{architectures: [fair, refuses], seeds: 1}")
    code, out, err = archlab("experiment", plan)
    assert code == 1
    assert err.splitlines()[1] == "2/2 refuses, lecture, seed 0: failed: the images are gone"
    assert out.endswith("Failed\n  refuses, lecture, seed 0: the images are gone\n")


def test_formats(archlab, plan: Path, tmp_path: Path) -> None:
    found = json.loads(archlab("experiment", plan, "--format", "json").out)
    assert found["schema"] == 1 and len(found["trials"]) == 8 and len(found["groups"]) == 4
    assert found["comparisons"][0]["recipe"] == "lecture" and found["comparisons"][0]["shown"] is True
    rows = list(csv.DictReader(StringIO(archlab("experiment", plan, "--format", "csv").out)))
    assert rows[7] | {"folder": ""} == {
        "architecture": "good", "reference": "good", "recipe": "small", "seed": "1", "status": "kept",
        "test_accuracy": rows[7]["test_accuracy"], "validation_accuracy": "0.75", "epochs": "3", "best_epoch": "2",
        "seconds": "61.0", "images_per_second": "123.4", "params": "1000", "test_photos": "400", "data": "photos",
        "synthetic": "False", "folder": "", "reason": "",
    }  # fmt: skip
    code, out, err = archlab("experiment", plan, "--output", tmp_path / "x.md")
    assert (code, out) == (0, "") and err.endswith(f"written to {tmp_path / 'x.md'}\n")
    assert "| architecture   | recipe   |" in (tmp_path / "x.md").read_text()


def test_a_dry_run_lists_the_trials(archlab, plan: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    plan.write_text("{architectures: [residual, baseline], seeds: 1, output: runs}")
    code, out, err = archlab("experiment", plan, "--dry-run")
    assert (code, err) == (0, "")
    assert [line.split() for line in out.splitlines()[3:5]] == [
        ["residual", "0", "pending", "residual/lecture/seed-0"],
        ["baseline", "0", "pending", "baseline/lecture/seed-0"],
    ]
    assert out.endswith(f"2 trials, 0 finished; output: {plan.parent / 'runs'}.\n")
    assert not (plan.parent / "runs").exists()
    assert json.loads(archlab("experiment", plan, "--dry-run", "-f", "json").out)["trials"][1]["finished"] is False


def test_ctrl_c_says_what_is_kept(archlab, plan: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def trial(spec: Any, folder: Path) -> None:
        if spec.seed:
            raise KeyboardInterrupt
        fakes.trial(spec, folder)

    monkeypatch.setitem(experiments.run.__kwdefaults__, "trial", trial)
    code, out, err = archlab("experiment", plan)
    assert (code, out) == (130, "")
    assert err.splitlines()[-3:] == [
        f"4 of 8 trials are finished, in {plan.parent / 'runs'}: run the command again to resume",
        "",  # click's, after the ^C that the terminal shows
        "archlab: stopped",
    ]


def _on_a_terminal(plan: Path, until: bytes) -> bytes:
    """What the growing table of an experiment writes to a terminal, up to and with some words."""
    from archlab_cli.trials import growing

    reader, writer = pty.openpty()
    found = experiments.read_plan(plan)
    with open(writer, "w") as terminal, growing(found, terminal, stays=True) as show:
        experiments.run(found, on_result=show)
    shown = b""
    while until not in shown:
        shown += os.read(reader, 65536)
    os.close(reader)
    return shown


@pytest.mark.skipif(sys.platform == "win32", reason="no pseudo-terminals here")
def test_the_table_grows_on_a_terminal(plan: Path) -> None:
    shown = _on_a_terminal(plan, b"8 of 8 trials")
    assert b"0.695" in shown and b"architecture" in shown


@pytest.mark.skipif(sys.platform == "win32", reason="no pseudo-terminals here")
def test_names_in_the_table_are_no_markup(plan: Path) -> None:
    plan.write_text('architectures: [{name: "[/red] a [bold]b[/bold] :smile:", reference: residual}]\nseeds: [0]\n')
    assert b"[/red] a [bold]b[/bold] :smile:" in _on_a_terminal(plan, b"1 of 1 trial")


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["{plan}", "--engine", "rey"], "--engine rey: did you mean ray?"),
        (["{plan}", "--address", "auto"], "--address: only for --engine ray"),
        (["{plan}", "--format", "pdf"], "--format pdf: choose from table, markdown, latex, json, csv, html"),
        (["{plan}", "--output", "no/x.md"], "--output no/x.md: there is no folder no"),
        (["no.yaml"], "no.yaml cannot be read, no such file or directory"),
        ([], "Missing argument 'PLAN'."),
    ],
)
def test_wrong_usage(archlab, plan: Path, arguments: list[str], message: str) -> None:
    given = [argument.format(plan=plan) for argument in arguments]
    assert archlab("experiment", *given) == (2, "", f"archlab: {message}\n")


def test_a_wrong_plan_is_one_line(archlab, tmp_path: Path) -> None:
    file = tmp_path / "plan.yaml"
    file.write_text("architectures:\n- residul\n")
    assert archlab("experiment", file) == (
        2, "", f"archlab: {file}:2:3: no architecture named 'residul': did you mean residual?\n"
    )  # fmt: skip
