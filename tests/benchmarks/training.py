"""Images a second: the lecture's notebook, and archlab with the same settings, in float32 and in bfloat16.

python -m tests.benchmarks.training [FOLDER]

FOLDER holds the lecture's 5,000 photos; ../shared/data/cats_vs_dogs unless given. Each takes a few steps to warm up;
then an epoch is timed, without validation. The notebook runs in a process of its own, with TensorFlow as it comes.
Without bfloat16 arithmetic in the processor there is no bfloat16.

What archlab adds to a step is the processors' time of its photos, read and changed without any training, and of its
callback, against that of the epoch.
"""

from __future__ import annotations

import sys
import tempfile
import time
from pathlib import Path
from typing import Any

from archlab import load
from archlab.bridge import load_keras
from archlab.training._batches import Batches
from archlab.training._fit import build_model, has_bfloat16
from archlab.training._head import Head
from archlab.training._optimizer import make_optimizer
from archlab.training.data import open_photos
from archlab.training.recipes import recipe
from tests.benchmarks.notebook import SIZE, WARM_UP, epoch_of_notebook

PHOTOS = Path(__file__).resolve().parents[3] / "shared" / "data" / "cats_vs_dogs"


def ours(folder: Path, name: str, precision: str) -> tuple[Any, Batches]:
    """The same by archlab."""
    architecture = load(name)
    how = recipe("lecture").for_architecture(name).with_settings({"precision": precision})
    photos = open_photos(folder, SIZE, splits=("train",))
    head = Head.of(architecture.graph, photos.classes)
    batches = Batches(photos.train.pixels, head.encode(photos.train.labels), how, SIZE, 0)
    model = build_model(architecture, how, (*SIZE, 3), precision, 0)
    model.compile(optimizer=make_optimizer(how, 1000), loss=head.loss(0), metrics=[head.accuracy()], jit_compile=False)
    return model, batches


class Clock:
    """Times an epoch."""

    def __init__(self) -> None:
        _, keras = load_keras()
        outer = self

        class Callback(keras.callbacks.Callback):
            def on_epoch_begin(self, epoch: int, logs: Any = None) -> None:
                outer.start, outer.worked = time.perf_counter(), -time.process_time()

            def on_epoch_end(self, epoch: int, logs: Any = None) -> None:
                outer.seconds = time.perf_counter() - outer.start
                outer.worked += time.process_time()

        self.start = self.seconds = self.worked = 0.0
        self.callback = Callback()


def main() -> None:
    """Print images a second, ratios and shares."""
    folder = Path(sys.argv[1]) if len(sys.argv) > 1 else PHOTOS
    if not folder.is_dir():
        sys.exit(f"no photos in {folder}: name the folder")
    count = sum(1 for _ in (folder / "train").glob("*/*.jpg"))
    for name in ("residual", "baseline"):
        theirs = epoch_of_notebook(name, folder, validated=False)
        print(f"{name}: the notebook {count / theirs:6.1f} images a second ({theirs:.0f} s an epoch)", flush=True)
        for precision in ("float32", "bfloat16") if has_bfloat16() else ("float32",):
            _ours(folder, name, precision, count, theirs)


def _ours(folder: Path, name: str, precision: str, count: int, theirs: float) -> None:
    from archlab.training._callback import RunCallback
    from archlab.training._state import Progress

    model, batches = ours(folder, name, precision)
    clock = Clock()
    start = time.process_time()
    for _ in batches.dataset(limit=batches.steps):
        pass
    added = time.process_time() - start

    class Timed(RunCallback):
        def on_train_batch_end(self, batch: int, logs: Any = None) -> None:
            nonlocal added
            start = time.process_time()
            super().on_train_batch_end(batch, logs)
            added += time.process_time() - start

    with tempfile.TemporaryDirectory() as run:
        own = Timed(Path(run), batches, Progress(), None, lambda step: None)
        model.fit(batches.dataset(limit=WARM_UP), shuffle=False, verbose=0)
        model.fit(batches.dataset(limit=batches.steps), shuffle=False, verbose=0, callbacks=[own, clock.callback])
    print(
        f"  archlab {precision:8} {count / clock.seconds:6.1f} images a second, {theirs / clock.seconds:.2f} times the "
        f"notebook's; {added / clock.worked:.1%} of the processors' time is archlab's own",
        flush=True,
    )


if __name__ == "__main__":
    main()
