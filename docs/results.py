"""Stores the runs behind the page on training as JSON lines, and generates its tables.

`python docs/results.py` prints the tables; `--add` adds finished runs.
"""

from __future__ import annotations

import argparse
import json
from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import numpy as np

from archlab import compare
from archlab.statistics import accuracy, compare_runs, further_run, read_predictions
from archlab.units import format_count, format_slope

FILE = Path(__file__).parent / "results" / "cats_vs_dogs.jsonl"


@dataclass(frozen=True)
class StoredRun:
    """The results of a run that the tables need.

    Attributes:
        topic: its table.
        reference: of the architecture.
        recipe: its name in the table.
        seed: of the run.
        epochs: the number of epochs.
        best_epoch: the epoch whose weights were tested.
        validation: accuracy on the 1,000 validation images.
        loss: the validation loss.
        seconds: time of training and validation.
        notebook: time of the notebook's 20 epochs in seconds, if measured with the run.
        right: whether each of the 2,000 test images was classified correctly, in order, as bits in hexadecimal.
    """

    topic: str
    reference: str
    recipe: str
    seed: int
    epochs: int
    best_epoch: int
    validation: float
    loss: float
    seconds: float
    notebook: float | None
    right: str

    @property
    def correct(self) -> np.ndarray:
        """Whether each test image was classified correctly."""
        return np.unpackbits(np.frombuffer(bytes.fromhex(self.right), dtype="uint8")).astype(bool)


def read(topic: str) -> dict[tuple[str, str], list[StoredRun]]:
    """The runs of a topic by architecture and recipe, in order of their seeds."""
    found: dict[tuple[str, str], list[StoredRun]] = {}
    for run in sorted(_all(), key=lambda run: run.seed):
        if run.topic == topic:
            found.setdefault((run.reference, run.recipe), []).append(run)
    return found


def _all() -> list[StoredRun]:
    if not FILE.is_file():
        return []
    return [StoredRun(**json.loads(line)) for line in FILE.read_text(encoding="utf-8").splitlines()]


def _key(run: StoredRun) -> tuple[Any, ...]:
    return run.topic, run.reference, run.recipe, run.epochs, run.seed


def _tested(topic: str) -> dict[str, np.ndarray]:
    """Booleans of shape (seeds, images) by architecture: whether each image was classified correctly."""
    return {reference: np.array([run.correct for run in runs]) for (reference, _), runs in read(topic).items()}


def add(topic: str, folders: Sequence[str], notebook: float | None) -> None:
    """Add finished runs to the file; a run that it already has is replaced."""
    stored = {_key(run): run for run in _all()}
    for folder in map(Path, folders):
        summary = json.loads((folder / "summary.json").read_text(encoding="utf-8"))
        run = StoredRun(
            topic=topic,
            reference=summary["reference"],
            # An experiment's folders are architecture/recipe/seed-N.
            recipe=folder.parent.name if folder.name.startswith("seed-") else summary["recipe"],
            seed=summary["seed"],
            best_epoch=summary["best_epoch"],
            validation=summary["validation_accuracy"],
            loss=summary["validation_loss"],
            seconds=summary["seconds"],
            epochs=summary["epochs"],
            notebook=notebook,
            right=np.packbits(read_predictions(folder).correct).tobytes().hex(),
        )
        stored[_key(run)] = run
    FILE.parent.mkdir(exist_ok=True)
    FILE.write_text("".join(json.dumps(asdict(run)) + "\n" for run in stored.values()), encoding="utf-8")


PUBLISHED = {"baseline": 0.744, "residual": 0.743}
"""The accuracies of the lecture, one run each."""


def lecture() -> Iterator[str]:
    """The lecture's two models, and whether its accuracies are consistent with a further run."""
    yield "| architecture | seed | best epoch | validation | test |"
    yield "| --- | --- | --- | --- | --- |"
    for (reference, _), runs in read("lecture").items():
        for run in runs:
            yield f"| {reference} | {run.seed} | {run.best_epoch} | {run.validation:.3f} | {run.correct.mean():.4f} |"
    yield ""
    tested = _tested("lecture")
    for reference, correct in tested.items():
        yield f"- {accuracy(correct, name=reference)}"
        yield f"- {further_run(correct, PUBLISHED[reference])}"
    difference = compare_runs(tested["residual"], tested["baseline"], names=("residual", "baseline"))
    yield f"- {difference}"
    yield f"- {difference.needed}"


