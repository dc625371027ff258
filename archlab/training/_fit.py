from __future__ import annotations

import os
import platform
import random
import sys
from collections.abc import Callable, Generator, Mapping, Sequence
from contextlib import AbstractContextManager, contextmanager, nullcontext
from dataclasses import replace
from importlib.metadata import version
from pathlib import Path
from typing import TYPE_CHECKING, Any, cast

import numpy as np

from archlab.bridge import all_layers, build, load_keras, writing_logs
from archlab.bridge.types import Callback, Dataset, Model
from archlab.data import ImageSet, open_images
from archlab.errors import DataError, DesignError, MissingPartError, UsageError
from archlab.files import exclusive, reason_of, remove_unfinished, write_json, write_lines, write_text
from archlab.graph import Graph, format_shape
from archlab.notation import write_yaml as architecture_yaml
from archlab.sources import Architecture, Reference, load
from archlab.text import shown
from archlab.training import recipes
from archlab.training._average import Average
from archlab.training._batches import Batches, evaluation_batches, stored_size, test_size
from archlab.training._head import Head
from archlab.training._optimizer import make_optimizer
from archlab.training._outcome import Evaluated, finish
from archlab.training._record import MOST_SEED, Progress, RunRecord
from archlab.training._run import ABOUT, ARCHITECTURE, HISTORY, LOCK, LOGS, RECIPE, WEIGHTS, Run, new_folder, open_run
from archlab.training._state import promote_weights, restore_state, without_optimizer
from archlab.training.recipes import Recipe
from archlab.training.recipes import recipe as find_recipe

if TYPE_CHECKING:
    from archlab.training._callback import Step

OnStep = Callable[["Step"], None]
OnStage = Callable[[str], None]
_ESTIMATED_ON = 512
"""Training images on which batch normalization's statistics are re-estimated."""


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
    on_step: OnStep | None = None,
    on_stage: OnStage | None = None,
    note: Callable[[str], None] | None = None,
) -> Run:
    """Train an architecture from scratch and test it once, with the best weights by validation.

    Args:
        reference: as for `load`.
        data: a folder of class folders, optionally inside `train`, `validation` and `test`; or `shapes`, the synthetic
            data set.
        recipe: a recipe's name, a YAML file, or a `Recipe`.
        seed: of the initialization, the order of the images, augmentation and dropout.
        run: the folder of the run. Default: a new folder under `runs`.
        epochs: the number of epochs. Default: the recipe's.
        input: (height, width) in px, for recipes without a size. Default: the architecture's input.
        settings: values of recipe fields to override.
        deterministic: use TensorFlow's deterministic operations for the rest of the process. Slower; a resumed run
            then ends with exactly the weights of an uninterrupted one.
        mirrored: train on all GPUs of this machine.
        gradients: record the gradient flow during training in `gradients.jsonl`.
        tensorboard: write logs for TensorBoard.
        on_step: called with a `Step` after every batch and epoch.
        on_stage: called with what begins besides: opening images, building the model, the first step, the test.
        note: called with each message for the user.

    Returns:
        The finished run.

    Raises:
        DataError: the images cannot be used.
        UsageError: the head does not match the classes, or a setting is invalid.
        TrainingError: the loss is not finite.
        OutputError: the run's folder cannot be written.
    """
    if not 0 <= seed <= MOST_SEED:
        raise UsageError(f"seed {shown(seed)}: is not from 0 to {MOST_SEED:,}")
    architecture = load(reference, None if input is None else tuple(input))
    overrides = dict(settings or {}) | ({} if epochs is None else {"epochs": epochs})
    recipe = find_recipe(recipe).for_architecture(architecture.name).with_settings(overrides)
    shape = _input_shape(architecture, recipe)
    _graph_of(architecture, recipe, shape)
    _refuse_missing(tensorboard)
    folder = new_folder(run, f"{architecture.name}-{recipe.name}-seed{seed}")
    stage = on_stage or _unwatched
    stage("opening the images")
    images = open_images(data, stored_size(recipe, shape[:2]), shape[2])
    Head.of(architecture.graph, images.classes)
    record = RunRecord(
        reference=architecture.reference or architecture.name,
        name=architecture.name,
        input=shape,
        recipe=recipe.name,
        settings={key: str(value) for key, value in overrides.items()},
        seed=seed,
        data=_absolute(data),
        data_title=images.title,
        data_fingerprint=images.fingerprint,
        test_fingerprint=images.test.fingerprint,
        synthetic=images.synthetic,
        classes=images.classes,
        images={split: len(getattr(images, split)) for split in ("train", "validation", "test")},
        skipped=tuple((each.name, each.reason) for each in images.skipped),
        precision=_precision(recipe, note),
        deterministic=deterministic,
        mirrored=mirrored,
        gradients=gradients,
        tensorboard=tensorboard,
        command=tuple(sys.argv) if sys.argv[0].endswith("archlab") else None,
        versions={name: version(name) for name in ("archlab", "tensorflow", "keras", "numpy")},
        python=platform.python_version(),
        machine={"system": platform.platform(), "processors": os.cpu_count()},
    )
    _create(folder)
    with _locked(folder):
        _write_setup(folder, architecture, recipe, record)
        return _continue(Run(folder), architecture, images, on_step, stage, note)


