"""Reports of training runs, evaluations and predictions.

A static comparison imports this module, so scipy is only imported where it is used.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from archlab.report._parts import Align, Chart, Curve, Part, Prose, Report, Table
from archlab.units import format_exact, format_seconds

if TYPE_CHECKING:
    from archlab.experiments import Group, Results
    from archlab.training import Evaluation, Learning, Prediction, Run


def run_report(run: Run) -> Report:
    """The results of a finished run."""
    from archlab.statistics import wilson

    found, about = run.summary, run.record
    where = f"{found.name}, recipe {found.recipe}, seed {found.seed}, on {found.data}"
    interval = wilson(found.test_accuracy, found.test_images)
    test = f"{found.test_accuracy:.3f}  (95 % interval {interval}; {found.test_images:,} images)"
    rows = [
        ("test accuracy", test),
        ("validation accuracy", f"{found.validation_accuracy:.3f}  (epoch {found.best_epoch} of {found.epochs})"),
        ("time", f"{format_seconds(found.seconds)}, {found.images_per_second:.1f} images/s"),
        ("images", ", ".join(f"{count:,} for {split}" for split, count in about.images.items())),
        ("parameters", format_exact(found.params)),
        ("folder", str(run.folder)),
    ]
    lines = _on_validation(run)
    if about.skipped:
        name, reason = about.skipped[0]
        more = f", and {len(about.skipped) - 1} more" if len(about.skipped) > 1 else ""
        lines.append(f"Skipped: {name} ({reason}){more}.")
    if found.synthetic:
        lines.append("Synthetic images: the accuracy does not transfer to natural images.")
    table = Table(where, ("", ""), tuple(rows), ("left", "left"), (found.to_dict(),))
    return Report((table, *((Prose("", tuple(lines)),) if lines else ())))


def _on_validation(run: Run) -> list[str]:
    """Why the validation accuracy is another one than that of its epoch, if it is."""
    found, best = run.summary, next((each for each in run.history if each.epoch == run.summary.best_epoch), None)
    if best is None or best.val_accuracy is None or f"{best.val_accuracy:.3f}" == f"{found.validation_accuracy:.3f}":
        return []
    views = run.recipe.views
    how = f"is the mean of {views} views of each image, as is the test's" if views > 1 else "is of the saved weights"
    return [
        f"The validation accuracy {how}; in epoch {found.best_epoch} it was {best.val_accuracy:.3f} on whole images."
    ]


def evaluation_report(found: Evaluation) -> Report:
    """The accuracy of a run's best weights, the confusion matrix and the recall of each class."""
    from archlab.statistics import wilson

    images = len(found.outcome.labels)
    line = (
        f"{found.run} on {found.data}, {found.split}: accuracy {found.accuracy:.3f} "
        f"(95 % interval {wilson(found.accuracy, images)}; {images:,} images)"
    )
    right: tuple[Align, ...] = ("right",)
    rows = tuple(
        (name, *(format_exact(int(count)) for count in row), f"{row[number] / max(row.sum(), 1):.3f}")
        for number, (name, row) in enumerate(zip(found.classes, found.confusion, strict=True))
    )
    columns = ("class", *(f"predicted {name}" for name in found.classes), "recall")
    table = Table("", columns, rows, ("left", *right * (len(columns) - 1)), (_flat(found),))
    return Report((Prose("", (line,)), table))


def _flat(found: Evaluation) -> dict[str, object]:
    data = found.to_dict()
    return {key: data[key] for key in ("run", "data", "split", "photos", "accuracy")}


def predictions_report(found: Sequence[Prediction]) -> Report:
    """Predictions, one row per image."""
    classes = found[0].classes
    rows = tuple((each.image, each.label, *(f"{p:.3f}" for p in each.probabilities)) for each in found)
    right: tuple[Align, ...] = ("right",)
    records = tuple(
        {"photo": each.image, "label": each.label, **dict(zip(classes, each.probabilities, strict=True))}
        for each in found
    )
    columns = ("image", "predicted class", *classes)
    return Report((Table("", columns, rows, ("left", "left", *right * len(classes)), records, essential=2),))


def training_parts(results: Results, target: float | None = None) -> tuple[Part, ...]:
    """The training results of several architectures: accuracies, times, learning curves and comparisons.

    `target` is the validation accuracy of the column of times. Default: the highest that all runs have reached.
    """
    from archlab.training import common_target, learning

    done = [group for group in results.groups if group.finished]
    curves = [learning(g.architecture, [results.plan.output / each.spec.folder for each in g.finished]) for g in done]
    parts: list[Part] = []
    if done:
        goal = common_target(curves) if target is None else target
        parts += [_accuracies(results, done, curves, goal), _curves(curves)]
    sentences = [*results.sentences] or [f"{g.accuracy}." for g in done if g.accuracy]
    sentences += [f"{each.spec} failed: {each.reason}" for each in results.failed]
    return (*parts, Prose("Which is more accurate?", (*sentences, *results.notes)))


def _accuracies(results: Results, done: Sequence[Group], curves: Sequence[Learning], goal: float) -> Table:
    rows = tuple(
        (
            group.architecture,
            "–" if group.mean is None else f"{group.mean:.3f}",
            str(group.interval) if group.interval else "–",
            str(len(group.finished)),
            format_seconds(curve.seconds_per_epoch),
            format_seconds(curve.time_to(goal)),
            "–" if (rate := group.summary_mean("images_per_second")) is None else f"{rate:.1f}",
        )
        for group, curve in zip(done, curves, strict=True)
    )
    summary = done[0].finished[0].summary or {}
    title = (
        f"Trained on {summary['data']}, recipe {done[0].recipe}, {len(results.plan.seeds)} seeds: "
        f"accuracy on {summary['test_photos']:,} test images"
    )
    columns = (
        "",
        "accuracy",
        "95 % interval",
        "runs",
        "time per epoch",
        f"time to {goal:.2f} validation accuracy",
        "images/s",
    )
    records = tuple(
        group.to_dict() | {"seconds_per_epoch": curve.seconds_per_epoch, "target": goal, "time_to": curve.time_to(goal)}
        for group, curve in zip(done, curves, strict=True)
    )
    right: tuple[Align, ...] = ("right",)
    return Table(title, columns, rows, ("left", *right * 6), records, essential=3)


def _curves(curves: Sequence[Learning]) -> Chart:
    """The validation error, whose late changes a logarithmic scale shows, unlike those of the accuracy."""
    lines = []
    for curve in curves:
        errors = tuple(None if accuracy is None else max(1 - accuracy, 1e-4) for accuracy in curve.curve)
        known = [error for error in errors if error is not None]
        lines.append(Curve(curve.name, errors, (f"{known[0]:.3f}", f"{known[-1]:.3f}", f"{min(known):.3f}")))
    return Chart("Validation error by epoch, mean over the runs", ("first", "last", "lowest"), tuple(lines))


__all__ = ["evaluation_report", "predictions_report", "run_report", "training_parts"]
