"""A recipe of several lengths against the time of the lecture's notebook, all in one run.

python -m tests.benchmarks.recipe [FOLDER] [--recipe fast] [--epochs 20,80,180] [--seeds 0] [--runs DIR]

FOLDER holds the lecture's 5,000 photos; ../shared/data/cats_vs_dogs unless given. The notebook's 20 epochs take 20
times the mean of one at the beginning and one at the end, each with its validation, after a few steps to warm up. A
run is timed as the notebook is, training and validation, and once more as a whole, with photos read and the test.
"""

from __future__ import annotations

import argparse
import tempfile
import time
from pathlib import Path

from archlab.training import Summary, train
from tests.benchmarks.notebook import EPOCHS, epoch_of_notebook
from tests.benchmarks.training import PHOTOS


def main() -> None:
    """Print, of each run, its time as a share of the notebook's, and what it came to."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("folder", nargs="?", type=Path, default=PHOTOS)
    parser.add_argument("--recipe", default="fast")
    parser.add_argument("--epochs", default="20,80,180")
    parser.add_argument("--seeds", default="0")
    parser.add_argument("--runs", type=Path, help="keep the runs here")
    asked = parser.parse_args()
    if not asked.folder.is_dir():
        parser.error(f"no photos in {asked.folder}: name the folder")
    first = epoch_of_notebook("residual", asked.folder, validated=True)
    print(f"the notebook: {first:.0f} s an epoch", flush=True)
    done: dict[str, tuple[Summary, float]] = {}
    with tempfile.TemporaryDirectory() as temporary:
        for epochs in map(int, asked.epochs.split(",")):
            for seed in map(int, asked.seeds.split(",")):
                name = f"{asked.recipe}-{epochs}-{seed}"
                run = (asked.runs or Path(temporary)) / name
                start = time.perf_counter()
                found = train(
                    "residual", data=asked.folder, recipe=asked.recipe, epochs=epochs, seed=seed, run=run
                ).summary
                done[name] = found, time.perf_counter() - start
                print(f"{name}: {found.seconds:.0f} s, validation {found.validation_accuracy:.4f}", flush=True)
    last = epoch_of_notebook("residual", asked.folder, validated=True)
    whole = EPOCHS * (first + last) / 2
    print(f"the notebook: {last:.0f} s an epoch at the end; {whole:.0f} s for {EPOCHS}")
    for name, (found, seconds) in done.items():
        print(
            f"{name}: {found.seconds / whole:.3f} of the notebook's time, as a whole {seconds / whole:.3f}; "
            f"validation {found.validation_accuracy:.4f}, test {found.test_accuracy:.4f}"
        )


if __name__ == "__main__":
    main()
