from __future__ import annotations

from collections.abc import Callable, Generator
from contextlib import closing
from datetime import UTC, datetime
from pathlib import Path
from typing import TypeAlias

from archlab.errors import UsageError, did_you_mean
from archlab.training.experiments._check import Checks, check
from archlab.training.experiments._local import Work, local
from archlab.training.experiments._plan import Plan
from archlab.training.experiments._ray import on_ray
from archlab.training.experiments._read import read_plan
from archlab.training.experiments._record import RESULTS, alone, append_line, named_file, open_record
from archlab.training.experiments._results import Results, results
from archlab.training.experiments._trial import Outcome, Trial, finished, train_trial

Engine: TypeAlias = Callable[[Work], Generator[Outcome, None, None]]
ENGINES: dict[str, Engine] = {"local": local, "ray": on_ray}
"""How trials are run, by name: each takes what is to be done and gives back what became of it, as it comes."""


def run(
    plan: Plan | str | Path,
    *,
    engine: str = "local",
    address: str | None = None,
    trial: Trial = train_trial,
    checks: Checks | None = None,
    on_result: Callable[[Outcome], None] | None = None,
) -> Results:
    """Run every trial of a plan that is not finished, and sum up all of them.

    Everything that the plan names is checked first. Each trial has a folder under the plan's `output`; one that holds
    a `summary.json` is finished and never run again, one that was broken off is gone on with. What ends is added to
    `results.jsonl` there at once. A trial that fails stops no other.

    Args:
        plan: a plan, or its YAML file.
        engine: 'local', one after another in this process; or 'ray', as tasks of a Ray cluster, begun again
            `plan.retries` times when a worker or a machine is lost. Machines that do not share the output folder send
            the runs back; photos must be at the same place on all of them.
        address: of a running Ray cluster, such as '10.0.0.1:6379' or 'auto'; without it, and without RAY_ADDRESS in the
            environment, Ray is started on this machine for as long as this takes.
        trial: what trains one, instead of `archlab.training.train`: called with the spec and the folder, in which it
            writes `summary.json` last. For Ray it must be importable on the machines.
        checks: how names are checked, for a trial of one's own.
        on_result: called with every outcome, those kept from an earlier time first.

    Raises:
        ArchlabError: something that the plan names cannot be used, or the output folder holds other runs.
        MissingPartError: Ray is asked for and not installed.

    >>> import json, tempfile
    >>> def trial(spec, folder):
    ...     folder.mkdir(parents=True)
    ...     (folder / "summary.json").write_text(json.dumps({"test_accuracy": 0.7 + spec.seed / 100}))
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     found = run(Plan("tiny", ["residual"], seeds=[0, 1, 2], output=Path(folder) / "runs"), trial=trial)
    >>> [outcome.status for outcome in found.outcomes], round(found.groups[0].mean, 2), str(found.groups[0].interval)
    (['finished', 'finished', 'finished'], 0.71, '0.685 to 0.735')
    """
    if engine not in ENGINES:
        raise UsageError(f"no engine named {engine!r}: {did_you_mean(engine, ENGINES)}")
    if address is not None and engine != "ray":
        raise UsageError("an address is that of a Ray cluster: ask for the engine ray")
    plan = plan if isinstance(plan, Plan) else read_plan(plan)
    check(plan, checks or Checks())
    tell = on_result or (lambda outcome: None)
    with alone(plan.output):
        identity = open_record(plan)
        outcomes = kept(plan)
        for outcome in outcomes:
            tell(outcome)
        done = {outcome.spec.folder for outcome in outcomes}
        left = [spec for spec in plan.trials() if spec.folder not in done]
        names = {spec.reference for spec in left} | {spec.base for spec in left}
        files = {str(file): file.read_bytes() for file in map(named_file, names) if file is not None}
        work = Work(left, trial, plan.output, identity, plan.retries, plan.resources, address, files)
        with closing(ENGINES[engine](work)) as coming:
            for outcome in coming:
                when = datetime.now(UTC).isoformat(timespec="seconds")
                append_line(plan.output / RESULTS, {"ended": when, **outcome.to_dict()})
                outcomes.append(outcome)
                tell(outcome)
    return results(plan, outcomes)


def kept(plan: Plan) -> list[Outcome]:
    """The trials of a plan that were finished at an earlier time."""
    found = ((spec, finished(plan.output / spec.folder)) for spec in plan.trials())
    return [Outcome(spec, "kept", summary) for spec, summary in found if summary is not None]
