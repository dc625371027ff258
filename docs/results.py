"""Keeps the runs behind the page on training, as lines of JSON, and makes its tables of them.

python docs/results.py                     print the tables
python docs/results.py add TOPIC RUN...    add finished runs to the lines, under a topic
"""

from __future__ import annotations

import json
import sys
from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path

import numpy as np

from archlab import compare
from archlab.training.statistics import accuracy, compare_runs, further_run, read_predictions
from archlab.units import format_count

FILE = Path(__file__).parent / "results" / "cats_vs_dogs.jsonl"
PRINTED = {"baseline": 0.744, "residual": 0.743}
"""What the lecture printed, one run each."""


@dataclass(frozen=True)
class Kept:
    """A run, as much of it as a table needs.

    Attributes:
        topic: the table that it belongs to.
        reference: of the architecture.
        recipe: its name in the table.
        settings: what the recipe changes, or was changed of it.
        seed: of the run.
        best_epoch: whose weights were tested.
        validation: accuracy on the 1,000 photos for validation.
        seconds: of training and validation.
        machine: the processors.
        right: which of the 2,000 test photos were classified correctly, in order, eight to a byte, in hexadecimal.
    """

    topic: str
    reference: str
    recipe: str
    settings: dict[str, str]
    seed: int
    best_epoch: int
    validation: float
    seconds: float
    machine: str
    right: str

    @property
    def correct(self) -> np.ndarray:
        """Whether each test photo was classified correctly."""
        return np.unpackbits(np.frombuffer(bytes.fromhex(self.right), dtype="uint8")).astype(bool)


def read(topic: str) -> dict[tuple[str, str], list[Kept]]:
    """The runs of a topic by architecture and recipe, in order of their seeds."""
    found: dict[tuple[str, str], list[Kept]] = {}
    for run in sorted(_all(), key=lambda run: run.seed):
        if run.topic == topic:
            found.setdefault((run.reference, run.recipe), []).append(run)
    return found


def _all() -> list[Kept]:
    if not FILE.is_file():
        return []
    return [Kept(**json.loads(line)) for line in FILE.read_text(encoding="utf-8").splitlines()]


def add(topic: str, folders: Sequence[str]) -> None:
    """Add finished runs to the file; one that is there already is written anew."""
    kept = {(run.topic, run.reference, run.recipe, run.seed): run for run in _all()}
    for folder in map(Path, folders):
        summary = json.loads((folder / "summary.json").read_text(encoding="utf-8"))
        run = Kept(
            topic=topic,
            reference=summary["reference"],
            # An experiment's folders are architecture/recipe/seed-N.
            recipe=folder.parent.name if folder.name.startswith("seed-") else summary["recipe"],
            settings=summary["settings"],
            seed=summary["seed"],
            best_epoch=summary["best_epoch"],
            validation=summary["validation_accuracy"],
            seconds=summary["seconds"],
            machine=_processors(),
            right=np.packbits(read_predictions(folder).correct).tobytes().hex(),
        )
        kept[run.topic, run.reference, run.recipe, run.seed] = run
    FILE.parent.mkdir(exist_ok=True)
    FILE.write_text("".join(json.dumps(asdict(run)) + "\n" for run in kept.values()), encoding="utf-8")


def lecture() -> Iterator[str]:
    """The lecture's two models, and whether what it printed could have come of a further run."""
    yield "| architecture | seed | best epoch | validation | test |"
    yield "| --- | --- | --- | --- | --- |"
    for (reference, _), runs in sorted(read("lecture").items()):
        for run in runs:
            test = f"{run.correct.mean():.4f}"
            yield f"| {reference} | {run.seed} | {run.best_epoch} | {run.validation:.3f} | {test} |"
    yield ""
    found = {reference: np.array([run.correct for run in runs]) for (reference, _), runs in read("lecture").items()}
    for reference, correct in sorted(found.items()):
        yield f"- {accuracy(correct, name=reference)}"
        yield f"- {further_run(correct, PRINTED[reference])}"
    if len(found) == 2:
        yield f"- {compare_runs(found['residual'], found['baseline'], names=('residual', 'baseline'))}"


ABLATION = {
    "residual": "as it is",
    "plain": "without shortcuts",
    "residual:normalization=none": "without batch normalization",
    "residual:conv=ordinary": "with ordinary convolutions",
}


def ablation(measured: bool = True) -> Iterator[str]:
    """Cost, gradients and accuracy of the residual net and of what is left when one idea is taken away."""
    runs = {reference: np.array([run.correct for run in found]) for (reference, _), found in read("ablation").items()}
    yield "| residual | parameters | FLOPs | slope predicted | measured | test, each seed | mean | 95 % interval |"
    yield "| --- | --- | --- | --- | --- | --- | --- | --- |"
    for each in compare(*ABLATION, static=not measured, input=(96, 96)).to_dict()["architectures"]:
        found = accuracy(runs[each["reference"]])
        cells = (
            ABLATION[each["reference"]],
            f"{each['params']['total']:,}",
            format_count(each["flops"]),
            _signed(each["gradient_flow_predicted"]["slope"]),
            _signed(each["gradient_flow"]["slope"]) if measured else "",
            ", ".join(f"{value:.3f}" for value in found.runs),
            f"{found.mean:.3f}",
            str(found.interval),
        )
        yield f"| {' | '.join(cells)} |"
    yield ""
    for reference, name in list(ABLATION.items())[1:]:
        yield f"- {compare_runs(runs[reference], runs['residual'], names=(name, 'residual'))}"


IDEAS = {
    "base": "`fast` as it is, but 30 epochs at 64 px, tested at 80 px in one cut",
    "adamw": "AdamW in the place of Muon",
    "no-cutmix": "without CutMix",
    "decay": "weight decay 0.5 in the place of 0.02",
}


def ideas() -> Iterator[str]:
    """What each idea of the fast recipe buys, by the photos for validation."""
    runs = {recipe: found for (_, recipe), found in read("ideas").items()}
    yield "| recipe | validation, each seed | mean | against the first |"
    yield "| --- | --- | --- | --- |"
    first = np.mean([run.validation for run in runs["base"]])
    for recipe in (each for each in IDEAS if each in runs):
        each = [run.validation for run in runs[recipe]]
        by = "" if recipe == "base" else f"{_signed(100 * (np.mean(each) - first), 1)} points"
        seeds = ", ".join(f"{value:.3f}" for value in each)
        yield f"| {IDEAS[recipe]} | {seeds} | {np.mean(each):.3f} | {by} |"


def _signed(value: float, digits: int = 2) -> str:
    return f"{value:+.{digits}f}".replace("-", "−")


def _processors() -> str:
    try:
        lines = Path("/proc/cpuinfo").read_text(encoding="utf-8").splitlines()
    except OSError:
        return ""
    return next((line.split(": ")[1] for line in lines if line.startswith("model name")), "")


if __name__ == "__main__":
    if sys.argv[1:2] == ["add"]:
        add(sys.argv[2], sys.argv[3:])
    else:
        for table in (lecture, ablation, ideas):
            print(*table(), sep="\n", end="\n\n")
