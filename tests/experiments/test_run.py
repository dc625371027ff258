"""Experiments in this process: what is run, what is kept, and what an end of any kind leaves behind."""

from __future__ import annotations

import json
import shutil
from pathlib import Path
from typing import Any

import pytest

from archlab.errors import OutputError, SourceError, UsageError
from archlab.experiments import Outcome, Plan, RecipeVariant, TrialSpec, read_plan, run, train_trial
from archlab.experiments._record import open_record
from tests.experiments import fakes

RECIPES = ("r",)


def go(plan: Plan, **options: Any) -> Any:
    return run(plan, trial=fakes.trial, checks=fakes.ANYTHING, **options)


def begun(plan: Plan) -> dict[str, int]:
    """How often each trial was begun."""
    return {
        spec.folder: len(file.read_text()) if (file := plan.output / f"{spec.folder}.begun").exists() else 0
        for spec in plan.trials()
    }


def test_a_whole_experiment(tmp_path: Path) -> None:
    plan = Plan("x", ("fair", "good"), RECIPES, (0, 1, 2), output=tmp_path / "runs")
    told: list[Outcome] = []
    found = go(plan, on_result=told.append)
    assert [(each.spec.folder, each.status) for each in told] == [(s.folder, "finished") for s in plan.trials()]
    assert found.outcomes == tuple(told) and not found.failed
    fair, good = found.groups
    assert fair.accuracy is not None and 0.7 in fair.interval and len(fair.accuracy.runs) == 3
    assert good.summary_mean("seconds") == 61.0 and good.summary_mean("nothing") is None
    ((recipe, difference),) = found.comparisons
    assert recipe == "r" and difference.names == ("good", "fair") and difference.shown
    assert str(difference).startswith("good is more accurate than fair by ")
    lines = [json.loads(line) for line in (plan.output / "results.jsonl").read_text().splitlines()]
    assert [(line["architecture"], line["seed"], line["status"]) for line in lines] == [
        (s.architecture, s.seed, "finished") for s in plan.trials()
    ]
    assert {"ended", "summary", "folder"} <= lines[0].keys()
    data = json.loads(json.dumps(found.to_dict(), allow_nan=False))
    assert data["schema"] == 1 and data["comparisons"][0]["sentence"] == str(difference)


def test_what_is_finished_is_never_run_again_and_a_larger_plan_goes_on(tmp_path: Path) -> None:
    small = Plan("x", ("fair",), RECIPES, (0,), output=tmp_path)
    go(small)
    large = Plan("x", ("good", "fair"), RECIPES, (0, 1), output=tmp_path)
    found = go(large)
    assert [each.status for each in found.outcomes] == ["finished", "kept", "finished", "finished"]
    assert set(begun(large).values()) == {1}
    assert {each.status for each in go(large).outcomes} == {"kept"}
    assert len((tmp_path / "results.jsonl").read_text().splitlines()) == 4


def test_a_failed_trial_stops_no_other_and_has_a_line(tmp_path: Path) -> None:
    plan = Plan("x", ("refuses", "breaks", "leaves", "forgets", "fair"), RECIPES, (0,), output=tmp_path)
    found = go(plan)
    assert [(each.status, each.reason) for each in found.outcomes] == [
        ("failed", "the images are gone"),
        ("failed", "ZeroDivisionError: division by zero"),
        ("failed", "SystemExit: 3"),
        ("failed", "it ended without a summary.json"),
        ("finished", ""),
    ]
    # The traceback of what nobody expected is kept; of what was expected there is none.
    assert 'raise ZeroDivisionError("division by zero")' in (tmp_path / "breaks/r/seed-0.error.txt").read_text()
    assert not (tmp_path / "refuses/r/seed-0.error.txt").exists()
    assert found.comparisons == () and found.groups[0].mean is None
    assert go(plan).outcomes[1].status == "failed" and begun(plan)["breaks/r/seed-0"] == 2


def test_ctrl_c_leaves_what_is_finished(tmp_path: Path) -> None:
    plan = Plan("x", ("fair", "good", "other"), RECIPES, (0,), output=tmp_path)

    def trial(spec: TrialSpec, folder: Path) -> None:
        if spec.architecture == "good":
            raise KeyboardInterrupt
        fakes.trial(spec, folder)

    with pytest.raises(KeyboardInterrupt):
        run(plan, trial=trial, checks=fakes.ANYTHING)
    assert [each.status for each in go(plan).outcomes] == ["kept", "finished", "finished"]


def test_a_folder_of_another_trial_is_refused(tmp_path: Path) -> None:
    def plan(**settings: Any) -> Plan:
        return Plan("x", ("fair",), (RecipeVariant("r", "lecture", settings),), (0,), output=tmp_path)

    go(plan(epochs=3))
    with pytest.raises(UsageError) as caught:
        go(plan(epochs=5, size={0: 64}))
    assert str(caught.value) == (
        f"{tmp_path}/fair/r/seed-0 was trained with settings {{epochs: 3}}, but the plan has {{epochs: 5, size: "
        "{0: 64}}: choose another output, or delete that folder"
    )
    shutil.rmtree(tmp_path / "fair/r/seed-0")
    assert go(plan(epochs=5, size={0: 64})).outcomes[0].status == "finished"
    # Keys that are numbers, and tuples, are what they were after they have been written down.
    assert go(plan(epochs=5, size={0: 64})).outcomes[0].status == "kept"


