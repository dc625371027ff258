"""What can go wrong while a net is trained: no finished epoch is lost, and nothing half-written predicted whole."""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
import sys
import time
from contextlib import contextmanager
from pathlib import Path

import numpy as np
import pytest

from archlab.data import open_images
from archlab.errors import DataError, OutputError, SourceError, UsageError
from archlab.training import _average, _callback, evaluate, open_run, resume, train
from archlab.training._fit import build_model, load_architecture
from archlab.training._run import new_folder

RUN = ("residual:depth=4,width=8", "--data", "shapes:train=64,validation=16,test=16,size=32", "--epochs", "4")
HOW = ("--set", "size=32", "--set", "batch=8", "--set", "average=0.9", "--seed", "2", "--deterministic")

# A child that kills itself, as nothing else can be sure to hit the moment, where the file is whole under its temporary
# name and has not replaced the old one, or has been written to the middle.
_DIES = """
import os, signal, sys
from archlab.files import _write
from archlab.training import _state
from archlab_cli.main import main
name, count, where = sys.argv[1], int(sys.argv[2]), sys.argv[3]
seen = 0
def die():
    os.kill(os.getpid(), signal.SIGKILL)
def counted(path):
    global seen
    seen += path.name.endswith(name)
    return path.name.endswith(name) and seen == count
real = _write.write_whole
def write_whole(path, write):
    if not counted(path):
        return real(path, write)
    def half(beside):
        write(beside)
        if where == "middle":
            beside.write_bytes(beside.read_bytes()[:1000])
        die()
    return real(path, half)
# Texts and lines are written through the first, weights and states through the second.
_write.write_whole = _state.write_whole = write_whole
main(sys.argv[4:])
"""


def _archlab(*arguments: str | Path, **options) -> subprocess.Popen:
    command = [sys.executable, "-m", "archlab_cli", *map(str, arguments)]
    return subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, **options)


def _states(folder: Path) -> dict[str, np.ndarray]:
    with np.load(folder / "state.npz") as found:
        return {name: found[name] for name in found.files if name != "progress"}


def _assert_as_if_nothing_had_happened(folder: Path, whole: Path) -> None:
    one, two = _states(folder), _states(whole)
    assert one.keys() == two.keys()
    for name, value in one.items():
        np.testing.assert_array_equal(value, two[name])
    assert (folder / "predictions.csv").read_text() == (whole / "predictions.csv").read_text()
    assert evaluate(folder).accuracy == evaluate(whole).accuracy
    assert not list(folder.glob(".new.*"))