def resume(
    run: str | Path,
    *,
    data: str | Path | None = None,
    on_step: OnStep | None = None,
    on_stage: OnStage | None = None,
    note: Callable[[str], None] | None = None,
) -> Run:
    """Resume an interrupted run after its last finished epoch. A finished run is returned unchanged.

    Args:
        run: its folder.
        data: the new location of its images, if they were moved.
        on_step: called with a `Step` after every batch and epoch.
        on_stage: called with what begins besides: opening images, building the model, the first step, the test.
        note: called with each message for the user.

    Raises:
        SourceError: there is no such run, or its files are damaged.
        DataError: its images are missing or have changed.
    """
    found = open_run(run)
    if found.finished:
        return found
    about, recipe = found.record, found.recipe
    architecture = replace(load_architecture(found), name=about.name)
    shape = about.input
    stage = on_stage or _unwatched
    stage("opening the images")
    images = open_images(about.data if data is None else data, stored_size(recipe, shape[:2]), shape[2])
    if images.fingerprint != about.data_fingerprint:
        raise DataError(f"{images.source}: the images are not those that run {run} was started with")
    with _locked(found.folder):
        remove_unfinished(found.folder)
        return _continue(found, architecture, images, on_step, stage, note)


def _unwatched(_: str) -> None:
    """What begins interests nobody."""


def load_architecture(run: Run) -> Architecture:
    """The architecture of a run.

    Raises:
        SourceError: its file is missing or damaged.
    """
    about = run.record
    file = run.folder / ARCHITECTURE
    if not file.is_file():
        file = file.with_suffix(".keras")
    return load(str(file), about.input)


