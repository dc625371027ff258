"""Experiments on a real Ray cluster of two nodes on this machine, parts of which are killed while it works."""

from __future__ import annotations

import importlib.util
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from archlab.errors import MissingPartError, UsageError
from archlab.experiments import Plan, Resources, Results, run
from archlab.experiments._local import Work
from archlab.experiments._parcel import Answer, Parcel, put_in_place, work_on
from archlab.experiments._plan import TrialSpec
from archlab.experiments._ray import _QUIET, on_ray
from archlab.experiments._record import open_record
from archlab.experiments._trial import Attempt, finished
from tests.experiments import fakes

needs_ray = pytest.mark.skipif(importlib.util.find_spec("ray") is None, reason="Ray is not installed: archlab[cluster]")
# Ray leaves sockets and processes to the interpreter's end.
quiet = pytest.mark.filterwarnings("ignore::ResourceWarning", "ignore::pytest.PytestUnraisableExceptionWarning")


@pytest.fixture
def cluster(monkeypatch: pytest.MonkeyPatch) -> Iterator[Any]:
    """A head and one more node, of one processor each."""
    for name, value in _QUIET.items():
        monkeypatch.setenv(name, value)
    root = str(Path(__file__).resolve().parents[3])
    monkeypatch.setenv("PYTHONPATH", ":".join(path for path in (root, *sys.path) if path))
    from ray.cluster_utils import Cluster

    made = Cluster(initialize_head=True, head_node_args={"num_cpus": 1, "include_dashboard": False})
    made.other = made.add_node(num_cpus=1)  # pyright: ignore[reportAttributeAccessIssue]
    yield made
    made.shutdown()


def go(plan: Plan, cluster: Any, **options: Any) -> Results:
    return run(plan, engine="ray", address=cluster.address, trial=fakes.trial, checks=fakes.ANYTHING, **options)


def begun(plan: Plan, folder: str) -> int:
    file = plan.output / f"{folder}.begun"
    return len(file.read_text()) if file.exists() else 0


@needs_ray
@quiet
@pytest.mark.slow
def test_a_worker_killed_in_its_trial_costs_nothing_but_time(cluster: Any, tmp_path: Path) -> None:
    names = ("fair", "killed once", "killed", "refuses", "breaks", "good")
    plan = Plan("x", names, ("r",), (0,), output=tmp_path, retries=1)
    open_record(plan)
    fakes.trial(plan.trials()[0], tmp_path / "fair/r/seed-0")
    told: list[str] = []
    found = go(plan, cluster, on_result=lambda outcome: told.append(outcome.spec.architecture))
    assert [(each.status, each.reason) for each in found.outcomes] == [
        ("kept", ""),
        ("finished", ""),
        ("failed", "its worker or machine was lost, 2 times"),
        ("failed", "the images are gone"),
        ("failed", "ZeroDivisionError: division by zero"),
        ("finished", ""),
    ]
    # kill -9 struck once and twice; what was finished was not begun again.
    assert [begun(plan, each.spec.folder) for each in found.outcomes] == [1, 2, 2, 1, 1, 1]
    assert sorted(told) == sorted(names)
    assert "division by zero" in (tmp_path / "breaks/r/seed-0.error.txt").read_text()
    assert {difference.names for _, difference in found.comparisons} == {("killed once", "fair"), ("good", "fair")}


@needs_ray
@quiet
@pytest.mark.slow
def test_a_node_that_goes_away_costs_nothing_but_time(cluster: Any, tmp_path: Path) -> None:
    # Two slow trials, one a node: when one node goes, its trial begins anew on the other, where it is not slow.
    plan = Plan("x", ("slow",), ("r",), (0, 1), output=tmp_path)

    def remove() -> None:
        while sum(begun(plan, spec.folder) for spec in plan.trials()) < 2:
            time.sleep(0.1)
        cluster.remove_node(cluster.other)

    thread = threading.Thread(target=remove, daemon=True)
    thread.start()
    found = go(plan, cluster)
    thread.join()
    assert [each.status for each in found.outcomes] == ["finished", "finished"]
    assert sorted(begun(plan, spec.folder) for spec in plan.trials()) == [1, 2]


