"""`archlab render` as its user meets it."""

from __future__ import annotations

import pytest


def test_the_file_s_suffix_says_the_form(archlab, tmp_path) -> None:
    for suffix, start in (
        (".svg", b"<svg"),
        (".png", b"\x89PNG"),
        (".pdf", b"%PDF"),
        (".dot", b"//"),
        (".mmd", b"flow"),
    ):
        file = tmp_path / f"net{suffix}"
        assert archlab("render", "residual", "-o", file) == (0, "", f"written to {file}\n")
        assert file.read_bytes().startswith(start)


def test_without_a_file_it_goes_to_standard_output(process) -> None:
    assert process("render", "residual").out.startswith("<svg")
    assert process("render", "residual", "--format", "mermaid").out.startswith("flowchart TD")


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["residul"], "no architecture named 'residul': did you mean residual?"),
        (["residual", "-o", "x.jpg"], "a picture cannot be written as '.jpg': choose from .svg, .png, .pdf"),
        (["residual", "--format", "jpeg"], "--format jpeg: did you mean png?"),
        (["residual", "--level", "stages"], "level 'stages': did you mean stage?"),
        (["residual", "--only", "stage9"], "no stage or block named 'stage9': did you mean stage5"),
        (["residual", "--view", "pyramid", "--color", "macs"], "color 'macs': is for the view graph, not for pyramid"),
        (["residual", "--view", "pyramid", "-o", "x.dot"], "a picture cannot be written as '.dot': choose from .svg"),
        (["residual", "--image", "cat.jpg"], "is for the view pyramid and receptive-field, not for graph"),
        (["residual", "--view", "pyramid", "--image", "cat.jpg"], "cat.jpg: cannot be read, no such file or directory"),
        (["residual", "--input", "8"], "--input 8: write sizes such as 96x96"),
    ],
)
def test_bad_input_is_one_line(archlab, tmp_path, monkeypatch, arguments: list[str], message: str) -> None:
    monkeypatch.chdir(tmp_path)
    code, out, err = archlab("render", *arguments)
    assert (code, out, err.count("\n")) == (2, "", 1) and message in err
    assert not list(tmp_path.iterdir())


def test_a_file_of_ones_own_is_drawn(archlab, tmp_path) -> None:
    (tmp_path / "net.py").write_text(
        "from archlab import *\ndef net():\n    return Input(32, 32, 3) >> Residual(Conv(8) * 2) * 5 >> Dense(2)\n"
    )
    assert archlab("render", f"{tmp_path / 'net.py'}:net", "-o", tmp_path / "net.svg").code == 0
    assert "× 4" in (tmp_path / "net.svg").read_text(encoding="utf-8")