def _continue(
    run: Run,
    architecture: Architecture,
    images: ImageSet,
    on_step: OnStep | None,
    stage: OnStage,
    note: Callable[[str], None] | None,
) -> Run:
    stage("loading TensorFlow and building the model")
    tf, _ = load_keras()
    about, recipe = run.record, run.recipe
    if about.deterministic:
        tf.config.experimental.enable_op_determinism()
    shape = about.input
    head = Head.of(architecture.graph, images.classes)
    batches = Batches(images.train.pixels, head.encode(images.train.labels), recipe, shape[:2], about.seed)
    size = test_size(recipe, shape)
    validation = evaluation_batches(images.validation.pixels, head.encode(images.validation.labels), size, recipe.batch)
    with _seeded(about.seed):
        strategy = tf.distribute.MirroredStrategy() if about.mirrored else None
        with strategy.scope() if strategy else nullcontext():
            model = build_model(architecture, recipe, shape, about.precision, about.seed)
            model.compile(
                optimizer=make_optimizer(recipe, recipe.epochs * batches.steps, about.precision),
                loss=head.loss(recipe.label_smoothing),
                metrics=[head.accuracy()],
                jit_compile=False,
            )
            model.optimizer.build(model.trainable_variables)
        progress = restore_state(run.folder, model)
        promote_weights(run.folder, progress)
        write_lines(run.folder / HISTORY, [each.to_dict() for each in progress.history])
        if progress.epochs and note:
            note(f"resuming from epoch {progress.epochs} of {recipe.epochs}")
        average = None
        if recipe.average:
            every_nth = slice(None, None, max(1, len(images.train) // _ESTIMATED_ON))
            unaugmented = evaluation_batches(
                images.train.pixels[every_nth], batches.labels[every_nth], size, recipe.batch
            )
            average = Average(model, unaugmented)
        try:
            with writing_logs(run.folder / LOGS) if about.tensorboard else nullcontext():
                stage("compiling the first step")
                evaluated = Evaluated(
                    len(images.validation), recipe.views * (len(images.validation) + len(images.test))
                )
                _fit(run, model, batches, validation, progress, average, evaluated, on_step)
        except KeyboardInterrupt:
            done = f"after epoch {progress.epochs} of {recipe.epochs}"
            raise KeyboardInterrupt(f"interrupted {done}: resume with archlab train --resume {run.folder}") from None
        without_optimizer(model).load_weights(run.folder / WEIGHTS)
        stage("testing")
        finish(run, model, head, images, progress)
    return run


def _fit(
    run: Run,
    model: Model,
    batches: Batches,
    validation: Dataset,
    progress: Progress,
    average: Average | None,
    evaluated: Evaluated,
    on_step: OnStep | None,
) -> None:
    from archlab.training._callback import RunCallback  # loads Keras

    recipe = batches.recipe
    if recipe.patience and progress.best_epoch and progress.epochs - progress.best_epoch >= recipe.patience:
        return  # it stopped early, and was interrupted before its test
    callbacks: list[Callback] = [RunCallback(run.folder, batches, progress, average, evaluated, on_step)]
    callbacks += _more_callbacks(run, batches, progress.epochs)
    every = recipe.validate_every
    when = sorted({*range(every, recipe.epochs + 1, every), recipe.epochs})
    model.fit(
        batches.dataset(progress.epochs * batches.steps),
        initial_epoch=progress.epochs,
        epochs=recipe.epochs,
        steps_per_epoch=batches.steps,
        validation_data=validation,
        validation_freq=when,
        callbacks=callbacks,
        shuffle=False,
        verbose=0,
    )


def _more_callbacks(run: Run, batches: Batches, done: int) -> list[Callback]:
    _, keras = load_keras()
    about = run.record
    found: list[Callback] = []
    if about.tensorboard:
        found.append(keras.callbacks.TensorBoard(log_dir=str(run.folder / LOGS), profile_batch=0))
    if about.gradients:
        from archlab.analysis.measured import record_gradients

        images, labels = next(iter(batches.dataset(limit=1)))
        # Recording starts a new file, so that records from before the interruption are preserved.
        name = f"gradients-{done}.jsonl" if done else "gradients.jsonl"
        found.append(record_gradients(run.folder / name, images.numpy(), labels.numpy()))
    return found


def _graph_of(architecture: Architecture, recipe: Recipe, shape: Sequence[int]) -> Graph:
    """The graph for inputs of the recipe's size, or of unknown size if the recipe has several."""
    trained = {(pixels, pixels) for _, pixels in recipe.size} or {tuple(shape[:2])}
    sizes = trained | {test_size(recipe, tuple(shape))}
    height, width = sizes.pop() if len(sizes) == 1 else (None, None)
    try:
        return architecture.with_input((height, width, shape[2])).graph
    except DesignError as error:
        if height is not None:
            raise error.within(architecture.name) from None
        raise UsageError(
            f"{architecture.name} needs a fixed input size ({error}), "
            f"but the recipe {recipe.name} has several: set size and test_size to the same value"
        ) from None


def build_model(architecture: Architecture, recipe: Recipe, shape: Sequence[int], precision: str, seed: int) -> Model:
    """The Keras model to train."""
    graph = _graph_of(architecture, recipe, shape)
    model = build(graph, seed, dtype="mixed_bfloat16" if precision == "bfloat16" else "float32", fast=True).model
    _, keras = load_keras()
    if recipe.bn_momentum:
        for layer in all_layers(model):
            if isinstance(layer, keras.layers.BatchNormalization):
                layer.momentum = recipe.bn_momentum
    return model


def _input_shape(architecture: Architecture, recipe: Recipe) -> tuple[int, int, int]:
    try:
        graph = architecture.graph
    except DesignError as error:
        raise error.within(architecture.name) from None
    shape = graph.nodes[graph.inputs[0]].shape
    if len(shape) != 3 or shape[2] not in (1, 3):
        raise UsageError(
            f"{architecture.name} takes {format_shape(shape)}: images have a height, a width and 1 or 3 channels"
        )
    if None in shape[:2]:
        if not recipe.size:
            raise UsageError(f"{architecture.name} takes {format_shape(shape)}: give --input, such as 96x96")
        shape = (recipe.size[-1][1], recipe.size[-1][1], shape[2])
    return cast("tuple[int, int, int]", shape)


def _create(folder: Path) -> None:
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise UsageError(f"run {folder}: cannot be created, {reason_of(error)}") from None


def _locked(folder: Path) -> AbstractContextManager[None]:
    """Lock the folder of a run: two processes would overwrite each other's checkpoints."""
    message = f"run {folder}: another process is training it: wait for it, or choose another folder"
    return exclusive(folder / LOCK, message)


def _write_setup(folder: Path, architecture: Architecture, recipe: Recipe, about: RunRecord) -> None:
    remove_unfinished(folder)
    if (folder / ABOUT).exists():
        raise UsageError(f"run {folder}: another process has started a run here: choose another folder")
    if architecture.tree is not None:
        write_text(folder / ARCHITECTURE, architecture_yaml(architecture.tree))
    else:
        build(architecture.graph).model.save((folder / ARCHITECTURE).with_suffix(".keras"))
    write_text(folder / RECIPE, recipes.to_yaml(recipe))
    write_json(folder / ABOUT, about.to_dict())


def _absolute(data: str | Path) -> str:
    """The data set's absolute path, or its name."""
    return str(Path(data).resolve()) if Path(data).is_dir() else str(data)


def _precision(recipe: Recipe, note: Callable[[str], None] | None) -> str:
    if recipe.precision == "bfloat16" and not has_bfloat16():
        if note:
            note("this processor has no bfloat16 instructions: training in float32")
        return "float32"
    return recipe.precision


def has_bfloat16() -> bool:
    """Whether the hardware computes in bfloat16; otherwise TensorFlow emulates it, slower than float32."""
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
def _seeded(seed: int) -> Generator[None]:
    """Seed all random generators; the states of Python's and NumPy's are restored afterwards."""
    _, keras = load_keras()
    python, numpy = random.getstate(), np.random.get_state()
    keras.utils.set_random_seed(seed)
    try:
        yield
    finally:
        random.setstate(python)
        np.random.set_state(numpy)