def test_a_file_that_has_changed_is_another_architecture(tmp_path: Path) -> None:
    (tmp_path / "net.yaml").write_text("- Input: [8, 8, 3]")
    (tmp_path / "plan.yaml").write_text("{architectures: [net.yaml], seeds: 1, output: runs}")
    plan = read_plan(tmp_path / "plan.yaml")
    assert go(plan).outcomes[0].status == "finished"
    assert go(plan).outcomes[0].status == "kept"
    (tmp_path / "net.yaml").write_text("- Input: [9, 9, 3]")
    with pytest.raises(UsageError, match=r"net/lecture/seed-0 was trained with another version of net.yaml: "):
        go(plan)


def test_a_run_that_is_not_of_this_experiment_is_refused(tmp_path: Path) -> None:
    plan = Plan("x", ("fair",), RECIPES, (0,), output=tmp_path)
    fakes.trial(plan.trials()[0], tmp_path / "fair/r/seed-0")
    with pytest.raises(UsageError, match="fair/r/seed-0 holds a run of another experiment: choose another output"):
        go(plan)


def test_two_at_once_are_refused(tmp_path: Path) -> None:
    pytest.importorskip("fcntl")
    plan = Plan("x", ("fair",), RECIPES, (0,), output=tmp_path)

    def trial(spec: TrialSpec, folder: Path) -> None:
        with pytest.raises(UsageError, match=f"^another experiment is running in {tmp_path}: wait for it, or choose"):
            go(plan)
        fakes.trial(spec, folder)

    assert run(plan, trial=trial, checks=fakes.ANYTHING).outcomes[0].status == "finished"


def test_results_go_on_after_a_line_that_was_cut_short(tmp_path: Path) -> None:
    (tmp_path / "results.jsonl").write_text('{"architecture": "fa')
    go(Plan("x", ("fair",), RECIPES, (0,), output=tmp_path))
    lines = (tmp_path / "results.jsonl").read_text().splitlines()
    assert len(lines) == 2 and json.loads(lines[1])["architecture"] == "fair"


def test_runs_without_predictions_have_their_seeds_interval(tmp_path: Path) -> None:
    plan = Plan("x", ("fair", "good"), RECIPES, (0, 1), output=tmp_path)
    go(plan)
    for spec in plan.trials():
        (tmp_path / spec.folder / "predictions.csv").unlink()
    found = go(plan)
    assert found.groups[0].accuracy is None and "cannot be read" in found.groups[0].note
    assert found.groups[0].interval is not None and "Student" in found.groups[0].interval.method
    assert found.comparisons == ()


def test_runs_on_other_images_are_not_compared(tmp_path: Path) -> None:
    plan = Plan("x", ("fair", "good"), RECIPES, (0,), output=tmp_path)
    go(plan)
    table = tmp_path / "good/r/seed-0/predictions.csv"
    table.write_text(table.read_text().replace("image7.jpg", "other.jpg"))
    found = go(plan)
    assert found.comparisons == ()
    assert found.notes[0].startswith("good cannot be compared with fair: ")
    assert "were tested on different images: 2 are not in both, such as " in found.notes[0]


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"engine": "rey"}, "no engine named 'rey': did you mean ray?"),
        ({"address": "auto"}, "an address needs the engine ray"),
    ],
)
def test_wrong_usage(tmp_path: Path, options: dict[str, str], message: str) -> None:
    with pytest.raises(UsageError) as caught:
        go(Plan("x", ("fair",), RECIPES, output=tmp_path), **options)
    assert str(caught.value) == message


def test_an_output_that_cannot_be_used(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(OutputError, match=r"file/runs cannot be created, not a directory$"):
        go(Plan("x", ("fair",), RECIPES, output=tmp_path / "file" / "runs"))
    (tmp_path / "experiment.json").write_text("{")
    with pytest.raises(SourceError, match=r"experiment.json: invalid JSON: choose another output"):
        go(Plan("x", ("fair",), RECIPES, output=tmp_path))


@pytest.mark.filterwarnings("ignore::DeprecationWarning")  # Keras's own use of NumPy
def test_real_trials_are_trained_and_gone_on_with(tmp_path: Path) -> None:
    (tmp_path / "net.yaml").write_text(
        "[{Input: [24, 24, 3]}, {Conv: 4}, ReLU, GlobalAvgPool, {Dense: {units: 1, activation: sigmoid}}]"
    )
    (tmp_path / "plan.yaml").write_text(
        "data: 'shapes:train=16,validation=8,test=20'\n"
        "architectures: [net.yaml]\n"
        "recipes: [{name: small, set: {epochs: 2, input: 16}}]\n"
        "seeds: 2\n"
    )
    plan = read_plan(tmp_path / "plan.yaml")
    # One was interrupted before it had begun, the other one before it was tested.
    first, second = (plan.output / spec.folder for spec in plan.trials())
    plan.output.mkdir(parents=True)
    open_record(plan)
    (first / "tensorboard").mkdir(parents=True)
    train_trial(plan.trials()[1], second)
    (second / "summary.json").unlink()
    written = (second / "history.jsonl").read_text()
    found = run(plan)
    assert [each.status for each in found.outcomes] == ["finished", "finished"], found.failed
    assert (second / "history.jsonl").read_text() == written
    summary = found.outcomes[0].summary
    assert summary is not None and summary["input"] == [16, 16, 3] and summary["epochs"] == 2
    group = found.groups[0]
    assert group.accuracy is not None and group.accuracy.synthetic and group.accuracy.images == 20
