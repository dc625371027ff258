"""Saved records are read field by field: whatever stands there, it is read or named in one line."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from math import isnan
from pathlib import Path
from typing import Any, Literal

import pytest

from archlab.errors import SourceError
from archlab.files import INLINE, KEY, Exact, parse_json, read_json, read_lines, read_record


@dataclass
class Layer:
    name: str
    norm: float
    box: tuple[int, int] | None = None


@dataclass
class Trend:
    slope: float | None
    verdict: Literal["stable", "vanishing"] = "stable"


@dataclass
class Run:
    layers: tuple[Layer, ...]
    trend: Trend = field(metadata=INLINE)
    images: Mapping[str, int] = field(default_factory=dict, metadata={KEY: "photos"})
    paths: tuple[Exact, ...] = ()
    shares: tuple[float, ...] | tuple[tuple[float, ...], ...] = ()
    settings: Mapping[str, Any] = field(default_factory=dict)
    final: bool = True


GIVEN: dict[str, Any] = {"layers": [{"name": "conv", "norm": 1}], "slope": None}


def test_a_record_is_read() -> None:
    found = read_record(Run, GIVEN | {"photos": {"test": 3}, "later": 1, "paths": [10**400]}, "run.json")
    assert found == Run((Layer("conv", 1.0),), Trend(None), {"test": 3}, (10**400,))
    assert read_record(Run, GIVEN | {"shares": [[1, 2], [3, 4]]}, "").shares == ((1.0, 2.0), (3.0, 4.0))


def test_a_number_that_was_not_finite_is_nan() -> None:
    assert isnan(read_record(Layer, {"name": "conv", "norm": None}, "").norm)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"layers": 3}, "layers must be a list, got 3"),
        ({"layers": [3]}, "layers[0] must be an object, got 3"),
        ({"layers": [{"name": "conv"}]}, "the key 'layers[0].norm' is missing"),
        ({"layers": [{"name": "conv", "norm": {}}]}, "layers[0].norm must be a number, got an object"),
        ({"layers": [{"name": "conv", "norm": True}]}, "layers[0].norm must be a number, got true"),
        ({"layers": [{"name": "conv", "norm": 10**400}]},
         "layers[0].norm must be a number below 10^308, got a number of 401 digits"),
        ({"layers": [{"name": "\ud800", "norm": 1}]}, r"layers[0].name must be valid Unicode, got '\ud800'"),
        ({"layers": [{"name": "a", "norm": 1, "box": [1]}]}, "layers[0].box must be a list of 2, got one of 1"),
        ({"layers": [{"name": "a", "norm": 1, "box": [1, 2.5]}]}, "layers[0].box[1] must be a whole number, got 2.5"),
        ({"slope": "steep"}, "slope must be a number or null, got 'steep'"),
        ({"verdict": "stabel"}, "verdict: 'stabel' is not known: did you mean stable?"),
        ({"verdict": ["stable"]}, "verdict: ['stable'] is not known: choose from stable, vanishing"),
        ({"photos": {"test set": "{}"}}, "photos['test set'] must be a whole number, got '{}'"),
        ({"photos": {"a": 2**63}}, "photos.a must be a whole number of at most 64 bits, got 9223372036854775808"),
        ({"shares": [[1, 2], [3, "x"]]}, "shares[1][1] must be a number, got 'x'"),
        ({"shares": "x"}, "shares must be a list, got 'x'"),
        ({"final": 1}, "final must be true or false, got 1"),
        ({"final": "\x1b[2J" + "x" * 99},
         "final must be true or false, got '\\x1b[2J" + "x" * 51 + "…" + "x" * 19 + "'"),
    ],
)  # fmt: skip
def test_what_is_wrong_is_named_by_its_place(change: dict[str, Any], message: str) -> None:
    with pytest.raises(SourceError) as caught:
        read_record(Run, GIVEN | change, "run.json")
    assert str(caught.value) == f"run.json: {message}"


@pytest.mark.parametrize(("data", "got"), [([1], "a list"), (None, "null"), ("x", "'x'")])
def test_a_file_that_holds_something_else_is_no_record(data: object, got: str) -> None:
    with pytest.raises(SourceError, match=f"run.json: it must be an object, got {got}"):
        read_record(Run, data, "run.json")


def test_plain_data_may_not_be_nested_too_deeply() -> None:
    deep: Any = 1
    for _ in range(40):
        deep = [deep]
    with pytest.raises(SourceError, match=r"settings\.deep is nested more than 32 deep"):
        read_record(Run, GIVEN | {"settings": {"deep": deep}}, "run.json")


def test_only_a_strict_reader_refuses_unknown_keys() -> None:
    with pytest.raises(SourceError, match=r"layer.json: unknown key 'nrom': did you mean norm or name"):
        read_record(Layer, {"name": "a", "norm": 1, "nrom": 2}, "layer.json", strict=True)


@pytest.mark.parametrize("text", ["", "{", "[" * 100_000, "1" * 5000, '{"a": 1' + "0" * 5000 + "}", "nul"])
def test_what_is_no_json_is_one_line(text: str) -> None:
    with pytest.raises(SourceError, match=r"run.json: (invalid JSON|nested too deeply)"):
        parse_json(text, "run.json")


def test_files_that_cannot_be_read(tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError):
        read_json(tmp_path / "nothing.json")
    with pytest.raises(SourceError, match="cannot be read, is a directory"):
        read_json(tmp_path)
    (tmp_path / "binary.json").write_bytes(b"\xff\xfe\x00")
    with pytest.raises(SourceError, match=r"binary.json cannot be read, it is not a text file"):
        list(read_lines(tmp_path / "binary.json"))


def test_lines_end_where_they_were_ended(tmp_path: Path) -> None:
    file = tmp_path / "run.jsonl"
    file.write_text('{"a": "b\u2028c"}\n{"a": 2}', encoding="utf-8")
    assert [json.loads(line) for line, _ in read_lines(file)] == [{"a": "b\u2028c"}, {"a": 2}]
    assert [where for _, where in read_lines(file)] == [f"{file}:1", f"{file}:2"]


@pytest.mark.skipif(not Path("/dev/zero").exists(), reason="there is no device that never ends")
def test_what_never_ends_is_refused_unread(tmp_path: Path) -> None:
    for read in (read_json, lambda path: list(read_lines(path))):
        with pytest.raises(SourceError) as caught:
            read(Path("/dev/zero"))
        assert str(caught.value) == "/dev/zero cannot be read, it is a pipe or a device, not a file"


def test_a_number_that_no_float_holds_is_refused_and_infinity_is_not() -> None:
    assert parse_json('{"best": Infinity, "loss": 1e-999}', "state.json") == {"best": float("inf"), "loss": 0.0}
    with pytest.raises(SourceError, match=r"^run\.json:3: '-1e999' is no number below 10\^308$"):
        parse_json('{"loss": -1e999}', "run.json:3")
