from __future__ import annotations

import os
import platform
import random
import sys
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager, nullcontext
from dataclasses import replace
from importlib.metadata import version
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from archlab.bridge import build, load_keras
from archlab.errors import DataError, DesignError, MissingPartError, UsageError
from archlab.files import write_json, write_lines, write_text
from archlab.graph import Graph, format_shape
from archlab.notation import to_yaml as architecture_yaml
from archlab.sources import Architecture, Reference, load
from archlab.training import recipes
from archlab.training._average import Average
from archlab.training._batches import Batches, held_out, stored_size, test_size
from archlab.training._head import Head
from archlab.training._optimizer import make_optimizer
from archlab.training._outcome import finish
from archlab.training._run import ABOUT, ARCHITECTURE, HISTORY, RECIPE, WEIGHTS, Run, new_folder, open_run
from archlab.training._state import Progress, keep_weights, restore_state, without_optimizer
from archlab.training.data import PhotoSet, open_photos
from archlab.training.recipes import Recipe
from archlab.training.recipes import recipe as find_recipe

if TYPE_CHECKING:
    from archlab.training._callback import Step

Tell = Callable[["Step"], None]
_ESTIMATED_ON = 512
"""Training photos that batch normalization's statistics are estimated anew on."""


def train(
    reference: Reference,
    *,
    data: str | Path = "shapes",
    recipe: str | Path | Recipe = "lecture",
    seed: int = 0,
    run: str | Path | None = None,
    epochs: int | None = None,
    input: Sequence[int] | None = None,
    settings: Mapping[str, Any] | None = None,
    deterministic: bool = False,
    mirrored: bool = False,
    gradients: bool = False,
    tensorboard: bool = False,
    tell: Tell | None = None,
    note: Callable[[str], None] | None = None,
) -> Run:
    """Train an architecture from new weights, and test it once, with the weights that validation chose.

    Args:
        reference: as for `load`.
        data: a folder of class folders, with or without `train`, `validation` and `test`; or `shapes`, drawings made
            from a seed.
        recipe: a recipe's name, a YAML file, or a `Recipe`.
        seed: of the weights, the order of the photos and everything that is random.
        run: the folder to write the run into; one under `runs` unless given.
        epochs: another number of them than the recipe's.
        input: another input, (height, width), for recipes that name no size.
        settings: other values for the recipe's fields.
        deterministic: have TensorFlow take the same sums in the same order every time, for the rest of the process.
            Slower; a run that was broken off then ends with the very weights that it would have had.
        mirrored: train on all GPUs of this machine at once.
        gradients: record the gradient flow as it changes, into `gradients.jsonl`.
        tensorboard: write TensorBoard's files too.
        tell: called after every batch and epoch with where the run is.
        note: called with what a user should know, in a line.

    Returns:
        The finished run.

    Raises:
        DataError: the photos cannot be used.
        UsageError: the head does not match the classes, or a setting makes no sense.
        TrainingError: the loss is no number any more.
        OutputError: the run's folder cannot be written.
    """
    architecture = load(reference, None if input is None else tuple(input))
    changed = dict(settings or {}) | ({} if epochs is None else {"epochs": epochs})
    how = find_recipe(recipe).for_architecture(architecture.name).with_settings(changed)
    shape = _input_shape(architecture, how)
    _sized(architecture, how, shape)
    _refuse_missing(tensorboard)
    folder = new_folder(run, f"{architecture.name}-{how.name}-seed{seed}")
    photos = open_photos(data, stored_size(how, shape[:2]), shape[2])
    Head.of(architecture.graph, photos.classes)
    about: dict[str, Any] = {
        "reference": architecture.reference or architecture.name,
        "name": architecture.name,
        "input": list(shape),
        "recipe": how.name,
        "settings": {key: str(value) for key, value in changed.items()},
        "seed": seed,
        "data": _located(data),
        "data_title": photos.title,
        "data_fingerprint": photos.fingerprint,
        "test_fingerprint": photos.test.fingerprint,
        "synthetic": photos.synthetic,
        "classes": list(photos.classes),
        "photos": {split: len(getattr(photos, split)) for split in ("train", "validation", "test")},
        "skipped": [[each.name, each.reason] for each in photos.skipped],
        "precision": _precision(how, note),
        "deterministic": deterministic,
        "mirrored": mirrored,
        "gradients": gradients,
        "tensorboard": tensorboard,
        "command": sys.argv if sys.argv[0].endswith("archlab") else None,
        "versions": {name: version(name) for name in ("archlab", "tensorflow", "keras", "numpy")},
        "python": platform.python_version(),
        "machine": {"system": platform.platform(), "processors": os.cpu_count()},
    }
    _begin(folder, architecture, how, about)
    return _go_on(Run(folder), architecture, photos, tell, note)


