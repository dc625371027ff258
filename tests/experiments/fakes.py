"""Trials that take no time, and leave what real ones leave; in a module of their own, for Ray's workers to import."""

from __future__ import annotations

import json
import os
import signal
import time
from pathlib import Path
from typing import Any

import numpy as np

from archlab.errors import DataError
from archlab.experiments import Checks, TrialSpec

IMAGES = 400
RIGHT = {"good": 0.9, "fair": 0.7}

ANYTHING = Checks(
    architecture=lambda reference, shape: None, recipe=lambda base, settings: None, data=lambda data: None
)
"""For plans whose architectures are the names that the trials below act on."""


def trial(spec: TrialSpec, folder: Path) -> dict[str, Any]:
    """Does what its architecture is called, once."""
    folder.mkdir(parents=True, exist_ok=True)
    begun = folder.parent / f"{folder.name}.begun"
    times = len(begun.read_text()) if begun.exists() else 0
    begun.write_text("." * (times + 1))
    (folder / "run.json").write_text("{}")
    if spec.reference == "refuses":
        raise DataError("the images\nare gone")
    if spec.reference == "breaks":
        raise ZeroDivisionError("division by zero")
    if spec.reference == "leaves":
        raise SystemExit(3)
    if spec.reference == "forgets":
        return {}
    if spec.reference == "killed" or (spec.reference == "killed once" and not times):
        os.kill(os.getpid(), signal.SIGKILL)
    if spec.reference == "slow" and not times:
        time.sleep(8)
    write(folder, spec)
    return {}


def write(folder: Path, spec: TrialSpec) -> None:
    """Predictions as good as the architecture's name says, and a summary last."""
    share = RIGHT.get(spec.reference, 0.8) + 0.005 * (spec.seed % 3 - 1)
    correct = np.random.default_rng(spec.seed).permutation(IMAGES) < share * IMAGES
    rows = [f"image{number}.jpg,1,{0.9 if right else 0.1}" for number, right in enumerate(correct)]
    (folder / "predictions.csv").write_text("name,label,probability\n" + "\n".join(rows) + "\n")
    summary = {
        "reference": spec.reference,
        "recipe": spec.base,
        "seed": spec.seed,
        "epochs": 3,
        "best_epoch": 2,
        "validation_accuracy": 0.75,
        "test_accuracy": float(correct.mean()),
        "test_photos": IMAGES,
        "seconds": 61.0,
        "images_per_second": 123.4,
        "params": 1000,
        "data": "photos",
        "synthetic": False,
        "fingerprint": "f" * 64,
        "where": os.getpid(),
    }
    beside = folder / ".new.summary.json"
    beside.write_text(json.dumps(summary))
    os.replace(beside, folder / "summary.json")