@needs_ray
@quiet
@pytest.mark.slow
def test_a_machine_that_does_not_share_the_folder_sends_its_runs_back(cluster: Any, tmp_path: Path) -> None:
    plan = Plan("x", ("fair", "killed once", "refuses"), ("r",), (0,), output=tmp_path / "runs")
    # The folder is here, and of another experiment.
    work = Work(plan.trials(), fakes.trial, plan.output, "somebody-else", retries=2, address=cluster.address)
    found = {each.spec.architecture: each for each in on_ray(work)}
    assert [found[name].status for name in ("fair", "killed once", "refuses")] == ["finished", "finished", "failed"]
    assert sorted(file.name for file in (plan.output / "fair/r/seed-0").iterdir()) == [
        "predictions.csv", "run.json", "summary.json",
    ]  # fmt: skip
    # What was asked for in vain: more processors than any node has.
    plan = Plan("x", ("fair",), ("r",), (0,), output=tmp_path / "more", resources=Resources(cpus=2))
    with pytest.raises(UsageError, match=r"^resources: no machine of the cluster can run a trial: the largest has 1 "):
        go(plan, cluster)


@needs_ray
@quiet
@pytest.mark.slow
def test_ray_says_nothing_on_the_terminal(cluster: Any, tmp_path: Path) -> None:
    """In a process of its own, whose output is a file: Ray prints through whatever it finds, past what a test holds."""
    file = tmp_path / "plan.yaml"
    file.write_text("{architectures: [fair, killed once], seeds: 1, output: runs}")
    command = [sys.executable, "-c", _WITH_FAKES, "experiment", str(file), "--engine", "ray"]
    done = subprocess.run([*command, "--address", cluster.address], capture_output=True, text=True, check=False)
    assert done.returncode == 0 and done.stdout.startswith("plan\narchitecture "), done.stdout + done.stderr
    assert [line[line.index(" ") + 1 :] for line in sorted(done.stderr.splitlines())] == [
        "fair, lecture, seed 0: test accuracy 0.695, 1:01",
        "killed once, lecture, seed 0: test accuracy 0.795, 1:01",
    ]
    assert "work_on failed" in (tmp_path / "runs" / "ray.log").read_text()


_WITH_FAKES = """
from archlab.experiments import run
from tests.experiments import fakes
run.__kwdefaults__.update(trial=fakes.trial, checks=fakes.ANYTHING)
from archlab_cli.main import main
main()
"""


def parcel(tmp_path: Path, reference: str, **changes: Any) -> Parcel:
    spec = TrialSpec("a", reference, "r", "lecture", {}, 0, "shapes", "a/r/seed-0")
    given = {"files": {}, "threads": 2} | changes
    return Parcel(spec, fakes.trial, tmp_path / "not here", "0123", **given)


def test_a_run_goes_there_and_back(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path))
    monkeypatch.setenv("TF_NUM_INTRAOP_THREADS", "7")
    answer = work_on(parcel(tmp_path, "fair"))
    assert answer.attempt == Attempt() and answer.files is not None
    assert sorted(answer.files) == ["predictions.csv", "run.json", "summary.json"]
    assert not (tmp_path / "archlab-0123/a/r/seed-0").exists()
    place = tmp_path / "runs" / "seed-0"
    place.mkdir(parents=True)
    (place / "left over").write_text("")
    put_in_place(place, answer.files)
    assert finished(place) is not None and not (place / "left over").exists()
    assert [each.name for each in place.parent.iterdir()] == ["seed-0"]


def test_files_that_a_trial_names_go_along(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path))
    seen: list[str] = []

    def trial(spec: TrialSpec, folder: Path) -> None:
        seen.append(spec.reference)
        raise UsageError(Path(spec.reference.partition(":")[0]).read_text())

    path = str(tmp_path / "gone" / "mine.py")
    sent = parcel(tmp_path, f"{path}:wide", files={path: b"the code"})
    answer = work_on(Parcel(sent.spec, trial, sent.output, sent.identity, sent.files, 1))
    assert answer == Answer(Attempt("the code"))
    assert seen == [f"{tmp_path / 'archlab-0123' / 'files' / 'mine.py'}:wide"]


def test_without_ray_there_is_a_line(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "ray", None)
    plan = Plan("x", ("fair",), ("r",), (0,), output=tmp_path)
    with pytest.raises(MissingPartError, match=r"^the engine ray needs Ray: pip install 'archlab\[cluster\]'$"):
        run(plan, engine="ray", trial=fakes.trial, checks=fakes.ANYTHING)


@needs_ray
def test_an_address_where_nothing_answers_is_refused_at_once(tmp_path: Path) -> None:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        address = f"127.0.0.1:{free.getsockname()[1]}"
    plan = Plan("x", ("fair",), ("r",), (0,), output=tmp_path)
    with pytest.raises(UsageError, match=f"^no Ray cluster at {address}: connection refused$"):
        run(plan, engine="ray", address=address, trial=fakes.trial, checks=fakes.ANYTHING)
    with pytest.raises(UsageError, match=r"^no Ray cluster at nonsense: "):
        run(plan, engine="ray", address="nonsense", trial=fakes.trial, checks=fakes.ANYTHING)
