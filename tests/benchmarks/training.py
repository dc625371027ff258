"""Images per second of the lecture's notebook, and of archlab with the same settings, in float32 and in bfloat16.

python -m tests.benchmarks.training [FOLDER]

FOLDER holds the lecture's 5,000 images. Default: ../shared/data/cats_vs_dogs. After a few warm-up steps, one epoch is
timed, without validation. The notebook runs in a separate process with TensorFlow's defaults. bfloat16 is measured only
on processors that support it.

archlab's own work in an epoch is the CPU time of augmentation, measured without training, and of the callback.
"""

from __future__ import annotations

import sys
import tempfile
import time
from pathlib import Path
from typing import Any

from archlab import load
from archlab.bridge import load_keras
from archlab.data import open_images
from archlab.training._batches import Batches
from archlab.training._fit import build_model, has_bfloat16
from archlab.training._head import Head
from archlab.training._optimizer import make_optimizer
from archlab.training.recipes import recipe
from tests.benchmarks.notebook import SIZE, WARM_UP, epoch_of_notebook

IMAGES = Path(__file__).resolve().parents[3] / "shared" / "data" / "cats_vs_dogs"


def ours(folder: Path, name: str, precision: str) -> tuple[Any, Batches]:
    """The same by archlab."""
    architecture = load(name)
    chosen = recipe("lecture").for_architecture(name).with_settings({"precision": precision})
    images = open_images(folder, SIZE, splits=("train",))
    head = Head.of(architecture.graph, images.classes)
    batches = Batches(images.train.pixels, head.encode(images.train.labels), chosen, SIZE, 0)
    model = build_model(architecture, chosen, (*SIZE, 3), precision, 0)
    model.compile(
        optimizer=make_optimizer(chosen, 1000), loss=head.loss(0), metrics=[head.accuracy()], jit_compile=False
    )
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
    """Print images per second, ratios and fractions."""
    folder = Path(sys.argv[1]) if len(sys.argv) > 1 else IMAGES
    if not folder.is_dir():
        sys.exit(f"no images in {folder}: give the folder")
    count = sum(1 for _ in (folder / "train").glob("*/*.jpg"))
    for name in ("residual", "baseline"):
        theirs = epoch_of_notebook(name, folder, validated=False)
        print(f"{name}: the notebook {count / theirs:6.1f} images/s ({theirs:.0f} s per epoch)", flush=True)
        for precision in ("float32", "bfloat16") if has_bfloat16() else ("float32",):
            _ours(folder, name, precision, count, theirs)


def _ours(folder: Path, name: str, precision: str, count: int, theirs: float) -> None:
    from archlab.training._callback import RunCallback
    from archlab.training._record import Progress

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
        f"  archlab {precision:8} {count / clock.seconds:6.1f} images/s, {theirs / clock.seconds:.2f} times the "
        f"notebook's; {added / clock.worked:.1%} of the processors' time is archlab's own",
        flush=True,
    )


if __name__ == "__main__":
    main()
