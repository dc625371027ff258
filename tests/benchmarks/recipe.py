"""A recipe at several numbers of epochs, compared with the time of the lecture's notebook.

python -m tests.benchmarks.recipe [FOLDER] [--recipe fast] [--epochs 20,80,180] [--seeds 0] [--runs DIR]

FOLDER holds the lecture's 5,000 images. Default: ../shared/data/cats_vs_dogs. The notebook's 20 epochs count as 20
times the mean of one epoch at the beginning and one at the end, each with validation, after a few warm-up steps. A run
is timed like the notebook (training and validation), and also as a whole, with loading the images and the test.
"""

from __future__ import annotations

import argparse
import tempfile
import time
from pathlib import Path

from archlab.training import Summary, train
from tests.benchmarks.notebook import EPOCHS, epoch_of_notebook
from tests.benchmarks.training import IMAGES


def main() -> None:
    """Print the time of each run relative to the notebook, and its accuracies."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("folder", nargs="?", type=Path, default=IMAGES)
    parser.add_argument("--recipe", default="fast")
    parser.add_argument("--epochs", default="20,80,180")
    parser.add_argument("--seeds", default="0")
    parser.add_argument("--runs", type=Path, help="the folder of the runs")
    arguments = parser.parse_args()
    if not arguments.folder.is_dir():
        parser.error(f"no images in {arguments.folder}: give the folder")
    first = epoch_of_notebook("residual", arguments.folder, validated=True)
    print(f"the notebook: {first:.0f} s per epoch", flush=True)
    done: dict[str, tuple[Summary, float]] = {}
    with tempfile.TemporaryDirectory() as temporary:
        for epochs in map(int, arguments.epochs.split(",")):
            for seed in map(int, arguments.seeds.split(",")):
                name = f"{arguments.recipe}-{epochs}-{seed}"
                run = (arguments.runs or Path(temporary)) / name
                start = time.perf_counter()
                found = train(
                    "residual", data=arguments.folder, recipe=arguments.recipe, epochs=epochs, seed=seed, run=run
                ).summary
                done[name] = found, time.perf_counter() - start
                print(f"{name}: {found.seconds:.0f} s, validation {found.validation_accuracy:.4f}", flush=True)
    last = epoch_of_notebook("residual", arguments.folder, validated=True)
    whole = EPOCHS * (first + last) / 2
    print(f"the notebook: {last:.0f} s per epoch at the end; {whole:.0f} s for {EPOCHS}")
    for name, (found, seconds) in done.items():
        print(
            f"{name}: {found.seconds / whole:.3f} of the notebook's time, {seconds / whole:.3f} as a whole; "
            f"validation {found.validation_accuracy:.4f}, test {found.test_accuracy:.4f}"
        )


if __name__ == "__main__":
    main()
