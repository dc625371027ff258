"""Wrong usage: one clear line on standard error, exit code 2, nothing on standard output, nothing written."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["compar", "x"], "no command 'compar': did you mean compare?"),
        (["compare"], "Missing argument 'REFERENCES...'."),
        (["compare", "residul"], "no architecture named 'residul': did you mean residual?"),
        (["compare", "baseline", "plain:dept=50"], "plain has no argument 'dept': did you mean depth?"),
        (["compare", "baseline", "--input", "0x0"], "--input 0x0: every size must be at least 1, as in 96x96x3"),
        (["compare", "baseline", "--input", "big"], "--input big: write sizes such as 96x96 or 96x96x3"),
        (["compare", "baseline", "--input", "4x4", "--static"],
         "baseline: conv_2: kernel 3 does not fit into (1, 1, 32): with padding='valid' no side may be smaller than 3"),
        (["compare", "baseline", "--input", "96x96x3x3", "--static"],
         "an input of 3 axes cannot become 96×96×3×3, which has 4"),
        (["compare", "baseline", "--seeds", "0"], "--seeds 0: at least 1 is needed"),
        (["compare", "baseline", "--seeds", "x"], "Invalid value for '--seeds': 'x' is not a valid integer."),
        (["compare", "baseline", "--format", "jsn"], "--format jsn: did you mean json?"),
        (["compare", "baseline", "--sort", "parms"], "--sort parms: did you mean params or layers?"),
        (["compare", "baseline", "--static", "--sort", "slope"],
         "--sort slope: the slope is measured, which --static leaves out"),
        (["compare", "baseline", "--fail-on", "vanish"], "--fail-on vanish: did you mean vanishing?"),
        (["compare", "baseline", "--static", "--fail-on", "exploding"],
         "--fail-on exploding: gradients are measured, which --static leaves out"),
        (["compare", "baseline", "--data", "no/such"], "--data no/such: there is no such folder"),
        (["compare", "baseline", "--output", "no/such/file.json"],
         "--output no/such/file.json: there is no folder no/such"),
        (["show"], "Missing argument 'REFERENCE'."),
        (["show", "residual", "--by", "blok"], "--by blok: did you mean block?"),
        (["show", "plain:depth=51"],
         "plain: depth must be an even number of at least 4 (2 + 2 × blocks), got 51: try 50"),
        (["show", "residual", "--inptu", "96x96"], "show has no option --inptu: did you mean --input?"),
        (["show", "residual", "--level", "stage"],
         "show has no option --level: choose from --by, --share, --input, --allow-lambda, --format, --wide, --output, "
         "--quiet, --verbose, --help"),
        (["--vers"], "no option --vers: did you mean --version or --verbose?"),
        (["list", "extra"], "list: one argument too many: extra"),
        (["show", "plain", "depth=50", "width=8"],
         "depth=50 width=8: arguments follow the name and a colon: plain:depth=50,width=8"),
        (["compare", "plain", "depth=50", "--static"],
         "no architecture named 'depth=50': arguments follow the name and a colon: NAME:depth=50"),
        (["show", "plain", "residual"],
         "show takes one architecture, not 2: plain, residual; `archlab compare` takes several, `archlab diff` two"),
    ],
    ids=lambda value: " ".join(value) if isinstance(value, list) else "",
)  # fmt: skip
def test_wrong_usage_on_its_whole_text(archlab, arguments: list[str], message: str) -> None:
    assert archlab(*arguments) == (2, "", f"archlab: {message}\n")


TEXT = ".md, .markdown, .tex, .json, .csv, .txt, .html, .htm"


@pytest.mark.parametrize(
    ("arguments", "known"),
    [
        (["compare", "plain:depth=4", "--static", "-o", "x.pdf"], TEXT),
        (["show", "plain:depth=4", "-o", "a.png"], TEXT),
        (["diff", "plain:depth=4", "plain:depth=6", "-o", "d.jpg"],
         f"{TEXT}, .svg, .png, .pdf, .dot, .gv, .mmd, .mermaid"),
        (["export", "plain:depth=4", "-o", "x.onnx"], ".yaml, .yml, .py, .keras"),
        (["forecast", "plain:depth=4", "-f", "json", "-o", "f.SVG"], TEXT),
        (["lint", "plain:depth=4", "-o", "l.xlsx"], ".json, .sarif, .md"),
        (["check", "plain:depth=4", "--lint", "-o", "c.docx"], ".json, .md"),
        (["list", "-o", "list.pdf"], TEXT),
    ],
    ids=lambda value: value[0] if isinstance(value, list) else "",
)  # fmt: skip
def test_a_file_of_another_kind_is_not_written(
    archlab, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, arguments: list[str], known: str
) -> None:
    monkeypatch.chdir(tmp_path)
    file = arguments[-1]
    suffix = Path(file).suffix.lower()
    message = f"archlab: --output {file}: a '{suffix}' file cannot be written here: choose from {known}\n"
    assert archlab(*arguments) == (2, "", message)
    assert not list(tmp_path.iterdir())


def test_text_may_have_any_suffix_if_its_format_is_asked_for(archlab, tmp_path: Path) -> None:
    file = tmp_path / "list.2026"
    code, _, err = archlab("list", "-o", file)
    assert code == 2 and err.endswith(", or give --format\n")
    assert archlab("list", "-f", "csv", "-o", file)[0] == 0
    assert archlab("list", "-o", tmp_path / "list")[0] == 0
    assert (tmp_path / "list").read_text() != file.read_text() != ""


def test_an_output_that_cannot_be_written_is_refused_before_any_work(archlab, tmp_path: Path) -> None:
    assert archlab("compare", "baseline", "--output", tmp_path) == (
        2,
        "",
        f"archlab: --output {tmp_path}: is a folder, name a file in it, such as {tmp_path / 'comparison.json'}\n",
    )
    closed = tmp_path / "closed"
    closed.mkdir()
    closed.chmod(0o500)
    if os.access(closed, os.W_OK):
        pytest.skip("this user may write anywhere")
    code, out, err = archlab("compare", "baseline", "--static", "--output", closed / "a.json")
    assert (code, out) == (2, "")
    assert err == f"archlab: --output {closed / 'a.json'}: cannot be written, permission denied\n"


@pytest.mark.skipif(not os.path.exists("/dev/full"), reason="no /dev/full here")
def test_a_full_disk_loses_nothing_and_is_one_line(archlab, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    kept = tmp_path / "kept.json"
    kept.write_text("what was there before")

    def full(*_: object, **__: object) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(Path, "write_text", full)
    code, out, err = archlab("compare", "baseline", "--static", "--output", kept)
    assert (code, out) == (2, "")
    assert err == f"archlab: --output {kept}: cannot be written, no space left on device\n"
    assert kept.read_text() == "what was there before"
    assert list(tmp_path.iterdir()) == [kept]


def test_help_has_examples_and_every_command(archlab) -> None:
    code, out, _ = archlab("--help")
    assert code == 0
    for command in ("compare", "list", "show"):
        assert command in out
        code, own, _ = archlab(command, "--help")
        assert code == 0 and "Examples:" in own and f"archlab {command}" in own
    assert archlab().out == out


def test_the_version(archlab) -> None:
    from importlib.metadata import version

    assert archlab("--version") == (0, f"archlab {version('archlab')}\n", "")


def test_a_reader_that_has_had_enough_is_no_error(process) -> None:
    import subprocess
    import sys

    command = f"{sys.executable} -m archlab_cli show resnet152 | head -1"
    done = subprocess.run(["bash", "-c", command], capture_output=True, text=True, check=True)
    assert done.stderr == ""


def test_names_complete(process, monkeypatch: pytest.MonkeyPatch) -> None:
    import subprocess
    import sys

    environment = dict(os.environ, _ARCHLAB_COMPLETE="bash_complete", COMP_WORDS="archlab compare res", COMP_CWORD="2")
    done = subprocess.run(
        [sys.executable, "-m", "archlab_cli"], capture_output=True, text=True, env=environment, check=False
    )
    assert "plain,residual" in done.stdout
    assert "baseline" not in done.stdout


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="there is no device that is always full")
@pytest.mark.parametrize("command", [["list"], ["show", "baseline"], ["compare", "baseline", "--static"], ["--help"]])
def test_an_output_that_is_full_or_closed_is_said_in_one_line(command: list[str]) -> None:
    program = [sys.executable, "-m", "archlab_cli", *command]
    with open("/dev/full", "w") as full:
        done = subprocess.run(program, stdout=full, stderr=subprocess.PIPE, text=True, check=False)
    assert done.returncode == 2
    assert done.stderr == "archlab: standard output cannot be written, no space left on device\n"
    closed = subprocess.run([*["sh", "-c", '"$@" >&-', "sh"], *program], stderr=subprocess.PIPE, text=True, check=False)
    assert (closed.returncode, closed.stderr) == (2, "archlab: standard output is closed\n")


@pytest.mark.parametrize("encoding", ["ascii", "latin-1", "cp1252"])
def test_an_encoding_that_lacks_a_character_takes_its_escape(encoding: str, tmp_path: Path) -> None:
    (tmp_path / "net.yaml").write_text("name: 猫\narchitecture: [{Input: [8, 8, 3]}, {Conv: 4}]\n", encoding="utf-8")
    done = subprocess.run(
        [sys.executable, "-m", "archlab_cli", "compare", "net.yaml", "--static"],
        cwd=tmp_path, capture_output=True, env={**os.environ, "PYTHONIOENCODING": encoding}, check=False,
    )  # fmt: skip
    assert (done.returncode, done.stderr) == (0, b"")
    assert b"\\u732b" in done.stdout


def test_a_folder_that_is_yet_to_come_is_no_file(archlab, tmp_path: Path) -> None:
    done = archlab("compare", "baseline", "--static", "--output", f"{tmp_path}/new/")
    assert (done.code, done.out) == (2, "")
    assert "is a folder, name a file in it" in done.err
    assert not list(tmp_path.iterdir())