def resume(
    run: str | Path,
    *,
    data: str | Path | None = None,
    tell: Tell | None = None,
    note: Callable[[str], None] | None = None,
) -> Run:
    """Go on with a run that was broken off, after the last epoch that it finished; one that is finished is left alone.

    Args:
        run: its folder.
        data: where its photos are now, if they were moved.
        tell: called after every batch and epoch with where the run is.
        note: called with what a user should know, in a line.

    Raises:
        SourceError: there is no such run, or what it wrote is damaged.
        DataError: its photos are gone, or are others now.
    """
    found = open_run(run)
    if found.finished:
        return found
    about, how = found.about, found.recipe
    architecture = replace(load_architecture(found), name=about["name"])
    shape = tuple(about["input"])
    photos = open_photos(about["data"] if data is None else data, stored_size(how, shape[:2]), shape[2])
    if photos.fingerprint != about["data_fingerprint"]:
        raise DataError(f"{photos.source}: these are not the photos that the run {run} was begun with")
    return _go_on(found, architecture, photos, tell, note)


def load_architecture(run: Run) -> Architecture:
    """The architecture that a run wrote down.

    Raises:
        SourceError: it is gone, or damaged.
    """
    about = run.about
    file = run.folder / ARCHITECTURE
    if not file.is_file():
        file = file.with_suffix(".keras")
    return load(str(file), tuple(about["input"]))


