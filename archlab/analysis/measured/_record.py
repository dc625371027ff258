from __future__ import annotations

from collections.abc import Sequence
from importlib.util import find_spec
from pathlib import Path
from typing import Any

from archlab.analysis.measured._loss import Given
from archlab.analysis.static._photos import BATCH
from archlab.bridge.types import Tensor
from archlab.errors import MissingPartError, UsageError


def record_gradients(
    path: str | Path,
    x: Tensor = None,
    y: Tensor = None,
    *,
    module: object = None,
    every: int = 100,
    share: float = 0.05,
    loss: Given = None,
    training: bool = True,
    batch: int = BATCH,
    tensorboard: str | Path | None = None,
    input: Sequence[int] | None = None,
) -> Any:
    """Record gradient flow while a model is trained: a line of JSON for every record.

    Makes a Keras callback for `model.fit`; of a PyTorch `module` a context for any training loop, which counts the
    steps of every optimizer that trains one of its parameters.

    The model is measured on a batch of its own, with its weights as they are; training goes on as if it had not been.
    The first record is taken before the first step. After that a record waits until all of them together, the first
    one's compiling included, have taken no more than `share` of the training time.

    Args:
        path: of the file of JSON lines; a file that is there is replaced.
        x: a batch of inputs; a synthetic one by default.
        y: its labels.
        module: a PyTorch module that is trained in the context; x and y are then as in `archlab.gradient_flow`.
        every: steps between two records.
        share: of the training time that the records may take; 1.0 takes every record when it is due.
        loss: as in `archlab.gradient_flow`; the one that the model is compiled with by default.
        training: whether layers act as in training.
        batch: examples in the batch that is not given.
        tensorboard: a folder for TensorBoard's scalars: the slope, and the activation gradient, kernel gradient,
            activation and the dead share of every layer. With Keras alone.
        input: what a PyTorch module takes where x is not given: (3, 224, 224).

    Returns:
        A `keras.callbacks.Callback`, or a context; its `epoch` is written with every record, once set.

    Raises:
        UsageError: `every` or `share` is out of its range; or what is given does not fit the module.
        MissingPartError: TensorBoard's scalars are asked for and it is not installed.

    >>> import keras, numpy, tempfile
    >>> from archlab import read_run
    >>> x = keras.Input((4,))
    >>> model = keras.Model(x, keras.layers.Dense(1)(keras.layers.Dense(8, activation="relu")(x)))
    >>> model.compile("sgd", "mse")
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     record = record_gradients(f"{folder}/run.jsonl", every=2, share=1.0)
    ...     _ = model.fit(numpy.ones((8, 4)), numpy.ones((8, 1)), batch_size=2, verbose=0, callbacks=[record])
    ...     [step for step, _, _ in read_run(f"{folder}/run.jsonl").records]
    [0, 2, 4]
    """
    if every < 1:
        raise UsageError(f"records are taken every so many steps, at least 1, got {every}")
    if not 0 < share <= 1:
        raise UsageError(f"share of the training time must be above 0 and at most 1, got {share}")
    if module is not None:
        from archlab.analysis.measured._module_record import GradientRecord

        if tensorboard is not None:
            raise UsageError("TensorBoard's scalars are written of Keras models alone: leave tensorboard out")
        shape = None if input is None else tuple(input)
        return GradientRecord(path, module, (x, y, batch), every, share, loss, training, shape)
    if tensorboard is not None and find_spec("tensorboard") is None:
        raise MissingPartError("TensorBoard's scalars need TensorBoard: pip install tensorboard")
    from archlab.analysis.measured._callback import GradientFlowCallback  # its base class is Keras's

    return GradientFlowCallback(path, (x, y, batch), every, share, loss, training, tensorboard)
