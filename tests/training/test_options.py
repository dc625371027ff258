from __future__ import annotations

import json
import subprocess
import sys

import pytest

from archlab import read_run
from archlab.errors import MissingPartError

# Two logical devices of this processor stand in for two GPUs, before TensorFlow has made its own.
_MIRRORED = """
import sys
from archlab.bridge import load_keras
tf, keras = load_keras()
tf.config.set_logical_device_configuration(
    tf.config.list_physical_devices("CPU")[0], [tf.config.LogicalDeviceConfiguration()] * 2
)
real = tf.distribute.MirroredStrategy
tf.distribute.MirroredStrategy = lambda: real(["CPU:0", "CPU:1"])
from archlab.training import resume, train
settings = {"size": 24, "batch": 16, "average": 0.9, "optimizer": sys.argv[2]}
data = "shapes:train=32,validation=8,test=8,size=24"
class Stop(Exception): pass
def tell(step):
    if step.epoch == 2:
        raise Stop
try:
    options = {"settings": settings, "mirrored": True, "on_step": tell}
    train("residual:depth=4,width=8", data=data, epochs=2, run=sys.argv[1], **options)
except Stop:
    pass
assert resume(sys.argv[1]).finished
"""


@pytest.mark.slow
@pytest.mark.parametrize("optimizer", [pytest.param("rmsprop", marks=pytest.mark.exhaustive), "muon"])
def test_training_on_several_devices_at_once(tmp_path, optimizer: str) -> None:
    command = [sys.executable, "-c", _MIRRORED, str(tmp_path / "run"), optimizer]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr[-2000:]
    summary = json.loads((tmp_path / "run" / "summary.json").read_text())
    assert summary["epochs"] == 2 and 0 <= summary["test_accuracy"] <= 1


def test_recording_gradients_and_for_tensorboard(small, tmp_path) -> None:
    pytest.importorskip("tensorboard")
    found = small(tmp_path / "run", gradients=True, tensorboard=True)
    assert read_run(found.folder / "gradients.jsonl").records
    assert list((found.folder / "tensorboard" / "train").glob("events*"))


def test_tensorboard_that_is_not_there(small, tmp_path, monkeypatch) -> None:
    monkeypatch.setitem(sys.modules, "tensorboard", None)
    with pytest.raises(MissingPartError, match="--tensorboard needs TensorBoard: pip install tensorboard"):
        small(tmp_path / "run", tensorboard=True)
    assert not (tmp_path / "run").exists()