def _go_on(
    run: Run, architecture: Architecture, photos: PhotoSet, tell: Tell | None, note: Callable[[str], None] | None
) -> Run:
    tf, _ = load_keras()
    about, how = run.about, run.recipe
    if about["deterministic"]:
        tf.config.experimental.enable_op_determinism()
    shape = tuple(about["input"])
    head = Head.of(architecture.graph, photos.classes)
    batches = Batches(photos.train.pixels, head.encode(photos.train.labels), how, shape[:2], about["seed"])
    size = test_size(how, shape)
    validation = held_out(photos.validation.pixels, head.encode(photos.validation.labels), size, how.batch)
    with _seeded(about["seed"]):
        strategy = tf.distribute.MirroredStrategy() if about["mirrored"] else None
        with strategy.scope() if strategy else nullcontext():
            model = build_model(architecture, how, shape, about["precision"], about["seed"])
            model.compile(
                optimizer=make_optimizer(how, how.epochs * batches.steps, about["precision"]),
                loss=head.loss(how.label_smoothing),
                metrics=[head.accuracy()],
                jit_compile=False,
            )
            model.optimizer.build(model.trainable_variables)
        progress = restore_state(run.folder, model)
        keep_weights(run.folder, progress)
        write_lines(run.folder / HISTORY, progress.history)
        if progress.epochs and note:
            note(f"going on after epoch {progress.epochs} of {how.epochs}")
        average = None
        if how.average:
            some = slice(None, None, max(1, len(photos.train) // _ESTIMATED_ON))
            known = held_out(photos.train.pixels[some], batches.labels[some], size, how.batch)
            average = Average(model, known)
        try:
            _fit(run, model, batches, validation, progress, average, tell)
        except KeyboardInterrupt:
            done = f"after epoch {progress.epochs} of {how.epochs}"
            raise KeyboardInterrupt(f"stopped {done}: go on with archlab train --resume {run.folder}") from None
        without_optimizer(model).load_weights(run.folder / WEIGHTS)
        finish(run, model, head, photos, progress)
    return run


def _fit(
    run: Run,
    model: Any,
    batches: Batches,
    validation: Any,
    progress: Progress,
    average: Average | None,
    tell: Tell | None,
) -> None:
    from archlab.training._callback import RunCallback  # loads Keras

    how = batches.how
    if how.patience and progress.best_epoch and progress.epochs - progress.best_epoch >= how.patience:
        return  # it had ended, and died before it was tested
    callbacks: list[Any] = [RunCallback(run.folder, batches, progress, average, tell)]
    callbacks += _more_callbacks(run, batches, progress.epochs)
    every = how.validate_every
    when = sorted({*range(every, how.epochs + 1, every), how.epochs})
    model.fit(
        batches.dataset(progress.epochs * batches.steps),
        initial_epoch=progress.epochs,
        epochs=how.epochs,
        steps_per_epoch=batches.steps,
        validation_data=validation,
        validation_freq=when,
        callbacks=callbacks,
        shuffle=False,
        verbose=0,
    )


def _more_callbacks(run: Run, batches: Batches, done: int) -> list[Any]:
    _, keras = load_keras()
    about = run.about
    found: list[Any] = []
    if about["tensorboard"]:
        found.append(keras.callbacks.TensorBoard(log_dir=str(run.folder / "tensorboard"), profile_batch=0))
    if about["gradients"]:
        from archlab.analysis.measured import record_gradients

        photos, labels = next(iter(batches.dataset(limit=1)))
        # Recording begins a file anew: what was recorded before the run was broken off is kept.
        name = f"gradients-{done}.jsonl" if done else "gradients.jsonl"
        found.append(record_gradients(run.folder / name, photos.numpy(), labels.numpy()))
    return found


def _sized(architecture: Architecture, how: Recipe, shape: Sequence[int]) -> Graph:
    """The architecture for inputs of the recipe's size, or of any where it has several."""
    trained = {(pixels, pixels) for _, pixels in how.size} or {tuple(shape[:2])}
    sizes = trained | {test_size(how, tuple(shape))}
    height, width = sizes.pop() if len(sizes) == 1 else (None, None)
    try:
        return architecture.with_input((height, width, shape[2])).graph
    except DesignError as error:
        if height is not None:
            raise error.within(architecture.name) from None
        raise UsageError(
            f"{architecture.name} takes inputs of one size alone ({error}), "
            f"and the recipe {how.name} has several: set size and test_size to the same number"
        ) from None


def build_model(architecture: Architecture, how: Recipe, shape: Sequence[int], precision: str, seed: int) -> Any:
    """The Keras model that is trained."""
    graph = _sized(architecture, how, shape)
    model = build(graph, seed, dtype="mixed_bfloat16" if precision == "bfloat16" else "float32", fast=True).model
    _, keras = load_keras()
    if how.bn_momentum:
        for layer in model._flatten_layers(include_self=False):
            if isinstance(layer, keras.layers.BatchNormalization):
                layer.momentum = how.bn_momentum
    return model


def _input_shape(architecture: Architecture, how: Recipe) -> tuple[int, int, int]:
    try:
        graph = architecture.graph
    except DesignError as error:
        raise error.within(architecture.name) from None
    shape = graph.nodes[graph.inputs[0]].shape
    if len(shape) != 3 or shape[2] not in (1, 3):
        raise UsageError(
            f"{architecture.name} takes {format_shape(shape)}: photos have a height, a width, 1 or 3 channels"
        )
    if None in shape[:2]:
        if not how.size:
            raise UsageError(f"{architecture.name} takes {format_shape(shape)}: give --input, such as 96x96")
        shape = (how.size[-1][1], how.size[-1][1], shape[2])
    return shape  # pyright: ignore[reportReturnType]


def _begin(folder: Path, architecture: Architecture, how: Recipe, about: dict[str, Any]) -> None:
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise UsageError(f"run {folder}: cannot be made, {(error.strerror or str(error)).lower()}") from None
    if architecture.tree is not None:
        write_text(folder / ARCHITECTURE, architecture_yaml(architecture.tree))
    else:
        build(architecture.graph).model.save((folder / ARCHITECTURE).with_suffix(".keras"))
    write_text(folder / RECIPE, recipes.to_yaml(how))
    write_json(folder / ABOUT, about)


def _located(data: str | Path) -> str:
    """Data as it can be found again from another folder."""
    return str(Path(data).resolve()) if Path(data).is_dir() else str(data)


def _precision(how: Recipe, note: Callable[[str], None] | None) -> str:
    if how.precision == "bfloat16" and not has_bfloat16():
        if note:
            note("this processor has no bfloat16 arithmetic: training in float32")
        return "float32"
    return how.precision


def has_bfloat16() -> bool:
    """Whether bfloat16 is computed in hardware; without it TensorFlow emulates it, slower than float32."""
    tf, _ = load_keras()
    if tf.config.list_physical_devices("GPU"):
        return True
    try:
        flags = Path("/proc/cpuinfo").read_text(encoding="utf-8")
    except OSError:
        return False
    return "avx512_bf16" in flags or "amx_bf16" in flags


def _refuse_missing(tensorboard: bool) -> None:
    if tensorboard:
        try:
            import tensorboard as _  # noqa: F401
        except ImportError:
            raise MissingPartError("--tensorboard needs TensorBoard: pip install tensorboard") from None


@contextmanager
def _seeded(seed: int) -> Iterator[None]:
    """Everything random begins at the seed; Python's and NumPy's generators are given back as they were."""
    _, keras = load_keras()
    python, numpy = random.getstate(), np.random.get_state()
    keras.utils.set_random_seed(seed)
    try:
        yield
    finally:
        random.setstate(python)
        np.random.set_state(numpy)
