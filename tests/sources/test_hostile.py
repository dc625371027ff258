"""Hostile `.keras` files on the command line: one line, exit code 2, soon, in little memory, and none of their code."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from tests import hostile

MOST_MEMORY = 10**9
MOST_SECONDS = 60
"""For one file, TensorFlow's own start included: generous, for a machine that does other things too."""

# What the command line does, file by file, with what each took. VmHWM is of this process alone, where the usage that a
# parent is told of includes what the parent itself held before the child began.
CHILD = """
import contextlib, io, json, sys, time
from archlab_cli.main import run
for path in json.loads(sys.argv[1]):
    out, err = io.StringIO(), io.StringIO()
    start = time.perf_counter()
    with contextlib.redirect_stdout(out), contextlib.redirect_stderr(err):
        code = run(["show", path])
    seconds = time.perf_counter() - start
    peak = next(int(line.split()[1]) * 1024 for line in open("/proc/self/status") if line.startswith("VmHWM"))
    heavy = "tensorflow" in sys.modules
    print(json.dumps({"code": code, "out": out.getvalue(), "err": err.getvalue(), "seconds": seconds, "peak": peak,
                      "heavy": heavy}), flush=True)
"""

pytestmark = pytest.mark.skipif(not Path("/proc/self/status").exists(), reason="memory is read from /proc")


def shown(makes: dict[str, hostile.Make], folder: Path) -> dict[str, dict[str, Any]]:
    """What `archlab show` says of each file, all of them in one process."""
    paths: list[str] = []
    for number, make in enumerate(makes.values()):
        (folder / str(number)).mkdir()
        path = folder / str(number) / "net.keras"
        make(path)
        paths.append(str(path))
    done = subprocess.run(
        [sys.executable, "-c", CHILD, json.dumps(paths)],
        capture_output=True, text=True, check=False, cwd=folder, timeout=MOST_SECONDS * max(2, len(paths) // 4),
    )  # fmt: skip
    assert done.returncode == 0, done.stderr[-2000:]
    assert done.stderr == ""
    assert not [
        path for path in folder.rglob("*") if path.name not in ("net.keras", path.parent.name) and path.is_file()
    ]
    found = [json.loads(line) for line in done.stdout.splitlines()]
    for path, result in zip(paths, found, strict=True):
        result["path"] = path
    return dict(zip(makes, found, strict=True))


def check_refused(name: str, result: dict[str, Any]) -> None:
    says = hostile.REFUSED[name][1]
    assert (result["code"], result["out"]) == (2, ""), name
    assert result["err"].startswith(f"archlab: {result['path']}") and result["err"].count("\n") == 1, name
    assert says in result["err"], (name, result["err"])
    assert len(result["err"]) < 700, name
    check_cost(name, result)


def check_cost(name: str, result: dict[str, Any]) -> None:
    assert result["peak"] < MOST_MEMORY, name
    assert result["seconds"] < MOST_SECONDS, name


def needs_keras(name: str) -> bool:
    """Whether only Keras itself can tell what is wrong."""
    return "cannot be loaded" in hostile.REFUSED[name][1] or name in (
        "builtins.eval as an activation",
        "a layer as the model",
    )


BEFORE_KERAS = {name: make for name, (make, _) in hostile.REFUSED.items() if not needs_keras(name)}
BY_KERAS = {name: make for name, (make, _) in hostile.REFUSED.items() if needs_keras(name)}


def test_hostile_files_are_refused_before_tensorflow_is_loaded(tmp_path: Path) -> None:
    for name, result in shown(BEFORE_KERAS, tmp_path).items():
        check_refused(name, result)
        assert not result["heavy"], name
        # A config at its bound, unpacked and parsed, and no more.
        assert result["peak"] < 300 * 2**20, name


def test_what_keras_refuses_is_one_line_too(tmp_path: Path) -> None:
    for name, result in shown(BY_KERAS, tmp_path).items():
        check_refused(name, result)


def test_what_no_machine_could_hold_is_analysed_without_being_built(tmp_path: Path) -> None:
    found = shown(hostile.ANALYSED, tmp_path)
    for name, result in found.items():
        assert (result["code"], result["err"]) == (0, ""), (name, result["err"])
        check_cost(name, result)
    # 3 · 10¹² weights and as many biases as units.
    assert "4,000,000,000,000" in found["a trillion units"]["out"]


@pytest.mark.exhaustive
@pytest.mark.parametrize("name", [*hostile.REFUSED, *hostile.ANALYSED])
def test_each_hostile_file_in_a_process_of_its_own(name: str, tmp_path: Path) -> None:
    if name in hostile.REFUSED:
        check_refused(name, shown({name: hostile.REFUSED[name][0]}, tmp_path)[name])
    else:
        result = shown({name: hostile.ANALYSED[name]}, tmp_path)[name]
        assert (result["code"], result["err"]) == (0, "")
        check_cost(name, result)


def test_memory_that_is_taken_is_seen() -> None:
    script = CHILD.replace("code = run", "code = len(b'x' * 400_000_000); _ = run").replace("show", "list")
    done = subprocess.run([sys.executable, "-c", script, '["x"]'], capture_output=True, text=True, check=True)
    assert json.loads(done.stdout)["peak"] > 400_000_000
