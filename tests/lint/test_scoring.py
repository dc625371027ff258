"""The score on a corpus of faulty networks counts as the corpus does: shown on one of two cases."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.benchmarks import faulty

pytestmark = pytest.mark.filterwarnings("ignore::DeprecationWarning")  # Keras's own use of NumPy
CORPUS = """
from typing import NamedTuple
import keras

class Kind(NamedTuple):
    seen: str
    grade: str

class Fault(NamedTuple):
    kind: str
    disputed: bool

KINDS = {"softmax-one-unit": Kind("architecture", "fault"), "wrong-metric": Kind("compile", "waste"),
         "no-pooling": Kind("architecture", "taste"), "labels-scaled": Kind("task", "fault")}

class Case(NamedTuple):
    id: str
    faults: tuple
    build: object
    build_fixed: object = None
    left: tuple = ()
    labels: tuple = ("classes", 4, "")
    inputs: str = "0 to 1"

    @property
    def kinds(self):
        return frozenset(fault.kind for fault in self.faults if not fault.disputed)

def net(units, activation, metrics=()):
    model = keras.Sequential([keras.Input((8,)), keras.layers.Dense(units, activation)])
    model.compile("adam", "mse", metrics=list(metrics))
    return model

CASES = [
    Case("one", (Fault("softmax-one-unit", False), Fault("no-pooling", False), Fault("wrong-metric", True)),
         lambda: net(1, "softmax"), lambda: net(1, None, ["accuracy"])),
    Case("two", (Fault("wrong-metric", False), Fault("labels-scaled", False)),
         lambda: net(1, None), lambda: net(1, None, ["accuracy"])),
]
"""


def test_what_is_owed_and_what_is_a_false_alarm(tmp_path: Path) -> None:
    (tmp_path / "faulty_models.py").write_text(CORPUS)
    module = faulty.corpus(tmp_path)
    rows = [row for case in module.CASES for row in faulty.scored(case, module.KINDS, False)]
    # Taste is not owed, nor what takes the labels; the metric that is disputed is neither owed nor a false alarm.
    assert [(row["case"], row["kind"], row["found"]) for row in rows] == [
        ("one", "softmax-one-unit", ["H101"]),
        ("two", "wrong-metric", []),
    ]
    alarms = [alarm for case in module.CASES for alarm in faulty.false_alarms(case, False)]
    assert [(alarm["case"], alarm["code"]) for alarm in alarms] == [("two", "H108")]
    assert faulty.task_of(module.CASES[0]) == "classes:4" and faulty.range_of(module.CASES[0]) == (0.0, 1.0)
    assert faulty.corpus(tmp_path / "nothing") is None
