"""Modules and files of one's own, by name and with arguments."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from archlab import load
from archlab.errors import UnknownNameError


def test_a_module_of_a_single_name(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "somebodys_nets.py").write_text(
        "from archlab import Conv, Input\n"
        "def net(widths=(4,), size=None):\n"
        "    tree = Input(*(size or [8, 8]), 3)\n"
        "    for width in widths:\n"
        "        tree = tree >> Conv(width)\n"
        "    return tree\n"
    )
    monkeypatch.chdir(tmp_path)
    assert len(load("somebodys_nets:net").graph) == 2
    assert len(load("somebodys_nets:net:widths=[4,8],size=None").graph) == 3
    assert load("somebodys_nets:net:widths=(2,),size=[6,7]").graph.nodes[0].shape == (6, 7, 3)
    with pytest.raises(UnknownNameError, match="no architecture named 'plane'"):
        load("plane:net")


def test_modules_that_register_layers_are_imported_first(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    from archlab_cli.main import run

    monkeypatch.chdir(tmp_path)
    (tmp_path / "registers_layers.py").write_text(
        "import keras\n"
        "@keras.saving.register_keras_serializable('registers_layers')\n"
        "class Mine(keras.layers.Layer):\n"
        "    def call(self, x):\n"
        "        return keras.ops.relu(x)\n"
    )
    script = (
        "import keras, registers_layers as r\n"
        "x = keras.Input((8, 8, 3))\n"
        "keras.Model(x, r.Mine(name='mine')(x)).save('net.keras')\n"
    )
    subprocess.run([sys.executable, "-c", script], check=True, capture_output=True, cwd=tmp_path)
    assert run(["show", "net.keras"]) == 2
    assert run(["--import", "registers_layers", "show", "net.keras"]) == 0
    assert run(["--import", "nothing_of_that_name", "list"]) == 2
