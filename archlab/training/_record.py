"""The contents of a run's files: the only module that knows the keys of `run.json`, `history.jsonl` and the state."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

from archlab.errors import SourceError
from archlab.files import KEY, keyed, read_record
from archlab.text import shown

SCHEMA = 1
MOST_SEED = 2**32 - 1
"""The largest seed that NumPy takes."""


@dataclass(frozen=True)
class EpochRecord:
    """One finished epoch: a line of `history.jsonl`.

    Attributes:
        epoch: counted from 1.
        loss: the mean training loss.
        accuracy: the training accuracy, a share.
        val_loss: the validation loss; None in an epoch without a validation, or where it is not finite.
        val_accuracy: the validation accuracy, a share; None in an epoch without a validation.
        learning_rate: at the end of the epoch.
        size: (height, width) of the training images, px.
        seconds: time of training alone, s.
        images_per_second: training images per second of training.
        elapsed: time since the run began, s: training, validation and writing of all epochs so far.
    """

    epoch: int
    loss: float | None
    accuracy: float
    learning_rate: float
    size: tuple[int, int]
    seconds: float
    images_per_second: float
    elapsed: float
    val_loss: float | None = None
    val_accuracy: float | None = None

    @classmethod
    def from_dict(cls, data: object, where: str | Path) -> EpochRecord:
        """The record in plain data.

        Raises:
            SourceError: a key is missing or unknown, or its value is of another type; names `where`, the file.

        >>> EpochRecord.from_dict({"epoch": 1}, "history.jsonl:1")
        Traceback (most recent call last):
        ...
        archlab.errors.SourceError: history.jsonl:1: the key 'loss' is missing
        """
        return read_record(cls, data, where, strict=True)

    def to_dict(self) -> dict[str, Any]:
        """As plain data; an epoch without a validation has no keys for it."""
        absent = ("val_loss", "val_accuracy") if self.val_accuracy is None else ()
        data = {key: value for key, value in asdict(self).items() if key not in absent}
        return data | {"size": list(self.size)}


@dataclass(frozen=True)
class RunRecord:
    """The setup of a run: `run.json`, written before the first epoch.

    Attributes:
        reference: the architecture, as it was named.
        name: of the architecture.
        input: (height, width, channels).
        recipe: the recipe's name.
        settings: the recipe fields that were overridden, as text.
        seed: of the initialization, the order of the images and augmentation.
        data: the data set, as for `archlab.data.open_images`.
        data_title: its name in results.
        data_fingerprint: of the images of all splits.
        test_fingerprint: of the test images.
        synthetic: whether the images are synthetic.
        classes: in alphabetical order.
        images: the number of images in each split.
        skipped: name and reason of each skipped file.
        precision: 'float32' or 'bfloat16'.
        deterministic: whether TensorFlow used deterministic operations.
        mirrored: whether all GPUs of the machine were used.
        gradients: whether gradient flow was recorded.
        tensorboard: whether logs for TensorBoard were written.
        command: the command line; None from Python.
        versions: of archlab, TensorFlow, Keras and NumPy.
        python: its version.
        machine: the system and its number of processors.
        schema: of the file.
    """

    reference: str
    name: str
    input: tuple[int, int, int]
    recipe: str
    settings: Mapping[str, str]
    seed: int
    data: str
    data_title: str
    data_fingerprint: str
    test_fingerprint: str
    synthetic: bool
    classes: tuple[str, ...]
    images: Mapping[str, int] = field(metadata={KEY: "photos"})
    skipped: tuple[tuple[str, str], ...]
    precision: str
    deterministic: bool
    mirrored: bool
    gradients: bool
    tensorboard: bool
    command: tuple[str, ...] | None = None
    versions: Mapping[str, str] = field(default_factory=dict)
    python: str = ""
    machine: Mapping[str, Any] = field(default_factory=dict)
    schema: int = SCHEMA

    @classmethod
    def from_dict(cls, data: object, where: str | Path) -> RunRecord:
        """The record in plain data; a file without a schema is of schema 1.

        Raises:
            SourceError: a key is missing or unknown, its value is of another type, or the schema is a later one; names
                `where`, the file.
        """
        if isinstance(data, Mapping) and data.get("schema", SCHEMA) != SCHEMA:
            raise SourceError(
                f"{where}: schema {shown(data['schema'])} is not supported, only {SCHEMA}: update archlab"
            )
        found = read_record(cls, data, where, strict=True)
        if not 0 <= found.seed <= MOST_SEED:
            raise SourceError(f"{where}: seed {shown(found.seed)}: is not from 0 to {MOST_SEED:,}")
        return found

    def to_dict(self) -> dict[str, Any]:
        """As plain data."""
        return keyed(self, asdict(self))


@dataclass
class Progress:
    """The progress of a run.

    Attributes:
        epochs: the number of finished epochs.
        best_epoch: counted from 1; 0 before the first validation.
        best: the value that the recipe selects by; smaller is better.
        elapsed: total training time, s.
        history: a record of each finished epoch.
    """

    epochs: int = 0
    best_epoch: int = 0
    best: float = float("inf")
    elapsed: float = 0.0
    history: list[EpochRecord] = field(default_factory=list)

    @classmethod
    def from_dict(cls, data: object, where: str | Path) -> Progress:
        """The progress in plain data.

        Raises:
            SourceError: a key is missing or unknown, or its value is of another type; names `where`, the file.
        """
        return read_record(cls, data, where, strict=True)

    def to_dict(self) -> dict[str, Any]:
        """As plain data."""
        return {**vars(self), "history": [record.to_dict() for record in self.history]}
