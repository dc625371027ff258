"""Reports of experiments: the trials, the means by architecture and recipe, and the comparisons."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from archlab.experiments import Group, Outcome, Plan, Results
from archlab.report._parts import Align, Part, Prose, Report, Table
from archlab.units import format_exact, format_seconds

__all__ = ["experiment_report", "plan_report", "trial_cells", "trial_columns"]

_SUMMARY_KEYS = (
    "test_accuracy", "validation_accuracy", "epochs", "best_epoch", "seconds", "images_per_second", "params",
    "test_photos", "data", "synthetic",
)  # fmt: skip


def trial_columns(plan: Plan) -> tuple[tuple[str, Align], ...]:
    """The columns of a table of trials; with the recipe if there are several."""
    recipe: tuple[tuple[str, Align], ...] = (("recipe", "left"),) if len(plan.variants) > 1 else ()
    return (
        ("architecture", "left"),
        *recipe,
        ("seed", "right"),
        ("test accuracy", "right"),
        ("validation", "right"),
        ("best epoch", "right"),
        ("time", "right"),
        ("images/s", "right"),
    )


def trial_cells(plan: Plan, outcome: Outcome) -> tuple[str, ...]:
    """The row of a trial."""
    spec, found = outcome.spec, outcome.summary or {}
    epoch = f"{found['best_epoch']} of {found['epochs']}" if {"best_epoch", "epochs"} <= found.keys() else "–"
    return (
        spec.architecture,
        *((spec.recipe,) if len(plan.variants) > 1 else ()),
        str(spec.seed),
        "failed" if outcome.status == "failed" else _share(found.get("test_accuracy")),
        _share(found.get("validation_accuracy")),
        epoch,
        format_seconds(found.get("seconds")),
        _rate(found.get("images_per_second")),
    )


def experiment_report(results: Results) -> Report:
    """The trials, the means by architecture and recipe, and the comparisons."""
    plan = results.plan
    parts: list[Part] = [_trials(plan, results.outcomes)]
    if results.groups:
        parts.append(_groups(plan, results.groups))
    if results.sentences:
        parts.append(Prose("Comparisons", results.sentences))
    notes = [*results.notes, *dict.fromkeys(f"no interval over images: {g.note}" for g in results.groups if g.note)]
    if notes:
        parts.append(Prose("Notes", tuple(notes)))
    if results.failed:
        parts.append(Prose("Failed", tuple(f"{each.spec}: {each.reason}" for each in results.failed)))
    return Report(tuple(parts))


def _trials(plan: Plan, outcomes: Sequence[Outcome]) -> Table:
    columns = trial_columns(plan)
    rows = tuple(trial_cells(plan, each) for each in outcomes)
    return Table(
        plan.name,
        tuple(name for name, _ in columns),
        rows,
        tuple(align for _, align in columns),
        tuple(_record(each) for each in outcomes),
        essential=len(columns) - 4,
    )


def _record(outcome: Outcome) -> dict[str, object]:
    spec, found = outcome.spec, outcome.summary or {}
    return {
        "architecture": spec.architecture,
        "reference": spec.reference,
        "recipe": spec.recipe,
        "seed": spec.seed,
        "status": outcome.status,
        **{key: found.get(key) for key in _SUMMARY_KEYS},
        "folder": spec.folder,
        "reason": outcome.reason,
    }


def _groups(plan: Plan, groups: Sequence[Group]) -> Table:
    several = len(plan.variants) > 1
    left: tuple[Align, ...] = ("left",)
    right: tuple[Align, ...] = ("right",)

    def row(group: Group) -> tuple[str, ...]:
        spread = group.accuracy.deviation if group.accuracy else None
        return (
            group.architecture,
            *((group.recipe,) if several else ()),
            str(len(group.finished)),
            _share(group.mean),
            str(group.interval) if group.interval else "–",
            "–" if spread is None else f"{100 * spread:.1f}",
            format_seconds(group.summary_mean("seconds")),
            _rate(group.summary_mean("images_per_second")),
            _whole(group.summary_mean("params")),
        )

    names: tuple[str, ...] = ("architecture", *(("recipe",) if several else ()))
    return Table(
        "Means over the seeds",
        (
            *names,
            "runs",
            "test accuracy",
            "95 % interval",
            "standard deviation (points)",
            "time",
            "images/s",
            "parameters",
        ),
        tuple(row(group) for group in groups),
        (*left * len(names), *right * 7),
        tuple(group.to_dict() for group in groups),
        essential=len(names) + 3,
    )


def plan_report(plan: Plan, finished: Sequence[Outcome]) -> tuple[Report, Mapping[str, Any]]:
    """The trials of a plan as a report and as plain data; nothing is run."""
    done = {each.spec.folder for each in finished}
    several = len(plan.variants) > 1
    columns = ("architecture", *(("recipe",) if several else ()), "seed", "status", "folder")
    specs = plan.trials()
    rows = tuple(
        (
            spec.architecture,
            *((spec.recipe,) if several else ()),
            str(spec.seed),
            "finished" if spec.folder in done else "pending",
            spec.folder,
        )
        for spec in specs
    )
    records = tuple({**spec.to_dict(), "finished": spec.folder in done} for spec in specs)
    left: tuple[Align, ...] = ("left",)
    align: tuple[Align, ...] = (*left * (1 + several), "right", *left * 2)
    line = f"{len(specs)} trials, {len(done)} finished; output: {plan.output}."
    table = Table(plan.name, columns, rows, align, tuple(_flat(each) for each in records), essential=3)
    return Report((table, Prose("", (line,)))), {"schema": 1, "experiment": plan.name, "trials": list(records)}


def _flat(record: Mapping[str, Any]) -> dict[str, object]:
    settings = " ".join(f"{key}={value}" for key, value in record["settings"].items())
    return {**record, "settings": settings}


def _share(value: Any) -> str:
    return f"{value:.3f}" if isinstance(value, int | float) else "–"


def _rate(value: Any) -> str:
    return f"{value:.1f}" if isinstance(value, int | float) else "–"


def _whole(value: float | None) -> str:
    return "–" if value is None else format_exact(round(value))
