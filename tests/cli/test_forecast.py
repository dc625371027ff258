"""`archlab forecast` and `archlab explain`."""

from __future__ import annotations

import json

import pytest


@pytest.fixture
def cli(capsys: pytest.CaptureFixture[str]):
    """The command line, called in this process."""
    from archlab_cli.main import run

    def call(*arguments: str) -> tuple[int, str, str]:
        capsys.readouterr()
        code = run(list(arguments))
        return code, *capsys.readouterr()

    return call


DEEP = "plain:depth=50,normalization=none,conv=ordinary"


def test_a_forecast_in_every_format(cli) -> None:
    for form in ("table", "markdown", "latex", "csv", "html"):
        code, out, _ = cli("forecast", DEEP, "residual", "--format", form)
        assert code == 0 and "fails" in out and "trains" in out, form
    code, out, _ = cli("forecast", DEEP, "residual", "--format", "json")
    data = json.loads(out)
    assert code == 0 and data["schema"] == 2
    first, second = data["architectures"]
    assert first["forecast"]["sgd"]["outcome"] == "fails" and second["forecast"]["adam"]["outcome"] == "trains"
    assert 0 <= first["forecast"]["adam"]["probability"] < 0.3
    assert first["forecast"]["causes"][0]["layers"] and first["forecast"]["causes"][0]["remedy"]


def test_a_comparison_has_it(cli) -> None:
    code, out, _ = cli("compare", "baseline", "residual", "--static")
    assert code == 0 and "forecast: SGD" in out and "Will it train?" in out
    code, out, _ = cli("compare", "baseline", "--static", "--format", "json")
    assert json.loads(out)["architectures"][0]["forecast"]["sgd"]["outcome"] == "trains"


def test_a_dead_cell_fails(cli) -> None:
    dead = "nas201:|none~0|+|none~0|skip_connect~1|+|none~0|nor_conv_1x1~1|none~2|"
    code, out, _ = cli("forecast", dead, "--format", "json")
    (found,) = json.loads(out)["architectures"]
    assert code == 0 and found["forecast"]["sgd"] == {"outcome": "fails", "probability": 0.0}
    assert "No path leads" in found["forecast"]["causes"][0]["sentence"]


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (("--loss", "mse"), "no loss 'mse' has a rule"),
        (("--input-range", "255"), "--input-range 255: expected LOW:HIGH, as in 0:255"),
        (("--input-range", "1:0"), "--input-range 1:0: expected LOW:HIGH"),
        (("--input-range", "0:inf"), "--input-range 0:inf: expected LOW:HIGH"),
        (("--input-range", "a:b"), "--input-range a:b: expected LOW:HIGH"),
    ],
)
def test_wrong_options_are_one_line(cli, arguments: tuple[str, str], message: str) -> None:
    code, out, err = cli("forecast", "baseline", *arguments)
    assert code == 2 and not out and message in err and err.count("\n") == 1


def test_an_explanation_in_every_format(cli) -> None:
    for form in ("table", "markdown", "latex", "csv", "html"):
        code, out, _ = cli("explain", DEEP, "--format", form)
        assert code == 0 and "activations" in out, form
    code, out, _ = cli("explain", "residual:depth=20", "--without", "Residual", "--format", "json")
    data = json.loads(out)
    assert code == 0 and [each["name"] for each in data["variants"]] == ["as it is", "without Residual"]
    terms = data["explanation"]["gradient"]
    assert sum(term["decades"] for term in terms) == pytest.approx(data["explanation"]["gradient_decades"])
    before, after = (each["gradient_flow_predicted"]["slope"] for each in data["variants"])
    assert after < before


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (("residual", "--without", "Relu"), "no kind of part is called 'Relu': did you mean ReLU"),
        (("residual", "--without", "Zero"), "--without Zero: residual has none; it has BatchNorm"),
    ],
)
def test_a_part_that_is_not_there_is_named(cli, arguments: tuple[str, ...], message: str) -> None:
    code, out, err = cli("explain", *arguments)
    assert code == 2 and not out and message in err and err.count("\n") == 1
