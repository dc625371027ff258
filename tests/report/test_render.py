"""Reports as text: any width, any terminal, unknown named in every format."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import pytest

from archlab import Conv, Input, Part, ReLU, compare
from archlab.graph import Shape
from archlab.ops import Op
from archlab.report import Report, Table, comparison_report, layers_report, to_csv, to_json, to_markdown, to_text
from archlab.report._text import sparkline
from archlab.sources import load


@dataclass(frozen=True, repr=False)
class Mystery(Op, abstract=True):
    """An operation that says what shape comes out, and nothing else."""

    def output(self, *inputs: Shape) -> Shape:
        return inputs[0]


MYSTERIOUS: Part = Input(8, 8, 3) >> Conv(4) >> Mystery() >> ReLU()


def test_an_unknown_operation_is_named_in_every_format() -> None:
    found = compare(MYSTERIOUS, static=True)
    report = comparison_report(found.results)
    for text in (to_text(report), to_text(report, 40), to_markdown(report).replace("\\", "")):
        assert "mystery (Mystery) has no rule for" in " ".join(text.split())
        assert "≥ 112" in text
    assert '"mystery"' in to_json(found.to_dict()) and '"Mystery"' in to_json(found.to_dict())
    assert "mystery" in to_csv(report)
    layers, records = layers_report(found[0].architecture, found[0].analysis)
    row = next(line for line in to_text(layers).splitlines() if line.startswith("mystery"))
    # Parameters, MACs, FLOPs and what is stored: nothing is certain of any.
    assert row.split()[2:].count("unknown") == 4
    assert "mystery,Mystery,8x8x4," in to_csv(layers)
    assert records[2]["macs"] is None and records[2]["params"] is None
    assert (records[2]["params_state"], records[2]["memory_state"]) == ("unknown", "unknown")


@pytest.mark.parametrize("width", [200, 80, 60, 40])
def test_no_line_is_wider_than_the_terminal(width: int) -> None:
    names = ("baseline", "residual", "resnet50", "plain:depth=50,normalization=none")
    report = comparison_report(compare(*names, static=True).results)
    assert max(map(len, to_text(report, width).splitlines())) <= width


@pytest.mark.parametrize("width", [80, 40])
def test_layers_fit_by_leaving_out_the_last_columns(width: int) -> None:
    architecture = load("baseline")
    report, _ = layers_report(architecture, compare(architecture, static=True)[0].analysis)
    text = to_text(report, width)
    assert max(map(len, text.splitlines())) <= width
    assert "layer" in text


def test_ascii_terminals_get_ascii() -> None:
    text = to_text(comparison_report(compare("baseline", "residual", static=True).results), ascii=True)
    assert text.isascii()


def test_sparklines() -> None:
    assert sparkline((1.0, 10.0, 100.0), 0, 2, 10) == "▁▅█"
    assert sparkline(tuple(10.0**-n for n in range(64)), -63, 0, 8) == "█▇▆▅▄▃▂▁"
    assert sparkline((None, 0.0), 0, 1, 10) == " ▁"


def test_markdown_escapes_what_markdown_would_read() -> None:
    @dataclass(frozen=True, repr=False)
    class Odd(Op, abstract=True):
        def output(self, *inputs: Shape) -> Shape:
            return inputs[0]

    Odd.__name__ = "<b>|*odd*"
    text = to_markdown(comparison_report(compare(Input(8, 8, 3) >> Odd(), static=True).results))
    assert "&lt;b>\\|\\*odd\\*" in text and "<b>" not in text


def test_the_table_of_a_comparison_is_its_text() -> None:
    found = compare("baseline", static=True)
    assert str(found) == to_text(comparison_report(found.results))


def test_what_cannot_be_measured_keeps_nothing_else_from_being() -> None:
    net = Input(8, 8, 3) >> Conv(4) >> ReLU() >> Conv(4)
    found = compare({"odd": MYSTERIOUS, "fine": net}, seeds=1)
    assert found["odd"].gradient_flow is None
    assert found["fine"].gradient_flow is not None
    text = str(found)
    assert "odd: not measured, because mystery: Mystery has no layer in Keras." in text
    assert "fine: stable." in text
    assert "not measured, because" in str(compare({"odd": MYSTERIOUS}, seeds=1))
    assert found.to_dict()["architectures"][0]["not_measured"] == "mystery: Mystery has no layer in Keras"


def test_a_table_asks_for_the_values_of_layers_once_however_many_there_are(monkeypatch: pytest.MonkeyPatch) -> None:
    from archlab.report import _architecture

    plain = _architecture._of_layers
    asked: list[object] = []

    def counted(subject: Any, wanted: Any) -> Any:
        asked.append(wanted)
        return plain(subject, wanted)

    monkeypatch.setattr(_architecture, "_of_layers", counted)
    found = compare("residual", static=True)[0]
    _, records = layers_report(found.architecture, found.analysis)
    assert len(records) == len(found.analysis.graph)
    assert len(asked) == 1  # for the table and for the rows as plain data


@pytest.mark.parametrize("name", ["=cmd|' /C calc'!A0", "+1+cmd", "-x", "@SUM(A1)"])
def test_a_name_that_looks_like_a_formula_is_none_in_a_spreadsheet(name: str) -> None:
    table = Table("", ("name", "at"), ((name, "-78 -78"),), records=({"name": name, "at": "-78 -78", "slope": -0.5},))
    assert to_csv(Report((table,))).splitlines()[1].lstrip('"').startswith(f"'{name[0]}")
    assert to_csv(Report((table,))).endswith(",-78 -78,-0.5\n")
