"""What no machine holds and no terminal should obey is answered in one line, wherever it comes in."""

from __future__ import annotations

import xml.etree.ElementTree as ET
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import pytest
from archlab_cli.main import run

from archlab import Block, Conv, Dense, Flatten, Input, Part, Permute, RandomCrop, ReLU, Residual, Stage, analyze
from archlab.errors import ArchlabError, ArgumentError, DesignError
from archlab.graph import Repeat, Sequence
from archlab.ops import Op
from archlab.rendering import draw
from archlab.report import layers_report, to_csv, to_latex, to_markdown, to_text
from archlab.report.html import to_html
from archlab.sources import load

ESCAPE = "\x1b[2J"


def nested(deep: int) -> Part:
    part: Part = ReLU()
    for _ in range(deep):
        part = Residual(part)
    return part


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda: Conv(8, kernel=10**400), "at most 1,000,000,000,000,000, got a number of 401 digits"),
        (lambda: Conv(10**5000), "got a number of 5,001 digits"),
        (lambda: ReLU() * 10**16, "* needs a whole number of repeats, 0 or more, got 10000000000000000"),
        (lambda: nested(101), "parts may be nested 100 deep, and no deeper"),
        (lambda: Conv(8, initializer=None, activation=3), "activation"),  # pyright: ignore[reportArgumentType]
        (lambda: Permute("a", 1), "Permute needs every axis from 1 once, got ('a', 1)"),
        (lambda: Repeat("ReLU", 2), "the part of a Repeat must be a part, such as ReLU(), got 'ReLU'"),
        (lambda: Residual(ReLU(), merge=ReLU), "merge of a Residual must be a layer with several inputs"),
        (lambda: Stage(ReLU(), name=3), "the name of a Stage must be text, got 3"),
    ],
)  # fmt: skip
def test_arguments_that_no_layer_takes(make: Callable[[], object], message: str) -> None:
    with pytest.raises(ArgumentError) as caught:
        make()
    assert message in str(caught.value) and len(str(caught.value)) < 250


@pytest.mark.parametrize(
    ("net", "message"),
    [
        (Input(8, 8, 8, 1) >> RandomCrop(4, 4), "random_crop: RandomCrop needs an image, such as (32, 32, 3), got"),
        (Input(8, 8, 1) >> Conv(1) * 10**6, "at most 100,000 layers"),
        (Input(*[2] * 9), "its output has 9 axes, at most 8 are possible"),
        (Input(10**15, 10**15, 10**15) >> Flatten() >> Dense(1), "its output has more than 10^40 elements"),
    ],
    ids=str,
)
def test_architectures_that_no_machine_holds(net: Part, message: str) -> None:
    with pytest.raises(DesignError) as caught:
        net.to_graph()
    assert message in str(caught.value)


def test_what_stands_for_nothing_may_be_repeated_for_ever() -> None:
    net = Input(8, 8, 1) >> Sequence() * 10**11 >> Block(Sequence()) * 10**11 >> ReLU()
    assert [node.name for node in net.to_graph()] == ["input", "relu"]


@pytest.mark.parametrize(
    "arguments",
    [
        ["show", "plain:depth=²"],
        ["show", f"plain:depth={'9' * 5000}"],
        ["show", f"plain:width={10**301}"],
        ["show", f"{ESCAPE}\nresidual"],
        ["show", "x" * 300],
        ["show", f"{'x' * 300}.yaml"],
        ["show", f"{'x' * 300}.keras"],
        ["show", f"{'x' * 300}.py:net"],
        ["show", "residual", "--input", f"{'9' * 5000}x8"],
        ["show", "residual", "--input", "²x²"],
        ["show", "residual", "--by", ESCAPE],
        ["show", "residual", ESCAPE],
        ["gradients", "residual", "--depths", "²"],
        ["gradients", f"{'x' * 300}.jsonl"],
        ["gradients", "residual", "--seeds", "9" * 5000],
        ["train", "residual", "--resume", "x" * 300],
        ["train", "residual", "--set", f"lr={'9' * 5000}x"],
        ["train", "residual", "--set", "epochs=1e999"],
        ["experiment", f"{'x' * 300}.yaml"],
        ["evaluate", "x" * 300],
        [ESCAPE],
    ],
    ids=lambda arguments: ascii(" ".join(arguments)[:40]),
)
def test_hostile_arguments_are_one_short_line(arguments: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    assert run(arguments) == 2
    out, err = capsys.readouterr()
    assert out == "" and err.count("\n") == 1 and err.startswith("archlab: ")
    assert err.strip("\n").isprintable() and len(err) < 1100


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("[{Input: [8, 8, 1]}, {Conv: {filters: 0x" + "f" * 5000 + "}}]", "digits"),
        ("[{Input: [8, 8, 1]}, {Repeat: {part: ReLU, times: 100000000000}}]", "100,000,000,000 layers"),
        ("[{Input: [8, 8, 1]}, {Conv: " + "9" * 5000 + "}]", ""),
    ],
    ids=["hexadecimal", "repeats", "digits"],
)
def test_hostile_numbers_in_a_file(text: str, message: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (tmp_path / "net.yaml").write_text(text)
    assert run(["show", str(tmp_path / "net.yaml")]) == 2
    err = capsys.readouterr().err
    assert message in err and err.count("\n") == 1 and len(err) < 600


def test_an_empty_part_in_a_file_may_be_repeated_for_ever(tmp_path: Path) -> None:
    (tmp_path / "net.yaml").write_text("[{Input: [8, 8, 1]}, {Repeat: {part: [], times: 100000000000}}, ReLU]")
    assert len(load(str(tmp_path / "net.yaml")).graph) == 2


def test_escapes_in_names_are_shown_in_every_output(tmp_path: Path) -> None:
    net = Input(8, 8, 3) >> Stage(Block(Conv(4) >> ReLU(), name=f"block{ESCAPE}"), name=f"stage\u202e{ESCAPE}")
    found = load(net)
    report, _ = layers_report(found, analyze(net), "layer", False)
    for write in (to_text, to_markdown, to_latex, to_csv, to_html):
        text = write(report)
        assert "\x1b" not in text and "\u202e" not in text, write
        assert "x1b" in text, write
    drawing = draw(net.to_graph(), "layer", name=ESCAPE)
    ET.fromstring(drawing.svg)
    for text in (drawing.svg, drawing.dot, drawing.mermaid):
        assert "\x1b" not in text


def test_a_file_that_cannot_be_is_none_of_pythons_errors() -> None:
    with pytest.raises(ArchlabError, match="no file"):
        load("\x00.yaml")


def test_a_part_of_ones_own_may_be_annotated_with_anything() -> None:
    class Local:
        pass

    @dataclass(frozen=True, repr=False)
    class Mine(Op, abstract=True):
        size: Local | int = 3

    assert Mine(3).size == 3 and Mine("x").size == "x"  # pyright: ignore[reportArgumentType]