ABLATION = {
    "residual": "unchanged",
    "plain": "without shortcuts",
    "residual:normalization=none": "without batch normalization",
    "residual:conv=ordinary": "with ordinary convolutions",
}


def ablation(measured: bool = True) -> Iterator[str]:
    """Cost, gradients and accuracy of the residual network, and of the network without one idea each."""
    runs = _tested("ablation")
    columns = ("residual", "parameters", "FLOPs", "slope, predicted", "measured", "test accuracy by seed", "mean")
    yield f"| {' | '.join(columns)} | 95 % interval |"
    yield "| --- | --- | --- | --- | --- | --- | --- | --- |"
    for each in compare(*ABLATION, static=not measured, input=(96, 96)).to_dict()["architectures"]:
        found = accuracy(runs[each["reference"]])
        cells = (
            ABLATION[each["reference"]],
            f"{each['params']['total']:,}",
            format_count(each["flops"]),
            format_slope(each["gradient_flow_predicted"]["slope"]),
            format_slope(each["gradient_flow"]["slope"]) if measured else "",
            ", ".join(f"{value:.3f}" for value in found.runs),
            f"{found.mean:.3f}",
            str(found.interval),
        )
        yield f"| {' | '.join(cells)} |"
    yield ""
    for reference, name in list(ABLATION.items())[1:]:
        yield f"- {compare_runs(runs[reference], runs['residual'], names=(f'residual {name}', 'residual'))}"


IDEAS = {
    "base": "`fast` with weight decay 0.02, 30 epochs at 64 px, tested at 80 px with one crop",
    "adamw": "AdamW instead of Muon",
    "no-cutmix": "without CutMix",
    "decay": "weight decay 0.5 instead of 0.02",
}


def ideas() -> Iterator[str]:
    """The effect of each idea of the fast recipe on the validation images."""
    runs = {recipe: found for (_, recipe), found in read("ideas").items()}
    yield "| recipe | validation accuracy by seed | loss by seed | change | change of the loss |"
    yield "| --- | --- | --- | --- | --- |"
    for recipe in (each for each in IDEAS if each in runs):
        found, first = (np.array([(run.validation, run.loss) for run in runs[name]]) for name in (recipe, "base"))
        better = (found - first).mean(axis=0)
        cells = (
            IDEAS[recipe],
            *(", ".join(f"{value:.3f}" for value in column) for column in found.T),
            "" if recipe == "base" else f"{format_slope(100 * better[0], 1)} points",
            "" if recipe == "base" else format_slope(better[1], 3),
        )
        yield f"| {' | '.join(cells)} |"


def fast() -> Iterator[str]:
    """Runs of the fast recipe, compared with the time of the notebook's 20 epochs."""
    yield "| epochs | seed | time (s) | relative to the notebook | validation | test |"
    yield "| --- | --- | --- | --- | --- | --- |"
    for runs in read("fast").values():
        for run in sorted(runs, key=lambda run: (run.epochs, run.seed)):
            share = f"{run.seconds / run.notebook:.2f}" if run.notebook else "not measured"
            test = f"{run.correct.mean():.4f}"
            yield f"| {run.epochs} | {run.seed} | {run.seconds:,.0f} | {share} | {run.validation:.3f} | {test} |"


TABLES = {table.__name__: table for table in (lecture, ablation, ideas, fast)}

if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("tables", nargs="*", metavar="TABLE", help=", ".join(TABLES))
    parser.add_argument("--add", nargs="+", metavar=("TOPIC", "RUN"), help="a table, and folders of finished runs")
    parser.add_argument("--notebook", type=float, metavar="SECONDS", help="of the notebook's 20 epochs beside them")
    arguments = parser.parse_args()
    if unknown := {*arguments.tables, *(arguments.add or [])[:1]} - {*TABLES}:
        parser.error(f"no table named {', '.join(sorted(unknown))}: there are {', '.join(TABLES)}")
    if arguments.add:
        add(arguments.add[0], arguments.add[1:], arguments.notebook)
    else:
        for name in arguments.tables or TABLES:
            print(*TABLES[name](), sep="\n", end="\n\n")