@pytest.fixture(scope="module")
def whole(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The run that nothing happens to."""
    folder = tmp_path_factory.mktemp("runs") / "whole"
    _, err = (process := _archlab("train", *RUN, *HOW, "--run", folder)).communicate()
    assert process.returncode == 0, err
    return folder


def _begun(folder: Path, epochs: int, process: subprocess.Popen) -> None:
    history = folder / "history.jsonl"
    while not history.is_file() or len(history.read_text().splitlines()) < epochs:
        assert process.poll() is None, process.communicate()[1]
        time.sleep(0.02)


@pytest.mark.slow
@pytest.mark.parametrize("epochs", [1, pytest.param(3, marks=pytest.mark.exhaustive)])
def test_killed_during_an_epoch(whole, tmp_path, epochs: int) -> None:
    folder = tmp_path / "killed"
    process = _archlab("train", *RUN, *HOW, "--run", folder)
    _begun(folder, epochs, process)
    process.send_signal(signal.SIGKILL)
    process.communicate()
    assert not (folder / "summary.json").exists()
    again = _archlab("train", "--resume", folder)
    out, err = again.communicate()
    assert again.returncode == 0 and "resuming from epoch" in err and "test accuracy" in out
    _assert_as_if_nothing_had_happened(folder, whole)


@pytest.mark.slow
@pytest.mark.parametrize(
    ("name", "count", "where"),
    [
        ("state.npz", 3, "middle"),
        pytest.param("state.npz", 1, "end", marks=pytest.mark.exhaustive),
        ("epoch-1.weights.h5", 1, "middle"),
        pytest.param("history.jsonl", 3, "end", marks=pytest.mark.exhaustive),
    ],
)
def test_killed_while_a_file_is_being_written(whole, tmp_path, name: str, count: int, where: str) -> None:
    folder = tmp_path / "killed"
    command = [sys.executable, "-c", _DIES, name, str(count), where, "train", *RUN, *HOW, "--run", str(folder)]
    assert subprocess.run(command, capture_output=True, check=False).returncode == -signal.SIGKILL
    assert list(folder.glob(".new.*")) and not (folder / "summary.json").exists()
    done = subprocess.run(
        [sys.executable, "-m", "archlab_cli", "train", "--resume", str(folder)],
        capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    _assert_as_if_nothing_had_happened(folder, whole)


# A child that is interrupted, as by Ctrl-C, in the middle of its second epoch.
_IS_STOPPED = """
import os, signal, sys
from archlab.training._callback import RunCallback
from archlab_cli.main import main
real = RunCallback.on_train_batch_end
def on_train_batch_end(self, batch, logs=None):
    if (self._epoch, batch) == (1, 3):
        os.kill(os.getpid(), signal.SIGINT)
    real(self, batch, logs)
RunCallback.on_train_batch_end = on_train_batch_end
# A shell keeps interrupts from what it runs in the background, and the tests may be run there.
signal.signal(signal.SIGINT, signal.default_int_handler)
main(sys.argv[1:])
"""


@pytest.mark.slow
def test_ctrl_c_leaves_one_line_that_says_how_to_go_on(whole, tmp_path) -> None:
    folder = tmp_path / "stopped"
    command = [sys.executable, "-c", _IS_STOPPED, "train", *RUN, *HOW, "--run", str(folder)]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 130 and not done.stdout and "Traceback" not in done.stderr
    expected = f"archlab: interrupted after epoch 1 of 4: resume with archlab train --resume {folder}"
    assert done.stderr.splitlines()[-1] == expected
    again = subprocess.run([sys.executable, "-m", "archlab_cli", "train", "--resume", str(folder)], check=False)
    assert again.returncode == 0
    _assert_as_if_nothing_had_happened(folder, whole)


@pytest.mark.slow
@pytest.mark.skipif(not hasattr(signal, "SIGXFSZ"), reason="no limit on the size of files here")
def test_no_room_for_a_file(tmp_path) -> None:
    """A limit on the size of files, which the system enforces as it does a full disk: a write that fails half-way."""
    import resource

    folder = tmp_path / "full"

    def limit() -> None:
        resource.setrlimit(resource.RLIMIT_FSIZE, (20_000, 20_000))

    process = _archlab("train", *RUN, *HOW, "--run", folder, preexec_fn=limit)
    out, err = process.communicate()
    assert process.returncode == 2 and not out and "Traceback" not in err
    assert err.splitlines()[-1].startswith(f"archlab: {folder}") and "cannot be written" in err
    assert not list(folder.glob(".new.*")) and not (folder / "best.weights.h5").exists()


@contextmanager
def _disk(folder: Path, kibibytes: int):
    folder.mkdir()
    mounted = ["mount", "-t", "tmpfs", "-o", f"size={kibibytes}k", "none", str(folder)]
    try:
        done = subprocess.run(mounted, capture_output=True, check=False)
    except FileNotFoundError:
        pytest.skip("no mount here")
    if done.returncode:
        pytest.skip("a file system of a few KiB cannot be made here")
    try:
        yield
    finally:
        subprocess.run(["umount", str(folder)], check=True)


@pytest.mark.slow
@pytest.mark.parametrize(
    ("kibibytes", "more"),
    [
        (20, ()),
        pytest.param(84, (), marks=pytest.mark.exhaustive),
        pytest.param(16, ("--gradients",), marks=pytest.mark.exhaustive),
        (20, ("--tensorboard",)),
    ],
)
def test_a_full_disk_is_one_line_and_loses_nothing(whole, tmp_path, kibibytes: int, more: tuple[str, ...]) -> None:
    disk = tmp_path / "disk"
    with _disk(disk, kibibytes):
        process = _archlab("train", *RUN, *HOW, "--run", disk / "run", *more)
        _, errors = process.communicate()
        last = errors.splitlines()[-1]
        assert process.returncode == 2 and str(disk) in last and "no space left on device" in last, errors
        assert "Traceback" not in errors
        subprocess.run(["mount", "-o", "remount,size=64m", str(disk)], check=True)
        again = _archlab("train", "--resume", disk / "run")
        assert again.communicate() and again.returncode == 0
        _assert_as_if_nothing_had_happened(disk / "run", whole)


@pytest.mark.slow
@pytest.mark.parametrize(
    ("name", "harm", "said"),
    [
        ("best.weights.h5", Path.unlink, "is missing: they are the weights of epoch"),
        ("state.npz", lambda path: (path.unlink(), path.mkdir()), "is no file"),
    ],
)
def test_a_checkpoint_that_is_not_whole_is_not_gone_on_from(whole, tmp_path, name: str, harm, said: str) -> None:
    folder = tmp_path / "run"
    shutil.copytree(whole, folder)
    (folder / "summary.json").unlink()
    harm(folder / name)
    before = sorted(path.name for path in folder.iterdir())
    with pytest.raises(SourceError, match=said):
        resume(folder)
    assert sorted(path.name for path in folder.iterdir()) == before


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_a_signal_that_ends_a_command_leaves_nothing_behind(tmp_path, number: signal.Signals) -> None:
    """Temporary folders go, whatever stopped it."""
    program = (
        "import os, signal, sys, tempfile\n"
        "from archlab_cli import main as cli\n"
        "def run(arguments):\n"
        "    with tempfile.TemporaryDirectory(prefix='archlab-'):\n"
        f"        os.kill(os.getpid(), {int(number)})\n"
        "        signal.pause()\n"
        "cli.app = lambda *_, **__: run([])\n"
        f"signal.signal(signal.SIGINT, signal.default_int_handler)\n"
        "cli.main([])\n"
    )
    environment = os.environ | {"TMPDIR": str(tmp_path)}
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=False, env=environment)
    assert (done.returncode, done.stderr) == (128 + number, "archlab: stopped\n")
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize("module", ["click", "archlab.errors", "archlab_cli.commands"])
def test_an_interrupt_while_modules_are_loaded_is_one_line(module: str) -> None:
    program = (
        "import sys\n"
        "class Finder:\n"
        "    def find_spec(self, name, path=None, target=None):\n"
        f"        if name == {module!r}:\n"
        "            raise KeyboardInterrupt\n"
        "sys.meta_path.insert(0, Finder())\n"
        "from archlab_cli.start import main\n"
        "main()\n"
    )
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=False)
    assert (done.returncode, done.stderr) == (130, "archlab: stopped\n")


@pytest.mark.parametrize(("fails", "best"), [("save_state", 1), ("promote_weights", 2)])
def test_the_best_weights_are_those_of_the_epoch_that_is_said_to_be_best(
    small, tmp_path, monkeypatch, fails: str, best: int
) -> None:
    """A run that ends between two files: what is not in the state has not happened, what is in it has."""
    real, seen = getattr(_callback, fails), []

    def dies(*arguments) -> None:
        seen.append(arguments)
        if len(seen) == 2:
            raise KeyboardInterrupt
        real(*arguments)

    validated = {}

    def in_place(self):
        with real_in_place(self):
            validated[len(validated) + 1] = [weight.numpy() for weight in self.model.weights]
            yield

    real_in_place = _average.Average.in_place
    monkeypatch.setattr(_average.Average, "in_place", contextmanager(in_place))
    monkeypatch.setattr(_callback, fails, dies)
    with pytest.raises(KeyboardInterrupt):
        small(tmp_path / "run", settings={"select": "last"})
    monkeypatch.setattr(_callback.RunCallback, "on_train_begin", _stop, raising=False)
    with pytest.raises(KeyboardInterrupt):
        resume(tmp_path / "run")
    run = open_run(tmp_path / "run")
    assert len(run.history) == best and not list(run.folder.glob("epoch-*"))
    model = build_model(load_architecture(run), run.recipe, (32, 32, 3), "float32", 0)
    model.load_weights(run.folder / "best.weights.h5")
    for weight, value in zip(model.weights, validated[best], strict=True):
        np.testing.assert_array_equal(weight, value)


def _stop(self, logs=None) -> None:
    raise KeyboardInterrupt


def test_a_full_disk_in_a_later_epoch_keeps_the_earlier_ones(small, tmp_path, monkeypatch) -> None:
    real, seen = np.savez, []

    def savez(file, **values) -> None:
        seen.append(file)
        if len(seen) == 2:
            file.write(b"half of it")
            raise OSError(28, "No space left on device")
        real(file, **values)

    monkeypatch.setattr(np, "savez", savez)
    with pytest.raises(OutputError, match=r"state.npz: cannot be written, no space left on device"):
        small(tmp_path / "run", deterministic=True)
    run = open_run(tmp_path / "run")
    assert len(run.history) == 1 and not list(run.folder.glob(".new.*"))
    assert resume(run.folder).finished and len(run.history) == 3


def _images(folder: Path) -> Path:
    """A folder of images that are synthetic images."""
    from archlab.bridge import load_keras

    _, keras = load_keras()
    drawn = open_images("shapes:train=16,validation=8,test=8,size=24", (24, 24))
    for split in ("train", "validation", "test"):
        images = getattr(drawn, split)
        for number, (pixels, label) in enumerate(zip(images.pixels, images.labels, strict=True)):
            file = folder / split / drawn.classes[label] / f"{number}.png"
            file.parent.mkdir(parents=True, exist_ok=True)
            keras.utils.save_img(file, pixels, scale=False)
    return folder


def test_images_that_break_and_vanish_during_training(tmp_path) -> None:
    """They have been decoded by then: the run ends as it would have; only going on needs them again."""
    data = _images(tmp_path / "data")
    whole = train("residual:depth=4,width=8", data=data, epochs=3, input=(24, 24), run=tmp_path / "whole")

    def spoil(step) -> None:
        if step.record and step.epoch == 1:
            next(data.glob("train/cats/*.png")).write_bytes(b"not an image any more")
        if step.record and step.epoch == 2:
            shutil.rmtree(data)

    spoiled = train(
        "residual:depth=4,width=8", data=data, epochs=3, input=(24, 24), run=tmp_path / "spoiled", on_step=spoil
    )
    assert not data.exists() and spoiled.finished
    assert [r.val_loss for r in spoiled.history] == pytest.approx([r.val_loss for r in whole.history], rel=1e-3)
    (spoiled.folder / "summary.json").unlink()
    with pytest.raises(DataError, match="data: there is no such folder"):
        resume(spoiled.folder)


def test_a_corrupt_image_is_left_out_and_named(tmp_path) -> None:
    data = _images(tmp_path / "data")
    bad = sorted(data.glob("train/cats/*.png"))[3]
    bad.write_bytes(bad.read_bytes()[:60])
    run = train("residual:depth=4,width=8", data=data, epochs=1, input=(24, 24), run=tmp_path / "run")
    assert run.record.images["train"] == 15
    assert [name for name, _ in run.record.skipped] == [bad.relative_to(data).as_posix()]


def test_a_run_killed_before_its_record_does_not_keep_its_folder(tmp_path) -> None:
    folder = tmp_path / "killed"
    folder.mkdir()
    for name in (".lock", "architecture.yaml", ".new.1234abcd.run.json"):
        (folder / name).write_text("half of")
    assert new_folder(folder, "unused") == folder
    (folder / "thesis.tex").write_text("somebody's")
    with pytest.raises(UsageError, match="the folder is not empty"):
        new_folder(folder, "unused")
    (folder / "thesis.tex").unlink()
    (folder / ".lock").unlink()
    with pytest.raises(UsageError, match="the folder is not empty"):
        new_folder(folder, "unused")
