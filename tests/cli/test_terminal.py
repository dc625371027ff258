"""What commands do on a terminal: completion, colour, width, --quiet and --verbose, and the list of commands."""

from __future__ import annotations

import pkgutil
import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import click
import pytest
from archlab_cli import commands
from archlab_cli.commands import SUMMARIES
from archlab_cli.main import app, run
from click.shell_completion import ShellComplete

from archlab.report import Prose, Table, to_text
from archlab.report._parts import Cell

ESCAPE = re.compile(r"\x1b\[[\d;]*m")


def offered(*words: str) -> list[str]:
    """What the shell is offered for the last word."""
    *before, last = words
    return [item.value for item in ShellComplete(app, {}, "archlab", "").get_completions(list(before), last)]


def test_every_command_is_listed_with_the_first_line_of_its_help() -> None:
    assert sorted(SUMMARIES) == sorted(module.name for module in pkgutil.iter_modules(commands.__path__))
    for name, summary in SUMMARIES.items():
        command = app.get_command(click.Context(app), name)
        assert command is not None and (command.help or "").startswith(summary), name


def test_commands_complete() -> None:
    assert offered("com") == ["compare"]


def test_references_complete_by_name_argument_and_model(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    assert {"residual", "resnet50"} <= set(offered("show", "res"))
    assert offered("show", "plain:de") == ["plain:depth="]
    assert "plain:depth=50,width=" in offered("compare", "residual", "plain:depth=50,")
    assert "plain:depth=50,depth=" not in offered("compare", "residual", "plain:depth=50,")
    assert "keras:ResNet50" in offered("show", "keras:res")
    assert offered("show", "unknown:") == []
    monkeypatch.chdir(tmp_path)
    for name in ("net.yaml", "notes.txt", "model.keras"):
        Path(name).touch()
    (tmp_path / "nets").mkdir()
    (tmp_path / "nets" / "deep.py").touch()
    assert offered("lint", "ne") == ["net.yaml", "nets/"]
    assert offered("lint", "nets/") == ["nets/deep.py"]
    assert offered("lint", "absent/") == []
    assert "notes.txt" not in offered("show", "")


@pytest.mark.parametrize(
    ("words", "value"),
    [
        (("show", "residual", "--format", ""), "latex"),
        (("compare", "residual", "--sort", "rec"), "receptive-field"),
        (("compare", "residual", "--recipe", "f"), "fast"),
        (("latency", "residual", "--device", ""), "t4"),
        (("render", "residual", "--color", "ma"), "macs"),
        (("render", "residual", "--view", ""), "pyramid"),
        (("show", "residual", "--by", ""), "stage"),
    ],
)
def test_values_of_options_complete(words: tuple[str, ...], value: str) -> None:
    assert value in offered(*words)


def test_folders_complete_as_folders() -> None:
    found = ShellComplete(app, {}, "archlab", "").get_completions(["train", "residual", "--data"], "ca")
    assert [item.type for item in found] == ["dir"]


def test_colour_is_asked_for_and_refused(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    texts: list[str] = []
    for name, value in (("", ""), ("FORCE_COLOR", "1"), ("NO_COLOR", "1")):
        if name:
            monkeypatch.setenv(name, value)
        assert run(["compare", "baseline", "residual", "--static"]) == 0
        texts.append(capsys.readouterr().out)
    piped, coloured, refused = texts
    assert piped == refused and "\x1b" not in piped
    assert "\x1b[1;32m721,857\x1b[0m" in coloured  # fewer parameters
    assert ESCAPE.sub("", coloured) == piped


def test_a_dumb_terminal_has_no_colour(monkeypatch: pytest.MonkeyPatch) -> None:
    from archlab_cli import options

    monkeypatch.delenv("NO_COLOR", raising=False)
    monkeypatch.delenv("FORCE_COLOR", raising=False)
    monkeypatch.setattr("sys.stdout.isatty", lambda: True, raising=False)
    monkeypatch.setenv("TERM", "xterm-256color")
    assert options.color()
    monkeypatch.setenv("TERM", "dumb")
    assert not options.color()


def terminal(monkeypatch: pytest.MonkeyPatch, columns: int) -> None:
    from archlab_cli import options

    monkeypatch.setenv("COLUMNS", str(columns))
    monkeypatch.setattr(options.sys.stdout, "isatty", lambda: True, raising=False)
    monkeypatch.setenv("TERM", "dumb")


def test_hidden_columns_are_announced_and_shown_when_asked_for(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    terminal(monkeypatch, 80)
    assert run(["show", "residual"]) == 0
    narrow = capsys.readouterr().out
    hidden = re.search(r"^(\d+) columns? hidden: --wide$", narrow, re.MULTILINE)
    assert hidden is not None
    assert run(["show", "residual", "--wide"]) == 0
    wide = capsys.readouterr().out
    assert "hidden" not in wide
    columns = [len(re.findall("-{2,}", text.splitlines()[next(_rules(text))])) for text in (narrow, wide)]
    assert columns[1] - columns[0] == int(hidden[1])


def _rules(text: str) -> Any:
    return (number for number, line in enumerate(text.splitlines()) if set(line) == {"-", " "})


@pytest.mark.parametrize(
    ("columns", "names"), [(80, ("baseline", "residual", "plain:depth=50")), (120, ("a", "b", "c", "d", "e"))]
)
def test_columns_that_are_compared_stand_side_by_side(columns: int, names: tuple[str, ...]) -> None:
    cells = [Cell("depends on the input size"), *[Cell("191 × 191 (100 %)")] * (len(names) - 1)]
    table = Table("", ("", *names), [("first layer covering the input", *cells)], stack=True)
    text = to_text((table,), columns)
    assert max(map(len, text.splitlines())) <= columns
    assert all(name in text.splitlines()[0] for name in names)


@pytest.mark.parametrize("width", [60, 40])
def test_columns_without_room_stand_in_groups_and_no_word_is_broken(width: int) -> None:
    names = ("residual", "keras:EfficientNetV2S", "plain:depth=50")
    row = ("first layer covering the input", "stage5/block1/max_pool", "depends on the input size", "1,024 × 1,024")
    text = to_text((Table("", ("", *names), [row], stack=True),), width)
    assert max(map(len, text.splitlines())) <= width
    # Every group has the label again, and the groups have every name.
    assert text.count("covering") == len(re.findall("^-", text, re.MULTILINE)) > 1
    words = set(re.findall(r"\w{2,}", " ".join(names + row)))
    pieces = {piece for word in words for piece in re.split("_", word)}
    assert set(re.findall(r"\w{2,}", text)) <= words | pieces | {word + "_" for word in pieces} | {"max_"}


def test_numbers_keep_their_units_on_a_line() -> None:
    lines = to_text((Prose("", ("saved activations +437.5 %, 48.2 MiB of 180 × 180 × 3",)),), 20).splitlines()
    assert "  +437.5 %, 48.2 MiB" in lines and "  of 180 × 180 × 3" in lines


def test_a_name_is_never_markup() -> None:
    text = to_text((Prose("[/red] net", ("[bold]x[/bold]: trains",), {"[bold]x[/bold]:": "name"}),), color=True)
    assert ESCAPE.sub("", text) == "[/red] net\n  [bold]x[/bold]: trains"


@pytest.mark.parametrize("words", [("-q", "render", "{}"), ("render", "{}", "--quiet")])
def test_quiet_commands_say_nothing_beside_their_result(
    words: tuple[str, ...], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    given = ["residual" if word == "{}" else word for word in words]
    assert run([*given, "-o", str(tmp_path / "net.svg")]) == 0
    assert capsys.readouterr().err == ""
    assert run(["render", "residual", "-o", str(tmp_path / "net.svg")]) == 0
    assert "written to" in capsys.readouterr().err


def test_verbose_commands_say_what_ran(capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["show", "baseline", "-v"]) == 0
    assert re.search(r"^archlab \S+.*, Python \S+: \d+\.\d+ s$", capsys.readouterr().err, re.MULTILINE)
    assert run(["show", "bselin", "-v"]) == 2
    assert "Traceback" in capsys.readouterr().err


@pytest.mark.parametrize("name", SUMMARIES)
def test_every_command_can_be_quiet(name: str) -> None:
    command: Any = app.get_command(click.Context(app), name)
    inner: list[Callable[..., Any]] = list(command.commands.values()) if isinstance(command, click.Group) else [command]
    assert all("-q" in param_names(each) for each in inner)


def param_names(command: Any) -> list[str]:
    return [name for param in command.params for name in param.opts]
