from __future__ import annotations

import pytest

from archlab.errors import ArchlabError, ArgumentError, DesignError, ShapeError, closest, did_you_mean


def test_the_tree_of_errors_lets_builtin_handlers_catch_them() -> None:
    assert issubclass(DesignError, ValueError) and issubclass(ArgumentError, TypeError)
    assert issubclass(ShapeError, DesignError) and issubclass(DesignError, ArchlabError)


def test_the_innermost_place_of_an_error_stays() -> None:
    assert str(ShapeError("does not fit").at("stage1/conv").at("stage1")) == "stage1/conv: does not fit"
    assert str(ShapeError("does not fit").at("conv").within("residual")) == "residual: conv: does not fit"


@pytest.mark.parametrize(
    ("name", "expected"), [("residul", ["residual"]), ("RESIDUAL", ["residual"]), ("xyz", []), ("plane", ["plain"])]
)
def test_closest_ignores_case(name: str, expected: list[str]) -> None:
    assert closest(name, ["residual", "plain"]) == expected


def test_all_choices_are_named_where_none_is_near() -> None:
    assert did_you_mean("zzz", ["same", "valid"]) == "choose from same, valid"
