from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from statistics import fmean
from typing import Any

from archlab.errors import ArchlabError
from archlab.experiments._plan import Plan
from archlab.experiments._trial import Outcome
from archlab.shown import Shown
from archlab.statistics import (
    Accuracy,
    Difference,
    Interval,
    Predictions,
    accuracy,
    compare_runs,
    mean_over_seeds,
    read_predictions,
)


@dataclass(frozen=True)
class Group:
    """The runs of one architecture with one recipe.

    Attributes:
        architecture: its name in the plan.
        recipe: its name in the plan.
        outcomes: of its trials so far, by seed.
        mean: the mean test accuracy of the finished runs.
        interval: over seeds and images if the runs' predictions can be read, otherwise over seeds.
        accuracy: with its interval; None if the predictions cannot be read.
        note: why they cannot be read.
    """

    architecture: str
    recipe: str
    outcomes: tuple[Outcome, ...]
    mean: float | None
    interval: Interval | None
    accuracy: Accuracy | None
    note: str = ""

    @property
    def finished(self) -> tuple[Outcome, ...]:
        """The outcomes that have a summary."""
        return tuple(each for each in self.outcomes if each.summary is not None)

    def summary_mean(self, key: str) -> float | None:
        """The mean of a value of the summaries; None if a run does not have it."""
        found = [(each.summary or {}).get(key) for each in self.finished]
        known = [value for value in found if isinstance(value, int | float)]
        return fmean(known) if known and len(known) == len(found) else None

    def to_dict(self) -> dict[str, Any]:
        """As plain data."""
        return {
            "architecture": self.architecture,
            "recipe": self.recipe,
            "runs": len(self.finished),
            "failed": sum(each.status == "failed" for each in self.outcomes),
            "test_accuracy": self.mean,
            "interval": self.interval.to_dict() if self.interval else None,
            "deviation": self.accuracy.deviation if self.accuracy else None,
            "validation_accuracy": self.summary_mean("validation_accuracy"),
            "seconds": self.summary_mean("seconds"),
            "images_per_second": self.summary_mean("images_per_second"),
            "note": self.note,
        }


@dataclass(frozen=True)
class Results(Shown):
    """The results of an experiment, complete or not.

    Attributes:
        plan: of the experiment.
        outcomes: of the trials, in the plan's order.
        groups: architecture by recipe, in the plan's order.
        comparisons: with each recipe, each architecture against the first of the plan.
        notes: comparisons that are not possible, and why.
    """

    plan: Plan
    outcomes: tuple[Outcome, ...]
    groups: tuple[Group, ...]
    comparisons: tuple[tuple[str, Difference], ...]
    notes: tuple[str, ...] = ()

    @property
    def failed(self) -> tuple[Outcome, ...]:
        """The trials that failed."""
        return tuple(each for each in self.outcomes if each.status == "failed")

    @property
    def sentences(self) -> tuple[str, ...]:
        """The comparisons as sentences, with the number of images or seeds that a difference needs."""
        several = len(self.plan.variants) > 1
        lines: list[str] = []
        for recipe, found in self.comparisons:
            line = f"{recipe}: {found}." if several else f"{found}."
            if not found.shown and found.difference:
                needed = str(found.needed)
                line += f" {needed[0].upper()}{needed[1:]}."
            lines.append(line)
        if len(lines) > 1:
            lines.append(
                "The intervals are not adjusted for multiple comparisons: of 20 comparisons of equal architectures, "
                "one is expected to show a difference."
            )
        return tuple(lines)

    def to_dict(self) -> dict[str, Any]:
        """As plain data. Later versions only add keys."""
        return {
            "schema": 1,
            "experiment": self.plan.name,
            "output": str(self.plan.output),
            "trials": [each.to_dict() for each in self.outcomes],
            "groups": [each.to_dict() for each in self.groups],
            "comparisons": [{"recipe": recipe, **each.to_dict()} for recipe, each in self.comparisons],
            "notes": list(self.notes),
        }


def results(plan: Plan, outcomes: Sequence[Outcome]) -> Results:
    """Summarize the trials so far."""
    by_folder = {each.spec.folder: each for each in outcomes}
    ordered = tuple(by_folder[spec.folder] for spec in plan.trials() if spec.folder in by_folder)
    groups: list[Group] = []
    comparisons: list[tuple[str, Difference]] = []
    notes: list[str] = []
    for variant in plan.variants:
        read: dict[str, list[Predictions]] = {}
        for candidate in plan.candidates:
            own = tuple(
                each for each in ordered if (each.spec.architecture, each.spec.recipe) == (candidate.name, variant.name)
            )
            if own:
                group, read[candidate.name] = _group(plan.output, candidate.name, variant.name, own)
                groups.append(group)
        first = plan.candidates[0].name
        for other, predictions in read.items():
            if other == first or not predictions or not read.get(first):
                continue
            try:
                comparisons.append((variant.name, compare_runs(predictions, read[first], names=(other, first))))
            except ArchlabError as error:
                notes.append(f"{other} cannot be compared with {first}: {error}")
    return Results(plan, ordered, tuple(groups), tuple(comparisons), tuple(notes))


def _group(
    output: Path, architecture: str, recipe: str, outcomes: tuple[Outcome, ...]
) -> tuple[Group, list[Predictions]]:
    done = [each for each in outcomes if each.summary is not None]
    shares = [(each.summary or {}).get("test_accuracy") for each in done]
    known = [share for share in shares if isinstance(share, int | float)]
    try:
        predictions = [read_predictions(output / each.spec.folder) for each in done]
        found = accuracy(predictions, name=architecture) if predictions else None
    except ArchlabError as error:
        interval = mean_over_seeds(known) if len(known) > 1 else None
        mean = fmean(known) if known else None
        return Group(architecture, recipe, outcomes, mean, interval, None, str(error)), []
    interval = found.interval if found else None
    return Group(architecture, recipe, outcomes, found.mean if found else None, interval, found), predictions
