from __future__ import annotations

from collections.abc import Callable, Generator
from contextlib import closing
from datetime import UTC, datetime
from pathlib import Path
from typing import TypeAlias

from archlab.errors import UsageError, did_you_mean
from archlab.experiments._check import Checks, check
from archlab.experiments._local import Work, local
from archlab.experiments._plan import Plan
from archlab.experiments._ray import on_ray
from archlab.experiments._read import read_plan
from archlab.experiments._record import RESULTS, alone, named_file, open_record
from archlab.experiments._results import Results, results
from archlab.experiments._trial import Outcome, Trial, finished, train_trial
from archlab.files import append_line

Engine: TypeAlias = Callable[[Work], Generator[Outcome, None, None]]
ENGINES: dict[str, Engine] = {"local": local, "ray": on_ray}
"""The engines by name. Each takes the work and yields the outcome of every trial as it finishes."""


def run(
    plan: Plan | str | Path,
    *,
    engine: str = "local",
    address: str | None = None,
    trial: Trial = train_trial,
    checks: Checks | None = None,
    on_result: Callable[[Outcome], None] | None = None,
) -> Results:
    """Run the unfinished trials of a plan, and summarize all of them.

    The architectures, recipes and data are checked first. Each trial has a folder under the plan's `output`. A folder
    with a `summary.json` is finished and not run again; an interrupted trial is resumed. Every outcome is appended to
    `results.jsonl` at once. A failed trial does not stop the others.

    Args:
        plan: a plan, or its YAML file.
        engine: 'local', one after another in this process; or 'ray', as tasks of a Ray cluster, restarted up to
            `plan.retries` times if a worker or a machine is lost. Machines that do not share the output folder send
            their runs back; images must have the same path on all of them.
        address: of a running Ray cluster, such as '10.0.0.1:6379' or 'auto'. Default: RAY_ADDRESS of the environment,
            otherwise Ray is started on this machine.
        trial: the function that trains, instead of `archlab.training.train`. It is called with the spec and the folder,
            and must write `summary.json` there last. For Ray it must be importable on the machines.
        checks: the checks of the plan, for a custom `trial`.
        on_result: called with every outcome, those of earlier runs first.

    Raises:
        ArchlabError: an architecture, a recipe or the data is invalid, or the output folder holds other runs.
        MissingPartError: Ray is not installed.

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
        raise UsageError("an address needs the engine ray")
    plan = plan if isinstance(plan, Plan) else read_plan(plan)
    check(plan, checks or Checks())
    report = on_result or (lambda outcome: None)
    with alone(plan.output):
        identity = open_record(plan)
        outcomes = finished_trials(plan)
        for outcome in outcomes:
            report(outcome)
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
                report(outcome)
    return results(plan, outcomes)


def finished_trials(plan: Plan) -> list[Outcome]:
    """The trials of a plan that were finished earlier."""
    found = ((spec, finished(plan.output / spec.folder)) for spec in plan.trials())
    return [Outcome(spec, "kept", summary) for spec, summary in found if summary is not None]
