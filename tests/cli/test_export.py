from __future__ import annotations

import json
import subprocess
import sys
import time
from pathlib import Path

import pytest


def test_yaml_goes_back_into_every_command(archlab, tmp_path: Path) -> None:
    file = tmp_path / "net.yaml"
    assert archlab("export", "residual", "-o", file).err == f"written to {file}\n"
    printed = archlab("export", "residual")
    assert printed.code == 0 and printed.out == file.read_text()
    shown, again = (archlab("show", reference, "--format", "csv").out for reference in ("residual", file))
    assert shown == again
    assert archlab("export", file).out == printed.out


@pytest.mark.filterwarnings("ignore::DeprecationWarning")  # Keras's own use of NumPy, when it saves
def test_python_and_keras_by_the_suffix(archlab, tmp_path: Path) -> None:
    code, model = tmp_path / "net.py", tmp_path / "net.keras"
    assert archlab("export", "residual", "-o", code).code == 0
    assert archlab("export", "residual", "-o", model).code == 0
    totals = {
        json.loads(archlab("show", reference, "--format", "json").out)["params"]["total"]
        for reference in ("residual", model, f"{code}:model")
    }
    assert totals == {721_857}
    assert [path.name for path in sorted(tmp_path.iterdir()) if path.is_file()] == ["net.keras", "net.py"]


def test_another_input(archlab) -> None:
    assert "Input: [96, 64, 3]" in archlab("export", "residual", "--input", "96x64").out
    assert "shape=(96, 64, 3)" in archlab("export", "residual", "--input", "96x64", "--format", "python").out


def test_the_schema(archlab) -> None:
    assert json.loads(archlab("export", "schema").out)["$defs"]["Conv"]["description"].startswith("A convolution")


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["residul"], "no architecture named 'residul': did you mean residual?"),
        (["residual", "--format", "yml"], "--format yml: did you mean yaml?"),
        (["residual", "--format", "keras"], "--format keras writes a file: name it, as in --output model.keras"),
        (["schema", "--format", "yaml"], "the schema is JSON and of no size: leave out --format and --input"),
        (["keras:MobileNetV3Small"],
         "keras:MobileNetV3Small is a graph of layers, and YAML holds a tree of parts: export it as python"),
    ],
)  # fmt: skip
def test_wrong_usage(archlab, arguments: list[str], message: str) -> None:
    outcome = archlab("export", *arguments)
    assert (outcome.code, outcome.out, outcome.err) == (2, "", f"archlab: {message}\n")


def test_a_design_that_does_not_add_up_writes_nothing(archlab, tmp_path: Path) -> None:
    file = tmp_path / "net.yaml"
    file.write_text("[{Input: [4, 4, 3]}, {Conv: {kernel: 5, filters: 3, padding: valid}}]")
    outcome = archlab("export", file, "-o", tmp_path / "net.py")
    assert outcome.code == 2 and f"{file}:1: conv: " in outcome.err
    assert not (tmp_path / "net.py").exists()


HOSTILE = {
    "tag": "- !!python/object/apply:os.system ['touch ran']\n",
    "laughs": "".join(
        f"a{level}: &a{level} [{', '.join([f'*a{level - 1}'] * 10) if level else 'ReLU'}]\n" for level in range(12)
    ),
    "laughing blocks": "blocks:\n"
    + "".join(f"  b{n}: [{', '.join([f'b{n - 1}'] * 10) if n else 'ReLU'}]\n" for n in range(12))
    + "architecture: b11\n",
    "laughing list": "".join(
        f"- &a{level} [{', '.join([f'*a{level - 1}'] * 10) if level else 'ReLU'}]\n" for level in range(12)
    ),
    "deep": "[" * 100_000,
    "deep mapping": "{Block: " * 50_000,
    "long key": "? " * 100_000,
    "large": "- ReLU\n" * (100 * 2**20 // 7),
    "just small enough": "[" + "ReLU, " * (2**20 // 6 - 1) + "]",
    "a number of a million digits": f"- Conv: {'9' * 1_000_000}\n",
    "repeats": "Repeat: {times: 1000000, part: {Repeat: {times: 1000000, part: ReLU}}}",
}


@pytest.mark.parametrize("name", HOSTILE)
def test_hostile_files_are_refused_in_a_line(process, tmp_path: Path, name: str) -> None:
    file = tmp_path / "net.yaml"
    file.write_text(HOSTILE[name])
    command = [sys.executable, "-m", "archlab_cli", "show", str(file)]
    # A child of its own, so that the memory is this one's alone.
    measured = (
        "import resource, subprocess, sys; done = subprocess.run(sys.argv[1:], capture_output=True, text=True);"
        "print(resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss, done.returncode, done.stderr, sep='\\n')"
    )
    start = time.perf_counter()
    done = subprocess.run([sys.executable, "-c", measured, *command], capture_output=True, text=True, cwd=tmp_path)
    seconds = time.perf_counter() - start
    kibibytes, code, message, *rest = done.stdout.split("\n")
    assert code == "2", done.stdout
    assert message.startswith("archlab: ") and not "".join(rest)
    assert len(message) < 300
    assert int(kibibytes) < 2**20, "1 GiB"
    # A loop that explodes takes hours: this is no measure of speed.
    assert seconds < 60
    assert not (tmp_path / "ran").exists()
